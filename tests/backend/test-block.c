/* SPDX-License-Identifier: BSD-2-Clause */
/* core/backend: block nodes, requests on both engines, errors and what becomes of them, limits.  So
   many lines, because what holds for one engine is asked of both by the same functions. */
#include "config.h"
#include "tests/backend/block-device.h"

static const char *const engines[] = { "threads", "io_uring" };

static guint
n_engines (void)
{
  return gwt_uring_available () ? 2 : 1;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* Vectors with odd pieces, both engines, with and without O_DIRECT: what is written is read, here
   and in the file. */
static void
test_read_write (void)
{
  guint e, direct;

  for (e = 0; e < n_engines (); e++)
    for (direct = 0; direct < 2; direct++)
      {
        unsigned char out[8192], in[8192];
        struct gwt_iovec w[3] = { { out, 3000 }, { out + 3000, 1 }, { out + 3001, 5191 } };
        struct gwt_iovec r[2] = { { in, 511 }, { in + 511, 8192 - 511 } };
        struct disk *d;
        int fd;

        make_image (1 << 20);
        fill (out, sizeof out, e * 2 + direct);
        memset (in, 0, sizeof in);
        d = attach (add ("driver=file,node-name=d,filename=%s,aio=%s,cache.direct=%s", image,
                         engines[e], direct ? "on" : "off"),
                    GWT_BLOCK_AUTO);
        g_assert_cmpint (run (d, GWT_BLOCK_WRITE, 0, 4096, w, 3, 8192), ==, 0);
        g_assert_cmpint (run (d, GWT_BLOCK_WRITE, GWT_BLOCK_FUA, 65536, w, 3, 8192), ==, 0);
        g_assert_cmpint (run (d, GWT_BLOCK_FLUSH, 0, 0, NULL, 0, 0), ==, 0);
        g_assert_cmpint (run (d, GWT_BLOCK_READ, 0, 4096, r, 2, 8192), ==, 0);
        g_assert_cmpmem (in, sizeof in, out, sizeof out);
        clean ();
        fd = open (image, O_RDONLY | O_CLOEXEC);
        memset (in, 0, sizeof in);
        g_assert_cmpint (pread (fd, in, sizeof in, 65536), ==, sizeof in);
        g_assert_cmpmem (in, sizeof in, out, sizeof out);
        close (fd);
      }
}

/* More than one piece of a bounce buffer. */
static void
test_large_unaligned (void)
{
  size_t size = (5u << 20) + 4096;
  unsigned char *out = g_malloc (size + 1), *in = g_malloc (size + 1);
  struct disk *d;

  make_image (16 << 20);
  fill (out + 1, size, 3);
  d = attach (add ("driver=file,node-name=d,filename=%s,cache.direct=on", image), GWT_BLOCK_AUTO);
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_WRITE, 8192, out + 1, size), ==, 0);
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_READ, 8192, in + 1, size), ==, 0);
  g_assert_cmpmem (in + 1, size, out + 1, size);
  clean ();
  g_free (out);
  g_free (in);
}

/* A file that ends inside a sector reads zeros there, and takes a write. */
static void
test_odd_end (void)
{
  guint e, direct;

  for (e = 0; e < n_engines (); e++)
    for (direct = 0; direct < 2; direct++)
      {
        _Alignas (4096) unsigned char data[4096];
        struct gwt_block *block;
        struct disk *d;
        int fd, i;

        make_image (0);
        fd = open (image, O_WRONLY | O_CLOEXEC);
        memset (data, 0xee, sizeof data);
        g_assert_cmpint (pwrite (fd, data, 1000, 0), ==, 1000);
        close (fd);
        block = add ("driver=file,node-name=d,filename=%s,aio=%s,cache.direct=%s", image,
                     engines[e], direct ? "on" : "off");
        d = attach (block, GWT_BLOCK_AUTO);
        g_assert_cmpuint (gwt_block_size (block), ==, 1024);
        g_assert_cmpint (run_buffer (d, GWT_BLOCK_READ, 0, data, 1024), ==, 0);
        g_assert_cmpint (data[999], ==, 0xee);
        for (i = 1000; i < 1024; i++)
          g_assert_cmpint (data[i], ==, 0);
        g_assert_cmpint (run_buffer (d, GWT_BLOCK_READ, 1024, data, 512), ==, EIO);
        g_assert_cmpint (run_buffer (d, GWT_BLOCK_WRITE, 512, data, 512), ==, 0);
        clean ();
      }
}

static uint64_t
allocated (void)
{
  struct stat st;

  g_assert_cmpint (stat (image, &st), ==, 0);
  return (uint64_t) st.st_blocks * 512;
}

static void
test_discard_zeroes (void)
{
  guint e, unmap;

  for (e = 0; e < n_engines (); e++)
    for (unmap = 0; unmap < 2; unmap++)
      {
        static unsigned char data[1 << 20], zero[1 << 20];
        struct disk *d;

        make_image (4 << 20);
        fill (data, sizeof data, 9);
        d = attach (add ("driver=file,node-name=d,filename=%s,aio=%s,discard=%s", image, engines[e],
                         unmap ? "unmap" : "ignore"),
                    GWT_BLOCK_AUTO);
        g_assert_cmpint (run_buffer (d, GWT_BLOCK_WRITE, 0, data, sizeof data), ==, 0);
        g_assert_cmpint (run (d, GWT_BLOCK_FLUSH, 0, 0, NULL, 0, 0), ==, 0);
        g_assert_cmpint (run (d, GWT_BLOCK_WRITE_ZEROES, GWT_BLOCK_MAY_UNMAP | GWT_BLOCK_FUA, 0,
                              NULL, 0, 1 << 19),
                         ==, 0);
        g_assert_cmpint (run (d, GWT_BLOCK_DISCARD, 0, 1 << 19, NULL, 0, 1 << 18), ==, 0);
        g_assert_cmpuint (allocated (), <=, unmap ? 1 << 18 : 1 << 20);
        if (!unmap)
          g_assert_cmpuint (allocated (), ==, 1 << 20);
        g_assert_cmpint (run_buffer (d, GWT_BLOCK_READ, 0, data, sizeof data), ==, 0);
        g_assert_cmpmem (data, 1 << 19, zero, 1 << 19);
        /* Where the file system cannot do it, zeros are written. */
        atomic_store (&((struct gwt_file *) gwt_block_find ("d")->data)->no_zero, true);
        atomic_store (&((struct gwt_file *) gwt_block_find ("d")->data)->no_punch, true);
        fill (data, sizeof data, 9);
        g_assert_cmpint (run_buffer (d, GWT_BLOCK_WRITE, 0, data, sizeof data), ==, 0);
        g_assert_cmpint (run (d, GWT_BLOCK_WRITE_ZEROES, 0, 512, NULL, 0, sizeof data - 1024), ==,
                         0);
        memset (data + 512, 0, sizeof data - 1024);
        g_assert_cmpint (run_buffer (d, GWT_BLOCK_READ, 0, zero, sizeof zero), ==, 0);
        g_assert_cmpmem (data, sizeof data, zero, sizeof zero);
        memset (zero, 0, sizeof zero);
        clean ();
      }
}

static void
test_detect_zeroes (void)
{
  static unsigned char zero[1 << 16];
  struct disk *d;

  make_image (1 << 20);
  d = attach (add ("driver=file,node-name=d,filename=%s,discard=unmap,detect-zeroes=unmap", image),
              GWT_BLOCK_AUTO);
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_WRITE, 0, zero, sizeof zero), ==, 0);
  g_assert_cmpuint (allocated (), ==, 0);
  zero[sizeof zero - 1] = 1;
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_WRITE, 0, zero, sizeof zero), ==, 0);
  g_assert_cmpuint (allocated (), >=, sizeof zero);
  zero[sizeof zero - 1] = 0;
  clean ();
}

/* Requests that no device should make. */
static void
test_bad_requests (void)
{
  unsigned char data[1024];
  struct gwt_iovec iov = { data, 1024 }, huge[2] = { { data, UINT64_MAX }, { data, 513 } };
  struct disk *d;

  make_image (1 << 20);
  d = attach (add ("driver=file,node-name=d,filename=%s", image), GWT_BLOCK_STOP);
  g_assert_cmpint (run (d, 1500, 0, 0, &iov, 1, 1024), ==, EINVAL);
  g_assert_cmpint (run (d, 9000, 0, 0, &iov, 1, 1024), ==, EINVAL);
  g_assert_cmpint (run (d, GWT_BLOCK_READ, 0, 100, &iov, 1, 1024), ==, EINVAL);
  g_assert_cmpint (run (d, GWT_BLOCK_READ, 0, 0, &iov, 1, 512), ==, EINVAL);
  g_assert_cmpint (run (d, GWT_BLOCK_READ, 0, 0, huge, 2, 512), ==, EINVAL);
  g_assert_cmpint (run (d, GWT_BLOCK_READ, 0, UINT64_MAX - 511, &iov, 1, 1024), ==, EIO);
  g_assert_cmpint (run (d, GWT_BLOCK_WRITE_ZEROES, 0, 0, NULL, 0, 2 << 20), ==, EIO);
  g_assert_cmpint (run (d, GWT_BLOCK_READ, 0, 1 << 20, NULL, 0, 0), ==, 0);
  clean ();
  d = attach (add ("driver=file,node-name=d,filename=%s,read-only=on", image), GWT_BLOCK_AUTO);
  g_assert_cmpint (run (d, GWT_BLOCK_WRITE, 0, 0, &iov, 1, 1024), ==, EPERM);
  g_assert_cmpint (run (d, GWT_BLOCK_DISCARD, 0, 0, NULL, 0, 1024), ==, EPERM);
  g_assert_cmpint (run (d, GWT_BLOCK_READ, 0, 0, &iov, 1, 1024), ==, 0);
  clean ();
}

/* A write that gets nowhere after its first part, as on a full disk; and what write-through does
   without RWF_DSYNC. */
static void
test_short_write (void)
{
  static unsigned char data[64 << 10];
  guint e;

  for (e = 0; e < n_engines (); e++)
    {
      struct rlimit before, limit;
      struct gwt_iovec w[2] = { { data, 5000 }, { data + 5000, sizeof data - 5000 } };
      struct gwt_file *file;
      struct stat st;
      struct disk *d;

      make_image (0);
      g_assert_cmpint (truncate (image, 4096), ==, 0);
      d = attach (add ("driver=file,node-name=d,filename=%s,aio=%s", image, engines[e]),
                  GWT_BLOCK_REPORT);
      atomic_store (&gwt_block_find ("d")->size, 1 << 20);
      g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
      limit = before;
      limit.rlim_cur = 6144;
      g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
      g_assert_cmpint (run (d, GWT_BLOCK_WRITE, 0, 0, w, 2, sizeof data), ==, EFBIG);
      g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
      g_assert_cmpint (stat (image, &st), ==, 0);
      g_assert_cmpint (st.st_size, ==, 6144);
      file = gwt_block_find ("d")->data;
      atomic_store (&file->no_dsync, true);
      g_assert_cmpint (run (d, GWT_BLOCK_WRITE, GWT_BLOCK_FUA, 0, w, 2, sizeof data), ==, 0);
      api->set_write_cache (gwt_block_find ("d"), 0);
      g_assert_cmpint (run (d, GWT_BLOCK_WRITE, 0, 0, w, 2, sizeof data), ==, 0);
      clean ();
    }
}

/* A window, and what is not reachable through it. */
static void
test_raw (void)
{
  unsigned char data[512];
  struct gwt_block *block;
  struct disk *d;
  int fd;

  make_image (1 << 20);
  block = add ("driver=raw,node-name=w,offset=4096,size=8K,file.driver=file,file.filename=%s",
               image);
  d = attach (block, GWT_BLOCK_AUTO);
  g_assert_cmpuint (gwt_block_size (block), ==, 8192);
  memset (data, 0x5a, sizeof data);
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_WRITE, 512, data, 512), ==, 0);
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_WRITE, 8192, data, 512), ==, EIO);
  clean ();
  memset (data, 0, sizeof data);
  fd = open (image, O_RDONLY | O_CLOEXEC);
  g_assert_cmpint (pread (fd, data, 512, 4096 + 512), ==, 512);
  g_assert_cmpint (data[0], ==, 0x5a);
  close (fd);
}

static void
test_resize (void)
{
  GWT_AUTO_ERROR (err);
  unsigned char data[512] = { 0 };
  struct gwt_block *block;
  struct gwt_block_info info = { .struct_size = sizeof info };
  struct disk *d;

  make_image (1 << 20);
  block = add ("driver=raw,node-name=d,file.driver=file,file.filename=%s", image);
  d = attach (block, GWT_BLOCK_AUTO);
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_READ, 1 << 20, data, 512), ==, EIO);
  g_assert_true (gwt_block_resize (block, 2 << 20, &err));
  api->info (block, &info);
  g_assert_cmpuint (info.size, ==, 2 << 20);
  g_assert_cmpuint (d->resized, ==, 1);
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_READ, 1 << 20, data, 512), ==, 0);
  g_assert_false (gwt_block_resize (block, 1000, &err));
  g_assert_cmpstr (err.text, ==, "size 1000 is no multiple of 512; use one");
  gwt_error_clear (&err);
  g_assert_false (gwt_block_resize (block, UINT64_MAX & ~511ull, &err));
  g_assert_nonnull (strstr (err.text, "is too large; use less"));
  clean ();
}

/* ---- the engine ------------------------------------------------------------------------------ */

/* More requests than there is room for: all are done, in the end. */
static void
test_depth (void)
{
  static struct gwt_block_request r[MANY];
  static unsigned char data[MANY][512];
  static struct gwt_iovec iov[MANY];
  guint e, i;

  for (e = 0; e < n_engines (); e++)
    {
      struct disk *d;

      make_image (1 << 20);
      d = attach (add ("driver=file,node-name=d,filename=%s,aio=%s", image, engines[e]),
                  GWT_BLOCK_AUTO);
      memset (r, 0, sizeof r);
      for (i = 0; i < MANY; i++)
        {
          iov[i] = (struct gwt_iovec){ data[i], 512 };
          r[i] = (struct gwt_block_request){
            .op = GWT_BLOCK_WRITE, .offset = i * 512, .size = 512, .iov = &iov[i], .n_iov = 1
          };
          push (d, &r[i]);
        }
      api->kick (d->queue);
      wait_done (d, MANY);
      g_assert_cmpuint (d->n_done, ==, MANY);
      clean ();
    }
}

/* Hold waits for what is in flight; nothing begins before release. */
static void
test_hold (void)
{
  struct gwt_block_request r = { .op = GWT_BLOCK_READ }, late = { .op = GWT_BLOCK_FLUSH };
  struct disk *d
      = attach (add ("driver=null-co,node-name=d,latency-ns=50000000"), GWT_BLOCK_AUTO);
  guint works;

  r.iov = &(struct gwt_iovec){ (char[512]){ 0 }, 512 };
  r.n_iov = 1;
  r.size = 512;
  push (d, &r);
  api->kick (d->queue);
  g_mutex_lock (&d->lock);
  while (d->n_todo > 0)
    {
      g_mutex_unlock (&d->lock);
      g_thread_yield ();
      g_mutex_lock (&d->lock);
    }
  g_mutex_unlock (&d->lock);
  api->hold (d->queue, 0);
  g_assert_cmpuint (d->n_done, ==, 1);
  works = d->works;
  push (d, &late);
  api->kick (d->queue);
  api->hold (d->queue, 0);
  api->release (d->queue);
  g_assert_cmpuint (d->works, ==, works);
  api->release (d->queue);
  wait_done (d, 2);
  clean ();
}

static atomic_int fault, faults;

static int
inject (struct gwt_block *leaf, struct gwt_io *io)
{
  int error = atomic_load (&fault);

  if (error != 0)
    atomic_fetch_add (&faults, 1);
  return error;
}

/* werror=report and ignore, and enospc for another error. */
static void
test_policies (void)
{
  unsigned char data[512] = { 0 };
  struct disk *d = attach (add ("driver=null-co,node-name=d"), GWT_BLOCK_REPORT);

  gwt_null_fault = inject;
  atomic_store (&fault, EIO);
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_WRITE, 0, data, 512), ==, EIO);
  gwt_device_destroy_all ();
  d = attach (gwt_block_find ("d"), GWT_BLOCK_IGNORE);
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_WRITE, 0, data, 512), ==, 0);
  gwt_device_destroy_all ();
  d = attach (gwt_block_find ("d"), GWT_BLOCK_AUTO);
  g_assert_cmpint (run_buffer (d, GWT_BLOCK_WRITE, 0, data, 512), ==, EIO);
  clean ();
}

static gboolean
too_long (gpointer data)
{
  g_error ("waited 20 s for something that did not come");
  return G_SOURCE_REMOVE;
}

static void
pump_until_stopped (enum gwt_runstate state)
{
  guint tag = g_timeout_add_seconds (20, too_long, NULL);
  int status;

  while (gwt_runstate () != state)
    {
      g_main_context_iteration (NULL, TRUE);
      gwt_run_handle_requests (&status);
    }
  g_source_remove (tag);
}

/* werror=stop: the machine pauses, the request waits, and `cont` tries again. */
static void
test_stop (void)
{
  unsigned char data[512] = { 0 };
  struct gwt_iovec iov = { data, 512 };
  struct gwt_block_request r
      = { .op = GWT_BLOCK_WRITE, .size = 512, .iov = &iov, .n_iov = 1 };
  struct gwt_block_details details;
  struct disk *d = attach (add ("driver=null-co,node-name=d"), GWT_BLOCK_AUTO);

  gwt_vm_start ();
  gwt_null_fault = inject;
  atomic_store (&fault, ENOSPC);
  atomic_store (&faults, 0);
  push (d, &r);
  api->kick (d->queue);
  pump_until_stopped (GWT_RUNSTATE_IO_ERROR);
  g_assert_cmpstr (gwt_runstate_name (gwt_runstate ()), ==, "io-error");
  g_assert_cmpuint (d->n_done, ==, 0);
  g_assert_cmpint (atomic_load (&faults), ==, 1);
  gwt_block_describe (gwt_block_find ("d"), &details);
  g_assert_cmpint (details.io_status, ==, GWT_BLOCK_IO_NOSPACE);
  g_assert_cmpuint (details.write.failed, ==, 1);
  /* Once more the same. */
  gwt_vm_start ();
  pump_until_stopped (GWT_RUNSTATE_IO_ERROR);
  g_assert_cmpint (atomic_load (&faults), ==, 2);
  g_assert_cmpuint (d->n_done, ==, 0);
  atomic_store (&fault, 0);
  gwt_vm_start ();
  wait_done (d, 1);
  g_assert_cmpint (r.status, ==, 0);
  gwt_block_describe (gwt_block_find ("d"), &details);
  g_assert_cmpint (details.io_status, ==, GWT_BLOCK_IO_OK);
  /* A reset does not wait for `cont`. */
  atomic_store (&fault, ENOSPC);
  push (d, &r);
  api->kick (d->queue);
  pump_until_stopped (GWT_RUNSTATE_IO_ERROR);
  api->hold (d->queue, 1);
  g_assert_cmpuint (d->n_done, ==, 2);
  g_assert_cmpint (r.status, ==, ECANCELED);
  api->release (d->queue);
  gwt_vm_start ();
  clean ();
}

/* A queue that is made while the machine is paused begins when it goes on. */
static void
test_paused (void)
{
  struct gwt_block_request r = { .op = GWT_BLOCK_FLUSH };
  struct disk *d;

  gwt_vm_start ();
  gwt_vm_stop (GWT_RUNSTATE_PAUSED);
  d = attach (add ("driver=null-co,node-name=d"), GWT_BLOCK_AUTO);
  push (d, &r);
  api->kick (d->queue);
  /* It has seen the kick, and sleeps on. */
  while (atomic_load (&d->queue->signals) != 0 || !atomic_load (&d->queue->sleeping))
    g_thread_yield ();
  g_assert_cmpuint (d->works, ==, 0);
  gwt_vm_start ();
  wait_done (d, 1);
  clean ();
}

/* Kicks, holds and completions from several threads at once. */
static void *
storm_kick (void *data)
{
  struct disk *d = data;
  guint i;

  for (i = 0; i < 20000; i++)
    api->kick (d->queue);
  return NULL;
}

static void *
storm_hold (void *data)
{
  struct disk *d = data;
  guint i;

  for (i = 0; i < 300; i++)
    {
      api->hold (d->queue, i % 3 == 0);
      api->release (d->queue);
    }
  return NULL;
}

static void
test_storm (void)
{
  static struct gwt_block_request r[MANY / 2];
  static unsigned char data[MANY / 2][512];
  static struct gwt_iovec iov[MANY / 2];
  guint e, i;

  for (e = 0; e < n_engines (); e++)
    {
      GThread *threads[4];
      struct disk *d;

      make_image (1 << 20);
      d = attach (add ("driver=file,node-name=d,filename=%s,aio=%s", image, engines[e]),
                  GWT_BLOCK_AUTO);
      d->again = true;
      for (i = 0; i < MANY / 2; i++)
        {
          iov[i] = (struct gwt_iovec){ data[i], 512 };
          r[i] = (struct gwt_block_request){ .op = i % 2 ? GWT_BLOCK_WRITE : GWT_BLOCK_READ,
                                             .offset = i * 512,
                                             .size = 512,
                                             .iov = &iov[i],
                                             .n_iov = 1 };
          push (d, &r[i]);
        }
      for (i = 0; i < 4; i++)
        threads[i] = g_thread_new ("storm", i < 2 ? storm_kick : storm_hold, d);
      for (i = 0; i < 4; i++)
        g_thread_join (threads[i]);
      wait_done (d, MANY / 2);
      api->hold (d->queue, 1);
      d->again = false;
      /* Nothing was lost on the way. */
      g_assert_cmpuint (d->n_todo, ==, MANY / 2);
      g_assert_cmpuint (d->n_done, >=, MANY / 2);
      clean ();
    }
}

/* ---- limits ---------------------------------------------------------------------------------- */

static struct gwt_throttle *
limits (const char *text)
{
  GWT_AUTO_ERROR (err);
  struct json_object *options = gwt_block_parse (text, &err);
  struct gwt_throttle *t = NULL;

  g_assert_true (gwt_throttle_take (options, "", &t, &err));
  json_object_put (options);
  return t;
}

#define SECOND 1000000000ull

/* How many transfers of SIZE go in SECONDS from *NOW on, when each asks as soon as it may. */
static guint
count_in (struct gwt_throttle *t, bool write, uint64_t size, uint64_t *now, uint64_t seconds)
{
  uint64_t end = *now + seconds * SECOND;
  guint n = 0;

  while (*now < end)
    {
      uint64_t wait = gwt_throttle_ask (t, write, size, *now);

      if (wait == 0)
        n++;
      *now += wait;
    }
  return n;
}

static void
test_throttle (void)
{
  uint64_t now = SECOND;
  struct gwt_throttle *t = limits ("iops-total=100");
  guint n = count_in (t, true, 4096, &now, 10);

  /* A tenth of a second's worth goes at once. */
  g_assert_cmpuint (n, >=, 1000);
  g_assert_cmpuint (n, <=, 1012);
  gwt_throttle_free (t);

  t = limits ("bps-write=1M");
  now = SECOND;
  n = count_in (t, true, 65536, &now, 10);
  g_assert_cmpuint (n, >=, 160);
  g_assert_cmpuint (n, <=, 164);
  g_assert_cmpuint (gwt_throttle_ask (t, false, 1 << 30, now), ==, 0);
  gwt_throttle_free (t);

  /* Ten seconds of burst, then the average; the burst itself keeps its rate. */
  t = limits ("iops-total=100,iops-total-max=1000,iops-total-max-length=10");
  now = SECOND;
  n = count_in (t, false, 512, &now, 5);
  g_assert_cmpuint (n, >=, 5000);
  g_assert_cmpuint (n, <=, 5110);
  count_in (t, false, 512, &now, 60);
  n = count_in (t, false, 512, &now, 10);
  g_assert_cmpuint (n, >=, 995);
  g_assert_cmpuint (n, <=, 1005);
  gwt_throttle_free (t);

  /* Large ones count for several. */
  t = limits ("iops-read=100,iops-size=4096");
  now = SECOND;
  n = count_in (t, false, 16384, &now, 10);
  g_assert_cmpuint (n, >=, 250);
  g_assert_cmpuint (n, <=, 256);
  gwt_throttle_free (t);
}

/* What waits for its turn goes at once when the machine pauses. */
static void
test_throttle_hold (void)
{
  static struct gwt_block_request r[DEPTH];
  unsigned char data[512];
  struct gwt_iovec iov = { data, 512 };
  struct disk *d = attach (add ("driver=throttle,node-name=t,iops-total=1,file.driver=null-co"),
                           GWT_BLOCK_AUTO);
  guint i;

  for (i = 0; i < DEPTH; i++)
    {
      r[i] = (struct gwt_block_request){
        .op = GWT_BLOCK_READ, .size = 512, .iov = &iov, .n_iov = 1
      };
      push (d, &r[i]);
    }
  api->kick (d->queue);
  g_mutex_lock (&d->lock);
  while (d->n_todo > 0)
    {
      g_mutex_unlock (&d->lock);
      g_thread_yield ();
      g_mutex_lock (&d->lock);
    }
  g_mutex_unlock (&d->lock);
  api->hold (d->queue, 0);
  g_assert_cmpuint (d->n_done, ==, DEPTH);
  api->release (d->queue);
  clean ();
}

/* ---- words ----------------------------------------------------------------------------------- */

static void
refuse (bool drive, const char *text, const char *expected)
{
  GWT_AUTO_ERROR (err);
  struct gwt_drive d = { 0 };
  g_auto (GStrv) pieces = g_strsplit (text, "IMAGE", -1);
  g_autofree char *full = g_strjoinv (image, pieces);

  if (drive)
    g_assert_false (gwt_drive_new_option (full, &d, &err));
  else
    g_assert_null (gwt_block_add_option (full, &err));
  if (strstr (err.text, expected) == NULL)
    g_error ("'%s' says\n  %s\nand not\n  %s", full, err.text, expected);
  g_assert_null (strchr (err.text, '\n'));
  g_assert_true (gwt_block_nodes == NULL || gwt_block_nodes->len == 0);
}

static void
test_refusals (void)
{
  static const char *const table[][2] = {
    { "", "'' has no value" },
    { "driver=file", "there is no node-name; add node-name=NAME" },
    { "driver=fil,node-name=d",
      "there is no driver 'fil'; use file, host_device, raw, nbd, null-co, "
      "null-aio or throttle; did you mean 'file'" },
    { "driver=qcow2,node-name=d,file.driver=file,file.filename=x",
      "serve the image with 'qemu-nbd -t -k SOCKET -f qcow2 FILE'" },
    { "node-name=d", "there is no driver; add driver=file" },
    { "driver=file,node-name=1d,filename=IMAGE", "node-name '1d' is malformed" },
    { "driver=file,node-name=d", "there is no filename; add filename=FILE" },
    { "driver=file,node-name=d,filename=/nonesuch/x", "'/nonesuch/x': cannot be opened: No such "
                                                      "file or directory; check the path" },
    { "driver=file,node-name=d,filename=/", "'/' is a folder; use a disk image" },
    { "driver=file,node-name=d,filename=/dev/null", "'/dev/null' is neither a file nor a disk" },
    { "driver=host_device,node-name=d,filename=IMAGE", "is a file and no block device; use "
                                                       "driver=file" },
    { "driver=file,node-name=d,filename=IMAGE,filename=y", "'filename' is given twice" },
    { "driver=file,node-name=d,filename=IMAGE,redonly=on",
      "driver 'file' has no option 'redonly'; leave it out" },
    { "driver=file,node-name=d,filename=IMAGE,cache.drect=on",
      "cache: it has no option 'drect'; leave it out; did you mean 'direct'" },
    { "driver=file,node-name=d,filename=IMAGE,cache=none",
      "cache: a string where an object belongs" },
    { "driver=file,node-name=d,filename=IMAGE,cache.direct=yes",
      "cache: direct: 'yes' is neither" },
    { "driver=file,node-name=d,filename=IMAGE,aio=native", "aio=native is not offered; use "
                                                           "aio=io_uring" },
    { "driver=file,node-name=d,filename=IMAGE,locking=maybe",
      "locking: 'maybe' is none of its values; use one of 'auto', 'on', 'off'" },
    { "driver=file,node-name=d,filename=IMAGE,detect-zeroes=unmap",
      "detect-zeroes=unmap means nothing without discard=unmap; add that" },
    { "driver=raw,node-name=d", "driver 'raw' stands on another node; add file=NODE-NAME" },
    { "driver=raw,node-name=d,file=nonesuch", "file: there is no node 'nonesuch' yet" },
    { "driver=raw,node-name=d,file.driver=file,file.filename=IMAGE,offset=100",
      "offset and size must be multiples of 512" },
    { "driver=raw,node-name=d,file.driver=file,file.filename=IMAGE,offset=1G",
      "offset and size reach beyond" },
    { "driver=raw,node-name=d,file=x,file.driver=file", "'file' is given as a value and as "
                                                        "'file.driver'; use one" },
    { "driver=null-co,node-name=d,size=-1", "size" },
    { "driver=null-co,node-name=d,size=9223372036854775807", "too large" },
    { "driver=null-co,node-name=d,size=18446744073709551615", "is out of range" },
    { "driver=null-co,node-name=d,a..b=1", "a key has an empty part" },
    { "driver=null-co,node-name=d,a.b.c.d.e.f.g.h.i.j.k=1",
      "a key has an empty part or more than" },
    { "driver=throttle,node-name=d,file.driver=null-co", "there is no limit; add bps-total=N" },
    { "driver=throttle,node-name=d,file.driver=null-co,iops-total=1,iops-read=1",
      "iops-total excludes iops-read and iops-write" },
    { "driver=throttle,node-name=d,file.driver=null-co,iops-total=5,iops-total-max=4",
      "iops-total-max is below iops-total" },
    { "{", "byte" },
    { "{\"driver\": \"file\", \"node-name\": \"d\", \"filename\": 5}",
      "filename: a whole number where a string belongs" },
    { "{\"driver\": \"null-co\", \"node-name\": \"d\", \"size\": -5}", "size" },
  };
  guint i;

  make_image (1 << 20);
  for (i = 0; i < G_N_ELEMENTS (table); i++)
    refuse (false, table[i][0], table[i][1]);
}

static void
test_drive_refusals (void)
{
  static const char *const table[][2] = {
    { "if=none", "there is no file; add file=FILE" },
    { "file=", "file is empty" },
    { "file=IMAGE,if=ide", "if=ide: this machine has no such bus; use if=virtio" },
    { "file=IMAGE,if=vertio", "if: 'vertio' is none of its values; use virtio, pflash or none" },
    { "file=IMAGE,if=pflash,rerror=stop", "rerror: a flash bank tells the guest of errors" },
    { "file=IMAGE,unit=0", "unit means nothing without if=pflash; leave it out" },
    { "file=IMAGE,format=qcow2", "only raw is read here; run 'qemu-nbd" },
    { "file=IMAGE,cache=fast", "cache: 'fast' is none of its values; use none, writeback" },
    { "file=IMAGE,snapshot=on", "snapshot=on is not offered; start from a copy" },
    { "file=IMAGE,media=cdrom", "media=cdrom: there are only disks; use readonly=on" },
    { "file=IMAGE,serial=x", "serial belongs to the device" },
    { "file=IMAGE,werror=maybe",
      "werror: 'maybe' is none of its values; use report, ignore, stop or "
      "enospc" },
    { "file=IMAGE,rerror=enospc", "rerror: 'enospc' is none of its values; use report, ignore or "
                                  "stop" },
    { "file=IMAGE,bus=0", "driver 'raw' has no option 'bus'; leave it out" },
    { "file=IMAGE,throttling.bps-total=1,bps=2", "bps and throttling.bps-total are one" },
    { "file=IMAGE,throttling.bps=1", "throttling: it has no option 'bps'" },
    { "file=IMAGE,bps_max=10", "throttling: bps-total-max means nothing without bps-total" },
    { "file=IMAGE,id=9", "id '9' is malformed" },
    { "IMAGE", "has no value" },
  };
  guint i;
  int fd;

  make_image (1 << 20);
  for (i = 0; i < G_N_ELEMENTS (table); i++)
    refuse (true, table[i][0], table[i][1]);
  fd = open (image, O_WRONLY | O_CLOEXEC);
  g_assert_cmpint (pwrite (fd, "QFI\xfb", 4, 0), ==, 4);
  close (fd);
  refuse (true, "file=IMAGE", "looks like qcow2: only raw is read here");
}

static void
test_drive (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_drive d;
  g_autofree char *text = NULL, *expected = NULL;

  make_image (1 << 20);
  text = g_strdup_printf (
      "file=%s,format=raw,cache=directsync,discard=unmap,werror=stop,iops=100,file.locking=off",
      image);
  gwt_drive_new_option (text, &d, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  g_assert_cmpstr (d.device, ==, "drive=virtio0,write-cache=off,werror=stop");
  expected = g_strdup_printf ("driver=throttle,node-name=virtio0,iops-total=100,"
                              "file.discard=unmap,file.file.locking=off,file.file.driver=file,"
                              "file.file.filename=%s,file.driver=raw,file.read-only=off,"
                              "file.auto-read-only=off,file.cache.direct=on,"
                              "file.cache.no-flush=off", image);
  {
    g_auto (GStrv) want = g_strsplit (expected, ",", -1);
    guint i;

    for (i = 0; want[i] != NULL; i++)
      if (strstr (d.expansion, want[i]) == NULL)
        g_error ("no '%s' in '%s'", want[i], d.expansion);
  }
  g_assert_true (gwt_block_find ("virtio0") == d.block);
  g_assert_true (d.block->direct && d.block->child->direct && d.block->write_through);
  g_assert_false (gwt_block_check_used (&err));
  g_assert_nonnull (strstr (err.text, "-drive: 'virtio0': nothing uses it"));
  gwt_error_clear (&err);
  clean ();
  /* The expansion makes the same. */
  gwt_block_add_option (d.expansion, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  clean ();
  g_free (d.device);
  g_free (d.expansion);
}

/* ---- who may ----------------------------------------------------------------------------------
 */

static void
expect_attach (struct gwt_block *block, uint32_t writes, const char *expected)
{
  GWT_AUTO_ERROR (err);
  struct gwt_device *device;

  try_attach (block, writes, GWT_BLOCK_AUTO, &device, &err);
  if (expected == NULL)
    g_assert_cmpstr (err.text, ==, NULL);
  else if (err.text == NULL || strstr (err.text, expected) == NULL)
    g_error ("attach says\n  %s\nand not\n  %s", err.text, expected);
}

static void
test_users (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_block *a, *top;

  make_image (1 << 20);
  a = add ("driver=file,node-name=a,filename=%s", image);
  top = add ("driver=raw,node-name=top,file=a");
  expect_attach (a, 1, "'a' is used by 'top'; use that one");
  expect_attach (top, 1, NULL);
  expect_attach (top, 1, "'top' is used by 'disk1'; give each device its own");
  g_assert_false (gwt_block_delete ("top", &err));
  g_assert_cmpstr (err.text, ==, "Node top is in use by 'disk1'; delete the device first");
  gwt_error_clear (&err);
  g_assert_false (gwt_block_delete ("a", &err));
  gwt_error_clear (&err);
  gwt_device_destroy_all ();
  g_assert_true (gwt_block_delete ("top", &err));
  g_assert_true (gwt_block_delete ("a", &err));
  g_assert_false (gwt_block_delete ("a", &err));
  g_assert_cmpstr (err.text, ==, "Failed to find node with node-name='a'");
  gwt_error_clear (&err);
  a = add ("driver=file,node-name=a,filename=%s,read-only=on", image);
  expect_attach (a, 1, "'a' is read only; leave read-only=on out");
  clean ();
}

/* OFD locks exclude two descriptors of one process as they do two processes. */
static void
test_locks (void)
{
  struct gwt_block *a, *b;

  make_image (1 << 20);
  a = add ("driver=file,node-name=a,filename=%s", image);
  b = add ("driver=file,node-name=b,filename=%s", image);
  expect_attach (a, 1, NULL);
  expect_attach (b, 1, "another process has it open; end that one, use read-only=on in both, or "
                       "file.locking=off");
  expect_attach (b, 0, "another process has it open for writing; end that one, use "
                       "file.locking=off");
  gwt_device_destroy_all ();
  expect_attach (b, 0, NULL);
  expect_attach (a, 1, "another process has it open");
  expect_attach (a, 0, NULL);
  clean ();
  a = add ("driver=file,node-name=a,filename=%s,locking=off", image);
  b = add ("driver=file,node-name=b,filename=%s", image);
  expect_attach (a, 1, NULL);
  expect_attach (b, 1, NULL);
  clean ();
  a = add ("driver=file,node-name=a,filename=%s,force-share=on", image);
  b = add ("driver=file,node-name=b,filename=%s,force-share=on", image);
  expect_attach (a, 1, NULL);
  expect_attach (b, 1, NULL);
  clean ();
}

int
main (int argc, char **argv)
{
  block_test_begin (&argc, &argv);
  g_test_add_func ("/block/read-write", test_read_write);
  g_test_add_func ("/block/large-unaligned", test_large_unaligned);
  g_test_add_func ("/block/odd-end", test_odd_end);
  g_test_add_func ("/block/discard-zeroes", test_discard_zeroes);
  g_test_add_func ("/block/detect-zeroes", test_detect_zeroes);
  g_test_add_func ("/block/bad-requests", test_bad_requests);
  g_test_add_func ("/block/short-write", test_short_write);
  g_test_add_func ("/block/raw", test_raw);
  g_test_add_func ("/block/resize", test_resize);
  g_test_add_func ("/block/depth", test_depth);
  g_test_add_func ("/block/hold", test_hold);
  g_test_add_func ("/block/policies", test_policies);
  g_test_add_func ("/block/stop", test_stop);
  g_test_add_func ("/block/paused", test_paused);
  g_test_add_func ("/block/storm", test_storm);
  g_test_add_func ("/block/throttle", test_throttle);
  g_test_add_func ("/block/throttle-hold", test_throttle_hold);
  g_test_add_func ("/block/refusals", test_refusals);
  g_test_add_func ("/block/drive-refusals", test_drive_refusals);
  g_test_add_func ("/block/drive", test_drive);
  g_test_add_func ("/block/users", test_users);
  g_test_add_func ("/block/locks", test_locks);
  return block_test_end (g_test_run ());
}
