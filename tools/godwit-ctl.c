/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * godwit-ctl: tell a running emulator what to do, and see what it does.  Owns its command line and
 * what each command asks; how that is spoken is tools/ctl/client.c's.
 */
#include "config.h"
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include "core/util/json.h"
#include "core/util/log.h"
#include "core/util/text.h"
#include "tools/ctl/client.h"
#include "tools/ctl/progress.h"

#define CANCELLED 2
/* Between two looks at a migration. */
#define LOOK_MS 100

static const char usage_text[]
    = "usage: godwit-ctl SOCKET COMMAND...\n"
      "SOCKET is the file of a -qmp socket, or unix:PATH, tcp:HOST:PORT.\n"
      "  migrate URI           move the guest to URI and show how it goes; Ctrl-C cancels\n"
      "  check URI             would the guest go on at URI?  Nothing of it is sent\n"
      "  incoming URI          after -incoming defer: wait for the guest there\n"
      "  status                of the guest and of its migration\n"
      "  continue              go on where 'pause-before-switchover' stopped\n"
      "  cancel                end the migration; the guest goes on\n"
      "  save FILE             the guest's state into FILE, while it goes on\n"
      "  load FILE             the state in FILE in place of what runs\n"
      "  set NAME=VALUE...     parameters and capabilities of migrations: downtime-limit=100,\n"
      "                        max-bandwidth=1G, xbzrle=on\n"
      "  set                   show them\n"
      "  qmp COMMAND|JSON      any command: query-status, '{\"execute\": ..., \"arguments\": "
      "...}'\n"
      "  --help, --version\n"
      "Exit status: 0 done, 1 failed, 2 cancelled.\n";

static int
fail (struct gwt_error *err, const char *where)
{
  gwt_error_report (err, where);
  return 1;
}

static int
fail_text (const char *where, const char *format, const char *arg)
{
  GWT_AUTO_ERROR (err);

  gwt_error_set (&err, GWT_E_INVALID, format, arg);
  return fail (&err, where);
}

/* ---- following a migration ------------------------------------------------------------------- */

static bool
is_status (struct json_object *info, const char *status)
{
  const char *is = gwt_answer_text (info, "status");

  return is != NULL && strcmp (is, status) == 0;
}

static bool
is_over (struct json_object *info)
{
  return gwt_answer_text (info, "status") == NULL || is_status (info, "none")
         || is_status (info, "completed") || is_status (info, "failed")
         || is_status (info, "cancelled");
}

/* The texts of the list NAME. */
static void
print_lines (struct json_object *verdict, const char *name, const char *before)
{
  struct json_object *list = gwt_answer_member (verdict, name, json_type_array);
  size_t i;

  for (i = 0; list != NULL && i < json_object_array_length (list); i++)
    {
      struct json_object *line = json_object_array_get_idx (list, i);
      g_autofree char *shown = gwt_one_line (
          json_object_is_type (line, json_type_string) ? json_object_get_string (line) : "?");

      printf ("%s: %s\n", before, shown);
    }
}

/* What the other end said of the guest. */
static void
print_verdict (struct json_object *verdict)
{
  print_lines (verdict, "reasons", "refused");
  print_lines (verdict, "adaptations", "adapted");
}

static int
print_end (struct json_object *info, const char *command, struct gwt_error *err)
{
  const char *reason = gwt_answer_text (info, "error-desc");
  g_autofree char *shown = reason != NULL ? gwt_one_line (reason) : NULL;

  print_verdict (gwt_answer_member (info, "preflight", json_type_object));

  if (is_status (info, "completed"))
    {
      gwt_print_result (info);
      return 0;
    }
  if (is_status (info, "cancelled"))
    {
      puts ("cancelled; the guest goes on");
      return CANCELLED;
    }
  gwt_error_set (err, GWT_E_FAILED, "%s", shown != NULL ? shown : "it failed without a reason");
  return fail (err, command);
}

/* Show it until it is over.  The first signal cancels it, the second leaves it alone. */
static int
follow (struct gwt_client *c, const char *command, struct gwt_error *err)
{
  struct gwt_progress_view view;
  bool cancelled = false;
  int status = 1;

  gwt_view_init (&view);
  for (;;)
    {
      struct json_object *info = gwt_client_ask (c, "query-migrate", NULL, err);

      if (info == NULL)
        break;
      if (is_over (info))
        {
          gwt_view_end (&view);
          status = print_end (info, command, err);
          json_object_put (info);
          return status;
        }
      gwt_view_show (&view, info);
      json_object_put (info);
      if (!gwt_client_wait (c, LOOK_MS, err))
        break;
      if (gwt_client_signals () > 1)
        {
          gwt_error_set (err, GWT_E_FAILED, "left; what it was told goes on, 'status' shows it");
          break;
        }
      if (gwt_client_signals () == 1 && !cancelled)
        {
          cancelled = true;
          if (!gwt_client_tell (c, "migrate_cancel", NULL, err))
            break;
        }
    }
  gwt_view_end (&view);
  return fail (err, command);
}

/* ---- commands -------------------------------------------------------------------------------- */

static int
start (struct gwt_client *c, const char *name, const char *command, struct json_object *arguments)
{
  GWT_AUTO_ERROR (err);

  gwt_client_catch_signals ();
  return gwt_client_tell (c, command, arguments, &err) ? follow (c, name, &err) : fail (&err, name);
}

static int
do_migrate (struct gwt_client *c, char **args)
{
  return start (c, "migrate", "migrate", gwt_client_argument ("uri", args[0]));
}

static int
print_check (struct json_object *check, struct gwt_error *err)
{
  const char *verdict = gwt_answer_text (check, "verdict");
  const char *reason = gwt_answer_text (check, "error-desc");
  g_autofree char *shown = gwt_one_line (verdict != NULL ? verdict
                                         : reason != NULL ? reason
                                                          : "it failed without a reason");

  if (verdict == NULL)
    {
      gwt_error_set (err, GWT_E_FAILED, "%s", shown);
      return fail (err, "check");
    }
  puts (shown);
  print_verdict (check);
  return strcmp (verdict, "ok") == 0 || strcmp (verdict, "adapt") == 0 ? 0 : 1;
}

static int
do_check (struct gwt_client *c, char **args)
{
  GWT_AUTO_ERROR (err);
  int status = 1;
  bool over = false, cancelled = false;

  gwt_client_catch_signals ();
  if (!gwt_client_tell (c, "migrate-check", gwt_client_argument ("uri", args[0]), &err))
    return fail (&err, "check");
  while (!over)
    {
      struct json_object *info = gwt_client_ask (c, "query-migrate", NULL, &err);
      struct json_object *check = gwt_answer_member (info, "check", json_type_object);
      const char *now = gwt_answer_text (check, "status");

      if (info == NULL)
        return fail (&err, "check");
      over = now == NULL || strcmp (now, "running") != 0;
      if (over)
        status = cancelled ? CANCELLED : print_check (check, &err);
      json_object_put (info);
      if (!over && !gwt_client_wait (c, LOOK_MS, &err))
        return fail (&err, "check");
      if (!over && gwt_client_signals () > 0 && !cancelled)
        {
          cancelled = true;
          if (!gwt_client_tell (c, "migrate_cancel", NULL, &err))
            return fail (&err, "check");
        }
    }
  return status;
}

/* Names are ours to say: where the emulator's folder is, is not seen from here. */
static struct json_object *
file_argument (struct gwt_client *c, const char *file)
{
  g_autofree char *path
      = gwt_client_is_local (c) ? g_canonicalize_filename (file, NULL) : g_strdup (file);

  return gwt_client_argument ("file", path);
}

static int
do_save (struct gwt_client *c, char **args)
{
  return start (c, "save", "state-save", file_argument (c, args[0]));
}

static int
do_load (struct gwt_client *c, char **args)
{
  return start (c, "load", "state-load", file_argument (c, args[0]));
}

/* Where it listens: port 0 became a real one. */
static void
print_addresses (struct json_object *info)
{
  struct json_object *list = gwt_answer_member (info, "socket-address", json_type_array);
  size_t i, n = list != NULL ? json_object_array_length (list) : 0;

  for (i = 0; i < n; i++)
    {
      struct json_object *a = json_object_array_get_idx (list, i);
      const char *path = gwt_answer_text (a, "path"), *host = gwt_answer_text (a, "host");
      const char *port = gwt_answer_text (a, "port");
      g_autofree char *text = path != NULL ? g_strdup_printf ("unix:%s", path)
                                           : g_strdup_printf ("tcp:%s:%s", host != NULL ? host : "",
                                                              port != NULL ? port : "");
      g_autofree char *shown = gwt_one_line (text);

      printf ("waiting at %s\n", shown);
    }
}

static int
do_incoming (struct gwt_client *c, char **args)
{
  GWT_AUTO_ERROR (err);
  struct json_object *info;

  if (!gwt_client_tell (c, "migrate-incoming", gwt_client_argument ("uri", args[0]), &err)
      || (info = gwt_client_ask (c, "query-migrate", NULL, &err)) == NULL)
    return fail (&err, "incoming");
  print_addresses (info);
  json_object_put (info);
  return 0;
}

static int
do_continue (struct gwt_client *c, char **args)
{
  GWT_AUTO_ERROR (err);

  (void) args;
  return gwt_client_tell (c, "migrate-continue", gwt_client_argument ("state", "pre-switchover"),
                          &err)
             ? 0
             : fail (&err, "continue");
}

static int
do_cancel (struct gwt_client *c, char **args)
{
  GWT_AUTO_ERROR (err);
  struct json_object *info = NULL;
  int status = 1;

  (void) args;
  gwt_client_catch_signals ();
  if (!gwt_client_tell (c, "migrate_cancel", NULL, &err))
    return fail (&err, "cancel");
  while ((info = gwt_client_ask (c, "query-migrate", NULL, &err)) != NULL && !is_over (info)
         && gwt_client_signals () == 0 && gwt_client_wait (c, LOOK_MS, &err))
    {
      json_object_put (info);
      info = NULL;
    }
  if (gwt_client_signals () > 0)
    gwt_error_set (&err, GWT_E_FAILED, "left before it was cancelled; 'status' shows it");
  else if (info != NULL && is_status (info, "completed"))
    gwt_error_set (&err, GWT_E_FAILED, "it was too late: the migration is completed");
  else if (info != NULL)
    {
      g_autofree char *text = gwt_describe_migration (info);

      puts (text);
      status = 0;
    }
  json_object_put (info);
  return status == 0 ? 0 : fail (&err, "cancel");
}

static int
do_status (struct gwt_client *c, char **args)
{
  GWT_AUTO_ERROR (err);
  struct json_object *guest = gwt_client_ask (c, "query-status", NULL, &err), *info = NULL, *list;
  const char *state;
  size_t i;

  (void) args;
  if (guest != NULL)
    info = gwt_client_ask (c, "query-migrate", NULL, &err);
  if (info == NULL)
    {
      json_object_put (guest);
      return fail (&err, "status");
    }
  state = gwt_answer_text (guest, "status");
  {
    g_autofree char *shown = gwt_one_line (state != NULL ? state : "not known");

    printf ("guest: %s\n", shown);
  }
  printf ("migration: ");
  if (is_status (info, "completed"))
    gwt_print_result (info);
  else
    {
      g_autofree char *text = gwt_describe_migration (info);

      puts (text);
    }
  print_addresses (info);
  list = gwt_answer_member (info, "blocked-reasons", json_type_array);
  for (i = 0; list != NULL && i < json_object_array_length (list); i++)
    {
      struct json_object *reason = json_object_array_get_idx (list, i);
      g_autofree char *shown = gwt_one_line (
          json_object_is_type (reason, json_type_string) ? json_object_get_string (reason) : "?");

      printf ("blocked: %s\n", shown);
    }
  json_object_put (info);
  json_object_put (guest);
  return 0;
}

static int
print_json (struct json_object *json)
{
  puts (json_object_to_json_string_ext (json, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED
                                                  | JSON_C_TO_STRING_NOSLASHESCAPE));
  json_object_put (json);
  return 0;
}

static int
do_qmp (struct gwt_client *c, char **args)
{
  GWT_AUTO_ERROR (err);
  struct json_object *request = NULL, *answer = NULL, *arguments = NULL;
  const char *command = args[0];

  if (command[0] == '{')
    {
      request = gwt_json_parse (args[0], strlen (args[0]), &err);
      command = gwt_answer_text (request, "execute");
      arguments = gwt_answer_member (request, "arguments", json_type_object);
      if (request != NULL)
        {
          json_object_object_foreach (request, key, value)
          {
            (void) value;
            if ((strcmp (key, "execute") == 0 && command != NULL)
                || (strcmp (key, "arguments") == 0 && arguments != NULL))
              continue;
            gwt_error_set (&err, GWT_E_INVALID,
                           "'%s' is not understood; give 'execute', a text, and 'arguments', an "
                           "object",
                           key);
          }
        }
      if (command == NULL)
        gwt_error_set (&err, GWT_E_INVALID, "'execute' is missing; name the command");
    }
  if (!gwt_error_is_set (&err))
    answer = gwt_client_ask (c, command, json_object_get (arguments), &err);
  json_object_put (request);
  return answer != NULL ? print_json (answer) : fail (&err, "qmp");
}

/* ---- command line ---------------------------------------------------------------------------- */

static const struct
{
  const char *name;
  int arguments; /* -1: any number */
  const char *missing;
  int (*run) (struct gwt_client *c, char **args);
} commands[]
    = { { "migrate", 1, "where to is missing; give a URI, as in tcp:HOST:PORT", do_migrate },
        { "check", 1, "where to is missing; give a URI, as in tcp:HOST:PORT", do_check },
        { "incoming", 1, "where is missing; give a URI, as in tcp:HOST:PORT", do_incoming },
        { "status", 0, NULL, do_status },
        { "continue", 0, NULL, do_continue },
        { "cancel", 0, NULL, do_cancel },
        { "save", 1, "the file is missing; name one", do_save },
        { "load", 1, "the file is missing; name one", do_load },
        { "set", -1, NULL, gwt_ctl_set },
        { "qmp", 1, "the command is missing; name it", do_qmp } };

static int
refuse_command (const char *name)
{
  const char *names[G_N_ELEMENTS (commands) + 1] = { NULL };
  g_autofree char *near = NULL, *text = NULL;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (commands); i++)
    names[i] = commands[i].name;
  near = gwt_did_you_mean (name, names);
  text = g_strdup_printf ("'%s' is no command%s", name,
                          near[0] != '\0' ? near : "; --help shows them");
  return fail_text (NULL, "%s", text);
}

static int
run (const char *socket, int argc, char **argv)
{
  GWT_AUTO_ERROR (err);
  struct gwt_client *c;
  int status;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (commands) && strcmp (commands[i].name, argv[0]) != 0; i++)
    ;
  if (i == G_N_ELEMENTS (commands))
    return refuse_command (argv[0]);
  if (commands[i].arguments >= 0 && argc - 1 != commands[i].arguments)
    return fail_text (argv[0], "%s",
                      argc - 1 < commands[i].arguments ? commands[i].missing
                                                       : "too many arguments; see --help");
  c = gwt_client_new (socket, &err);
  if (c == NULL)
    {
      gwt_error_prefix (&err, "%s", socket);
      return fail (&err, argv[0]);
    }
  status = commands[i].run (c, argv + 1);
  gwt_client_free (c);
  if (fflush (stdout) != 0)
    return fail_text (argv[0], "%s", "standard output cannot be written");
  return status;
}

int
main (int argc, char **argv)
{
  gwt_log_set_program ("godwit-ctl");
  if (argc > 1 && argv[1][0] == '-')
    {
      const char *option = argv[1] + (argv[1][1] == '-' ? 2 : 1);

      if (strcmp (option, "help") == 0)
        {
          fputs (usage_text, stdout);
          return fflush (stdout) != 0;
        }
      if (strcmp (option, "version") == 0)
        {
          printf ("godwit-ctl %s\n", PACKAGE_VERSION);
          return fflush (stdout) != 0;
        }
      return fail_text (NULL, "option '%s' is not understood; try --help", argv[1]);
    }
  if (argc < 3)
    return fail_text (NULL, "%s",
                      argc < 2 ? "no socket is given; name the one of -qmp, or try --help"
                               : "no command is given; try --help");
  return run (argv[1], argc - 2, argv + 2);
}
