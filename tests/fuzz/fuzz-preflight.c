/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two manifests, a NUL between them: whatever they say of each other, there is a verdict, always
 * the same, with printable reasons.  Where one of the two is none, the other one is judged against
 * itself and against one that is good.
 */
#include "config.h"
#include <string.h>
#include "core/migration/preflight.h"
#include "tests/fuzz/claims.h"

const char *const fuzz_tokens[]
    = { "\"facts\"",      "\"bytes\"",   "\"ignored\"", "\"write\"",   "\"registers\"",
        "\"global\"",     "\"device\"",  "\"default\"", "\"rows\"",    "\"layouts\"",
        "\"may-come\"",   "\"version\"", "\"level\"",   "\"plugin\"",  "\"optional\"",
        "{\"0\":\"ff\"}", "null",        "\"hotplug\"", "4294967295",  "18446744073709551615",
        "\"min\"",        "\"max\"",     "\"values\"",  "\"\\u00ff\"", "[\"config\"]",
        NULL };

static const char good[]
    = "{\"godwit-manifest\":1,\"program\":\"p 1\",\"machine\":{\"type\":\"m\",\"chain\":[\"m\"],"
      "\"board\":\"b\"},\"smp\":{\"cpus\":1,\"sockets\":1,\"cores\":1,\"threads\":1},"
      "\"cpu\":\"c\",\"memory\":4096,\"blocks\":[{\"name\":\"r\",\"size\":4096}],"
      "\"plugins\":[{\"id\":\"q\",\"version\":\"2.0\",\"level\":\"1.0\"}],\"devices\":[{\"id\":"
      "\"d\",\"type\":\"t\",\"plugin\":\"q\",\"origin\":\"user\",\"properties\":{\"x\":{\"value\":"
      "1,\"default\":2,\"min\":0,\"max\":9,\"rows\":[{\"level\":\"1.0\",\"value\":1}]}},"
      "\"facts\":{\"capacity\":7,\"config\":{\"size\":8,\"bytes\":{\"0\":\"0102\"},\"ignored\":"
      "{\"4\":\"ff\"},\"write\":{\"1\":\"f0\"},\"registers\":[{\"at\":0,\"size\":2,\"name\":"
      "\"id\"}]}},\"sections\":[{\"name\":\"s\",\"instance\":0,\"version\":2,\"minimum\":1,"
      "\"layouts\":{\"1\":\"a\",\"2\":\"b\"},\"subsections\":[{\"name\":\"s/t\",\"may-come\":"
      "true}]}]}],\"sections\":[{\"name\":\"ram\",\"version\":4}],"
      "\"hops\":[{\"program\":\"p 1\",\"machine\":\"m\"}]}";

static void
claim_line (const char *text)
{
  const char *c;

  FUZZ_CLAIM (text[0] != '\0' && g_utf8_validate (text, -1, NULL));
  for (c = text; *c != '\0'; c++)
    FUZZ_CLAIM ((unsigned char) *c >= 0x20 && *c != 0x7f);
}

/* Two documents never tell less than all, and what they tell is of one kind. */
static void
judge_files (const struct gwt_manifest *a, const struct gwt_manifest *b)
{
  struct gwt_preflight live, files;

  gwt_preflight_run (a, b, &live);
  gwt_preflight_files (a, b, &files);
  FUZZ_CLAIM ((files.verdict == GWT_VERDICT_REFUSE) == (files.reasons->len > 0));
  FUZZ_CLAIM ((files.verdict == GWT_VERDICT_UNDECIDED) == (files.open->len > 0));
  FUZZ_CLAIM (files.verdict != GWT_VERDICT_ADAPT || live.verdict == GWT_VERDICT_ADAPT);
  FUZZ_CLAIM (files.verdict != GWT_VERDICT_OK || live.verdict == GWT_VERDICT_OK);
  FUZZ_CLAIM (files.verdict != GWT_VERDICT_REFUSE || live.verdict == GWT_VERDICT_REFUSE);
  for (guint i = 0; i < files.reasons->len; i++)
    claim_line (g_ptr_array_index (files.reasons, i));
  for (guint i = 0; i < files.open->len; i++)
    claim_line (g_ptr_array_index (files.open, i));
  gwt_preflight_clear (&files);
  gwt_preflight_clear (&live);
}

static void
judge (const struct gwt_manifest *a, const struct gwt_manifest *b)
{
  struct gwt_preflight first, second;
  struct json_object *one, *two;
  guint i;

  gwt_preflight_run (a, b, &first);
  gwt_preflight_run (a, b, &second);
  judge_files (a, b);
  one = gwt_preflight_json (&first);
  two = gwt_preflight_json (&second);
  FUZZ_CLAIM (json_object_equal (one, two));
  FUZZ_CLAIM ((first.verdict == GWT_VERDICT_REFUSE) == (first.reasons->len > 0));
  FUZZ_CLAIM (first.verdict != GWT_VERDICT_ADAPT || first.adaptations->len > 0);
  FUZZ_CLAIM (first.reasons->len <= GWT_PREFLIGHT_LINES_MAX + 1);
  for (i = 0; i < first.reasons->len; i++)
    claim_line (g_ptr_array_index (first.reasons, i));
  for (i = 0; i < first.adaptations->len; i++)
    {
      const struct gwt_preflight_adaptation *x = g_ptr_array_index (first.adaptations, i);
      const struct gwt_manifest_device *device = gwt_manifest_device (b, x->device);

      /* What is to be taken over, the destination can take. */
      claim_line (x->text);
      FUZZ_CLAIM (device != NULL && gwt_manifest_property (device, x->property) != NULL);
      FUZZ_CLAIM (gwt_manifest_allows (gwt_manifest_property (device, x->property), x->value));
    }
  /* Nothing is to be taken over from oneself. */
  FUZZ_CLAIM (a != b || first.adaptations->len == 0);
  json_object_put (one);
  json_object_put (two);
  gwt_preflight_clear (&first);
  gwt_preflight_clear (&second);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  GWT_AUTO_ERROR (err);
  GWT_AUTO_ERROR (other);
  GWT_AUTO_ERROR (internal);
  const char *text = (const char *) data, *end = size > 0 ? memchr (data, 0, size) : NULL;
  size_t first = end != NULL ? (size_t) (end - text) : size;
  struct gwt_manifest *a = gwt_manifest_parse ("a", text, first, &err), *b = NULL, *one, *base;

  fuzz_claim_error (a != NULL, &err);
  if (end != NULL)
    {
      b = gwt_manifest_parse ("b", end + 1, size - first - 1, &other);
      fuzz_claim_error (b != NULL, &other);
    }
  if (a != NULL && b != NULL)
    {
      judge (a, b);
      judge (b, a);
    }
  one = a != NULL ? a : b;
  if (one != NULL)
    {
      base = gwt_manifest_parse ("base", good, strlen (good), &internal);
      FUZZ_CLAIM (base != NULL);
      judge (one, base);
      judge (base, one);
      judge (one, one);
      gwt_manifest_unref (base);
    }
  gwt_manifest_unref (a);
  gwt_manifest_unref (b);
  return 0;
}
