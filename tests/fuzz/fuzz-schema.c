/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as two -dump-vmstate documents with a line of "=" between them.  What is refused says
 * so; what is compared is compared to its end, and the same way a second time.
 */
#include "config.h"
#include <string.h>
#include "tests/fuzz/claims.h"
#include "tools/machine/schema.h"

const char *const fuzz_tokens[]
    = { "\n=\n", "\"Fields\"", "\"Subsections\"", "\"Description\"", "\"when\"", "\"version_id\"",
        "\"num\"", "\"size\": 0", "\"counted\": true", "\"code\": true", "\"unused\"",
        "18446744073709551615", "9223372036854775807", "-1", "null", "[[[[", NULL };

static struct json_object *
parse (const char *text, size_t size)
{
  GWT_AUTO_ERROR (err);
  struct json_object *all = schema_parse (text, size, &err);

  fuzz_claim_error (all != NULL, &err);
  return all;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *text = (const char *) data;
  const char *middle = size > 0 ? memmem (text, size, "\n=\n", 3) : NULL;
  size_t first = middle != NULL ? (size_t) (middle - text) : size;
  struct json_object *a = parse (text, first);
  struct json_object *b
      = middle != NULL ? parse (middle + 3, size - first - 3) : json_object_get (a);

  if (a != NULL && b != NULL)
    {
      g_autoptr (GPtrArray) once = schema_compare (a, b, NULL);
      g_autoptr (GPtrArray) again = schema_compare (a, b, NULL);
      guint i;

      FUZZ_CLAIM (once->len == again->len);
      for (i = 0; i < once->len; i++)
        {
          const struct schema_change *x = once->pdata[i], *y = again->pdata[i];

          FUZZ_CLAIM (x->ways <= (SCHEMA_FORWARD | SCHEMA_BACKWARD) && x->ways == y->ways);
          FUZZ_CLAIM (x->text[0] != '\0' && strcmp (x->text, y->text) == 0);
        }
    }
  json_object_put (a);
  json_object_put (b);
  return 0;
}
