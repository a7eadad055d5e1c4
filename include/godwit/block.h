/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host extension "gwt.block/1": a disk device's end of a block back end.
 *
 * Requests are asynchronous and go through queues.  Each queue has an [io] thread of its own in the
 * host, on which the device's work for that queue runs and its completions arrive, so a device that
 * has one back-end queue per guest queue needs no lock on the way.  A write is on the medium when a
 * flush that was submitted after its completion has completed.
 *
 * What becomes of a failed request (report, ignore, stop, enospc) is decided here, as the device's
 * user said at attach ().  A request that waits for `cont` stays in flight: the device sees it
 * neither done nor again.
 *
 * While the machine is paused nothing is in flight on the medium and no work () runs, as between
 * hold () and release (); what was kicked meanwhile runs when the machine goes on.
 *
 * An [io] thread never waits for the machine lock: an interrupt that a completion raises may be
 * delivered a little later, by another thread.
 */
#ifndef GODWIT_BLOCK_H
#define GODWIT_BLOCK_H

#include <godwit/device.h>
#include <godwit/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gwt_block;       /* a back end; the value of a property of kind GWT_BLOCK */
struct gwt_block_queue; /* one queue of one device's use of it */

enum gwt_block_op
{
  GWT_BLOCK_READ = 1000,
  GWT_BLOCK_WRITE = 2000,
  GWT_BLOCK_FLUSH = 3000,
  GWT_BLOCK_DISCARD = 4000,
  GWT_BLOCK_WRITE_ZEROES = 5000
};

enum gwt_block_request_flag
{
  GWT_BLOCK_FUA = 1 << 0,      /* a write that is on the medium when it completes */
  GWT_BLOCK_MAY_UNMAP = 1 << 1 /* write-zeroes may deallocate */
};

enum gwt_block_on_error
{
  GWT_BLOCK_AUTO = 0,   /* what the back end says; where it says nothing, report for reads and
                           enospc for the rest */
  GWT_BLOCK_REPORT = 1, /* to the guest */
  GWT_BLOCK_IGNORE = 2, /* the guest is told that all went well */
  GWT_BLOCK_STOP = 3,   /* the machine pauses, the request is tried again when it goes on */
  GWT_BLOCK_ENOSPC = 4  /* stop where there is no space left, else report */
};

#define GWT_BLOCK_QUEUES_MAX 1024
#define GWT_BLOCK_DEPTH_MAX 65536
#define GWT_BLOCK_IOV_MAX 1024

/* What a back end is.  The size may change, resized () tells; the rest stays as it is. */
struct gwt_block_info
{
  uint64_t struct_size;
  uint64_t size;           /* bytes, a multiple of 512: behind the end of a file are zeros */
  uint32_t logical_block;  /* bytes: offsets and sizes of requests are multiples of it */
  uint32_t physical_block; /* bytes */
  uint32_t min_io, opt_io; /* bytes, 0: unknown */
  uint32_t read_only;      /* writes, discards and write-zeroes fail with EPERM */
  uint32_t can_discard;    /* 0: a discard completes and changes nothing */
  uint32_t can_write_zeroes; /* 0: it writes zeros one by one */
  uint32_t write_cache;      /* 1: a flush is needed for durability */
  uint64_t max_transfer;     /* bytes in one request, 0: no limit */
  uint32_t max_iov;          /* buffers in one request, at most GWT_BLOCK_IOV_MAX */
  uint32_t discard_granularity; /* bytes, 0: unknown */
};

/* One request: the device's memory, lent to the host from submit () to done (). */
struct gwt_block_request
{
  uint64_t struct_size;
  uint32_t op;     /* enum gwt_block_op */
  int32_t status;  /* at done (): 0, or a positive errno value of Linux */
  uint64_t flags;  /* enum gwt_block_request_flag */
  uint64_t offset; /* bytes */
  uint64_t size;   /* bytes; FLUSH: 0 */
  const struct gwt_iovec *iov; /* READ, WRITE: SIZE bytes in all; lives until done */
  uint32_t n_iov;
  uint32_t reserved_1;
  /* [io of the queue] Never inside submit ().  The request is the device's again, and may be
     submitted again here. */
  void (*done) (struct gwt_block_request *request);
  void *opaque;      /* the device's */
  uint64_t host[16]; /* the host's while in flight */
};

/* How a device uses a back end; its functions get the device's instance.  A static table. */
struct gwt_block_use
{
  uint64_t struct_size;
  uint32_t writes; /* 0: the device never writes, so that a back end that is read only will do */
  uint32_t share;  /* 1: other processes may write too (share-rw) */
  uint32_t on_read_error;  /* enum gwt_block_on_error */
  uint32_t on_write_error; /* enum gwt_block_on_error; also of flush, discard and write-zeroes */
  /* [main] Optional: info () says a new size. */
  void (*resized) (void *self);
  /* [io of the queue] Look for requests: after kick (), when there is room again after submit ()
     took less than it was given, after release ().  May be called for no reason. */
  void (*work) (void *self, uint32_t index);
};

#define GWT_BLOCK_EXT "gwt.block/1"

struct gwt_block_api
{
  uint64_t struct_size;
  /* [main, in realize] Become BLOCK's one user.  USE is copied.  0, or -1 with ERR set: it has a
     user already, is read only where USE writes, or is locked by another process.  Undone by the
     host when DEVICE goes; before a device frees what its requests point to, in unrealize (), it
     calls hold () with CANCEL for each queue, and no release (). */
  int (*attach) (struct gwt_block *block, struct gwt_device *device,
                 const struct gwt_block_use *use, struct gwt_error *err);
  /* [any] struct_size is the caller's: no more than that is written. */
  void (*info) (struct gwt_block *block, struct gwt_block_info *info);
  /* [main, in realize] Queue INDEX (each once, below GWT_BLOCK_QUEUES_MAX) with room for DEPTH
     requests, 1 to GWT_BLOCK_DEPTH_MAX.  Owned by the host, lives as long as the attachment.  Its
     thread starts with the first kick.  NULL with ERR set. */
  struct gwt_block_queue *(*queue) (struct gwt_block *block, uint32_t index, uint32_t depth,
                                    struct gwt_error *err);
  /* [any] Have work () run soon; costs little when it is about to run anyway. */
  void (*kick) (struct gwt_block_queue *queue);
  /* [io of the queue] Start COUNT requests in order; the number taken: the rest did not fit and is
     still the device's, work () runs again when there is room.  What is wrong with a request (size,
     alignment, range: EINVAL, EIO) is its status at done (). */
  uint32_t (*submit) (struct gwt_block_queue *queue, struct gwt_block_request *const *requests,
                      uint32_t count);
  /* [main, vcpu; never io] Wait until nothing of QUEUE is in flight and work () does not run, and
     let none begin before release ().  Requests that wait for `cont` stay where they are, or with
     CANCEL are done with status ECANCELED.  Counts: as many release () as hold (). */
  void (*hold) (struct gwt_block_queue *queue, uint32_t cancel);
  void (*release) (struct gwt_block_queue *queue);
  /* [any] The guest chooses the write cache's mode: 0 writes through, as if each write had
     GWT_BLOCK_FUA; 1 as the back end was opened.  Back to that when the attachment ends. */
  void (*set_write_cache) (struct gwt_block *block, uint32_t on);
};

#ifdef __cplusplus
}
#endif

#endif
