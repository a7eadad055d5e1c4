/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk device for tests of block back ends: it submits what a test wants and counts what is done.
 * Included once, by a test program.
 */
#ifndef TESTS_BACKEND_BLOCK_DEVICE_H
#define TESTS_BACKEND_BLOCK_DEVICE_H

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/backend/block-internal.h"
#include "core/cpu/mainloop.h"
#include "core/cpu/run.h"
#include "core/device/device.h"
#include "core/util/extension.h"
#include "core/util/log.h"

#define DEPTH 8
#define MANY 64

static const struct gwt_block_api *api;
static char *folder, *image;

/* A device of one queue that submits what the test wants. */
struct disk
{
  struct gwt_block_queue *queue;
  GMutex lock;
  GCond changed;
  struct gwt_block_request *todo[MANY];
  guint n_todo, n_done, works;
  guint resized;
  bool again; /* done () submits the request once more, until it is off */
};

static void
on_done (struct gwt_block_request *r)
{
  struct disk *d = r->opaque;

  g_mutex_lock (&d->lock);
  d->n_done++;
  if (d->again)
    d->todo[d->n_todo++] = r;
  g_cond_broadcast (&d->changed);
  g_mutex_unlock (&d->lock);
  if (d->again)
    api->kick (d->queue);
}

static void
on_work (void *self, uint32_t index)
{
  struct disk *d = self;
  guint taken;

  g_mutex_lock (&d->lock);
  d->works++;
  taken = api->submit (d->queue, d->todo, d->n_todo);
  d->n_todo -= taken;
  memmove (d->todo, d->todo + taken, d->n_todo * sizeof d->todo[0]);
  g_mutex_unlock (&d->lock);
}

static void
on_resized (void *self)
{
  ((struct disk *) self)->resized++;
}

static const struct gwt_field fields[] = {
  { .name = "",
    .doc = "test",
    .role = GWT_HOST,
    .kind = GWT_OPAQUE,
    .size = sizeof (struct disk),
    .elems = 1 },
};

static void
disk_unrealize (void *self)
{
  struct disk *d = self;

  if (d->queue != NULL)
    api->hold (d->queue, 1);
}

static int
disk_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  return 0;
}

static const struct gwt_device_type disk_type = {
  .struct_size = sizeof (disk_type),
  .name = "disk",
  .doc = "A device of this test",
  .instance_size = sizeof (struct disk),
  .fields = fields,
  .field_size = sizeof (fields[0]),
  .n_fields = 1,
  .realize = disk_realize,
  .unrealize = disk_unrealize,
};

static struct gwt_device *
new_device (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *device = gwt_device_new (gwt_type_find ("disk"), NULL, &err);

  g_assert_true (gwt_device_realize (device, &err));
  return device;
}

static bool
try_attach (struct gwt_block *block, uint32_t writes, uint32_t on_error, struct gwt_device **device,
            struct gwt_error *err)
{
  struct gwt_block_use use = { .struct_size = sizeof use,
                               .writes = writes,
                               .on_read_error = on_error,
                               .on_write_error = on_error,
                               .resized = on_resized,
                               .work = on_work };

  *device = new_device ();
  return api->attach (block, *device, &use, err) == 0;
}

static struct disk *
attach (struct gwt_block *block, uint32_t on_error)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *device;
  struct disk *d;

  try_attach (block, !block->read_only, on_error, &device, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  d = device->instance;
  d->queue = api->queue (block, 0, DEPTH, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  return d;
}

static struct gwt_block *
add (const char *format, ...)
{
  GWT_AUTO_ERROR (err);
  va_list args;
  g_autofree char *text = NULL;
  struct gwt_block *block;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  block = gwt_block_add_option (text, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  return block;
}

/* Devices and nodes of a test go. */
static void
clean (void)
{
  gwt_device_destroy_all ();
  gwt_block_close_all ();
  gwt_null_fault = NULL;
}

static void
push (struct disk *d, struct gwt_block_request *r)
{
  r->struct_size = sizeof *r;
  r->done = on_done;
  r->opaque = d;
  g_mutex_lock (&d->lock);
  g_assert_cmpuint (d->n_todo, <, MANY);
  d->todo[d->n_todo++] = r;
  g_mutex_unlock (&d->lock);
}

static void
wait_done (struct disk *d, guint n)
{
  gint64 until = g_get_monotonic_time () + 20 * G_TIME_SPAN_SECOND;

  g_mutex_lock (&d->lock);
  while (d->n_done < n)
    g_assert_true (g_cond_wait_until (&d->changed, &d->lock, until));
  g_mutex_unlock (&d->lock);
}

/* One request, waited for; its status. */
static int
run (struct disk *d, uint32_t op, uint64_t flags, uint64_t offset, const struct gwt_iovec *iov,
     uint32_t n_iov, uint64_t size)
{
  struct gwt_block_request r = {
    .op = op, .flags = flags, .offset = offset, .size = size, .iov = iov, .n_iov = n_iov
  };
  guint before = d->n_done;

  push (d, &r);
  api->kick (d->queue);
  wait_done (d, before + 1);
  return r.status;
}

static int
run_buffer (struct disk *d, uint32_t op, uint64_t offset, void *data, uint64_t size)
{
  const struct gwt_iovec iov = { data, size };

  return run (d, op, 0, offset, &iov, 1, size);
}

static void
make_image (off_t size)
{
  int fd = open (image, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (ftruncate (fd, size), ==, 0);
  close (fd);
}

static void
fill (unsigned char *data, size_t size, unsigned seed)
{
  size_t i;

  for (i = 0; i < size; i++)
    data[i] = (unsigned char) (i * 7 + i / 251 + seed);
}

static void
block_test_begin (int *argc, char ***argv)
{
  GWT_AUTO_ERROR (err);

  g_test_init (argc, argv, NULL);
  folder = g_dir_make_tmp ("godwit-XXXXXX", NULL);
  image = g_build_filename (folder, "disk.img", NULL);
  gwt_run_init ();
  gwt_block_register_extensions ();
  api = gwt_extension_find (GWT_BLOCK_EXT);
  g_assert_true (gwt_type_register (&disk_type, "test", "1", &err));
}

static int
block_test_end (int status)
{
  g_remove (image);
  g_rmdir (folder);
  return status;
}

#endif
