/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns the verdict, and what is compared of the machine as a whole: type, topology, memory,
 * plugins, which devices there are.  Must not know what runs in this process.
 */
#include "config.h"
#include "core/migration/preflight.h"
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include "core/migration/preflight-internal.h"
#include "core/util/text.h"
#include "core/util/version.h"

static void G_GNUC_PRINTF (3, 0)
    add_reason (struct gwt_check *check, bool doubt, const char *format, va_list args)
{
  g_autofree char *text = NULL;

  doubt = doubt || check->releveled;
  if (check->result->reasons->len >= GWT_PREFLIGHT_LINES_MAX)
    {
      check->n_left_out++;
      return;
    }
  text = g_strdup_vprintf (format, args);
  g_ptr_array_add (check->result->reasons, gwt_one_line (text));
  g_array_append_val (check->doubts, doubt);
}

void
gwt_check_refuse (struct gwt_check *check, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  add_reason (check, false, format, args);
  va_end (args);
}

void
gwt_check_doubt (struct gwt_check *check, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  add_reason (check, true, format, args);
  va_end (args);
}

void
gwt_check_refuse_if (struct gwt_check *check, bool firm, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  add_reason (check, !firm, format, args);
  va_end (args);
}

/* ---- the machine ----------------------------------------------------------------------------- */

/* Would a machine that is built for the guest take WHAT from it, for OPTION says nothing of it? */
static bool
is_open (struct gwt_check *check, bool given, const char *what, const char *option)
{
  if (!check->files || (check->destination->tells_given && given))
    return false;
  gwt_check_doubt (check,
                   "%s: it is another one at the destination, which takes the guest's unless it is "
                   "started with %s",
                   what, option);
  check->reshaped = true;
  return true;
}

static void
check_number (struct gwt_check *check, const char *what, uint32_t source, uint32_t destination,
              const char *option)
{
  if (source != destination)
    gwt_check_refuse (check,
                      "%s: %u at the source, %u at the destination; start the destination with "
                      "-smp %s%u",
                      what, source, destination, option, source);
}

static void
check_smp (struct gwt_check *check)
{
  const struct gwt_manifest *s = check->source, *d = check->destination;

  if ((s->cpus == d->cpus && s->sockets == d->sockets && s->cores == d->cores
       && s->threads == d->threads)
      || is_open (check, d->smp_given, "number of CPUs, or how they are grouped", "-smp"))
    return;
  check_number (check, "CPUs", s->cpus, d->cpus, "");
  check_number (check, "sockets", s->sockets, d->sockets, "...,sockets=");
  check_number (check, "cores", s->cores, d->cores, "...,cores=");
  check_number (check, "threads", s->threads, d->threads, "...,threads=");
}

/* Firmware reads it from fw_cfg: without -uuid as zeros. */
static void
check_uuid (struct gwt_check *check)
{
  static const char none[] = "00000000-0000-0000-0000-000000000000";
  const char *s = check->source->uuid, *d = check->destination->uuid;

  if (g_ascii_strcasecmp (s != NULL ? s : none, d != NULL ? d : none) == 0)
    return;
  if (s == NULL)
    gwt_check_refuse (check,
                      "UUID: none at the source, %s at the destination; leave -uuid out at the "
                      "destination",
                      d);
  else if (d != NULL || !is_open (check, false, "UUID", "-uuid"))
    gwt_check_refuse (check,
                      "UUID: %s at the source, %s at the destination; start the destination with "
                      "-uuid %s",
                      s, d != NULL ? d : "none", s);
}

static void
check_machine (struct gwt_check *check)
{
  const struct gwt_manifest *s = check->source, *d = check->destination;

  if (strcmp (s->type, d->type) != 0)
    gwt_check_refuse (check,
                      "machine type: '%s' at the source, '%s' at the destination; start the "
                      "destination with -M %s",
                      s->type, d->type, s->type);
  if (strcmp (s->board, d->board) != 0)
    gwt_check_refuse (check,
                      "machine type '%s': its board is '%s' at the source and '%s' at the "
                      "destination; install the same machine type files at both ends",
                      s->type, s->board, d->board);
  check_uuid (check);
  check_smp (check);
  if (strcmp (s->cpu, d->cpu) != 0 && !is_open (check, d->cpu_given, "CPU model", "-cpu"))
    gwt_check_refuse (check,
                      "CPU model: '%s' at the source, '%s' at the destination; start the "
                      "destination with -cpu %s",
                      s->cpu, d->cpu, s->cpu);
  if (s->memory != d->memory && !is_open (check, d->memory_given, "size of memory", "-m"))
    {
      /* A number without a unit counts MiB, but a hexadecimal one. */
      g_autofree char *size = s->memory % (1 << 20) == 0
                                  ? g_strdup_printf ("%" PRIu64 "M", s->memory >> 20)
                                  : g_strdup_printf ("0x%" PRIx64, s->memory);

      gwt_check_refuse (check,
                        "memory: %" PRIu64 " bytes at the source, %" PRIu64
                        " bytes at the destination; start the destination with -m %s",
                        s->memory, d->memory, size);
    }
}

/* One that nobody counted may be counted from now on. */
static void
check_icount (struct gwt_check *check)
{
  const struct gwt_manifest *s = check->source, *d = check->destination;
  g_autofree char *here = d->counts ? g_strdup_printf ("with shift=%" PRIu64, d->icount_shift)
                                    : g_strdup ("without");

  if (s->counts && (!d->counts || s->icount_shift != d->icount_shift))
    gwt_check_refuse (check,
                      "the guest's instructions are counted (-icount shift=%" PRIu64
                      "), and the destination was started %s; take it over with -icount "
                      "shift=%" PRIu64,
                      s->icount_shift, here, s->icount_shift);
}

/* A level is a promise to behave as that version did; an older plugin cannot know how. */
static void
check_plugins (struct gwt_check *check)
{
  guint i;

  for (i = 0; i < check->source->n_plugins; i++)
    {
      const struct gwt_manifest_plugin *s = &check->source->plugins[i];
      const struct gwt_manifest_plugin *d = gwt_manifest_plugin (check->destination, s->id);

      if (d != NULL && s->level != NULL && gwt_version_compare (d->version, s->level) < 0)
        gwt_check_refuse (check,
                          "plugin '%s': the guest was promised level %s, and version %s at the "
                          "destination is older; install version %s or newer there",
                          s->id, s->level, d->version, s->level);
      /* What it is as another version, no document tells. */
      else if (d != NULL && check->files && d->level == NULL
               && gwt_version_compare (s->level != NULL ? s->level : s->version, d->version) < 0)
        {
          gwt_check_doubt (check,
                           "plugin '%s': version %s at the destination, which is told no level, "
                           "and behaves for the guest as %s did",
                           s->id, d->version, s->level != NULL ? s->level : s->version);
          check->reshaped = check->releveled = true;
        }
    }
}

/* ---- memory blocks --------------------------------------------------------------------------- */

/* " (file 'x')" where BLOCK is an image, or one lies in it; caller frees. */
static char *
file_in (const struct gwt_manifest *m, const char *block)
{
  const struct gwt_manifest_block *b = gwt_manifest_block (m, block);
  guint i;

  if (b != NULL && b->file != NULL)
    return g_strdup_printf (" (file '%s')", b->file);
  for (i = 0; i < m->n_firmware; i++)
    if (m->firmware[i].block != NULL && strcmp (m->firmware[i].block, block) == 0)
      return g_strdup_printf (" (file '%s', %" PRIu64 " bytes)", m->firmware[i].file,
                              m->firmware[i].size);
  return g_strdup ("");
}

static void
check_blocks (struct gwt_check *check)
{
  const struct gwt_manifest *s = check->source, *d = check->destination;
  guint i;

  for (i = 0; i < s->n_blocks; i++)
    {
      const struct gwt_manifest_block *a = &s->blocks[i], *b = gwt_manifest_block (d, a->name);
      g_autofree char *here = file_in (s, a->name), *there = file_in (d, a->name);

      if (b == NULL)
        gwt_check_doubt (check,
                         "memory block '%s': %" PRIu64
                         " bytes at the source%s, not there at the destination; give the "
                         "destination the same devices and properties",
                         a->name, a->size, here);
      /* RAM that follows -m has had its reason. */
      else if (a->size != b->size
               && !(s->memory != d->memory && a->size == s->memory && b->size == d->memory))
        gwt_check_doubt (check,
                         "memory block '%s': %" PRIu64 " bytes at the source%s, %" PRIu64
                         " bytes at the destination%s; give the destination an image of the "
                         "source's size, or the same file",
                         a->name, a->size, here, b->size, there);
      else if (a->read_only != b->read_only)
        gwt_check_doubt (check,
                         "memory block '%s': the guest can %swrite it at the source and %s at "
                         "the destination; give the destination the same devices and properties",
                         a->name, a->read_only ? "not " : "", a->read_only ? "can" : "cannot");
    }
  for (i = 0; i < d->n_blocks; i++)
    if (gwt_manifest_block (s, d->blocks[i].name) == NULL)
      gwt_check_doubt (check,
                       "memory block '%s': %" PRIu64
                       " bytes at the destination, not there at the source; give the "
                       "destination the same devices and properties",
                       d->blocks[i].name, d->blocks[i].size);
}

/* ---- devices --------------------------------------------------------------------------------- */

static bool
is_of_user (const struct gwt_manifest_device *device)
{
  return strcmp (device->origin, "user") == 0 || strcmp (device->origin, "hotplug") == 0;
}

static void
refuse_alone (struct gwt_check *check, const struct gwt_manifest_device *device, bool source)
{
  bool cpu = strcmp (device->origin, "cpu") == 0;

  /* The number of CPUs has had its reason. */
  if (cpu && check->source->cpus != check->destination->cpus)
    return;
  if (!is_of_user (device))
    gwt_check_doubt (check,
                     "device '%s' (%s of plugin '%s'): there at the %s alone; start both ends "
                     "with the same machine type and options, from the same machine type files",
                     device->id, device->type, device->plugin, source ? "source" : "destination");
  else if (source)
    gwt_check_refuse (check,
                      "device '%s' (%s of plugin '%s'): not there at the destination; add "
                      "-device %s,id=%s there",
                      device->id, device->type, device->plugin, device->type, device->id);
  else
    gwt_check_refuse (check,
                      "device '%s' (%s of plugin '%s'): not there at the source; leave -device "
                      "%s,id=%s out at the destination",
                      device->id, device->type, device->plugin, device->type, device->id);
}

/* What of a device's place cannot be a property: where a board or -device has put it. */
static void
check_place (struct gwt_check *check, const struct gwt_pair *pair)
{
  struct json_object *s = pair->source->place, *d = pair->destination->place;
  static const char *const members[] = { "at", "irq", "path", "regions", "lines", NULL };
  guint i;

  for (i = 0; members[i] != NULL; i++)
    {
      struct json_object *a = s != NULL ? json_object_object_get (s, members[i]) : NULL;
      struct json_object *b = d != NULL ? json_object_object_get (d, members[i]) : NULL;
      g_autofree char *here = NULL, *there = NULL;

      if (gwt_manifest_equal (a, b))
        continue;
      here = gwt_preflight_shown (a);
      there = gwt_preflight_shown (b);
      gwt_check_doubt (check,
                       "device '%s': %s: %s at the source, %s at the destination; give -device "
                       "the same place at both ends, and both ends the same machine type files",
                       pair->source->id, members[i], here, there);
    }
}

static void
check_pair (struct gwt_check *check, struct gwt_pair *pair)
{
  const struct gwt_manifest_device *s = pair->source, *d = pair->destination;

  if (strcmp (s->type, d->type) != 0)
    {
      gwt_check_refuse_if (check, is_of_user (s) && is_of_user (d),
                           "device '%s': type %s at the source, %s at the destination; start the "
                           "destination with the same device under this id",
                           s->id, s->type, d->type);
      return;
    }
  gwt_check_properties (check, pair);
  g_clear_pointer (&pair->same, g_hash_table_unref);
  gwt_check_facts (check, pair);
  if (pair->adapted && !check->files)
    return;
  check_place (check, pair);
  if (pair->adapted)
    gwt_check_section_names (check, pair);
  else
    gwt_check_sections (check, pair);
}

static void
check_devices (struct gwt_check *check)
{
  guint i;

  for (i = 0; i < check->source->n_devices; i++)
    {
      struct gwt_pair pair = { &check->source->devices[i], NULL, false, NULL };

      pair.destination = gwt_manifest_device (check->destination, pair.source->id);
      if (pair.destination != NULL)
        check_pair (check, &pair);
      else
        refuse_alone (check, pair.source, true);
      if (pair.adapted)
        g_ptr_array_add (check->adapted, (gpointer) pair.destination);
    }
  for (i = 0; i < check->destination->n_devices; i++)
    if (gwt_manifest_device (check->source, check->destination->devices[i].id) == NULL)
      refuse_alone (check, &check->destination->devices[i], false);
}

/* ---- the verdict ----------------------------------------------------------------------------- */

static void
adaptation_free (gpointer data)
{
  struct gwt_preflight_adaptation *a = data;

  g_free (a->device);
  g_free (a->property);
  g_free (a->text);
  json_object_put (a->value);
  g_free (a);
}

static void
run (struct gwt_check *check)
{
  struct gwt_preflight *result = check->result;

  *result = (struct gwt_preflight){ .verdict = GWT_VERDICT_OK };
  result->reasons = g_ptr_array_new_with_free_func (g_free);
  result->adaptations = g_ptr_array_new_with_free_func (adaptation_free);
  result->open = g_ptr_array_new_with_free_func (g_free);
  check->doubts = g_array_new (FALSE, FALSE, sizeof (bool));
  check->adapted = g_ptr_array_new ();
  check->maybe = g_ptr_array_new_with_free_func (g_free);
  check_machine (check);
  check_icount (check);
  check_plugins (check);
  check_blocks (check);
  check_devices (check);
  gwt_check_machine_sections (check);
  if (check->n_left_out > 0)
    {
      bool doubt = true;

      g_ptr_array_add (result->reasons,
                       g_strdup_printf ("%" G_GUINT64_FORMAT " more reasons", check->n_left_out));
      g_array_append_val (check->doubts, doubt);
    }
  result->verdict = result->reasons->len > 0       ? GWT_VERDICT_REFUSE
                    : result->adaptations->len > 0 ? GWT_VERDICT_ADAPT
                                                   : GWT_VERDICT_OK;
  if (check->files)
    gwt_check_decide (check);
  g_array_free (check->doubts, TRUE);
  g_ptr_array_free (check->adapted, TRUE);
  g_ptr_array_free (check->maybe, TRUE);
}

void
gwt_preflight_run (const struct gwt_manifest *source, const struct gwt_manifest *destination,
                   struct gwt_preflight *result)
{
  run (&(struct gwt_check){ .source = source, .destination = destination, .result = result });
}

void
gwt_preflight_files (const struct gwt_manifest *source, const struct gwt_manifest *destination,
                     struct gwt_preflight *result)
{
  run (&(struct gwt_check){
      .source = source, .destination = destination, .result = result, .files = true });
}

void
gwt_preflight_clear (struct gwt_preflight *result)
{
  g_clear_pointer (&result->reasons, g_ptr_array_unref);
  g_clear_pointer (&result->open, g_ptr_array_unref);
  g_clear_pointer (&result->adaptations, g_ptr_array_unref);
  g_clear_pointer (&result->unasked, g_free);
}

const char *
gwt_verdict_name (enum gwt_verdict verdict)
{
  static const char *const names[] = { [GWT_VERDICT_OK] = "ok",
                                       [GWT_VERDICT_ADAPT] = "adapt",
                                       [GWT_VERDICT_REFUSE] = "refuse",
                                       [GWT_VERDICT_UNDECIDED] = "undecided" };

  return names[verdict];
}

struct json_object *
gwt_preflight_json (const struct gwt_preflight *result)
{
  struct json_object *o = json_object_new_object (), *reasons = json_object_new_array (),
                     *adaptations = json_object_new_array ();
  guint i;

  for (i = 0; i < result->reasons->len; i++)
    json_object_array_add (reasons,
                           json_object_new_string (g_ptr_array_index (result->reasons, i)));
  for (i = 0; i < result->adaptations->len; i++)
    {
      const struct gwt_preflight_adaptation *a = g_ptr_array_index (result->adaptations, i);

      json_object_array_add (adaptations, json_object_new_string (a->text));
    }
  json_object_object_add (o, "verdict",
                          json_object_new_string (gwt_verdict_name (result->verdict)));
  json_object_object_add (o, "reasons", reasons);
  json_object_object_add (o, "adaptations", adaptations);
  if (result->verdict == GWT_VERDICT_UNDECIDED)
    {
      struct json_object *open = json_object_new_array ();

      for (i = 0; i < result->open->len; i++)
        json_object_array_add (open, json_object_new_string (g_ptr_array_index (result->open, i)));
      json_object_object_add (o, "undecided", open);
    }
  return o;
}
