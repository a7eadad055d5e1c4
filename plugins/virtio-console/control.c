/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two control queues, virtio 1.2 §5.3.6.2: what device and driver tell each other of ports.
 * It must not know what a port is connected to.
 */
#include "console.h"

#include <string.h>

enum message
{
  DEVICE_READY,
  DEVICE_ADD,
  DEVICE_REMOVE,
  PORT_READY_MESSAGE,
  CONSOLE_PORT,
  RESIZE,
  PORT_OPEN,
  PORT_NAME
};

#define HEADER 8u
#define MESSAGE_MAX (HEADER + NAME_MAX_BYTES)
/* Messages of one turn, so that no vCPU is kept here by others that go on sending. */
#define TURN 64u

static void
put (uint8_t *p, uint32_t value, uint32_t size)
{
  uint32_t i;

  for (i = 0; i < size; i++)
    p[i] = (uint8_t) (value >> 8 * i);
}

static uint32_t
get (const uint8_t *p, uint32_t size)
{
  uint32_t value = 0, i;

  for (i = 0; i < size; i++)
    value |= (uint32_t) p[i] << 8 * i;
  return value;
}

/* ---- to the driver ----------------------------------------------------------------------------
 */

/* The next message about number N, at most MESSAGE_MAX bytes; its size, 0 for none.  Under the
   place's lock. */
static uint32_t
compose (struct serial *s, uint32_t n, uint8_t *message)
{
  uint8_t bit = s->pending[n] & (uint8_t) -s->pending[n];
  const struct port *port = s->places[n].port;
  uint32_t event, value = 1, size = HEADER;
  uint16_t columns, rows;

  s->pending[n] &= (uint8_t) ~bit;
  switch (bit)
    {
    case SEND_REMOVE:
      event = DEVICE_REMOVE;
      s->flags[n] &= PORT_HOST_OPEN;
      break;
    case SEND_ADD:
      event = DEVICE_ADD;
      s->flags[n] |= PORT_KNOWN;
      break;
    case SEND_CONSOLE:
      event = CONSOLE_PORT;
      break;
    case SEND_RESIZE:
      event = RESIZE;
      port_size (s, n, &columns, &rows);
      put (message + HEADER, columns, 2);
      put (message + HEADER + 2, rows, 2);
      size += 4;
      break;
    case SEND_NAME:
      event = PORT_NAME;
      if (port && port->name)
        {
          size += (uint32_t) strlen (port->name);
          memcpy (message + HEADER, port->name, size - HEADER);
        }
      break;
    case SEND_CLOSE:
      event = PORT_OPEN;
      value = 0;
      break;
    case SEND_OPEN:
      event = PORT_OPEN;
      break;
    default:
      return 0;
    }
  put (message, n, 4);
  put (message + 4, event, 2);
  put (message + 6, value, 2);
  return size;
}

/* As much as there is room for; what was left out. */
static uint64_t
scatter (const struct gwt_virtq_chain *chain, const uint8_t *data, uint64_t size)
{
  uint32_t i;

  for (i = 0; i < chain->n_writable && size; i++)
    {
      uint64_t part = chain->writable[i].size < size ? chain->writable[i].size : size;

      memcpy (chain->writable[i].base, data, part);
      data += part;
      size -= part;
    }
  return size;
}

/* Under `control`.  How many messages went out. */
static uint32_t
send_pending (struct serial *s)
{
  uint8_t message[MESSAGE_MAX];
  uint32_t n, sent = 0;

  for (n = 0; n < s->max_ports && serial_is_active (s) && serial_is_multiport (s); n++)
    while (__atomic_load_n (&s->pending[n], __ATOMIC_RELAXED))
      {
        struct gwt_virtq_chain *chain = console_virtio->pop (s->control_in);
        uint64_t size, lost;

        if (chain == NULL)
          return sent;
        pthread_mutex_lock (&s->places[n].lock);
        size = compose (s, n, message);
        pthread_mutex_unlock (&s->places[n].lock);
        if (size == 0)
          {
            console_virtio->unpop (s->control_in, chain);
            break;
          }
        lost = scatter (chain, message, size);
        if (lost)
          serial_guest_error (s, "a buffer that is too small for a control message",
                              chain->writable_size);
        console_virtio->push (s->control_in, chain, size - lost);
        sent++;
      }
  return sent;
}

void
control_send (struct serial *s)
{
  uint32_t sent;

  pthread_mutex_lock (&s->control);
  sent = send_pending (s);
  pthread_mutex_unlock (&s->control);
  if (sent)
    console_virtio->notify (s->control_in);
}

/* ---- from the driver --------------------------------------------------------------------------
 */

static void
device_ready (struct serial *s, uint32_t value)
{
  uint32_t n;

  if (value != 1)
    {
      serial_guest_error (s, "it could not set the device up", value);
      return;
    }
  __atomic_store_n (&s->driver_ready, 1, __ATOMIC_RELEASE);
  for (n = 0; n < s->max_ports; n++)
    {
      pthread_mutex_lock (&s->places[n].lock);
      if (s->places[n].port)
        s->pending[n] |= SEND_ADD;
      pthread_mutex_unlock (&s->places[n].lock);
    }
}

/* Under the place's lock. */
static void
port_ready (struct serial *s, uint32_t n, const struct port *port, uint32_t value)
{
  if (value != 1)
    {
      serial_guest_error (s, "it could not set up port", n);
      s->flags[n] &= (uint8_t) ~PORT_READY;
      return;
    }
  s->flags[n] |= PORT_READY;
  if (port->is_console)
    s->pending[n] |= SEND_CONSOLE | (serial_has_size (s) ? SEND_RESIZE : 0);
  if (port->name)
    s->pending[n] |= SEND_NAME;
  if (s->flags[n] & PORT_HOST_OPEN)
    s->pending[n] |= SEND_OPEN;
}

static void
handle (struct serial *s, uint32_t n, uint32_t event, uint32_t value)
{
  struct port *port;

  if (event == DEVICE_READY)
    {
      device_ready (s, value);
      return;
    }
  if (n >= s->max_ports || (event != PORT_READY_MESSAGE && event != PORT_OPEN))
    {
      serial_guest_error (s, n >= s->max_ports ? "no such port" : "no such control message",
                          n >= s->max_ports ? n : event);
      return;
    }
  pthread_mutex_lock (&s->places[n].lock);
  port = s->places[n].port;
  /* A port that goes may cross with this. */
  if (port == NULL || !(s->flags[n] & PORT_KNOWN) || (s->pending[n] & SEND_REMOVE))
    serial_guest_error (s, "a message about a port that it was not told of", n);
  else if (event == PORT_READY_MESSAGE)
    port_ready (s, n, port, value);
  else
    port_guest_open (s, n, value != 0);
  pthread_mutex_unlock (&s->places[n].lock);
}

static uint32_t
gather (const struct gwt_virtq_chain *chain, uint8_t *data, uint32_t size)
{
  uint32_t done = 0, i;

  for (i = 0; i < chain->n_readable && done < size; i++)
    {
      uint64_t part = chain->readable[i].size;

      if (part > size - done)
        part = size - done;
      memcpy (data + done, chain->readable[i].base, part);
      done += (uint32_t) part;
    }
  return done;
}

void
control_serve (struct serial *s)
{
  struct gwt_virtq_chain *chain = NULL;
  uint32_t served = 0, sent;
  uint8_t header[HEADER];

  pthread_mutex_lock (&s->control);
  while (served < TURN && serial_is_active (s)
         && (chain = console_virtio->pop (s->control_out)) != NULL)
    {
      if (gather (chain, header, HEADER) < HEADER)
        serial_guest_error (s, "a control message of too few bytes", chain->readable_size);
      else if (serial_is_multiport (s))
        handle (s, get (header, 4), get (header + 4, 2), get (header + 6, 2));
      else
        serial_guest_error (s, "a control message without VIRTIO_CONSOLE_F_MULTIPORT",
                            get (header + 4, 2));
      console_virtio->push (s->control_out, chain, 0);
      served++;
    }
  if (serial_is_active (s) && chain)
    console_clock->timer_set (s->turn_timer, 0);
  sent = send_pending (s);
  pthread_mutex_unlock (&s->control);
  if (served)
    console_virtio->notify (s->control_out);
  if (sent)
    console_virtio->notify (s->control_in);
}
