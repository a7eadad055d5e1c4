/* SPDX-License-Identifier: BSD-2-Clause */
/* What users and clients say about migrations: addresses as URIs and as "channels", capabilities,
   parameters.  Nothing is opened; what is refused has changed nothing. */
#include "config.h"
#include "core/migration/channel.h"
#include "core/migration/params.h"
#include "core/util/json.h"
#include "tests/fuzz/claims.h"

const char *const fuzz_tokens[] = { "tcp:",
                                    "unix:",
                                    "exec:",
                                    "fd:",
                                    "file:",
                                    ",offset=",
                                    ",to=",
                                    ",ipv4=on",
                                    ",ipv6=off",
                                    "[::1]:",
                                    "65536",
                                    "0x8000000000000000",
                                    "\"channel-type\":\"main\"",
                                    "\"addr\":",
                                    "\"transport\":\"socket\"",
                                    "\"type\":\"inet\"",
                                    "\"args\":[",
                                    "\"capability\":",
                                    "\"state\":true",
                                    "null",
                                    "-1",
                                    "\\u0000",
                                    NULL };

static void
address (struct gwt_address *a, struct gwt_error *err)
{
  fuzz_claim_error (a != NULL, err);
  if (a == NULL)
    return;
  const char *label = gwt_address_label (a);
  FUZZ_CLAIM (label[0] != '\0' && g_utf8_validate (label, -1, NULL));
  for (const char *at = label; *at != '\0'; at++)
    FUZZ_CLAIM ((unsigned char) *at >= 0x20);
  FUZZ_CLAIM (!(gwt_address_is_file (a) && gwt_address_two_way (a)));
  gwt_address_free (a);
}

static void
settings (struct json_object *json)
{
  GWT_AUTO_ERROR (err);
  struct json_object *before = gwt_params_json (), *after;
  bool ok = !json_object_is_type (json, json_type_object) || gwt_params_set_json (json, &err);
  fuzz_claim_error (ok, &err);
  after = gwt_params_json ();
  FUZZ_CLAIM (ok || json_object_equal (before, after));
  uint64_t cache = gwt_migration_param (GWT_PARAM_XBZRLE_CACHE_SIZE);
  FUZZ_CLAIM (cache >= 4096 && (cache & (cache - 1)) == 0);
  FUZZ_CLAIM (gwt_migration_param (GWT_PARAM_MAX_CPU_THROTTLE)
              >= gwt_migration_param (GWT_PARAM_CPU_THROTTLE_INITIAL));
  json_object_put (before);
  json_object_put (after);

  before = gwt_capabilities_json ();
  ok = gwt_capabilities_set_json (json, false, &err);
  fuzz_claim_error (ok, &err);
  after = gwt_capabilities_json ();
  FUZZ_CLAIM (ok || json_object_equal (before, after));
  /* What it says of itself can be said to it. */
  FUZZ_CLAIM (gwt_capabilities_set_json (after, false, &err));
  json_object_put (before);
  json_object_put (after);
  gwt_migration_params_reset ();
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  GWT_AUTO_ERROR (err);

  address (gwt_address_parse (text, GWT_OUTGOING, &err), &err);
  address (gwt_address_parse (text, GWT_INCOMING, &err), &err);
  struct json_object *json = gwt_json_parse (text, strlen (text), &err);
  bool parsed = !gwt_error_is_set (&err);
  gwt_error_clear (&err);
  if (parsed)
    {
      address (gwt_address_parse_channels (json, GWT_OUTGOING, &err), &err);
      address (gwt_address_parse_channels (json, GWT_INCOMING, &err), &err);
      settings (json);
    }
  json_object_put (json);
  return 0;
}
