/* SPDX-License-Identifier: BSD-2-Clause */
/* What a receiver says of a guest: any bytes in place of the text. */
#include "config.h"
#include <string.h>
#include "core/migration/verdict.h"
#include "tests/fuzz/claims.h"

const char *const fuzz_tokens[]
    = { "\"verdict\"", "\"reasons\"", "\"adaptations\"", "\"ok\"",  "\"adapt\"", "\"refuse\"",
        "[\"x\"]",     "[]",          "null",            "\\u0000", "\\u001b",   "[[[[[[[[",
        NULL };

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
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
