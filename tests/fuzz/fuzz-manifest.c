/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a manifest.  What is taken is whole, and is taken again from what is written of it.
 */
#include "config.h"
#include <string.h>
#include "core/migration/manifest.h"
#include "tests/fuzz/claims.h"

const char *const fuzz_tokens[]
    = { "\"devices\"", "\"like\"", "\"properties\"", "\"sections\"", "\"layouts\"", "\"rows\"",
        "\"hop\"",     "\"needs\"", "\"values\"",     "\"place\"",    "\"min\"",     "null",
        "true",        "-1",        "1e999",          "18446744073709551615",
        "18446744073709551616", "[[[[[[[[[[[[", "{\"\":", "\"\\u0000\"", "\"\\u009b\"", "\"id\"",
        NULL };

static void
claim_device (const struct gwt_manifest *m, const struct gwt_manifest_device *d)
{
  guint i;

  FUZZ_CLAIM (d->id != NULL && d->type != NULL && d->plugin != NULL && d->origin != NULL);
  FUZZ_CLAIM (d->parents != NULL && gwt_manifest_device (m, d->id) == d);
  FUZZ_CLAIM (gwt_manifest_plugin (m, d->plugin) != NULL);
  for (i = 0; i < d->n_properties; i++)
    {
      const struct gwt_manifest_property *p = &d->properties[i];

      FUZZ_CLAIM (gwt_manifest_property (d, p->name) == p && p->hop < m->n_hops);
      FUZZ_CLAIM (strcmp (gwt_source_name (p->from), p->source) == 0);
      FUZZ_CLAIM (gwt_manifest_equal (p->value, p->value));
      gwt_manifest_allows (p, p->value);
      for (guint n = 0; n < p->n_rows; n++)
        FUZZ_CLAIM (p->rows[n].plugin != NULL && p->rows[n].level != NULL);
    }
  for (i = 0; i < d->n_sections; i++)
    FUZZ_CLAIM (d->sections[i].device == d);
}

static void
claim_section (const struct gwt_manifest *m, const struct gwt_manifest_section *s)
{
  FUZZ_CLAIM (gwt_manifest_section (m, s->name, s->instance) == s);
  FUZZ_CLAIM (s->minimum <= s->version);
  for (guint n = 0; n < s->n_layouts; n++)
    FUZZ_CLAIM (s->layouts[n].version >= s->minimum && s->layouts[n].version <= s->version
                && (n == 0 || s->layouts[n].version > s->layouts[n - 1].version));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  GWT_AUTO_ERROR (err);
  GWT_AUTO_ERROR (again);
  struct gwt_manifest *m = gwt_manifest_parse ("fuzz", (const char *) data, size, &err), *twice;
  const char *text;
  guint i;

  if (m == NULL)
    {
      FUZZ_CLAIM (err.text != NULL && g_str_has_prefix (err.text, "fuzz: "));
      fuzz_claim_error (false, &err);
      return 0;
    }
  fuzz_claim_error (true, &err);
  FUZZ_CLAIM (m->n_hops > 0 && m->sockets * m->cores * m->threads == m->cpus);
  FUZZ_CLAIM (m->chain[0] != NULL && strcmp (m->chain[0], m->type) == 0);
  for (i = 0; i < m->n_devices; i++)
    claim_device (m, &m->devices[i]);
  for (i = 0; i < m->n_sections; i++)
    claim_section (m, &m->sections[i]);
  text = json_object_to_json_string_ext (gwt_manifest_json (m), JSON_C_TO_STRING_PLAIN);
  twice = gwt_manifest_parse ("fuzz", text, strlen (text), &again);
  FUZZ_CLAIM (twice != NULL && twice->n_devices == m->n_devices
              && twice->n_sections == m->n_sections);
  gwt_manifest_unref (twice);
  gwt_manifest_unref (m);
  return 0;
}
