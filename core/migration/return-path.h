/* SPDX-License-Identifier: BSD-2-Clause */
/* What those have in common who read a return path: see return-path.c. */
#ifndef CORE_MIGRATION_RETURN_PATH_H
#define CORE_MIGRATION_RETURN_PATH_H

#include "core/migration/channel.h"

/* [migration] SIZE bytes.  False with ERR set, or with *END: there was an end before the first. */
bool gwt_return_path_read (struct gwt_channel *channel, uint8_t *to, gsize size, bool *end,
                           struct gwt_error *err);

#endif
