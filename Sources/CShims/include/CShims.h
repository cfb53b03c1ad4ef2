// The C face of the system libraries: everything here begins with `cshims_`.
#ifndef CSHIMS_H
#define CSHIMS_H

#include "cshims_crypto.h"
#include "cshims_curl.h"
#include "cshims_gzip.h"
#include "cshims_hash.h"
#include "cshims_json.h"
#include "cshims_memory.h"
#include "cshims_rename.h"
#include "cshims_report.h"
#include "cshims_snappy.h"
#include "cshims_system.h"

#endif
