/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of this plugin share: a bank.  cfi-flash.c has its commands, drive.c its files. */
#ifndef PLUGINS_CFI_FLASH_CFI_FLASH_H
#define PLUGINS_CFI_FLASH_CFI_FLASH_H

#include <godwit/godwit.h>

#include <pthread.h>
#include <stdbool.h>

#define MAX_BLOCKS 65536
#define BUFFER_SIZE 4096 /* of the whole bank */
#define CFI_SIZE 0x40

/* One request to the drive, which its caller waits for. */
struct transfer
{
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct gwt_block_queue *queue;
  struct gwt_block_request request;
  struct gwt_iovec iov;
  uint32_t wanted;
  uint32_t done;
};

struct cfi_flash
{
  struct gwt_block *drive;
  const char *image;
  const char *block;
  uint32_t num_blocks;
  uint32_t sector_length;
  uint8_t width;
  uint8_t device_width;
  uint16_t id[2]; /* manufacturer, device */
  bool blank;     /* reads as ones; the memory behind it has not been filled */

  uint8_t wcycle;
  uint8_t cmd;
  uint8_t status;
  uint8_t pad[6];
  uint64_t counter; /* bus cycles of the write buffer that come after the next one */
  uint32_t buffer_used;
  uint32_t buffer_offset; /* where buffer[0] goes */
  uint8_t buffer[BUFFER_SIZE];
  uint8_t locked[MAX_BLOCKS / 8];

  struct gwt_region *region;
  uint8_t *array;
  uint32_t size;
  bool warned;
  uint8_t cfi[CFI_SIZE];
  bool read_only;
  bool save_failed;
  uint8_t pad_2[1];
  uint32_t grain; /* bytes: what is written to the drive is a multiple of it */
  uint8_t pad_3[4];
  struct transfer transfer;
  struct gwt_timer *syncing; /* after a load: the drive gets what came along */
  uint64_t synced;           /* bytes that it has */
  uint8_t *compared;         /* what of it is looked at */
  bool differs;              /* it was found to be different, and cannot be written */
  uint8_t pad_4[7];
};

extern const struct gwt_host *flash_host;
extern const struct gwt_memory_api *flash_memory;
extern const struct gwt_block_api *flash_block; /* NULL where the host has none */
extern const struct gwt_clock_api *flash_clocks;

/* [main, in realize] The content from what the property `image`, or `drive`, names. */
int flash_load_image (struct cfi_flash *f, struct gwt_error *err);
int flash_open_drive (struct cfi_flash *f, struct gwt_device *device, struct gwt_error *err);
/* [main] Nothing of the drive is used any more. */
void flash_close_drive (struct cfi_flash *f);
/* The content has come from elsewhere: when the guest runs, and the drive with it, make the drive's
   the same. */
int flash_sync_begin (struct cfi_flash *f, struct gwt_device *device, struct gwt_error *err);
void flash_sync (struct cfi_flash *f);
/* What was changed goes to the drive, if there is one; BIT of the status says where it cannot. */
void flash_save (struct cfi_flash *f, uint64_t offset, uint64_t size, uint8_t bit);

#endif
