/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes the machine fit the guest that comes: see arrive.h.  Owns which machine stands and which
 * one the options meant; must not know how a guest is received, nor what makes two machines fit
 * (core/migration/preflight.c).
 *
 * A device's values are settled before it is realized, so a machine that has to have others is
 * taken down and built again; back ends and monitors stay.  Plans are made and judged while the old
 * one stands, for they make nothing.
 */
#include "config.h"
#include "core/machine/arrive.h"
#include <string.h>
#include "core/backend/block.h"
#include "core/backend/chardev.h"
#include "core/backend/memdev.h"
#include "core/backend/netdev.h"
#include "core/cpu/run.h"
#include "core/machine/hotplug.h"
#include "core/machine/manifest.h"
#include "core/migration/migration.h"
#include "core/plugin/loader.h"
#include "core/util/log.h"
#include "core/util/text.h"
#include "core/util/version.h"

/* Options that a manifest stands for. */
struct brought
{
  struct gwt_machine_config config;
  GPtrArray *texts;                        /* char *, owned: what config points to */
  /* char *, borrowed; NULL at the end */
  GPtrArray *devices, *serials, *pflashes, *levels;
  uint8_t uuid[16];
};

static struct
{
  struct gwt_arrival with;
  struct gwt_machine *own; /* as the options say, or NULL: there was no -M */
  struct brought *brought; /* of *with.slot, where that is not `own` */
  bool changed;            /* something is not as the options say */
} a;

static struct gwt_machine *
standing (void)
{
  return a.with.slot != NULL ? *a.with.slot : NULL;
}

/* ---- results --------------------------------------------------------------------------------- */

static void
adaptation_free (gpointer data)
{
  struct gwt_preflight_adaptation *one = data;

  g_free (one->device);
  g_free (one->property);
  json_object_put (one->value);
  g_free (one->text);
  g_free (one);
}

static void
result_init (struct gwt_preflight *result)
{
  *result = (struct gwt_preflight){ .verdict = GWT_VERDICT_OK };
  result->reasons = g_ptr_array_new_with_free_func (g_free);
  result->adaptations = g_ptr_array_new_with_free_func (adaptation_free);
}

static void G_GNUC_PRINTF (2, 3) refuse (struct gwt_preflight *result, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_ptr_array_add (result->reasons, gwt_one_line (text));
  result->verdict = GWT_VERDICT_REFUSE;
}

static void G_GNUC_PRINTF (2, 3) adapt (struct gwt_preflight *result, const char *format, ...)
{
  struct gwt_preflight_adaptation *one = g_new0 (struct gwt_preflight_adaptation, 1);
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  one->device = g_strdup ("");
  one->property = g_strdup ("");
  one->text = gwt_one_line (text);
  g_ptr_array_add (result->adaptations, one);
  if (result->verdict == GWT_VERDICT_OK)
    result->verdict = GWT_VERDICT_ADAPT;
}

/* ---- options out of a manifest --------------------------------------------------------------- */

static struct brought *
brought_new (void)
{
  struct brought *b = g_new0 (struct brought, 1);

  b->config = a.with.config;
  b->texts = g_ptr_array_new_with_free_func (g_free);
  b->devices = g_ptr_array_new ();
  b->serials = g_ptr_array_new ();
  b->pflashes = g_ptr_array_new ();
  b->levels = g_ptr_array_new ();
  return b;
}

static void
brought_free (struct brought *b)
{
  if (b == NULL)
    return;
  g_ptr_array_unref (b->devices);
  g_ptr_array_unref (b->serials);
  g_ptr_array_unref (b->pflashes);
  g_ptr_array_unref (b->levels);
  g_ptr_array_unref (b->texts);
  g_free (b);
}

/* Keeps TEXT, which is given away. */
static const char *
keep (struct brought *b, char *text)
{
  g_ptr_array_add (b->texts, text);
  return text;
}

static bool
is_added (const struct gwt_manifest_device *device)
{
  return strcmp (device->origin, "user") == 0 || strcmp (device->origin, "hotplug") == 0;
}

/* The device as -device would say it.  What its user set besides is applied as what came with the
   guest; here is only what a device cannot be made without, and what is this end's own. */
static char *
device_text (const struct gwt_manifest_device *device)
{
  struct json_object *to = json_object_new_object ();
  char *text;
  guint i;

  json_object_object_add (to, "driver", json_object_new_string (device->type));
  json_object_object_add (to, "id", json_object_new_string (device->id));
  for (i = 0; i < device->n_backends; i++)
    json_object_object_add (to, device->backends[i].property,
                            json_object_new_string (device->backends[i].id));
  if (device->has_at)
    json_object_object_add (to, "at", json_object_new_uint64 (device->at));
  if (device->has_irq)
    json_object_object_add (to, "irq", json_object_new_uint64 (device->irq));
  text = g_strdup (json_object_to_json_string (to));
  json_object_put (to);
  return text;
}

static bool
take_uuid (struct brought *b, const char *text)
{
  guint i, n = 0;

  for (i = 0; text[i] != '\0'; i++)
    {
      if (text[i] == '-')
        continue;
      if (!g_ascii_isxdigit (text[i]) || n == 32)
        return false;
      b->uuid[n / 2] = (uint8_t) (b->uuid[n / 2] << 4 | g_ascii_xdigit_value (text[i]));
      n++;
    }
  return n == 32;
}

/* The machine's RAM may be a memory back end, which goes by its id. */
static const char *
machine_text (struct brought *b, const struct gwt_manifest *source)
{
  guint i;

  for (i = 0; i < source->n_blocks; i++)
    {
      const char *name = source->blocks[i].name;

      if (source->blocks[i].size == source->memory && gwt_memdev_exists (name))
        return keep (b, g_strdup_printf ("%s,memory-backend=%s", source->type, name));
    }
  return keep (b, g_strdup (source->type));
}

static void
bring (struct brought *b, const struct gwt_manifest *source)
{
  guint i;

  b->config.machine = machine_text (b, source);
  for (i = 0; i < source->n_devices; i++)
    if (is_added (&source->devices[i]))
      g_ptr_array_add (b->devices, (gpointer) keep (b, device_text (&source->devices[i])));
  g_ptr_array_add (b->devices, NULL);
  b->config.devices = (const char *const *) b->devices->pdata;
  if (b->config.uuid == NULL && source->uuid != NULL && take_uuid (b, source->uuid))
    b->config.uuid = b->uuid;
}

/* A plugin that neither an option nor the machine type speaks of is, for this guest, the version
   that it has known, where that is older than the one here. */
static bool
fill_levels (struct brought *b, const struct gwt_machine *machine,
             const struct gwt_manifest *source, struct gwt_preflight *result)
{
  const char *const *given = b->config.plugin_levels;
  bool filled = false;
  guint i;

  for (i = 0; i < source->n_plugins; i++)
    {
      const struct gwt_manifest_plugin *p = &source->plugins[i];
      const struct gwt_plugin_info *info = gwt_loader_find (p->id);
      const char *level = p->level != NULL ? p->level : p->version;

      if (info == NULL || info->version == NULL || !gwt_version_is_valid (level)
          || gwt_version_compare (level, info->version) >= 0
          || gwt_machine_choice_find_level (machine->choice, p->id) != NULL)
        continue;
      if (!filled)
        for (; given != NULL && *given != NULL; given++)
          g_ptr_array_add (b->levels, (gpointer) *given);
      g_ptr_array_add (b->levels, (gpointer) keep (b, g_strdup_printf ("%s=%s", p->id, level)));
      adapt (result, "-plugin-level %s=%s, as the guest has it", p->id, level);
      filled = true;
    }
  if (filled)
    {
      g_ptr_array_add (b->levels, NULL);
      b->config.plugin_levels = (const char *const *) b->levels->pdata;
    }
  return filled;
}

/* What nobody gave, where MACHINE, planned without, is not as the guest has it. */
static bool
fill (struct brought *b, const struct gwt_machine *machine, const struct gwt_manifest *source,
      struct gwt_preflight *result)
{
  const struct gwt_topology *t = &machine->topology;
  bool filled = false;

  if (b->config.smp == NULL
      && (t->cpus != source->cpus || t->sockets != source->sockets || t->cores != source->cores
          || t->threads != source->threads))
    {
      b->config.smp
          = keep (b, g_strdup_printf ("cpus=%u,sockets=%u,cores=%u,threads=%u", source->cpus,
                                      source->sockets, source->cores, source->threads));
      adapt (result, "-smp %s, as the guest has it", b->config.smp);
      filled = true;
    }
  if (b->config.memory == NULL && machine->memdev == NULL && machine->ram_size != source->memory)
    {
      b->config.memory = keep (b, g_strdup_printf ("%" G_GUINT64_FORMAT "K", source->memory >> 10));
      adapt (result, "-m %s, as the guest has it", b->config.memory);
      filled = true;
    }
  if (b->config.cpu == NULL && strcmp (machine->model->name, source->cpu) != 0)
    {
      b->config.cpu = keep (b, g_strdup (source->cpu));
      adapt (result, "-cpu %s, as the guest has it", b->config.cpu);
      filled = true;
    }
  if (b->config.uuid == NULL && source->uuid != NULL && take_uuid (b, source->uuid))
    {
      b->config.uuid = b->uuid;
      adapt (result, "-uuid %s, as the guest has it", source->uuid);
      filled = true;
    }
  return fill_levels (b, machine, source, result) || filled;
}

/* ---- back ends of a machine that is the guest's ---------------------------------------------- */

static bool
backend_exists (uint32_t kind, const char *id)
{
  return kind == GWT_BLOCK     ? gwt_block_find (id) != NULL
         : kind == GWT_NETDEV  ? gwt_netdev_find (id) != NULL
         : kind == GWT_CHARDEV ? gwt_chardev_find (id) != NULL
                               : false;
}

static void
check_backend (const struct gwt_manifest_device *device, const struct gwt_manifest_backend *backend,
               struct gwt_preflight *result)
{
  const struct gwt_type *type = gwt_type_find (device->type);
  const struct gwt_field *f = type != NULL ? gwt_type_property (type, backend->property) : NULL;

  if (f == NULL || backend_exists (f->kind, backend->id))
    return;
  if (f->kind == GWT_BLOCK)
    refuse (result,
            "device '%s': %s: there is no block back end '%s' here; add -blockdev with "
            "node-name=%s, or -drive if=none,id=%s",
            device->id, backend->property, backend->id, backend->id, backend->id);
  else if (f->kind == GWT_NETDEV)
    refuse (result,
            "device '%s': %s: there is no network back end '%s' here; add -netdev with id=%s",
            device->id, backend->property, backend->id, backend->id);
  else
    refuse (result,
            "device '%s': %s: there is no character back end '%s' here; add -chardev with id=%s",
            device->id, backend->property, backend->id, backend->id);
}

static const char *
backend_of (const struct gwt_manifest *source, const char *device, const char *property)
{
  const struct gwt_manifest_device *from = gwt_manifest_device (source, device);
  guint i;

  for (i = 0; from != NULL && i < from->n_backends; i++)
    if (strcmp (from->backends[i].property, property) == 0)
      return from->backends[i].id;
  return NULL;
}

/* Units of flash and serial ports: as options say, else by id.  A port that nobody listens to is
   no reason to refuse a guest; a flash without its image is. */
static void
take_board_backends (struct brought *b, struct gwt_machine *machine,
                     const struct gwt_manifest *source, struct gwt_preflight *result)
{
  const struct gwt_board *board = machine->board;
  const char *const *serials = b->config.serials, *const *pflashes = b->config.pflashes;
  guint n_serials = serials != NULL ? g_strv_length ((char **) serials) : 0;
  guint n_pflashes = pflashes != NULL ? g_strv_length ((char **) pflashes) : 0, i;

  for (i = 0; i < n_serials; i++)
    g_ptr_array_add (b->serials, (gpointer) serials[i]);
  for (i = 0; i < n_pflashes; i++)
    g_ptr_array_add (b->pflashes, (gpointer) pflashes[i]);
  for (i = 0; i < board->devices->len; i++)
    {
      const struct gwt_board_device *entry = g_ptr_array_index (board->devices, i);
      const char *id;

      if (entry->serial >= 0 && (guint) entry->serial >= n_serials
          && (id = backend_of (source, entry->id, entry->serial_property)) != NULL)
        {
          while (b->serials->len <= (guint) entry->serial)
            g_ptr_array_add (b->serials, (gpointer) "none");
          if (gwt_chardev_find (id) != NULL && !gwt_chardev_in_use (gwt_chardev_find (id)))
            b->serials->pdata[entry->serial] = (gpointer) id;
        }
      if (entry->pflash >= 0
          && ((guint) entry->pflash >= n_pflashes || *pflashes[entry->pflash] == '\0')
          && (id = backend_of (source, entry->id, entry->pflash_property)) != NULL)
        {
          while (b->pflashes->len <= (guint) entry->pflash)
            g_ptr_array_add (b->pflashes, (gpointer) "");
          if (gwt_block_find (id) != NULL)
            b->pflashes->pdata[entry->pflash] = (gpointer) id;
          else
            refuse (result,
                    "device '%s': %s: there is no block back end '%s' here; add -drive "
                    "if=pflash,unit=%d,file=FILE, or -blockdev with node-name=%s",
                    entry->id, entry->pflash_property, id, entry->pflash, id);
        }
    }
  g_ptr_array_add (b->serials, NULL);
  g_ptr_array_add (b->pflashes, NULL);
  machine->config.serials = (const char *const *) b->serials->pdata;
  machine->config.pflashes = (const char *const *) b->pflashes->pdata;
}

static bool
has_block (const struct gwt_manifest *source, const char *name)
{
  return gwt_manifest_block (source, name) != NULL;
}

static void
take_backends (struct brought *b, struct gwt_machine *machine, const struct gwt_manifest *source,
               struct gwt_preflight *result)
{
  guint i, n;

  for (i = 0; i < source->n_devices; i++)
    for (n = 0; is_added (&source->devices[i]) && n < source->devices[i].n_backends; n++)
      check_backend (&source->devices[i], &source->devices[i].backends[n], result);
  take_board_backends (b, machine, source, result);
  if (machine->memdev == NULL && !has_block (source, machine->board->ram_block))
    for (i = 0; i < source->n_blocks; i++)
      if (source->blocks[i].size == source->memory)
        {
          refuse (result,
                  "RAM: there is no memory back end '%s' here; add -object "
                  "memory-backend-ram,id=%s,size=%" G_GUINT64_FORMAT "K",
                  source->blocks[i].name, source->blocks[i].name, source->memory >> 10);
          break;
        }
}

/* ---- putting up and taking down -------------------------------------------------------------- */

static bool
put_up (struct gwt_machine *machine, const struct gwt_manifest *incoming, struct gwt_error *err)
{
  bool good;

  machine->incoming = incoming;
  good = gwt_machine_build (machine, err) && gwt_machine_power_on (machine, false, err)
         && gwt_migration_attach (machine->name, machine->config.uuid, err)
         && (a.own == NULL || gwt_hotplug_again (a.own, err))
         && (a.own != NULL || a.with.used == NULL || a.with.used (a.with.data, err));
  machine->incoming = NULL;
  if (good)
    {
      *a.with.slot = machine;
      gwt_memdev_keep ();
    }
  else
    gwt_machine_take_down (machine);
  return good;
}

/* What stands goes; `own` remains planned. */
static void
take_down (void)
{
  if (standing () == NULL)
    return;
  gwt_machine_take_down (standing ());
  gwt_machine_set_history (standing (), NULL);
  if (standing () != a.own)
    gwt_machine_free (standing ());
  *a.with.slot = NULL;
  g_clear_pointer (&a.brought, brought_free);
}

void
gwt_arrival_undo (void)
{
  GWT_AUTO_ERROR (err);

  if (!a.changed)
    return;
  a.changed = false;
  take_down ();
  if (a.own == NULL || put_up (a.own, NULL, &err))
    return;
  /* It stood before: the host has run out of something. */
  gwt_error_report (&err, "the machine cannot be built again");
  gwt_request_shutdown (GWT_CAUSE_HOST_ERROR, 1);
}

/* ---- what fits ------------------------------------------------------------------------------- */

/* Calls FN with each value of SOURCE's that a user chose, which has not been chosen here, too. */
static void
each_carried (const struct gwt_manifest *source, const struct gwt_manifest *here,
              void (*fn) (const struct gwt_manifest_device *device,
                          const struct gwt_manifest_property *there,
                          const struct gwt_manifest_property *here, void *data),
              void *data)
{
  guint i, n;

  for (i = 0; i < source->n_devices; i++)
    {
      const struct gwt_manifest_device *device = &source->devices[i];
      const struct gwt_manifest_device *own = gwt_manifest_device (here, device->id);

      if (own == NULL || strcmp (own->type, device->type) != 0)
        continue;
      for (n = 0; n < device->n_properties; n++)
        {
          const struct gwt_manifest_property *p = &device->properties[n];
          const struct gwt_manifest_property *q
              = p->explicit_ ? gwt_manifest_property (own, p->name) : NULL;

          if (q != NULL && !q->explicit_)
            fn (device, p, q, data);
        }
    }
}

static void
find_other (const struct gwt_manifest_device *device, const struct gwt_manifest_property *there,
            const struct gwt_manifest_property *here, void *data)
{
  (void) device;
  if (!gwt_manifest_equal (there->value, here->value))
    *(bool *) data = true;
}

static void
note (const struct gwt_manifest_device *device, const struct gwt_manifest_property *there,
      const struct gwt_manifest_property *here, void *data)
{
  g_autofree char *detail = gwt_machine_incoming_detail (there);

  (void) data;
  if (gwt_manifest_equal (there->value, here->value))
    gwt_device_note_source (gwt_device_find (device->id), there->name, GWT_SOURCE_INCOMING, detail);
}

/* What is still to be adapted cannot be. */
static void
refuse_rest (struct gwt_preflight *result)
{
  guint i;

  for (i = 0; i < result->adaptations->len; i++)
    {
      const struct gwt_preflight_adaptation *one = g_ptr_array_index (result->adaptations, i);

      refuse (result, "%s; it cannot be taken over", one->text);
    }
}

/* What a machine that was planned for the guest has from it. */
static void
tell_carried (const struct gwt_manifest *here, struct gwt_preflight *result)
{
  guint i, n, left_out = 0;

  for (i = 0; i < here->n_devices; i++)
    for (n = 0; n < here->devices[i].n_properties; n++)
      {
        const struct gwt_manifest_property *p = &here->devices[i].properties[n];
        g_autofree char *value = NULL;

        if (p->from != GWT_SOURCE_INCOMING)
          continue;
        if (result->adaptations->len >= GWT_PREFLIGHT_LINES_MAX)
          {
            left_out++;
            continue;
          }
        value = gwt_preflight_shown (p->value);
        adapt (result, "device '%s': property '%s': %s, as the guest has it (%s)",
               here->devices[i].id, p->name, value, p->detail != NULL ? p->detail : p->source);
      }
  if (left_out > 0)
    adapt (result, "%u more values, as the guest has them", left_out);
}

/* The machine is built anew, as PLANNED (NULL: as the options say) with what SOURCE carries.  A
   refusal leaves all as it was. */
static void
rebuild (struct gwt_machine *planned, struct brought *b, const struct gwt_manifest *source,
         bool judge, struct gwt_preflight *result)
{
  struct gwt_machine *machine = planned != NULL ? planned : a.own;
  struct gwt_manifest *here = NULL;
  struct gwt_preflight now;
  GWT_AUTO_ERROR (err);

  take_down ();
  a.changed = true;
  if (put_up (machine, source, &err))
    {
      a.brought = b;
      gwt_machine_set_history (machine, (struct gwt_manifest *) source);
      here = gwt_machine_manifest (machine, &err);
    }
  else
    {
      if (machine != a.own)
        gwt_machine_free (machine);
      brought_free (b);
    }
  if (here == NULL)
    refuse (result, "%s", err.text);
  else
    {
      if (planned != NULL)
        tell_carried (here, result);
      if (judge)
        {
          /* What was said of the machine that stood before holds no more. */
          gwt_preflight_run (source, here, &now);
          refuse_rest (&now);
          g_ptr_array_unref (result->reasons);
          result->reasons = g_steal_pointer (&now.reasons);
          gwt_preflight_clear (&now);
        }
      result->verdict = result->reasons->len > 0       ? GWT_VERDICT_REFUSE
                        : result->adaptations->len > 0 ? GWT_VERDICT_ADAPT
                                                       : GWT_VERDICT_OK;
    }
  gwt_manifest_unref (here);
  if (result->verdict == GWT_VERDICT_REFUSE)
    gwt_arrival_undo ();
}

/* As the guest has it, where the options leave that open.  NULL: as they are, or RESULT refuses. */
static struct gwt_machine *
plan_other (struct brought *b, const struct gwt_manifest *source, struct gwt_preflight *result)
{
  struct gwt_machine *machine = NULL;
  GWT_AUTO_ERROR (err);

  if (a.own == NULL)
    {
      bring (b, source);
      machine = gwt_machine_plan (&b->config, &err);
    }
  if (!gwt_error_is_set (&err) && fill (b, machine != NULL ? machine : a.own, source, result))
    {
      gwt_machine_free (machine);
      machine = gwt_machine_plan (&b->config, &err);
    }
  if (gwt_error_is_set (&err))
    refuse (result, "%s", err.text);
  else if (a.own == NULL)
    {
      machine->is_guests = true;
      adapt (result, "machine '%s' with %u device%s, as the guest has it", source->type,
             b->devices->len - 1, b->devices->len == 2 ? "" : "s");
      take_backends (b, machine, source, result);
    }
  if (result->verdict == GWT_VERDICT_REFUSE)
    g_clear_pointer (&machine, gwt_machine_free);
  return machine;
}

/* The machine that stands is of the right shape: only values may have to change. */
static void
fit (const struct gwt_manifest *source, bool judge, bool check_only, struct gwt_preflight *result)
{
  struct gwt_manifest *here;
  GWT_AUTO_ERROR (err);
  bool other = false;

  here = gwt_machine_manifest (standing (), &err);
  if (here == NULL)
    {
      refuse (result, "%s", err.text);
      return;
    }
  if (judge)
    {
      gwt_preflight_clear (result);
      gwt_preflight_run (source, here, result);
    }
  /* Reasons beside values that are to be taken over may be gone with them, and others come. */
  if (result->verdict != GWT_VERDICT_REFUSE || result->adaptations->len > 0)
    {
      each_carried (source, here, find_other, &other);
      if (other)
        rebuild (NULL, NULL, source, judge, result);
      else if (!check_only)
        {
          each_carried (source, here, note, NULL);
          gwt_machine_set_history (standing (), (struct gwt_manifest *) source);
          a.changed = true;
        }
    }
  gwt_manifest_unref (here);
}

/* Nobody asks whether the guest fits, but where it loads all the same and sees another machine than
   it was in, somebody has to be able to find out. */
static void
find_unasked (const struct gwt_manifest *source, struct gwt_preflight *result)
{
  struct gwt_manifest *here;
  struct gwt_preflight now;
  GWT_AUTO_ERROR (err);

  here = gwt_machine_manifest (standing (), &err);
  if (here == NULL)
    return;
  gwt_preflight_run (source, here, &now);
  if (now.verdict == GWT_VERDICT_REFUSE)
    result->unasked = now.reasons->len == 1
                          ? g_strdup (now.reasons->pdata[0])
                          : g_strdup_printf ("%s (and %u more: migrate-check tells them before)",
                                             (const char *) now.reasons->pdata[0],
                                             now.reasons->len - 1);
  gwt_preflight_clear (&now);
  gwt_manifest_unref (here);
}

void
gwt_arrival_prepare (const struct gwt_manifest *source, bool judge, bool check_only,
                     struct gwt_preflight *result)
{
  struct brought *b = brought_new ();
  struct gwt_machine *planned;

  result_init (result);
  /* One that came before, and went again. */
  gwt_arrival_undo ();
  planned = plan_other (b, source, result);
  if (planned != NULL)
    rebuild (planned, b, source, judge, result);
  else
    {
      brought_free (b);
      if (result->verdict != GWT_VERDICT_REFUSE)
        fit (source, judge, check_only, result);
    }
  if (check_only)
    gwt_arrival_undo ();
  else if (!judge && result->verdict != GWT_VERDICT_REFUSE)
    find_unasked (source, result);
}

void
gwt_arrival_loaded (struct gwt_manifest *source)
{
  GWT_AUTO_ERROR (err);
  struct gwt_manifest *here = gwt_machine_manifest (standing (), &err);

  if (here == NULL)
    gwt_log (GWT_LOG_WARN, "state-load: %s; the guest's choices do not go on from here", err.text);
  else
    each_carried (source, here, note, NULL);
  gwt_manifest_unref (here);
  gwt_machine_set_history (standing (), source);
}

/* ---- the process ----------------------------------------------------------------------------- */

void
gwt_arrival_begin (const struct gwt_arrival *with)
{
  a.with = *with;
  a.own = *with->slot;
}

void
gwt_arrival_finish (void)
{
  if (a.own != NULL && a.own != standing ())
    gwt_machine_free (a.own);
  a.own = NULL;
  g_clear_pointer (&a.brought, brought_free);
  a.with = (struct gwt_arrival){ 0 };
}
