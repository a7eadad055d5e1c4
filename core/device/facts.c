/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns asking devices for their facts, and the form of bytes in JSON both ways.  Must not know what
 * is compared with what.
 */
#include "config.h"
#include "core/device/facts.h"
#include <inttypes.h>
#include <string.h>
#include "core/util/log.h"
#include "core/util/text.h"

/* So many zeros end a run: less would cost more to name than to write. */
#define GAP 8

struct gwt_facts
{
  struct json_object *all;
  struct gwt_device *device;
};

/* ---- telling --------------------------------------------------------------------------------- */

static bool
is_new (struct gwt_facts *facts, const char *name)
{
  if (name == NULL || !gwt_name_is_valid (name))
    {
      gwt_log (GWT_LOG_WARN, "device '%s' tells a fact '%s', which is no name", facts->device->id,
               name != NULL ? name : "");
      return false;
    }
  if (!json_object_object_get_ex (facts->all, name, NULL))
    return true;
  gwt_log (GWT_LOG_WARN, "device '%s' tells the fact '%s' twice", facts->device->id, name);
  return false;
}

static void
tell_integer (struct gwt_facts *facts, const char *name, uint64_t value)
{
  if (is_new (facts, name))
    json_object_object_add (facts->all, name, json_object_new_uint64 (value));
}

static void
tell_text (struct gwt_facts *facts, const char *name, const char *value)
{
  g_autofree char *line = NULL;

  if (value == NULL || !is_new (facts, name))
    return;
  line = gwt_one_line (value);
  json_object_object_add (facts->all, name, json_object_new_string (line));
}

static struct json_object *
runs (const uint8_t *bytes, uint64_t size)
{
  struct json_object *o = json_object_new_object ();
  uint64_t i = 0;

  while (i < size)
    {
      uint64_t start, last, at;
      g_autoptr (GString) digits = NULL;
      g_autofree char *key = NULL;

      for (; i < size && bytes[i] == 0; i++)
        ;
      if (i == size)
        break;
      start = last = i;
      for (; i < size && i - last <= GAP; i++)
        if (bytes[i] != 0)
          last = i;
      i = last + 1;
      digits = g_string_new (NULL);
      for (at = start; at <= last; at++)
        g_string_append_printf (digits, "%02x", bytes[at]);
      key = g_strdup_printf ("%" PRIu64, start);
      json_object_object_add (o, key, json_object_new_string (digits->str));
    }
  return o;
}

static void
tell_bytes (struct gwt_facts *facts, const char *name, const void *value, const void *compare,
            const void *write, uint64_t size)
{
  struct json_object *o;
  g_autofree uint8_t *ignored = NULL, *told = NULL;

  if (!is_new (facts, name))
    return;
  if (value == NULL || size == 0 || size > GWT_FACT_BYTES_MAX)
    {
      gwt_log (GWT_LOG_WARN,
               "device '%s' tells a fact '%s' of %" PRIu64 " bytes; there can be 1 to %d",
               facts->device->id, name, size, GWT_FACT_BYTES_MAX);
      return;
    }
  /* What does not count changes while the guest runs, and the same machine tells the same. */
  ignored = g_malloc (size);
  told = g_malloc (size);
  for (uint64_t i = 0; i < size; i++)
    {
      ignored[i] = compare != NULL ? (uint8_t) ~((const uint8_t *) compare)[i] : 0;
      told[i] = (uint8_t) (((const uint8_t *) value)[i] & ~ignored[i]
                           & ~(write != NULL ? ((const uint8_t *) write)[i] : 0));
    }
  o = json_object_new_object ();
  json_object_object_add (o, "size", json_object_new_uint64 (size));
  json_object_object_add (o, "bytes", runs (told, size));
  json_object_object_add (o, "ignored", runs (ignored, size));
  if (write != NULL)
    json_object_object_add (o, "write", runs (write, size));
  json_object_object_add (facts->all, name, o);
}

static void
tell_label (struct gwt_facts *facts, const char *name, uint64_t at, uint64_t size,
            const char *label)
{
  struct json_object *o, *list, *entry, *limit;
  g_autofree char *line = NULL;

  if (name == NULL || label == NULL || size == 0
      || !json_object_object_get_ex (facts->all, name, &o)
      || !json_object_object_get_ex (o, "size", &limit) || at >= json_object_get_uint64 (limit)
      || size > json_object_get_uint64 (limit) - at)
    {
      gwt_log (GWT_LOG_WARN, "device '%s' names bytes of the fact '%s', which has none there",
               facts->device->id, name != NULL ? name : "");
      return;
    }
  if (!json_object_object_get_ex (o, "registers", &list))
    {
      list = json_object_new_array ();
      json_object_object_add (o, "registers", list);
    }
  line = gwt_one_line (label);
  entry = json_object_new_object ();
  json_object_object_add (entry, "at", json_object_new_uint64 (at));
  json_object_object_add (entry, "size", json_object_new_uint64 (size));
  json_object_object_add (entry, "name", json_object_new_string (line));
  json_object_array_add (list, entry);
}

static const struct gwt_facts_api facts_api = {
  .struct_size = sizeof facts_api,
  .integer = tell_integer,
  .text = tell_text,
  .bytes = tell_bytes,
  .label = tell_label,
};

struct json_object *
gwt_facts_json (struct gwt_device *device)
{
  struct gwt_facts facts = { json_object_new_object (), device };
  struct gwt_device *part;

  for (part = device; part != NULL; part = part->base)
    /* A type that has no instance of its own shares the one below it. */
    for (const struct gwt_type *type = part->type;
         type != NULL && (part->base == NULL || type != part->base->type);
         type = gwt_type_parent (type))
      {
        const struct gwt_facts_interface *table
            = gwt_type_own_interface (type, GWT_FACTS_INTERFACE);

        if (table != NULL && GWT_HAS (table, tell))
          table->tell (part->instance, &facts_api, &facts);
      }
  if (json_object_object_length (facts.all) > 0)
    return facts.all;
  json_object_put (facts.all);
  return NULL;
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool
take_number (struct json_object *o, const char *name, uint64_t most, uint64_t *number,
             struct gwt_error *err)
{
  struct json_object *value;

  if (!json_object_object_get_ex (o, name, &value) || !json_object_is_type (value, json_type_int)
      || json_object_get_int64 (value) < 0 || (*number = json_object_get_uint64 (value)) > most)
    {
      gwt_error_set (err, GWT_E_INVALID, "\"%s\" is no number from 0 to %" PRIu64, name, most);
      return false;
    }
  return true;
}

static bool
take_run (const char *key, struct json_object *value, guint size, uint8_t *out,
          struct gwt_error *err)
{
  GWT_AUTO_ERROR (ignored);
  const char *digits = json_object_get_string (value);
  uint64_t at;
  size_t n, i;

  if (!json_object_is_type (value, json_type_string) || !gwt_parse_u64 (key, false, &at, &ignored)
      || at >= size || (n = strlen (digits)) % 2 != 0 || n / 2 > size - at)
    goto wrong;
  for (i = 0; i < n; i += 2)
    {
      int high = g_ascii_xdigit_value (digits[i]), low = g_ascii_xdigit_value (digits[i + 1]);

      if (high < 0 || low < 0)
        goto wrong;
      out[at + i / 2] = (uint8_t) (high << 4 | low);
    }
  return true;
wrong:
  gwt_error_set (err, GWT_E_INVALID, "\"%s\" is no run of bytes below %u", key, size);
  return false;
}

static uint8_t *
take_runs (struct json_object *o, const char *name, guint size, struct gwt_error *err)
{
  uint8_t *out = g_malloc0 (size);
  struct json_object *all;

  if (!json_object_object_get_ex (o, name, &all))
    return out;
  if (!json_object_is_type (all, json_type_object))
    {
      gwt_error_set (err, GWT_E_INVALID, "\"%s\" is no object", name);
      return out;
    }
  json_object_object_foreach (all, key, value)
  {
    if (!take_run (key, value, size, out, err))
      {
        gwt_error_prefix (err, "\"%s\"", name);
        break;
      }
  }
  return out;
}

/* The first one told has the byte. */
static bool
take_label (struct json_object *entry, struct gwt_fact_bytes *out, uint64_t *sum,
            struct gwt_error *err)
{
  struct json_object *name;
  uint64_t at, size;

  if (!json_object_is_type (entry, json_type_object)
      || !json_object_object_get_ex (entry, "name", &name)
      || !json_object_is_type (name, json_type_string))
    {
      gwt_error_set (err, GWT_E_INVALID, "a register has no \"name\"");
      return false;
    }
  if (!take_number (entry, "at", out->size, &at, err)
      || !take_number (entry, "size", out->size - at, &size, err))
    return false;
  *sum += size;
  if (*sum > (uint64_t) out->size * GWT_FACT_OVERLAP_MAX)
    {
      gwt_error_set (err, GWT_E_RANGE, "registers overlap more than %d times",
                     GWT_FACT_OVERLAP_MAX);
      return false;
    }
  for (; size > 0; size--, at++)
    if (out->labels[at] == NULL)
      out->labels[at] = json_object_get_string (name);
  return true;
}

static void
take_labels (struct json_object *json, struct gwt_fact_bytes *out, struct gwt_error *err)
{
  struct json_object *list;
  uint64_t sum = 0;
  size_t i;

  if (!json_object_object_get_ex (json, "registers", &list))
    return;
  if (!json_object_is_type (list, json_type_array))
    gwt_error_set (err, GWT_E_INVALID, "it is no array");
  else
    for (i = 0; i < json_object_array_length (list); i++)
      if (!take_label (json_object_array_get_idx (list, i), out, &sum, err))
        break;
  gwt_error_prefix (err, "\"registers\"");
}

bool
gwt_fact_bytes_parse (struct json_object *json, struct gwt_fact_bytes *out, struct gwt_error *err)
{
  uint64_t size;

  memset (out, 0, sizeof *out);
  if (!json_object_is_type (json, json_type_object))
    {
      gwt_error_set (err, GWT_E_INVALID, "it is no object");
      return false;
    }
  if (!take_number (json, "size", GWT_FACT_BYTES_MAX, &size, err))
    return false;
  out->size = (guint) size;
  out->value = take_runs (json, "bytes", out->size, err);
  out->compare = take_runs (json, "ignored", out->size, err);
  for (guint i = 0; i < out->size; i++)
    out->compare[i] = (uint8_t) ~out->compare[i];
  out->write = take_runs (json, "write", out->size, err);
  out->labels = g_new0 (const char *, out->size);
  if (!gwt_error_is_set (err))
    take_labels (json, out, err);
  return !gwt_error_is_set (err);
}

void
gwt_fact_bytes_clear (struct gwt_fact_bytes *bytes)
{
  g_free (bytes->value);
  g_free (bytes->compare);
  g_free (bytes->write);
  g_free (bytes->labels);
  memset (bytes, 0, sizeof *bytes);
}
