/* SPDX-License-Identifier: BSD-2-Clause */
/* Which build of a program or a shared object runs: two that are equal have the same code. */
#ifndef CORE_UTIL_BUILD_ID_H
#define CORE_UTIL_BUILD_ID_H

/* Of what has ADDRESS loaded in this process: hexadecimal digits, caller frees.  NULL: its linker
   did not write one. */
char *gwt_build_id (const void *address);

#endif
