/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading whole files that a user named: firmware, kernels, descriptors. */
#ifndef CORE_MACHINE_FILE_H
#define CORE_MACHINE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include "core/util/error.h"

struct gwt_blob
{
  uint8_t *data; /* NULL for size 0 */
  uint64_t size;
};

/* Regular files only, at most LIMIT bytes; the error names the file and what to do. */
bool gwt_blob_load (struct gwt_blob *blob, const char *path, uint64_t limit, struct gwt_error *err);
bool gwt_blob_copy (struct gwt_blob *blob, const void *data, uint64_t size, struct gwt_error *err);
void gwt_blob_free (struct gwt_blob *blob);

#endif
