/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MMIO transport, virtio 1.2 §4.2 with the registers of version 2: a slot that a board has, and
 * the part of a device that sits in one.  It must not know what a ring looks like.
 *
 * A slot takes accesses in parallel.  Notifications, and the registers that an interrupt handler
 * uses, take no lock; the rest goes through the device's.
 */
#include "virtio.h"

#include <stdio.h>
#include <string.h>

#define SLOT_INTERFACE "gwt.virtio-mmio-slot/1"
#define WINDOW 0x1000

#define REG_MAGIC 0x000
#define REG_VERSION 0x004
#define REG_DEVICE_ID 0x008
#define REG_VENDOR_ID 0x00c
#define REG_DEVICE_FEATURES 0x010
#define REG_DEVICE_FEATURES_SEL 0x014
#define REG_DRIVER_FEATURES 0x020
#define REG_DRIVER_FEATURES_SEL 0x024
#define REG_QUEUE_SEL 0x030
#define REG_QUEUE_SIZE_MAX 0x034
#define REG_QUEUE_SIZE 0x038
#define REG_QUEUE_READY 0x044
#define REG_QUEUE_NOTIFY 0x050
#define REG_INTERRUPT_STATUS 0x060
#define REG_INTERRUPT_ACK 0x064
#define REG_STATUS 0x070
#define REG_QUEUE_DESC 0x080
#define REG_QUEUE_DRIVER 0x090
#define REG_QUEUE_DEVICE 0x0a0
#define REG_SHM_SEL 0x0ac
#define REG_SHM_LEN 0x0b0
#define REG_SHM_BASE 0x0b8
#define REG_QUEUE_RESET 0x0c0
#define REG_CONFIG_GENERATION 0x0fc
#define REG_CONFIG 0x100

#define MAGIC 0x74726976u  /* "virt" */
#define VENDOR 0x554d4551u /* as the board that this one is like */

/* A place on a board. */
struct slot
{
  struct gwt_device *device;
  struct gwt_region *region;
  struct gwt_irq *line;
  struct gwt_virtio *virtio; /* NULL: empty */
};

static const struct gwt_field slot_fields[] = {
  GWT_HOST_ROW (struct slot, device, "handle of the host"),
  GWT_HOST_ROW (struct slot, region, "handle of the host"),
  GWT_HOST_ROW (struct slot, line, "handle of the host"),
  GWT_HOST_ROW (struct slot, virtio, "which device is in it follows from the devices' properties"),
};

/* A device's part. */
struct mmio_device
{
  struct gwt_virtio v; /* first, see part_of () */
  uint32_t device_features_sel;
  uint32_t driver_features_sel;
  uint32_t queue_sel;
  uint32_t pad;
  struct gwt_device *bus;
  struct slot *slot;
};

static const struct gwt_field mmio_fields[] = {
  VIRTIO_ROWS (struct mmio_device, v),
  GWT_STATE_ROW (struct mmio_device, device_features_sel, "device-features-sel",
                 .doc = "word of the device's features"),
  GWT_STATE_ROW (struct mmio_device, driver_features_sel, "driver-features-sel",
                 .doc = "word of the driver's features"),
  GWT_STATE_ROW (struct mmio_device, queue_sel, "queue-sel", .max = UINT16_MAX,
                 .doc = "queue that the queue registers are about"),
  GWT_HOST_ROW (struct mmio_device, pad, "padding"),
  GWT_PROP_ROW (struct mmio_device, bus, "bus", .interface = SLOT_INTERFACE,
                .doc = "slot to sit in; none: the highest that is free"),
  GWT_HOST_ROW (struct mmio_device, slot, "found by complete"),
};

/* ---- the line ---------------------------------------------------------------------------------
 */

static uint32_t
is_pending (struct slot *s)
{
  struct gwt_virtio *v = __atomic_load_n (&s->virtio, __ATOMIC_SEQ_CST);

  return v && virtio_isr (v) != 0;
}

/* Two threads may be here: one that has seen an interrupt and sets the line after another, that
   acknowledged it, has cleared it.  So each looks again until what it set is what is so.  Making
   one wait for the other instead would keep a guest, whose acknowledgement came second, in its
   handler for as long as the first waits for the machine lock. */
static void
drive_line (struct slot *s)
{
  uint32_t level;

  do
    {
      level = is_pending (s);
      virtio_irq->set (s->line, level);
    }
  while (level != is_pending (s));
}

static void
status_changed (struct gwt_virtio *v)
{
  struct slot *s = ((struct mmio_device *) v)->slot;

  if (s)
    drive_line (s);
}

static void
queue_interrupt (struct gwt_virtio *v, uint32_t index)
{
  (void) index;
  status_changed (v);
}

static void *
mmio_dma_map (struct gwt_virtio *v, uint64_t address, uint64_t *size, uint32_t to_write)
{
  return virtio_memory->dma_map (v->device, address, size, to_write);
}

static void
mmio_dma_unmap (struct gwt_virtio *v, uint64_t address, uint64_t size, uint64_t written)
{
  virtio_memory->dma_unmap (v->device, address, size, written);
}

static struct mmio_device *
of (struct gwt_virtio *v)
{
  return (struct mmio_device *) v;
}

/* ---- state ------------------------------------------------------------------------------------
 */

static int
mmio_put (struct gwt_virtio *v, struct gwt_vm_out *out, struct gwt_error *err)
{
  (void) err;
  virtio_vmstate->put_be (out, 4, of (v)->device_features_sel);
  virtio_vmstate->put_be (out, 4, of (v)->driver_features_sel);
  /* Of legacy devices: how large a page of the driver's is. */
  virtio_vmstate->put_be (out, 4, 0);
  return 0;
}

static int
mmio_get (struct gwt_virtio *v, struct gwt_vm_in *in, struct gwt_error *err)
{
  uint64_t device, driver, shift;

  if (virtio_vmstate->get_be (in, 4, &device, err) != 0
      || virtio_vmstate->get_be (in, 4, &driver, err) != 0
      || virtio_vmstate->get_be (in, 4, &shift, err) != 0)
    return -1;
  if (shift)
    {
      virtio_host->error_set (err, GWT_E_UNSUPPORTED,
                              "its driver has set a page size, as those of legacy devices do; use "
                              "-global virtio-mmio.force-legacy=off at the sender");
      return -1;
    }
  of (v)->device_features_sel = (uint32_t) device;
  of (v)->driver_features_sel = (uint32_t) driver;
  return 0;
}

static void
mmio_get_selectors (struct gwt_virtio *v, uint32_t *device, uint32_t *driver, uint32_t *queue)
{
  *device = of (v)->device_features_sel;
  *driver = of (v)->driver_features_sel;
  *queue = of (v)->queue_sel;
}

static void
mmio_set_selectors (struct gwt_virtio *v, uint32_t device, uint32_t driver, uint32_t queue)
{
  of (v)->device_features_sel = device;
  of (v)->driver_features_sel = driver;
  of (v)->queue_sel = queue;
}

static const struct gwt_vm_field mmio_state_fields[] = {
  VIRTIO_STATE_FIELDS (struct mmio_device, v, virtio_state_custom),
  GWT_VM_COMPUTED (struct mmio_device, device_features_sel),
  GWT_VM_COMPUTED (struct mmio_device, driver_features_sel),
  GWT_VM_COMPUTED (struct mmio_device, queue_sel),
};
static const struct gwt_vmstate mmio_state
    = GWT_VMSTATE (struct mmio_device, "virtio-mmio", 1, 1, mmio_state_fields,
                   .loading = virtio_state_loading, .loaded = virtio_state_loaded);
static const struct gwt_vmstate *const mmio_states[] = { &mmio_state, NULL };

static const struct virtio_transport mmio_transport = {
  .state = &mmio_state,
  .put = mmio_put,
  .get = mmio_get,
  .get_selectors = mmio_get_selectors,
  .set_selectors = mmio_set_selectors,
  .queue_interrupt = queue_interrupt,
  .config_interrupt = status_changed,
  .interrupt_status_changed = status_changed,
  .dma_map = mmio_dma_map,
  .dma_unmap = mmio_dma_unmap,
};

/* ---- registers --------------------------------------------------------------------------------
 */

static uint64_t
read_locked (struct gwt_virtio *v, uint64_t offset)
{
  struct gwt_virtq *q = virtio_queue_at (v, of (v)->queue_sel);

  switch (offset)
    {
    case REG_DEVICE_FEATURES:
      return of (v)->device_features_sel > 1
                 ? 0
                 : (uint32_t) (virtio_offered (v) >> 32 * of (v)->device_features_sel);
    case REG_QUEUE_SIZE_MAX:
      return q ? q->size_max : 0;
    case REG_QUEUE_READY:
      return q ? q->s->ready : 0;
    case REG_SHM_LEN:
    case REG_SHM_LEN + 4:
    case REG_SHM_BASE:
    case REG_SHM_BASE + 4:
      return UINT32_MAX; /* there are no such regions */
    case REG_QUEUE_RESET:
      return 0; /* done when the write is */
    default:
      virtio_guest_error (v, "a load from a register that there is not", offset);
      return 0;
    }
}

static uint32_t
slot_read (void *self, uint64_t offset, uint32_t size, uint64_t *value)
{
  struct slot *s = self;
  struct gwt_virtio *v = __atomic_load_n (&s->virtio, __ATOMIC_ACQUIRE);

  if (offset >= REG_CONFIG)
    {
      if (v)
        {
          virtio_lock (v);
          virtio_config_read (v, offset - REG_CONFIG, size, value);
          virtio_unlock (v);
        }
      return GWT_ACCESS_OK;
    }
  if (size != 4)
    {
      if (v)
        virtio_guest_error (v, "a load from a register that is not of 4 bytes", offset);
      return GWT_ACCESS_OK;
    }
  switch (offset)
    {
    case REG_MAGIC:
      *value = MAGIC;
      return GWT_ACCESS_OK;
    case REG_VERSION:
      *value = 2;
      return GWT_ACCESS_OK;
    case REG_VENDOR_ID:
      *value = VENDOR;
      return GWT_ACCESS_OK;
    default:
      break;
    }
  if (v == NULL)
    return GWT_ACCESS_OK; /* device id 0 and nothing else */
  switch (offset)
    {
    case REG_DEVICE_ID:
      *value = v->info.device_id;
      break;
    case REG_INTERRUPT_STATUS:
      *value = virtio_isr (v);
      break;
    case REG_STATUS:
      *value = virtio_status (v);
      break;
    case REG_CONFIG_GENERATION:
      *value = __atomic_load_n (&v->generation, __ATOMIC_SEQ_CST);
      break;
    default:
      virtio_lock (v);
      *value = read_locked (v, offset);
      virtio_unlock (v);
      break;
    }
  return GWT_ACCESS_OK;
}

/* Half of an address of the queue that is selected. */
static void
write_address (struct gwt_virtio *v, uint64_t offset, uint32_t value)
{
  struct virtq_state *q = virtio_queue_setup (v, of (v)->queue_sel);
  uint64_t *address;

  if (q == NULL)
    return;
  switch (offset & ~7ull)
    {
    case REG_QUEUE_DESC:
      address = &q->desc;
      break;
    case REG_QUEUE_DRIVER:
      address = &q->driver;
      break;
    default:
      address = &q->device;
      break;
    }
  if (offset & 4)
    *address = (*address & 0xffffffff) | (uint64_t) value << 32;
  else
    *address = (*address & ~UINT64_C (0xffffffff)) | value;
}

static void
write_locked (struct gwt_virtio *v, uint64_t offset, uint32_t value)
{
  struct virtq_state *q;

  switch (offset)
    {
    case REG_DEVICE_FEATURES_SEL:
      of (v)->device_features_sel = value;
      break;
    case REG_DRIVER_FEATURES:
      virtio_set_driver_features (v, of (v)->driver_features_sel, value);
      break;
    case REG_DRIVER_FEATURES_SEL:
      of (v)->driver_features_sel = value;
      break;
    case REG_QUEUE_SEL:
      /* Beyond these there is no queue either. */
      of (v)->queue_sel = value > UINT16_MAX ? UINT16_MAX : value;
      break;
    case REG_QUEUE_SIZE:
      q = virtio_queue_setup (v, of (v)->queue_sel);
      /* What does not fit is as wrong as 0. */
      if (q)
        q->num = value > UINT16_MAX ? 0 : (uint16_t) value;
      break;
    case REG_QUEUE_READY:
      virtio_queue_set_ready (v, of (v)->queue_sel, value);
      break;
    case REG_STATUS:
      virtio_set_status (v, value);
      break;
    case REG_QUEUE_DESC:
    case REG_QUEUE_DESC + 4:
    case REG_QUEUE_DRIVER:
    case REG_QUEUE_DRIVER + 4:
    case REG_QUEUE_DEVICE:
    case REG_QUEUE_DEVICE + 4:
      write_address (v, offset, value);
      break;
    case REG_SHM_SEL:
      break;
    case REG_QUEUE_RESET:
      if (value == 1)
        virtio_queue_reset (v, of (v)->queue_sel);
      break;
    default:
      virtio_guest_error (v, "a store to a register that there is not", offset);
      break;
    }
}

static uint32_t
slot_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  struct slot *s = self;
  struct gwt_virtio *v = __atomic_load_n (&s->virtio, __ATOMIC_ACQUIRE);

  if (v == NULL)
    return GWT_ACCESS_OK;
  if (offset < REG_CONFIG && size != 4)
    {
      virtio_guest_error (v, "a store to a register that is not of 4 bytes", offset);
      return GWT_ACCESS_OK;
    }
  switch (offset)
    {
    case REG_QUEUE_NOTIFY:
      virtio_notified (v, (uint32_t) value);
      break;
    case REG_INTERRUPT_ACK:
      virtio_isr_acknowledge (v, (uint32_t) value);
      break;
    default:
      virtio_lock (v);
      if (offset >= REG_CONFIG)
        virtio_config_write (v, offset - REG_CONFIG, size, value);
      else
        write_locked (v, offset, (uint32_t) value);
      virtio_unlock (v);
      break;
    }
  return GWT_ACCESS_OK;
}

static const struct gwt_mmio_ops slot_ops = {
  .struct_size = sizeof slot_ops,
  .min_size = 1,
  .max_size = 4,
  .read = slot_read,
  .write = slot_write,
};

/* ---- slots ------------------------------------------------------------------------------------
 */

static int
slot_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct slot *s = self;

  s->device = device;
  s->region = virtio_memory->mmio (device, "virtio-mmio", WINDOW, &slot_ops, err);
  if (s->region == NULL)
    return -1;
  return virtio_irq->outputs (device, "irq", 1, &s->line, err);
}

static int
slot_describe (void *self, struct gwt_fdt *fdt, struct gwt_error *err)
{
  (void) self;
  (void) err;
  virtio_fdt->string (fdt, "compatible", "virtio,mmio");
  return 0;
}

static const uint64_t slot_table = sizeof slot_table; /* its being there is all that counts */
static const struct gwt_interface slot_interfaces[] = { { SLOT_INTERFACE, &slot_table } };

const struct gwt_device_type virtio_slot_type = {
  .struct_size = sizeof virtio_slot_type,
  .name = "virtio-mmio",
  .doc = "slot for a virtio device behind MMIO registers",
  .threads = GWT_THREADS_PARALLEL,
  .instance_size = sizeof (struct slot),
  .fields = slot_fields,
  .field_size = sizeof slot_fields[0],
  .n_fields = GWT_COUNT (slot_fields),
  .interfaces = slot_interfaces,
  .interface_size = sizeof slot_interfaces[0],
  .n_interfaces = GWT_COUNT (slot_interfaces),
  .fdt_name = "virtio_mmio",
  .realize = slot_realize,
  .describe = slot_describe,
};

/* ---- the part of a device ---------------------------------------------------------------------
 */

static int
mmio_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct mmio_device *m = self;

  (void) err;
  m->slot = NULL;
  virtio_part_init (&m->v, device, &mmio_transport);
  return 0;
}

/* The free slot whose region is highest is not known here; boards list slots from the highest
   address down, so that the first device given is the first that a guest finds. */
static struct slot *
free_slot (uint32_t *count)
{
  struct gwt_device *d;

  for (*count = 0; (d = virtio_devices->nth_with_interface (SLOT_INTERFACE, *count)) != NULL;
       ++*count)
    {
      struct slot *s = virtio_devices->interface_instance (d, SLOT_INTERFACE);

      if (s->virtio == NULL)
        return s;
    }
  return NULL;
}

static int
mmio_complete (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct mmio_device *m = self;
  struct slot *s;
  uint32_t count;

  (void) device;
  if (virtio_part_complete (&m->v, err) != 0)
    return -1;
  if (m->bus)
    {
      s = virtio_devices->interface_instance (m->bus, SLOT_INTERFACE);
      if (s->virtio)
        {
          virtio_host->error_set (
              err, GWT_E_EXISTS, "slot '%s' is taken by '%s'; choose another, or leave out bus",
              virtio_devices->id (m->bus), virtio_devices->id (s->virtio->device));
          return -1;
        }
    }
  else if ((s = free_slot (&count)) == NULL)
    {
      if (count)
        virtio_host->error_set (err, GWT_E_NOT_FOUND,
                                "all %u virtio-mmio slots are taken; use fewer devices", count);
      else
        virtio_host->error_set (err, GWT_E_NOT_FOUND,
                                "the board has no virtio-mmio slot; choose another board");
      return -1;
    }
  m->slot = s;
  __atomic_store_n (&s->virtio, &m->v, __ATOMIC_RELEASE);
  return 0;
}

static void
mmio_unrealize (void *self)
{
  struct mmio_device *m = self;

  if (m->slot)
    {
      __atomic_store_n (&m->slot->virtio, NULL, __ATOMIC_RELEASE);
      drive_line (m->slot);
      m->slot = NULL;
    }
  virtio_part_free (&m->v);
}

static void
mmio_reset (void *self, uint32_t kind)
{
  struct mmio_device *m = self;

  (void) kind;
  virtio_lock (&m->v);
  virtio_reset (&m->v);
  m->device_features_sel = m->driver_features_sel = m->queue_sel = 0;
  virtio_unlock (&m->v);
}

static const char *
mmio_section_path (void *self)
{
  struct mmio_device *m = self;
  uint64_t address;
  char path[64];

  if (m->slot == NULL || !virtio_memory->address (m->slot->region, &address))
    return NULL;
  snprintf (path, sizeof path, "virtio-mmio@%016llx", (unsigned long long) address);
  return virtio_host->intern (path);
}

static void
mmio_tell (void *self, const struct gwt_facts_api *api, struct gwt_facts *facts)
{
  virtio_tell (&((struct mmio_device *) self)->v, api, facts);
}

static const struct gwt_facts_interface facts_table = {
  .struct_size = sizeof facts_table,
  .tell = mmio_tell,
};

static const struct gwt_interface mmio_interfaces[] = { { GWT_FACTS_INTERFACE, &facts_table } };

const struct gwt_device_type virtio_mmio_device_type = {
  .struct_size = sizeof virtio_mmio_device_type,
  .name = GWT_VIRTIO_MMIO_PARENT,
  .doc = "a virtio device in a virtio-mmio slot",
  .flags = GWT_TYPE_ABSTRACT,
  .instance_size = sizeof (struct mmio_device),
  .fields = mmio_fields,
  .field_size = sizeof mmio_fields[0],
  .n_fields = GWT_COUNT (mmio_fields),
  .interfaces = mmio_interfaces,
  .interface_size = sizeof mmio_interfaces[0],
  .n_interfaces = GWT_COUNT (mmio_interfaces),
  .realize = mmio_realize,
  .unrealize = mmio_unrealize,
  .reset = mmio_reset,
  .complete = mmio_complete,
  .states = mmio_states,
  .section_path = mmio_section_path,
};
