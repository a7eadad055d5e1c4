/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine: from what the user asked for, a machine type and a board to devices that stand,
 * wired and mapped, with a device tree and images in memory.  One per process.  All [main].
 */
#ifndef CORE_MACHINE_MACHINE_H
#define CORE_MACHINE_MACHINE_H

#include <glib.h>
#include <stdbool.h>
#include "core/device/device.h"
#include "core/device/spec.h"
#include "core/machine/machine-type.h"
#include "core/memory/memory.h"
#include "core/util/error.h"

struct gwt_boot;
struct gwt_manifest;
struct gwt_manifest_property;
struct gwt_memdev;

/* What the user asked for; texts as typed, NULL where not given.  Borrowed. */
struct gwt_machine_config
{
  const char *machine; /* -M NAME[,option=value...] */
  const char *cpu, *smp, *memory;
  const char *bios, *kernel, *initrd, *append, *dtb;
  const char *const *devices; /* -device, ended by NULL; may be NULL */
  const char *const *plugin_levels; /* likewise */
  guint n_serials;            /* how often -serial is given */
  /* Block back ends by flash unit, "": none; ended by NULL.  May be NULL. */
  const char *const *pflashes;
  /* Ids of character back ends, one per port, "none": nothing; ended by NULL.  Needed to build. */
  const char *const *serials;
  const uint8_t *uuid; /* 16 bytes, or NULL */
  bool paused;         /* -S, or only described: starts with nothing to run, too */
  bool awaits;         /* a guest comes, and brings its firmware */
};

struct gwt_topology
{
  uint32_t cpus, sockets, cores, threads;
};

struct gwt_machine
{
  struct gwt_machine_config config;
  struct gwt_machine_choice *choice;
  const struct gwt_board *board; /* of choice */
  char *name;                    /* the machine type's, as resolved */
  char *dumpdtb;                 /* -M ...,dumpdtb=FILE, or NULL */
  struct gwt_memdev *memdev;     /* -M ...,memory-backend=ID, or NULL */

  uint64_t ram_size;
  struct gwt_topology topology;
  const struct gwt_board_model *model;
  struct gwt_spec *cpu_spec; /* -cpu, or the default of CPU_DEFAULT */
  const struct gwt_machine_type *cpu_default; /* of choice, or NULL: -cpu was given */
  GPtrArray *user_specs;     /* struct gwt_spec, -device */
  GPtrArray *added_specs;    /* struct gwt_spec with ids, device_add; see gwt_hotplug_again */
  struct gwt_boot *boot;

  struct gwt_region *ram;
  GPtrArray *cpus;         /* struct gwt_device */
  GPtrArray *devices;      /* struct gwt_device, as board->devices */
  GPtrArray *user_devices; /* struct gwt_device, as user_specs */
  uint64_t platform_next;  /* address for the next -device */
  uint32_t platform_line;
  const struct gwt_manifest *incoming; /* while it is built for a guest that comes, or NULL */
  bool is_guests; /* all of it is that guest's, no option's */
  struct gwt_manifest *came_with; /* of where the guest was before, or NULL */
};

/* Everything that can be judged without making anything: files, names, numbers, plugins. */
struct gwt_machine *gwt_machine_plan (const struct gwt_machine_config *config,
                                      struct gwt_error *err);
/* Memory, devices, wires, the device tree, images laid out.  Needs the back ends that -serial and
   -device name.  Nothing outside the process is touched. */
bool gwt_machine_build (struct gwt_machine *machine, struct gwt_error *err);
/* The part of it that makes devices and gives them their values, without realizing any. */
bool gwt_machine_make_devices (struct gwt_machine *machine, struct gwt_error *err);
/* Reset all devices and load the images (IMAGES false: a guest comes that brings its own memory):
   what power-on does.  Also sets the reset hook. */
bool gwt_machine_power_on (struct gwt_machine *machine, bool images, struct gwt_error *err);
/* Undo power_on and build: no device is left, no memory, and no migration entry of them; what was
   planned stays, and can be built again.  vCPUs stand still. */
void gwt_machine_take_down (struct gwt_machine *machine);
/* Not before every device is destroyed. */
void gwt_machine_free (struct gwt_machine *machine);

/* As text, or NULL: it has none.  Caller frees. */
char *gwt_machine_uuid (const struct gwt_machine *machine);
/* The blob that the guest is given. */
const void *gwt_machine_dtb (const struct gwt_machine *machine, size_t *size);

/* Texts for "-smp help" and "-cpu help"; caller frees. */
char *gwt_machine_smp_help (const struct gwt_machine_choice *choice);
char *gwt_machine_cpu_help (const struct gwt_machine_choice *choice, struct gwt_error *err);

/* Parsers of single options, for planning and for tests. */
bool gwt_machine_parse_smp (const char *text, const char *fill, uint32_t cpus_default,
                            uint32_t cpus_max, struct gwt_topology *out, struct gwt_error *err);
bool gwt_machine_parse_memory (const char *text, const struct gwt_board *board, uint64_t *size,
                               struct gwt_error *err);
/* NAME and options of -M; OPTIONS: name, value, name, value, ..., NULL. */
bool gwt_machine_split_name (const char *text, char **name, char ***options, struct gwt_error *err);
/* The nearest type of the chain that says something about WHAT, or NULL. */
enum gwt_machine_default
{
  GWT_DEFAULT_CPU,
  GWT_DEFAULT_CPUS,
  GWT_DEFAULT_MEMORY,
  GWT_DEFAULT_SMP_FILL,
  GWT_DEFAULT_FIRMWARE
};
const struct gwt_machine_type *gwt_machine_choice_with (const struct gwt_machine_choice *choice,
                                                        enum gwt_machine_default what);
const char *gwt_machine_choice_smp_fill (const struct gwt_machine_choice *choice);

/* compat.c: give DEVICE its values below -device: plugin rows, machine type, board, -global, and
   what a user set of it where the guest was before, as INCOMING (may be NULL) tells. */
bool gwt_machine_apply (const struct gwt_machine_choice *choice, struct gwt_device *device,
                        GPtrArray *board_props, GPtrArray *model_props,
                        const struct gwt_manifest *incoming, struct gwt_error *err);
/* What the guest's DEVICE, as INCOMING tells, has chosen by itself, it has here as well: a free
   place on a bus or a number may be another one where devices have gone since. */
void gwt_machine_apply_chosen (const struct gwt_manifest *incoming, struct gwt_device *device);
/* Where P came from, as the provenance of a value that was taken over; caller frees. */
char *gwt_machine_incoming_detail (const struct gwt_manifest_property *p);
/* What PROPERTY of a device of TYPE is under CHOICE where nobody says anything else; new reference.
   NULL for an abstract type, or with ERR set. */
struct json_object *gwt_machine_promised (const struct gwt_machine_choice *choice,
                                          const struct gwt_type *type, const char *property,
                                          struct gwt_error *err);
/* Overrides and levels name properties and plugins that exist, where their plugin is there at all.
 */
bool gwt_machine_check_compat (const struct gwt_machine_choice *choice, struct gwt_error *err);

#endif
