/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns `godwit-machine check`: two manifests, or one and what this release would build, and whether
 * the guest of the first would go on in the second.
 */
#include "config.h"
#include "tools/machine/check.h"
#include <stdio.h>
#include <string.h>
#include "core/migration/preflight.h"

const char tool_check_usage[]
    = "  check [--json] A.json B.json\n"
      "                   would the guest of manifest A go on in the machine of manifest B?\n"
      "  check [--json] A.json --here [OPTION...]\n"
      "                   in the machine that the emulator beside this program would build with\n"
      "                   these options (-M, -smp, -m and -cpu are the guest's unless given)?\n"
      "                   Exit status: 0 yes (as it is, or once values are taken\n"
      "                   over), 1 no\n";

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

/* Is NAME (a letter's or a word's option) among OPTIONS? */
static bool
is_given (char **options, const char *name)
{
  for (; *options != NULL; options++)
    if (strcmp (*options + (g_str_has_prefix (*options, "--") ? 1 : 0), name) == 0)
      return true;
  return false;
}

/* What a destination takes from the guest where it is not told: as one that waits for it does. */
static void
add_open (GPtrArray *argv, char **options, const struct gwt_manifest *source)
{
  char *missing[] = {
    (char *) "-M",
    g_strdup (source->type),
    (char *) "-smp",
    g_strdup_printf ("cpus=%u,sockets=%u,cores=%u,threads=%u", source->cpus, source->sockets,
                     source->cores, source->threads),
    (char *) "-m",
    g_strdup_printf ("0x%" G_GINT64_MODIFIER "x", source->memory),
    (char *) "-cpu",
    g_strdup (source->cpu),
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (missing); i += 2)
    {
      if (is_given (options, missing[i])
          || (strcmp (missing[i], "-M") == 0 && is_given (options, "-machine")))
        {
          g_free (missing[i + 1]);
          continue;
        }
      g_ptr_array_add (argv, g_strdup (missing[i]));
      g_ptr_array_add (argv, missing[i + 1]);
    }
  /* The guest brings what it runs. */
  if (!is_given (options, "-S"))
    g_ptr_array_add (argv, g_strdup ("-S"));
}

/* OPTIONS end with NULL. */
static struct gwt_manifest *
manifest_here (char **options, const struct gwt_manifest *source, struct gwt_error *err)
{
  g_autofree char *program = emulator (err), *text = NULL;
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  int status;
  char **option;

  if (program == NULL)
    return NULL;
  g_ptr_array_add (argv, g_strdup (program));
  for (option = options; *option != NULL; option++)
    g_ptr_array_add (argv, g_strdup (*option));
  add_open (argv, options, source);
  g_ptr_array_add (argv, g_strdup ("-dump-manifest"));
  g_ptr_array_add (argv, g_strdup ("-"));
  g_ptr_array_add (argv, NULL);
  /* Its errors are told by itself, on the same standard error. */
  if (!g_spawn_sync (NULL, (char **) argv->pdata, NULL, G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL,
                     &text, NULL, &status, &error))
    {
      gwt_error_set (err, GWT_E_IO, "'%s' cannot be started: %s", program, error->message);
      return NULL;
    }
  if (!g_spawn_check_wait_status (status, NULL))
    {
      gwt_error_set (err, GWT_E_INVALID, "the emulator refuses these options, see above");
      return NULL;
    }
  return gwt_manifest_parse ("--here", text, strlen (text), err);
}

static void
print_lines (const struct gwt_preflight *result)
{
  guint i;

  puts (gwt_verdict_name (result->verdict));
  for (i = 0; i < result->reasons->len; i++)
    printf ("  %s\n", (const char *) g_ptr_array_index (result->reasons, i));
  for (i = 0; i < result->adaptations->len; i++)
    {
      const struct gwt_preflight_adaptation *a = g_ptr_array_index (result->adaptations, i);

      printf ("  taken over: %s\n", a->text);
    }
}

int
tool_check (int argc, char **argv)
{
  struct gwt_manifest *source = NULL, *destination = NULL;
  struct gwt_preflight result;
  GWT_AUTO_ERROR (err);
  int first = 1, status = TOOL_BAD;
  bool json = argc > 1 && strcmp (argv[1], "--json") == 0;

  first += json;
  if (argc < first + 2 || (strcmp (argv[first + 1], "--here") != 0 && argc != first + 2))
    return tool_fail_text ("check", "it takes two manifests, or one and --here with options of "
                                    "the emulator; see godwit-machine check --help");
  source = tool_manifest (argv[first], &err);
  if (source != NULL)
    destination = strcmp (argv[first + 1], "--here") == 0
                      ? manifest_here (argv + first + 2, source, &err)
                      : tool_manifest (argv[first + 1], &err);
  if (destination == NULL)
    {
      gwt_manifest_unref (source);
      return tool_fail (&err, "check");
    }
  gwt_preflight_run (source, destination, &result);
  if (json)
    status = tool_print_json (gwt_preflight_json (&result));
  else
    {
      print_lines (&result);
      status = tool_flush (TOOL_GOOD);
    }
  if (result.verdict == GWT_VERDICT_REFUSE)
    status = TOOL_BAD;
  gwt_preflight_clear (&result);
  gwt_manifest_unref (source);
  gwt_manifest_unref (destination);
  return status;
}
