/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns `godwit-machine check`: two manifests, or one and what this release would build, and whether
 * the guest of the first would go on in the second.  What is built is judged by the emulator
 * itself, as it judges a guest that comes.
 */
#include "config.h"
#include "tools/machine/check.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "core/migration/verdict.h"

const char tool_check_usage[]
    = "  check [--json] A.json B.json\n"
      "                   would the guest of manifest A go on in the machine of manifest B?  B "
      "may\n"
      "                   be what -dump-manifest wrote with -guest-manifest A.json\n"
      "  check [--json] A.json --here [OPTION...]\n"
      "                   in the machine that the emulator beside this program would build for it\n"
      "                   with these options?\n"
      "                   Exit status: 0 yes (as it is, or once values are taken\n"
      "                   over), 1 no, 2 that two manifests cannot tell\n";

struct gwt_manifest *
tool_manifest (const char *path, struct gwt_error *err)
{
  gsize size;
  g_autofree char *text = tool_read_file (path, GWT_MANIFEST_SIZE_MAX, &size, err);

  if (text != NULL)
    return gwt_manifest_parse (path, text, size, err);
  gwt_error_prefix (err, "%s", path);
  return NULL;
}

/* The emulator that was installed, or built, with this program. */
static char *
emulator (struct gwt_error *err)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = g_path_get_dirname (self != NULL ? self : "");
  g_autofree char *beside = g_build_filename (folder, "godwit", NULL);
  g_autofree char *built = g_build_filename (folder, "..", "core", "godwit", NULL);

  if (g_file_test (beside, G_FILE_TEST_IS_EXECUTABLE))
    return g_steal_pointer (&beside);
  if (g_file_test (built, G_FILE_TEST_IS_EXECUTABLE))
    return g_steal_pointer (&built);
  gwt_error_set (err, GWT_E_NOT_FOUND,
                 "there is no emulator '%s'; install it beside godwit-machine", beside);
  return NULL;
}

/* The text of M under a name that another program can open. */
static int
share (const struct gwt_manifest *m, struct gwt_error *err)
{
  size_t size;
  const char *text = gwt_manifest_text (m, &size);
  int fd = memfd_create ("manifest", 0);

  for (size_t done = 0; fd >= 0 && done < size;)
    {
      ssize_t n = write (fd, text + done, size - done);

      if (n > 0)
        done += (size_t) n;
      else
        {
          close (fd);
          fd = -1;
        }
    }
  if (fd < 0)
    gwt_error_set (err, GWT_E_NO_MEMORY, "the host has no memory for the manifest; free some");
  return fd;
}

/* OPTIONS end with NULL.  The document that the emulator writes, or NULL with ERR set. */
static char *
ask_here (char **options, const struct gwt_manifest *guest, struct gwt_error *err)
{
  g_autofree char *program = emulator (err), *text = NULL;
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  int status, fd = program != NULL ? share (guest, err) : -1;
  char **option;

  if (fd < 0)
    return NULL;
  g_ptr_array_add (argv, g_strdup (program));
  for (option = options; *option != NULL; option++)
    g_ptr_array_add (argv, g_strdup (*option));
  g_ptr_array_add (argv, g_strdup ("-guest-manifest"));
  g_ptr_array_add (argv, g_strdup_printf ("/proc/self/fd/%d", fd));
  g_ptr_array_add (argv, g_strdup ("-dump-manifest"));
  g_ptr_array_add (argv, g_strdup ("-"));
  g_ptr_array_add (argv, NULL);
  /* Its errors are told by itself, on the same standard error. */
  if (!g_spawn_sync (NULL, (char **) argv->pdata, NULL,
                     G_SPAWN_CHILD_INHERITS_STDIN | G_SPAWN_LEAVE_DESCRIPTORS_OPEN, NULL, NULL,
                     &text, NULL, &status, &error))
    gwt_error_set (err, GWT_E_IO, "'%s' cannot be started: %s", program, error->message);
  else if (!g_spawn_check_wait_status (status, NULL))
    gwt_error_set (err, GWT_E_INVALID, "the emulator refuses these options, see above");
  close (fd);
  return gwt_error_is_set (err) ? NULL : g_steal_pointer (&text);
}

static struct gwt_manifest *
read_guest (const char *path, struct gwt_error *err)
{
  gsize size;
  g_autofree char *text = tool_read_file (path, GWT_MANIFEST_SIZE_MAX, &size, err);
  struct gwt_manifest *m;

  if (text == NULL)
    {
      gwt_error_prefix (err, "%s", path);
      return NULL;
    }
  m = gwt_verdict_read (path, text, size, NULL, err);
  if (m == NULL)
    gwt_error_set (err, GWT_E_INVALID,
                   "%s: it is a verdict without a machine, for the guest was refused; name a "
                   "manifest",
                   path);
  return m;
}

/* What TEXT has to say of GUEST: a manifest, or a verdict that was reached already.  New reference.
 */
static struct json_object *
judge (const struct gwt_manifest *guest, const char *where, const char *text, size_t size,
       struct gwt_error *err)
{
  struct json_object *document, *verdict = NULL;
  struct gwt_manifest *m = gwt_verdict_read (where, text, size, &document, err);
  struct gwt_preflight result;

  if (document != NULL && !gwt_verdict_is_about (document, guest))
    gwt_error_set (err, GWT_E_INVALID,
                   "%s: it is about another guest; write it with -guest-manifest and this one's "
                   "manifest",
                   where);
  else if (document != NULL)
    {
      static const char *const members[] = { "verdict", "reasons", "adaptations" };

      verdict = json_object_new_object ();
      for (guint i = 0; i < G_N_ELEMENTS (members); i++)
        json_object_object_add (verdict, members[i],
                                json_object_get (json_object_object_get (document, members[i])));
    }
  else if (m != NULL)
    {
      gwt_preflight_files (guest, m, &result);
      verdict = gwt_preflight_json (&result);
      gwt_preflight_clear (&result);
    }
  json_object_put (document);
  gwt_manifest_unref (m);
  return verdict;
}

static void
print_lines (struct json_object *verdict, const char *member, const char *before)
{
  struct json_object *list = json_object_object_get (verdict, member);

  for (size_t i = 0; list != NULL && i < json_object_array_length (list); i++)
    printf ("  %s%s\n", before, json_object_get_string (json_object_array_get_idx (list, i)));
}

static void
print_verdict (struct json_object *verdict, const char *guest)
{
  const char *file = strcmp (guest, "-") == 0 ? "A.json" : guest;

  puts (json_object_get_string (json_object_object_get (verdict, "verdict")));
  print_lines (verdict, "reasons", "");
  print_lines (verdict, "adaptations", "taken over: ");
  if (!json_object_object_get_ex (verdict, "undecided", NULL))
    return;
  print_lines (verdict, "undecided", "open: ");
  printf ("  to decide it, on the destination's host, with its options: godwit-machine check %s "
          "--here OPTION...\n"
          "  or: godwit OPTION... -guest-manifest %s -dump-manifest B.json, and anywhere: "
          "godwit-machine check %s B.json\n",
          file, file, file);
}

static int
status_of (struct json_object *verdict)
{
  const char *word = json_object_get_string (json_object_object_get (verdict, "verdict"));

  return strcmp (word, "refuse") == 0      ? TOOL_BAD
         : strcmp (word, "undecided") == 0 ? TOOL_UNDECIDED
                                           : TOOL_GOOD;
}

int
tool_check (int argc, char **argv)
{
  struct gwt_manifest *guest;
  struct json_object *verdict = NULL;
  g_autofree char *text = NULL;
  GWT_AUTO_ERROR (err);
  gsize size = 0;
  bool json = argc > 1 && strcmp (argv[1], "--json") == 0, here;
  int first = 1 + json, status;

  if (argc < first + 2 || (strcmp (argv[first + 1], "--here") != 0 && argc != first + 2))
    return tool_fail_text ("check", "it takes two manifests, or one and --here with options of "
                                    "the emulator; see godwit-machine check --help");
  here = strcmp (argv[first + 1], "--here") == 0;
  guest = read_guest (argv[first], &err);
  if (guest != NULL && here)
    {
      text = ask_here (argv + first + 2, guest, &err);
      size = text != NULL ? strlen (text) : 0;
    }
  else if (guest != NULL)
    {
      text = tool_read_file (argv[first + 1], GWT_MANIFEST_SIZE_MAX, &size, &err);
      gwt_error_prefix (&err, "%s", argv[first + 1]);
    }
  if (text != NULL)
    verdict = judge (guest, here ? "--here" : argv[first + 1], text, size, &err);
  gwt_manifest_unref (guest);
  if (verdict == NULL)
    return tool_fail (&err, "check");
  status = status_of (verdict);
  if (json)
    return tool_print_json (verdict) == TOOL_GOOD ? status : TOOL_BAD;
  print_verdict (verdict, argv[first]);
  json_object_put (verdict);
  return tool_flush (status);
}
