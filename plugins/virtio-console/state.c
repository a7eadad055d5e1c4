/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The controller's section: which ports there are and what the driver has been told of them.  It
 * begins as QEMU's; what that sends at once, or forgets, is in subsections.
 */
#include "console.h"

#include <string.h>

GWT_VIRTIO_STATE (serial_virtio, console_virtio)

#define ALL_FLAGS (PORT_KNOWN | PORT_READY | PORT_GUEST_OPEN | PORT_HOST_OPEN)

const char *
serial_feature_name (uint32_t bit)
{
  static const char *const names[]
      = { "VIRTIO_CONSOLE_F_SIZE, console-size", "VIRTIO_CONSOLE_F_MULTIPORT, max-ports",
          "VIRTIO_CONSOLE_F_EMERG_WRITE, emergency-write" };

  return bit < GWT_COUNT (names) ? names[bit] : NULL;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

/* Number 0 counts as taken whether a console is there or not, as drivers without messages have
   it. */
static uint32_t
ports_of (const struct serial *s, uint32_t word)
{
  uint32_t map = word == 0, n;

  for (n = 32 * word; n < 32 * word + 32 && n < s->max_ports; n++)
    map |= (uint32_t) (s->places[n].port != NULL) << n % 32;
  return map;
}

static uint32_t
count_ports (const struct serial *s)
{
  uint32_t count = 0, n;

  for (n = 0; n < s->max_ports; n++)
    count += s->places[n].port != NULL;
  return count;
}

int
serial_put_state (void *self, struct gwt_vm_out *out, struct gwt_error *err)
{
  struct serial *s = self;
  uint16_t columns, rows;
  uint32_t n;

  (void) err;
  pthread_mutex_lock (&s->places[0].lock);
  port_size (s, 0, &columns, &rows);
  pthread_mutex_unlock (&s->places[0].lock);
  console_vmstate->put_be (out, 2, s->console_size ? columns : 0);
  console_vmstate->put_be (out, 2, s->console_size ? rows : 0);
  console_vmstate->put_be (out, 4, s->max_ports);
  for (n = 0; n < s->max_ports; n += 32)
    console_vmstate->put_be (out, 4, ports_of (s, n / 32));
  console_vmstate->put_be (out, 4, count_ports (s));
  for (n = 0; n < s->max_ports; n++)
    {
      if (s->places[n].port == NULL)
        continue;
      console_vmstate->put_be (out, 4, n);
      console_vmstate->put_be (out, 1, (s->flags[n] & PORT_GUEST_OPEN) != 0);
      console_vmstate->put_be (out, 1, (s->flags[n] & PORT_HOST_OPEN) != 0);
      /* No chain is out: see the subsection "written". */
      console_vmstate->put_be (out, 4, 0);
    }
  return 0;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

static int
check_ports (const struct serial *s, uint32_t word, uint32_t there, struct gwt_error *err)
{
  uint32_t differs = there ^ ports_of (s, word), n;

  if (differs == 0)
    return 0;
  for (n = 0; !(differs >> n & 1); n++)
    ;
  console_host->error_set (err, GWT_E_INVALID,
                           "port %u is %s; give both ends the same ports, with the same nr",
                           32 * word + n,
                           there >> n & 1 ? "at the sender and not here"
                                          : "here and not at the sender");
  return -1;
}

static int
refuse (struct gwt_error *err, const char *what, uint64_t value)
{
  console_host->error_set (err, GWT_E_RANGE, "%s %llu cannot be", what, (unsigned long long) value);
  return -1;
}

/* One port; what the driver knows of it is guessed where the subsection "ports" does not come. */
static int
get_port (struct serial *s, uint8_t *seen, struct gwt_vm_in *in, struct gwt_error *err)
{
  uint64_t n, guest, host, popped;

  if (console_vmstate->get_be (in, 4, &n, err) != 0
      || console_vmstate->get_be (in, 1, &guest, err) != 0
      || console_vmstate->get_be (in, 1, &host, err) != 0
      || console_vmstate->get_be (in, 4, &popped, err) != 0)
    return -1;
  if (n >= s->max_ports || s->places[n].port == NULL || (seen[n / 8] >> n % 8 & 1))
    return refuse (err, "port number", n);
  if (guest > 1 || host > 1)
    return refuse (err, "guest_connected or host_connected", guest > 1 ? guest : host);
  if (popped)
    {
      console_host->error_set (err, GWT_E_UNSUPPORTED,
                               "port %u: a request that is half written, as this version does not "
                               "send it",
                               (unsigned) n);
      return -1;
    }
  seen[n / 8] |= (uint8_t) (1u << n % 8);
  s->flags[n] = (uint8_t) ((guest ? PORT_KNOWN | PORT_READY | PORT_GUEST_OPEN : 0)
                           | (host ? PORT_HOST_OPEN : 0));
  return 0;
}

int
serial_get_state (void *self, const struct gwt_virtio_loading *loading, struct gwt_vm_in *in,
                  struct gwt_error *err)
{
  struct serial *s = self;
  uint8_t seen[PORTS_ROOM / 8] = { 0 };
  uint64_t columns, rows, max, map, count, n;

  if (console_vmstate->get_be (in, 2, &columns, err) != 0
      || console_vmstate->get_be (in, 2, &rows, err) != 0
      || console_vmstate->get_be (in, 4, &max, err) != 0)
    return -1;
  if (max != s->max_ports)
    {
      console_host->error_set (err, GWT_E_INVALID,
                               "it has room for %llu ports at the sender and for %u here; give "
                               "both ends the same max-ports",
                               (unsigned long long) max, s->max_ports);
      return -1;
    }
  for (n = 0; n < max; n += 32)
    if (console_vmstate->get_be (in, 4, &map, err) != 0
        || check_ports (s, (uint32_t) n / 32, (uint32_t) map, err) != 0)
      return -1;
  if (console_vmstate->get_be (in, 4, &count, err) != 0)
    return -1;
  if (count != count_ports (s))
    {
      console_host->error_set (err, GWT_E_INVALID,
                               "%llu ports are at the sender and %u here; give both ends the same",
                               (unsigned long long) count, count_ports (s));
      return -1;
    }
  memset (s->flags, 0, sizeof s->flags);
  memset (s->pending, 0, sizeof s->pending);
  memset (s->written, 0, sizeof s->written);
  s->driver_ready = (loading->features & FEATURE_MULTIPORT) != 0;
  for (n = 0; n < count; n++)
    if (get_port (s, seen, in, err) != 0)
      return -1;
  return 0;
}

/* ---- what is ours -----------------------------------------------------------------------------
 */

/* Of each port: what the driver knows, and what it is still to be told. */
static uint32_t
has_ports (const void *self)
{
  const struct serial *s = self;
  uint32_t n;

  for (n = 0; n < s->max_ports && s->flags[n] == 0 && s->pending[n] == 0; n++)
    ;
  return s->driver_ready || n < s->max_ports
         || (console_virtio->features (s->virtio) & FEATURE_MULTIPORT);
}

static uint32_t
has_written (const void *self)
{
  const struct serial *s = self;
  uint32_t n;

  for (n = 0; n < s->max_ports && s->written[n] == 0; n++)
    ;
  return n < s->max_ports;
}

static void
loaded (void *self, uint32_t version)
{
  struct serial *s = self;
  uint32_t n;

  (void) version;
  s->loaded = 1;
  for (n = 0; n < s->max_ports; n++)
    port_loaded (s, n);
}

static const struct gwt_vm_field ports_fields[] = {
  GWT_VM_VALUE (struct serial, driver_ready, .max = 1),
  GWT_VM_ARRAY_COUNTED (struct serial, flags, max_ports, .max = ALL_FLAGS),
  GWT_VM_ARRAY_COUNTED (struct serial, pending, max_ports, .max = 2 * SEND_OPEN - 1),
};
static const struct gwt_vmstate ports_state
    = GWT_VMSTATE (struct serial, "virtio-console/ports", 1, 1, ports_fields, .needed = has_ports);
static const struct gwt_vm_field written_fields[]
    = { GWT_VM_ARRAY_COUNTED (struct serial, written, max_ports) };
static const struct gwt_vmstate written_state
    = GWT_VMSTATE (struct serial, "virtio-console/written", 1, 1, written_fields,
                   .needed = has_written);
static const struct gwt_vmstate *const subsections[] = { &ports_state, &written_state, NULL };
static const struct gwt_vm_field fields[] = {
  GWT_VIRTIO_FIELD (struct serial, virtio, serial_virtio),
  GWT_VM_COMPUTED (struct serial, driver_ready),
  GWT_VM_COMPUTED (struct serial, flags),
  GWT_VM_COMPUTED (struct serial, pending),
  GWT_VM_COMPUTED (struct serial, written),
};
static const struct gwt_vmstate state
    = GWT_VMSTATE (struct serial, "virtio-console", 3, 3, fields, .subsections = subsections,
                   .loaded = loaded);
const struct gwt_vmstate *const serial_states[] = { &state, NULL };
