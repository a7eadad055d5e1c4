/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a bank's content comes from, and where it is kept: a file that is read once, or a block
 * back end that is written as the guest programs.  It must not know commands.
 */
#include "cfi-flash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRANSFER_MAX (1u << 20)
#define SYNC_NS 1000000 /* between two pieces */

/* ---- the drive ------------------------------------------------------------------------------- */

/* [io] */
static void
transfer_done (struct gwt_block_request *request)
{
  struct transfer *t = request->opaque;

  pthread_mutex_lock (&t->lock);
  t->done = 1;
  pthread_cond_signal (&t->changed);
  pthread_mutex_unlock (&t->lock);
}

/* [io] */
static void
drive_work (void *self, uint32_t index)
{
  struct transfer *t = &((struct cfi_flash *) self)->transfer;
  struct gwt_block_request *request = &t->request;

  (void) index;
  pthread_mutex_lock (&t->lock);
  if (t->wanted && flash_block->submit (t->queue, &request, 1) == 1)
    t->wanted = 0;
  pthread_mutex_unlock (&t->lock);
}

/* One request, and wait for it: the machine does not pause meanwhile, as a vCPU or [main] is here,
   and no failure is kept until it goes on.  0 or an errno value. */
static int
transfer (struct cfi_flash *f, uint32_t op, uint8_t *at, uint64_t offset, uint64_t size)
{
  struct transfer *t = &f->transfer;
  int status;

  pthread_mutex_lock (&t->lock);
  t->iov.base = at;
  t->iov.size = size;
  memset (&t->request, 0, sizeof t->request);
  t->request.struct_size = sizeof t->request;
  t->request.op = op;
  t->request.offset = offset;
  t->request.size = size;
  t->request.iov = &t->iov;
  t->request.n_iov = 1;
  t->request.done = transfer_done;
  t->request.opaque = t;
  t->wanted = 1;
  t->done = 0;
  flash_block->kick (t->queue);
  while (!t->done)
    pthread_cond_wait (&t->changed, &t->lock);
  status = t->request.status;
  pthread_mutex_unlock (&t->lock);
  return status;
}

static int
transfer_all (struct cfi_flash *f, uint32_t op, uint64_t offset, uint64_t size)
{
  int status = 0;

  while (size && status == 0)
    {
      uint64_t part = size < TRANSFER_MAX ? size : TRANSFER_MAX;

      status = transfer (f, op, f->array + offset, offset, part);
      offset += part;
      size -= part;
    }
  return status;
}

void
flash_save (struct cfi_flash *f, uint64_t offset, uint64_t size, uint8_t bit)
{
  uint64_t first, end;
  int status;

  if (f->drive == NULL)
    return;
  first = offset / f->grain * f->grain;
  end = (offset + size + f->grain - 1) / f->grain * f->grain;
  status = transfer_all (f, GWT_BLOCK_WRITE, first, end - first);
  if (status == 0)
    return;
  f->status |= bit;
  if (!f->save_failed)
    flash_host->log (GWT_LOG_ERROR, "cfi-flash: the drive cannot be written: %s; the guest is told",
                     strerror (status));
  f->save_failed = true;
}

static int
check_drive (struct cfi_flash *f, const struct gwt_block_info *info, struct gwt_error *err)
{
  if (f->image && *f->image)
    flash_host->error_set (err, GWT_E_INVALID,
                           "drive and image both say what is in the bank; give one of them");
  else if (info->size != f->size)
    flash_host->error_set (
        err, GWT_E_INVALID,
        "drive: it has %llu bytes, the bank %u; bring the file to size with truncate "
        "-s %u",
        (unsigned long long) info->size, f->size, f->size);
  else
    return 0;
  return -1;
}

int
flash_open_drive (struct cfi_flash *f, struct gwt_device *device, struct gwt_error *err)
{
  struct gwt_block_info info = { .struct_size = sizeof info };
  struct gwt_block_use use = {
    .struct_size = sizeof use,
    .on_read_error = GWT_BLOCK_REPORT,
    .on_write_error = GWT_BLOCK_REPORT, /* a vCPU waits: nothing may wait for `cont` */
    .work = drive_work,
  };
  int status;

  flash_block->info (f->drive, &info);
  if (check_drive (f, &info, err) != 0)
    return -1;
  f->read_only = info.read_only != 0;
  f->grain = info.logical_block;
  use.writes = !f->read_only;
  if (flash_block->attach (f->drive, device, &use, err) != 0)
    return -1;
  f->transfer.queue = flash_block->queue (f->drive, 0, 1, err);
  if (f->transfer.queue == NULL)
    return -1;
  pthread_mutex_init (&f->transfer.lock, NULL);
  pthread_cond_init (&f->transfer.changed, NULL);
  status = transfer_all (f, GWT_BLOCK_READ, 0, f->size);
  if (status == 0)
    {
      flash_memory->mark_dirty (f->region, 0, f->size);
      return 0;
    }
  flash_host->error_set (err, GWT_E_IO, "drive: it cannot be read: %s; check the file",
                         strerror (status));
  flash_block->hold (f->transfer.queue, 1);
  return -1;
}

/* ---- after a load ---------------------------------------------------------------------------- */

/* A bank's content comes as memory.  Mostly its drive has it already, for what the guest programs
   is written at once and both ends see one file; so the file is read, and written where it differs.
   Piece by piece, for [main] has other things to do. */
static void
sync_step (void *self)
{
  struct cfi_flash *f = self;
  uint64_t size = f->size - f->synced < TRANSFER_MAX ? f->size - f->synced : TRANSFER_MAX;
  uint8_t *here = f->array + f->synced;
  int status;

  if (f->compared == NULL || size == 0)
    return;
  status = transfer (f, GWT_BLOCK_READ, f->compared, f->synced, size);
  if (status == 0 && memcmp (f->compared, here, size) != 0)
    {
      if (!f->read_only)
        status = transfer (f, GWT_BLOCK_WRITE, here, f->synced, size);
      else if (!f->differs)
        {
          f->differs = true;
          flash_host->log (GWT_LOG_ERROR,
                           "cfi-flash: the drive differs from what the guest brought along, from "
                           "0x%llx on, and is read-only; the guest sees its own until godwit ends",
                           (unsigned long long) f->synced);
        }
    }
  if (status != 0)
    {
      flash_host->log (GWT_LOG_ERROR,
                       "cfi-flash: the drive cannot be made what the guest brought along: %s; it "
                       "has the old content from 0x%llx on",
                       strerror (status), (unsigned long long) f->synced);
      f->synced = f->size;
    }
  else
    f->synced += size;
  if (f->synced < f->size && !f->differs)
    flash_clocks->timer_set (f->syncing, flash_clocks->now (GWT_CLOCK_VIRTUAL) + SYNC_NS);
}

int
flash_sync_begin (struct cfi_flash *f, struct gwt_device *device, struct gwt_error *err)
{
  if (f->drive == NULL)
    return 0;
  f->syncing = flash_clocks->timer_new (device, GWT_CLOCK_VIRTUAL, sync_step, f, err);
  f->synced = f->size;
  return f->syncing != NULL ? 0 : -1;
}

void
flash_sync (struct cfi_flash *f)
{
  if (f->drive == NULL)
    return;
  if (f->compared == NULL)
    f->compared = malloc (TRANSFER_MAX);
  if (f->compared == NULL)
    flash_host->log (GWT_LOG_ERROR,
                     "cfi-flash: no memory to compare the drive; it keeps its old content");
  f->synced = 0;
  f->differs = false;
  /* Its clock stands until the guest runs. */
  flash_clocks->timer_set (f->syncing, 0);
}

void
flash_close_drive (struct cfi_flash *f)
{
  free (f->compared);
  f->compared = NULL;
  if (f->drive)
    flash_block->hold (f->transfer.queue, 1);
}

/* ---- the image ------------------------------------------------------------------------------- */

int
flash_load_image (struct cfi_flash *f, struct gwt_error *err)
{
  int fd = open (f->image, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat st;
  uint32_t done = 0;

  if (fd < 0 || fstat (fd, &st) < 0)
    {
      flash_host->error_set (err, GWT_E_IO,
                             "image '%s' cannot be opened: %s; check name and permissions",
                             f->image, strerror (errno));
      if (fd >= 0)
        close (fd);
      return -1;
    }
  if (!S_ISREG (st.st_mode) || (uint64_t) st.st_size != f->size)
    {
      if (!S_ISREG (st.st_mode))
        flash_host->error_set (err, GWT_E_INVALID,
                               "image '%s' is not a regular file; give a file of %u bytes",
                               f->image, f->size);
      else
        flash_host->error_set (
            err, GWT_E_INVALID,
            "image '%s' has %llu bytes, the bank %u; bring it to size with truncate -s %u",
            f->image, (unsigned long long) st.st_size, f->size, f->size);
      close (fd);
      return -1;
    }
  while (done < f->size)
    {
      ssize_t n = read (fd, f->array + done, f->size - done);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          flash_host->error_set (err, GWT_E_IO, "image '%s' cannot be read: %s; check the file",
                                 f->image, n < 0 ? strerror (errno) : "it became shorter");
          close (fd);
          return -1;
        }
      done += (uint32_t) n;
    }
  close (fd);
  flash_memory->mark_dirty (f->region, 0, f->size);
  return 0;
}
