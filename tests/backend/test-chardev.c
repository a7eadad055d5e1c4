/* SPDX-License-Identifier: BSD-2-Clause */
/* core/backend: what users write, files, sockets, ptys, Ctrl-A keys, back-pressure.  So many lines,
   because a device and a peer of its own serve all of them. */
#include "config.h"
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "core/backend/internal.h"
#include "core/cpu/run.h"
#include "core/device/device.h"
#include "core/device/lock.h"
#include "core/util/extension.h"

/* A device with a window of `room` bytes. */
struct mock
{
  char got[8192];
  uint64_t n, room, writable, opened, closed, breaks;
};

static uint64_t
mock_can_receive (void *self)
{
  return ((struct mock *) self)->room;
}

static void
mock_receive (void *self, const uint8_t *data, uint64_t size)
{
  struct mock *mock = self;

  g_assert_cmpuint (size, <=, mock->room);
  memcpy (mock->got + mock->n, data, size);
  mock->n += size;
  mock->room -= size;
}

static void
mock_event (void *self, uint32_t event)
{
  struct mock *mock = self;

  mock->opened += event == GWT_CHARDEV_OPENED;
  mock->closed += event == GWT_CHARDEV_CLOSED;
  mock->breaks += event == GWT_CHARDEV_BREAK;
}

static void
mock_writable (void *self)
{
  ((struct mock *) self)->writable++;
}

static const struct gwt_chardev_client client
    = { sizeof (client), mock_can_receive, mock_receive, mock_event, mock_writable };

static int
mock_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  ((struct mock *) self)->room = 4096;
  return 0;
}

static const struct gwt_field fields[] = {
  { .name = "",
    .doc = "test",
    .role = GWT_HOST,
    .kind = GWT_OPAQUE,
    .size = sizeof (struct mock),
    .elems = 1 },
};

static const struct gwt_device_type mock_type = {
  .struct_size = sizeof (mock_type),
  .name = "mock",
  .doc = "A device of this test",
  .instance_size = sizeof (struct mock),
  .fields = fields,
  .field_size = sizeof (fields[0]),
  .n_fields = 1,
  .realize = mock_realize,
};

static const struct gwt_chardev_api *api;
static char *folder;

static struct mock *
user_of (struct gwt_chardev *chardev)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *device = gwt_device_new (gwt_type_find ("mock"), NULL, &err);

  g_assert_true (gwt_device_realize (device, &err));
  g_assert_cmpint (api->attach (chardev, device, &client, &err), ==, 0);
  return device->instance;
}

static struct gwt_chardev *
make (const char *id, const char *spec)
{
  GWT_AUTO_ERROR (err);
  struct gwt_chardev *chardev = gwt_chardev_new (id, spec, &err);

  g_assert_cmpstr (err.text, ==, NULL);
  return chardev;
}

static void
open_all (void)
{
  GWT_AUTO_ERROR (err);

  gwt_chardev_open_all (&err);
  g_assert_cmpstr (err.text, ==, NULL);
}

static gboolean
too_long (gpointer data)
{
  g_error ("waited 20 s for something that did not come");
  return G_SOURCE_REMOVE;
}

/* Let the main loop run until COND. */
#define PUMP(cond)                                                                                 \
  G_STMT_START                                                                                     \
  {                                                                                                \
    guint tag_ = g_timeout_add_seconds (20, too_long, NULL);                                       \
    while (!(cond))                                                                                \
      g_main_context_iteration (NULL, TRUE);                                                       \
    g_source_remove (tag_);                                                                        \
  }                                                                                                \
  G_STMT_END

static void
settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
clean (void)
{
  guint i;

  gwt_device_destroy_all ();
  gwt_chardev_close_all ();
  for (i = 0; gwt_chardevs && i < gwt_chardevs->len; i++)
    {
      gwt_mux_clear (g_ptr_array_index (gwt_chardevs, i));
      gwt_chardev_free_spec (g_ptr_array_index (gwt_chardevs, i));
    }
  g_clear_pointer (&gwt_chardevs, g_ptr_array_unref);
}

static int
peer (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_strlcpy (address.sun_path, path, sizeof (address.sun_path));
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof (address)), ==, 0);
  return fd;
}

/* ---- what users write ------------------------------------------------------------------------ */

static void
test_refusals (void)
{
  static const struct
  {
    bool option;
    const char *spec, *text;
  } bad[] = {
    { false, "stdoi",
      "'stdoi' is no character back end; use null, stdio, mon:stdio, file:PATH, "
      "unix:PATH, tcp:HOST:PORT, pipe:PATH or pty; did you mean 'stdio'?" },
    { false, "file:", "'file:' has no path; use file:PATH" },
    { false, "file:/", "'/' is a folder; use the path of a file" },
    { false, "file:/nonesuch/x", "'/nonesuch/x': there is no folder '/nonesuch'; make it first" },
    { false, "mon:", "'' is no character back end; use" },
    { false, "unix:/tmp/x,server,nowait", "server" },
    { true, "stdio", "'stdio' has no id; add id=NAME" },
    { true, "vc,id=a",
      "'vc' is no character back end; use null, stdio, file, pty, pipe, ringbuf or socket" },
    { true, "ringbuf,id=a,size=100", "size: 100 is no power of two; use 65536, say" },
    { true, "ringbuf,id=a,size=2G", "size: 2G is out of range; use 0 to 1073741824" },
    { true, "ringbuf,id=a,size=x", "size: " },
    { true, "pipe,id=a", "'pipe' has no path; add path=PATH" },
    { true, "socket,id=a,path=x,server=on,reconnect=1",
      "a server does not connect; leave reconnect out, or server=on" },
    { true, "socket,id=a,path=x,reconnect=1,reconnect-ms=1",
      "reconnect and reconnect-ms say the same; give one of the two" },
    { true, "socket,id=a,path=x,reconnect=9999999",
      "reconnect: 9999999 is out of range; use 0 to 4294967" },
    { true, "file,id=a", "'file' has no path; add path=PATH" },
    { true, "null,id=a,id=b", "'id' is given twice; give it once" },
    { true, "null,id=a,logfile=x", "'null' has no option 'logfile'; leave it out" },
    { true, "socket,id=a,path=x,server",
      "'server' has no value; use server=..., for a switch server=on" },
    { true, "socket,id=a,path=x,host=y",
      "a socket needs path=PATH, or host=HOST and port=PORT; give" },
    { true, "socket,id=a,host=y", "a socket needs path=PATH, or host=HOST and port=PORT; give" },
    { true, "socket,id=a,path=x,server=maybe", "server: " },
    { true, "socket,id=a,path=x,wait=off", "wait= means nothing without server=on; leave it out" },
    { true, "socket,id=a,path=x,,y", "a socket's address cannot hold a comma; use another one" },
    { true, "null,id=1",
      "id '1' is malformed; use a letter, then letters, digits, '-', '_' and '.'" },
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      GWT_AUTO_ERROR (err);
      struct gwt_chardev *chardev = bad[i].option ? gwt_chardev_new_option (bad[i].spec, &err)
                                                  : gwt_chardev_new ("s", bad[i].spec, &err);

      g_test_message ("%s -> %s", bad[i].spec, err.text ? err.text : "no error");
      g_assert_null (chardev);
      g_assert_nonnull (strstr (err.text, bad[i].text));
    }
  g_assert_null (gwt_chardev_find ("s"));
  clean ();
}

static void
test_conflicts (void)
{
  GWT_AUTO_ERROR (err);
  g_autofree char *spec = g_strdup_printf ("file:%s/out", folder);

  make ("a", "mon:stdio");
  make ("f", spec);
  g_assert_null (gwt_chardev_new ("a", "null", &err));
  g_assert_cmpstr (err.text, ==, "id 'a' is taken; use another one");
  gwt_error_clear (&err);
  g_assert_null (gwt_chardev_new ("b", "stdio", &err));
  g_assert_cmpstr (err.text, ==,
                   "'a' has the terminal already; use stdio once, another back end for 'b'");
  gwt_error_clear (&err);
  g_assert_null (gwt_chardev_new ("b", "mon:pty", &err));
  g_assert_cmpstr (err.text, ==, "'a' has the Ctrl-A keys already; use mon: or mux=on once");
  gwt_error_clear (&err);
  g_assert_null (gwt_chardev_new ("b", spec, &err));
  g_assert_nonnull (strstr (err.text, "'f' writes to '"));
  gwt_error_clear (&err);
  g_assert_true (gwt_chardev_find ("f") == gwt_chardevs->pdata[1]);
  g_assert_null (gwt_chardev_find ("b"));
  clean ();
}

static void
test_two_users (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_chardev *chardev = make ("s", "null");
  struct gwt_device *other = gwt_device_new (gwt_type_find ("mock"), "other", &err);

  user_of (chardev);
  g_assert_cmpint (api->attach (chardev, other, &client, &err), ==, -1);
  g_assert_cmpstr (err.text, ==,
                   "character back end 's' is used by 'mock0'; give each user its own");
  gwt_error_clear (&err);
  g_assert_false (gwt_chardev_attach_console (chardev, &err));
  gwt_error_clear (&err);
  gwt_device_destroy (gwt_device_find ("mock0"));
  g_assert_false (gwt_chardev_in_use (chardev));
  g_assert_cmpint (api->attach (chardev, other, &client, &err), ==, 0);
  g_assert_cmpuint (api->write (chardev, (const uint8_t *) "x", 1), ==, 1);
  clean ();
}

/* ---- files ----------------------------------------------------------------------------------- */

static void
test_file (void)
{
  GWT_AUTO_ERROR (err);
  g_autofree char *path = g_build_filename (folder, "out.txt", NULL), *text = NULL;
  g_autofree char *spec = g_strdup_printf ("file:%s", path);
  g_autofree char *option = g_strdup_printf ("file,id=g,path=%s,append=on", path);
  struct gwt_chardev *chardev;

  g_assert_true (g_file_set_contents (path, "old", -1, NULL));
  chardev = make ("f", spec);
  user_of (chardev);
  /* Nothing is overwritten before all is known to be good. */
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "old");
  g_free (text);
  open_all ();
  g_assert_cmpuint (api->write (chardev, (const uint8_t *) "new", 3), ==, 3);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "new");
  clean ();

  chardev = gwt_chardev_new_option (option, &err);
  open_all ();
  api->write (chardev, (const uint8_t *) "er", 2);
  g_clear_pointer (&text, g_free);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "newer");
  clean ();

  make ("bad", "file:/proc/nonesuch");
  g_assert_false (gwt_chardev_open_all (&err));
  g_assert_nonnull (strstr (err.text, "character back end 'bad': cannot write '/proc/nonesuch' ("));
  clean ();
}

/* ---- sockets --------------------------------------------------------------------------------- */

static char *
socket_spec (const char *rest)
{
  return g_strdup_printf ("unix:%s/s%s", folder, rest);
}

static void
test_server (void)
{
  g_autofree char *path = g_build_filename (folder, "s", NULL);
  g_autofree char *spec = socket_spec (",server=on,wait=off");
  struct gwt_chardev *chardev = make ("s", spec);
  struct mock *mock = user_of (chardev);
  char back[8];
  int fd, round;

  open_all ();
  g_assert_cmpuint (api->write (chardev, (const uint8_t *) "lost", 4), ==, 4);
  for (round = 1; round <= 3; round++)
    {
      mock->n = 0;
      fd = peer (path);
      g_assert_cmpint (write (fd, "hello", 5), ==, 5);
      PUMP (mock->n == 5);
      g_assert_cmpmem (mock->got, 5, "hello", 5);
      g_assert_cmpuint (mock->opened, ==, (guint) round);
      g_assert_cmpuint (api->write (chardev, (const uint8_t *) "yes", 3), ==, 3);
      g_assert_cmpint (read (fd, back, sizeof (back)), ==, 3);
      close (fd);
      PUMP (mock->closed == (guint) round);
    }
  gwt_chardev_close_all ();
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  clean ();
}

/* Input waits until the device has room, and then comes in order. */
static void
test_input_pressure (void)
{
  g_autofree char *path = g_build_filename (folder, "s", NULL);
  g_autofree char *spec = socket_spec (",server=on,wait=off");
  struct gwt_chardev *chardev = make ("s", spec);
  struct mock *mock = user_of (chardev);
  int fd;

  mock->room = 0;
  open_all ();
  fd = peer (path);
  g_assert_cmpint (write (fd, "abcdef", 6), ==, 6);
  PUMP (mock->opened);
  settle ();
  g_assert_cmpuint (mock->n, ==, 0);
  g_assert_null (chardev->in_source); /* nobody polls what nobody takes */
  mock->room = 4;
  api->accept_input (chardev);
  PUMP (mock->n == 4);
  settle ();
  mock->room = 9;
  api->accept_input (chardev);
  PUMP (mock->n == 6);
  g_assert_cmpmem (mock->got, 6, "abcdef", 6);
  close (fd);
  clean ();
}

/* Who goes while nobody takes input is not kept, but what it left is. */
static void
test_hangup (void)
{
  g_autofree char *path = g_build_filename (folder, "s", NULL);
  g_autofree char *spec = socket_spec (",server=on,wait=off");
  struct gwt_chardev *chardev = make ("s", spec);
  struct mock *mock = user_of (chardev);
  int fd;

  mock->room = 0;
  open_all ();
  fd = peer (path);
  PUMP (mock->opened == 1);
  close (fd);
  PUMP (mock->closed == 1);
  fd = peer (path);
  PUMP (mock->opened == 2);
  g_assert_cmpint (write (fd, "abc", 3), ==, 3);
  settle ();
  close (fd);
  settle ();
  g_assert_cmpuint (mock->closed, ==, 1);
  g_assert_null (chardev->in_source);
  g_assert_null (chardev->hup_source); /* it would say so again and again */
  mock->room = 8;
  api->accept_input (chardev);
  PUMP (mock->closed == 2);
  g_assert_cmpmem (mock->got, mock->n, "abc", 3);
  clean ();
}

/* A guest that stands still gets nothing, and all of it when it goes on. */
static void
test_paused (void)
{
  g_autofree char *path = g_build_filename (folder, "s", NULL);
  g_autofree char *spec = socket_spec (",server=on,wait=off");
  g_autofree uint8_t *data = g_malloc0 (1 << 22);
  struct gwt_chardev *chardev = make ("s", spec);
  struct mock *mock = user_of (chardev);
  int fd;

  open_all ();
  gwt_chardev_guest_paused (true);
  fd = peer (path);
  g_assert_cmpint (write (fd, "abc", 3), ==, 3);
  PUMP (chardev->connected);
  settle ();
  g_assert_cmpuint (mock->opened, ==, 0);
  g_assert_cmpuint (mock->n, ==, 0);
  gwt_chardev_guest_paused (false);
  PUMP (mock->n == 3);
  g_assert_cmpuint (mock->opened, ==, 1);
  g_assert_cmpuint (mock->closed, ==, 0);
  g_assert_cmpuint (api->write (chardev, data, 1 << 22), <, 1 << 22);
  gwt_chardev_guest_paused (true);
  close (fd);
  PUMP (!chardev->connected);
  fd = peer (path);
  PUMP (chardev->connected);
  settle ();
  g_assert_cmpuint (mock->closed, ==, 0);
  g_assert_cmpuint (mock->writable, ==, 0);
  gwt_chardev_guest_paused (false);
  g_assert_cmpuint (mock->closed, ==, 1);
  g_assert_cmpuint (mock->opened, ==, 2);
  g_assert_cmpuint (mock->writable, ==, 1);
  gwt_chardev_guest_paused (true);
  close (fd);
  PUMP (!chardev->connected);
  fd = peer (path);
  PUMP (chardev->connected);
  close (fd);
  PUMP (!chardev->connected);
  gwt_chardev_guest_paused (false);
  /* One that came and went was never there. */
  g_assert_cmpuint (mock->closed, ==, 2);
  g_assert_cmpuint (mock->opened, ==, 2);
  clean ();
}

/* A client that is not served for want of descriptors is served later, and nothing spins. */
static void
test_no_descriptors (void)
{
  g_autofree char *path = g_build_filename (folder, "s", NULL);
  g_autofree char *spec = socket_spec (",server=on,wait=off");
  struct gwt_chardev *chardev = make ("s", spec);
  struct mock *mock = user_of (chardev);
  struct rlimit old, few;
  int fd, last;

  open_all ();
  fd = peer (path);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &old), ==, 0);
  last = dup (fd);
  few = old;
  few.rlim_cur = (rlim_t) last;
  close (last);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &few), ==, 0);
  PUMP (chardev->complained);
  settle ();
  g_assert_null (chardev->listen_source);
  g_assert_cmpuint (mock->opened, ==, 0);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &old), ==, 0);
  PUMP (mock->opened == 1);
  close (fd);
  PUMP (mock->closed == 1);
  clean ();
}

static void
test_reconnect (void)
{
  GWT_AUTO_ERROR (err);
  g_autofree char *path = g_build_filename (folder, "s", NULL);
  g_autofree char *spec = socket_spec (",server=on,wait=off");
  g_autofree char *option
      = g_strdup_printf ("socket,id=c,path=%s/s,reconnect-ms=20", folder);
  struct gwt_chardev *chardev = gwt_chardev_new_option (option, &err), *server;
  struct mock *mock = user_of (chardev), *other;

  /* Nobody there: no error, and what is written is lost. */
  open_all ();
  PUMP (chardev->complained);
  g_assert_cmpuint (api->write (chardev, (const uint8_t *) "lost", 4), ==, 4);
  server = make ("s", spec);
  other = user_of (server);
  open_all ();
  PUMP (mock->opened == 1 && other->opened == 1);
  g_assert_cmpuint (api->write (chardev, (const uint8_t *) "hello", 5), ==, 5);
  PUMP (other->n == 5);
  g_assert_cmpmem (other->got, 5, "hello", 5);
  /* The other end hangs up, and again. */
  gwt_chardev_disconnect (server);
  PUMP (mock->closed == 1 && mock->opened == 2);
  gwt_chardev_disconnect (chardev);
  PUMP (mock->opened == 3);
  clean ();
  /* Removed while a thread tries. */
  chardev = gwt_chardev_new_option (option, &err);
  open_all ();
  g_assert_true (gwt_chardev_remove (chardev, &err));
  g_assert_null (gwt_chardev_find ("c"));
  settle ();
  clean ();
}

static void
test_pipe (void)
{
  GWT_AUTO_ERROR (err);
  g_autofree char *path = g_build_filename (folder, "p", NULL);
  g_autofree char *in = g_strdup_printf ("%s.in", path), *out = g_strdup_printf ("%s.out", path);
  g_autofree char *spec = g_strdup_printf ("pipe:%s", path);
  g_autofree char *wanted = g_strdup_printf (
      "'%s': neither it nor '%s' and '%s' are there; make them with mkfifo", path, in, out);
  struct gwt_chardev *chardev;
  struct mock *mock;
  char back[8];
  int to, from;

  g_assert_null (gwt_chardev_new ("p", spec, &err));
  g_assert_cmpstr (err.text, ==, wanted);
  gwt_error_clear (&err);
  g_assert_cmpint (mkfifo (in, 0600), ==, 0);
  g_assert_cmpint (mkfifo (out, 0600), ==, 0);
  chardev = make ("p", spec);
  mock = user_of (chardev);
  open_all ();
  g_assert_cmpuint (mock->opened, ==, 1);
  to = open (in, O_WRONLY);
  from = open (out, O_RDONLY);
  g_assert_cmpint (write (to, "in", 2), ==, 2);
  PUMP (mock->n == 2);
  g_assert_cmpuint (api->write (chardev, (const uint8_t *) "out", 3), ==, 3);
  g_assert_cmpint (read (from, back, sizeof (back)), ==, 3);
  close (to);
  close (from);
  clean ();
  g_remove (in);
  g_remove (out);
}

static void
test_file_input (void)
{
  GWT_AUTO_ERROR (err);
  g_autofree char *path = g_build_filename (folder, "out.txt", NULL);
  g_autofree char *in = g_build_filename (folder, "in.txt", NULL);
  g_autofree char *option = g_strdup_printf ("file,id=f,path=%s,input-path=%s", path, in);
  struct gwt_chardev *chardev;
  struct mock *mock;

  g_assert_null (gwt_chardev_new_option (option, &err));
  g_assert_nonnull (strstr (err.text, "input-path: cannot read '"));
  gwt_error_clear (&err);
  g_assert_true (g_file_set_contents (in, "typed", -1, NULL));
  chardev = gwt_chardev_new_option (option, &err);
  mock = user_of (chardev);
  open_all ();
  PUMP (chardev->eof);
  g_assert_cmpmem (mock->got, mock->n, "typed", 5);
  /* Its end is not the end of the output. */
  g_assert_cmpuint (mock->closed, ==, 0);
  g_assert_cmpuint (api->write (chardev, (const uint8_t *) "x", 1), ==, 1);
  g_assert_cmpuint (chardev->connected, ==, 1);
  clean ();
  g_remove (in);
}

static void
test_ringbuf (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_chardev *chardev = gwt_chardev_new_option ("ringbuf,id=r,size=8", &err);
  struct mock *mock = user_of (chardev);
  GByteArray *bytes;

  open_all ();
  g_assert_cmpuint (mock->opened, ==, 1);
  g_assert_cmpuint (api->write (chardev, (const uint8_t *) "0123456789", 10), ==, 10);
  bytes = gwt_chardev_ring_read (chardev, 3);
  g_assert_cmpmem (bytes->data, bytes->len, "234", 3);
  g_byte_array_unref (bytes);
  g_assert_true (gwt_chardev_ring_write (chardev, (const uint8_t *) "abcdefghijkl", 12));
  bytes = gwt_chardev_ring_read (chardev, 100);
  g_assert_cmpmem (bytes->data, bytes->len, "efghijkl", 8);
  g_byte_array_unref (bytes);
  bytes = gwt_chardev_ring_read (chardev, 100);
  g_assert_cmpuint (bytes->len, ==, 0);
  g_byte_array_unref (bytes);
  clean ();
}

static void
test_output_pressure (void)
{
  g_autofree char *path = g_build_filename (folder, "s", NULL);
  g_autofree char *spec = socket_spec (",server=on,wait=off");
  g_autofree uint8_t *data = g_malloc0 (1 << 22);
  struct gwt_chardev *chardev = make ("s", spec);
  struct mock *mock = user_of (chardev);
  uint64_t taken;
  ssize_t n, total = 0;
  int fd;

  open_all ();
  fd = peer (path);
  PUMP (mock->opened);
  taken = api->write (chardev, data, 1 << 22);
  g_assert_cmpuint (taken, <, 1 << 22);
  g_assert_cmpuint (api->write (chardev, data, 1), ==, 0);
  settle ();
  g_assert_cmpuint (mock->writable, ==, 0);
  while (total < (ssize_t) taken)
    {
      n = read (fd, data, 1 << 20);
      g_assert_cmpint (n, >, 0);
      total += n;
    }
  PUMP (mock->writable == 1);
  /* Full again, and the peer dies: nobody waits for it. */
  g_assert_cmpuint (api->write (chardev, data, 1 << 22), <, 1 << 22);
  close (fd);
  PUMP (mock->closed == 1);
  g_assert_cmpuint (mock->writable, >=, 2);
  g_assert_cmpuint (api->write (chardev, data, 1 << 22), ==, 1 << 22);
  clean ();
}

static void
test_socket_files (void)
{
  GWT_AUTO_ERROR (err);
  g_autofree char *path = g_build_filename (folder, "s", NULL);
  g_autofree char *spec = socket_spec (",server=on,wait=off"), *to = socket_spec ("");
  g_autofree char *text = NULL;

  g_assert_true (g_file_set_contents (path, "mine", -1, NULL));
  make ("s", spec);
  g_assert_false (gwt_chardev_open_all (&err));
  g_test_message ("%s", err.text);
  g_assert_true (g_str_has_prefix (err.text, "character back end 's': "));
  clean ();
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "mine");
  g_remove (path);

  gwt_error_clear (&err);
  make ("c", to);
  g_assert_false (gwt_chardev_open_all (&err));
  g_assert_nonnull (strstr (err.text, "start its server first"));
  clean ();
}

static void
test_tcp (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_chardev *server = make ("s", "tcp:127.0.0.1:0,server=on,wait=off"), *to;
  struct mock *a = user_of (server), *b;
  const char *label;

  open_all ();
  label = gwt_chardev_label (server);
  g_assert_true (g_str_has_prefix (label, "tcp:127.0.0.1:"));
  g_assert_false (g_str_has_suffix (label, ":0"));
  to = make ("c", label);
  b = user_of (to);
  open_all ();
  g_assert_cmpuint (api->write (to, (const uint8_t *) "ping", 4), ==, 4);
  PUMP (a->n == 4);
  g_assert_cmpuint (api->write (server, (const uint8_t *) "pong!", 5), ==, 5);
  PUMP (b->n == 5);
  clean ();
}

/* ---- ptys ------------------------------------------------------------------------------------ */

static void
test_pty (void)
{
  struct gwt_chardev *chardev = make ("p", "pty");
  struct mock *mock = user_of (chardev);
  const char *label;
  char back[8];
  int fd, round;

  open_all ();
  label = gwt_chardev_label (chardev);
  g_assert_true (g_str_has_prefix (label, "pty:/dev/pts/"));
  g_assert_cmpuint (api->write (chardev, (const uint8_t *) "lost", 4), ==, 4);
  for (round = 1; round <= 2; round++)
    {
      mock->n = 0;
      fd = open (label + 4, O_RDWR | O_NOCTTY | O_CLOEXEC);
      g_assert_cmpint (fd, >=, 0);
      PUMP (mock->opened == (guint) round);
      g_assert_cmpint (write (fd, "a\rb\n", 4), ==, 4);
      PUMP (mock->n == 4);
      g_assert_cmpmem (mock->got, 4, "a\rb\n", 4);
      api->write (chardev, (const uint8_t *) "x\ny", 3);
      g_assert_cmpint (read (fd, back, sizeof (back)), ==, 3);
      g_assert_cmpmem (back, 3, "x\ny", 3);
      close (fd);
      PUMP (mock->closed == (guint) round);
    }
  clean ();
}

/* ---- Ctrl-A ---------------------------------------------------------------------------------- */

static GString *typed;

static void
console (const char *data, size_t size, void *opaque)
{
  g_string_append_len (typed, data, (gssize) size);
}

static char *
read_all (int fd)
{
  char data[4096];
  ssize_t n = recv (fd, data, sizeof (data) - 1, MSG_DONTWAIT);

  data[MAX (n, 0)] = '\0';
  return g_strdup (data);
}

static void
test_keys (void)
{
  g_autofree char *path = g_build_filename (folder, "s", NULL);
  g_autofree char *spec = g_strdup_printf ("mon:unix:%s,server=on,wait=off", path);
  g_autofree char *text = NULL;
  struct gwt_chardev *chardev = make ("m", spec);
  struct mock *mock = user_of (chardev);
  int fd;

  typed = g_string_new (NULL);
  gwt_chardev_set_console (console, NULL);
  open_all ();
  fd = peer (path);
  PUMP (mock->opened);
  g_assert_cmpint (write (fd, "a\001\001b\001zc\001b\001h", 11), ==, 11);
  PUMP (mock->breaks == 1 && mock->n == 4);
  g_assert_cmpmem (mock->got, 4, "a\001bc", 4);
  settle ();
  text = read_all (fd);
  g_assert_nonnull (strstr (text, "Ctrl-A x  end the guest and the program\r\n"));

  /* A device that takes nothing does not stop the keys. */
  mock->room = 0;
  g_assert_cmpint (write (fd, "later\001cinfo\001c", 13), ==, 13);
  PUMP (typed->len >= 5 && !chardev->mux.in_console);
  g_assert_cmpstr (typed->str, ==, "\ninfo");
  g_assert_cmpuint (mock->n, ==, 4);
  mock->room = 100;
  api->accept_input (chardev);
  PUMP (mock->n == 9);
  g_assert_cmpmem (mock->got + 4, 5, "later", 5);

  g_free (text);
  settle ();
  text = read_all (fd);
  g_assert_cmpint (write (fd, "\001t", 2), ==, 2);
  PUMP (chardev->mux.timestamps);
  api->write (chardev, (const uint8_t *) "one\ntwo\nth", 10);
  g_free (text);
  text = read_all (fd);
  g_test_message ("%s", text);
  g_assert_true (g_regex_match_simple (
      "^one\n\\[00:00:\\d\\d\\.\\d{3}\\] two\n\\[00:00:\\d\\d\\.\\d{3}\\] th$", text, 0, 0));
  gwt_chardev_set_console (NULL, NULL);
  g_string_free (typed, TRUE);
  close (fd);
  clean ();
}

static void
test_key_x (void)
{
  g_autofree char *path = g_build_filename (folder, "s", NULL);
  g_autofree char *spec = g_strdup_printf ("mon:unix:%s,server=on,wait=off", path);
  g_autofree char *text = NULL;
  struct gwt_chardev *chardev = make ("m", spec);
  int fd;

  user_of (chardev);
  open_all ();
  fd = peer (path);
  g_assert_cmpint (write (fd, "\001x", 2), ==, 2);
  g_assert_cmpint (gwt_main_loop (), ==, 0);
  text = read_all (fd);
  g_assert_cmpstr (text, ==, "\r\ngodwit: Terminated\r\n");
  close (fd);
  clean ();
}

int
main (int argc, char **argv)
{
  GWT_AUTO_ERROR (err);
  int status;

  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("godwit-XXXXXX", NULL);
  gwt_run_init ();
  gwt_chardev_register_extensions ();
  api = gwt_extension_find (GWT_CHARDEV_EXT);
  g_assert_true (gwt_type_register (&mock_type, "test", "1", &err));
  g_test_add_func ("/chardev/refusals", test_refusals);
  g_test_add_func ("/chardev/conflicts", test_conflicts);
  g_test_add_func ("/chardev/two-users", test_two_users);
  g_test_add_func ("/chardev/file", test_file);
  g_test_add_func ("/chardev/server", test_server);
  g_test_add_func ("/chardev/input-pressure", test_input_pressure);
  g_test_add_func ("/chardev/hangup", test_hangup);
  g_test_add_func ("/chardev/paused", test_paused);
  g_test_add_func ("/chardev/no-descriptors", test_no_descriptors);
  g_test_add_func ("/chardev/reconnect", test_reconnect);
  g_test_add_func ("/chardev/pipe", test_pipe);
  g_test_add_func ("/chardev/file-input", test_file_input);
  g_test_add_func ("/chardev/ringbuf", test_ringbuf);
  g_test_add_func ("/chardev/output-pressure", test_output_pressure);
  g_test_add_func ("/chardev/socket-files", test_socket_files);
  g_test_add_func ("/chardev/tcp", test_tcp);
  g_test_add_func ("/chardev/pty", test_pty);
  g_test_add_func ("/chardev/keys", test_keys);
  g_test_add_func ("/chardev/key-x", test_key_x);
  status = g_test_run ();
  {
    g_autofree char *out = g_build_filename (folder, "out.txt", NULL);

    g_remove (out);
    g_rmdir (folder);
  }
  return status;
}
