/* SPDX-License-Identifier: BSD-2-Clause */
/* What a manifest says of the stream behind it: see told.h.  Must not know how that is read. */
#include "config.h"
#include "core/migration/told.h"
#include <string.h>

bool
gwt_told_section (const struct gwt_manifest *manifest, const char *name, uint32_t instance,
                  uint32_t version, const struct gwt_manifest_section **told,
                  struct gwt_error *err)
{
  g_autofree char *shown = NULL;

  *told = manifest != NULL ? gwt_manifest_section (manifest, name, instance) : NULL;
  if (manifest == NULL || (*told != NULL && (*told)->version == version))
    return true;
  shown = g_strescape (name, NULL);
  if (*told == NULL)
    gwt_error_set (err, GWT_E_INVALID,
                   "section '%s' %u: it comes, and the sender's manifest does not name it; the "
                   "sender contradicts itself",
                   shown, instance);
  else
    gwt_error_set (err, GWT_E_INVALID,
                   "section '%s' %u: version %u comes, and the sender's manifest says %u; the "
                   "sender contradicts itself",
                   shown, instance, version, (*told)->version);
  return false;
}

bool
gwt_told_subsection (const struct gwt_manifest_section *section, const char *name, uint32_t version,
                     struct gwt_error *err)
{
  const struct gwt_manifest_subsection *told = NULL;
  guint i;

  for (i = 0; i < section->n_subsections && (told == NULL || !told->may_come); i++)
    if (strcmp (section->subsections[i].name, name) == 0)
      told = &section->subsections[i];
  if (told == NULL)
    gwt_error_set (err, GWT_E_INVALID,
                   "it comes, and the sender's manifest does not name it; the sender contradicts "
                   "itself");
  else if (!told->may_come)
    gwt_error_set (err, GWT_E_INVALID,
                   "it comes, and the sender's manifest says that it cannot (it hangs on %s); the "
                   "sender contradicts itself",
                   told->when != NULL ? told->when : "nothing");
  else if (told->version != 0 && told->version != version)
    gwt_error_set (err, GWT_E_INVALID,
                   "version %u comes, and the sender's manifest says %u; the sender contradicts "
                   "itself",
                   version, told->version);
  return !gwt_error_is_set (err);
}

bool
gwt_told_always (const struct gwt_manifest *manifest, const struct gwt_entry *entry)
{
  const struct gwt_manifest_section *told
      = manifest != NULL ? gwt_manifest_section (manifest, entry->name, entry->instance) : NULL;

  /* What hangs on a property is in a manifest whether or not that is on. */
  return told != NULL && !told->optional && entry->schema != NULL && entry->schema->d.when == NULL;
}

bool
gwt_told_block (const struct gwt_manifest *manifest, const char *name, uint64_t size,
                struct gwt_error *err)
{
  const struct gwt_manifest_block *told
      = manifest != NULL ? gwt_manifest_block (manifest, name) : NULL;

  if (manifest == NULL || (told != NULL && told->size == size))
    return true;
  if (told == NULL)
    gwt_error_set (err, GWT_E_INVALID,
                   "RAM block '%s': it comes, and the sender's manifest does not name it; the "
                   "sender contradicts itself",
                   name);
  else
    gwt_error_set (err, GWT_E_INVALID,
                   "RAM block '%s': %" G_GUINT64_FORMAT " bytes come, and the sender's manifest "
                   "says %" G_GUINT64_FORMAT "; the sender contradicts itself",
                   name, size, told->size);
  return false;
}

bool
gwt_told_no_block (const struct gwt_manifest *manifest, const char *name, struct gwt_error *err)
{
  if (manifest == NULL || gwt_manifest_block (manifest, name) == NULL)
    return true;
  gwt_error_set (err, GWT_E_INVALID,
                 "RAM block '%s': the sender's manifest names it, and it does not come; the sender "
                 "contradicts itself",
                 name);
  return false;
}
