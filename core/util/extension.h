/* SPDX-License-Identifier: BSD-2-Clause */
/* Extension tables by id, from the host's layers and from plugins.  [main] to add, [any] to find.
 */
#ifndef CORE_UTIL_EXTENSION_H
#define CORE_UTIL_EXTENSION_H

#include <stdbool.h>
#include "core/util/error.h"

/* OWNER is "host" or a plugin id.  An id that is taken is an error naming both owners. */
bool gwt_extension_add (const char *id, const void *table, const char *owner,
                        struct gwt_error *err);
const void *gwt_extension_find (const char *id);
const char *gwt_extension_owner (const char *id); /* NULL where nobody offers it */
/* All ids, sorted, NULL-terminated; free with g_free (the strings are not copies). */
const char **gwt_extension_ids (void);

#endif
