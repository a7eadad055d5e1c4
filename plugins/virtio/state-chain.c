/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A chain that is out, in a section: QEMU's struct of a request, as it is in the memory of a
 * little-endian host.  It must not know why a device has it out.
 */
#include "virtio.h"

#include <string.h>

#define BUFFERS GWT_VIRTIO_BUFFERS_MAX
#define AT_INDEX 0u
#define AT_READABLE 4u
#define AT_WRITABLE 8u
#define AT_WRITABLE_ADDRESS 16u
#define AT_READABLE_ADDRESS (AT_WRITABLE_ADDRESS + 8u * BUFFERS)
#define AT_WRITABLE_SIZE (AT_READABLE_ADDRESS + 8u * BUFFERS)
#define AT_READABLE_SIZE (AT_WRITABLE_SIZE + 16u * BUFFERS)
#define ELEMENT_SIZE (AT_READABLE_SIZE + 16u * BUFFERS)

/* [main] One at a time. */
static uint8_t element[ELEMENT_SIZE];

static void
put_le (uint32_t at, uint64_t value, uint32_t size)
{
  uint32_t i;

  for (i = 0; i < size; i++)
    element[at + i] = (uint8_t) (value >> 8 * i);
}

static uint64_t
get_le (const uint8_t *at, uint32_t size)
{
  uint64_t value = 0;
  uint32_t i;

  for (i = 0; i < size; i++)
    value |= (uint64_t) at[i] << 8 * i;
  return value;
}

void
virtio_put_chain (struct gwt_virtq *q, struct gwt_virtq_chain *chain, struct gwt_vm_out *out)
{
  const struct chain *c = (const struct chain *) chain;
  uint32_t readable = chain->n_readable, writable = chain->n_writable, i;

  memset (element, 0, sizeof element);
  put_le (AT_INDEX, c->id, 4);
  put_le (AT_READABLE, readable, 4);
  put_le (AT_WRITABLE, writable, 4);
  for (i = 0; i < readable; i++)
    {
      put_le (AT_READABLE_ADDRESS + 8 * i, c->address[i], 8);
      put_le (AT_READABLE_SIZE + 16 * i + 8, c->iov[i].size, 8);
    }
  for (i = 0; i < writable; i++)
    {
      put_le (AT_WRITABLE_ADDRESS + 8 * i, c->address[readable + i], 8);
      put_le (AT_WRITABLE_SIZE + 16 * i + 8, c->iov[readable + i].size, 8);
    }
  if (q->virtio->packed)
    virtio_vmstate->put_be (out, 4, c->slots);
  virtio_vmstate->put (out, element, sizeof element);
}

static const char *
read_element (struct loaded_chain *c)
{
  uint32_t readable = c->n_readable, i;

  c->id = (uint32_t) get_le (element + AT_INDEX, 4);
  for (i = 0; i < c->n; i++)
    {
      uint32_t n = i < readable ? i : i - readable;
      uint32_t address = i < readable ? AT_READABLE_ADDRESS : AT_WRITABLE_ADDRESS;
      uint32_t size = i < readable ? AT_READABLE_SIZE : AT_WRITABLE_SIZE;

      c->buffers[i].address = get_le (element + address + 8 * n, 8);
      c->buffers[i].size = get_le (element + size + 16 * n + 8, 8);
      if (c->buffers[i].size == 0 || c->buffers[i].size > UINT32_MAX)
        return "a buffer of no bytes, or of more than there can be";
    }
  return NULL;
}

/* The element that was read, as one chain more of what is being loaded. */
static int
add_chain (struct loading *l, uint32_t index, uint32_t slots, struct gwt_vm_in *in,
           struct gwt_error *err)
{
  uint64_t readable = get_le (element + AT_READABLE, 4),
           writable = get_le (element + AT_WRITABLE, 4);
  struct loaded_chain *c;
  const char *why;

  if (readable + writable == 0 || readable + writable > BUFFERS)
    {
      virtio_host->error_set (err, GWT_E_RANGE,
                              "queue %u: a request of %llu buffers; one has 1 to %u", index,
                              (unsigned long long) (readable + writable), BUFFERS);
      return -1;
    }
  c = virtio_vmstate->alloc (
      in, sizeof *c + (readable + writable) * sizeof c->buffers[0], err);
  if (c == NULL)
    return -1;
  c->queue = index;
  c->slots = slots;
  c->n_readable = (uint32_t) readable;
  c->n = (uint32_t) (readable + writable);
  why = read_element (c);
  if (why)
    {
      virtio_host->error_set (err, GWT_E_RANGE, "queue %u: a request with %s", index, why);
      return -1;
    }
  *l->last = c;
  l->last = &c->next;
  return 0;
}

int
virtio_get_chain (struct gwt_virtio *v, uint32_t index, struct gwt_vm_in *in,
                  struct gwt_error *err)
{
  struct loading *l = v->loading;
  uint64_t slots = 1;

  if (l == NULL || index >= v->info.n_queues)
    {
      virtio_host->error_set (err, GWT_E_RANGE, "a request of queue %u; there are %u", index,
                              v->info.n_queues);
      return -1;
    }
  if (v->packed && virtio_vmstate->get_be (in, 4, &slots, err) != 0)
    return -1;
  if (slots == 0 || slots > GWT_VIRTIO_QUEUE_SIZE_MAX)
    {
      virtio_host->error_set (err, GWT_E_RANGE, "queue %u: a request of %llu descriptors", index,
                              (unsigned long long) slots);
      return -1;
    }
  if (virtio_vmstate->get (in, element, sizeof element, err) != 0)
    return -1;
  return add_chain (l, index, (uint32_t) slots, in, err);
}
