/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver of serial-driver.h. */
#include "tests/virtio-console/serial-driver.h"

#include <string.h>

#define R_STATUS 0x70
#define RINGS MOCK_RAM_BASE
#define RING 0x1000u /* descriptors, at 0x800 available, at 0xa00 used */
#define AVAILABLE 0x800u
#define USED 0xa00u
#define BUFFERS (MOCK_RAM_BASE + 0x40000)
#define BUFFER 0x400u

uint32_t
serial_load (struct serial_driver *d, uint64_t reg)
{
  return (uint32_t) mock_load_reg (d->slot, reg, 4);
}

void
serial_store (struct serial_driver *d, uint64_t reg, uint32_t value)
{
  mock_store_reg (d->slot, reg, 4, value);
}

void
serial_new (struct serial_driver *d, ...)
{
  static const struct gwt_plugin *virtio, *console;
  const char *property[4] = { NULL };
  va_list args;
  guint n = 0;

  if (virtio == NULL)
    {
      virtio = mock_load ("virtio");
      console = mock_load ("virtio-console");
    }
  memset (d, 0, sizeof *d);
  for (n = 0; console->types[n]; n++)
    if (strcmp (console->types[n]->name, "virtio-serial-device") == 0)
      d->controller = console->types[n];
    else if (strcmp (console->types[n]->name, "virtconsole") == 0)
      d->console = console->types[n];
    else if (strcmp (console->types[n]->name, "virtserialport") == 0)
      d->channel = console->types[n];
  mock_new_machine (1);
  va_start (args, d);
  for (n = 0; n < 3 && (property[n] = va_arg (args, const char *)) != NULL;)
    n++;
  va_end (args);
  d->slot = mock_new (virtio->types[0], "slot0", NULL);
  d->device = mock_new (d->controller, "ser0", property[0], property[1], property[2], NULL);
}

void
serial_free (struct serial_driver *d)
{
  if (d->device)
    mock_free (d->device);
  g_assert_cmpuint (mock.dma_maps, ==, 0);
  mock_free (d->slot);
}

uint64_t
serial_offered (struct serial_driver *d)
{
  uint64_t low;

  serial_store (d, 0x14, 0);
  low = serial_load (d, 0x10);
  serial_store (d, 0x14, 1);
  return low | (uint64_t) serial_load (d, 0x10) << 32;
}

void
serial_start (struct serial_driver *d, uint64_t features)
{
  uint32_t q;

  features |= VERSION_1;
  serial_store (d, R_STATUS, 0);
  serial_store (d, R_STATUS, 3);
  serial_store (d, 0x24, 0);
  serial_store (d, 0x20, (uint32_t) features);
  serial_store (d, 0x24, 1);
  serial_store (d, 0x20, (uint32_t) (features >> 32));
  serial_store (d, R_STATUS, 11);
  g_assert_cmphex (serial_load (d, R_STATUS), ==, 11);
  memset (mock_memory (RINGS, QUEUES_MAX * RING), 0, QUEUES_MAX * RING);
  memset (d->next, 0, sizeof d->next);
  memset (d->index, 0, sizeof d->index);
  memset (d->seen, 0, sizeof d->seen);
  d->posted = 0;
  for (q = 0; q < QUEUES_MAX; q++)
    {
      uint32_t base = RINGS + RING * q;

      serial_store (d, 0x30, q);
      if (serial_load (d, 0x34) == 0)
        break;
      serial_store (d, 0x38, QUEUE_SIZE);
      serial_store (d, 0x80, base);
      serial_store (d, 0x90, base + AVAILABLE);
      serial_store (d, 0xa0, base + USED);
      serial_store (d, 0x44, 1);
    }
  d->n_queues = q;
  serial_store (d, R_STATUS, 15);
  g_assert_cmphex (serial_load (d, R_STATUS), ==, 15);
  if (features & MULTIPORT)
    serial_post (d, 8);
}

static uint8_t *
buffer_at (uint32_t queue, uint16_t i)
{
  return mock_memory (BUFFERS + (QUEUE_SIZE * queue + i) * BUFFER, BUFFER);
}

uint8_t *
serial_add (struct serial_driver *d, uint32_t queue, uint32_t size, gboolean writable)
{
  uint32_t base = RINGS + RING * queue;
  uint16_t i = d->next[queue], flags = writable ? 2 : 0;
  uint64_t address = size <= BUFFER ? BUFFERS + (QUEUE_SIZE * queue + i) * BUFFER : MOCK_RAM_BASE;
  uint8_t *desc = mock_memory (base + 16u * i, 16);

  g_assert_true (size <= BUFFER || !writable);
  memcpy (desc, &address, 8);
  memcpy (desc + 8, &size, 4);
  memcpy (desc + 12, &flags, 2);
  memcpy (mock_memory (base + AVAILABLE + 4 + 2u * (d->index[queue] % QUEUE_SIZE), 2), &i, 2);
  d->index[queue]++;
  memcpy (mock_memory (base + AVAILABLE + 2, 2), &d->index[queue], 2);
  d->next[queue] = (uint16_t) ((i + 1) % QUEUE_SIZE);
  return buffer_at (queue, i);
}

void
serial_kick (struct serial_driver *d, uint32_t queue)
{
  serial_store (d, 0x50, queue);
}

uint8_t *
serial_used (struct serial_driver *d, uint32_t queue, uint32_t *size)
{
  uint32_t base = RINGS + RING * queue + USED, id;
  uint16_t index;

  memcpy (&index, mock_memory (base + 2, 2), 2);
  if (index == d->seen[queue])
    return NULL;
  memcpy (&id, mock_memory (base + 4 + 8u * (d->seen[queue] % QUEUE_SIZE), 4), 4);
  memcpy (size, mock_memory (base + 8 + 8u * (d->seen[queue] % QUEUE_SIZE), 4), 4);
  d->seen[queue]++;
  g_assert_cmpuint (id, <, QUEUE_SIZE);
  return buffer_at (queue, (uint16_t) id);
}

void
serial_post (struct serial_driver *d, uint32_t n)
{
  while (n--)
    serial_add (d, CONTROL_IN, BUFFER, TRUE);
  serial_kick (d, CONTROL_IN);
}

void
serial_say (struct serial_driver *d, uint32_t id, uint32_t event, uint32_t value)
{
  uint16_t words[4] = { (uint16_t) id, (uint16_t) (id >> 16), (uint16_t) event, (uint16_t) value };
  uint32_t size;

  memcpy (serial_add (d, CONTROL_OUT, 8, FALSE), words, 8);
  serial_kick (d, CONTROL_OUT);
  g_assert_nonnull (serial_used (d, CONTROL_OUT, &size));
  g_assert_cmpuint (size, ==, 0);
}

const char *
serial_heard (struct serial_driver *d)
{
  static const char *const names[]
      = { "?", "ADD", "REMOVE", "?", "CONSOLE", "RESIZE", "OPEN", "NAME" };
  static GString *text;
  uint32_t size, n;
  uint8_t *p;

  if (text == NULL)
    text = g_string_new (NULL);
  g_string_truncate (text, 0);
  do
    {
      n = 0;
      while ((p = serial_used (d, CONTROL_IN, &size)) != NULL)
        {
          uint16_t words[6];

          n++;
          memcpy (words, p, sizeof words);
          g_assert_cmpuint (size, >=, 8);
          g_assert_cmpuint (words[2], <, G_N_ELEMENTS (names));
          g_string_append_printf (text, "%u %s %u", words[0] | (uint32_t) words[1] << 16,
                                  names[words[2]], words[3]);
          if (words[2] == 5)
            g_string_append_printf (text, " %ux%u", words[4], words[5]);
          else if (size > 8)
            g_string_append_printf (text, " %.*s", (int) size - 8, p + 8);
          g_string_append_c (text, ';');
        }
      serial_post (d, n);
    }
  while (n);
  return text->str;
}

void
serial_ready (struct serial_driver *d)
{
  g_auto (GStrv) added = NULL;
  guint i;

  serial_say (d, 0, DEVICE_READY, 1);
  added = g_strsplit (serial_heard (d), ";", -1);
  for (i = 0; added[i] && *added[i]; i++)
    {
      g_assert_true (g_str_has_suffix (added[i], " ADD 1"));
      serial_say (d, (uint32_t) atoi (added[i]), PORT_READY, 1);
    }
  serial_heard (d);
}

gboolean
serial_send (struct serial_driver *d, uint32_t port, const char *text)
{
  uint32_t size;

  memcpy (serial_add (d, OUT (port), (uint32_t) strlen (text), FALSE), text, strlen (text));
  serial_kick (d, OUT (port));
  return serial_used (d, OUT (port), &size) != NULL;
}
