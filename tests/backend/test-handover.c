/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core/backend: images change hands while a guest is migrated.  The other process is a real one:
 * its own descriptors and its own locks.
 */
#include "config.h"
#include "tests/backend/block-device.h"
#include <sys/wait.h>

/* Whether another process gets the image as a guest's, with whose text it fails. */
static void
other_process (bool gets, const char *text)
{
  pid_t child = fork ();
  int status;

  if (child == 0)
    {
      GWT_AUTO_ERROR (err);
      struct gwt_block *block = add ("driver=file,node-name=other,filename=%s", image);
      uint64_t offset;

      /* As another device would: this process has its own of everything. */
      block->use = (struct gwt_block_use){ .writes = 1 };
      block->leaf = gwt_block_leaf (block, &offset);
      if (block->leaf->driver->lock (block->leaf, true, false, &err) != gets)
        _exit (1);
      _exit (text == NULL || strstr (err.text, text) != NULL ? 0 : 2);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
}

#define TAKEN "another process has it open"

static void
test_let_go (void)
{
  GWT_AUTO_ERROR (err);
  unsigned char out[4096], in[4096];
  struct gwt_block *block;
  struct disk *d;
  int fd;

  make_image (1 << 20);
  block = add ("driver=raw,node-name=d,cache.no-flush=on,file.driver=file,file.filename=%s", image);
  d = attach (block, GWT_BLOCK_AUTO);
  fill (out, sizeof out, 1);
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_WRITE, 4096, out, sizeof out), ==, 0);
  g_assert_true (atomic_load (&block->child->dirty));
  other_process (false, TAKEN);
  g_assert_true (gwt_block_is_active ());

  g_assert_true (gwt_block_inactivate_all (&err));
  g_assert_false (gwt_block_is_active ());
  g_assert_false (atomic_load (&block->child->dirty));
  other_process (true, NULL);
  g_assert_true (gwt_block_inactivate_all (&err));
  g_assert_false (gwt_block_resize (block, 2 << 20, &err));
  g_assert_nonnull (strstr (err.text, "node 'd': the guest is being migrated"));
  gwt_error_clear (&err);

  /* Another wrote to it meanwhile and made it larger. */
  fd = open (image, O_RDWR | O_CLOEXEC);
  memset (out, 0x5a, sizeof out);
  g_assert_cmpint (pwrite (fd, out, sizeof out, 4096), ==, sizeof out);
  g_assert_cmpint (ftruncate (fd, 2 << 20), ==, 0);
  close (fd);
  g_assert_true (gwt_block_activate_all (&err));
  g_assert_true (gwt_block_is_active ());
  other_process (false, TAKEN);
  g_assert_cmpuint (gwt_block_size (block), ==, 2 << 20);
  g_assert_cmpuint (d->resized, ==, 1);
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_READ, 4096, in, sizeof in), ==, 0);
  g_assert_cmpmem (in, sizeof in, out, sizeof out);
  g_assert_true (gwt_block_activate_all (&err));
  clean ();
}

/* As the destination has it, from the start. */
static void
test_await (void)
{
  GWT_AUTO_ERROR (err);
  struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 201, .l_len = 1 };
  struct gwt_block *a, *b;
  g_autofree char *second = NULL;
  int fd;

  make_image (1 << 20);
  second = g_strconcat (image, ".2", NULL);
  g_assert_true (g_file_set_contents (second, "x", 1, NULL));
  gwt_block_await_all ();
  a = add ("driver=file,node-name=a,filename=%s", second);
  b = add ("driver=file,node-name=b,filename=%s", image);
  attach (a, GWT_BLOCK_AUTO);
  attach (b, GWT_BLOCK_AUTO);
  other_process (true, NULL);

  /* The source still has the second one. */
  fd = open (image, O_RDWR | O_CLOEXEC);
  g_assert_cmpint (fcntl (fd, F_OFD_SETLK, &lock), ==, 0);
  g_assert_false (gwt_block_activate_all (&err));
  g_assert_nonnull (strstr (err.text, image));
  g_assert_nonnull (strstr (err.text, TAKEN));
  gwt_error_clear (&err);
  g_assert_false (gwt_block_is_active ());
  /* And so not even the first is held. */
  g_assert_false (((struct gwt_file *) a->data)->locked);
  g_assert_false (((struct gwt_file *) b->data)->locked);
  close (fd);
  g_assert_true (gwt_block_activate_all (&err));
  other_process (false, TAKEN);
  clean ();
  g_unlink (second);
}

/* What cannot be written back stays the guest's. */
static int
no_sync (struct gwt_block *node)
{
  (void) node;
  return ENOSPC;
}

static void
test_refused (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_block_driver broken;
  unsigned char out[512] = { 1 };
  struct gwt_block *block;
  struct disk *d;

  make_image (1 << 20);
  block = add ("driver=file,node-name=d,filename=%s", image);
  d = attach (block, GWT_BLOCK_AUTO);
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_WRITE, 0, out, sizeof out), ==, 0);
  broken = *block->driver;
  broken.sync = no_sync;
  block->driver = &broken;
  g_assert_false (gwt_block_inactivate_all (&err));
  g_assert_nonnull (strstr (err.text, "cannot be written back: No space left on device"));
  g_assert_true (gwt_block_is_active ());
  other_process (false, TAKEN);
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_READ, 0, out, sizeof out), ==, 0);
  block->driver = &gwt_block_file;
  clean ();
}

int
main (int argc, char **argv)
{
  block_test_begin (&argc, &argv);
  g_test_add_func ("/block/handover/let-go", test_let_go);
  g_test_add_func ("/block/handover/await", test_await);
  g_test_add_func ("/block/handover/refused", test_refused);
  return block_test_end (g_test_run ());
}
