/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host extension "gwt.memory/1": regions that a device gives to the machine's address space, and
 * DMA. Addresses are guest-physical, sizes are bytes.  Values of registers are plain integers as a
 * little-endian guest sees them; a big-endian device swaps them itself.
 */
#ifndef GODWIT_MEMORY_H
#define GODWIT_MEMORY_H

#include <godwit/device.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gwt_region;

/* Memory that is directly accessible, guest RAM for one: SIZE bytes at BASE. */
struct gwt_iovec
{
  void *base;
  uint64_t size;
};

/* Result of every access; travels as uint32_t. */
enum gwt_access
{
  GWT_ACCESS_OK = 0,
  GWT_ACCESS_ERROR = 1000,  /* the device refused: the CPU raises an access fault */
  GWT_ACCESS_UNMAPPED = 2000 /* nothing is there */
};

enum gwt_mmio_flag
{
  GWT_MMIO_UNALIGNED = 1 << 0, /* accesses that are not naturally aligned reach the device */
  /* An interrupt controller of a board, GWT_THREADS_PARALLEL: messages arrive at once, on the
     thread that sends them. */
  GWT_MMIO_MESSAGES = 1 << 1
};

/*
 * What a device does on access.  The host keeps the guest's accesses within the region and within
 * min_size..max_size (1, 2, 4 or 8): a larger access is split, a smaller one is refused
 * (GWT_ACCESS_ERROR), so a callback never sees a size that it did not ask for.
 */
struct gwt_mmio_ops
{
  uint64_t struct_size;
  uint32_t min_size, max_size;
  uint64_t flags; /* enum gwt_mmio_flag */
  /* [vcpu, main] under the device's lock as its type declares; *VALUE is zeroed before. */
  uint32_t (*read) (void *self, uint64_t offset, uint32_t size, uint64_t *value);
  uint32_t (*write) (void *self, uint64_t offset, uint32_t size, uint64_t value);
};

enum gwt_ram_flag
{
  GWT_RAM_READ_ONLY = 1 << 0, /* ROM: guest stores are dropped; the host may write */
  GWT_RAM_MIGRATED = 1 << 1   /* a block of the stream, under its name */
};

#define GWT_MEMORY_EXT "gwt.memory/1"

struct gwt_memory_api
{
  uint64_t struct_size;

  /* [main] Make a region of DEVICE; regions are numbered 0, 1, ... in order of creation and that is
     how a board maps them.  NULL with ERR set on failure.  Owned by the host, removed with DEVICE.
   */
  struct gwt_region *(*mmio) (struct gwt_device *device, const char *name, uint64_t size,
                              const struct gwt_mmio_ops *ops, struct gwt_error *err);
  /* NAME is the RAM block's name on the wire; FLAGS enum gwt_ram_flag.  Content starts as zeros. */
  struct gwt_region *(*ram) (struct gwt_device *device, const char *name, uint64_t size,
                             uint64_t flags, struct gwt_error *err);
  /* A memory that is read directly (and executed) while `direct` is on, and whose stores always,
     and whose loads while it is off, go to OPS: flash.  Starts with direct on. */
  struct gwt_region *(*ram_device) (struct gwt_device *device, const char *name, uint64_t size,
                                    uint64_t flags, const struct gwt_mmio_ops *ops,
                                    struct gwt_error *err);
  /* [main, or vcpu in this device's own callback] Switch direct reads of a ram_device. */
  void (*set_direct) (struct gwt_region *region, uint32_t on);

  /* [any] Host address of a RAM region's first byte, NULL for MMIO; and size. */
  void *(*host) (struct gwt_region *region);
  uint64_t (*size) (struct gwt_region *region);
  /* [any] The host's program wrote SIZE bytes at OFFSET of a RAM region through host (). */
  void (*mark_dirty) (struct gwt_region *region, uint64_t offset, uint64_t size);

  /* [main, or vcpu in a callback of its device] Put REGION at ADDRESS, as a guest does with a BAR.
     Where regions overlap the higher PRIORITY is seen; boards map at 0, where an overlap is an
     error; at other priorities the one mapped last.  -1 with ERR set on failure. */
  int (*map) (struct gwt_region *region, uint64_t address, int32_t priority, struct gwt_error *err);
  void (*unmap) (struct gwt_region *region);

  /* [any] DMA by DEVICE: guest RAM is read or written, pages are marked dirty, ROM is not written.
     Access to MMIO is refused (GWT_ACCESS_ERROR) so that no device can be made to call itself. */
  uint32_t (*dma_read) (struct gwt_device *device, uint64_t address, void *data, uint64_t size);
  uint32_t (*dma_write) (struct gwt_device *device, uint64_t address, const void *data,
                         uint64_t size);
  /* [any] Direct pointer to at most *SIZE bytes of RAM; *SIZE is cut to what is contiguous.  NULL
     where there is no RAM (or, to write, only ROM).  Every dma_map is matched by one dma_unmap of
     the same address, which marks WRITTEN bytes dirty. */
  void *(*dma_map) (struct gwt_device *device, uint64_t address, uint64_t *size, uint32_t to_write);
  void (*dma_unmap) (struct gwt_device *device, uint64_t address, uint64_t size, uint64_t written);

  /* [any] A message-signaled interrupt: the 4-byte store of DATA at ADDRESS (a multiple of 4) as
     DEVICE.  Unlike DMA it reaches registers, for those of interrupt controllers take messages, RAM
     takes it as any store.  Sent from inside a device with a lock of its own it arrives when that
     lock is dropped, and then counts as GWT_ACCESS_OK here; so does one from an [io] thread to
     registers without GWT_MMIO_MESSAGES, which arrives as soon as the machine lock is free. */
  uint32_t (*message) (struct gwt_device *device, uint64_t address, uint32_t data);
  /* [main, in realize] REGION's callbacks take SELF instead of the device's instance: a parent
     type's own registers. */
  void (*set_self) (struct gwt_region *region, void *self);
  /* [main, in realize] No board places REGION: the device maps it itself, as a guest tells it. */
  void (*keep) (struct gwt_region *region);
  /* [main, or vcpu in a callback] Where REGION is mapped, in *ADDRESS (may be NULL); 0 where it is
     not. */
  uint32_t (*address) (struct gwt_region *region, uint64_t *address);
  /* [any] SIZE bytes at OFFSET of what dma_map (ADDRESS) gave were written, and it stays mapped:
     for memory that a device writes again and again, as rings are. */
  void (*dma_written) (struct gwt_device *device, uint64_t address, uint64_t offset,
                       uint64_t size);
};

#ifdef __cplusplus
}
#endif

#endif
