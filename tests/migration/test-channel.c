/* SPDX-License-Identifier: BSD-2-Clause */
/* Channels with both ends here: bytes of each transport, ends that go, waits that are ended.  Long,
   because each transport has its own ways to fail, and all share the peers at the top. */
#include "config.h"
#include "core/migration/channel.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/util/fds.h"
#include "tests/migration/addresses.h"

static char *folder;

static char *
path_of (const char *name)
{
  return g_build_filename (folder, name, NULL);
}

/* ---- a peer that sends ------------------------------------------------------------------------
 */

#define SENT_BYTES ((gsize) 5000000)

static uint8_t
byte_at (gsize i)
{
  return (uint8_t) (i * 31 + (i >> 12));
}

struct sender
{
  struct gwt_address *address;
  int cancel_fd;
  bool two_way;
  bool ok;
  struct gwt_error err;
  struct gwt_channel *channel;
};

/* Connect, send SENT_BYTES in buffers of very different sizes, close. */
static gpointer
send_all (gpointer opaque)
{
  struct sender *s = opaque;
  g_autofree uint8_t *bytes = g_malloc (SENT_BYTES);
  struct iovec iov[3000];
  gsize at = 0;
  int n = 0;
  for (gsize i = 0; i < SENT_BYTES; i++)
    bytes[i] = byte_at (i);
  struct gwt_channel *c = gwt_channel_connect (s->address, s->two_way, s->cancel_fd, &s->err);
  if (c == NULL)
    return NULL;
  while (at < SENT_BYTES && n < 3000)
    {
      gsize size = n % 7 == 0 ? 0 : n == 2999 ? SENT_BYTES - at : (gsize) (1 + n * 37 % 4096);
      iov[n++] = (struct iovec){ bytes + at, MIN (size, SENT_BYTES - at) };
      at += iov[n - 1].iov_len;
    }
  s->ok = gwt_channel_writev (c, iov, n, &s->err);
  if (s->ok)
    g_assert_cmpuint (gwt_channel_sent (c), ==, at);
  s->ok &= gwt_channel_close (c, s->cancel_fd, &s->err);
  return NULL;
}

/* Read to the end and compare. */
static void
check_all (struct gwt_channel *c)
{
  GWT_AUTO_ERROR (err);
  g_autofree uint8_t *buffer = g_malloc (70000);
  gsize at = 0;
  gssize n;
  while ((n = gwt_channel_read (c, buffer, 70000, &err)) > 0)
    for (gssize i = 0; i < n; i++, at++)
      if (buffer[i] != byte_at (at))
        g_error ("byte %zu is wrong", at);
  g_assert_cmpstr (err.text, ==, NULL);
  g_assert_cmpint (n, ==, 0);
  g_assert_cmpuint (at, ==, SENT_BYTES);
  g_assert_cmpuint (gwt_channel_received (c), ==, SENT_BYTES);
}

static void
close_well (struct gwt_channel *c)
{
  GWT_AUTO_ERROR (err);
  gwt_channel_close (c, -1, &err);
  g_assert_cmpstr (err.text, ==, NULL);
}

static struct gwt_listener *
listen_on (struct gwt_address *a)
{
  GWT_AUTO_ERROR (err);
  struct gwt_listener *l = gwt_listener_new (a, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  gwt_address_free (a);
  return l;
}

static struct gwt_channel *
accept_on (struct gwt_listener *l)
{
  GWT_AUTO_ERROR (err);
  struct gwt_channel *c = gwt_listener_accept (l, -1, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  return c;
}

/* The port that L was given. */
static int
port_of (struct gwt_listener *l)
{
  struct json_object *list = gwt_listener_addresses (l), *port;
  g_assert_true (json_object_object_get_ex (json_object_array_get_idx (list, 0), "port", &port));
  int n = atoi (json_object_get_string (port));
  g_assert_cmpint (n, >, 0);
  json_object_put (list);
  return n;
}

static void
send_and_check (struct gwt_listener *l, struct gwt_address *to)
{
  struct sender s = { to, -1, false, false, GWT_ERROR_INIT, NULL };
  GThread *thread = g_thread_new ("send", send_all, &s);
  struct gwt_channel *c = accept_on (l);
  check_all (c);
  g_thread_join (thread);
  g_assert_cmpstr (s.err.text, ==, NULL);
  g_assert_true (s.ok);
  close_well (c);
  gwt_address_free (to);
}

static void
test_tcp (void)
{
  struct gwt_listener *l = listen_on (parse (GWT_INCOMING, "tcp:127.0.0.1:0"));
  send_and_check (l, parse (GWT_OUTGOING, "tcp:127.0.0.1:%d", port_of (l)));
  /* Again: whoever listens on may. */
  send_and_check (l, parse (GWT_OUTGOING, "tcp:localhost:%d", port_of (l)));
  gwt_listener_free (l);
}

static void
test_tcp_name (void)
{
  struct gwt_listener *l = listen_on (parse (GWT_INCOMING, "tcp:localhost:0"));
  send_and_check (l, parse (GWT_OUTGOING, "tcp:localhost:%d,numeric=off", port_of (l)));
  gwt_listener_free (l);
  l = listen_on (parse (GWT_INCOMING, "tcp::0"));
  send_and_check (l, parse (GWT_OUTGOING, "tcp:127.0.0.1:%d", port_of (l)));
  gwt_listener_free (l);
}

static void
test_tcp_v6 (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_address *a = parse (GWT_INCOMING, "tcp:[::1]:0");
  struct gwt_listener *l = gwt_listener_new (a, &err);
  gwt_address_free (a);
  if (l == NULL)
    {
      g_test_skip ("no IPv6 here");
      return;
    }
  send_and_check (l, parse (GWT_OUTGOING, "tcp:[::1]:%d", port_of (l)));
  gwt_listener_free (l);
}

static void
test_tcp_range (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_listener *first = listen_on (parse (GWT_INCOMING, "tcp:127.0.0.1:0"));
  int port = port_of (first);
  struct gwt_address *a = parse (GWT_INCOMING, "tcp:127.0.0.1:%d", port);
  g_assert_null (gwt_listener_new (a, &err));
  g_autofree char *text = g_strdup_printf (
      "tcp:127.0.0.1:%d: cannot listen: Address already in use; choose another port, or give a "
      "range with to=N",
      port);
  g_assert_cmpstr (err.text, ==, text);
  gwt_address_free (a);
  struct gwt_listener *second
      = listen_on (parse (GWT_INCOMING, "tcp:127.0.0.1:%d,to=%d", port, MIN (port + 100, 65535)));
  g_assert_cmpint (port_of (second), >, port);
  gwt_listener_free (second);
  gwt_listener_free (first);
}

static void
test_tcp_half (void)
{
  /* A port that another has in one family is not taken in the other: who connects here
     might come to him. */
  GWT_AUTO_ERROR (err);
  struct gwt_address *a = parse (GWT_INCOMING, "tcp::0");
  struct gwt_listener *l = gwt_listener_new (a, &err);
  g_assert_nonnull (l);
  struct json_object *list = gwt_listener_addresses (l);
  size_t families = json_object_array_length (list);
  json_object_put (list);
  gwt_listener_free (l);
  gwt_address_free (a);
  if (families < 2)
    {
      g_test_skip ("this host has one family of addresses");
      return;
    }
  struct gwt_listener *other = listen_on (parse (GWT_INCOMING, "tcp:127.0.0.1:0"));
  g_autofree char *text = g_strdup_printf (
      "tcp::%d: cannot listen: Address already in use; choose another port, or give a "
      "range with to=N",
      port_of (other));
  a = parse (GWT_INCOMING, "tcp::%d", port_of (other));
  g_assert_null (gwt_listener_new (a, &err));
  g_assert_cmpstr (err.text, ==, text);
  gwt_address_free (a);
  gwt_listener_free (other);
}

static void
test_unix (void)
{
  g_autofree char *path = path_of ("socket");
  struct gwt_listener *l = listen_on (parse (GWT_INCOMING, "unix:%s", path));
  struct json_object *list = gwt_listener_addresses (l);
  g_autofree char *text = g_strdup_printf ("[{\"type\":\"unix\",\"path\":\"%s\"}]", path);
  g_assert_cmpstr (json_object_to_json_string_ext (list, JSON_C_TO_STRING_PLAIN
                                                             | JSON_C_TO_STRING_NOSLASHESCAPE),
                   ==, text);
  json_object_put (list);
  send_and_check (l, parse (GWT_OUTGOING, "unix:%s", path));
  gwt_listener_free (l);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

/* Write, then read what was written. */
static void
send_to (struct gwt_address *to)
{
  struct sender s = { to, -1, false, false, GWT_ERROR_INIT, NULL };
  send_all (&s);
  g_assert_cmpstr (s.err.text, ==, NULL);
  g_assert_true (s.ok);
  gwt_address_free (to);
}

static void
check_from (struct gwt_address *from)
{
  struct gwt_listener *l = listen_on (from);
  g_assert_null (gwt_listener_addresses (l));
  struct gwt_channel *c = accept_on (l);
  check_all (c);
  close_well (c);
  GWT_AUTO_ERROR (err);
  g_assert_null (gwt_listener_accept (l, -1, &err));
  g_assert_nonnull (strstr (err.text, ": it was read already; give it again"));
  gwt_listener_free (l);
}

static void
test_exec (void)
{
  g_autofree char *path = path_of ("exec");
  send_to (parse (GWT_OUTGOING, "exec:cat > '%s'", path));
  check_from (parse (GWT_INCOMING, "exec:cat '%s'", path));
  g_remove (path);
}

static void
test_exec_without_shell (void)
{
  GWT_AUTO_ERROR (err);
  struct json_object *channels
      = json_tokener_parse ("[{\"channel-type\":\"main\",\"addr\":{\"transport\":\"exec\",\"args\":"
                            "[\"echo\",\"a  b\"]}}]");
  struct gwt_address *a = gwt_address_parse_channels (channels, GWT_INCOMING, &err);
  struct gwt_listener *l = listen_on (a);
  struct gwt_channel *c = accept_on (l);
  uint8_t buffer[16];
  g_assert_cmpint (gwt_channel_read (c, buffer, sizeof buffer, &err), ==, 5);
  g_assert_cmpmem (buffer, 5, "a  b\n", 5);
  close_well (c);
  gwt_listener_free (l);
  json_object_put (channels);
}

static void
test_file (void)
{
  g_autofree char *path = path_of ("file");
  send_to (parse (GWT_OUTGOING, "file:%s", path));
  check_from (parse (GWT_INCOMING, "file:%s", path));
  /* What is before the offset stays, what was behind goes. */
  g_assert_true (g_file_set_contents (path, "keep this, drop that", -1, NULL));
  send_to (parse (GWT_OUTGOING, "file:%s,offset=9", path));
  check_from (parse (GWT_INCOMING, "file:%s,offset=9", path));
  g_autofree char *all = NULL;
  gsize size;
  g_assert_true (g_file_get_contents (path, &all, &size, NULL));
  g_assert_cmpuint (size, ==, 9 + SENT_BYTES);
  g_assert_cmpmem (all, 9, "keep this", 9);
  /* Nothing of a longer one stays behind. */
  g_autofree char *longer = g_malloc0 (SENT_BYTES + 100000);
  g_assert_true (g_file_set_contents (path, longer, (gssize) SENT_BYTES + 100000, NULL));
  send_to (parse (GWT_OUTGOING, "file:%s", path));
  check_from (parse (GWT_INCOMING, "file:%s", path));
  /* Beyond its end, too. */
  g_assert_true (g_file_set_contents (path, "keep", -1, NULL));
  send_to (parse (GWT_OUTGOING, "file:%s,offset=1M", path));
  check_from (parse (GWT_INCOMING, "file:%s,offset=1M", path));
  g_remove (path);
}

static void
test_file_untouched (void)
{
  g_autofree char *path = path_of ("untouched"), *fresh = path_of ("fresh"), *text = NULL;
  GWT_AUTO_ERROR (err);
  g_assert_true (g_file_set_contents (path, "as it was", -1, NULL));
  struct gwt_address *a = parse (GWT_OUTGOING, "file:%s", path);
  close_well (gwt_channel_connect (a, false, -1, &err));
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "as it was");
  gwt_address_free (a);
  a = parse (GWT_OUTGOING, "file:%s", fresh);
  close_well (gwt_channel_connect (a, false, -1, &err));
  g_assert_false (g_file_test (fresh, G_FILE_TEST_EXISTS));
  gwt_address_free (a);
  g_remove (path);
}

static void
expect_no_connection (struct gwt_address *a, bool two_way, const char *text)
{
  GWT_AUTO_ERROR (err);
  g_assert_null (gwt_channel_connect (a, two_way, -1, &err));
  g_assert_cmpstr (err.text, ==, text);
  gwt_address_free (a);
}

static void
expect_no_listener (struct gwt_address *a, const char *text)
{
  GWT_AUTO_ERROR (err);
  g_assert_null (gwt_listener_new (a, &err));
  g_assert_cmpstr (err.text, ==, text);
  gwt_address_free (a);
}

static void
test_file_ended (void)
{
  g_autofree char *path = path_of ("ended"),
                  *text = g_strdup_printf ("file:%s: the migration was ended here", path);
  GWT_AUTO_ERROR (err);
  struct gwt_address *a = parse (GWT_OUTGOING, "file:%s", path);
  struct gwt_channel *c = gwt_channel_connect (a, false, -1, &err);
  g_assert_true (gwt_channel_writev (c, &(struct iovec){ (char *) "half", 4 }, 1, &err));
  gwt_channel_shutdown (c);
  g_assert_false (gwt_channel_close (c, -1, &err));
  g_assert_cmpstr (err.text, ==, text);
  gwt_address_free (a);
  g_remove (path);
}

static void
test_file_errors (void)
{
  g_autofree char *path = path_of ("none"), *inside = path_of ("none/inside");
  g_autofree char *e1
      = g_strdup_printf ("file:%s: No such file or directory; use a file that can be read", path);
  expect_no_listener (parse (GWT_INCOMING, "file:%s", path), e1);
  g_autofree char *e2 = g_strdup_printf (
      "file:%s: No such file or directory; use a file that can be written", inside);
  expect_no_connection (parse (GWT_OUTGOING, "file:%s", inside), false, e2);
  g_autofree char *e3
      = g_strdup_printf ("file:%s: Is a directory; use a file that can be written", folder);
  expect_no_connection (parse (GWT_OUTGOING, "file:%s", folder), false, e3);
  g_autofree char *e4 = g_strdup_printf (
      "file:%s: it is nothing to migrate over; use a stream socket, a pipe or a file", folder);
  expect_no_listener (parse (GWT_INCOMING, "file:%s", folder), e4);
  g_autofree char *e5 = g_strdup_printf (
      "file:%s: no answers can come back this way; use tcp or unix, or set the capability "
      "return-path to off",
      path);
  expect_no_connection (parse (GWT_OUTGOING, "file:%s", path), true, e5);
  g_assert_true (g_file_set_contents (path, "12345", -1, NULL));
  g_autofree char *e6
      = g_strdup_printf ("file:%s: the file has 5 bytes; offset must be less", path);
  expect_no_listener (parse (GWT_INCOMING, "file:%s,offset=5", path), e6);
  g_remove (path);
}

static void
expect_failed_send (struct gwt_address *to, const char *text)
{
  struct sender s = { to, -1, false, false, GWT_ERROR_INIT, NULL };
  send_all (&s);
  g_assert_false (s.ok);
  g_assert_cmpstr (s.err.text, ==, text);
  gwt_error_clear (&s.err);
  gwt_address_free (to);
}

static void
test_fifo (void)
{
  g_autofree char *path = path_of ("fifo");
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  g_autofree char *nobody
      = g_strdup_printf ("file:%s: Nobody reads from it; use a file that can be written", path);
  expect_no_connection (parse (GWT_OUTGOING, "file:%s", path), false, nobody);
  /* Who reads waits for one who writes. */
  struct gwt_listener *l = listen_on (parse (GWT_INCOMING, "file:%s", path));
  send_and_check (l, parse (GWT_OUTGOING, "file:%s", path));
  gwt_listener_free (l);
  g_autofree char *offset
      = g_strdup_printf ("file:%s: it has no offset 5 (Illegal seek); use a file or a disk", path);
  expect_no_listener (parse (GWT_INCOMING, "file:%s,offset=5", path), offset);
  g_remove (path);
}

static void
test_full_disk (void)
{
  expect_failed_send (parse (GWT_OUTGOING, "file:/dev/full"),
                      "file:/dev/full: cannot write: No space left on device; make room, or use "
                      "another file");
}

static void
test_exec_fails (void)
{
  /* At once, in the middle, and after the last byte. */
  expect_failed_send (parse (GWT_OUTGOING, "exec:exit 3"),
                      "exec:exit 3: the command ended with status 3; see what it says");
  expect_failed_send (parse (GWT_OUTGOING, "exec:head -c 100000 > /dev/null; exit 4"),
                      "exec:head -c 100000 > /dev/null; exit 4: the command ended with status 4; "
                      "see what it says");
  expect_failed_send (parse (GWT_OUTGOING, "exec:cat > /dev/null; exit 5"),
                      "exec:cat > /dev/null; exit 5: the command ended with status 5; see what it "
                      "says");
  expect_failed_send (parse (GWT_OUTGOING, "exec:kill -9 $$"),
                      "exec:kill -9 $$: the command was ended by signal 9; see what it says");
}

static void
test_exec_source_fails (void)
{
  GWT_AUTO_ERROR (err);
  uint8_t byte;
  struct gwt_listener *l = listen_on (parse (GWT_INCOMING, "exec:exit 6"));
  struct gwt_channel *c = accept_on (l);
  g_assert_cmpint (gwt_channel_read (c, &byte, 1, &err), ==, -1);
  g_assert_cmpstr (err.text, ==, "exec:exit 6: the command ended with status 6; see what it says");
  GWT_AUTO_ERROR (again);
  g_assert_false (gwt_channel_close (c, -1, &again));
  gwt_listener_free (l);
  /* After its last byte. */
  l = listen_on (parse (GWT_INCOMING, "exec:echo x; exit 7"));
  c = accept_on (l);
  GWT_AUTO_ERROR (none);
  g_assert_cmpint (gwt_channel_read (c, &byte, 1, &none), ==, 1);
  GWT_AUTO_ERROR (end);
  g_assert_false (gwt_channel_close (c, -1, &end));
  g_assert_cmpstr (end.text, ==,
                   "exec:echo x; exit 7: the command ended with status 7; see what it says");
  gwt_listener_free (l);
  /* It would have had more to say. */
  l = listen_on (parse (GWT_INCOMING, "exec:yes"));
  c = accept_on (l);
  g_assert_cmpint (gwt_channel_read (c, &byte, 1, &none), ==, 1);
  close_well (c);
  gwt_listener_free (l);
}

static void
test_no_command (void)
{
  GWT_AUTO_ERROR (err);
  struct json_object *channels
      = json_tokener_parse ("[{\"channel-type\":\"main\",\"addr\":{\"transport\":\"exec\","
                            "\"args\":[\"/nowhere/at/all\"]}}]");
  struct gwt_address *a = gwt_address_parse_channels (channels, GWT_OUTGOING, &err);
  expect_no_connection (a, false,
                        "exec:/nowhere/at/all: cannot start '/nowhere/at/all': No such file or "
                        "directory; check the command");
  json_object_put (channels);
}

/* ---- descriptors ------------------------------------------------------------------------------
 */

static void
put_fd (const char *name, int fd)
{
  GWT_AUTO_ERROR (err);
  g_assert_true (gwt_fd_put (name, fd, &err));
}

static void
test_fd_socket (void)
{
  int pair[2];
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
  put_fd ("here", pair[0]);
  put_fd ("there", pair[1]);
  struct gwt_listener *l = listen_on (parse (GWT_INCOMING, "fd:here"));
  struct gwt_address *to = parse (GWT_OUTGOING, "fd:there");
  g_assert_true (gwt_address_two_way (to));
  send_and_check (l, to);
  gwt_listener_free (l);
  /* Both are used up. */
  GWT_AUTO_ERROR (err);
  g_assert_false (gwt_fd_close ("here", &err));
  g_assert_cmpstr (err.text, ==, "there is no descriptor named 'here'; pass it with getfd first");
}

static void
test_fd_pipe (void)
{
  int fds[2];
  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  put_fd ("in", fds[0]);
  put_fd ("out", fds[1]);
  expect_no_connection (parse (GWT_OUTGOING, "fd:out"), true,
                        "fd:out: no answers can come back this way; use tcp or unix, or set the "
                        "capability return-path to off");
  struct gwt_listener *l = listen_on (parse (GWT_INCOMING, "fd:in"));
  send_and_check (l, parse (GWT_OUTGOING, "fd:out"));
  gwt_listener_free (l);
}

static void
test_fd_number (void)
{
  g_autofree char *path = path_of ("number");
  int ours = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  int fd = open (path, O_RDWR); /* as if it had been inherited */
  g_autofree char *uri = g_strdup_printf ("fd:%d", ours);
  g_autofree char *text = g_strdup_printf (
      "fd:%d: descriptor %d is not one that this process was started with; leave one above 2 open "
      "for it, or pass one with getfd",
      ours, ours);
  GWT_AUTO_ERROR (err);
  g_assert_null (gwt_address_parse (uri, GWT_OUTGOING, &err));
  g_assert_cmpstr (err.text, ==, text);
  send_to (parse (GWT_OUTGOING, "fd:%d", fd));
  g_assert_cmpint (fcntl (fd, F_GETFD), ==, -1);
  check_from (parse (GWT_INCOMING, "file:%s", path));
  close (ours);
  g_remove (path);
}

static void
test_fd_names (void)
{
  GWT_AUTO_ERROR (err);
  int fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  g_assert_false (gwt_fd_put ("1st", fd, &err));
  g_assert_cmpstr (err.text, ==,
                   "'1st' cannot be the name of a descriptor; begin it with a letter");
  g_assert_cmpint (fcntl (fd, F_GETFD), ==, -1);
  /* A second one of the same name takes the first one's place. */
  int first = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  int second = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  put_fd ("null", first);
  put_fd ("null", second);
  g_assert_cmpint (fcntl (first, F_GETFD), ==, -1);
  expect_no_connection (parse (GWT_OUTGOING, "fd:null"), false,
                        "fd:null: it is not open for writing; open it so");
  g_assert_cmpint (fcntl (second, F_GETFD), ==, -1);
  /* What was not used stays. */
  put_fd ("kept", open ("/dev/null", O_WRONLY | O_CLOEXEC));
  gwt_address_free (parse (GWT_OUTGOING, "fd:kept"));
  struct gwt_address *a = parse (GWT_OUTGOING, "fd:kept");
  GWT_AUTO_ERROR (none);
  struct gwt_channel *c = gwt_channel_connect (a, false, -1, &none);
  g_assert_cmpstr (none.text, ==, NULL);
  close_well (c);
  expect_no_connection (a, false, "fd:kept: the descriptor was used already; pass it again");
  gwt_fd_close_all ();
}

/* ---- ends that go -----------------------------------------------------------------------------
 */

static void
test_nobody_there (void)
{
  g_autofree char *path = path_of ("nobody");
  g_autofree char *text
      = g_strdup_printf ("unix:%s: No such file or directory; is the other end started with "
                         "-incoming?",
                         path);
  expect_no_connection (parse (GWT_OUTGOING, "unix:%s", path), false, text);
  struct gwt_listener *l = listen_on (parse (GWT_INCOMING, "tcp:127.0.0.1:0"));
  int port = port_of (l);
  gwt_listener_free (l);
  g_autofree char *refused = g_strdup_printf (
      "tcp:127.0.0.1:%d: Connection refused; is the other end started with -incoming?", port);
  expect_no_connection (parse (GWT_OUTGOING, "tcp:127.0.0.1:%d", port), false, refused);
  expect_no_connection (parse (GWT_OUTGOING, "tcp:not an address:1,numeric=on"), false,
                        "tcp:not an address:1: host 'not an address': Name or service not known; "
                        "check the name");
}

static void
test_reader_goes (void)
{
  g_autofree char *path = path_of ("goes");
  struct gwt_listener *l = listen_on (parse (GWT_INCOMING, "unix:%s", path));
  struct sender s
      = { parse (GWT_OUTGOING, "unix:%s", path), -1, false, false, GWT_ERROR_INIT, NULL };
  GThread *thread = g_thread_new ("send", send_all, &s);
  struct gwt_channel *c = accept_on (l);
  uint8_t buffer[1000];
  GWT_AUTO_ERROR (err);
  g_assert_cmpint (gwt_channel_read (c, buffer, sizeof buffer, &err), >, 0);
  close_well (c);
  g_thread_join (thread);
  g_assert_false (s.ok);
  g_assert_nonnull (strstr (s.err.text, ": cannot write: "));
  g_assert_nonnull (strstr (s.err.text, "; see what the other end says"));
  gwt_error_clear (&s.err);
  gwt_address_free (s.address);
  gwt_listener_free (l);
}

static void
test_answers (void)
{
  g_autofree char *path = path_of ("answers");
  struct gwt_listener *l = listen_on (parse (GWT_INCOMING, "unix:%s", path));
  struct gwt_address *a = parse (GWT_OUTGOING, "unix:%s", path);
  GWT_AUTO_ERROR (err);
  struct gwt_channel *out = gwt_channel_connect (a, true, -1, &err);
  struct gwt_channel *in = accept_on (l);
  char buffer[8];
  g_assert_true (gwt_channel_two_way (out) && gwt_channel_two_way (in));
  /* Often: what is due between two looks at the clock must not become a wait without an end. */
  for (int i = 0; i < 20000; i++)
    g_assert_cmpint (gwt_channel_wait (out, 0, &err), ==, 0);
  g_assert_true (gwt_channel_writev (in, &(struct iovec){ (char *) "pong", 4 }, 1, &err));
  g_assert_cmpint (gwt_channel_wait (out, -1, &err), ==, 1);
  g_assert_cmpint (gwt_channel_read (out, (uint8_t *) buffer, 8, &err), ==, 4);
  /* No more from us, but the answer still comes. */
  gwt_channel_end_writing (out);
  g_assert_cmpint (gwt_channel_read (in, (uint8_t *) buffer, 8, &err), ==, 0);
  g_assert_true (gwt_channel_writev (in, &(struct iovec){ (char *) "shut", 4 }, 1, &err));
  g_assert_cmpint (gwt_channel_read (out, (uint8_t *) buffer, 8, &err), ==, 4);
  g_assert_cmpmem (buffer, 4, "shut", 4);
  close_well (out);
  close_well (in);
  gwt_address_free (a);
  gwt_listener_free (l);
}

static void
test_exec_answers (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_address *a = parse (GWT_OUTGOING, "exec:tr a-z A-Z");
  struct gwt_channel *c = gwt_channel_connect (a, true, -1, &err);
  char buffer[8];
  g_assert_true (gwt_channel_writev (c, &(struct iovec){ (char *) "ping", 4 }, 1, &err));
  gwt_channel_end_writing (c);
  g_assert_cmpint (gwt_channel_read (c, (uint8_t *) buffer, 8, &err), ==, 4);
  g_assert_cmpmem (buffer, 4, "PING", 4);
  g_assert_cmpint (gwt_channel_read (c, (uint8_t *) buffer, 8, &err), ==, 0);
  close_well (c);
  gwt_address_free (a);
}

/* ---- waits are ended --------------------------------------------------------------------------
 */

struct waiter
{
  struct gwt_channel *channel;
  gint about; /* 1: it is about to wait */
  struct gwt_error err;
};

static gpointer
read_for_ever (gpointer opaque)
{
  struct waiter *w = opaque;
  uint8_t byte;
  g_atomic_int_set (&w->about, 1);
  while (gwt_channel_read (w->channel, &byte, 1, &w->err) > 0)
    ;
  return NULL;
}

static gpointer
write_for_ever (gpointer opaque)
{
  struct waiter *w = opaque;
  static const char zeros[65536];
  struct iovec iov = { (char *) zeros, sizeof zeros };
  while (gwt_channel_writev (w->channel, &iov, 1, &w->err))
    g_atomic_int_set (&w->about, 1);
  return NULL;
}

/* FN waits on C; a shutdown ends that. */
static void
end_wait (struct gwt_channel *c, GThreadFunc fn)
{
  struct waiter w = { c, 0, GWT_ERROR_INIT };
  GThread *thread = g_thread_new ("wait", fn, &w);
  while (g_atomic_int_get (&w.about) == 0)
    g_thread_yield ();
  gwt_channel_shutdown (c);
  g_thread_join (thread);
  g_autofree char *text
      = g_strdup_printf ("%s: the migration was ended here", gwt_channel_label (c));
  g_assert_cmpstr (w.err.text, ==, text);
  gwt_error_clear (&w.err);
  /* What a command made of the half that it got is not safe. */
  bool command = g_str_has_prefix (text, "exec:") && fn == write_for_ever;
  g_assert_true (gwt_channel_close (c, -1, &w.err) == !command);
  g_assert_cmpstr (w.err.text, ==, command ? text : NULL);
  gwt_error_clear (&w.err);
}

static void
test_patience (void)
{
  g_autofree uint8_t *much = g_malloc0 (1 << 20);
  struct iovec iov = { much, 1 << 20 };
  GWT_AUTO_ERROR (slow);
  GWT_AUTO_ERROR (silent);
  GWT_AUTO_ERROR (err);
  int fds[2];
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  put_fd ("slow", fds[0]);
  struct gwt_address *a = parse (GWT_OUTGOING, "fd:slow");
  struct gwt_channel *c = gwt_channel_connect (a, true, -1, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  /* Whatever buffers there are, in the end they are full. */
  gwt_channel_set_patience (c, 30, "hurry");
  while (gwt_channel_writev (c, &iov, 1, &slow))
    ;
  g_assert_nonnull (strstr (slow.text, ": the other end has read nothing for 30 ms; hurry"));
  gwt_channel_set_patience (c, 20, "speak up");
  g_assert_cmpint (gwt_channel_read (c, much, 1, &silent), ==, -1);
  g_assert_nonnull (strstr (silent.text, ": the other end has said nothing for 20 ms; speak up"));
  /* What is there is taken without a wait, and from now on it is waited for ever. */
  gwt_channel_set_patience (c, 0, NULL);
  g_assert_cmpint (write (fds[1], "x", 1), ==, 1);
  g_assert_cmpint (gwt_channel_read (c, much, 1, &err), ==, 1);
  gwt_channel_shutdown (c);
  gwt_channel_close (c, -1, &err);
  gwt_address_free (a);
  close (fds[1]);
}

static void
test_shutdown_sockets (void)
{
  struct gwt_listener *l = listen_on (parse (GWT_INCOMING, "tcp:127.0.0.1:0"));
  struct gwt_address *a = parse (GWT_OUTGOING, "tcp:127.0.0.1:%d", port_of (l));
  GWT_AUTO_ERROR (err);
  struct gwt_channel *out = gwt_channel_connect (a, false, -1, &err);
  end_wait (accept_on (l), read_for_ever);
  gwt_channel_shutdown (out);
  close_well (out);
  out = gwt_channel_connect (a, false, -1, &err);
  struct gwt_channel *in = accept_on (l);
  end_wait (out, write_for_ever);
  close_well (in);
  gwt_address_free (a);
  gwt_listener_free (l);
}

static void
test_shutdown_exec (void)
{
  GWT_AUTO_ERROR (err);
  /* Whatever the command waits for, and whatever it started. */
  struct gwt_address *a = parse (GWT_OUTGOING, "exec:sleep 1000 | sleep 1000");
  end_wait (gwt_channel_connect (a, false, -1, &err), write_for_ever);
  gwt_address_free (a);
  struct gwt_listener *l = listen_on (parse (GWT_INCOMING, "exec:sleep 1000; true"));
  end_wait (accept_on (l), read_for_ever);
  gwt_listener_free (l);
  /* Started and never used. */
  gwt_listener_free (listen_on (parse (GWT_INCOMING, "exec:sleep 1000; true")));
}

static void
test_shutdown_pipe (void)
{
  int fds[2];
  GWT_AUTO_ERROR (err);
  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  put_fd ("out", fds[1]);
  struct gwt_address *a = parse (GWT_OUTGOING, "fd:out");
  end_wait (gwt_channel_connect (a, false, -1, &err), write_for_ever);
  gwt_address_free (a);
  close (fds[0]);
}

static void
test_exec_canceled_at_the_end (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_address *a = parse (GWT_OUTGOING, "exec:exec sleep 1000");
  struct gwt_channel *c = gwt_channel_connect (a, false, -1, &err);
  int cancel = eventfd (1, EFD_CLOEXEC);
  g_assert_true (gwt_channel_writev (c, &(struct iovec){ (char *) "x", 1 }, 1, &err));
  g_assert_false (gwt_channel_close (c, cancel, &err));
  g_assert_cmpstr (err.text, ==,
                   "exec:exec sleep 1000: the command was still running; it was killed");
  close (cancel);
  gwt_address_free (a);
}

struct canceled
{
  struct gwt_listener *listener;
  struct gwt_address *address;
  int cancel_fd;
  struct gwt_error err;
};

static gpointer
accept_canceled (gpointer opaque)
{
  struct canceled *t = opaque;
  g_assert_null (gwt_listener_accept (t->listener, t->cancel_fd, &t->err));
  return NULL;
}

static gpointer
connect_canceled (gpointer opaque)
{
  struct canceled *t = opaque;
  g_assert_null (gwt_channel_connect (t->address, false, t->cancel_fd, &t->err));
  return NULL;
}

static void
cancel_it (struct canceled *t, GThreadFunc fn, const char *label)
{
  uint64_t one = 1;
  t->cancel_fd = eventfd (0, EFD_CLOEXEC);
  GThread *thread = g_thread_new ("cancel", fn, t);
  g_assert_cmpint (write (t->cancel_fd, &one, sizeof one), ==, sizeof one);
  g_thread_join (thread);
  g_autofree char *text
      = g_strdup_printf ("%s: the migration was ended before it was connected", label);
  g_assert_cmpstr (t->err.text, ==, text);
  gwt_error_clear (&t->err);
  close (t->cancel_fd);
}

static void
test_cancel_accept (void)
{
  struct gwt_listener *l = listen_on (parse (GWT_INCOMING, "tcp:127.0.0.1:0"));
  struct canceled t = { .listener = l, .err = GWT_ERROR_INIT };
  cancel_it (&t, accept_canceled, "tcp:127.0.0.1:0");
  gwt_listener_free (l);
}

static void
test_cancel_fifo (void)
{
  g_autofree char *path = path_of ("fifo"), *label = g_strconcat ("file:", path, NULL);
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  struct gwt_listener *l = listen_on (parse (GWT_INCOMING, "file:%s", path));
  struct canceled t = { .listener = l, .err = GWT_ERROR_INIT };
  cancel_it (&t, accept_canceled, label);
  gwt_listener_free (l);
  g_remove (path);
}

static void
test_cancel_connect_unix (void)
{
  /* Somebody listens and accepts nobody: the queue is full. */
  g_autofree char *path = path_of ("full");
  struct gwt_listener *l = listen_on (parse (GWT_INCOMING, "unix:%s", path));
  struct gwt_address *a = parse (GWT_OUTGOING, "unix:%s", path);
  struct gwt_channel *waiting[100];
  guint n = 0;
  GWT_AUTO_ERROR (err);
  int now = eventfd (1, EFD_CLOEXEC);
  while (n < G_N_ELEMENTS (waiting)
         && (waiting[n] = gwt_channel_connect (a, false, now, &err)) != NULL)
    n++;
  g_assert_cmpuint (n, <, G_N_ELEMENTS (waiting));
  struct canceled t = { .address = a, .err = GWT_ERROR_INIT };
  cancel_it (&t, connect_canceled, gwt_address_label (a));
  while (n > 0)
    close_well (waiting[--n]);
  close (now);
  gwt_address_free (a);
  gwt_listener_free (l);
}

static void
test_cancel_connect_tcp (void)
{
  /* The same: its SYNs are dropped while the queue is full. */
  struct sockaddr_in address = { .sin_family = AF_INET };
  socklen_t size = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, size), ==, 0);
  g_assert_cmpint (listen (fd, 0), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &address, &size), ==, 0);
  struct gwt_address *a = parse (GWT_OUTGOING, "tcp:127.0.0.1:%d", ntohs (address.sin_port));
  struct gwt_channel *waiting[64];
  guint n = 0;
  GWT_AUTO_ERROR (err);
  int now = eventfd (1, EFD_CLOEXEC);
  while (n < G_N_ELEMENTS (waiting)
         && (waiting[n] = gwt_channel_connect (a, false, now, &err)) != NULL)
    n++;
  if (n == G_N_ELEMENTS (waiting))
    g_test_skip ("this host takes every connection");
  else
    {
      struct canceled t = { .address = a, .err = GWT_ERROR_INIT };
      cancel_it (&t, connect_canceled, gwt_address_label (a));
    }
  while (n > 0)
    close_well (waiting[--n]);
  close (now);
  close (fd);
  gwt_address_free (a);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("gwt-channel-XXXXXX", NULL);
  g_assert_nonnull (folder);
  g_test_add_func ("/bytes/tcp", test_tcp);
  g_test_add_func ("/bytes/tcp-name", test_tcp_name);
  g_test_add_func ("/bytes/tcp-v6", test_tcp_v6);
  g_test_add_func ("/bytes/tcp-range", test_tcp_range);
  g_test_add_func ("/bytes/tcp-half", test_tcp_half);
  g_test_add_func ("/bytes/unix", test_unix);
  g_test_add_func ("/bytes/exec", test_exec);
  g_test_add_func ("/bytes/exec-without-shell", test_exec_without_shell);
  g_test_add_func ("/bytes/file", test_file);
  g_test_add_func ("/bytes/file-untouched", test_file_untouched);
  g_test_add_func ("/bytes/file-ended", test_file_ended);
  g_test_add_func ("/bytes/file-errors", test_file_errors);
  g_test_add_func ("/bytes/fifo", test_fifo);
  g_test_add_func ("/bytes/full-disk", test_full_disk);
  g_test_add_func ("/bytes/exec-fails", test_exec_fails);
  g_test_add_func ("/bytes/exec-source-fails", test_exec_source_fails);
  g_test_add_func ("/bytes/no-command", test_no_command);
  g_test_add_func ("/fd/socket", test_fd_socket);
  g_test_add_func ("/fd/pipe", test_fd_pipe);
  g_test_add_func ("/fd/number", test_fd_number);
  g_test_add_func ("/fd/names", test_fd_names);
  g_test_add_func ("/ends/nobody-there", test_nobody_there);
  g_test_add_func ("/ends/reader-goes", test_reader_goes);
  g_test_add_func ("/ends/answers", test_answers);
  g_test_add_func ("/ends/exec-answers", test_exec_answers);
  g_test_add_func ("/waits/sockets", test_shutdown_sockets);
  g_test_add_func ("/waits/patience", test_patience);
  g_test_add_func ("/waits/exec", test_shutdown_exec);
  g_test_add_func ("/waits/pipe", test_shutdown_pipe);
  g_test_add_func ("/waits/exec-at-the-end", test_exec_canceled_at_the_end);
  g_test_add_func ("/waits/accept", test_cancel_accept);
  g_test_add_func ("/waits/fifo", test_cancel_fifo);
  g_test_add_func ("/waits/connect-unix", test_cancel_connect_unix);
  g_test_add_func ("/waits/connect-tcp", test_cancel_connect_tcp);
  int status = g_test_run ();
  g_assert_cmpint (g_rmdir (folder), ==, 0);
  g_free (folder);
  return status;
}
