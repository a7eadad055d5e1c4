/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors that were handed over and wait to be used: by name (QMP's getfd), or by number (left
 * open by whoever started the process).  [any]
 */
#ifndef CORE_UTIL_FDS_H
#define CORE_UTIL_FDS_H

#include <stdbool.h>
#include "core/util/error.h"

/* FD becomes ours, also on failure.  One of the same NAME is closed. */
bool gwt_fd_put (const char *name, int fd, struct gwt_error *err);
/* False with ERR set where there is none. */
bool gwt_fd_close (const char *name, struct gwt_error *err);
/* A copy of the descriptor called NAME_OR_NUMBER, close-on-exec, which the caller closes; -1 with
   ERR set.  A number must be one that this process was started with: ours are not for others. */
int gwt_fd_copy (const char *name_or_number, struct gwt_error *err);
/* It is used up: the one that was given is closed. */
void gwt_fd_used (const char *name_or_number);
void gwt_fd_close_all (void);

#endif
