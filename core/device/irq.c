/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt lines.  Owns the wires and their levels; must not know what an interrupt controller
 * makes of one.
 *
 * A wire's level lives in atomics, and what is delivered is read from them under the receiver's
 * lock: whichever of two threads that set lines of one input delivers last, delivers the last
 * state.
 */
#include "config.h"
#include "core/device/irq.h"
#include <stdatomic.h>
#include <string.h>
#include "core/device/lock.h"

/* More lines than any device has; the API's counts come from properties, which a user sets. */
#define LINES_MAX 65536
#define NAME_MAX_BYTES 63

struct input
{
  struct gwt_device *device;
  gwt_irq_input_fn fn;
  uint32_t line;
  atomic_uint high; /* outputs that drive it and are at 1 */
  atomic_uint busy; /* parallel devices: deliveries asked for and not yet made */
  atomic_uint left; /* LEFT_...: the errand waits, for a level that was seen */
  struct gwt_errand errand;
};

#define LEFT_LOW 1u
#define LEFT_HIGH 2u

struct gwt_irq
{
  atomic_uint level;
  struct input *_Atomic sink; /* NULL: not wired */
};

struct input_bank
{
  char *name;
  uint32_t count;
  struct input *lines;
};

struct output_bank
{
  char *name;
  uint32_t count;
  struct gwt_irq *lines;
};

/* All lines of one device; attached to it under "irq". */
struct lines
{
  struct gwt_device *device;
  GArray *inputs;  /* struct input_bank */
  GArray *outputs; /* struct output_bank */
};

/* ---- delivery -------------------------------------------------------------------------------- */

static uint32_t
input_level (struct input *in)
{
  return atomic_load (&in->high) != 0;
}

/* What this thread shall do when its outermost delivery to a parallel device is over. */
static __thread struct
{
  unsigned depth;
  void (*fn) (struct gwt_device *device);
  struct gwt_device *device;
} later;

bool
gwt_irq_after_delivery (void (*fn) (struct gwt_device *device), struct gwt_device *device)
{
  if (later.depth == 0 || (later.fn != NULL && (later.fn != fn || later.device != device)))
    return false;
  later.fn = fn;
  later.device = device;
  return true;
}

/* Parallel devices have no lock under which the order of deliveries could be kept.  So one thread
   at a time delivers, for itself and for those that come meanwhile, and reads the level after it
   has seen their request.  Those go on at once, before their level has arrived: a CPU that has
   lowered its own interrupt takes it again and again until the thread that raised it has finished
   here.  So nothing may be done in here that gives the core away. */
static void
deliver_parallel (struct input *in)
{
  if (atomic_fetch_add (&in->busy, 1) != 0)
    return;
  unsigned seen = 1;
  later.depth++;
  do
    {
      seen = atomic_load (&in->busy);
      in->fn (in->device->instance, in->line, input_level (in));
    }
  while (atomic_fetch_sub (&in->busy, seen) != seen);
  if (--later.depth == 0 && later.fn != NULL)
    {
      void (*fn) (struct gwt_device *device) = later.fn;
      later.fn = NULL;
      fn (later.device);
    }
}

/* LEVEL is what the input was at when this delivery was put off: a pulse that is over is delivered
 * as one. */
static void
deliver_deferred (void *what, uint32_t level)
{
  struct input *in = what;
  int token = gwt_device_enter (in->device);
  uint32_t now = input_level (in);
  if (level != now)
    in->fn (in->device->instance, in->line, level);
  in->fn (in->device->instance, in->line, now);
  gwt_device_leave (in->device, token);
}

/* As above, for the threads of back ends: all that was left since the last time arrives at once. */
static void
deliver_errand (struct gwt_errand *errand)
{
  struct input *in
      = (struct input *) (void *) ((char *) errand - G_STRUCT_OFFSET (struct input, errand));
  unsigned left = atomic_exchange (&in->left, 0);
  uint32_t now = input_level (in);

  if (left & (now ? LEFT_LOW : LEFT_HIGH))
    in->fn (in->device->instance, in->line, !now);
  in->fn (in->device->instance, in->line, now);
}

static void
deliver (struct input *in)
{
  if (in->device->type->d.threads == GWT_THREADS_PARALLEL)
    {
      deliver_parallel (in);
      return;
    }
  if (in->device->type->d.threads != GWT_THREADS_DEVICE && gwt_lock_is_io_thread ())
    {
      if (atomic_fetch_or (&in->left, input_level (in) ? LEFT_HIGH : LEFT_LOW) == 0)
        gwt_lock_errand (&in->errand);
      return;
    }
  if (!gwt_device_may_enter (in->device))
    {
      gwt_lock_defer (deliver_deferred, in, input_level (in));
      return;
    }
  int token = gwt_device_enter (in->device);
  in->fn (in->device->instance, in->line, input_level (in));
  gwt_device_leave (in->device, token);
}

static void
irq_set (struct gwt_irq *irq, uint32_t level)
{
  if (irq == NULL)
    return;
  level = level != 0;
  unsigned old = atomic_exchange (&irq->level, level);
  struct input *in = atomic_load (&irq->sink);
  if (in == NULL)
    return;
  if (old != level)
    {
      if (level != 0)
        atomic_fetch_add (&in->high, 1);
      else
        atomic_fetch_sub (&in->high, 1);
    }
  deliver (in);
}

static uint32_t
irq_level (struct gwt_irq *irq)
{
  return irq != NULL ? atomic_load (&irq->level) : 0;
}

/* ---- declaring ------------------------------------------------------------------------------- */

/* Devices die newest first, but one that is unplugged alone must leave no wire behind in the
 * others. */
static void
lines_free (void *data)
{
  struct lines *dead = data;
  guint count;

  /* One of them may be for a line that goes away here. */
  gwt_lock_run_errands ();
  g_autofree struct gwt_device **list = gwt_device_list (&count);
  for (guint d = 0; d < count; d++)
    {
      struct lines *lines = g_hash_table_lookup (list[d]->attached, "irq");
      for (guint b = 0; lines != NULL && lines != dead && b < lines->outputs->len; b++)
        {
          struct output_bank *bank = &g_array_index (lines->outputs, struct output_bank, b);
          for (uint32_t i = 0; i < bank->count; i++)
            {
              struct input *sink = atomic_load (&bank->lines[i].sink);
              if (sink != NULL && sink->device == dead->device)
                atomic_store (&bank->lines[i].sink, NULL);
            }
        }
    }
  for (guint b = 0; b < dead->outputs->len; b++)
    {
      struct output_bank *bank = &g_array_index (dead->outputs, struct output_bank, b);
      for (uint32_t i = 0; i < bank->count; i++)
        {
          struct input *sink = atomic_load (&bank->lines[i].sink);
          if (sink != NULL && sink->device != dead->device
              && atomic_load (&bank->lines[i].level) != 0)
            atomic_fetch_sub (&sink->high, 1);
        }
      g_free (bank->lines);
      g_free (bank->name);
    }
  for (guint b = 0; b < dead->inputs->len; b++)
    {
      struct input_bank *bank = &g_array_index (dead->inputs, struct input_bank, b);
      g_free (bank->lines);
      g_free (bank->name);
    }
  g_array_free (dead->inputs, TRUE);
  g_array_free (dead->outputs, TRUE);
  g_free (dead);
}

static struct lines *
lines_of (struct gwt_device *device)
{
  struct lines *lines = g_hash_table_lookup (device->attached, "irq");
  if (lines == NULL)
    {
      lines = g_new0 (struct lines, 1);
      lines->device = device;
      lines->inputs = g_array_new (FALSE, FALSE, sizeof (struct input_bank));
      lines->outputs = g_array_new (FALSE, FALSE, sizeof (struct output_bank));
      g_hash_table_insert (device->attached, (gpointer) "irq", lines);
      gwt_device_on_destroy (device, lines_free, lines);
    }
  return lines;
}

static struct input_bank *
find_inputs (struct gwt_device *device, const char *name)
{
  struct lines *lines = g_hash_table_lookup (device->attached, "irq");
  for (guint b = 0; lines != NULL && b < lines->inputs->len; b++)
    {
      struct input_bank *bank = &g_array_index (lines->inputs, struct input_bank, b);
      if (strcmp (bank->name, name) == 0)
        return bank;
    }
  return NULL;
}

static struct output_bank *
find_outputs (struct gwt_device *device, const char *name)
{
  struct lines *lines = g_hash_table_lookup (device->attached, "irq");
  for (guint b = 0; lines != NULL && b < lines->outputs->len; b++)
    {
      struct output_bank *bank = &g_array_index (lines->outputs, struct output_bank, b);
      if (strcmp (bank->name, name) == 0)
        return bank;
    }
  return NULL;
}

static bool
check_bank (const char *what, const char *name, uint32_t count, bool taken, struct gwt_error *err)
{
  if (name == NULL || name[0] == '\0' || strnlen (name, NAME_MAX_BYTES + 1) > NAME_MAX_BYTES)
    gwt_error_set (err, GWT_E_INVALID, "interrupt %s have no name or one that is too long", what);
  else if (count == 0 || count > LINES_MAX)
    gwt_error_set (err, GWT_E_RANGE, "%u interrupt %s '%s' are out of range; use 1 to %d", count,
                   what, name, LINES_MAX);
  else if (taken)
    gwt_error_set (err, GWT_E_EXISTS, "interrupt %s '%s' are declared twice", what, name);
  else
    return true;
  return false;
}

static int
api_inputs (struct gwt_device *device, const char *name, uint32_t count, gwt_irq_input_fn fn,
            struct gwt_error *err)
{
  if (fn == NULL)
    {
      gwt_error_set (err, GWT_E_INVALID, "interrupt inputs need a function");
      return -1;
    }
  if (!check_bank ("inputs", name, count, name != NULL && find_inputs (device, name) != NULL, err))
    return -1;
  struct input_bank bank = { g_strdup (name), count, g_new0 (struct input, count) };
  for (uint32_t i = 0; i < count; i++)
    {
      bank.lines[i].device = device;
      bank.lines[i].fn = fn;
      bank.lines[i].line = i;
      bank.lines[i].errand.fn = deliver_errand;
    }
  g_array_append_val (lines_of (device)->inputs, bank);
  return 0;
}

static int
api_outputs (struct gwt_device *device, const char *name, uint32_t count, struct gwt_irq **out,
             struct gwt_error *err)
{
  if (out == NULL)
    {
      gwt_error_set (err, GWT_E_INVALID, "interrupt outputs need a place to be stored at");
      return -1;
    }
  if (!check_bank ("outputs", name, count, name != NULL && find_outputs (device, name) != NULL,
                   err))
    return -1;
  struct output_bank bank = { g_strdup (name), count, g_new0 (struct gwt_irq, count) };
  for (uint32_t i = 0; i < count; i++)
    out[i] = &bank.lines[i];
  g_array_append_val (lines_of (device)->outputs, bank);
  return 0;
}

const struct gwt_irq_api gwt_irq_ext = {
  .struct_size = sizeof (struct gwt_irq_api),
  .inputs = api_inputs,
  .outputs = api_outputs,
  .set = irq_set,
  .level = irq_level,
};

/* ---- the board's side ------------------------------------------------------------------------ */

uint32_t
gwt_irq_input_count (struct gwt_device *device, const char *name)
{
  struct input_bank *bank = find_inputs (device, name);
  return bank != NULL ? bank->count : 0;
}

uint32_t
gwt_irq_output_count (struct gwt_device *device, const char *name)
{
  struct output_bank *bank = find_outputs (device, name);
  return bank != NULL ? bank->count : 0;
}

bool
gwt_irq_connect (struct gwt_device *from, const char *out_name, uint32_t out_index,
                 struct gwt_device *to, const char *in_name, uint32_t in_line,
                 struct gwt_error *err)
{
  struct output_bank *outputs = find_outputs (from, out_name);
  struct input_bank *inputs = find_inputs (to, in_name);
  if (outputs == NULL || out_index >= outputs->count)
    gwt_error_set (err, GWT_E_NOT_FOUND,
                   "device '%s' has no interrupt output '%s' %u; it has %u of that name", from->id,
                   out_name, out_index, outputs != NULL ? outputs->count : 0);
  else if (inputs == NULL || in_line >= inputs->count)
    gwt_error_set (err, GWT_E_NOT_FOUND,
                   "device '%s' has no interrupt input '%s' %u; it has %u of that name", to->id,
                   in_name, in_line, inputs != NULL ? inputs->count : 0);
  else if (atomic_load (&outputs->lines[out_index].sink) != NULL)
    gwt_error_set (err, GWT_E_EXISTS,
                   "interrupt output '%s' %u of device '%s' is wired to device '%s' already; one "
                   "output drives "
                   "one input",
                   out_name, out_index, from->id,
                   atomic_load (&outputs->lines[out_index].sink)->device->id);
  else
    {
      struct gwt_irq *irq = &outputs->lines[out_index];
      struct input *in = &inputs->lines[in_line];
      atomic_store (&irq->sink, in);
      /* What was high in realize arrives now. */
      if (atomic_load (&irq->level) != 0)
        {
          atomic_fetch_add (&in->high, 1);
          deliver (in);
        }
      return true;
    }
  return false;
}

struct gwt_device *
gwt_irq_target (struct gwt_device *from, const char *out_name, uint32_t out_index, uint32_t *line)
{
  struct output_bank *outputs = find_outputs (from, out_name);
  if (outputs == NULL || out_index >= outputs->count)
    return NULL;
  struct input *in = atomic_load (&outputs->lines[out_index].sink);
  if (in == NULL)
    return NULL;
  *line = in->line;
  return in->device;
}
