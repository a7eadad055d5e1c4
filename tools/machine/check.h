/* SPDX-License-Identifier: BSD-2-Clause */
/* godwit-machine check, and what other commands need of it. */
#ifndef TOOLS_MACHINE_CHECK_H
#define TOOLS_MACHINE_CHECK_H

#include "core/migration/manifest.h"
#include "tools/machine/tool.h"

extern const char tool_check_usage[];
int tool_check (int argc, char **argv);

/* The manifest in a file ("-": standard input), or NULL with ERR set. */
struct gwt_manifest *tool_manifest (const char *path, struct gwt_error *err);

#endif
