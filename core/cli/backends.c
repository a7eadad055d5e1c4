/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns which character back ends a command line means: -chardev, -serial, the default console, and
 * who may have standard input.  It makes and judges them; core/backend opens them.
 */
#include "config.h"
#include <string.h>
#include "core/backend/chardev.h"
#include "core/cli/start.h"
#include "core/monitor/qmp.h"

#define CONSOLE "mon:stdio"

/* Port N's back end for SPEC; its id goes to IDS. */
static bool
add_serial (GPtrArray *ids, const char *spec, struct gwt_error *err)
{
  g_autofree char *id = g_strdup_printf ("serial%u", ids->len);
  if (strcmp (spec, "none") == 0)
    {
      g_ptr_array_add (ids, g_strdup ("none"));
      return true;
    }
  if (g_str_has_prefix (spec, "chardev:"))
    {
      if (gwt_chardev_find (spec + 8) == NULL)
        {
          gwt_error_set (err, GWT_E_NOT_FOUND, "-serial: '%s': no -chardev has this id; add it",
                         spec);
          return false;
        }
      g_ptr_array_add (ids, g_strdup (spec + 8));
      return true;
    }
  if (gwt_chardev_new (id, spec, err) == NULL)
    {
      gwt_error_prefix (err, "-serial");
      return false;
    }
  g_ptr_array_add (ids, g_steal_pointer (&id));
  return true;
}

/* How many of LIST are TEXT, or begin with PREFIX. */
static guint
list_has (GPtrArray *list, const char *text, const char *prefix)
{
  guint count = 0;
  for (guint i = 0; i + 1 < list->len; i++)
    {
      const char *item = g_ptr_array_index (list, i);
      if (strcmp (item, text) == 0 || (prefix != NULL && g_str_has_prefix (item, prefix)))
        count++;
    }
  return count;
}

/* Standard input has one reader. */
static bool
check_stdio (const struct gwt_options *o, bool console, struct gwt_error *err)
{
  guint others = console + list_has (o->serials, "stdio", NULL)
                 + list_has (o->serials, CONSOLE, NULL) + list_has (o->chardevs, "stdio", "stdio,");
  guint monitors = list_has (o->qmps, "stdio", NULL);
  if (monitors == 0 || monitors + others == 1)
    return true;
  gwt_error_set (err, GWT_E_BUSY,
                 "-qmp: 'stdio': standard input is taken by %s; use unix:FILE,server=on",
                 others > 0 ? "the serial port" : "another -qmp");
  return false;
}

bool
gwt_cli_make_backends (const struct gwt_options *o, const struct gwt_board *board, GPtrArray *ids,
                       struct gwt_error *err)
{
  for (guint i = 0; i + 1 < o->chardevs->len; i++)
    if (gwt_chardev_new_option (g_ptr_array_index (o->chardevs, i), err) == NULL)
      {
        gwt_error_prefix (err, "-chardev");
        return false;
      }
  for (guint i = 0; i + 1 < o->serials->len; i++)
    if (!add_serial (ids, g_ptr_array_index (o->serials, i), err))
      return false;
  /* -nographic says what holds anyway; with -nodefaults it says it. */
  bool wanted = (o->nographic || (!o->nodefaults && !list_has (o->qmps, "stdio", NULL)))
                && (board == NULL || gwt_board_serial_count (board) > 0);
  if (o->serials->len == 1 && wanted && !add_serial (ids, CONSOLE, err))
    return false;
  g_ptr_array_add (ids, NULL);
  for (guint i = 0; i + 1 < o->qmps->len; i++)
    if (!gwt_qmp_check (g_ptr_array_index (o->qmps, i), err))
      {
        gwt_error_prefix (err, "-qmp");
        return false;
      }
  return check_stdio (o, o->serials->len == 1 && wanted, err);
}

bool
gwt_cli_check_backends_used (const struct gwt_options *o, struct gwt_error *err)
{
  for (guint i = 0; i + 1 < o->chardevs->len; i++)
    {
      g_auto (GStrv) parts = g_strsplit (g_ptr_array_index (o->chardevs, i), ",", -1);
      for (guint n = 0; parts[n] != NULL; n++)
        {
          if (!g_str_has_prefix (parts[n], "id="))
            continue;
          struct gwt_chardev *chardev = gwt_chardev_find (parts[n] + 3);
          if (chardev == NULL || gwt_chardev_in_use (chardev))
            continue;
          gwt_error_set (err, GWT_E_INVALID,
                         "-chardev: '%s': nothing uses it; add -serial chardev:%s, or "
                         "leave it out",
                         parts[n] + 3, parts[n] + 3);
          return false;
        }
    }
  return true;
}
