#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "cshims_rename.h"

int cshims_rename_exclusive(const char *old_path, const char *new_path) {
  return renameat2(AT_FDCWD, old_path, AT_FDCWD, new_path, RENAME_NOREPLACE) == 0 ? 0 : errno;
}
