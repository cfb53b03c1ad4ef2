// renameat2(2) with RENAME_NOREPLACE, which Swift's view of the C library lacks.
#ifndef CSHIMS_RENAME_H
#define CSHIMS_RENAME_H

// Names `old_path` `new_path` unless that exists. 0, or the error number: EEXIST when it does,
// EINVAL or ENOSYS when the file system or the kernel cannot do it.
int cshims_rename_exclusive(const char *old_path, const char *new_path);

#endif
