/* SPDX-License-Identifier: BSD-2-Clause */
/* What users type behind -device, -global, -qmp and where numbers are wanted. */
#include "config.h"
#include "core/device/spec.h"
#include "core/monitor/qmp.h"
#include "core/util/text.h"
#include "tests/fuzz/claims.h"

const char *const fuzz_tokens[]
    = { ",",   ",,",  "=",      "id=",   "on",    "off",     "help", ",help", "driver=", "unix:",
        "tcp:", "server=on", "wait=off", "0x", "18446744073709551616", "K", "T", "-", "[1,2]",
        "{\"driver\":\"x\"}", "\xc3\x28", ".", "fd:", "stdio", NULL };

static void
spec (const char *text)
{
  GWT_AUTO_ERROR (err);
  struct gwt_spec *a = gwt_spec_parse (text, &err);
  fuzz_claim_error (a != NULL, &err);
  if (a != NULL)
    {
      /* the same object from JSON */
      struct json_object *json = gwt_spec_to_json (a), *again;
      struct gwt_spec *b = gwt_spec_from_json (json, &err);
      FUZZ_CLAIM (a->type != NULL);
      fuzz_claim_error (b != NULL, &err);
      FUZZ_CLAIM (b != NULL);
      again = gwt_spec_to_json (b);
      FUZZ_CLAIM (json_object_equal (json, again));
      json_object_put (json);
      json_object_put (again);
      gwt_spec_free (a);
      gwt_spec_free (b);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  GWT_AUTO_ERROR (err);
  uint64_t u;
  int64_t i;
  bool b;
  char *line;

  spec (text);
  fuzz_claim_error (gwt_global_add (text, &err), &err);
  gwt_globals_clear ();
  fuzz_claim_error (gwt_qmp_check (text, &err), &err);
  fuzz_claim_error (gwt_parse_u64 (text, true, &u, &err), &err);
  fuzz_claim_error (gwt_parse_u64 (text, false, &u, &err), &err);
  fuzz_claim_error (gwt_parse_i64 (text, &i, &err), &err);
  fuzz_claim_error (gwt_parse_bool (text, &b, &err), &err);
  line = gwt_one_line (text);
  FUZZ_CLAIM (g_utf8_validate (line, -1, NULL));
  for (const char *c = line; *c; c++)
    FUZZ_CLAIM ((unsigned char) *c >= 0x20);
  g_free (line);
  return 0;
}
