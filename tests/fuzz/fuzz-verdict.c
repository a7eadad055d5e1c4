/* SPDX-License-Identifier: BSD-2-Clause */
/* What a receiver says of a guest, on the wire and in a file: any bytes in place of the text. */
#include "config.h"
#include <string.h>
#include "core/migration/verdict.h"
#include "tests/fuzz/claims.h"

const char *const fuzz_tokens[]
    = { "\"verdict\"", "\"reasons\"", "\"adaptations\"", "\"ok\"",  "\"adapt\"", "\"refuse\"",
        "[\"x\"]",     "[]",          "null",            "\\u0000", "\\u001b",   "[[[[[[[[",
        "\"godwit-verdict\":1",         "\"guest\":\"\"",   "\"manifest\":",
        NULL };

static void
read_document (const char *text, size_t size)
{
  GWT_AUTO_ERROR (err);
  struct json_object *document;
  struct gwt_manifest *m = gwt_verdict_read ("file", text, size, &document, &err);

  fuzz_claim_error (m != NULL || document != NULL, &err);
  if (m != NULL && document != NULL)
    gwt_verdict_is_about (document, m);
  json_object_put (document);
  gwt_manifest_unref (m);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  read_document ((const char *) data, size);

  GWT_AUTO_ERROR (err);
  GWT_AUTO_ERROR (why);
  struct json_object *verdict = gwt_verdict_parse ((const char *) data, size, &err);

  fuzz_claim_error (verdict != NULL, &err);
  if (verdict == NULL)
    return 0;
  if (gwt_verdict_refuses (verdict, &why))
    FUZZ_CLAIM (why.text != NULL && strchr (why.text, '\n') == NULL);
  else
    FUZZ_CLAIM (why.text == NULL);
  json_object_put (verdict);
  return 0;
}
