/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host in a few hundred lines: loads one plugin's .so, makes instances of its types, and stands
 * in for memory, interrupt lines, clocks, back ends and the rest, so that a device is driven
 * without the core.  Everything a device does is recorded for the test to look at.
 *
 * It must not know any one device, and is linked with nothing of core/.
 */
#ifndef TESTS_DEVICES_MOCK_HOST_H
#define TESTS_DEVICES_MOCK_HOST_H

#include <godwit/godwit.h>

#include <glib.h>

#define MOCK_MAX_REGIONS 4
#define MOCK_MAX_LINES 64
#define MOCK_MAX_TIMERS 64
#define MOCK_MAX_HARTS 16
#define MOCK_RAM_BASE 0x80000000u
#define MOCK_RAM_SIZE 0x100000u
#define MOCK_ROM_BASE 0x90000000u /* can be read by DMA, not written */
#define MOCK_ROM_SIZE 0x1000u
/* A second RAM that begins where the first one ends: contiguous for the guest, not for the host. */
#define MOCK_RAM2_BASE (MOCK_RAM_BASE + MOCK_RAM_SIZE)
#define MOCK_RAM2_SIZE 0x10000u

struct gwt_error
{
  uint32_t code; /* 0: not set */
  char text[1024];
};

struct gwt_irq
{
  const char *name;
  uint32_t index;
  uint32_t level;
  uint32_t changes;
};

struct gwt_region
{
  struct gwt_device *device;
  const char *name;
  uint64_t size;
  const struct gwt_mmio_ops *ops;
  uint8_t *memory; /* of RAM */
  uint32_t direct;
  uint64_t dirty; /* bytes marked */
};

struct gwt_timer
{
  struct gwt_device *device;
  gwt_timer_fn fn;
  void *self;
  uint32_t clock;
  uint64_t expiry;
};

struct gwt_chardev
{
  GByteArray *output;
  uint64_t room; /* bytes that write () still takes; G_MAXUINT64: no limit */
  const struct gwt_chardev_client *client;
  struct gwt_device *device;
  uint32_t accepts; /* calls of accept_input () */
  uint32_t baud, data_bits, stop_bits, parity;
  uint32_t open;      /* what the device said last */
  uint32_t connected; /* a peer is there when a device attaches */
  uint16_t columns, rows;
};

struct gwt_device
{
  const struct gwt_device_type *type;
  char *id;
  void *instance;
  gboolean realized;
  struct gwt_region *region[MOCK_MAX_REGIONS];
  uint32_t n_regions;
  const char *input_name;
  uint32_t n_inputs;
  gwt_irq_input_fn input;
  GPtrArray *lines; /* struct gwt_irq */
  const struct gwt_device_type *parent; /* where it has one with a part */
  void *part;
  gboolean part_realized;
};

struct mock_hart
{
  uint64_t id;
  const struct gwt_riscv_time *time;
  uint32_t time_changes;
  const struct gwt_riscv_imsic *imsic[16]; /* by the line that set_imsic names */
};

/* A message-signaled interrupt that a device sent. */
struct mock_message
{
  uint64_t address;
  uint32_t data;
};

/* What the machine around the device is; reset by mock_new_machine. */
struct mock
{
  uint32_t cpus;
  uint32_t harts_made; /* fewer than cpus: the board forgot some */
  struct gwt_device hart[MOCK_MAX_HARTS];
  struct mock_hart hart_state[MOCK_MAX_HARTS];
  uint64_t virtual_now, host_now;
  GPtrArray *timers;
  uint8_t *ram;
  struct gwt_chardev serial;
  struct gwt_chardev second;
  struct gwt_netdev *netdev; /* what a property of that kind gets; made by the test */
  GString *fdt;
  GString *events; /* "ID NAME DATA", one a line */
  uint32_t logs; /* lines at GWT_LOG_GUEST */
  uint32_t shutdowns, resets, exit_status;
  uint64_t dma_bytes;
  uint8_t *ram2;
  uint32_t dma_maps;   /* dma_map without its dma_unmap */
  uint64_t dma_dirty;  /* bytes that dma_unmap was told of */
  GPtrArray *devices;  /* those made by mock_new, not owned */
  const char *last_dma; /* device that did DMA */
  /* Called before a line or a timer takes its new value: what another thread does just then. */
  void (*meanwhile) (void);
  GArray *messages; /* struct mock_message; tests whose devices send on several threads use
                       on_message */
  /* Takes messages instead: what is behind the address; returns enum gwt_access. */
  uint32_t (*on_message) (uint64_t address, uint32_t data);
  /* A test's own: its table, and the value of properties of that kind. */
  const struct gwt_block_api *block_api;
  struct gwt_block *block;
};

extern struct mock mock;
extern struct gwt_error mock_error;

/* A device by id, which has to be there. */
struct gwt_device *mock_find (const char *id);

/* Between the two files of the mock host. */
const void *mock_extension (const char *id);
/* More of them, for what only some tests have: or NULL. */
extern const void *(*mock_more) (const char *id);
/* What a plugin that was loaded offers. */
const void *mock_offer (const char *id);
void mock_set_error (struct gwt_error *err, uint32_t code, const char *format, ...)
    GWT_PRINTF (3, 4);

/* A machine without devices, CPUS harts, clocks at 0. */
void mock_new_machine (uint32_t cpus);

/* The plugin, started.  Where it was not built the whole test is skipped. */
const struct gwt_plugin *mock_load (const char *name);

/* Make, set "prop=value" for each string up to NULL ("chardev" takes "serial" and "second"),
   realize, reset.  mock_try_new gives NULL with mock_error set where the device refuses; mock_new
   fails the test. */
struct gwt_device *mock_try_new (const struct gwt_device_type *type, const char *id,
                                 ...) G_GNUC_NULL_TERMINATED;
struct gwt_device *mock_new (const struct gwt_device_type *type, const char *id,
                             ...) G_GNUC_NULL_TERMINATED;
void mock_free (struct gwt_device *d);
void mock_reset (struct gwt_device *d, uint32_t kind);

/* Accesses as a guest makes them: outside min_size..max_size or unaligned is GWT_ACCESS_ERROR. */
uint32_t mock_load_status (struct gwt_device *d, uint64_t offset, uint32_t size, uint64_t *value);
uint32_t mock_store_status (struct gwt_device *d, uint64_t offset, uint32_t size, uint64_t value);
/* The same, which has to succeed. */
uint64_t mock_load_reg (struct gwt_device *d, uint64_t offset, uint32_t size);
void mock_store_reg (struct gwt_device *d, uint64_t offset, uint32_t size, uint64_t value);

struct gwt_irq *mock_line (struct gwt_device *d, const char *name, uint32_t index);
uint32_t mock_level (struct gwt_device *d, const char *name, uint32_t index);
void mock_input (struct gwt_device *d, uint32_t line, uint32_t level);

/* Let time pass on one clock, firing what is due in order. */
void mock_advance (uint32_t clock, uint64_t ns);
/* Earliest expiry on a clock, GWT_TIMER_OFF for none. */
uint64_t mock_next_timer (uint32_t clock);

/* The other end of the serial line types TEXT; returns how many bytes were taken. */
uint64_t mock_type (const void *data, uint64_t size);
/* What was sent so far, as a string; forgets it. */
char *mock_sent (void);
/* The same for any back end. */
uint64_t mock_type_at (struct gwt_chardev *c, const void *data, uint64_t size);
char *mock_sent_at (struct gwt_chardev *c);

/* A pointer to guest memory, NULL where SIZE bytes at ADDRESS are not all in one RAM. */
void *mock_memory (uint64_t address, uint64_t size);

/* The device's node as text, one "name = value" a line. */
const char *mock_describe (struct gwt_device *d);

/* Every byte of the instance in exactly one row, names and bounds sound. */
void mock_check_rows (const struct gwt_device_type *type);

/* Member behind a row, as a number. */
uint64_t mock_row (struct gwt_device *d, const char *name, uint32_t index);

#endif
