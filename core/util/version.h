/* SPDX-License-Identifier: BSD-2-Clause */
/* Versions and levels of plugins: numbers with dots. */
#ifndef CORE_UTIL_VERSION_H
#define CORE_UTIL_VERSION_H

#include <stdbool.h>

/* Negative, 0 or positive as A is older than, equal to, or newer than B; both valid. */
int gwt_version_compare (const char *a, const char *b);
bool gwt_version_is_valid (const char *text);

#endif
