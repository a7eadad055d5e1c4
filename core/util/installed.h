/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the files that were installed with this program are. */
#ifndef CORE_UTIL_INSTALLED_H
#define CORE_UTIL_INSTALLED_H

/* PATH, a folder below configure's prefix; where this program was moved, or installed into a
   packager's staging folder, the same folder there.  Caller frees. */
char *gwt_installed_path (const char *path);

/* The rule, for tests: PROGRAM is the path of the running program. */
char *gwt_installed_path_of (const char *program, const char *path);

#endif
