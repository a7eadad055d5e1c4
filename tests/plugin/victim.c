/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small plugin that tests build again and again with one thing wrong: -D names the thing. Without
 * any it is good.
 */
#include <godwit/godwit.h>

#ifndef ID
#define ID "victim"
#endif
#ifndef VERSION
#define VERSION "1.2"
#endif
#ifndef TYPE
#define TYPE "victim"
#endif
#ifndef NOTE_ID
#define NOTE_ID ID
#endif
#ifndef NOTE_VERSION
#define NOTE_VERSION VERSION
#endif
#ifndef NOTE_TYPES
#define NOTE_TYPES TYPE
#endif
#ifndef NOTE_OFFERS
#define NOTE_OFFERS OFFERS
#endif
#ifndef OFFERS
#define OFFERS ""
#endif
#ifndef NOTE_MAJOR
#define NOTE_MAJOR GWT_ABI_MAJOR
#endif
#ifndef NOTE_MINOR
#define NOTE_MINOR GWT_ABI_MINOR
#endif
#ifndef MAJOR
#define MAJOR GWT_ABI_MAJOR
#endif
#ifndef MINOR
#define MINOR GWT_ABI_MINOR
#endif
#ifndef DESC_SIZE
#define DESC_SIZE sizeof (struct gwt_note_desc)
#endif
#ifndef REQUIRED
#define REQUIRED GWT_DEVICE_EXT
#endif
#ifndef STRUCT_SIZE
#define STRUCT_SIZE sizeof (struct gwt_plugin)
#endif
#ifndef SIGNATURE
#define SIGNATURE "u32 twice(u32 value)"
#endif
#ifndef FLAGS
#define FLAGS GWT_TYPE_USER
#endif
#ifndef COMPAT
#define COMPAT                                                                                     \
  {                                                                                                \
    "1.0", TYPE, "value", "3"                                                                      \
  }
#endif

static const struct gwt_host *host;

struct victim
{
  uint32_t value;
  uint32_t state;
};

static const struct gwt_field fields[] = {
  GWT_PROP_ROW (struct victim, value, "value", .def = 1, .min = 1, .max = 9, .doc = "a value"),
#ifndef GAP
  GWT_STATE_ROW (struct victim, state, "state", .doc = "state"),
#endif
};

static int
realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  (void)self;
  (void)device;
  (void)err;
#ifdef REALIZE_FAILS
  host->error_set (err, GWT_E_FAILED, "%s", "not\ntoday");
  return -1;
#endif
  return 0;
}

static uint32_t
twice (void *self, uint32_t value, struct gwt_error *err)
{
  (void)self;
  (void)err;
  return 2 * value;
}

static const struct gwt_method methods[] = { { SIGNATURE, "doubles", (gwt_method_fn)twice } };

static const struct gwt_device_type type = {
  .struct_size = sizeof (struct gwt_device_type),
  .name = TYPE,
  .doc = "for tests",
#ifdef PARENT
  .parent = PARENT,
#endif
  .flags = FLAGS,
  .instance_size = sizeof (struct victim),
  .fields = fields,
  .field_size = sizeof (struct gwt_field),
  .n_fields = GWT_COUNT (fields),
  .methods = methods,
  .method_size = sizeof (struct gwt_method),
  .n_methods = GWT_COUNT (methods),
  .realize = realize,
};

#ifdef ORPHAN
static const struct gwt_device_type orphan = {
  .struct_size = sizeof (struct gwt_device_type),
  .name = "orphan",
  .parent = ORPHAN,
  .doc = "for tests",
  .flags = GWT_TYPE_ABSTRACT,
};
static const struct gwt_device_type grandchild = {
  .struct_size = sizeof (struct gwt_device_type),
  .name = "grandchild",
  .parent = "orphan",
  .doc = "for tests",
  .flags = GWT_TYPE_USER,
  .instance_size = sizeof (struct victim),
  .fields = fields,
  .field_size = sizeof (struct gwt_field),
  .n_fields = GWT_COUNT (fields),
  .realize = realize,
};
#endif

static const struct gwt_device_type *const types[] = {
#ifdef ORPHAN
  &grandchild, &orphan,
#endif
  &type,
#ifdef TYPE_TWICE
  &type,
#endif
  NULL
};
static const char *const required[] = { REQUIRED, NULL };
static const struct gwt_extension offers[] = { { OFFERS, &host } };
static const struct gwt_compat_row compat[] = { COMPAT };

#ifdef UNRESOLVED
void nobody_has_this (void);
#endif

#ifdef START
static int
start (const struct gwt_host *h, struct gwt_error *err)
{
  if (START != 1)
    h->error_set (err, GWT_E_FAILED, "first line\nsecond\tline\033[31m");
#ifdef UNRESOLVED
  nobody_has_this ();
#endif
  return START == 2 ? 0 : -1;
}
#endif

static const struct gwt_plugin plugin = {
  .struct_size = STRUCT_SIZE,
  .abi_major = MAJOR,
  .abi_minor_needed = MINOR,
  .id = ID,
  .version = VERSION,
  .doc = "for tests",
  .required = required,
  .offers = offers,
  .offer_size = sizeof (struct gwt_extension),
  .n_offers = sizeof (OFFERS) > 1,
  .types = types,
  .compat = compat,
  .compat_row_size = sizeof (struct gwt_compat_row),
  .n_compat = 1,
#ifdef START
  .start = start,
#endif
};

#ifndef NO_NOTE
__attribute__ ((used, aligned (4), section (GWT_NOTE_SECTION))) static const struct gwt_note note
    = { sizeof GWT_NOTE_OWNER,
        sizeof (struct gwt_note_desc),
        GWT_NOTE_TYPE,
        GWT_NOTE_OWNER,
        { NOTE_MAJOR, NOTE_MINOR, DESC_SIZE, 0, NOTE_ID, NOTE_VERSION, NOTE_TYPES, NOTE_OFFERS } };
#endif

#ifdef EXPORT
GWT_EXPORT void helper (void);
GWT_EXPORT void
helper (void)
{
}
#endif

#ifdef NO_ENTRY
#define godwit_plugin_v1 godwit_plugin_v0
#endif
GWT_EXPORT const struct gwt_plugin *godwit_plugin_v1 (const struct gwt_host *h,
                                                      struct gwt_error *err);
GWT_EXPORT const struct gwt_plugin *
godwit_plugin_v1 (const struct gwt_host *h, struct gwt_error *err)
{
  host = h;
#ifdef ENTRY_NULL
  if (ENTRY_NULL == 2)
    h->error_set (err, GWT_E_UNSUPPORTED, "no\nthanks");
  return NULL;
#else
  (void)err;
  return &plugin;
#endif
}
