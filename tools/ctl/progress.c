/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What query-migrate says, for a person: see progress.h.  Every member may be missing or absurd;
 * the terminal gets printable text alone.
 */
#include "config.h"
#include "tools/ctl/progress.h"
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "core/util/text.h"
#include "tools/ctl/client.h"

/* From so many columns on, the long line fits. */
#define WIDE 130

/* Bytes as a person reads them; in SIZE bytes of TEXT. */
static const char *
bytes_text (double bytes, char *text, size_t size)
{
  static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
  guint unit = 0;

  while (bytes >= 1024 && unit + 1 < G_N_ELEMENTS (units))
    {
      bytes /= 1024;
      unit++;
    }
  g_snprintf (text, (gulong) size, unit == 0 ? "%.0f %s" : "%.1f %s", MAX (bytes, 0), units[unit]);
  return text;
}

static void
add_bytes (GString *line, const char *format, double bytes)
{
  char text[64];

  g_string_append_printf (line, format, bytes_text (bytes, text, sizeof (text)));
}

/* BYTES in five characters. */
static void
add_short (GString *line, const char *before, double bytes, const char *behind)
{
  static const char units[] = "BKMGT";
  guint unit = 0;

  while (bytes >= 1000 && unit + 2 < sizeof (units))
    {
      bytes /= 1024;
      unit++;
    }
  g_string_append_printf (line, unit == 0 || bytes >= 9.95 ? "%s%.0f%c%s" : "%s%.1f%c%s", before,
                          MAX (bytes, 0), units[unit], behind);
}

static const char *
status_of (struct json_object *info)
{
  const char *status = gwt_answer_text (info, "status");

  return status != NULL ? status : "none";
}

/* ---- while it goes on ------------------------------------------------------------------------ */

char *
gwt_describe_migration (struct json_object *info)
{
  struct json_object *ram = gwt_answer_member (info, "ram", json_type_object);
  struct json_object *cache = gwt_answer_member (info, "xbzrle-cache", json_type_object);
  g_autoptr (GString) line = g_string_new (status_of (info));
  int64_t throttle = gwt_answer_int (info, "cpu-throttle-percentage");
  const char *reason = gwt_answer_text (info, "error-desc");

  if (reason != NULL)
    g_string_append_printf (line, ": %s", reason);
  if (ram != NULL)
    {
      double page = gwt_answer_number (ram, "page-size");

      g_string_append_printf (line, ", round %" G_GINT64_FORMAT,
                              gwt_answer_int (ram, "dirty-sync-count"));
      add_bytes (line, ", %s sent", gwt_answer_number (ram, "transferred"));
      add_bytes (line, ", %s to go", gwt_answer_number (ram, "remaining"));
      add_bytes (line, ", %s/s", gwt_answer_number (ram, "mbps") * 1e6 / 8);
      add_bytes (line, ", guest writes %s/s",
                 gwt_answer_number (ram, "dirty-pages-rate") * (page > 0 ? page : 4096));
    }
  if (gwt_answer_member (info, "expected-downtime", json_type_int) != NULL)
    g_string_append_printf (line, ", would stand %" G_GINT64_FORMAT " ms",
                            gwt_answer_int (info, "expected-downtime"));
  if (throttle > 0)
    g_string_append_printf (line, ", slowed by %" G_GINT64_FORMAT "%%", throttle);
  if (cache != NULL && gwt_answer_int (cache, "pages") > 0)
    g_string_append_printf (line, ", %" G_GINT64_FORMAT " pages as differences",
                            gwt_answer_int (cache, "pages"));
  return gwt_one_line (line->str);
}

/* The same for 80 columns. */
static char *
describe_shortly (struct json_object *info)
{
  struct json_object *ram = gwt_answer_member (info, "ram", json_type_object);
  double page = gwt_answer_number (ram, "page-size");
  g_autoptr (GString) line = g_string_new (status_of (info));

  if (ram != NULL)
    {
      g_string_append_printf (line, " #%" G_GINT64_FORMAT,
                              gwt_answer_int (ram, "dirty-sync-count"));
      add_short (line, " ", gwt_answer_number (ram, "transferred"), " sent");
      add_short (line, ", ", gwt_answer_number (ram, "remaining"), " left");
      add_short (line, ", ", gwt_answer_number (ram, "mbps") * 1e6 / 8, "/s");
      add_short (line, ", writes ",
                 gwt_answer_number (ram, "dirty-pages-rate") * (page > 0 ? page : 4096), "/s");
    }
  if (gwt_answer_member (info, "expected-downtime", json_type_int) != NULL)
    g_string_append_printf (line, ", ~%" G_GINT64_FORMAT " ms",
                            gwt_answer_int (info, "expected-downtime"));
  return gwt_one_line (line->str);
}

static void
add_bar (GString *line, struct json_object *info, int width)
{
  struct json_object *ram = gwt_answer_member (info, "ram", json_type_object);
  double total = gwt_answer_number (ram, "total"), left = gwt_answer_number (ram, "remaining");
  double part = total > 0 ? CLAMP (1 - left / total, 0, 1) : 0;
  int full = (int) (part * width), i;

  g_string_append_c (line, '[');
  for (i = 0; i < width; i++)
    g_string_append_c (line, i < full ? '#' : '.');
  g_string_append_printf (line, "] %3d%% ", (int) (part * 100));
}

void
gwt_view_init (struct gwt_progress_view *view)
{
  *view = (struct gwt_progress_view){ .terminal = isatty (STDOUT_FILENO) != 0, .second = -1 };
}

static unsigned
columns (void)
{
  struct winsize size;

  return ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

void
gwt_view_show (struct gwt_progress_view *view, struct json_object *info)
{
  bool wide = !view->terminal || columns () >= WIDE;
  g_autofree char *text = wide ? gwt_describe_migration (info) : describe_shortly (info);
  g_autoptr (GString) line = g_string_new ("");
  long long second = g_get_monotonic_time () / G_USEC_PER_SEC;
  bool changed = strncmp (view->status, status_of (info), sizeof (view->status) - 1) != 0;

  if (view->terminal)
    {
      add_bar (line, info, wide ? 24 : 10);
      g_string_append (line, text);
      /* Not to the last column: the cursor would go to the next line. */
      if (line->len >= columns () && g_utf8_validate (line->str, -1, NULL)
          && g_utf8_strlen (line->str, -1) >= (glong) columns ())
        g_string_truncate (
            line, (gsize) (g_utf8_offset_to_pointer (line->str, columns () - 1) - line->str));
      printf ("\r%s\033[K", line->str);
      view->drawn = true;
    }
  else if (changed || second != view->second)
    {
      puts (text);
      view->second = second;
    }
  g_strlcpy (view->status, status_of (info), sizeof (view->status));
  fflush (stdout);
}

void
gwt_view_end (struct gwt_progress_view *view)
{
  if (view->drawn)
    putchar ('\n');
  view->drawn = false;
}

/* ---- in the end ------------------------------------------------------------------------------ */

static void
print_parts (struct json_object *info)
{
  static const struct
  {
    const char *name, *text;
  } parts[] = { { "stop", "stopping the guest" },
                { "pause-before-switchover", "waiting for 'continue'" },
                { "devices", "devices" },
                { "ram", "the rest of its memory" },
                { "send", "sending what was left" },
                { "answer", "until the other end had it" } };
  struct json_object *from = gwt_answer_member (info, "x-downtime-parts", json_type_object);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (parts); i++)
    if (gwt_answer_member (from, parts[i].name, json_type_int) != NULL
        && (strcmp (parts[i].name, "pause-before-switchover") != 0
            || gwt_answer_int (from, parts[i].name) > 0))
      printf ("  %-36s %10.3f ms\n", parts[i].text,
              (double) gwt_answer_int (from, parts[i].name) / 1e3);
}

static void
print_devices (struct json_object *info)
{
  struct json_object *list = gwt_answer_member (info, "x-downtime-devices", json_type_array);
  size_t i, n = list != NULL ? json_object_array_length (list) : 0;

  if (n > 0)
    puts ("of the devices:");
  for (i = 0; i < n; i++)
    {
      struct json_object *device = json_object_array_get_idx (list, i);
      const char *name = gwt_answer_text (device, "name");
      int64_t instance = gwt_answer_int (device, "instance");
      g_autofree char *shown = gwt_one_line (name != NULL ? name : "?");
      g_autofree char *label = instance != 0
                                   ? g_strdup_printf ("%s %" G_GINT64_FORMAT, shown, instance)
                                   : g_strdup (shown);

      printf ("  %-36s %10.3f ms %9" G_GINT64_FORMAT " bytes\n", label,
              (double) gwt_answer_int (device, "microseconds") / 1e3,
              gwt_answer_int (device, "bytes"));
    }
}

void
gwt_print_result (struct json_object *info)
{
  struct json_object *ram = gwt_answer_member (info, "ram", json_type_object);
  char text[64];

  printf ("completed");
  if (ram != NULL)
    {
      int64_t rounds = gwt_answer_int (ram, "dirty-sync-count");

      printf (": %s in %" G_GINT64_FORMAT " round%s",
              bytes_text (gwt_answer_number (ram, "transferred"), text, sizeof (text)), rounds,
              rounds == 1 ? "" : "s");
    }
  if (gwt_answer_member (info, "total-time", json_type_int) != NULL)
    printf (", %.3f s", (double) gwt_answer_int (info, "total-time") / 1e3);
  if (gwt_answer_member (info, "downtime", json_type_int) != NULL)
    printf ("; the guest stood %" G_GINT64_FORMAT " ms", gwt_answer_int (info, "downtime"));
  putchar ('\n');
  print_parts (info);
  print_devices (info);
}
