/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block back ends: nodes by name, made of -blockdev, -drive or blockdev-add.  Devices see them as
 * "gwt.block/1".  All [main] unless said.
 */
#ifndef CORE_BACKEND_BLOCK_H
#define CORE_BACKEND_BLOCK_H

#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <godwit/block.h>
#include "core/util/error.h"

/* "gwt.block/1", how properties find back ends by name, and what pausing the machine means here. */
void gwt_block_register_extensions (void);

/* ---- nodes ----------------------------------------------------------------------------------- */

/* -blockdev: JSON or "driver=file,node-name=d0,filename=x"; opened at once, nothing is created. */
struct gwt_block *gwt_block_add_option (const char *text, struct gwt_error *err);
/* The same as QMP's blockdev-add takes it: nested objects, or dotted keys.  OPTIONS stays the
   caller's. */
struct gwt_block *gwt_block_add (struct json_object *options, struct gwt_error *err);
/* blockdev-del: an error while a device or another node uses it, or where -drive made it. */
bool gwt_block_delete (const char *node_name, struct gwt_error *err);
/* By node name, or by the id of a -drive; NULL where there is none. */
struct gwt_block *gwt_block_find (const char *name);
/* New size in bytes, a multiple of 512; the device is told. */
bool gwt_block_resize (struct gwt_block *block, uint64_t size, struct gwt_error *err);
/* An error naming the first one made by an option that nothing uses. */
bool gwt_block_check_used (struct gwt_error *err);
/* Write back and close all; devices are gone. */
void gwt_block_close_all (void);

/* ---- whose images they are while a guest moves ----------------------------------------------- */

/* Before devices are made: the guest comes from elsewhere, its images are another process's until
   gwt_block_activate_all ().  They are opened, but not locked. */
void gwt_block_await_all (void);
/* The guest stands still and will go elsewhere: write everything back and let go of the locks; from
   now on another process may use the images.  False with ERR set, naming the image: nothing has
   changed.  No device may start before gwt_block_activate_all (). */
bool gwt_block_inactivate_all (struct gwt_error *err);
/* The guest stands still and will go on here: lock the images, forget what was read of them before,
   tell devices whose disk has another size.  False with ERR set, naming the image that another
   process has: none is active.  Nothing where they are active. */
bool gwt_block_activate_all (struct gwt_error *err);
bool gwt_block_is_active (void);

/* ---- -drive ---------------------------------------------------------------------------------- */

/* What a -drive stands for.  Its node is made, found by the drive's id; with if=virtio DEVICE is
   the text of the -device that is to be made, without its type ("drive=ID,werror=stop"); else NULL.
   EXPANSION is the -blockdev that does the same.  The caller frees both. */
struct gwt_drive
{
  struct gwt_block *block;
  char *device, *expansion;
  int pflash;     /* with if=pflash the unit, below GWT_PFLASH_MAX; else -1 */
  const char *id; /* the block's */
};
#define GWT_PFLASH_MAX 16
bool gwt_drive_new_option (const char *text, struct gwt_drive *drive, struct gwt_error *err);

/* ---- what monitors want to know -------------------------------------------------------------- */

struct gwt_block_stats
{
  uint64_t operations, failed, invalid, bytes, total_ns;
};

enum gwt_block_io_status
{
  GWT_BLOCK_IO_OK,
  GWT_BLOCK_IO_FAILED,
  GWT_BLOCK_IO_NOSPACE
};

struct gwt_block_details
{
  const char *node_name; /* "#block0" for one that the user did not name */
  const char *drive;     /* id of its -drive, or "" */
  const char *driver;    /* "raw", "file", ... */
  const char *filename;  /* "" where there is none; else a path or URI */
  struct gwt_block *child; /* "file" of raw and throttle; NULL */
  struct gwt_device *device; /* who uses it, also through nodes above; NULL */
  bool top;                  /* no other node is above it */
  uint64_t size, allocated;  /* bytes; allocated is UINT64_MAX where unknown */
  bool read_only, writeback, direct, no_flush;
  const char *detect_zeroes; /* "off", "on", "unmap" */
  enum gwt_block_io_status
      io_status; /* since the last cont; of a node with werror or rerror stop */
  /* read, write, flush, discard-like; of the device that uses it. [any moment's] */
  struct gwt_block_stats read, write, flush, unmap;
  uint64_t highest_write; /* bytes */
  /* Limits per second, total, read, write; 0: none.  The rest is the burst: max, and its length in
     seconds. */
  double bps[3], iops[3], bps_max[3], iops_max[3];
  uint64_t bps_length[3], iops_length[3], iops_size;
};
void gwt_block_describe (struct gwt_block *block, struct gwt_block_details *details);
/* All nodes in order of creation; g_free the array. */
struct gwt_block **gwt_blocks (guint *count);
/* The io-status of all becomes ok; `cont` does it. */
void gwt_block_forget_errors (void);

#endif
