/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes of a QMP client: cut into requests in pieces of any size, parsed, dispatched. */
#include "config.h"
#include "core/monitor/dispatch.h"
#include "core/monitor/framing.h"
#include "core/util/json.h"
#include "tests/fuzz/claims.h"

const char *const fuzz_tokens[]
    = { "{\"execute\":", "\"qmp_capabilities\"", "\"query-status\"", "\"query-version\"",
        "\"query-commands\"", "\"qom-list\"", "\"qom-get\"", "\"path\":\"/\"", "\"arguments\":{",
        "\"id\":", "\"property\":", "\"device-list-properties\"", "\"typename\":",
        "\"device-call\"",
        "\r\n", "\n", "'", "\\u0000", "\xef\xbb\xbf", "}}}}", "[[[[[[[[", "null", "1e400", "\x03",
        NULL };

/* The target's own command takes every kind of argument; those of the program need a machine. */
static struct json_object *
take (struct json_object *args, struct gwt_error *err)
{
  return json_object_new_object ();
}

static void
setup (void)
{
  static const struct gwt_qmp_arg args[]
      = { { "path", "str", false },   { "property", "str", true },  { "count", "int", true },
          { "force", "bool", true },  { "arguments", "object", true }, { "value", "any", true },
          { NULL, NULL, false } };
  static const struct gwt_qmp_arg none[] = { { NULL, NULL, false } };
  static const struct gwt_qmp_command commands[]
      = { { "qom-get", take, args }, { "query-status", take, none } };
  static gboolean done;
  if (!done)
    gwt_qmp_add_commands (commands, G_N_ELEMENTS (commands));
  done = TRUE;
}

static void
request (const char *text, size_t length, bool *negotiated)
{
  struct json_tokener *tok = json_tokener_new_ex (GWT_FRAME_DEPTH);
  struct json_object *json = json_tokener_parse_ex (tok, text, (int) length), *answer;
  if (json_tokener_get_error (tok) == json_tokener_success && json != NULL)
    {
      answer = gwt_qmp_dispatch (json, negotiated);
      FUZZ_CLAIM (answer != NULL);
      FUZZ_CLAIM (json_object_object_get_ex (answer, "return", NULL)
                  != json_object_object_get_ex (answer, "error", NULL));
      FUZZ_CLAIM (json_object_to_json_string_ext (answer, JSON_C_TO_STRING_PLAIN) != NULL);
      json_object_put (answer);
    }
  json_object_put (json);
  json_tokener_free (tok);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct gwt_framer framer;
  bool negotiated = false;
  size_t step;

  setup ();
  if (size == 0)
    return 0;
  /* the first byte says in how large pieces the rest comes */
  step = 1 + data[0] % 64;
  gwt_framer_init (&framer);
  for (size_t at = 1; at < size; at += step)
    {
      const char *piece = (const char *) data + at, *text;
      size_t left = MIN (step, size - at), length;
      GWT_AUTO_ERROR (err);
      while (gwt_framer_next (&framer, &piece, &left, &text, &length, &err))
        {
          FUZZ_CLAIM (left <= step);
          if (text == NULL)
            fuzz_claim_error (false, &err);
          else
            {
              FUZZ_CLAIM (length <= GWT_FRAME_MAX);
              request (text, length, &negotiated);
            }
        }
      FUZZ_CLAIM (left == 0);
    }
  gwt_framer_clear (&framer);
  return 0;
}
