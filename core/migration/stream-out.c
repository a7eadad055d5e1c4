/* SPDX-License-Identifier: BSD-2-Clause */
/* The stream as it is written: see stream.h. */
#include "config.h"
#include "core/migration/stream.h"
#include <string.h>

void
gwt_stream_put_header (struct gwt_vm_out *out)
{
  gwt_vm_put_be (out, 4, GWT_STREAM_MAGIC);
  gwt_vm_put_be (out, 4, GWT_STREAM_VERSION);
}

static void
put_subsection (struct gwt_vm_out *out, const char *name)
{
  gwt_vm_put_be (out, 1, GWT_STREAM_SUBSECTION);
  gwt_vm_put_pstr (out, name);
  gwt_vm_put_be (out, 4, 1);
}

static void
describe_config (const struct gwt_stream_config *config, guint count, GString *text)
{
  g_string_append_printf (text,
                          "\"vmsd_name\": \"configuration\", \"version\": 1, \"fields\": "
                          "[{\"name\": \"len\", \"type\": \"uint32\", \"size\": 4}, "
                          "{\"name\": \"name\", \"type\": \"buffer\", \"size\": %zu}]",
                          strlen (config->machine));
  if (count == 0 && !config->has_uuid && config->manifest == NULL)
    return;
  g_string_append (text, ", \"subsections\": [");
  if (count > 0)
    {
      g_string_append (text, "{\"vmsd_name\": \"configuration/capabilities\", \"version\": 1, "
                             "\"fields\": [{\"name\": \"caps_count\", \"type\": \"uint32\", "
                             "\"size\": 4}, {\"name\": \"capabilities\", ");
      if (count > 1)
        g_string_append_printf (text, "\"array_len\": %u, ", count);
      g_string_append_printf (text, "\"type\": \"capability\", \"size\": %zu}]}",
                              strlen (config->capabilities[0]) + 1);
    }
  if (config->has_uuid)
    g_string_append_printf (text,
                            "%s{\"vmsd_name\": \"configuration/uuid\", \"version\": 1, "
                            "\"fields\": [{\"name\": \"uuid.data\", \"array_len\": 16, \"type\": "
                            "\"uint8\", \"size\": 1}]}",
                            count > 0 ? ", " : "");
  if (config->manifest != NULL)
    {
      size_t size;

      gwt_manifest_text (config->manifest, &size);
      g_string_append_printf (text,
                              "%s{\"vmsd_name\": \"configuration/manifest\", \"version\": 1, "
                              "\"fields\": [{\"name\": \"flags\", \"type\": \"uint32\", "
                              "\"size\": 4}, {\"name\": \"size\", \"type\": \"uint32\", "
                              "\"size\": 4}, {\"name\": \"manifest\", \"type\": \"buffer\", "
                              "\"size\": %zu}]}",
                              count > 0 || config->has_uuid ? ", " : "", size);
    }
  g_string_append_c (text, ']');
}

void
gwt_stream_put_config (struct gwt_vm_out *out, const struct gwt_stream_config *config,
                       GString *description)
{
  guint count = 0, i;

  while (config->capabilities != NULL && config->capabilities[count] != NULL)
    count++;
  gwt_vm_put_be (out, 1, GWT_STREAM_CONFIGURATION);
  gwt_vm_put_be (out, 4, strlen (config->machine));
  gwt_vm_put (out, config->machine, strlen (config->machine));
  if (count > 0)
    {
      put_subsection (out, "configuration/capabilities");
      gwt_vm_put_be (out, 4, count);
      for (i = 0; i < count; i++)
        gwt_vm_put_pstr (out, config->capabilities[i]);
    }
  if (config->has_uuid)
    {
      put_subsection (out, "configuration/uuid");
      gwt_vm_put (out, config->uuid, sizeof (config->uuid));
    }
  if (config->manifest != NULL)
    {
      size_t size;
      const char *text = gwt_manifest_text (config->manifest, &size);

      put_subsection (out, "configuration/manifest");
      gwt_vm_put_be (out, 4, config->manifest_flags);
      gwt_vm_put_be (out, 4, size);
      gwt_vm_put (out, text, size);
    }
  if (description != NULL)
    describe_config (config, count, description);
}

static void
put_section_head (struct gwt_vm_out *out, enum gwt_stream_tag tag, const struct gwt_entry *entry)
{
  gwt_vm_put_be (out, 1, tag);
  gwt_vm_put_be (out, 4, entry->id);
  if (tag != GWT_STREAM_START && tag != GWT_STREAM_FULL)
    return;
  gwt_vm_put_pstr (out, entry->name);
  gwt_vm_put_be (out, 4, entry->instance);
  gwt_vm_put_be (out, 4, entry->version);
}

static void
put_section_foot (struct gwt_vm_out *out, const struct gwt_entry *entry)
{
  gwt_vm_put_be (out, 1, GWT_STREAM_FOOTER);
  gwt_vm_put_be (out, 4, entry->id);
}

static bool
put_payload (struct gwt_vm_out *out, enum gwt_stream_tag tag, const struct gwt_entry *entry,
             bool *done, struct gwt_error *err)
{
  const struct gwt_live_ops *live = entry->live;
  bool ignored;

  if (tag == GWT_STREAM_PART)
    return live->iterate == NULL
           || live->iterate (entry->opaque, out, done != NULL ? done : &ignored, err);
  if (tag == GWT_STREAM_END)
    return live->complete == NULL || live->complete (entry->opaque, out, err);
  return live->setup == NULL || live->setup (entry->opaque, out, err);
}

bool
gwt_stream_put_piece (struct gwt_vm_out *out, enum gwt_stream_tag tag,
                      const struct gwt_entry *entry, bool *done, struct gwt_error *err)
{
  put_section_head (out, tag, entry);
  if (!put_payload (out, tag, entry, done, err))
    {
      gwt_error_set (err, GWT_E_FAILED, "it cannot be saved");
      gwt_error_prefix (err, "section '%s'", gwt_entry_label (entry));
      return false;
    }
  put_section_foot (out, entry);
  return true;
}

bool
gwt_stream_put_full (struct gwt_vm_out *out, const struct gwt_entry *entry, GString *devices,
                     struct gwt_error *err)
{
  if (!gwt_vmstate_needed (entry->schema, entry->self, entry->device))
    return true;
  put_section_head (out, GWT_STREAM_FULL, entry);
  if (devices != NULL)
    g_string_append_printf (devices, "%s{\"name\": \"%s\", \"instance_id\": %u, ",
                            devices->len > 0 ? ", " : "", entry->name, entry->instance);
  if (!gwt_vmstate_save (entry->schema, entry->self, entry->device, out, devices, err))
    {
      gwt_error_prefix (err, "section '%s'", gwt_entry_label (entry));
      return false;
    }
  if (devices != NULL)
    g_string_append_c (devices, '}');
  put_section_foot (out, entry);
  return true;
}

void
gwt_stream_put_command (struct gwt_vm_out *out, uint16_t number, const void *data, uint16_t size)
{
  gwt_vm_put_be (out, 1, GWT_STREAM_COMMAND);
  gwt_vm_put_be (out, 2, number);
  gwt_vm_put_be (out, 2, size);
  gwt_vm_put (out, data, size);
}

void
gwt_stream_put_end (struct gwt_vm_out *out)
{
  gwt_vm_put_be (out, 1, GWT_STREAM_EOF);
}

void
gwt_stream_put_description (struct gwt_vm_out *out, const char *config, const char *devices)
{
  g_autofree char *text = g_strdup_printf (
      "{\"configuration\": {%s}, \"page_size\": 4096, \"devices\": [", config);

  gwt_vm_put_be (out, 1, GWT_STREAM_DESCRIPTION);
  gwt_vm_put_be (out, 4, strlen (text) + strlen (devices) + 2);
  gwt_vm_put (out, text, strlen (text));
  gwt_vm_put_ref (out, devices, strlen (devices));
  gwt_vm_put (out, "]}", 2);
}
