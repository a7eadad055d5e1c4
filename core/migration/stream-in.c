/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stream as it is read: see stream.h.
 *
 * The sender is not trusted.  Sections with a schema are staged and committed only when the last
 * byte was read and nothing is missing, so a stream that is refused anywhere leaves every device as
 * it was.
 */
#include "config.h"
#include "core/migration/stream.h"
#include <string.h>
#include "core/migration/told.h"
#include "core/util/log.h"
#include "core/vmstate/layout.h"

/* A machine type's name, and a description: what a sender may make us read. */
#define MACHINE_MAX 255
#define DESCRIPTION_MAX (64u << 20)
#define CAPABILITIES_MAX 64

struct section
{
  uint32_t id;
  uint32_t version;
  struct gwt_entry *entry;
  struct gwt_stage *stage; /* or NULL: live */
  const struct gwt_manifest_section *told; /* by the sender's manifest, or NULL: there is none */
  bool refused; /* it is not as told */
};

struct gwt_stream_in
{
  struct gwt_vm_in *in;
  struct gwt_stream_config config;
  struct gwt_stream_in_ops ops;
  void *opaque;
  GArray *sections; /* struct section, as they were announced */
  struct gwt_manifest *manifest; /* what came, or NULL */
  struct gwt_error misfit; /* machine type or UUID are others than here */
  char machine[MACHINE_MAX + 1];
  uint32_t manifest_flags;
};

/* Those that change what is in the stream or what it means, and so must be the same at both ends.
 */
static const char *const judged_capabilities[] = { "x-ignore-shared", "mapped-ram", NULL };

/* All that any release has had. */
static const char *const known_capabilities[]
    = { "xbzrle", "rdma-pin-all", "auto-converge", "zero-blocks", "compress", "events",
        "postcopy-ram", "x-colo", "release-ram", "block", "return-path",
        "pause-before-switchover", "multifd", "dirty-bitmaps", "postcopy-blocktime",
        "late-block-activate", "x-ignore-shared", "validate-uuid", "background-snapshot",
        "zero-copy-send", "postcopy-preempt", "switchover-ack", "dirty-limit", "mapped-ram",
        NULL };

struct gwt_stream_in *
gwt_stream_in_new (struct gwt_vm_in *in, const struct gwt_stream_config *config,
                   const struct gwt_stream_in_ops *ops, void *opaque)
{
  struct gwt_stream_in *s = g_new0 (struct gwt_stream_in, 1);

  s->in = in;
  s->config = *config;
  if (ops != NULL)
    s->ops = *ops;
  s->opaque = opaque;
  s->sections = g_array_new (FALSE, TRUE, sizeof (struct section));
  return s;
}

void
gwt_stream_in_free (struct gwt_stream_in *s)
{
  guint i;

  if (s == NULL)
    return;
  for (i = 0; i < s->sections->len; i++)
    {
      const struct section *section = &g_array_index (s->sections, struct section, i);

      gwt_stage_free (section->stage);
      if (section->entry->live != NULL && section->entry->live->load_cleanup != NULL)
        section->entry->live->load_cleanup (section->entry->opaque);
    }
  g_array_free (s->sections, TRUE);
  gwt_manifest_unref (s->manifest);
  gwt_error_clear (&s->misfit);
  g_free (s);
}

/* ---- header and configuration ---------------------------------------------------------------- */

/* A length byte and text without NULs; NULL with ERR set.  g_free. */
static char *
get_pstr (struct gwt_vm_in *in, const char *what, struct gwt_error *err)
{
  char text[256];
  uint64_t length;

  if (!gwt_vm_get_be (in, 1, &length, err) || !gwt_vm_get (in, text, length, err))
    return NULL;
  if (length == 0 || memchr (text, '\0', length) != NULL)
    {
      gwt_error_set (err, GWT_E_INVALID, "byte %" G_GUINT64_FORMAT ": %s is no name",
                     in->offset - length, what);
      return NULL;
    }
  return g_strndup (text, length);
}

static bool
get_header (struct gwt_stream_in *s, struct gwt_error *err)
{
  uint64_t magic, version;

  if (!gwt_vm_get_be (s->in, 4, &magic, err))
    return false;
  if (magic != GWT_STREAM_MAGIC)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "it begins with 0x%08" G_GINT64_MODIFIER
                     "x, a stream with 0x%08x; is it one that was saved by 'migrate'?",
                     magic, GWT_STREAM_MAGIC);
      return false;
    }
  if (!gwt_vm_get_be (s->in, 4, &version, err))
    return false;
  if (version != GWT_STREAM_VERSION)
    {
      gwt_error_set (err, GWT_E_UNSUPPORTED,
                     "streams of version %" G_GUINT64_FORMAT " cannot be read; version %d can",
                     version, GWT_STREAM_VERSION);
      return false;
    }
  return true;
}

static bool
get_machine (struct gwt_stream_in *s, struct gwt_error *err)
{
  char *name = s->machine;
  g_autofree char *shown = NULL;
  uint64_t tag, length;

  if (!gwt_vm_get_be (s->in, 1, &tag, err))
    return false;
  if (tag != GWT_STREAM_CONFIGURATION)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "byte 8: tag 0x%02" G_GINT64_MODIFIER
                     "x; the configuration has to come first",
                     tag);
      return false;
    }
  if (!gwt_vm_get_be (s->in, 4, &length, err))
    return false;
  if (length > MACHINE_MAX)
    {
      gwt_error_set (err, GWT_E_RANGE,
                     "byte 9: the machine type's name has %" G_GUINT64_FORMAT
                     " bytes; it can have %d",
                     length, MACHINE_MAX);
      return false;
    }
  if (!gwt_vm_get (s->in, name, length, err))
    return false;
  if (s->config.machine == NULL)
    return true;
  if (strlen (name) == length && strcmp (name, s->config.machine) == 0)
    return true;
  shown = g_strescape (name, NULL);
  /* Not said at once: there may be more that does not fit. */
  if (length == 0)
    gwt_error_set (&s->misfit, GWT_E_INVALID,
                   "it names no machine type; here it is '%s'", s->config.machine);
  gwt_error_set (&s->misfit, GWT_E_INVALID,
                 "the guest's machine type is '%s', here it is '%s'; start this end with -M '%s'",
                 shown, s->config.machine, shown);
  return true;
}

/* All of the configuration was read. */
static bool
begin (struct gwt_stream_in *s, struct gwt_error *err)
{
  g_autofree char *shown = NULL;

  if (s->ops.begins != NULL && !s->ops.begins (s->opaque, s->manifest, &s->misfit, err))
    return false;
  if (gwt_error_is_set (&s->misfit))
    gwt_error_move (err, &s->misfit);
  else if (s->config.machine == NULL && s->manifest == NULL)
    {
      shown = g_strescape (s->machine, NULL);
      gwt_error_set (err, GWT_E_INVALID,
                     "the sender does not describe the guest's machine (its capability x-manifest "
                     "is off, or it is another program); start this end with -M '%s' and its "
                     "devices",
                     shown);
    }
  return !gwt_error_is_set (err);
}

static bool
is_in (const char *const *list, const char *name)
{
  return list != NULL && g_strv_contains (list, name);
}

/* SENT: names that came, NULL-terminated. */
static bool
judge_capabilities (struct gwt_stream_in *s, const char *const *sent, struct gwt_error *err)
{
  guint i;

  for (i = 0; judged_capabilities[i] != NULL; i++)
    {
      const char *name = judged_capabilities[i];
      bool there = is_in (sent, name), here = is_in (s->config.capabilities, name);

      if (there == here)
        continue;
      gwt_error_set (err, GWT_E_INVALID,
                     "capability '%s' is %s at the sender and %s here; set it alike at both ends",
                     name, there ? "on" : "off", here ? "on" : "off");
      return false;
    }
  return true;
}

static bool
get_capabilities (struct gwt_stream_in *s, GPtrArray *names, struct gwt_error *err)
{
  uint64_t count, i;

  if (!gwt_vm_get_be (s->in, 4, &count, err))
    return false;
  if (count > CAPABILITIES_MAX)
    {
      gwt_error_set (err, GWT_E_RANGE, "%" G_GUINT64_FORMAT " capabilities are more than any has",
                     count);
      return false;
    }
  for (i = 0; i < count; i++)
    {
      char *name = get_pstr (s->in, "a capability", err);

      if (name == NULL)
        return false;
      g_ptr_array_add (names, name);
      if (!is_in (known_capabilities, name))
        {
          g_autofree char *shown = g_strescape (name, NULL);

          gwt_error_set (err, GWT_E_UNSUPPORTED, "capability '%s' is not known here", shown);
          return false;
        }
    }
  return true;
}

static bool
get_page_bits (struct gwt_stream_in *s, struct gwt_error *err)
{
  uint64_t bits;

  if (!gwt_vm_get_be (s->in, 4, &bits, err))
    return false;
  if (bits == 12)
    return true;
  gwt_error_set (err, GWT_E_UNSUPPORTED,
                 "the sender's pages have %" G_GUINT64_FORMAT " bits, here they have 12", bits);
  return false;
}

static bool
get_uuid (struct gwt_stream_in *s, struct gwt_error *err)
{
  uint8_t uuid[16];

  if (!gwt_vm_get (s->in, uuid, sizeof (uuid), err))
    return false;
  if (!s->config.has_uuid)
    {
      gwt_log (GWT_LOG_WARN, "the guest has a UUID, and this end was given none to compare");
      return true;
    }
  if (memcmp (uuid, s->config.uuid, sizeof (uuid)) == 0)
    return true;
  gwt_error_set (&s->misfit, GWT_E_INVALID,
                 "the guest's UUID is another than -uuid here; it is another guest");
  return true;
}

static bool
get_manifest (struct gwt_stream_in *s, struct gwt_error *err)
{
  g_autofree char *text = NULL, *shown = NULL;
  uint64_t flags, length;

  if (!gwt_vm_get_be (s->in, 4, &flags, err) || !gwt_vm_get_be (s->in, 4, &length, err))
    return false;
  /* Who waits is to hear what is wrong with the rest. */
  s->manifest_flags = (uint32_t) flags;
  if (s->manifest != NULL)
    gwt_error_set (err, GWT_E_INVALID, "it comes twice");
  else if ((flags & ~(uint64_t) (GWT_STREAM_CHECK_ONLY | GWT_STREAM_WAITS)) != 0)
    gwt_error_set (err, GWT_E_UNSUPPORTED,
                   "flags 0x%" G_GINT64_MODIFIER
                   "x are not known here; the sender is newer: turn its capability x-manifest off",
                   flags);
  else if (length > GWT_MANIFEST_SIZE_MAX)
    gwt_error_set (err, GWT_E_RANGE, "%" G_GUINT64_FORMAT " bytes; it can have %u", length,
                   GWT_MANIFEST_SIZE_MAX);
  else if ((text = g_try_malloc (length + 1)) == NULL)
    gwt_error_set (err, GWT_E_NO_MEMORY, "no memory for %" G_GUINT64_FORMAT " bytes", length);
  if (gwt_error_is_set (err) || !gwt_vm_get (s->in, text, length, err))
    return false;
  s->manifest = gwt_manifest_parse ("the sender's manifest", text, length, err);
  if (s->manifest == NULL || strcmp (s->manifest->type, s->machine) == 0)
    return s->manifest != NULL;
  shown = g_strescape (s->machine, NULL);
  gwt_error_set (err, GWT_E_INVALID,
                 "the sender's manifest: /machine/type: '%s', and the machine type before it is "
                 "'%s'; the sender contradicts itself",
                 s->manifest->type, shown);
  return false;
}

static bool
get_config_subsections (struct gwt_stream_in *s, GPtrArray *capabilities, struct gwt_error *err)
{
  uint8_t tag;

  /* Who waits for an answer has sent nothing behind the manifest yet. */
  while (s->manifest_flags == 0 && gwt_vm_peek (s->in, &tag, 1, err) == 1
         && tag == GWT_STREAM_SUBSECTION)
    {
      g_autofree char *name = NULL;
      uint64_t version;
      bool good = false;

      if (!gwt_vm_get (s->in, NULL, 1, err)
          || (name = get_pstr (s->in, "a subsection of the configuration", err)) == NULL
          || !gwt_vm_get_be (s->in, 4, &version, err))
        return false;
      if (version != 1)
        gwt_error_set (err, GWT_E_UNSUPPORTED,
                       "version %" G_GUINT64_FORMAT " cannot be read; version 1 can", version);
      else if (strcmp (name, "configuration/capabilities") == 0)
        good = get_capabilities (s, capabilities, err);
      else if (strcmp (name, "configuration/target-page-bits") == 0)
        good = get_page_bits (s, err);
      else if (strcmp (name, "configuration/uuid") == 0)
        good = get_uuid (s, err);
      else if (strcmp (name, "configuration/manifest") == 0)
        good = get_manifest (s, err);
      else
        gwt_error_set (err, GWT_E_UNSUPPORTED, "it is not known here; the sender is newer");
      if (!good)
        {
          g_autofree char *shown = g_strescape (name, NULL);

          gwt_error_prefix (err, "subsection '%s'", shown);
          return false;
        }
    }
  return !gwt_error_is_set (err);
}

bool
gwt_stream_get_start (struct gwt_stream_in *s, struct gwt_error *err)
{
  g_autoptr (GPtrArray) capabilities = g_ptr_array_new_with_free_func (g_free);
  bool good = get_header (s, err) && get_machine (s, err)
              && get_config_subsections (s, capabilities, err);

  g_ptr_array_add (capabilities, NULL);
  return good && judge_capabilities (s, (const char *const *) capabilities->pdata, err)
         && begin (s, err);
}

struct gwt_manifest *
gwt_stream_manifest (const struct gwt_stream_in *s, uint32_t *flags)
{
  if (flags != NULL)
    *flags = s->manifest_flags;
  return s->manifest;
}

/* ---- sections -------------------------------------------------------------------------------- */

static struct section *
section_of_id (struct gwt_stream_in *s, uint32_t id)
{
  guint i;

  for (i = s->sections->len; i > 0; i--)
    if (g_array_index (s->sections, struct section, i - 1).id == id)
      return &g_array_index (s->sections, struct section, i - 1);
  return NULL;
}

static struct section *
section_of_entry (struct gwt_stream_in *s, const struct gwt_entry *entry)
{
  guint i;

  for (i = 0; i < s->sections->len; i++)
    if (g_array_index (s->sections, struct section, i).entry == entry)
      return &g_array_index (s->sections, struct section, i);
  return NULL;
}

static bool
get_footer (struct gwt_stream_in *s, const struct section *section, struct gwt_error *err)
{
  uint64_t tag, id, at = s->in->offset;

  if (!gwt_vm_get_be (s->in, 1, &tag, err))
    return false;
  if (tag != GWT_STREAM_FOOTER)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "byte %" G_GUINT64_FORMAT ": section '%s': 0x%02" G_GINT64_MODIFIER
                     "x instead of its footer; the two ends do not agree on what is in it: give "
                     "both the same -smp, -cpu and -device",
                     at, gwt_entry_label (section->entry), tag);
      return false;
    }
  if (!gwt_vm_get_be (s->in, 4, &id, err))
    return false;
  if (id == section->id)
    return true;
  gwt_error_set (err, GWT_E_INVALID,
                 "byte %" G_GUINT64_FORMAT ": section '%s': its footer is that of section %"
                 G_GUINT64_FORMAT,
                 at, gwt_entry_label (section->entry), id);
  return false;
}

/* What the sender's manifest has said of SECTION, whose content is not what it should be: ERR gets
   that behind it. */
static void
blame_layout (struct gwt_stream_in *s, const struct section *section, struct gwt_error *err)
{
  const struct gwt_entry *entry = section->entry;
  const struct gwt_manifest_section *told
      = s->manifest != NULL ? gwt_manifest_section (s->manifest, entry->name, entry->instance)
                            : NULL;
  g_autofree char *mine = NULL;
  const char *theirs = NULL;
  GWT_AUTO_ERROR (both);

  for (guint i = 0; told != NULL && i < told->n_layouts; i++)
    if (told->layouts[i].version == section->version)
      theirs = told->layouts[i].hash;
  if (theirs == NULL || entry->schema == NULL)
    return;
  if (s->ops.enter != NULL)
    s->ops.enter (s->opaque);
  mine = gwt_layout_hash (entry->schema, entry->device, section->version);
  if (s->ops.leave != NULL)
    s->ops.leave (s->opaque);
  gwt_error_set (&both, err->code, "%s (%s)", err->text,
                 g_strcmp0 (mine, theirs) == 0
                     ? "the sender's manifest says that its layout is that of this end: the sender "
                       "contradicts itself"
                     : "the sender's manifest says that its layout is another one than here");
  gwt_error_clear (err);
  gwt_error_move (err, &both);
}

static bool
judge_subsection (void *judge, const char *name, uint32_t version, struct gwt_error *err)
{
  struct section *section = judge;

  section->refused = !gwt_told_subsection (section->told, name, version, err);
  return !section->refused;
}

static bool
load_section (struct gwt_stream_in *s, struct section *section, struct gwt_error *err)
{
  struct gwt_entry *entry = section->entry;
  bool good;

  if (entry->schema != NULL)
    {
      s->in->judge = section;
      s->in->subsection = section->told != NULL ? judge_subsection : NULL;
      if (s->ops.enter != NULL)
        s->ops.enter (s->opaque);
      section->stage = gwt_vmstate_load (entry->schema, entry->self, entry->device,
                                         section->version, s->in, err);
      if (s->ops.leave != NULL)
        s->ops.leave (s->opaque);
      good = section->stage != NULL;
    }
  else
    {
      good = entry->live->load (entry->opaque, s->in, section->version, err);
    }
  if (good && get_footer (s, section, err))
    return true;
  if (good)
    {
      blame_layout (s, section, err);
      return false;
    }
  gwt_error_set (err, GWT_E_FAILED, "it cannot be loaded");
  gwt_error_prefix (err, "section '%s'", gwt_entry_label (entry));
  if (!section->refused)
    blame_layout (s, section, err);
  /* It comes in pieces: only the whole stream tells where that is. */
  if (entry->schema == NULL)
    gwt_error_prefix (err, "byte %" G_GUINT64_FORMAT, s->in->offset);
  return false;
}

/* The nearest help there is for a section that nobody here wants. */
static void
refuse_unknown (const char *name, uint32_t instance, struct gwt_error *err)
{
  g_autofree char *shown = g_strescape (name, NULL);
  guint count, i;
  g_autofree struct gwt_entry **entries = gwt_entries (&count);

  for (i = 0; i < count; i++)
    if (strcmp (entries[i]->name, name) == 0)
      {
        gwt_error_set (err, GWT_E_NOT_FOUND,
                       "section '%s' %u: there is no device with that number here; give this end "
                       "the sender's devices",
                       shown, instance);
        return;
      }
  gwt_error_set (err, GWT_E_NOT_FOUND,
                 "section '%s': there is no such device here; give this end the sender's devices",
                 shown);
}

static bool
get_announced (struct gwt_stream_in *s, enum gwt_stream_tag tag, struct gwt_error *err)
{
  g_autofree char *name = NULL;
  uint64_t id, instance, version, at = s->in->offset - 1;
  struct section section = { 0 };

  if (!gwt_vm_get_be (s->in, 4, &id, err)
      || (name = get_pstr (s->in, "a section's name", err)) == NULL
      || !gwt_vm_get_be (s->in, 4, &instance, err) || !gwt_vm_get_be (s->in, 4, &version, err))
    return false;
  section.id = (uint32_t) id;
  section.version = (uint32_t) version;
  section.entry = gwt_entry_find (name, (uint32_t) instance);
  if (!gwt_told_section (s->manifest, name, (uint32_t) instance, section.version, &section.told,
                         err))
    ; /* said */
  else if (section.entry == NULL)
    refuse_unknown (name, (uint32_t) instance, err);
  else if (s->ops.left_out != NULL && s->ops.left_out (section.entry))
    gwt_error_set (err, GWT_E_INVALID,
                   "section '%s': its device was left out here, and was not by the sender; leave "
                   "it out at both ends",
                   gwt_entry_label (section.entry));
  else if ((section.entry->schema != NULL) != (tag == GWT_STREAM_FULL))
    gwt_error_set (err, GWT_E_INVALID, "section '%s': it is sent %s, and is not of that kind",
                   gwt_entry_label (section.entry),
                   tag == GWT_STREAM_FULL ? "whole" : "in pieces");
  else if (section_of_entry (s, section.entry) != NULL)
    gwt_error_set (err, GWT_E_INVALID, "section '%s': it comes twice",
                   gwt_entry_label (section.entry));
  else if (section.version > section.entry->version)
    gwt_error_set (err, GWT_E_UNSUPPORTED,
                   "section '%s': version %u is newer than the %u that can be read here",
                   gwt_entry_label (section.entry), section.version, section.entry->version);
  if (gwt_error_is_set (err))
    {
      gwt_error_prefix (err, "byte %" G_GUINT64_FORMAT, at);
      return false;
    }
  g_array_append_val (s->sections, section);
  if (section.entry->live != NULL && section.entry->live->load_setup != NULL
      && !section.entry->live->load_setup (section.entry->opaque, err))
    {
      gwt_error_prefix (err, "section '%s'", gwt_entry_label (section.entry));
      return false;
    }
  if (section.entry->live != NULL && section.entry->live->load_told != NULL && s->manifest != NULL)
    section.entry->live->load_told (section.entry->opaque, s->manifest);
  return load_section (s, &g_array_index (s->sections, struct section, s->sections->len - 1), err);
}

static bool
get_piece (struct gwt_stream_in *s, struct gwt_error *err)
{
  struct section *section;
  uint64_t id;

  if (!gwt_vm_get_be (s->in, 4, &id, err))
    return false;
  section = section_of_id (s, (uint32_t) id);
  if (section == NULL || section->entry->live == NULL)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "byte %" G_GUINT64_FORMAT ": a piece of section %" G_GUINT64_FORMAT
                     ", which was not begun",
                     s->in->offset - 4, id);
      return false;
    }
  return load_section (s, section, err);
}

static bool
get_command (struct gwt_stream_in *s, struct gwt_error *err)
{
  uint64_t number, size, at = s->in->offset - 1;
  g_autofree uint8_t *data = g_malloc (65536);

  if (!gwt_vm_get_be (s->in, 2, &number, err) || !gwt_vm_get_be (s->in, 2, &size, err)
      || !gwt_vm_get (s->in, data, size, err))
    return false;
  if (s->ops.command != NULL)
    {
      if (s->ops.command (s->opaque, (uint16_t) number, data, (uint16_t) size, err))
        return true;
      gwt_error_prefix (err, "byte %" G_GUINT64_FORMAT ": command %" G_GUINT64_FORMAT, at, number);
      return false;
    }
  gwt_error_set (err, GWT_E_UNSUPPORTED,
                 "byte %" G_GUINT64_FORMAT ": command %" G_GUINT64_FORMAT " is not known here", at,
                 number);
  return false;
}

bool
gwt_stream_get_items (struct gwt_stream_in *s, struct gwt_error *err)
{
  uint64_t tag;

  while (gwt_vm_get_be (s->in, 1, &tag, err))
    {
      bool good = false;

      switch (tag)
        {
        case GWT_STREAM_EOF:
          return true;
        case GWT_STREAM_START:
        case GWT_STREAM_FULL:
          good = get_announced (s, (enum gwt_stream_tag) tag, err);
          break;
        case GWT_STREAM_PART:
        case GWT_STREAM_END:
          good = get_piece (s, err);
          break;
        case GWT_STREAM_COMMAND:
          good = get_command (s, err);
          break;
        default:
          gwt_error_set (err, GWT_E_INVALID,
                         "byte %" G_GUINT64_FORMAT ": tag 0x%02" G_GINT64_MODIFIER
                         "x begins no section",
                         s->in->offset - 1, tag);
          break;
        }
      if (!good)
        return false;
    }
  return false;
}

bool
gwt_stream_get_description (struct gwt_stream_in *s, struct gwt_error *err)
{
  uint64_t tag, length;
  uint8_t next;
  gssize got = gwt_vm_peek (s->in, &next, 1, err);

  if (got <= 0)
    return got == 0;
  if (!gwt_vm_get_be (s->in, 1, &tag, err))
    return false;
  if (tag != GWT_STREAM_DESCRIPTION)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "byte %" G_GUINT64_FORMAT ": tag 0x%02" G_GINT64_MODIFIER
                     "x behind the end of the stream",
                     s->in->offset - 1, tag);
      return false;
    }
  if (!gwt_vm_get_be (s->in, 4, &length, err))
    return false;
  if (length > DESCRIPTION_MAX)
    {
      gwt_error_set (err, GWT_E_RANGE,
                     "a description of %" G_GUINT64_FORMAT " bytes; it can have %u", length,
                     DESCRIPTION_MAX);
      return false;
    }
  return gwt_vm_get (s->in, NULL, length, err);
}

bool
gwt_stream_check_complete (struct gwt_stream_in *s, struct gwt_error *err)
{
  guint count, i;
  g_autofree struct gwt_entry **entries = gwt_entries (&count);

  for (i = 0; i < count; i++)
    if ((entries[i]->schema == NULL
         || (entries[i]->schema->d.needed == NULL && entries[i]->schema->d.when == NULL))
        && (s->ops.left_out == NULL || !s->ops.left_out (entries[i]))
        && section_of_entry (s, entries[i]) == NULL)
      {
        gwt_error_set (err, GWT_E_NOT_FOUND,
                       "section '%s' is missing; the sender has no such device: leave it out here",
                       gwt_entry_label (entries[i]));
        return false;
      }
  for (i = 0; i < count; i++)
    if (gwt_told_always (s->manifest, entries[i]) && section_of_entry (s, entries[i]) == NULL)
      {
        gwt_error_set (err, GWT_E_INVALID,
                       "section '%s' is missing, and the sender's manifest says that it comes "
                       "always; the sender contradicts itself",
                       gwt_entry_label (entries[i]));
        return false;
      }
  return true;
}

bool
gwt_stream_commit (struct gwt_stream_in *s, struct gwt_error *err)
{
  guint i;

  for (i = 0; i < s->sections->len; i++)
    {
      struct section *section = &g_array_index (s->sections, struct section, i);

      if (section->stage != NULL
          && !gwt_stage_commit (g_steal_pointer (&section->stage), err))
        gwt_error_prefix (err, "section '%s'", gwt_entry_label (section->entry));
    }
  return !gwt_error_is_set (err);
}
