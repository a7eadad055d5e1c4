/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text console that Ctrl-A c switches to: a line is the name of a command that takes no
 * argument, in the spelling of QMP or of QEMU's console.  Everything goes through QMP dispatch, so
 * that there is one meaning of each command.
 */
#include "config.h"
#include "core/monitor/qmp.h"

#include <string.h>

#include "core/backend/chardev.h"

#define LINE_MAX_BYTES 512
#define PROMPT "(godwit) "

static GString *line;

/* What people type -> QMP. */
static const struct
{
  const char *typed, *command, *doc;
} words[] = {
  { "help", NULL, "this list" },
  { "info status", "query-status", "is the guest running" },
  { "info version", "query-version", "version of this program" },
  { "info cpus", "query-cpus-fast", "vCPUs and their threads" },
  { "info name", "query-name", "name given with -name" },
  { "info uuid", "query-uuid", "UUID given with -uuid" },
  { "info pci", "query-pci", "what is on the PCI buses" },
  { "info plugins", "query-plugins", "plugins found and loaded" },
  { "info block", "query-block", "drives and their back ends" },
  { "info blockstats", "query-blockstats", "what became of requests to drives" },
  { "stop", "stop", "pause the guest" },
  { "cont", "cont", "let the guest run on" },
  { "c", "cont", "the same" },
  { "system_reset", "system_reset", "reset the machine" },
  { "system_powerdown", "system_powerdown", "ask the guest to power down" },
  { "quit", "quit", "end the guest and the program" },
  { "q", "quit", "the same" },
};

static void
say (const char *text)
{
  /* A raw terminal wants the carriage return. */
  g_auto (GStrv) parts = g_strsplit (text, "\n", -1);
  g_autofree char *joined = g_strjoinv ("\r\n", parts);
  gwt_chardev_console_write (joined, strlen (joined));
}

static void
say_help (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
    {
      g_autofree char *text = g_strdup_printf ("%-18s %s\n", words[i].typed, words[i].doc);
      say (text);
    }
}

static void
execute (const char *typed)
{
  const char *command = NULL;
  bool known = false;
  for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
    if (strcmp (words[i].typed, typed) == 0)
      {
        known = true;
        command = words[i].command;
      }
  if (!known)
    {
      g_autofree char *text = g_strdup_printf ("unknown command: '%s'; try help\n", typed);
      say (text);
      return;
    }
  if (command == NULL)
    {
      say_help ();
      return;
    }
  struct json_object *request = json_object_new_object (), *answer, *part;
  json_object_object_add (request, "execute", json_object_new_string (command));
  answer = gwt_qmp_execute (request);
  if (json_object_object_get_ex (answer, "error", &part))
    {
      json_object_object_get_ex (part, "desc", &part);
      g_autofree char *text = g_strdup_printf ("error: %s\n", json_object_get_string (part));
      say (text);
    }
  else if (json_object_object_get_ex (answer, "return", &part)
           && (!json_object_is_type (part, json_type_object)
               || json_object_object_length (part) > 0))
    {
      say (json_object_to_json_string_ext (part, JSON_C_TO_STRING_PRETTY
                                                     | JSON_C_TO_STRING_NOSLASHESCAPE));
      say ("\n");
    }
  json_object_put (answer);
  json_object_put (request);
}

static void
end_line (void)
{
  say ("\n");
  g_strstrip (line->str);
  if (line->str[0] != '\0')
    execute (line->str);
  g_string_truncate (line, 0);
  say (PROMPT);
}

static void
on_input (const char *data, size_t size, void *opaque)
{
  for (size_t i = 0; i < size; i++)
    {
      char c = data[i];
      if (c == '\r' || c == '\n')
        end_line ();
      else if ((c == '\b' || c == 0x7f) && line->len > 0)
        {
          g_string_truncate (line, line->len - 1);
          say ("\b \b");
        }
      else if (c >= ' ' && c < 0x7f && line->len < LINE_MAX_BYTES)
        {
          g_string_append_c (line, c);
          gwt_chardev_console_write (&c, 1);
        }
    }
}

void
gwt_console_init (void)
{
  line = g_string_new (NULL);
  gwt_chardev_set_console (on_input, NULL);
}
