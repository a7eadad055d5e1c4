/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One terminal for the guest's serial line and the text console: the Ctrl-A keys.  It must not know
 * what the console understands.
 */
#include "config.h"
#include "core/backend/internal.h"
#include <string.h>
#include <unistd.h>
#include "core/cpu/run.h"

#define ESCAPE 0x01 /* Ctrl-A */

static void (*console_input) (const char *data, size_t size, void *opaque);
static void *console_opaque;

void
gwt_chardev_set_console (void (*input) (const char *data, size_t size, void *opaque), void *opaque)
{
  console_input = input;
  console_opaque = opaque;
}

void
gwt_mux_to_console (const uint8_t *data, size_t size)
{
  if (console_input && size)
    console_input ((const char *) data, size, console_opaque);
}

/* Where the console is: the back end that belongs to it, else the one with Ctrl-A keys. */
void
gwt_chardev_console_write (const char *data, size_t size)
{
  struct gwt_chardev *where = NULL;
  guint i;

  for (i = 0; gwt_chardevs && i < gwt_chardevs->len; i++)
    {
      struct gwt_chardev *chardev = g_ptr_array_index (gwt_chardevs, i);

      if (chardev->is_console || (chardev->has_mux && !where))
        where = chardev;
    }
  if (where)
    gwt_chardev_write_text (where, data, size);
}

void
gwt_mux_init (struct gwt_chardev *chardev)
{
  chardev->mux.pending = g_byte_array_new ();
  chardev->mux.line_begins = true;
}

void
gwt_mux_clear (struct gwt_chardev *chardev)
{
  g_clear_pointer (&chardev->mux.pending, g_byte_array_unref);
}

/* On a terminal always: Ctrl-A x must work while the guest hangs, and what a person types beyond
   the buffer is lost.  What comes from a pipe waits there. */
bool
gwt_mux_has_room (struct gwt_chardev *chardev)
{
  return chardev->mux.pending->len < GWT_MUX_BUFFER || isatty (chardev->in_fd);
}

static void
help (struct gwt_chardev *chardev)
{
  static const char text[] = "\r\n"
                             "Ctrl-A h  this help\r\n"
                             "Ctrl-A x  end the guest and the program\r\n"
                             "Ctrl-A s  write disk caches back (nothing to do here)\r\n"
                             "Ctrl-A t  timestamps on or off\r\n"
                             "Ctrl-A b  send a break\r\n"
                             "Ctrl-A c  switch between console and serial line\r\n"
                             "Ctrl-A Ctrl-A  send Ctrl-A\r\n";

  gwt_chardev_write_text (chardev, text, sizeof (text) - 1);
}

static void
switch_focus (struct gwt_chardev *chardev)
{
  static const char none[] = "\r\nThere is no console.\r\n";

  if (!console_input)
    {
      gwt_chardev_write_text (chardev, none, sizeof (none) - 1);
      return;
    }
  chardev->mux.in_console = !chardev->mux.in_console;
  if (chardev->mux.in_console)
    gwt_mux_to_console ((const uint8_t *) "\n", 1);
  else
    gwt_chardev_write_text (chardev, "\r\n", 2);
}

static void
text_byte (struct gwt_chardev *chardev, uint8_t byte)
{
  if (chardev->mux.in_console)
    gwt_mux_to_console (&byte, 1);
  else if (chardev->mux.pending->len < GWT_MUX_BUFFER)
    g_byte_array_append (chardev->mux.pending, &byte, 1);
}

static void
key (struct gwt_chardev *chardev, uint8_t byte)
{
  static const char terminated[] = "\r\ngodwit: Terminated\r\n";
  static const char nothing[] = "\r\nThere is nothing to write back.\r\n";

  switch (byte)
    {
    case 'h':
    case '?':
      help (chardev);
      break;
    case 'x':
      gwt_chardev_write_text (chardev, terminated, sizeof (terminated) - 1);
      gwt_request_shutdown (GWT_CAUSE_HOST_UI, 0);
      break;
    case 's':
      gwt_chardev_write_text (chardev, nothing, sizeof (nothing) - 1);
      break;
    case 't':
      g_mutex_lock (&chardev->lock);
      chardev->mux.timestamps = !chardev->mux.timestamps;
      chardev->mux.started = g_get_monotonic_time ();
      chardev->mux.line_begins = false;
      g_mutex_unlock (&chardev->lock);
      break;
    case 'b':
      gwt_chardev_event (chardev, GWT_CHARDEV_BREAK);
      break;
    case 'c':
      switch_focus (chardev);
      break;
    case ESCAPE:
      text_byte (chardev, ESCAPE);
      break;
    default:
      break; /* as QEMU: a wrong key does nothing */
    }
}

void
gwt_mux_input (struct gwt_chardev *chardev, const uint8_t *data, size_t size)
{
  size_t i;

  for (i = 0; i < size; i++)
    if (chardev->mux.escaped)
      {
        chardev->mux.escaped = false;
        key (chardev, data[i]);
      }
    else if (data[i] == ESCAPE)
      chardev->mux.escaped = true;
    else
      text_byte (chardev, data[i]);
}

/* With timestamps a line is written in pieces: its time, then up to its end. */
uint64_t
gwt_mux_write (struct gwt_chardev *chardev, const uint8_t *data, uint64_t size)
{
  uint64_t done = 0;

  if (!chardev->mux.timestamps)
    return gwt_chardev_write_raw (chardev, data, size);
  while (done < size)
    {
      const uint8_t *end = memchr (data + done, '\n', size - done);
      uint64_t piece = end ? (uint64_t) (end - data) - done + 1 : size - done, taken;

      if (chardev->mux.line_begins)
        {
          int64_t ms = (g_get_monotonic_time () - chardev->mux.started) / 1000;
          g_autofree char *text = g_strdup_printf ("[%02d:%02d:%02d.%03d] ", (int) (ms / 3600000),
                                                   (int) (ms / 60000 % 60), (int) (ms / 1000 % 60),
                                                   (int) (ms % 1000));

          gwt_chardev_write_text (chardev, text, strlen (text));
          chardev->mux.line_begins = false;
        }
      taken = gwt_chardev_write_raw (chardev, data + done, piece);
      done += taken;
      if (taken < piece)
        break;
      chardev->mux.line_begins = end != NULL;
    }
  return done;
}
