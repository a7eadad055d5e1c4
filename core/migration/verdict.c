/* SPDX-License-Identifier: BSD-2-Clause */
/* Verdicts on the wire: see verdict.h.  The receiver is not trusted either. */
#include "config.h"
#include "core/migration/verdict.h"
#include <string.h>
#include "core/migration/params.h"
#include "core/migration/return-path.h"
#include "core/util/json.h"
#include "core/util/text.h"

#define PIECE_MAX 32768
#define LINES_MAX 65536

/* ---- what it is ------------------------------------------------------------------------------ */

static bool
judge_lines (struct json_object *object, const char *name, struct gwt_error *err)
{
  struct json_object *list;
  size_t i;

  if (!json_object_object_get_ex (object, name, &list)
      || !json_object_is_type (list, json_type_array)
      || json_object_array_length (list) > LINES_MAX)
    {
      gwt_error_set (err, GWT_E_INVALID, "'%s' is no list of texts", name);
      return false;
    }
  for (i = 0; i < json_object_array_length (list); i++)
    {
      struct json_object *item = json_object_array_get_idx (list, i);
      const char *text = json_object_get_string (item), *at;

      /* They are shown on terminals. */
      if (!json_object_is_type (item, json_type_string) || *text == '\0'
          || strlen (text) != (size_t) json_object_get_string_len (item)
          || !g_utf8_validate (text, -1, NULL))
        {
          gwt_error_set (err, GWT_E_INVALID, "'%s[%zu]' is no text", name, i);
          return false;
        }
      for (at = text; *at != '\0'; at = g_utf8_next_char (at))
        if (!g_unichar_isprint (g_utf8_get_char (at)))
          {
            gwt_error_set (err, GWT_E_INVALID, "'%s[%zu]' is no printable line", name, i);
            return false;
          }
    }
  return true;
}

bool
gwt_verdict_judge (struct json_object *verdict, struct gwt_error *err)
{
  static const char *const words[] = { "ok", "adapt", "refuse", NULL };
  struct json_object *word, *reasons;

  if (!json_object_is_type (verdict, json_type_object)
      || !json_object_object_get_ex (verdict, "verdict", &word)
      || !json_object_is_type (word, json_type_string)
      || !g_strv_contains (words, json_object_get_string (word)))
    {
      gwt_error_set (err, GWT_E_INVALID, "'verdict' is not 'ok', 'adapt' or 'refuse'");
      return false;
    }
  if (!judge_lines (verdict, "reasons", err) || !judge_lines (verdict, "adaptations", err))
    return false;
  json_object_object_get_ex (verdict, "reasons", &reasons);
  if ((strcmp (json_object_get_string (word), "refuse") == 0)
      == (json_object_array_length (reasons) > 0))
    return true;
  gwt_error_set (err, GWT_E_INVALID, "'reasons' and 'verdict' contradict each other");
  return false;
}

struct json_object *
gwt_verdict_parse (const char *text, size_t size, struct gwt_error *err)
{
  struct json_object *verdict = gwt_json_parse (text, size, err);

  if (verdict == NULL || gwt_verdict_judge (verdict, err))
    return verdict;
  json_object_put (verdict);
  return NULL;
}

bool
gwt_verdict_refuses (struct json_object *verdict, struct gwt_error *err)
{
  struct json_object *word, *reasons;
  size_t count;

  json_object_object_get_ex (verdict, "verdict", &word);
  json_object_object_get_ex (verdict, "reasons", &reasons);
  if (strcmp (json_object_get_string (word), "refuse") != 0)
    return false;
  count = json_object_array_length (reasons);
  gwt_error_set (err, GWT_E_UNSUPPORTED, "the other end refuses the guest: %s",
                 json_object_get_string (json_object_array_get_idx (reasons, 0)));
  if (count > 1)
    {
      g_autofree char *first = g_strdup (err->text);

      gwt_error_clear (err);
      gwt_error_set (err, GWT_E_UNSUPPORTED, "%s (and %zu more: query-migrate lists them)", first,
                     count - 1);
    }
  return true;
}

void
gwt_verdict_refuse (struct gwt_preflight *result, const struct gwt_error *err)
{
  gwt_preflight_clear (result);
  result->verdict = GWT_VERDICT_REFUSE;
  result->reasons = g_ptr_array_new_with_free_func (g_free);
  result->adaptations = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (result->reasons, gwt_one_line (err->text));
}

/* ---- on the wire ----------------------------------------------------------------------------- */

static bool
send_text (struct gwt_channel *channel, const char *text, size_t size, struct gwt_error *err)
{
  do
    {
      size_t now = MIN (size, PIECE_MAX);
      uint8_t head[5] = { GWT_RETURN_VERDICT >> 8, GWT_RETURN_VERDICT & 0xff,
                          (uint8_t) ((now + 1) >> 8), (uint8_t) (now + 1), now == size };
      struct iovec iov[2] = { { head, sizeof (head) }, { (void *) text, now } };

      if (!gwt_channel_writev (channel, iov, 2, err))
        return false;
      text += now;
      size -= now;
    }
  while (size > 0);
  return true;
}

bool
gwt_verdict_send (struct gwt_channel *channel, const struct gwt_preflight *result,
                  struct gwt_error *err)
{
  struct json_object *verdict = gwt_preflight_json (result), *list;
  const char *text = json_object_to_json_string_ext (verdict, JSON_C_TO_STRING_PLAIN);
  bool good;

  /* The sender stops to listen at the limit: better the first ones than none. */
  while (strlen (text) > GWT_VERDICT_SIZE_MAX)
    {
      static const char *const names[] = { "adaptations", "reasons" };
      size_t i, length;

      for (i = 0; i < G_N_ELEMENTS (names); i++)
        if (json_object_object_get_ex (verdict, names[i], &list)
            && (length = json_object_array_length (list)) > 1)
          json_object_array_del_idx (list, length / 2, length - length / 2);
      text = json_object_to_json_string_ext (verdict, JSON_C_TO_STRING_PLAIN);
    }
  good = send_text (channel, text, strlen (text), err);
  json_object_put (verdict);
  return good;
}

/* One piece behind those in TEXT. */
static bool
receive_piece (struct gwt_channel *channel, GByteArray *text, bool *last, struct gwt_error *err)
{
  guint type, size;
  uint8_t head[5];
  bool end;

  if (!gwt_return_path_read (channel, head, 4, &end, err))
    {
      if (end)
        gwt_error_set (err, GWT_E_IO,
                       "the other end closed the connection before it had said whether it takes "
                       "the guest; its own message says why; one that knows no manifests needs "
                       "x-manifest off here");
      return false;
    }
  type = (guint) head[0] << 8 | head[1];
  size = (guint) head[2] << 8 | head[3];
  if (type != GWT_RETURN_VERDICT)
    gwt_error_set (err, GWT_E_INVALID, "return path: message %u instead of a verdict", type);
  else if (size < 2)
    gwt_error_set (err, GWT_E_INVALID, "return path: a verdict of %u bytes", size);
  else if (text->len + size - 1 > GWT_VERDICT_SIZE_MAX)
    gwt_error_set (err, GWT_E_RANGE, "return path: a verdict of more than %u bytes",
                   GWT_VERDICT_SIZE_MAX);
  if (gwt_error_is_set (err) || !gwt_return_path_read (channel, head + 4, 1, &end, err))
    {
      gwt_error_set (err, GWT_E_IO, "return path: it ends in the middle of a verdict");
      return false;
    }
  if (head[4] > 1)
    {
      gwt_error_set (err, GWT_E_INVALID, "return path: a piece of a verdict is of kind %u",
                     head[4]);
      return false;
    }
  *last = head[4] == 1;
  g_byte_array_set_size (text, text->len + size - 1);
  if (gwt_return_path_read (channel, text->data + text->len - (size - 1), size - 1, &end, err))
    return true;
  gwt_error_set (err, GWT_E_IO, "return path: it ends in the middle of a verdict");
  return false;
}

void
gwt_verdict_limit (struct gwt_channel *channel)
{
  gwt_channel_set_patience (channel, gwt_migration_param (GWT_PARAM_X_VERDICT_TIMEOUT),
                            "see whether a godwit waits for a guest there; x-verdict-timeout gives "
                            "it more time");
}

struct json_object *
gwt_verdict_receive (struct gwt_channel *channel, struct gwt_error *err)
{
  g_autoptr (GByteArray) text = g_byte_array_new ();
  struct json_object *verdict;
  bool last = false;

  while (!last)
    if (!receive_piece (channel, text, &last, err))
      return NULL;
  gwt_channel_set_patience (channel, 0, NULL);
  verdict = gwt_verdict_parse ((const char *) text->data, text->len, err);
  gwt_error_prefix (err, "return path: the verdict");
  return verdict;
}
