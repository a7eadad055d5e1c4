/* SPDX-License-Identifier: BSD-2-Clause */
/* What the commands of godwit-machine share: each is a file of its own in this folder. */
#ifndef TOOLS_MACHINE_TOOL_H
#define TOOLS_MACHINE_TOOL_H

#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include "core/util/error.h"

/* Exit statuses. */
#define TOOL_GOOD 0
#define TOOL_BAD 1
#define TOOL_UNDECIDED 2

struct tool_command
{
  const char *name;
  const char *usage; /* lines as --help shows them, each ended by a newline */
  /* ARGV[0] is the command's name.  The exit status; errors are reported. */
  int (*run) (int argc, char **argv);
};

/* godwit-machine.c: report, and answer TOOL_BAD.  WHERE may be NULL. */
int tool_fail (struct gwt_error *err, const char *where);
int tool_fail_text (const char *where, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* Print JSON, indented, and drop the reference; TOOL_GOOD, or TOOL_BAD where standard output cannot
   be written. */
int tool_print_json (struct json_object *json);
/* Standard output's last word. */
int tool_flush (int status);
/* A whole file ("-": standard input) of SIZE_MAX_BYTES at the most; caller frees. */
char *tool_read_file (const char *path, gsize max, gsize *size, struct gwt_error *err);

/* The commands. */
int tool_diff (int argc, char **argv);
int tool_explain (int argc, char **argv);
int tool_schema_diff (int argc, char **argv);

#endif
