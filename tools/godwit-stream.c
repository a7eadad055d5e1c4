/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * godwit-stream: look at a migration stream in a file.  show, json, verify, diff, manifest.  Owns
 * only its command line; what is read and printed is tools/stream/'s.
 */
#include "config.h"
#include <stdio.h>
#include <string.h>
#include "core/util/log.h"
#include "core/util/text.h"
#include "tools/stream/capture.h"

/* As cmp (1) and diff (1) do, "different" and "cannot tell" are told apart. */
#define DIFFERENT 1
#define TROUBLE 2

static const char usage_text[]
    = "usage: godwit-stream [OPTION]... COMMAND FILE...\n"
      "  show FILE      the stream as a tree, each line with its place in the file\n"
      "  json FILE      the same as one JSON object\n"
      "  verify FILE    read it to its last byte; exit status 1 where it breaks the format\n"
      "  diff A B       differences by device and field, RAM by pages; exit status 0: none,\n"
      "                 1: some, 2: a file cannot be read\n"
      "  manifest FILE  what it says of the machine that it was sent from, as JSON\n"
      "  --all          show, diff: nothing shortened, and each record of RAM\n"
      "  --offset N     the stream begins at byte N of the file\n"
      "  --help, --version\n"
      "FILE - is standard input.  Streams are those of 'migrate' to a file or a command, of this\n"
      "emulator and of QEMU.\n";

struct options
{
  bool all;
  uint64_t offset;
};

static int
fail (struct gwt_error *err, const char *where, int status)
{
  gwt_error_report (err, where);
  return status;
}

static int
fail_text (const char *where, int status, const char *format, const char *arg)
{
  GWT_AUTO_ERROR (err);

  gwt_error_set (&err, GWT_E_INVALID, format, arg);
  return fail (&err, where, status);
}

static struct gwt_capture *
open_capture (const char *path, const struct options *o, struct gwt_error *err)
{
  struct gwt_capture_file *file = gwt_capture_file_open (path, o->offset, err);

  return file != NULL ? gwt_capture_new (file) : NULL;
}

/* GOOD and all of it written, or 1. */
static int
finish (bool good, const char *path, const char *command, int status, struct gwt_error *err)
{
  if (fflush (stdout) != 0)
    {
      gwt_error_set (err, GWT_E_IO, "standard output cannot be written");
      return fail (err, command, status);
    }
  if (good)
    return 0;
  gwt_error_prefix (err, "%s", strcmp (path, "-") == 0 ? "standard input" : path);
  return fail (err, command, status);
}

static int
show (const char *path, const struct options *o)
{
  GWT_AUTO_ERROR (err);
  struct gwt_capture *c = open_capture (path, o, &err);
  bool good = c != NULL && gwt_capture_show (c, o->all, &err);

  gwt_capture_free (c);
  return finish (good, path, "show", 1, &err);
}

static int
json (const char *path, const struct options *o)
{
  GWT_AUTO_ERROR (err);
  struct gwt_capture *c = open_capture (path, o, &err);
  bool good = c != NULL && gwt_capture_json (c, path, &err);

  gwt_capture_free (c);
  return finish (good, path, "json", 1, &err);
}

static int
manifest (const char *path, const struct options *o)
{
  GWT_AUTO_ERROR (err);
  struct gwt_capture *c = open_capture (path, o, &err);
  bool good = c != NULL && gwt_capture_print_manifest (c, &err);

  gwt_capture_free (c);
  return finish (good, path, "manifest", 1, &err);
}

/* ---- verify ---------------------------------------------------------------------------------- */

static void
print_verified (const struct gwt_capture *c)
{
  uint64_t pages = 0;
  guint sections = 0, i;

  for (i = 0; i < c->items->len; i++)
    sections += ((struct gwt_capture_item *) c->items->pdata[i])->tag == GWT_STREAM_FULL;
  for (i = 0; i < c->blocks->len; i++)
    pages += ((struct gwt_capture_block *) c->blocks->pdata[i])->pages;
  printf ("good: %" G_GUINT64_FORMAT " bytes, machine '%s', %u sections with %" G_GUINT64_FORMAT
          " fields, %u blocks of RAM with %" G_GUINT64_FORMAT " pages\n",
          gwt_capture_file_size (c->file), c->machine, sections, c->n_nodes - sections,
          c->blocks->len, pages);
}

static int
verify (const char *path, const struct options *o)
{
  const char *name = strcmp (path, "-") == 0 ? "standard input" : path;
  GWT_AUTO_ERROR (err);
  struct gwt_capture *c = open_capture (path, o, &err);
  bool good = c != NULL && gwt_capture_walk (c, NULL, NULL, &err);
  guint i;

  if (good && c->description == NULL)
    {
      gwt_error_set (&err, GWT_E_NOT_FOUND,
                     "byte %" G_GUINT64_FORMAT
                     ": no description follows the end; without one the content of sections cannot "
                     "be judged",
                     c->ended + 1);
      good = false;
    }
  for (i = 0; c != NULL && i < c->findings->len; i++)
    {
      const struct gwt_capture_finding *f
          = &g_array_index (c->findings, struct gwt_capture_finding, i);
      GWT_AUTO_ERROR (found);

      gwt_error_set (&found, GWT_E_INVALID, "%s: byte %" G_GUINT64_FORMAT ": %s", name, f->offset,
                     f->text);
      fail (&found, "verify", 1);
    }
  if (good && c->n_findings == 0)
    print_verified (c);
  good = good && c->n_findings == 0;
  gwt_capture_free (c);
  if (!good && !gwt_error_is_set (&err))
    return 1;
  return finish (good, path, "verify", 1, &err);
}

/* ---- diff ------------------------------------------------------------------------------------ */

static int
diff (const char *const *paths, const struct options *o)
{
  struct gwt_capture *c[2] = { NULL, NULL };
  GWT_AUTO_ERROR (err);
  bool good = true, same = false;
  int i;

  if (strcmp (paths[0], "-") == 0 && strcmp (paths[1], "-") == 0)
    return fail_text ("diff", TROUBLE, "%s", "standard input can be one of the two only");
  for (i = 0; i < 2 && good; i++)
    {
      c[i] = open_capture (paths[i], o, &err);
      good = c[i] != NULL && gwt_capture_walk (c[i], NULL, NULL, &err);
    }
  if (good)
    good = gwt_capture_diff (c[0], c[1], o->all, &same, &err);
  gwt_capture_free (c[0]);
  gwt_capture_free (c[1]);
  i = finish (good, paths[MAX (i, 1) - 1], "diff", TROUBLE, &err);
  return i != 0 ? i : same ? 0 : DIFFERENT;
}

/* ---- command line ---------------------------------------------------------------------------- */

static int
run (int argc, char **argv, const struct options *o)
{
  static const char *const names[] = { "show", "json", "verify", "diff", "manifest", NULL };
  const char *command = argv[0];
  int wanted = strcmp (command, "diff") == 0 ? 2 : 1, status = wanted == 2 ? TROUBLE : 1;

  if (!g_strv_contains (names, command))
    {
      g_autofree char *near = gwt_did_you_mean (command, names);
      g_autofree char *text
          = g_strdup_printf ("'%s' is no command%s", command,
                             near[0] != '\0' ? near : "; use show, json, verify, diff or manifest");

      return fail_text (NULL, 1, "%s", text);
    }
  if (argc - 1 != wanted)
    return fail_text (command, status, "%s",
                      wanted == 2         ? "two files are compared; name both"
                      : argc - 1 < wanted ? "the file is missing; name one, or - for standard input"
                                          : "too many arguments; name one file");
  if (o->all && strcmp (command, "diff") != 0 && strcmp (command, "show") != 0)
    return fail_text (command, 1, "%s", "--all is for show and diff; leave it out");
  if (wanted == 2)
    return diff ((const char *const *) argv + 1, o);
  if (strcmp (command, "manifest") == 0)
    return manifest (argv[1], o);
  if (strcmp (command, "show") == 0)
    return show (argv[1], o);
  return strcmp (command, "json") == 0 ? json (argv[1], o) : verify (argv[1], o);
}

int
main (int argc, char **argv)
{
  struct options o = { 0 };
  int i;

  gwt_log_set_program ("godwit-stream");
  for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++)
    {
      const char *option = argv[i] + (argv[i][1] == '-' ? 2 : 1);
      GWT_AUTO_ERROR (err);

      if (strcmp (option, "help") == 0)
        {
          fputs (usage_text, stdout);
          return fflush (stdout) != 0;
        }
      if (strcmp (option, "version") == 0)
        {
          printf ("godwit-stream %s\n", PACKAGE_VERSION);
          return fflush (stdout) != 0;
        }
      if (strcmp (option, "all") == 0)
        {
          o.all = true;
          continue;
        }
      if (strcmp (option, "offset") != 0)
        return fail_text (NULL, 1, "option '%s' is not understood; try --help", argv[i]);
      if (i + 1 == argc)
        return fail_text (NULL, 1, "option '%s' needs a number of bytes behind it", argv[i]);
      if (!gwt_parse_u64 (argv[++i], true, &o.offset, &err))
        return fail (&err, "--offset", 1);
    }
  if (i == argc)
    return fail_text (
        NULL, 1, "%s",
        "no command is given; use show, json, verify, diff or manifest, or try --help");
  return run (argc - i, argv + i, &o);
}
