/* SPDX-License-Identifier: BSD-2-Clause */
/* What query-migrate says, for a person: a line while it goes on, and where the time went. */
#ifndef TOOLS_CTL_PROGRESS_H
#define TOOLS_CTL_PROGRESS_H

#include <json-c/json.h>
#include <stdbool.h>

/* Standard output is a terminal: one line is drawn over and over.  Else each is a line of its
   own. */
struct gwt_progress_view
{
  bool terminal;
  bool drawn;       /* there is a line to draw over */
  char status[32];  /* of the last line */
  long long second; /* of the last line that was no terminal's */
};

void gwt_view_init (struct gwt_progress_view *view);
/* Show INFO, query-migrate's answer; not more often than is of use. */
void gwt_view_show (struct gwt_progress_view *view, struct json_object *info);
/* The line is over. */
void gwt_view_end (struct gwt_progress_view *view);
/* One line, without a newline; free with g_free. */
char *gwt_describe_migration (struct json_object *info);
/* A migration that has completed: what was sent, how long the guest stood, and for what. */
void gwt_print_result (struct json_object *info);

#endif
