/* SPDX-License-Identifier: BSD-2-Clause */
/* core/backend: disks of an NBD server, with qemu-nbd as the server: data, and what happens when it
   goes. */
#include "config.h"
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#ifdef HAVE_LIBNBD
#include "tests/backend/block-device.h"

static char *socket_path;
static GPid server;

/* A test that fails leaves no server behind. */
static void
die_with_us (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

/* qemu-nbd with WORDS before the image; waits until it listens. */
static void
start_server (const char *format, const char *more)
{
  g_autofree char *line
      = g_strdup_printf ("qemu-nbd -t -e 4 -k %s -f %s %s %s", socket_path, format, more, image);
  g_auto (GStrv) argv = g_strsplit_set (line, " ", -1);
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  guint i;

  for (i = 0; argv[i] != NULL; i++)
    if (*argv[i] != '\0')
      g_ptr_array_add (words, argv[i]);
  g_ptr_array_add (words, NULL);
  g_remove (socket_path);
  g_assert_true (g_spawn_async (NULL, (char **) words->pdata, NULL,
                                G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, die_with_us,
                                NULL, &server, NULL));
}

static void
stop_server (int signal)
{
  kill (server, signal);
  waitpid (server, NULL, 0);
}

static bool
no_server (void)
{
  g_autofree char *program = g_find_program_in_path ("qemu-nbd");

  if (program == NULL)
    g_test_skip ("qemu-nbd is not installed");
  return program == NULL;
}

static struct disk *
attach_nbd (const char *more)
{
  return attach (add ("driver=nbd,node-name=n,server.type=unix,server.path=%s,open-timeout=20%s",
                      socket_path, more),
                 GWT_BLOCK_REPORT);
}

static void
test_data (void)
{
  static unsigned char out[4 << 20], in[4 << 20];
  static struct gwt_iovec many[256];
  struct gwt_iovec odd[3] = { { in, 100 }, { in + 100, 5000 }, { in + 5100, 3092 } };
  struct disk *d;
  int fd;
  guint i;

  if (no_server ())
    return;
  make_image (16 << 20);
  start_server ("raw", "--discard=unmap");
  d = attach_nbd (",discard=unmap");
  fill (out, sizeof out, 5);
  for (i = 0; i < 256; i++)
    many[i] = (struct gwt_iovec){ out + i * 4096, 4096 };
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_WRITE, 0, out, sizeof out), ==, 0);
  g_assert_cmpint (run (d, GWT_BLOCK_WRITE, GWT_BLOCK_FUA, 8 << 20, many, 256, 1 << 20), ==, 0);
  g_assert_cmpint (run (d, GWT_BLOCK_FLUSH, 0, 0, NULL, 0, 0), ==, 0);
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_READ, 0, in, sizeof in), ==, 0);
  g_assert_cmpmem (in, sizeof in, out, sizeof out);
  g_assert_cmpint (run (d, GWT_BLOCK_READ, 0, 8 << 20, odd, 3, 8192), ==, 0);
  g_assert_cmpmem (in, 8192, out, 8192);
  g_assert_cmpint (run (d, GWT_BLOCK_WRITE_ZEROES, GWT_BLOCK_MAY_UNMAP | GWT_BLOCK_FUA, 4096, NULL,
                        0, 1 << 20),
                   ==, 0);
  g_assert_cmpint (run (d, GWT_BLOCK_DISCARD, 0, 2 << 20, NULL, 0, 1 << 20), ==, 0);
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_READ, 16 << 20, in, 512), ==, EIO);
  memset (out + 4096, 0, 1 << 20);
  clean ();
  stop_server (SIGTERM);
  fd = open (image, O_RDONLY | O_CLOEXEC);
  g_assert_cmpint (pread (fd, in, sizeof in, 0), ==, sizeof in);
  g_assert_cmpmem (in, 2 << 20, out, 2 << 20);
  close (fd);
}

static void
test_qcow2 (void)
{
  static unsigned char out[1 << 20], in[1 << 20];
  g_autofree char *create = g_strdup_printf ("qemu-img create -q -f qcow2 %s 64M", image);
  g_autofree char *check = g_strdup_printf ("qemu-img check -q %s", image);
  struct disk *d;
  int status;

  if (no_server ())
    return;
  g_remove (image);
  g_assert_true (g_spawn_command_line_sync (create, NULL, NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
  start_server ("qcow2", "");
  d = attach_nbd ("");
  g_assert_cmpuint (gwt_block_size (gwt_block_find ("n")), ==, 64 << 20);
  fill (out, sizeof out, 6);
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_WRITE, 60 << 20, out, sizeof out), ==, 0);
  clean ();
  stop_server (SIGTERM);
  g_assert_true (g_spawn_command_line_sync (check, NULL, NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
  start_server ("qcow2", "");
  d = attach_nbd (",read-only=on");
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_READ, 60 << 20, in, sizeof in), ==, 0);
  g_assert_cmpmem (in, sizeof in, out, sizeof out);
  clean ();
  stop_server (SIGTERM);
}

/* Requests that were out when the server died, or come while it is away, fail. */
static void
test_server_dies (void)
{
  static struct gwt_block_request r[DEPTH];
  static unsigned char data[DEPTH][65536];
  static struct gwt_iovec iov[DEPTH];
  struct disk *d;
  guint i;

  if (no_server ())
    return;
  make_image (16 << 20);
  start_server ("raw", "");
  d = attach_nbd ("");
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_READ, 0, data, 512), ==, 0);
  for (i = 0; i < DEPTH; i++)
    {
      iov[i] = (struct gwt_iovec){ data[i], sizeof data[i] };
      r[i] = (struct gwt_block_request){
        .op = GWT_BLOCK_WRITE, .offset = i << 16, .size = 1 << 16, .iov = &iov[i], .n_iov = 1
      };
      push (d, &r[i]);
    }
  kill (server, SIGSTOP);
  api->kick (d->queue);
  stop_server (SIGKILL);
  wait_done (d, 1 + DEPTH);
  for (i = 0; i < DEPTH; i++)
    g_assert_cmpint (r[i].status, ==, EIO);
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_READ, 0, data, 512), ==, EIO);
  g_assert_cmpint (run (d, GWT_BLOCK_FLUSH, 0, 0, NULL, 0, 0), ==, EIO);
  clean ();
}

/* With patience they are done when it is back. */
static void
test_server_returns (void)
{
  static unsigned char out[65536], in[65536];
  struct gwt_iovec iov = { out, sizeof out };
  struct gwt_block_request r
      = { .op = GWT_BLOCK_WRITE, .size = sizeof out, .iov = &iov, .n_iov = 1 };
  struct disk *d;

  if (no_server ())
    return;
  make_image (16 << 20);
  start_server ("raw", "");
  d = attach_nbd (",reconnect-delay=60");
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_READ, 0, in, 512), ==, 0);
  fill (out, sizeof out, 7);
  push (d, &r);
  kill (server, SIGSTOP);
  api->kick (d->queue);
  stop_server (SIGKILL);
  start_server ("raw", "");
  wait_done (d, 2);
  g_assert_cmpint (r.status, ==, 0);
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_READ, 0, in, sizeof in), ==, 0);
  g_assert_cmpmem (in, sizeof in, out, sizeof out);
  /* A reset does not wait for a server that is gone. */
  stop_server (SIGKILL);
  push (d, &r);
  api->kick (d->queue);
  api->hold (d->queue, 1);
  api->release (d->queue);
  clean ();
}

static void
refuse (const char *text, const char *expected)
{
  GWT_AUTO_ERROR (err);

  g_assert_null (gwt_block_add_option (text, &err));
  if (strstr (err.text, expected) == NULL)
    g_error ("'%s' says\n  %s\nand not\n  %s", text, err.text, expected);
}

static void
test_refusals (void)
{
  g_autofree char *nobody
      = g_strdup_printf ("driver=nbd,node-name=n,server.type=unix,server.path=%s.no", socket_path);

  refuse ("driver=nbd,node-name=n", "where is the server? give uri=nbd://HOST/EXPORT");
  refuse ("driver=nbd,node-name=n,server.type=unix", "server: type=unix takes a path");
  refuse ("driver=nbd,node-name=n,server.type=inet,server.host=x", "server: type=inet takes host");
  refuse ("driver=nbd,node-name=n,server.path=x", "server: there is no type");
  refuse ("driver=nbd,node-name=n,uri=http://x", "uri: 'http://x' is no NBD address");
  refuse ("driver=nbd,node-name=n,uri=nbds://x", "TLS is not offered; use a unix socket");
  refuse ("driver=nbd,node-name=n,uri=nbd://x,tls-creds=y", "TLS is not offered");
  refuse ("driver=nbd,node-name=n,uri=nbd://x,exprt=y", "driver 'nbd' has no option 'exprt'");
  refuse (nobody, "no connection: ");
  refuse (nobody, "; see that the server runs");
}

static void
test_read_only (void)
{
  GWT_AUTO_ERROR (err);
  g_autofree char *text
      = g_strdup_printf ("driver=nbd,node-name=n,server.type=unix,server.path=%s,open-timeout=20",
                         socket_path);

  if (no_server ())
    return;
  make_image (1 << 20);
  start_server ("raw", "-r");
  g_assert_null (gwt_block_add_option (text, &err));
  g_assert_nonnull (strstr (err.text, "the server lets nobody write; add read-only=on"));
  attach_nbd (",read-only=on");
  clean ();
  stop_server (SIGTERM);
}

int
main (int argc, char **argv)
{
  int status;

  block_test_begin (&argc, &argv);
  socket_path = g_build_filename (folder, "nbd", NULL);
  gwt_log_configure (GWT_LOG_ERROR, 0);
  g_test_add_func ("/nbd/refusals", test_refusals);
  g_test_add_func ("/nbd/data", test_data);
  g_test_add_func ("/nbd/qcow2", test_qcow2);
  g_test_add_func ("/nbd/read-only", test_read_only);
  g_test_add_func ("/nbd/server-dies", test_server_dies);
  g_test_add_func ("/nbd/server-returns", test_server_returns);
  status = g_test_run ();
  g_remove (socket_path);
  return block_test_end (status);
}

#else

int
main (int argc, char **argv)
{
  printf ("1..0 # SKIP built without libnbd\n");
  return 0;
}
#endif
