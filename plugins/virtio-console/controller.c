/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The controller (virtio 1.2 §5.3): features, configuration space, which queue is for what, and
 * the plugin.  It must not know what a control message looks like, nor where a port's bytes go.
 */
#include "console.h"

#include <string.h>

#define DEVICE_ID 3
#define PCI_CLASS 0x078000 /* communication, other */
#define DATA_QUEUE_SIZE 128
#define CONTROL_QUEUE_SIZE 32

/* Configuration space. */
#define CONFIG_SIZE 12
#define CONFIG_COLUMNS 0
#define CONFIG_ROWS 2
#define CONFIG_PORTS 4
#define CONFIG_EMERGENCY 8

/* Queues: in and out of port 0, of control, of port 1 and so on. */
#define QUEUE_CONTROL_IN 2u
#define QUEUE_CONTROL_OUT 3u

const struct gwt_host *console_host;
const struct gwt_device_api *console_devices;
const struct gwt_clock_api *console_clock;
const struct gwt_chardev_api *console_chardev;
const struct gwt_event_api *console_events;
const struct gwt_virtio_api *console_virtio;
const struct gwt_vmstate_api *console_vmstate;

static struct serial *serials; /* [main], in order of creation */

static const struct gwt_field fields[] = {
  GWT_PROP_ROW (struct serial, max_ports, "max-ports", .def = 31, .min = 1, .max = PORTS_MAX,
                .doc = "number of ports there is room for"),
  GWT_PROP_ROW (struct serial, emergency_write, "emergency-write", .def = 1,
                .doc = "offer VIRTIO_CONSOLE_F_EMERG_WRITE: output without queues"),
  GWT_PROP_ROW (struct serial, console_size, "console-size", .def = 1,
                .doc = "offer VIRTIO_CONSOLE_F_SIZE: the guest knows the terminal's size"),
  GWT_HOST_ROW (struct serial, active, "follows from the virtio side's status"),
  GWT_STATE_ROW (struct serial, driver_ready, "driver-ready",
                 .doc = "the driver wants to know of ports"),
  GWT_STATE_ARRAY (struct serial, flags, "port-flags",
                   .doc = "of each port: known 1, ready 2, open in the guest 4, at the host 8"),
  GWT_STATE_ARRAY (struct serial, pending, "port-pending",
                   .doc = "of each port: control messages that wait for a buffer"),
  GWT_STATE_ARRAY (struct serial, written, "port-written",
                   .doc = "of each port: bytes of the next chain that are out already"),
  GWT_HOST_ROW (struct serial, warned, "whether the log has a line about the guest already"),
  GWT_HOST_ROW (struct serial, loaded, "of a load: until it runs"),
  GWT_HOST_ROW (struct serial, pad, "padding"),
  GWT_HOST_ROW (struct serial, virtio, "handle of the virtio plugin"),
  GWT_HOST_ROW (struct serial, control_in, "handle of the virtio plugin"),
  GWT_HOST_ROW (struct serial, control_out, "handle of the virtio plugin"),
  GWT_HOST_ROW (struct serial, turn_timer, "only a matter of turns: a notification"),
  GWT_HOST_ROW (struct serial, device, "handle of the host"),
  GWT_HOST_ROW (struct serial, next, "list of controllers"),
  GWT_HOST_ROW (struct serial, control, "lock"),
  GWT_HOST_ROW (struct serial, places,
                "locks, queues, which port there is; back ends say anew what they take"),
};

void
serial_guest_error (struct serial *s, const char *what, uint64_t value)
{
  if (!__atomic_exchange_n (&s->warned, 1, __ATOMIC_RELAXED))
    console_host->log (GWT_LOG_GUEST, "%s: the driver: %s (%llu); said once for this device",
                       console_devices->id (s->device), what, (unsigned long long) value);
}

bool
serial_is_active (const struct serial *s)
{
  return __atomic_load_n (&s->active, __ATOMIC_ACQUIRE) != 0;
}

bool
serial_is_multiport (struct serial *s)
{
  return (console_virtio->features (s->virtio) & FEATURE_MULTIPORT) != 0;
}

bool
serial_has_size (struct serial *s)
{
  return (console_virtio->features (s->virtio) & FEATURE_SIZE) != 0;
}

/* ---- the list of controllers ------------------------------------------------------------------
 */

static bool
has_room (const struct serial *s, bool is_console)
{
  uint32_t n;

  for (n = is_console ? 0 : 1; n < s->max_ports; n++)
    if (s->places[n].port == NULL)
      return true;
  return false;
}

/* "ID.0", as a bus is named, or "ID". */
static bool
is_bus (const struct serial *s, const char *bus)
{
  const char *id = console_devices->id (s->device);
  size_t size = strlen (id);

  return strncmp (bus, id, size) == 0 && (bus[size] == '\0' || strcmp (bus + size, ".0") == 0);
}

struct serial *
serial_find (const char *bus, bool is_console, struct gwt_error *err)
{
  struct serial *s = serials;

  while (s && !(bus ? is_bus (s, bus) : has_room (s, is_console)))
    s = s->next;
  if (s)
    return s;
  if (serials == NULL)
    console_host->error_set (err, GWT_E_NOT_FOUND,
                             "there is no virtio-serial controller; put -device "
                             "virtio-serial-pci or virtio-serial-device before it");
  else if (bus)
    console_host->error_set (err, GWT_E_NOT_FOUND,
                             "bus: there is no virtio-serial controller '%s'; use %s.0%s", bus,
                             console_devices->id (serials->device),
                             serials->next ? ", or another one's" : "");
  else
    console_host->error_set (err, GWT_E_RANGE,
                             "all ports of all controllers are taken; use a larger max-ports, or "
                             "one more controller");
  return NULL;
}

/* ---- for the virtio plugin --------------------------------------------------------------------
 */

static uint32_t
port_of (uint32_t index)
{
  return index < 2 ? 0 : index / 2 - 1;
}

static void
serial_notified (void *self, struct gwt_virtq *queue, uint32_t index)
{
  struct serial *s = self;

  (void) queue;
  if (index == QUEUE_CONTROL_IN)
    control_send (s);
  else if (index == QUEUE_CONTROL_OUT)
    control_serve (s);
  else if (index & 1)
    port_serve_out (s, port_of (index));
  else
    port_serve_in (s, port_of (index));
}

static void
stop_port (struct serial *s, uint32_t n)
{
  struct place *place = &s->places[n];

  pthread_mutex_lock (&place->lock);
  port_guest_open (s, n, false);
  s->flags[n] &= PORT_HOST_OPEN;
  s->pending[n] = 0;
  s->written[n] = 0;
  /* A `writable` that is still to come does no harm. */
  place->throttled = place->more = 0;
  pthread_mutex_unlock (&place->lock);
}

static void
start_port (struct serial *s, uint32_t n)
{
  pthread_mutex_lock (&s->places[n].lock);
  port_guest_open (s, n, true);
  pthread_mutex_unlock (&s->places[n].lock);
}

static void
serial_running (void *self, uint32_t running)
{
  struct serial *s = self;
  uint32_t n;

  pthread_mutex_lock (&s->control);
  __atomic_store_n (&s->active, (uint8_t) running, __ATOMIC_RELEASE);
  if (!running)
    __atomic_store_n (&s->driver_ready, 0, __ATOMIC_RELEASE);
  pthread_mutex_unlock (&s->control);
  if (!running)
    console_clock->timer_set (s->turn_timer, GWT_TIMER_OFF);
  /* Who was in one of them is out when its lock was held once. */
  for (n = 0; n < s->max_ports && !running; n++)
    stop_port (s, n);
  if (!running)
    {
      s->loaded = 0;
      return;
    }
  for (n = 0; n < s->max_ports && s->loaded; n++)
    port_compare (s, n);
  s->loaded = 0;
  /* Without messages about it the one port is open whenever the driver is there. */
  if (!serial_is_multiport (s))
    start_port (s, 0);
  for (n = 0; n < s->max_ports; n++)
    port_serve_out (s, n);
  control_serve (s);
}

static void
serial_queue_reset (void *self, uint32_t index)
{
  struct serial *s = self;
  uint32_t n = port_of (index);

  if (index == QUEUE_CONTROL_IN || index == QUEUE_CONTROL_OUT)
    {
      pthread_mutex_lock (&s->control);
      pthread_mutex_unlock (&s->control);
      return;
    }
  pthread_mutex_lock (&s->places[n].lock);
  if (index & 1)
    s->written[n] = 0;
  pthread_mutex_unlock (&s->places[n].lock);
}

static void
next_turn (void *self)
{
  struct serial *s = self;
  uint32_t n;

  control_serve (s);
  for (n = 0; n < s->max_ports; n++)
    {
      bool more;

      pthread_mutex_lock (&s->places[n].lock);
      more = s->places[n].more;
      s->places[n].more = 0;
      pthread_mutex_unlock (&s->places[n].lock);
      if (more)
        port_serve_out (s, n);
    }
}

static void
serial_config_read (void *self, uint32_t offset, void *data, uint32_t size)
{
  struct serial *s = self;
  uint8_t config[CONFIG_SIZE] = { 0 };
  uint16_t columns, rows;
  uint32_t i;

  pthread_mutex_lock (&s->places[0].lock);
  port_size (s, 0, &columns, &rows);
  pthread_mutex_unlock (&s->places[0].lock);
  for (i = 0; i < 2 && s->console_size; i++)
    {
      config[CONFIG_COLUMNS + i] = (uint8_t) (columns >> 8 * i);
      config[CONFIG_ROWS + i] = (uint8_t) (rows >> 8 * i);
    }
  for (i = 0; i < 4; i++)
    config[CONFIG_PORTS + i] = (uint8_t) (s->max_ports >> 8 * i);
  memcpy (data, config + offset, size);
}

static void
serial_config_write (void *self, uint32_t offset, const void *data, uint32_t size)
{
  struct serial *s = self;

  (void) size;
  if (offset == CONFIG_EMERGENCY && s->emergency_write)
    port_emergency (s, *(const uint8_t *) data);
  else
    serial_guest_error (s, "a store to configuration space that cannot be written, at", offset);
}

static const struct gwt_virtio_client client = {
  .struct_size = sizeof client,
  .config_read = serial_config_read,
  .config_write = serial_config_write,
  .running = serial_running,
  .notified = serial_notified,
  .queue_reset = serial_queue_reset,
  .put_state = serial_put_state,
  .get_state = serial_get_state,
  .feature_name = serial_feature_name,
};

/* ---- life -------------------------------------------------------------------------------------
 */

static bool
make_queues (struct serial *s, struct gwt_error *err)
{
  uint32_t index;

  for (index = 0; index < 2 * s->max_ports + 2; index++)
    {
      bool control = index == QUEUE_CONTROL_IN || index == QUEUE_CONTROL_OUT;
      struct gwt_virtq **to;

      if (control)
        to = index & 1 ? &s->control_out : &s->control_in;
      else
        to = index & 1 ? &s->places[port_of (index)].out : &s->places[port_of (index)].in;
      *to = console_virtio->queue (s->virtio, index,
                                   control ? CONTROL_QUEUE_SIZE : DATA_QUEUE_SIZE, err);
      if (*to == NULL)
        return false;
    }
  return true;
}

static int
serial_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct serial *s = self, **link = &serials;
  const struct gwt_virtio_info info = {
    .struct_size = sizeof info,
    .device_id = DEVICE_ID,
    .config_size = CONFIG_SIZE,
    .features = (s->console_size ? FEATURE_SIZE : 0) | (s->max_ports > 1 ? FEATURE_MULTIPORT : 0)
                | (s->emergency_write ? FEATURE_EMERG_WRITE : 0),
    .n_queues = 2 * s->max_ports + 2,
    .pci_class = PCI_CLASS,
    .pci_vectors = 2, /* as drivers know it: all queues share one */
  };
  uint32_t n;

  s->device = device;
  s->turn_timer = console_clock->timer_new (device, GWT_CLOCK_VIRTUAL, next_turn, s, err);
  if (s->turn_timer == NULL)
    return -1;
  pthread_mutex_init (&s->control, NULL);
  for (n = 0; n < PORTS_ROOM; n++)
    pthread_mutex_init (&s->places[n].lock, NULL);
  s->virtio = console_virtio->setup (device, &info, &client, err);
  if (s->virtio == NULL || !make_queues (s, err))
    return -1;
  while (*link)
    link = &(*link)->next;
  *link = s;
  s->next = NULL;
  return 0;
}

static void
serial_unrealize (void *self)
{
  struct serial *s = self, **link = &serials;
  uint32_t n;

  while (*link != s)
    link = &(*link)->next;
  *link = s->next;
  for (n = 0; n < s->max_ports; n++)
    port_orphan (s, n);
  /* The virtio side is stopped after this: its parent's turn comes last. */
  console_clock->timer_set (s->turn_timer, GWT_TIMER_OFF);
}

/* The same device for each transport. */
#define SERIAL_TYPE(NAME, PARENT)                                                                  \
  {                                                                                                \
    .struct_size = sizeof (struct gwt_device_type), .name = NAME, .parent = PARENT,                \
    .doc = "controller for virtconsole and virtserialport", .flags = GWT_TYPE_USER,                \
    .threads = GWT_THREADS_PARALLEL, .instance_size = sizeof (struct serial), .fields = fields,    \
    .field_size = sizeof fields[0], .n_fields = GWT_COUNT (fields), .realize = serial_realize,     \
    .unrealize = serial_unrealize, .states = serial_states,                                        \
  }
static const struct gwt_device_type mmio_type
    = SERIAL_TYPE ("virtio-serial-device", GWT_VIRTIO_MMIO_PARENT);
static const struct gwt_device_type pci_type
    = SERIAL_TYPE ("virtio-serial-pci", GWT_VIRTIO_PCI_PARENT);

/* ---- the plugin -------------------------------------------------------------------------------
 */

static int
console_start (const struct gwt_host *host, struct gwt_error *err)
{
  console_devices = host->extension (GWT_DEVICE_EXT);
  console_clock = host->extension (GWT_CLOCK_EXT);
  console_chardev = host->extension (GWT_CHARDEV_EXT);
  console_events = host->extension (GWT_EVENT_EXT);
  console_virtio = host->extension (GWT_VIRTIO_EXT);
  console_vmstate = host->extension (GWT_VMSTATE_EXT);
  if (GWT_HAS (console_chardev, set_open) && GWT_HAS (console_chardev, size))
    return 0;
  host->error_set (err, GWT_E_UNSUPPORTED,
                   "the host is older than this plugin; use a newer godwit");
  return -1;
}

static const char *const required[] = { GWT_CHARDEV_EXT, GWT_CLOCK_EXT,  GWT_DEVICE_EXT,
                                        GWT_EVENT_EXT,   GWT_VIRTIO_EXT, GWT_VMSTATE_EXT,
                                        NULL };
static const struct gwt_device_type *const types[]
    = { &mmio_type, &pci_type, &console_port_type, &console_serialport_type, NULL };

static const struct gwt_plugin plugin = {
  .struct_size = sizeof plugin,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor_needed = GWT_ABI_MINOR,
  .id = "virtio-console",
  .version = GODWIT_PLUGIN_VERSION,
  .doc = "virtio consoles and serial ports",
  .required = required,
  .types = types,
  .start = console_start,
};

GWT_PLUGIN_DEFINE ("virtio-console", GODWIT_PLUGIN_VERSION,
                   "virtio-serial-device virtio-serial-pci virtconsole virtserialport", plugin,
                   console_host)
