/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Verdicts in files: see verdict.h.  A document of this kind says which guest it is about, for what
 * is in it holds for no other: the machine in it has taken that one's values over.
 */
#include "config.h"
#include "core/migration/verdict.h"
#include <string.h>
#include "core/util/json.h"

#define FORMAT 1

/* Of M's content, whatever order a tool has brought it in; caller frees. */
static char *
digest (const struct gwt_manifest *m)
{
  struct json_object *sorted = gwt_json_sorted (gwt_manifest_json (m));
  char *sum = g_compute_checksum_for_string (
      G_CHECKSUM_SHA256, json_object_to_json_string_ext (sorted, JSON_C_TO_STRING_PLAIN), -1);

  json_object_put (sorted);
  return sum;
}

struct json_object *
gwt_verdict_document (const struct gwt_preflight *result, const struct gwt_manifest *guest,
                      const struct gwt_manifest *here)
{
  struct json_object *document = json_object_new_object (), *verdict = gwt_preflight_json (result);
  g_autofree char *about = digest (guest);

  json_object_object_add (document, "godwit-verdict", json_object_new_int (FORMAT));
  json_object_object_add (document, "guest", json_object_new_string (about));
  json_object_object_foreach (verdict, name, value)
  {
    json_object_object_add (document, name, json_object_get (value));
  }
  json_object_put (verdict);
  if (here != NULL)
    json_object_object_add (document, "manifest", json_object_get (gwt_manifest_json (here)));
  return document;
}

static bool
judge (struct json_object *document, struct gwt_error *err)
{
  struct json_object *format = json_object_object_get (document, "godwit-verdict"), *about;

  if (!json_object_is_type (format, json_type_int) || json_object_get_int64 (format) != FORMAT)
    gwt_error_set (err, GWT_E_UNSUPPORTED,
                   "verdicts of format %s cannot be read, format %d can; use a newer godwit",
                   json_object_to_json_string (format), FORMAT);
  else if (!json_object_object_get_ex (document, "guest", &about)
           || !json_object_is_type (about, json_type_string))
    gwt_error_set (err, GWT_E_INVALID, "'guest' does not say whom it is about");
  return !gwt_error_is_set (err) && gwt_verdict_judge (document, err);
}

static struct gwt_manifest *
manifest_in (const char *where, struct json_object *document, struct gwt_error *err)
{
  g_autofree char *path = g_strconcat (where, ": /manifest", NULL);
  struct json_object *manifest;
  const char *text;
  size_t size;

  if (!json_object_object_get_ex (document, "manifest", &manifest))
    return NULL;
  text = json_object_to_json_string_length (
      manifest, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);
  return gwt_manifest_parse (path, text, size, err);
}

struct gwt_manifest *
gwt_verdict_read (const char *where, const char *text, size_t size, struct json_object **document,
                  struct gwt_error *err)
{
  struct gwt_manifest *m = NULL;
  struct json_object *root;
  GWT_AUTO_ERROR (inner);

  if (document != NULL)
    *document = NULL;
  if (!gwt_manifest_check_size (where, text, size, err))
    return NULL;
  root = gwt_json_parse (text, size, &inner);
  if (root != NULL && json_object_is_type (root, json_type_object)
      && json_object_object_get_ex (root, "godwit-verdict", NULL))
    {
      if (judge (root, &inner))
        m = manifest_in (where, root, err);
      else
        {
          gwt_error_prefix (&inner, "%s", where);
          gwt_error_move (err, &inner);
        }
      if (document != NULL && !gwt_error_is_set (err))
        *document = json_object_get (root);
    }
  else
    m = gwt_manifest_parse (where, text, size, err);
  json_object_put (root);
  return m;
}

bool
gwt_verdict_is_about (struct json_object *document, const struct gwt_manifest *guest)
{
  g_autofree char *about = digest (guest);

  return strcmp (json_object_get_string (json_object_object_get (document, "guest")), about) == 0;
}
