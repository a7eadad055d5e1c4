/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest-physical memory: RAM blocks, regions, the flat view that CPUs and DMA look things up in,
 * dirty bitmaps. The view is replaced as a whole under the machine lock and read without a lock
 * (readers on vCPU threads are told through gwt_memory_on_change and re-read it before they run
 * on).
 */
#ifndef CORE_MEMORY_MEMORY_H
#define CORE_MEMORY_MEMORY_H

#include <glib.h>
#include <stdbool.h>
#include <godwit/cpu.h>
#include <godwit/memory.h>
#include "core/device/device.h"

/* A run of host memory that is guest RAM or ROM: a block of the stream. */
struct gwt_ram_block
{
  char *name;      /* wire name, unique */
  uint8_t *host;   /* page aligned */
  uint64_t size;   /* bytes, multiple of 4096 */
  uint64_t flags;  /* enum gwt_ram_flag */
  int fd;          /* memfd or file behind it, -1: anonymous */
  bool shared;     /* with a file: others see what is stored, and it stays */
  bool named;      /* with a file: others find it by its name */
  uint64_t *dirty; /* a bit a page, set = dirty; NULL while nobody watches */
};

/* The file of a block that is shared may be the memory of another process's guest: each has a mark
   on it (a lock that keeps nobody out).  Where the file system has no locks none are seen; -1: one
   whose id is not to be had, as that of another container's. */
void gwt_block_mark_file (int fd);
int gwt_block_other_process (const struct gwt_ram_block *block); /* 0: none */

void gwt_memory_register_extensions (void); /* "gwt.memory/1" */

/* Board RAM and ROM that no device owns.  SIZE is rounded up to pages. */
struct gwt_region *gwt_memory_new_ram (const char *name, uint64_t size, uint64_t flags,
                                       struct gwt_error *err);
/* What is behind a block that is not anonymous. */
struct gwt_ram_file
{
  int fd;
  bool shared, named; /* see struct gwt_ram_block */
};
/* The same on FILE, which has SIZE bytes; its descriptor is the block's where this succeeds. */
struct gwt_region *gwt_memory_new_ram_file (const char *name, uint64_t size, uint64_t flags,
                                            const struct gwt_ram_file *file,
                                            struct gwt_error *err);
/* The device's Nth region, or NULL. */
struct gwt_region *gwt_memory_device_region (struct gwt_device *device, guint n);
const char *gwt_memory_region_name (struct gwt_region *region);
uint64_t gwt_memory_region_size (struct gwt_region *region);
struct gwt_ram_block *gwt_memory_region_block (struct gwt_region *region);
bool gwt_memory_map (struct gwt_region *region, uint64_t address, int32_t priority,
                     struct gwt_error *err);
void gwt_memory_unmap (struct gwt_region *region);
bool gwt_memory_region_address (struct gwt_region *region, uint64_t *address); /* false: not mapped
                                                                                */
/* Its device maps it, no board does. */
bool gwt_memory_region_kept (struct gwt_region *region);

/* [any] Host access to guest-physical memory; RAM and ROM only when FORCE (loading images writes
   ROM). */
uint32_t gwt_memory_read (uint64_t address, void *data, uint64_t size);
uint32_t gwt_memory_write (uint64_t address, const void *data, uint64_t size, bool force);
/* [vcpu or main] One load or store, RAM or MMIO. */
uint32_t gwt_memory_load (uint64_t address, uint32_t size, uint64_t *value);
uint32_t gwt_memory_store (uint64_t address, uint32_t size, uint64_t value);
/* See gwt_vcpu_api.span. */
uint32_t gwt_memory_span (uint64_t address, uint32_t to_store, struct gwt_span *span);

/* FN (change, data) is called under the machine lock whenever the view changed or a dirty round
   began; it must make every vCPU drop its direct pointers before it executes another instruction
   (core/cpu does). */
void gwt_memory_on_change (void (*fn) (uint32_t change, void *data), void *data);
/* [vcpu] Readers of the view bracket what they do with it, so that an old view can be freed
   safely. */

/* Dirty tracking of all migrated blocks: off costs nothing.  sync moves the bits into OUT (one
   bitmap per block, in list order) and begins the next round. */
bool gwt_memory_dirty_start (struct gwt_error *err);
void gwt_memory_dirty_stop (void);
uint64_t gwt_memory_dirty_sync (struct gwt_ram_block *block, uint64_t *out); /* returns bits set */
/* [any, while it is on] Of the 64 pages from FIRST, a multiple of 64, a bit for each that the next
   sync would tell. */
uint64_t gwt_memory_dirty_peek (const struct gwt_ram_block *block, uint64_t first);
struct gwt_ram_block **gwt_memory_blocks (guint *count);                     /* g_free */
/* [any] Its memory stays while somebody has a reference, though its region goes. */
void gwt_block_ref (struct gwt_ram_block *block);
void gwt_block_unref (struct gwt_ram_block *block);
/* [any] Where BLOCK is mapped, 0: nowhere. */
uint64_t gwt_memory_block_address (const struct gwt_ram_block *block);
/* [any] gwt_memory_blocks with a reference to each, while others make and end devices. */
struct gwt_ram_block **gwt_memory_blocks_ref (guint *count);
/* Text of the map, one line a region, sorted by address (-v, tests); caller frees. */
char *gwt_memory_describe (void);
void gwt_memory_destroy_all (void);

#endif
