/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory back ends, "-object memory-backend-ram|memfd|file": what the guest's memory is made of.
 * Must not know the machine that takes one.  All [main].
 */
#ifndef CORE_BACKEND_MEMDEV_H
#define CORE_BACKEND_MEMDEV_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/memory/memory.h"

struct gwt_memdev;

/* "TYPE,id=ID,size=SIZE[,share=on|off][,prealloc=on|off][,mem-path=FILE]", or the same as JSON with
   "qom-type". Judged; nothing is made. */
bool gwt_memdev_new_option (const char *text, struct gwt_error *err);
/* For who takes it.  NULL with ERR set: none has this id. */
struct gwt_memdev *gwt_memdev_find (const char *id, struct gwt_error *err);
bool gwt_memdev_exists (const char *id);
uint64_t gwt_memdev_size (const struct gwt_memdev *memdev);
/* Memory of it, a block by its id; once. */
struct gwt_region *gwt_memdev_make_ram (struct gwt_memdev *memdev, uint64_t flags,
                                        struct gwt_error *err);
/* Every one was found by somebody. */
bool gwt_memdev_check_used (struct gwt_error *err);
/* From here on files that were made stay, whatever happens. */
void gwt_memdev_keep (void);
void gwt_memdev_close_all (void);

#endif
