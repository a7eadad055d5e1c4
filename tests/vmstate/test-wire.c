/* SPDX-License-Identifier: BSD-2-Clause */
/* Output with and without a sink: order, pieces, what is copied and what is not. */
#include "config.h"
#include "tests/vmstate/check.h"

struct catcher
{
  GByteArray *bytes;
  guint calls, most; /* calls, and pieces in the largest */
  guint fail_at;     /* the call that fails, counted from 1 */
};

static bool
catch (void *opaque, const struct iovec *iov, int n, struct gwt_error *err)
{
  struct catcher *c = opaque;
  int i;

  g_assert_cmpint (n, >, 0);
  c->most = MAX (c->most, (guint) n);
  if (++c->calls == c->fail_at)
    {
      gwt_error_set (err, GWT_E_IO, "the line is cut");
      return false;
    }
  for (i = 0; i < n; i++)
    g_byte_array_append (c->bytes, iov[i].iov_base, (guint) iov[i].iov_len);
  return true;
}

static void
put_some (struct gwt_vm_out *out, const char *ref)
{
  gwt_vm_put_be (out, 2, 0x4142);
  gwt_vm_put_pstr (out, "xy");
  gwt_vm_put_ref (out, ref, 4);
  gwt_vm_put_ref (out, ref + 4, 4); /* goes on where the last one ended */
  gwt_vm_put_zeros (out, 0);
  gwt_vm_put_ref (out, ref, 0);
  gwt_vm_put_zeros (out, 2);
  gwt_vm_put (out, "", 0);
  gwt_vm_put (out, "end", 3);
}

static void
test_without_sink (void)
{
  GWT_AUTO_ERROR (err);
  char ref[] = "abcdefgh";
  struct gwt_vm_out out;

  gwt_vm_out_init (&out);
  g_assert_cmpuint (out.limit, ==, UINT64_MAX);
  put_some (&out, ref);
  memset (ref, 'z', 8); /* was copied */
  g_assert_true (gwt_vm_out_drain (&out, &err));
  g_assert_cmpmem (out.bytes->data, out.bytes->len, "AB\2xyabcdefgh\0\0end", 18);
  g_assert_cmpuint (out.total, ==, 18);
  g_assert_cmpuint (out.waiting, ==, 0);
  gwt_vm_out_clear (&out);
}

static void
test_sink (void)
{
  GWT_AUTO_ERROR (err);
  struct catcher c = { .bytes = g_byte_array_new () };
  char ref[] = "abcdefgh";
  struct gwt_vm_out out;

  gwt_vm_out_init_sink (&out, catch, &c);
  g_assert_true (gwt_vm_out_drain (&out, &err));
  g_assert_cmpuint (c.calls, ==, 0); /* nothing to send is not sent */
  put_some (&out, ref);
  g_assert_cmpuint (out.total, ==, 18);
  g_assert_cmpuint (out.waiting, ==, 18);
  memset (ref, 'z', 8); /* was not copied */
  g_assert_true (gwt_vm_out_drain (&out, &err));
  g_assert_cmpmem (c.bytes->data, c.bytes->len, "AB\2xyzzzzzzzz\0\0end", 18);
  g_assert_cmpuint (c.most, ==, 3);
  g_assert_cmpuint (out.waiting, ==, 0);
  gwt_vm_put (&out, "!", 1);
  g_assert_cmpuint (out.total, ==, 19);
  g_assert_true (gwt_vm_out_drain (&out, &err));
  g_assert_cmpuint (c.calls, ==, 2);
  g_assert_cmpuint (c.bytes->len, ==, 19);
  gwt_vm_out_clear (&out);
  g_byte_array_unref (c.bytes);
}

/* More pieces than one call takes, from copies that were moved while they grew. */
static void
test_batches (void)
{
  GWT_AUTO_ERROR (err);
  struct catcher c = { .bytes = g_byte_array_new () };
  g_autofree uint8_t *pages = g_malloc (3000 * 16);
  struct gwt_vm_out out;
  guint i;

  for (i = 0; i < 3000 * 16; i++)
    pages[i] = (uint8_t) (i * 7);
  gwt_vm_out_init_sink (&out, catch, &c);
  for (i = 0; i < 3000; i++)
    {
      gwt_vm_put_be (&out, 4, i);
      gwt_vm_put_ref (&out, pages + 16 * i, 16);
    }
  g_assert_true (gwt_vm_out_drain (&out, &err));
  g_assert_cmpuint (c.calls, ==, 6);
  g_assert_cmpuint (c.most, ==, 1024);
  g_assert_cmpuint (c.bytes->len, ==, 3000 * 20);
  for (i = 0; i < 3000; i++)
    {
      const uint8_t *at = c.bytes->data + 20 * i;

      g_assert_cmpuint ((guint) at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3], ==, i);
      g_assert_cmpmem (at + 4, 16, pages + 16 * i, 16);
    }
  gwt_vm_out_clear (&out);
  g_byte_array_unref (c.bytes);
}

static void
test_fails (void)
{
  GWT_AUTO_ERROR (err);
  struct catcher c = { .bytes = g_byte_array_new (), .fail_at = 1 };
  struct gwt_vm_out out;

  gwt_vm_out_init_sink (&out, catch, &c);
  gwt_vm_put (&out, "lost", 4);
  g_assert_false (gwt_vm_out_drain (&out, &err));
  g_assert_cmpstr (err.text, ==, "the line is cut");
  g_assert_cmpuint (out.waiting, ==, 0);
  gwt_error_clear (&err);
  gwt_vm_put (&out, "next", 4);
  g_assert_true (gwt_vm_out_drain (&out, &err));
  g_assert_cmpmem (c.bytes->data, c.bytes->len, "next", 4);
  gwt_vm_put (&out, "left", 4);
  gwt_vm_out_clear (&out);
  g_byte_array_unref (c.bytes);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vmstate/wire/without-sink", test_without_sink);
  g_test_add_func ("/vmstate/wire/sink", test_sink);
  g_test_add_func ("/vmstate/wire/batches", test_batches);
  g_test_add_func ("/vmstate/wire/fails", test_fails);
  return g_test_run ();
}
