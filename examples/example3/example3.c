/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device that has changed twice since its first release, and still does for a guest of each
 * release what that release did: a mailbox of some words.
 *
 *   1.0   four words
 *   2.0   sixteen words; a guest of 1.0 goes on with four
 *   3.0   counts the words that were lost, too, which a guest of 2.0 is not shown
 *
 * It is built as release 3.0; -DRELEASE=1 and -DRELEASE=2 build the older ones, so that guests can
 * be moved between them.  docs/compat-rows.md tells the story.
 */
#include <stdbool.h>
#include <godwit/godwit.h>

#ifndef RELEASE
#define RELEASE 3
#endif
#if RELEASE == 1
#define VERSION "1.0"
#elif RELEASE == 2
#define VERSION "2.0"
#else
#define VERSION "3.0"
#endif

#define REG_DATA 0x0 /* write: a word goes in; read: the oldest comes out, 0 where there is none */
#define REG_USED 0x4 /* words that are in it */
#define REG_LOST 0x8 /* from 3.0 on: words that were written while it was full; else 0 */
#define WINDOW 0x1000
#define MOST (RELEASE >= 2 ? 16 : 4)

struct example3
{
  uint32_t depth; /* words that it takes */
#if RELEASE >= 3
  bool lost_count;
  uint8_t unused[3];
  uint32_t lost;
#endif
  uint32_t used;
  uint32_t words[MOST]; /* the oldest first */
};

static const struct gwt_field fields[] = {
  GWT_PROP_ROW (struct example3, depth, "depth", .def = MOST, .min = 1, .max = MOST,
                .doc = "words that it takes"),
#if RELEASE >= 3
  GWT_PROP_ROW (struct example3, lost_count, "lost-count", .def = true,
                .doc = "register at 8 counts the words that were lost"),
  GWT_HOST_ROW (struct example3, unused, "padding"),
  GWT_STATE_ROW (struct example3, lost, "lost", .when = "lost-count", .doc = "words lost"),
#endif
  GWT_STATE_ROW (struct example3, used, "used", .max = MOST, .doc = "words in it"),
  GWT_STATE_ARRAY (struct example3, words, "words", .count = "depth", .doc = "the oldest first"),
};

/* The section of 1.0 is that of all releases: where the depth is four there are four words in it.
   What came later is a subsection that hangs on its property. */
static const struct gwt_vm_field saved[] = {
  GWT_VM_VALUE (struct example3, used, .max = MOST),
  GWT_VM_ARRAY_COUNTED (struct example3, words, depth),
};

#if RELEASE >= 3
static const struct gwt_vm_field saved_lost[] = {
  GWT_VM_VALUE (struct example3, lost),
};
static const struct gwt_vmstate lost
    = GWT_VMSTATE (struct example3, "example3/lost", 1, 1, saved_lost, .when = "lost-count");
static const struct gwt_vmstate *const subsections[] = { &lost, NULL };
#else
static const struct gwt_vmstate *const *const subsections = NULL;
#endif

/* Set by the loader, and by start () below, before anything else is called. */
static const struct gwt_host *host;
static const struct gwt_memory_api *memory;

/* A stream may come from a guest that had more in it than this one takes. */
static int
example3_post_load (void *self, uint32_t version, struct gwt_error *err)
{
  const struct example3 *e = self;

  (void)version;
  if (e->used <= e->depth)
    return 0;
  host->error_set (err, GWT_E_INVALID, "%u words in a mailbox of %u", (unsigned)e->used,
                   (unsigned)e->depth);
  return -1;
}

static const struct gwt_vmstate state
    = GWT_VMSTATE (struct example3, "example3", 1, 1, saved, .subsections = subsections,
                   .post_load = example3_post_load);
static const struct gwt_vmstate *const states[] = { &state, NULL };

/* To behave as that version or older, the property is so.  Each row came in the release that
   changed the default. */
#if RELEASE >= 2
static const struct gwt_compat_row compat[] = {
  { "1.0", "example3", "depth", "4" },
#if RELEASE >= 3
  { "2.0", "example3", "lost-count", "off" },
#endif
};
#endif

static uint32_t
example3_read (void *self, uint64_t offset, uint32_t size, uint64_t *value)
{
  struct example3 *e = self;

  (void)size;
  if (offset == REG_USED)
    *value = e->used;
  if (offset == REG_DATA && e->used > 0)
    {
      *value = e->words[0];
      e->used--;
      for (uint32_t i = 0; i < e->used; i++)
        e->words[i] = e->words[i + 1];
    }
#if RELEASE >= 3
  if (offset == REG_LOST && e->lost_count)
    *value = e->lost;
#endif
  return GWT_ACCESS_OK;
}

static uint32_t
example3_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  struct example3 *e = self;

  (void)size;
  if (offset != REG_DATA)
    return GWT_ACCESS_OK;
  if (e->used < e->depth)
    e->words[e->used++] = (uint32_t)value;
#if RELEASE >= 3
  else if (e->lost_count)
    e->lost++;
#endif
  return GWT_ACCESS_OK;
}

/* For who looks from outside: what the guest would read at OFFSET, and what it would write. */
static uint32_t
example3_peek (void *self, uint32_t offset, struct gwt_error *err)
{
  uint64_t value = 0;

  (void)err;
  example3_read (self, offset, 4, &value);
  return (uint32_t)value;
}

static void
example3_put (void *self, uint32_t word, struct gwt_error *err)
{
  (void)err;
  example3_write (self, REG_DATA, 4, word);
}

static const struct gwt_method methods[] = {
  { "u32 peek(u32 offset)", "what the guest reads there", (gwt_method_fn)example3_peek },
  { "void put(u32 word)", "as the guest writes a word", (gwt_method_fn)example3_put },
};

static const struct gwt_mmio_ops example3_ops = {
  .struct_size = sizeof example3_ops,
  .min_size = 4,
  .max_size = 4,
  .read = example3_read,
  .write = example3_write,
};

static int
example3_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  (void)self;
  return memory->mmio (device, "example3", WINDOW, &example3_ops, err) != NULL ? 0 : -1;
}

static void
example3_reset (void *self, uint32_t kind)
{
  struct example3 *e = self;

  (void)kind;
  e->used = 0;
#if RELEASE >= 3
  e->lost = 0;
#endif
  for (uint32_t i = 0; i < MOST; i++)
    e->words[i] = 0;
}

static const struct gwt_device_type example3_type = {
  .struct_size = sizeof example3_type,
  .name = "example3",
  .doc = "a mailbox",
  .flags = GWT_TYPE_USER,
  .instance_size = sizeof (struct example3),
  .fields = fields,
  .field_size = sizeof fields[0],
  .n_fields = GWT_COUNT (fields),
  .methods = methods,
  .method_size = sizeof methods[0],
  .n_methods = GWT_COUNT (methods),
  .states = states,
  .realize = example3_realize,
  .reset = example3_reset,
};

static int
example3_start (const struct gwt_host *h, struct gwt_error *err)
{
  (void)err;
  memory = h->extension (GWT_MEMORY_EXT);
  return 0;
}

static const char *const required[] = { GWT_MEMORY_EXT, NULL };
static const struct gwt_device_type *const types[] = { &example3_type, NULL };

static const struct gwt_plugin plugin = {
  .struct_size = sizeof plugin,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor_needed = 0,
  .id = "example3",
  .version = VERSION,
  .doc = "example: a device with a past",
  .required = required,
  .types = types,
#if RELEASE >= 2
  .compat = compat,
  .compat_row_size = sizeof compat[0],
  .n_compat = GWT_COUNT (compat),
#endif
  .start = example3_start,
};

GWT_PLUGIN_DEFINE ("example3", VERSION, "example3", plugin, host)
