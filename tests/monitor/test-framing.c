/* SPDX-License-Identifier: BSD-2-Clause */
/* Cutting a client's bytes into requests, whole, in halves and hostile. */
#include "config.h"
#include "core/monitor/framing.h"

#include <string.h>

/* Feed TEXT in pieces of STEP bytes; returns requests joined by "|", errors as "!". */
static char *
cut (const char *text, size_t size, size_t step)
{
  struct gwt_framer framer;
  GString *seen = g_string_new (NULL);
  gwt_framer_init (&framer);
  for (size_t at = 0; at < size; at += step)
    {
      const char *data = text + at, *request;
      size_t left = MIN (step, size - at), length;
      GWT_AUTO_ERROR (err);
      while (gwt_framer_next (&framer, &data, &left, &request, &length, &err))
        {
          if (seen->len > 0)
            g_string_append_c (seen, '|');
          if (request != NULL)
            g_string_append_len (seen, request, (gssize) length);
          else
            {
              g_assert_true (gwt_error_is_set (&err));
              g_string_append_c (seen, '!');
              gwt_error_clear (&err);
            }
        }
    }
  gwt_framer_clear (&framer);
  return g_string_free (seen, FALSE);
}

static void
check (const char *text, const char *wanted)
{
  for (size_t step = 1; step <= strlen (text); step++)
    {
      g_autofree char *seen = cut (text, strlen (text), step);
      g_assert_cmpstr (seen, ==, wanted);
    }
}

static void
test_requests (void)
{
  check ("{}\n", "{}");
  check (" \r\n{\"a\":1}{\"b\":[2,{}]}\r\n", "{\"a\":1}|{\"b\":[2,{}]}");
  check ("{\n\"a\":\n1\n}\n", "{\n\"a\":\n1\n}");
}

static void
test_strings_hide_brackets (void)
{
  check ("{\"a\":\"}{\\\"]\"}", "{\"a\":\"}{\\\"]\"}");
  check ("{'a':'}'}", "{'a':'}'}");
  check ("{\"\\\\\":1}{}", "{\"\\\\\":1}|{}");
}

static void
test_garbage_is_one_error_a_line (void)
{
  check ("garbage } ] \"\n{}", "!|{}");
  check ("]]]]\n17\n{}", "!|!|{}");
  check ("[1]\n", "!");
  check ("{]}\n{}", "!|{}");
  check ("{\"a\":[}]}\n{}", "!|{}");
  check ("\xff\xff{}", "{}");
}

static void
test_resync (void)
{
  /* The byte 0xff ends whatever was begun, a string too. */
  check ("{\"half \xff{}", "{}");
}

static void
test_depth (void)
{
  GString *text = g_string_new (NULL);
  for (int i = 0; i < GWT_FRAME_DEPTH; i++)
    g_string_append (text, "{\"a\":");
  g_string_truncate (text, text->len - 4);
  for (int i = 0; i < GWT_FRAME_DEPTH; i++)
    g_string_append_c (text, '}');
  g_autofree char *whole = cut (text->str, text->len, text->len);
  g_assert_cmpstr (whole, ==, text->str);
  g_string_prepend (text, "{\"a\":");
  g_string_append (text, "}\n{}");
  g_autofree char *refused = cut (text->str, text->len, text->len);
  g_assert_cmpstr (refused, ==, "!|{}");
  g_string_free (text, TRUE);
}

static void
test_longest (void)
{
  /* One byte below, at, and far above the limit; what follows the line is heard again. */
  for (int over = -1; over <= 1; over++)
    {
      gsize size = GWT_FRAME_MAX + (gsize) over;
      GString *text = g_string_sized_new (size + 16);
      g_string_append (text, "{\"a\":\"");
      while (text->len < size - 2)
        g_string_append_c (text, 'x');
      g_string_append (text, "\"}");
      g_string_append (text, "\n{}");
      g_autofree char *seen = cut (text->str, text->len, 65536);
      if (over <= 0)
        g_assert_true (g_str_has_suffix (seen, "\"}|{}"));
      else
        g_assert_cmpstr (seen, ==, "!|{}");
      g_string_free (text, TRUE);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/monitor/framing/requests", test_requests);
  g_test_add_func ("/monitor/framing/strings", test_strings_hide_brackets);
  g_test_add_func ("/monitor/framing/garbage", test_garbage_is_one_error_a_line);
  g_test_add_func ("/monitor/framing/resync", test_resync);
  g_test_add_func ("/monitor/framing/depth", test_depth);
  g_test_add_func ("/monitor/framing/longest", test_longest);
  return g_test_run ();
}
