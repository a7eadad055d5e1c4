/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports: bytes between a pair of queues and a character back end, and the two types of device that
 * a port is made as.  It must not know what a control message looks like.
 *
 * No chain is kept: one whose bytes the back end takes only in part goes back to the queue, and
 * what is remembered is how far it got.
 */
#include "console.h"

#include <stdio.h>
#include <string.h>

/* What one notification is good for: no vCPU is kept here by others that go on filling the queue,
   nor the main loop. */
#define TURN_CHAINS 256u
#define TURN_BYTES (1u << 20)

/* ---- from the guest ---------------------------------------------------------------------------
 */

/* Whether all of CHAIN has gone to the back end, or to nowhere; under the place's lock. */
static bool
drain (struct serial *s, uint32_t n, const struct gwt_virtq_chain *chain)
{
  struct port *port = s->places[n].port;
  uint64_t skip = s->written[n];
  uint32_t i;

  /* Nobody is there: lost, as on a line that is not plugged in. */
  if (port == NULL || port->chardev == NULL || !(s->flags[n] & PORT_HOST_OPEN))
    return true;
  for (i = 0; i < chain->n_readable; i++)
    {
      uint64_t size = chain->readable[i].size, taken;

      if (skip >= size)
        {
          skip -= size;
          continue;
        }
      size -= skip;
      taken = console_chardev->write (port->chardev,
                                      (const uint8_t *) chain->readable[i].base + skip, size);
      s->written[n] += taken;
      if (taken < size)
        return false;
      skip = 0;
    }
  return true;
}

void
port_serve_out (struct serial *s, uint32_t n)
{
  struct place *place = &s->places[n];
  struct gwt_virtq_chain *chain = NULL;
  uint32_t served = 0;
  uint64_t bytes = 0;

  pthread_mutex_lock (&place->lock);
  while (serial_is_active (s) && !place->throttled && served < TURN_CHAINS && bytes < TURN_BYTES
         && (chain = console_virtio->pop (place->out)) != NULL)
    {
      if (!drain (s, n, chain))
        {
          console_virtio->unpop (place->out, chain);
          place->throttled = 1;
          break;
        }
      bytes += chain->readable_size;
      s->written[n] = 0;
      console_virtio->push (place->out, chain, 0);
      served++;
    }
  if (serial_is_active (s) && !place->throttled && chain)
    {
      place->more = 1;
      console_clock->timer_set (s->turn_timer, 0);
    }
  pthread_mutex_unlock (&place->lock);
  if (served)
    console_virtio->notify (place->out);
}

void
port_emergency (struct serial *s, uint8_t byte)
{
  uint32_t n;

  for (n = 0; n < s->max_ports; n++)
    {
      struct port *port;
      bool found;

      pthread_mutex_lock (&s->places[n].lock);
      port = s->places[n].port;
      found = port && port->is_console;
      if (found && port->chardev)
        console_chardev->write (port->chardev, &byte, 1);
      pthread_mutex_unlock (&s->places[n].lock);
      if (found)
        return;
    }
}

/* ---- to the guest -----------------------------------------------------------------------------
 */

void
port_serve_in (struct serial *s, uint32_t n)
{
  struct port *port;

  pthread_mutex_lock (&s->places[n].lock);
  port = s->places[n].port;
  if (port && port->chardev)
    console_chardev->accept_input (port->chardev);
  pthread_mutex_unlock (&s->places[n].lock);
}

static uint64_t
can_receive (void *self)
{
  struct port *port = self;
  struct serial *s = port->serial;
  struct gwt_virtq_chain *chain = NULL;
  struct place *place;
  uint32_t useless = 0;
  uint64_t room = 0;

  if (s == NULL)
    return 0;
  place = &s->places[port->number];
  pthread_mutex_lock (&place->lock);
  while (serial_is_active (s) && (s->flags[port->number] & PORT_GUEST_OPEN) && room == 0
         && useless < TURN_CHAINS && (chain = console_virtio->pop (place->in)) != NULL)
    {
      room = chain->writable_size;
      if (room)
        {
          console_virtio->unpop (place->in, chain);
          break;
        }
      serial_guest_error (s, "a buffer for input that cannot be written, port", port->number);
      console_virtio->push (place->in, chain, 0);
      useless++;
    }
  pthread_mutex_unlock (&place->lock);
  if (useless)
    console_virtio->notify (place->in);
  return room;
}

static uint64_t
fill (const struct gwt_virtq_chain *chain, const uint8_t *data, uint64_t size)
{
  uint64_t done = 0;
  uint32_t i;

  for (i = 0; i < chain->n_writable && done < size; i++)
    {
      uint64_t part = chain->writable[i].size;

      if (part > size - done)
        part = size - done;
      memcpy (chain->writable[i].base, data + done, part);
      done += part;
    }
  return done;
}

static void
receive (void *self, const uint8_t *data, uint64_t size)
{
  struct port *port = self;
  struct serial *s = port->serial;
  struct gwt_virtq_chain *chain;
  struct place *place;
  uint64_t done = 0;
  uint32_t pushed = 0;

  if (s == NULL)
    return;
  place = &s->places[port->number];
  pthread_mutex_lock (&place->lock);
  /* One chain is what can_receive () saw; it is another one, or none, where the driver has reset
     the device since, and then nobody waits for these bytes. */
  while (done < size && serial_is_active (s) && pushed < TURN_CHAINS
         && (chain = console_virtio->pop (place->in)) != NULL)
    {
      uint64_t n = fill (chain, data + done, size - done);

      console_virtio->push (place->in, chain, n);
      done += n;
      pushed++;
    }
  pthread_mutex_unlock (&place->lock);
  if (pushed)
    console_virtio->notify (place->in);
}

/* ---- opening and closing ----------------------------------------------------------------------
 */

void
port_guest_open (struct serial *s, uint32_t n, bool open)
{
  struct port *port = s->places[n].port;
  const char *id;
  char data[512];

  if (port == NULL || open == !!(s->flags[n] & PORT_GUEST_OPEN))
    return;
  if (open)
    s->flags[n] |= PORT_GUEST_OPEN;
  else
    s->flags[n] &= (uint8_t) ~PORT_GUEST_OPEN;
  if (port->chardev && !port->is_console)
    console_chardev->set_open (port->chardev, open);
  if (port->chardev && open)
    console_chardev->accept_input (port->chardev);
  id = console_devices->id (port->device);
  if (snprintf (data, sizeof data, "{\"id\": \"%s\", \"open\": %s}", id, open ? "true" : "false")
      < (int) sizeof data)
    console_events->emit (port->device, "VSERPORT_CHANGE", data, GWT_EVENT_LATEST);
}

/* Under the place's lock. */
static void
host_open (struct serial *s, uint32_t n, bool open)
{
  if (open == !!(s->flags[n] & PORT_HOST_OPEN))
    return;
  if (open)
    {
      s->flags[n] |= PORT_HOST_OPEN;
      if (s->flags[n] & PORT_READY)
        s->pending[n] |= SEND_OPEN;
      return;
    }
  s->flags[n] &= (uint8_t) ~PORT_HOST_OPEN;
  /* An OPEN that was not sent need not be; what was said before it stands. */
  if (s->pending[n] & SEND_OPEN)
    s->pending[n] &= (uint8_t) ~SEND_OPEN;
  else if (s->flags[n] & PORT_READY)
    s->pending[n] |= SEND_CLOSE;
}

void
port_loaded (struct serial *s, uint32_t n)
{
  struct port *port;
  bool open;

  pthread_mutex_lock (&s->places[n].lock);
  port = s->places[n].port;
  open = (s->flags[n] & PORT_GUEST_OPEN) != 0;
  s->places[n].throttled = s->places[n].more = 0;
  if (port && port->chardev && !port->is_console)
    console_chardev->set_open (port->chardev, open);
  if (port && port->chardev && open)
    console_chardev->accept_input (port->chardev);
  pthread_mutex_unlock (&s->places[n].lock);
}

void
port_compare (struct serial *s, uint32_t n)
{
  const struct port *port;
  bool size;

  pthread_mutex_lock (&s->places[n].lock);
  port = s->places[n].port;
  size = port && port->is_console && port->chardev && serial_has_size (s);
  if (port && !port->is_console)
    host_open (s, n, s->places[n].peer != 0);
  if (size && (s->flags[n] & PORT_READY))
    s->pending[n] |= SEND_RESIZE;
  pthread_mutex_unlock (&s->places[n].lock);
  if (size && n == 0)
    console_virtio->config_changed (s->virtio);
}

void
port_size (struct serial *s, uint32_t n, uint16_t *columns, uint16_t *rows)
{
  const struct port *port = s->places[n].port;

  *columns = *rows = 0;
  if (port && port->is_console && port->chardev)
    console_chardev->size (port->chardev, columns, rows);
}

static void
port_event (void *self, uint32_t event)
{
  struct port *port = self;
  struct serial *s = port->serial;
  bool peer = event == GWT_CHARDEV_OPENED || event == GWT_CHARDEV_CLOSED;
  bool size = port->is_console && (event == GWT_CHARDEV_OPENED || event == GWT_CHARDEV_RESIZED);
  struct place *place;

  if (s == NULL)
    return;
  place = &s->places[port->number];
  pthread_mutex_lock (&place->lock);
  /* A console is always there, as a screen is that nobody looks at. */
  if (peer && !port->is_console)
    {
      place->peer = event == GWT_CHARDEV_OPENED;
      host_open (s, port->number, event == GWT_CHARDEV_OPENED);
    }
  size = size && serial_has_size (s);
  if (size && (s->flags[port->number] & PORT_READY))
    s->pending[port->number] |= SEND_RESIZE;
  pthread_mutex_unlock (&place->lock);
  control_send (s);
  if (size && port->number == 0)
    console_virtio->config_changed (s->virtio);
}

static void
port_writable (void *self)
{
  struct port *port = self;
  struct serial *s = port->serial;

  if (s == NULL)
    return;
  pthread_mutex_lock (&s->places[port->number].lock);
  s->places[port->number].throttled = 0;
  pthread_mutex_unlock (&s->places[port->number].lock);
  port_serve_out (s, port->number);
}

static const struct gwt_chardev_client chardev_client = {
  .struct_size = sizeof chardev_client,
  .can_receive = can_receive,
  .receive = receive,
  .event = port_event,
  .writable = port_writable,
};

/* ---- coming and going -------------------------------------------------------------------------
 */

static bool
check_name (const struct serial *s, const struct port *port, struct gwt_error *err)
{
  size_t size = port->name ? strlen (port->name) : 1;
  uint32_t n;

  if (size == 0 || size > NAME_MAX_BYTES)
    {
      console_host->error_set (err, GWT_E_RANGE, "name: %zu bytes are out of range; use 1 to %u",
                               size, NAME_MAX_BYTES);
      return false;
    }
  for (n = 0; port->name && n < s->max_ports; n++)
    {
      const struct port *other = s->places[n].port;

      if (other == NULL || other->name == NULL || strcmp (other->name, port->name) != 0)
        continue;
      console_host->error_set (err, GWT_E_EXISTS, "name: '%s' is port '%s' already; choose another",
                               port->name, console_devices->id (other->device));
      return false;
    }
  return true;
}

/* Number 0 is for a console alone: drivers without VIRTIO_CONSOLE_F_MULTIPORT take it for one. */
static bool
find_number (const struct serial *s, struct port *port, struct gwt_error *err)
{
  const char *id = console_devices->id (s->device);
  uint32_t n = port->number;

  if (n == NUMBER_ANY)
    {
      for (n = port->is_console ? 0 : 1; n < s->max_ports && s->places[n].port; n++)
        ;
      if (n == s->max_ports)
        {
          console_host->error_set (err, GWT_E_RANGE,
                                   "bus: all ports of '%s' are taken; use a larger max-ports there,"
                                   " or another controller",
                                   id);
          return false;
        }
      port->number = n;
      return true;
    }
  if (n >= s->max_ports)
    console_host->error_set (err, GWT_E_RANGE,
                             "nr: %u is out of range; '%s' has ports 0 to %u, see max-ports", n, id,
                             s->max_ports - 1);
  else if (n == 0 && !port->is_console)
    console_host->error_set (err, GWT_E_INVALID,
                             "nr: 0 is for a virtconsole; use 1 to %u, or leave nr out",
                             s->max_ports - 1);
  else if (s->places[n].port)
    console_host->error_set (err, GWT_E_EXISTS,
                             "nr: %u of '%s' is '%s' already; choose another, or leave nr out", n,
                             id, console_devices->id (s->places[n].port->device));
  else
    return true;
  return false;
}

/* The number is empty again; the driver is told if it knew.  Under the place's lock. */
static void
clear_place (struct serial *s, uint32_t n)
{
  struct place *place = &s->places[n];

  port_guest_open (s, n, false);
  place->port = NULL;
  place->throttled = place->peer = 0;
  s->written[n] = 0;
  /* What it was not told need not be taken back. */
  s->pending[n] = s->flags[n] & PORT_KNOWN ? SEND_REMOVE : 0;
  s->flags[n] &= PORT_KNOWN;
}

static int
realize (struct port *port, struct gwt_device *device, struct gwt_error *err)
{
  struct serial *s = serial_find (port->bus, port->is_console, err);
  uint32_t wanted = port->number;
  struct place *place;

  port->device = device;
  if (s == NULL || !check_name (s, port, err) || !find_number (s, port, err))
    return -1;
  place = &s->places[port->number];
  pthread_mutex_lock (&place->lock);
  port->serial = s;
  place->port = port;
  if (port->is_console)
    s->flags[port->number] |= PORT_HOST_OPEN;
  pthread_mutex_unlock (&place->lock);
  if (port->chardev && console_chardev->attach (port->chardev, device, &chardev_client, err) < 0)
    {
      pthread_mutex_lock (&place->lock);
      clear_place (s, port->number);
      pthread_mutex_unlock (&place->lock);
      port->serial = NULL;
      port->number = wanted;
      return -1;
    }
  if (port->chardev && !port->is_console)
    console_chardev->set_open (port->chardev, 0);
  port_plug (port);
  return 0;
}

void
port_plug (struct port *port)
{
  struct serial *s = port->serial;
  uint32_t n = port->number;

  pthread_mutex_lock (&s->places[n].lock);
  if (__atomic_load_n (&s->driver_ready, __ATOMIC_ACQUIRE))
    s->pending[n] |= SEND_ADD;
  else if (serial_is_active (s) && n == 0 && !serial_is_multiport (s))
    port_guest_open (s, n, true);
  pthread_mutex_unlock (&s->places[n].lock);
  control_send (s);
}

static int
console_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct port *port = self;

  port->is_console = 1;
  return realize (port, device, err);
}

static int
serialport_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  return realize (self, device, err);
}

static void
unrealize (void *self)
{
  struct port *port = self;
  struct serial *s = port->serial;

  if (s == NULL)
    return;
  pthread_mutex_lock (&s->places[port->number].lock);
  clear_place (s, port->number);
  pthread_mutex_unlock (&s->places[port->number].lock);
  port->serial = NULL;
  control_send (s);
  /* The guest may have sent something that waited for the back end. */
  port_serve_out (s, port->number);
}

void
port_orphan (struct serial *s, uint32_t n)
{
  struct port *port;

  pthread_mutex_lock (&s->places[n].lock);
  port = s->places[n].port;
  if (port)
    {
      port_guest_open (s, n, false);
      port->serial = NULL;
      s->places[n].port = NULL;
      /* No other controller can take it. */
      if (GWT_HAS (console_devices, unplug))
        console_devices->unplug (port->device);
    }
  pthread_mutex_unlock (&s->places[n].lock);
}

/* Realize looks for a place and tells the guest, which agrees to everything. */
static int
hotplug_check (void *self, struct gwt_error *err)
{
  (void) self;
  (void) err;
  return 0;
}

static void
hotplug_plugged (void *self)
{
  (void) self;
}

static int
hotplug_unplug_request (void *self, struct gwt_error *err)
{
  (void) err;
  console_devices->unplug (((struct port *) self)->device);
  return 0;
}

static const struct gwt_hotplug hotplug = {
  .struct_size = sizeof hotplug,
  .check = hotplug_check,
  .plugged = hotplug_plugged,
  .unplug_request = hotplug_unplug_request,
};
static const struct gwt_interface interfaces[] = { { GWT_HOTPLUG_INTERFACE, &hotplug } };

/* ---- types ------------------------------------------------------------------------------------
 */

static const struct gwt_field fields[] = {
  GWT_PROP_ROW (struct port, chardev, "chardev", .flags = GWT_FIELD_HOST_ONLY,
                .doc = "back end to connect to"),
  GWT_PROP_ROW (struct port, name, "name",
                .doc = "name that the guest sees, as in /dev/virtio-ports/NAME"),
  GWT_PROP_ROW (struct port, bus, "bus",
                .doc = "controller, as ID.0 or ID; none: the first with room"),
  GWT_PROP_ROW (struct port, number, "nr", .def = NUMBER_ANY,
                .doc = "number of the port; 4294967295: the next that is free"),
  GWT_HOST_ROW (struct port, is_console, "which of the two types it is"),
  GWT_HOST_ROW (struct port, pad, "padding"),
  GWT_HOST_ROW (struct port, serial, "the controller, which has the port's state; found by bus"),
  GWT_HOST_ROW (struct port, device, "handle of the host"),
};

const struct gwt_device_type console_port_type = {
  .struct_size = sizeof console_port_type,
  .name = "virtconsole",
  .doc = "port of a virtio-serial controller: a console, /dev/hvcN",
  .flags = GWT_TYPE_USER,
  .threads = GWT_THREADS_PARALLEL,
  .instance_size = sizeof (struct port),
  .fields = fields,
  .field_size = sizeof fields[0],
  .n_fields = GWT_COUNT (fields),
  .interfaces = interfaces,
  .interface_size = sizeof interfaces[0],
  .n_interfaces = GWT_COUNT (interfaces),
  .realize = console_realize,
  .unrealize = unrealize,
};

const struct gwt_device_type console_serialport_type = {
  .struct_size = sizeof console_serialport_type,
  .name = "virtserialport",
  .doc = "port of a virtio-serial controller: a channel, /dev/virtio-ports/NAME",
  .flags = GWT_TYPE_USER,
  .threads = GWT_THREADS_PARALLEL,
  .instance_size = sizeof (struct port),
  .fields = fields,
  .field_size = sizeof fields[0],
  .n_fields = GWT_COUNT (fields),
  .interfaces = interfaces,
  .interface_size = sizeof interfaces[0],
  .n_interfaces = GWT_COUNT (interfaces),
  .realize = serialport_realize,
  .unrealize = unrealize,
};
