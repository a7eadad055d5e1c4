/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices: instances, ids and paths, properties with provenance, life cycle, reset.  All [main]
 * unless said.
 */
#ifndef CORE_DEVICE_DEVICE_H
#define CORE_DEVICE_DEVICE_H

#include <glib.h>
#include <json-c/json.h>
#include <pthread.h>
#include <stdbool.h>
#include <godwit/device.h>
#include "core/device/type.h"
#include "core/util/error.h"

/* Where a property's value came from, in the order in which later ones win. */
enum gwt_source
{
  GWT_SOURCE_DEFAULT = 0,   /* the type's default */
  GWT_SOURCE_PLUGIN_COMPAT, /* a compat row of the plugin */
  GWT_SOURCE_MACHINE,       /* a machine type's override */
  GWT_SOURCE_BOARD,
  GWT_SOURCE_GLOBAL,   /* -global */
  GWT_SOURCE_INCOMING, /* what the guest carried here */
  GWT_SOURCE_DEVICE    /* -device, device_add, or an option that stands for one */
};

/* One who had a say, whether or not others had the last one. */
struct gwt_provenance_step
{
  enum gwt_source source;
  char *detail, *value; /* VALUE as gwt_device_get_text writes it */
};

struct gwt_provenance
{
  enum gwt_source source;
  char *detail; /* "-global ns16550.x=1", "virt-1.0", "plugin virtio-blk, level 5.1"; owned */
  GPtrArray *steps; /* struct gwt_provenance_step in order, the default not among them; or NULL */
};

struct gwt_device
{
  char *id;
  char *path; /* "/machine/ID" */
  const struct gwt_type *type;
  void *instance;
  /* The part that is of the parent type, if that has an instance; a struct of the same kind, in no
     list, that shares id and path.  Other layers only ever see the outermost. */
  struct gwt_device *base;
  struct gwt_provenance *provenance; /* one per row of type->fields */
  GPtrArray *strings; /* every text a property ever had, owned: old ones may still be in use */
  char **texts;       /* one per row: text of GWT_STR, id of a link or back end; in strings */
  bool realized;
  bool from_board;
  bool hotplugged; /* made while the machine runs */
  bool leaving;    /* on its way out: gwt_device_next_leaving */
  /* lock.c */
  pthread_mutex_t lock;
  /* Things of other layers that die with the device, newest first: see gwt_device_on_destroy. */
  GSList *cleanups;
  /* Host-private data of other layers by key (memory's regions, irq's lines). */
  GHashTable *attached;
  void *vcpu; /* core/cpu's vCPU of a CPU device, so that waking one needs no search; else NULL */
};

/* Make an instance and run init.  ID NULL: "TYPE0", "TYPE1", ...  Errors: unknown or abstract type,
   taken or malformed id. */
struct gwt_device *gwt_device_new (const struct gwt_type *type, const char *id,
                                   struct gwt_error *err);
/* Set a property from text as typed by a user, or from JSON; bounds, kinds and names are checked.
   A value from an earlier source never replaces one of a later source. */
bool gwt_device_set (struct gwt_device *device, const char *name, const char *text,
                     enum gwt_source source, const char *detail, struct gwt_error *err);
bool gwt_device_set_json (struct gwt_device *device, const char *name, struct json_object *value,
                          enum gwt_source source, const char *detail, struct gwt_error *err);
/* New reference to the value as JSON, or NULL with ERR set. */
struct json_object *gwt_device_get_json (struct gwt_device *device, const char *name,
                                         struct gwt_error *err);
const struct gwt_provenance *gwt_device_provenance (struct gwt_device *device, const char *name);
/* The value of NAME stays what it is, and came from SOURCE: for a value that was found to be what
   somebody wanted.  Where a later source set it nothing changes. */
void gwt_device_note_source (struct gwt_device *device, const char *name, enum gwt_source source,
                             const char *detail);
const char *gwt_source_name (enum gwt_source source);
/* explain.c: property NAME, or every one where NAME is NULL, as a JSON list: value, who had the
   last word, and who else had a say, the default first.  New reference; NULL with ERR set. */
struct json_object *gwt_device_explain (struct gwt_device *device, const char *name,
                                        struct gwt_error *err);
/* The same of one property as a line of text, "P = V  source, detail; was W (source, detail)". */
char *gwt_device_explain_text (struct gwt_device *device, const char *name, struct gwt_error *err);
/* Check required properties and realize. */
bool gwt_device_realize (struct gwt_device *device, struct gwt_error *err);
/* Unrealize if realized, drop what other layers attached, free. */
void gwt_device_destroy (struct gwt_device *device);
void gwt_device_destroy_all (void); /* newest first */

struct gwt_device *gwt_device_find (const char *id);
struct gwt_device *gwt_device_find_path (const char *path);
/* All devices in order of creation; g_free the array. */
struct gwt_device **gwt_device_list (guint *count);
const void *gwt_device_interface (struct gwt_device *device, const char *id);
/* The part of DEVICE that offers interface ID; the part of type NAME; the part whose own property
   NAME is.  NULL where there is none. */
struct gwt_device *gwt_device_interface_part (struct gwt_device *device, const char *id);
struct gwt_device *gwt_device_part (struct gwt_device *device, const char *type_name);
struct gwt_device *gwt_device_property_part (struct gwt_device *device, const char *name);
struct gwt_device *gwt_device_nth_with_interface (const char *id, guint n);
/* Reset every realized device in order of creation, or one.  vCPUs stand still. */
void gwt_device_reset_all (uint32_t kind);
void gwt_device_reset (struct gwt_device *device, uint32_t kind);
/* FN (DATA) runs after unrealize, before the instance is freed; newest first. */
void gwt_device_on_destroy (struct gwt_device *device, void (*fn) (void *data), void *data);

/* How ids of back ends become what a member of KIND (GWT_CHARDEV, GWT_BLOCK, GWT_NETDEV)
   holds; set by the layer that has them. */
typedef void *(*gwt_backend_finder) (const char *id);
void gwt_device_set_backend_finder (uint32_t kind, gwt_backend_finder finder);
/* Value as text that gwt_device_set reads back; caller frees.  NULL with ERR set. */
char *gwt_device_get_text (struct gwt_device *device, const char *name, struct gwt_error *err);

/* leaving.c: DEVICE is to go: it is given out by gwt_device_next_leaving, in order, and the hook is
   called.  Under the machine lock. */
void gwt_device_unplug (struct gwt_device *device);
/* The first device that is to go and has not been destroyed, or NULL. */
struct gwt_device *gwt_device_next_leaving (void);
/* It stays after all, or is being destroyed: off the list. */
void gwt_device_forget_leaving (struct gwt_device *device);
/* The guest refuses to let go of it. */
void gwt_device_unplug_refused (struct gwt_device *device);
/* What to do in these cases; either may be NULL.  Called under the machine lock by any thread. */
void gwt_device_set_unplug_hooks (void (*leaving) (void),
                                  void (*refused) (struct gwt_device *device));
/* Another device with a property that names DEVICE, or NULL. */
struct gwt_device *gwt_device_linked_by (struct gwt_device *device);

/* What gwt.device/1's cpu_count answers; set by the machine before devices are made. */
void gwt_device_set_cpu_count (uint32_t count);
uint32_t gwt_device_cpu_count (void);
/* Register "gwt.device/1" and "gwt.irq/1". */
void gwt_device_register_extensions (void);

/* Call a typed method with a JSON array or object of arguments; *RESULT is a new reference (JSON
   null for void). */
bool gwt_device_call (struct gwt_device *device, const char *method, struct json_object *args,
                      struct json_object **result, struct gwt_error *err);

#endif
