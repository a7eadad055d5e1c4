/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the block back ends share: nothing outside includes it.
 *
 *   block.c           nodes by name, what is above and below them, resize, delete, describe
 *   block-spec.c      what users write after -blockdev, and the members of each driver
 *   block-drive.c     -drive, as -blockdev
 *   block-api.c       "gwt.block/1": attach, errors and what becomes of them, pause and go on
 *   block-handover.c  whose the images are while a guest is migrated
 *   block-queue.c     one [io] thread per queue: requests come in, wait, complete
 *   block-throttle.c  limits per second
 *   block-file.c      files and block devices: open, lock, resize
 *   block-file-io.c   a request on a file, step by step
 *   block-uring.c     such a step through io_uring
 *   block-pool.c      such a step on a thread that may block
 *   block-null.c      null-co, null-aio
 *   block-nbd.c       a server elsewhere
 */
#ifndef CORE_BACKEND_BLOCK_INTERNAL_H
#define CORE_BACKEND_BLOCK_INTERNAL_H

#include <stdatomic.h>
#include <sys/uio.h>
#include "core/backend/block.h"
#include "core/device/device.h"
#ifdef HAVE_LIBURING
#include <liburing.h>
#endif

#define GWT_BLOCK_SECTOR 512u
/* Limits that lie on each other: of the node that is used, and of nodes below. */
#define GWT_BLOCK_CHAIN_MAX 8
#define GWT_BLOCK_SIZE_MAX (INT64_MAX & ~(uint64_t) 4095)

struct gwt_block_queue;
struct gwt_throttle;

/* ---- a request in flight --------------------------------------------------------------------- */

/* One system call of a request on a file. */
enum gwt_io_call
{
  GWT_CALL_READ,
  GWT_CALL_WRITE,
  GWT_CALL_WRITE_SYNC, /* RWF_DSYNC */
  GWT_CALL_SYNC,
  GWT_CALL_PUNCH,
  GWT_CALL_ZERO,
  GWT_CALL_DISCARD,   /* BLKDISCARD */
  GWT_CALL_WRITE_ZEROS /* one by one, with buffers of zeros */
};

/* The server is away for now; the request is to be started again when io->due has come. */
#define GWT_IO_AWAY (-100000)

/* Lives in gwt_block_request.host.  Of the queue's thread, but for what the driver was given. */
struct gwt_io
{
  struct gwt_io *next;
  struct gwt_block_queue *queue;
  uint64_t offset;         /* on the leaf */
  uint64_t done;           /* bytes so far */
  void *scratch;           /* buffer or vector of this step, aligned; free () */
  struct iovec one;        /* the buffer as a vector */
  const struct iovec *iov; /* of the step */
  uint64_t at, length;     /* of the step, on the leaf */
  uint64_t began;          /* ns, monotonic */
  uint64_t due;            /* ns: end of a delay, or of patience */
  uint32_t n_iov;
  int32_t result; /* of the step: bytes or -errno */
  uint32_t pieces; /* nbd: commands of it that are out */
  uint8_t call;   /* enum gwt_io_call */
  uint8_t op;     /* enum gwt_block_op / 1000 */
  uint8_t flags;  /* enum gwt_block_request_flag */
  uint8_t bounce; /* the step uses scratch in place of the guest's memory */
};
_Static_assert (sizeof (struct gwt_io) <= sizeof (((struct gwt_block_request *) 0)->host),
                "a request's host part is too small");
_Static_assert (sizeof (struct gwt_iovec) == sizeof (struct iovec)
                    && offsetof (struct gwt_iovec, base) == offsetof (struct iovec, iov_base)
                    && offsetof (struct gwt_iovec, size) == offsetof (struct iovec, iov_len)
                    && sizeof (size_t) == 8,
                "guest buffers are handed to the kernel as they are");

enum
{
  GWT_IO_READ = GWT_BLOCK_READ / 1000,
  GWT_IO_WRITE = GWT_BLOCK_WRITE / 1000,
  GWT_IO_FLUSH = GWT_BLOCK_FLUSH / 1000,
  GWT_IO_DISCARD = GWT_BLOCK_DISCARD / 1000,
  GWT_IO_ZERO = GWT_BLOCK_WRITE_ZEROES / 1000,
  GWT_IO_OPS
};
/* In gwt_io.flags: what was written before this write is to be on the medium as well. */
#define GWT_IO_SYNC_ALL (1 << 7)

static inline struct gwt_block_request *
gwt_io_request (struct gwt_io *io)
{
  return (struct gwt_block_request *) (void *) ((char *) io
                                                - offsetof (struct gwt_block_request, host));
}

static inline struct gwt_io *
gwt_request_io (struct gwt_block_request *request)
{
  return (struct gwt_io *) (void *) request->host;
}

struct gwt_io_list
{
  struct gwt_io *head, **tail;
};

static inline void
gwt_io_list_init (struct gwt_io_list *list)
{
  list->head = NULL;
  list->tail = &list->head;
}

static inline void
gwt_io_list_add (struct gwt_io_list *list, struct gwt_io *io)
{
  io->next = NULL;
  *list->tail = io;
  list->tail = &io->next;
}

static inline struct gwt_io *
gwt_io_list_take (struct gwt_io_list *list)
{
  struct gwt_io *io = list->head;

  if (io != NULL && (list->head = io->next) == NULL)
    list->tail = &list->head;
  return io;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

struct gwt_block_driver
{
  const char *name;
  bool leaf; /* has no node below it */
  const char *const *members; /* its own, NULL-terminated, for the nearest names */
  /* [main] Judge the driver's own members of OPTIONS, open, and set size and the rest of NODE;
     nothing is created.  CLOSE is called for what OPEN made. */
  bool (*open) (struct gwt_block *node, struct json_object *options, struct gwt_error *err);
  void (*close) (struct gwt_block *node);
  /* Leaves only, all optional but start.  [main] Exclude others (WRITES, SHARE as in
     gwt_block_use), and let them in again. */
  bool (*lock) (struct gwt_block *node, bool writes, bool share, struct gwt_error *err);
  void (*unlock) (struct gwt_block *node);
  /* Another process had it: forget what was read, see how large it is. */
  bool (*refresh) (struct gwt_block *node, struct gwt_error *err);
  bool (*resize) (struct gwt_block *node, uint64_t size, struct gwt_error *err);
  uint64_t (*allocated) (struct gwt_block *node);
  /* [main] No request is in flight: all that was written is on the medium when it returns 0, else
     an errno value. */
  int (*sync) (struct gwt_block *node);
  /* [io of the queue] Begin IO; gwt_queue_finish () or, from other threads, gwt_queue_remote ()
     follows, now or later. */
  void (*start) (struct gwt_block_queue *queue, struct gwt_io *io);
  /* [io of the queue] A step begun by start () has its result. */
  void (*step) (struct gwt_block_queue *queue, struct gwt_io *io);
};

extern const struct gwt_block_driver gwt_block_file, gwt_block_host_device, gwt_block_null_co,
    gwt_block_null_aio, gwt_block_nbd, gwt_block_raw, gwt_block_throttle;

enum gwt_detect_zeroes
{
  GWT_DETECT_ZEROES_OFF,
  GWT_DETECT_ZEROES_ON,
  GWT_DETECT_ZEROES_UNMAP
};

struct gwt_block
{
  const struct gwt_block_driver *driver;
  char *node_name;
  char *drive; /* id of the -drive that made it, or NULL */
  char *filename;
  char *option; /* "-blockdev" or "-drive" where the command line made it; else NULL */
  struct gwt_block *child, *parent;
  bool opened;       /* the driver's open () went well */
  bool inline_child; /* made with its parent, goes with it */

  bool read_only, auto_read_only, direct, no_flush, unmap, force_share, write_through;
  enum gwt_detect_zeroes detect_zeroes;
  uint32_t on_read_error, on_write_error; /* of -drive; GWT_BLOCK_AUTO */

  /* A leaf: set by its driver.  Else the window on the child. */
  void *data; /* the driver's */
  _Atomic uint64_t size;
  uint64_t window_offset, window_size; /* raw: 0 means to the end */
  uint32_t logical, physical, min_io, opt_io, discard_granularity;
  bool can_discard, can_zero;
  struct gwt_throttle *throttle; /* or NULL */

  /* The device that uses it; [main]. */
  struct gwt_device *device;
  struct gwt_block_use use;
  void *self; /* its instance */
  bool exclusive; /* locked */
  /* Resolved at attach (): what requests go to, and how. */
  struct gwt_block *leaf;
  uint64_t leaf_offset;
  struct gwt_throttle *throttles[GWT_BLOCK_CHAIN_MAX];
  guint n_throttles;
  bool chain_unmap, chain_no_flush, chain_write_through;
  enum gwt_detect_zeroes chain_detect;
  uint32_t read_policy, write_policy;
  atomic_bool guest_write_through; /* set_write_cache (0) */
  atomic_bool dirty; /* a leaf: something was written since the last sync () */
  atomic_int io_status; /* enum gwt_block_io_status */
  GPtrArray *queues;
};

/* block.c */
extern GPtrArray *gwt_block_nodes;
/* The lowest node, offset of NODE on it; bytes that can be reached through NODE. */
struct gwt_block *gwt_block_leaf (struct gwt_block *node, uint64_t *offset);
uint64_t gwt_block_size (struct gwt_block *node);
struct gwt_block *gwt_block_top (struct gwt_block *node);
/* For error texts: 'd0', or the -drive's id. */
const char *gwt_block_label (struct gwt_block *node);
struct gwt_block *gwt_block_make (struct json_object *options, struct gwt_block *parent,
                                  const char *option, struct gwt_error *err);
void gwt_block_destroy (struct gwt_block *node);

/* block-spec.c: members of a JSON object, which are taken out of it as they are read; what is left
   at the end is an error.  A string is what a user typed, whatever the kind.  False with ERR set
   where the value is no such thing; *VALUE stays as it is where there is none. */
struct json_object *gwt_block_parse (const char *text, struct gwt_error *err);
/* The same for -drive, where file=NAME becomes the member filename. */
struct json_object *gwt_block_parse_drive (const char *text, struct gwt_error *err);
bool gwt_take_bool (struct json_object *options, const char *key, bool *value,
                    struct gwt_error *err);
bool gwt_take_u64 (struct json_object *options, const char *key, bool size, uint64_t *value,
                   struct gwt_error *err);
/* One of the NULL-terminated NAMES; *INDEX is its place. */
bool gwt_take_enum (struct json_object *options, const char *key, const char *const *names,
                    guint *index, struct gwt_error *err);
/* *VALUE is new, or NULL. */
bool gwt_take_text (struct json_object *options, const char *key, char **value,
                    struct gwt_error *err);
/* A member that is an object, taken out: the caller owns it; *VALUE is NULL where there is none. */
bool gwt_take_object (struct json_object *options, const char *key, struct json_object **value,
                      struct gwt_error *err);
/* Nothing may be left.  KNOWN: NULL-terminated, for the nearest names. */
bool gwt_take_end (struct json_object *options, const char *what, const char *const *known,
                   struct gwt_error *err);

/* block-api.c */
void gwt_block_detach (struct gwt_block *block);
/* [io of the queue] IO failed with the errno value ERROR: true where it is to be kept until the
   machine goes on; else *STATUS is what the device is told. */
bool gwt_block_judge (struct gwt_block *block, struct gwt_io *io, int error, int32_t *status);

/* block-handover.c: BLOCK's lock for the device that uses it, once the images are active. */
bool gwt_block_lock (struct gwt_block *block, struct gwt_error *err);
void gwt_block_unlock (struct gwt_block *block);

/* block-queue.c */
enum gwt_queue_signal
{
  GWT_SIGNAL_KICK = 1 << 0,
  GWT_SIGNAL_HOLD = 1 << 1,
  GWT_SIGNAL_RETRY = 1 << 2, /* parked requests are tried again */
  GWT_SIGNAL_QUIT = 1 << 3
};

struct gwt_block_queue
{
  struct gwt_block *block, *leaf;
  uint32_t index, depth;
  char name[16];

  _Alignas (64) atomic_uint signals;
  atomic_bool sleeping;
  _Atomic (struct gwt_io *) remote; /* done elsewhere, newest first */

  GMutex lock; /* hold and the thread's life */
  GCond changed;
  GThread *thread;
  atomic_bool started; /* thread is set */
  guint holds;
  bool cancel, quiet;
  atomic_uint n_holds; /* = holds, for the thread to see without the lock */
  int event_fd;

  /* The thread's own. */
  uint32_t used;   /* requests of the device that are here, whatever they wait for */
  uint32_t active; /* of them, with the driver, or delayed, or throttled */
  bool kicked, starved, retry;
  struct gwt_io_list completed, parked, away, delayed, throttled[2];
  uint64_t throttled_until[2];

  bool use_uring;
#ifdef HAVE_LIBURING
  struct io_uring ring;
  bool armed, enabled, fixed;
  unsigned queued;   /* SQEs not yet submitted */
  unsigned in_ring;  /* SQEs of requests without their CQE */
  uint64_t event_value;
#endif

  struct
  {
    _Atomic uint64_t operations, failed, invalid, bytes, ns;
  } stats[GWT_IO_OPS];
  _Atomic uint64_t highest_write;
};

struct gwt_block_queue *gwt_queue_new (struct gwt_block *block, uint32_t index, uint32_t depth,
                                       struct gwt_error *err);
void gwt_queue_free (struct gwt_block_queue *queue); /* held, nothing in flight */
void gwt_queue_kick (struct gwt_block_queue *queue);
void gwt_queue_signal (struct gwt_block_queue *queue, unsigned signal); /* [any] */
uint32_t gwt_queue_submit (struct gwt_block_queue *queue,
                           struct gwt_block_request *const *requests, uint32_t count);
void gwt_queue_hold (struct gwt_block_queue *queue, bool cancel);
void gwt_queue_release (struct gwt_block_queue *queue);
/* [io of the queue] IO is over: 0, -errno, or GWT_IO_AWAY. */
void gwt_queue_finish (struct gwt_block_queue *queue, struct gwt_io *io, int result);
/* [any] IO's step is over, its result is set: the driver's step () runs on the queue's thread. */
void gwt_queue_remote (struct gwt_io *io);
/* [io of the queue] Let IO wait until io->due, then finish it. */
void gwt_queue_delay (struct gwt_block_queue *queue, struct gwt_io *io);
uint64_t gwt_block_now (void); /* ns, monotonic */

/* block-throttle.c */
#define GWT_THROTTLE_BUCKETS 6 /* bps total, read, write; iops total, read, write */
struct gwt_bucket
{
  double avg, max;
  uint64_t length;      /* s */
  double level, burst; /* units in the bucket now */
};
struct gwt_throttle
{
  GMutex lock;
  struct gwt_bucket buckets[GWT_THROTTLE_BUCKETS];
  uint64_t iops_size, last; /* ns */
};
/* The members of limits in OPTIONS ("bps-total", ..., with PREFIX before each); *THROTTLE is NULL
   where there are none. */
bool gwt_throttle_take (struct json_object *options, const char *prefix,
                        struct gwt_throttle **throttle, struct gwt_error *err);
void gwt_throttle_free (struct gwt_throttle *throttle);
/* [any] 0: a transfer of SIZE bytes may go now, and is accounted for; else the ns to wait. */
uint64_t gwt_throttle_ask (struct gwt_throttle *throttle, bool is_write, uint64_t size,
                           uint64_t now);
extern const char *const gwt_throttle_keys[]; /* without prefix, NULL-terminated */

/* block-file.c, block-file-io.c */
struct gwt_file
{
  int fd;
  bool device, direct, uring, locking, locking_asked, locked;
  uint32_t align;           /* of memory, offset and size, with O_DIRECT; else 1 */
  atomic_bool no_punch, no_zero, no_dsync;
};
void gwt_file_start (struct gwt_block_queue *queue, struct gwt_io *io);
void gwt_file_step (struct gwt_block_queue *queue, struct gwt_io *io);
/* [pool] Carry out the step; bytes, or -errno. */
int gwt_file_call (struct gwt_file *file, struct gwt_io *io);

/* block-pool.c */
void gwt_pool_run (struct gwt_io *io); /* [any] gwt_file_call (), then gwt_queue_remote () */
void gwt_pool_finish (void);

/* block-uring.c: all false, or nothing, where it was not built in. */
bool gwt_uring_available (void);
bool gwt_uring_open (struct gwt_block_queue *queue); /* [main] */
void gwt_uring_close (struct gwt_block_queue *queue);
void gwt_uring_enter (struct gwt_block_queue *queue); /* [io] its thread begins */
bool gwt_uring_start (struct gwt_block_queue *queue, struct gwt_io *io); /* false: no such call */
void gwt_uring_flush (struct gwt_block_queue *queue);
bool gwt_uring_reap (struct gwt_block_queue *queue); /* true where there was something */
void gwt_uring_wait (struct gwt_block_queue *queue, uint64_t timeout); /* ns, UINT64_MAX: none */

/* block-null.c: for tests: errno value for a request, 0 for success. */
extern int (*gwt_null_fault) (struct gwt_block *leaf, struct gwt_io *io);

#endif
