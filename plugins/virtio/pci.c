/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PCI transport, virtio 1.2 §4.1, without its legacy interface: the part of a device that is a
 * PCI function.  It must not know what a ring looks like, nor how a bus works.
 *
 * Registers are accessed in parallel.  Notifications, status and interrupt status take no lock, the
 * rest goes through the device's.  Configuration space is accessed under the machine lock, and so
 * are these registers where a driver takes the window VIRTIO_PCI_CAP_PCI_CFG to them.
 *
 * A few more than 800 lines: registers and their state belong side by side.
 */
#include "virtio.h"

#include <stdio.h>
#include <string.h>

#define VENDOR 0x1af4
#define DEVICE_BASE 0x1040
#define SUBSYSTEM 0x1100
#define REVISION 1 /* 0 would be transitional */

#define BAR_MSIX 1
#define BAR 4
/* Regions of the BAR, and how much each is apart from the next. */
#define REGION 0x1000u
#define AT_COMMON 0x0000u
#define AT_ISR 0x1000u
#define AT_DEVICE 0x2000u
#define AT_NOTIFY 0x3000u
#define BAR_SIZE 0x4000u
#define NOTIFY_MULTIPLIER 4u /* and GWT_VIRTIO_QUEUES_MAX of them fill the region */

/* §4.1.4 */
#define CAP_VENDOR 0x09
#define CAP_COMMON 1
#define CAP_NOTIFY 2
#define CAP_ISR 3
#define CAP_DEVICE 4
#define CAP_PCI 5
#define CAP_SIZE 16
#define CAP_BAR 4
#define CAP_OFFSET 8
#define CAP_LENGTH 12
#define CAP_EXTRA 16 /* the notify multiplier, the window's data */


/* The common configuration, §4.1.4.3. */
#define REG_DEVICE_FEATURES_SEL 0x00
#define REG_DEVICE_FEATURES 0x04
#define REG_DRIVER_FEATURES_SEL 0x08
#define REG_DRIVER_FEATURES 0x0c
#define REG_CONFIG_VECTOR 0x10
#define REG_NUM_QUEUES 0x12
#define REG_STATUS 0x14
#define REG_GENERATION 0x15
#define REG_QUEUE_SEL 0x16
#define REG_QUEUE_SIZE 0x18
#define REG_QUEUE_VECTOR 0x1a
#define REG_QUEUE_ENABLE 0x1c
#define REG_QUEUE_NOTIFY_OFF 0x1e
#define REG_QUEUE_DESC 0x20
#define REG_QUEUE_DRIVER 0x28
#define REG_QUEUE_DEVICE 0x30
#define REG_QUEUE_RESET 0x3a
#define COMMON_SIZE 0x40

#define NO_VECTOR 0xffffu
#define PCI_CONFIG_FACT "configuration-space" /* the parent's */
#define VECTORS_AUTO UINT32_MAX
#define VECTORS_MAX 2048u

struct virtio_pci
{
  struct gwt_virtio v; /* first, see part_of () */
  uint32_t vectors;
  _Bool aer;
  uint8_t pad[3];

  uint32_t device_features_sel, driver_features_sel;
  uint16_t queue_sel;
  uint16_t config_vector; /* the vectors are atomic: interrupts come from any thread */
  uint16_t queue_vector[GWT_VIRTIO_QUEUES_MAX];
  uint32_t pad_2;

  struct gwt_pci *pci;
  uint32_t n_vectors;
  uint32_t window; /* offset of the capability PCI_CFG */
};

static const struct gwt_field pci_fields[] = {
  VIRTIO_ROWS (struct virtio_pci, v),
  GWT_PROP_ROW (struct virtio_pci, vectors, "vectors", .def = VECTORS_AUTO,
                .facts = PCI_CONFIG_FACT,
                .doc = "MSI-X vectors, 0: none; default: one for each queue and one more"),
  GWT_PROP_ROW (struct virtio_pci, aer, "aer", .facts = PCI_CONFIG_FACT,
                .doc = "Advanced Error Reporting; the device is behind a port then"),
  GWT_HOST_ROW (struct virtio_pci, pad, "padding"),
  GWT_STATE_ROW (struct virtio_pci, device_features_sel, "device-features-sel",
                 .doc = "word of the device's features"),
  GWT_STATE_ROW (struct virtio_pci, driver_features_sel, "driver-features-sel",
                 .doc = "word of the driver's features"),
  GWT_STATE_ROW (struct virtio_pci, queue_sel, "queue-sel",
                 .doc = "queue that the queue registers are about"),
  GWT_STATE_ROW (struct virtio_pci, config_vector, "config-vector", .flags = GWT_FIELD_HEX,
                 .doc = "MSI-X vector of configuration changes, 0xffff: none"),
  GWT_STATE_ARRAY (struct virtio_pci, queue_vector, "queue-vector", .flags = GWT_FIELD_HEX,
                   .doc = "MSI-X vector of each queue, 0xffff: none"),
  GWT_HOST_ROW (struct virtio_pci, pad_2, "padding"),
  GWT_HOST_ROW (struct virtio_pci, pci, "handle of the pcie plugin"),
  GWT_HOST_ROW (struct virtio_pci, n_vectors, "follows from the device's type and properties"),
  GWT_HOST_ROW (struct virtio_pci, window, "follows from the device's type and bus"),
};

static struct virtio_pci *
of (struct gwt_virtio *v)
{
  return (struct virtio_pci *) v;
}

/* ---- interrupts -------------------------------------------------------------------------------
 */

static uint32_t
wants_intx (struct virtio_pci *p)
{
  return virtio_isr (&p->v) != 0 && !virtio_pci->msix_enabled (p->pci);
}

/* Two threads may be here, see drive_line () of mmio.c. */
static void
drive_intx (struct gwt_virtio *v)
{
  struct virtio_pci *p = of (v);
  uint32_t level;

  do
    {
      level = wants_intx (p);
      virtio_pci->intx (p->pci, level);
    }
  while (level != wants_intx (p));
}

/* With MSI-X the interrupt status plays no part (§4.1.4.5): it would be there for INTx to show when
   MSI-X is turned off, long after its time. */
static uint32_t
uses_isr (struct gwt_virtio *v)
{
  return !virtio_pci->msix_enabled (of (v)->pci);
}

static void
interrupt (struct virtio_pci *p, const uint16_t *vector)
{
  uint16_t n;

  if (virtio_pci->msix_enabled (p->pci))
    {
      n = __atomic_load_n (vector, __ATOMIC_RELAXED);
      if (n != NO_VECTOR)
        virtio_pci->msix_notify (p->pci, n);
    }
  else
    drive_intx (&p->v);
}

static void
pci_queue_interrupt (struct gwt_virtio *v, uint32_t index)
{
  interrupt (of (v), &of (v)->queue_vector[index]);
}

static void
pci_config_interrupt (struct gwt_virtio *v)
{
  interrupt (of (v), &of (v)->config_vector);
}

static void
set_vector (struct virtio_pci *p, uint16_t *vector, uint64_t value)
{
  /* §4.1.5.1.2.1: a vector that cannot be had reads back as none. */
  uint16_t n = value < p->n_vectors ? (uint16_t) value : NO_VECTOR;

  __atomic_store_n (vector, n, __ATOMIC_RELAXED);
}

/* ---- DMA --------------------------------------------------------------------------------------
 */

static void *
pci_dma_map (struct gwt_virtio *v, uint64_t address, uint64_t *size, uint32_t to_write)
{
  return virtio_pci->dma_map (of (v)->pci, address, size, to_write);
}

static void
pci_dma_unmap (struct gwt_virtio *v, uint64_t address, uint64_t size, uint64_t written)
{
  virtio_pci->dma_unmap (of (v)->pci, address, size, written);
}

/* ---- the common configuration -----------------------------------------------------------------
 */

static uint32_t
width_of (uint64_t offset)
{
  if (offset < REG_CONFIG_VECTOR || offset >= REG_QUEUE_DESC)
    return offset < REG_QUEUE_DEVICE + 8 ? 4 : 2;
  return offset == REG_STATUS || offset == REG_GENERATION ? 1 : 2;
}

static uint64_t *
address_of (struct virtq_state *q, uint64_t offset)
{
  switch (offset & ~7ull)
    {
    case REG_QUEUE_DESC:
      return &q->desc;
    case REG_QUEUE_DRIVER:
      return &q->driver;
    default:
      return &q->device;
    }
}

static uint64_t
queue_read (struct virtio_pci *p, uint64_t offset)
{
  struct gwt_virtq *q = virtio_queue_at (&p->v, p->queue_sel);

  if (q == NULL)
    return 0;
  switch (offset)
    {
    case REG_QUEUE_SIZE:
      return q->s->num;
    case REG_QUEUE_VECTOR:
      return p->queue_vector[p->queue_sel];
    case REG_QUEUE_ENABLE:
      return q->s->ready;
    case REG_QUEUE_NOTIFY_OFF:
      return p->queue_sel;
    case REG_QUEUE_DESC:
    case REG_QUEUE_DRIVER:
    case REG_QUEUE_DEVICE:
      return (uint32_t) *address_of (q->s, offset);
    case REG_QUEUE_DESC + 4:
    case REG_QUEUE_DRIVER + 4:
    case REG_QUEUE_DEVICE + 4:
      return *address_of (q->s, offset) >> 32;
    default:
      return 0; /* of a reset: done when the write is */
    }
}

static uint64_t
common_read (struct virtio_pci *p, uint64_t offset)
{
  struct gwt_virtio *v = &p->v;

  switch (offset)
    {
    case REG_DEVICE_FEATURES_SEL:
      return p->device_features_sel;
    case REG_DEVICE_FEATURES:
      return p->device_features_sel > 1
                 ? 0
                 : (uint32_t) (virtio_offered (v) >> 32 * p->device_features_sel);
    case REG_DRIVER_FEATURES_SEL:
      return p->driver_features_sel;
    case REG_DRIVER_FEATURES:
      return p->driver_features_sel > 1
                 ? 0
                 : (uint32_t) (v->driver_features >> 32 * p->driver_features_sel);
    case REG_CONFIG_VECTOR:
      return p->config_vector;
    case REG_NUM_QUEUES:
      return v->info.n_queues;
    case REG_QUEUE_SEL:
      return p->queue_sel;
    default:
      return queue_read (p, offset);
    }
}

static void
queue_write (struct virtio_pci *p, uint64_t offset, uint32_t value)
{
  struct gwt_virtio *v = &p->v;
  struct virtq_state *q;
  uint64_t *address;

  if (offset == REG_QUEUE_ENABLE)
    {
      /* §4.1.4.3.2: a driver does not disable a queue, it resets it. */
      if (value == 1)
        virtio_queue_set_ready (v, p->queue_sel, 1);
      else
        virtio_guest_error (v, "a queue_enable that is not 1", value);
      return;
    }
  if (offset == REG_QUEUE_RESET)
    {
      if (value == 1)
        virtio_queue_reset (v, p->queue_sel);
      else
        virtio_guest_error (v, "a queue_reset that is not 1", value);
      return;
    }
  if (offset == REG_QUEUE_VECTOR && virtio_queue_at (v, p->queue_sel))
    {
      /* At any time: there are drivers that set up interrupts after their queues. */
      set_vector (p, &p->queue_vector[p->queue_sel], value);
      return;
    }
  q = virtio_queue_setup (v, p->queue_sel);
  if (q == NULL)
    return;
  if (offset == REG_QUEUE_SIZE)
    {
      q->num = (uint16_t) value;
      return;
    }
  address = address_of (q, offset);
  if (offset & 4)
    *address = (*address & 0xffffffff) | (uint64_t) value << 32;
  else
    *address = (*address & ~UINT64_C (0xffffffff)) | value;
}

static void
common_write (struct virtio_pci *p, uint64_t offset, uint32_t value)
{
  struct gwt_virtio *v = &p->v;

  switch (offset)
    {
    case REG_DEVICE_FEATURES_SEL:
      p->device_features_sel = value;
      break;
    case REG_DRIVER_FEATURES_SEL:
      p->driver_features_sel = value;
      break;
    case REG_DRIVER_FEATURES:
      virtio_set_driver_features (v, p->driver_features_sel, value);
      break;
    case REG_CONFIG_VECTOR:
      set_vector (p, &p->config_vector, value);
      break;
    case REG_STATUS:
      virtio_set_status (v, value);
      break;
    case REG_QUEUE_SEL:
      p->queue_sel = (uint16_t) value;
      break;
    case REG_QUEUE_SIZE:
    case REG_QUEUE_VECTOR:
    case REG_QUEUE_ENABLE:
    case REG_QUEUE_RESET:
    case REG_QUEUE_DESC:
    case REG_QUEUE_DESC + 4:
    case REG_QUEUE_DRIVER:
    case REG_QUEUE_DRIVER + 4:
    case REG_QUEUE_DEVICE:
    case REG_QUEUE_DEVICE + 4:
      queue_write (p, offset, value);
      break;
    default:
      virtio_guest_error (v, "a store to a register that cannot be written", offset);
      break;
    }
}

/* Each register has its width (§4.1.3.1), addresses are two of 4 bytes. */
static uint32_t
is_register (struct virtio_pci *p, uint64_t offset, uint32_t size)
{
  if (offset < COMMON_SIZE && size == width_of (offset) && offset % size == 0)
    return 1;
  virtio_guest_error (&p->v, "an access that no register is for", offset);
  return 0;
}

/* ---- the BAR ----------------------------------------------------------------------------------
 */

static uint32_t
bar_read (void *self, uint64_t offset, uint32_t size, uint64_t *value)
{
  struct virtio_pci *p = self;

  if (offset == AT_COMMON + REG_STATUS && size == 1)
    *value = virtio_status (&p->v);
  else if (offset == AT_COMMON + REG_GENERATION && size == 1)
    *value = __atomic_load_n (&p->v.generation, __ATOMIC_SEQ_CST) & 0xff;
  else if (offset >= AT_ISR && offset < AT_DEVICE)
    *value = offset == AT_ISR ? virtio_isr_take (&p->v) : 0;
  else if (offset < AT_NOTIFY)
    {
      virtio_lock (&p->v);
      if (offset >= AT_DEVICE)
        virtio_config_read (&p->v, offset - AT_DEVICE, size, value);
      else if (is_register (p, offset, size))
        *value = common_read (p, offset);
      virtio_unlock (&p->v);
    }
  return GWT_ACCESS_OK;
}

static uint32_t
bar_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  struct virtio_pci *p = self;

  if (offset >= AT_NOTIFY)
    {
      virtio_notified (&p->v, (uint32_t) (offset - AT_NOTIFY) / NOTIFY_MULTIPLIER);
      return GWT_ACCESS_OK;
    }
  virtio_lock (&p->v);
  if (offset >= AT_DEVICE)
    virtio_config_write (&p->v, offset - AT_DEVICE, size, value);
  else if (offset >= AT_ISR)
    virtio_guest_error (&p->v, "a store to the interrupt status", offset);
  else if (is_register (p, offset, size))
    common_write (p, offset, (uint32_t) value);
  virtio_unlock (&p->v);
  return GWT_ACCESS_OK;
}

static const struct gwt_mmio_ops bar_ops = {
  .struct_size = sizeof bar_ops,
  .min_size = 1,
  .max_size = 4,
  .read = bar_read,
  .write = bar_write,
};

/* ---- configuration space ----------------------------------------------------------------------
 */

static uint32_t
covers (uint32_t offset, uint32_t size, uint32_t at, uint32_t length)
{
  return offset < at + length && at < offset + size;
}

/* What the window of §4.1.4.9 points at; 0 where that is nothing that can be accessed. */
static uint32_t
window_target (struct virtio_pci *p, uint32_t *at, uint32_t *size)
{
  *at = virtio_pci->config_get (p->pci, p->window + CAP_OFFSET, 4);
  *size = virtio_pci->config_get (p->pci, p->window + CAP_LENGTH, 4);
  return virtio_pci->config_get (p->pci, p->window + CAP_BAR, 1) == BAR
         && (*size == 1 || *size == 2 || *size == 4) && *at % *size == 0 && *at <= BAR_SIZE - *size;
}

static void
pci_config_reading (void *self, uint32_t offset, uint32_t size)
{
  static const uint8_t ones[4] = { 0xff, 0xff, 0xff, 0xff };
  struct virtio_pci *p = self;
  uint32_t at, length, i;
  uint64_t value = 0;
  uint8_t bytes[4];

  if (!covers (offset, size, p->window + CAP_EXTRA, 4) || !window_target (p, &at, &length))
    return;
  bar_read (p, at, length, &value);
  for (i = 0; i < length; i++)
    bytes[i] = (uint8_t) (value >> 8 * i);
  virtio_pci->config_set (p->pci, p->window + CAP_EXTRA, bytes, ones, NULL, NULL, length);
}

static void
pci_config_written (void *self, uint32_t offset, uint32_t size)
{
  struct virtio_pci *p = self;
  uint32_t at, length;

  if (covers (offset, size, p->window + CAP_EXTRA, 4) && window_target (p, &at, &length))
    bar_write (p, at, length, virtio_pci->config_get (p->pci, p->window + CAP_EXTRA, length));
  /* By its command register or its power state. */
  if (!virtio_pci->is_master (p->pci))
    {
      virtio_lock (&p->v);
      virtio_cut_off (&p->v, "it may no longer reach memory");
      virtio_unlock (&p->v);
    }
  /* MSI-X may have been turned on or off. */
  drive_intx (&p->v);
}

/* [lock] Back to what the device has after a reset by its driver. */
static void
forget_vectors (struct gwt_virtio *v)
{
  struct virtio_pci *p = of (v);
  uint32_t i;

  set_vector (p, &p->config_vector, NO_VECTOR);
  for (i = 0; i < GWT_VIRTIO_QUEUES_MAX; i++)
    set_vector (p, &p->queue_vector[i], NO_VECTOR);
}

static void
forget_vector (struct gwt_virtio *v, uint32_t index)
{
  set_vector (of (v), &of (v)->queue_vector[index], NO_VECTOR);
}

/* A function-level reset is one of the whole device. */
static void
pci_function_reset (void *self)
{
  struct virtio_pci *p = self;

  virtio_lock (&p->v);
  virtio_reset (&p->v);
  p->device_features_sel = p->driver_features_sel = p->queue_sel = 0;
  virtio_unlock (&p->v);
}

/* Vectors follow queues, where nobody chose them. */
static void
pci_vectors_differ (void *self, uint32_t there, uint32_t here, char *text, uint64_t size)
{
  struct virtio_pci *p = self;
  const char *name = p->vectors == VECTORS_AUTO ? p->v.info.queues_property : NULL;
  uint32_t more = name != NULL; /* there is one for the configuration, too */

  (void) snprintf (text, size, "%s is %u there and %u here", more ? name : "vectors", there - more,
                   here - more);
}

static const struct gwt_pci_client pci_client = {
  .struct_size = sizeof pci_client,
  .config_written = pci_config_written,
  .function_reset = pci_function_reset,
  .config_reading = pci_config_reading,
  .vectors_differ = pci_vectors_differ,
};

static void
put_le32 (uint8_t *at, uint32_t value)
{
  uint32_t i;

  for (i = 0; i < 4; i++)
    at[i] = (uint8_t) (value >> 8 * i);
}

/* A capability of SIZE bytes that points at OFFSET of the BAR; its place in *AT. */
static int
add_capability (struct virtio_pci *p, uint8_t kind, uint32_t size, uint32_t offset, uint32_t extra,
                uint32_t *at, struct gwt_error *err)
{
  static const uint8_t ones[CAP_SIZE + 4]
      = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
  uint8_t bytes[CAP_SIZE + 4] = { 0 };

  *at = virtio_pci->add_capability (p->pci, CAP_VENDOR, size, err);
  if (*at == 0)
    return -1;
  bytes[2] = (uint8_t) size;
  bytes[3] = kind;
  if (kind != CAP_PCI)
    {
      bytes[CAP_BAR] = BAR;
      put_le32 (bytes + CAP_OFFSET, offset);
      put_le32 (bytes + CAP_LENGTH, REGION);
      put_le32 (bytes + CAP_EXTRA, extra);
    }
  virtio_pci->config_set (p->pci, *at + 2, bytes + 2, NULL, NULL, ones, size - 2);
  return 0;
}

/* The window: the guest says where it is. */
static int
add_window (struct virtio_pci *p, struct gwt_error *err)
{
  static const uint8_t zeros[12], ones[12]
      = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

  if (add_capability (p, CAP_PCI, CAP_SIZE + 4, 0, 0, &p->window, err) != 0)
    return -1;
  virtio_pci->config_set (p->pci, p->window + CAP_BAR, zeros, ones, NULL, NULL, 1);
  virtio_pci->config_set (p->pci, p->window + CAP_OFFSET, zeros, ones, NULL, NULL, 12);
  return 0;
}

static int
choose_vectors (struct virtio_pci *p, struct gwt_error *err)
{
  uint32_t full = p->v.info.n_queues + 1;
  uint32_t least = p->v.info.pci_vectors ? p->v.info.pci_vectors : full;

  p->n_vectors = p->vectors == VECTORS_AUTO ? least : p->vectors;
  if (p->n_vectors > VECTORS_MAX)
    virtio_host->error_set (err, GWT_E_RANGE, "vectors: %u is more than MSI-X has; use at most %u",
                            p->vectors, VECTORS_MAX);
  else if (p->n_vectors && p->n_vectors < least && p->n_vectors < full)
    virtio_host->error_set (err, GWT_E_RANGE,
                            "vectors: %u cannot hold %u queues and the configuration; use %u, "
                            "fewer queues, or 0 for no MSI-X",
                            p->vectors, p->v.info.n_queues, least < full ? least : full);
  else
    return 0;
  return -1;
}

static int
pci_setup (struct gwt_virtio *v, struct gwt_error *err)
{
  struct virtio_pci *p = of (v);
  struct gwt_pci_info info = {
    .struct_size = sizeof info,
    .vendor = VENDOR,
    .device = (uint16_t) (DEVICE_BASE + v->info.device_id),
    .subsystem_vendor = VENDOR,
    .subsystem = SUBSYSTEM,
    .class_code = v->info.pci_class,
    .revision = REVISION,
    .flags = GWT_PCI_INTX | GWT_PCI_EXPRESS_BEHIND_PORT | (p->aer ? GWT_PCI_AER : 0),
  };
  struct gwt_region *region;
  uint32_t at;

  if (choose_vectors (p, err) != 0 || virtio_pci->identify (p->pci, &info, &pci_client, err) != 0)
    return -1;
  virtio_pci->set_self (p->pci, p);
  if (virtio_pci->is_express (p->pci) && virtio_pci->add_power (p->pci, err) != 0)
    return -1;
  region = virtio_memory->mmio (v->device, "virtio-pci", BAR_SIZE, &bar_ops, err);
  if (region == NULL)
    return -1;
  virtio_memory->set_self (region, p);
  if (virtio_pci->bar (p->pci, BAR, region, GWT_PCI_BAR_64 | GWT_PCI_BAR_PREFETCH, err) != 0
      || add_capability (p, CAP_COMMON, CAP_SIZE, AT_COMMON, 0, &at, err) != 0
      || add_capability (p, CAP_ISR, CAP_SIZE, AT_ISR, 0, &at, err) != 0
      || add_capability (p, CAP_DEVICE, CAP_SIZE, AT_DEVICE, 0, &at, err) != 0
      || add_capability (p, CAP_NOTIFY, CAP_SIZE + 4, AT_NOTIFY, NOTIFY_MULTIPLIER, &at, err) != 0
      || add_window (p, err) != 0)
    return -1;
  return p->n_vectors ? virtio_pci->msix (p->pci, p->n_vectors, BAR_MSIX, err) : 0;
}

/* ---- state ------------------------------------------------------------------------------------
 */

static int
pci_put (struct gwt_virtio *v, struct gwt_vm_out *out, struct gwt_error *err)
{
  struct virtio_pci *p = of (v);

  if (virtio_vmstate->put_state (out, virtio_pci->state, p->pci, err) != 0
      || virtio_vmstate->put_state (out, virtio_pci->msix_state, p->pci, err) != 0)
    return -1;
  if (p->n_vectors)
    virtio_vmstate->put_be (out, 2, p->config_vector);
  return 0;
}

static int
get_vector (struct virtio_pci *p, uint16_t *vector, struct gwt_vm_in *in, struct gwt_error *err)
{
  uint64_t value;

  if (p->n_vectors == 0)
    return 0;
  if (virtio_vmstate->get_be (in, 2, &value, err) != 0)
    return -1;
  if (value >= p->n_vectors && value != NO_VECTOR)
    {
      virtio_host->error_set (err, GWT_E_RANGE,
                              "MSI-X vector %u of %u; give both ends the same vectors",
                              (unsigned) value, p->n_vectors);
      return -1;
    }
  *vector = (uint16_t) value;
  return 0;
}

static int
pci_get (struct gwt_virtio *v, struct gwt_vm_in *in, struct gwt_error *err)
{
  struct virtio_pci *p = of (v);

  if (virtio_vmstate->get_state (in, virtio_pci->state, p->pci, err) == NULL
      || virtio_vmstate->get_state (in, virtio_pci->msix_state, p->pci, err) == NULL)
    return -1;
  return get_vector (p, &p->config_vector, in, err);
}

static void
pci_put_queue (struct gwt_virtio *v, uint32_t index, struct gwt_vm_out *out)
{
  if (of (v)->n_vectors)
    virtio_vmstate->put_be (out, 2, of (v)->queue_vector[index]);
}

static int
pci_get_queue (struct gwt_virtio *v, uint32_t index, struct gwt_vm_in *in, struct gwt_error *err)
{
  return get_vector (of (v), &of (v)->queue_vector[index], in, err);
}

static void
pci_get_selectors (struct gwt_virtio *v, uint32_t *device, uint32_t *driver, uint32_t *queue)
{
  *device = of (v)->device_features_sel;
  *driver = of (v)->driver_features_sel;
  *queue = of (v)->queue_sel;
}

static void
pci_set_selectors (struct gwt_virtio *v, uint32_t device, uint32_t driver, uint32_t queue)
{
  of (v)->device_features_sel = device;
  of (v)->driver_features_sel = driver;
  of (v)->queue_sel = (uint16_t) queue;
}

static const struct gwt_vm_field pci_state_fields[] = {
  VIRTIO_STATE_FIELDS (struct virtio_pci, v, virtio_state_custom),
  GWT_VM_COMPUTED (struct virtio_pci, device_features_sel),
  GWT_VM_COMPUTED (struct virtio_pci, driver_features_sel),
  GWT_VM_COMPUTED (struct virtio_pci, queue_sel),
  GWT_VM_COMPUTED (struct virtio_pci, config_vector),
  GWT_VM_COMPUTED (struct virtio_pci, queue_vector),
};
static const struct gwt_vmstate pci_state
    = GWT_VMSTATE (struct virtio_pci, "virtio-pci", 1, 1, pci_state_fields,
                   .loading = virtio_state_loading, .loaded = virtio_state_loaded);
static const struct gwt_vmstate *const pci_states[] = { &pci_state, NULL };

static const struct virtio_transport pci_transport = {
  .state = &pci_state,
  .put = pci_put,
  .get = pci_get,
  .put_queue = pci_put_queue,
  .get_queue = pci_get_queue,
  .get_selectors = pci_get_selectors,
  .set_selectors = pci_set_selectors,
  .setup = pci_setup,
  .reset = forget_vectors,
  .queue_reset = forget_vector,
  .uses_isr = uses_isr,
  .queue_interrupt = pci_queue_interrupt,
  .config_interrupt = pci_config_interrupt,
  .interrupt_status_changed = drive_intx,
  .dma_map = pci_dma_map,
  .dma_unmap = pci_dma_unmap,
};

/* ---- the part of a device ---------------------------------------------------------------------
 */

static int
pci_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct virtio_pci *p = self;

  (void) err;
  p->pci = virtio_pci->function (device);
  virtio_part_init (&p->v, device, &pci_transport);
  forget_vectors (&p->v);
  return 0;
}

static int
pci_complete (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct virtio_pci *p = self;

  (void) device;
  return virtio_part_complete (&p->v, err);
}

static void
pci_unrealize (void *self)
{
  struct virtio_pci *p = self;

  virtio_part_free (&p->v);
}

static void
pci_reset (void *self, uint32_t kind)
{
  (void) kind;
  pci_function_reset (self);
}

static void
pci_tell (void *self, const struct gwt_facts_api *api, struct gwt_facts *facts)
{
  virtio_tell (&((struct virtio_pci *) self)->v, api, facts);
}

static const struct gwt_facts_interface facts_table = {
  .struct_size = sizeof facts_table,
  .tell = pci_tell,
};

static const struct gwt_interface interfaces[] = { { GWT_FACTS_INTERFACE, &facts_table } };

const struct gwt_device_type virtio_pci_type = {
  .struct_size = sizeof virtio_pci_type,
  .name = GWT_VIRTIO_PCI_PARENT,
  .parent = GWT_PCI_PARENT,
  .doc = "a virtio device that is a PCI function",
  .flags = GWT_TYPE_ABSTRACT,
  .instance_size = sizeof (struct virtio_pci),
  .fields = pci_fields,
  .field_size = sizeof pci_fields[0],
  .n_fields = GWT_COUNT (pci_fields),
  .interfaces = interfaces,
  .interface_size = sizeof interfaces[0],
  .n_interfaces = GWT_COUNT (interfaces),
  .realize = pci_realize,
  .unrealize = pci_unrealize,
  .reset = pci_reset,
  .complete = pci_complete,
  .states = pci_states,
};
