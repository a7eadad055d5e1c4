/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns what two documents can tell of a destination that is to change for the guest.
 *
 * A destination that takes something over is built again, and what it is then its devices' code
 * says, from values, back ends and host.  Two documents tell what becomes of it where both ends run
 * the same code, to the bit, and where no back end has a say in a device that changes: then the
 * source itself shows what this code makes of these values.  Everything else is left open.
 */
#include "config.h"
#include <string.h>
#include "core/migration/preflight-internal.h"
#include "core/util/text.h"

static void G_GNUC_PRINTF (2, 3) leave_open (struct gwt_check *check, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_ptr_array_add (check->result->open, gwt_one_line (text));
}

void
gwt_check_wonder (struct gwt_check *check, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  if (check->maybe->len < GWT_PREFLIGHT_LINES_MAX)
    g_ptr_array_add (check->maybe, gwt_one_line (text));
}

/* The destination's options made all that its manifest tells. */
static bool
is_fresh (const struct gwt_manifest *m)
{
  guint i, n;

  for (i = 0; i < m->n_devices; i++)
    for (n = 0; n < m->devices[i].n_properties; n++)
      if (m->devices[i].properties[n].from == GWT_SOURCE_INCOMING)
        return false;
  return m->n_hops == 1;
}

static bool
is_same_build (const char *a, const char *b)
{
  return a != NULL && b != NULL && strcmp (a, b) == 0;
}

static void
compare_code (struct gwt_check *check)
{
  const struct gwt_manifest *s = check->source, *d = check->destination;
  guint i;

  if (strcmp (s->program, d->program) != 0)
    leave_open (check, "program: %s at the source, %s at the destination", s->program, d->program);
  else if (!is_same_build (s->build, d->build))
    leave_open (check, "program: both are %s, but not the same build, as far as is known",
                s->program);
  for (i = 0; i < d->n_plugins; i++)
    {
      const struct gwt_manifest_plugin *q = &d->plugins[i], *p = gwt_manifest_plugin (s, q->id);

      if (p == NULL)
        leave_open (check, "plugin '%s': at the destination alone", q->id);
      else if (strcmp (p->version, q->version) != 0)
        leave_open (check, "plugin '%s': %s at the source, %s at the destination", q->id,
                    p->version, q->version);
      else if (!is_same_build (p->build, q->build))
        leave_open (check, "plugin '%s': both are %s, but not the same build, as far as is known",
                    q->id, p->version);
    }
}

/* Those that change. */
static void
compare_devices (struct gwt_check *check)
{
  guint i;

  for (i = 0; i < check->adapted->len; i++)
    {
      const struct gwt_manifest_device *device = g_ptr_array_index (check->adapted, i);

      if (device->n_backends > 0)
        leave_open (check,
                    "device '%s' (%s of plugin '%s'): whether it can have the guest's values hangs "
                    "on its back end '%s', too",
                    device->id, device->type, device->plugin, device->backends[0].id);
    }
}

void
gwt_check_decide (struct gwt_check *check)
{
  struct gwt_preflight *result = check->result;
  bool fresh = is_fresh (check->destination);
  guint i, n_firm = 0;

  if (fresh && !check->reshaped && check->adapted->len == 0)
    return; /* nothing changes */
  for (i = 0; i < result->reasons->len; i++)
    n_firm += fresh && !g_array_index (check->doubts, bool, i);
  if (!fresh)
    leave_open (check, "the destination's manifest is of a machine that a guest has come to, and "
                       "does not tell what its options alone make; write it with -dump-manifest");
  /* The one or the other. */
  for (i = 0; i < result->reasons->len;)
    {
      if (fresh && !g_array_index (check->doubts, bool, i))
        {
          i++;
          continue;
        }
      if (n_firm == 0)
        g_ptr_array_add (result->open, g_strdup (g_ptr_array_index (result->reasons, i)));
      g_ptr_array_remove_index (result->reasons, i);
      g_array_remove_index (check->doubts, i);
    }
  if (n_firm > 0)
    return;
  for (i = 0; i < check->maybe->len; i++)
    g_ptr_array_add (result->open, g_strdup (g_ptr_array_index (check->maybe, i)));
  compare_code (check);
  compare_devices (check);
  result->verdict = result->open->len > 0 ? GWT_VERDICT_UNDECIDED : GWT_VERDICT_ADAPT;
}
