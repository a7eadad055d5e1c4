/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A board as data: which devices, where, wired how.  The file format is told in docs/boards.md.
 * What is read here is checked for itself (names, references inside the file, ranges); device types
 * and their properties are looked at when a machine is built.
 */
#ifndef CORE_MACHINE_BOARD_H
#define CORE_MACHINE_BOARD_H

#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include "core/util/error.h"

struct gwt_json_file;

#define GWT_BOARD_FORMAT 1
#define GWT_BOARD_CPUS_MAX 512
#define GWT_BOARD_DEVICES_MAX 1024

/* A value for a property, with the place it is written at: "FILE:LINE: PATH". */
struct gwt_board_prop
{
  char *name;
  struct json_object *value; /* borrowed from the file */
  char *where;
};

struct gwt_board_wire
{
  char *out;
  uint32_t index; /* of the output; per CPU: added to the CPU's number */
  bool per_cpu;   /* output index + N goes to CPU N */
  char *to;       /* device id; NULL where per_cpu */
  char *in;
  uint32_t line;
  char *where;
};

/* Where a region goes: at ADDRESS, or (ALIGN not 0) at the first multiple of ALIGN that is behind
   RAM, however much there is. */
struct gwt_board_place
{
  uint64_t address, align;
};

struct gwt_board_device
{
  char *id;
  char *type;
  char *where;
  GArray *at;       /* struct gwt_board_place: of region 0, 1, ... */
  GPtrArray *wires; /* struct gwt_board_wire */
  GPtrArray *props; /* struct gwt_board_prop */
  int serial;       /* number of the -serial option that it takes, or -1 */
  char *serial_property;
  int pflash; /* unit of the -drive if=pflash that it takes, or -1 */
  char *pflash_property;
  /* In the guest's device tree. */
  char *fdt_parent; /* "/soc" or "/" */
  char *fdt_join;   /* id of the device to whose node this one's reg is added; it has none itself */
  GPtrArray *fdt_props;
};

struct gwt_board_model
{
  char *name;
  char *doc;
  GPtrArray *props;
};

struct gwt_board_rom
{
  char *id, *block, *where;
  uint64_t base, size;
};

/* An address range that later devices use: nothing else may be mapped there. */
struct gwt_board_window
{
  char *name, *where;
  uint64_t base, size;
};

struct gwt_board
{
  struct gwt_json_file *file; /* owns the JSON that props point into */
  char *name, *doc, *arch;

  /* CPUs */
  char *cpu_type;
  char *cpu_id;     /* ids are this and the number */
  char *cpu_number; /* property that takes the number, or NULL */
  char *cpu_where;
  uint64_t cpus_max, cpus_default;
  GPtrArray *cpu_props;
  GPtrArray *models; /* struct gwt_board_model, at least one; the first is the default */

  /* RAM and ROM */
  char *ram_block, *ram_where;
  uint64_t ram_base, ram_default, ram_min, ram_max, ram_align;
  GPtrArray *roms;    /* struct gwt_board_rom */
  GPtrArray *windows; /* struct gwt_board_window */

  GPtrArray *devices; /* struct gwt_board_device, in the order of the file */

  /* Where devices go that the user adds with -device. */
  bool has_platform;
  uint64_t platform_base, platform_size, platform_align;
  char *platform_irq_to, *platform_irq_in, *platform_where;
  uint64_t platform_irq_first, platform_irq_count, platform_irq_least;

  /* Boot */
  char *boot_rom;      /* id of the ROM that takes the reset code */
  char *firmware_file; /* default of -bios, or NULL */
  GPtrArray *firmware_dirs;
  char *firmware_package;
  char *fw_cfg;                        /* device id, or NULL */
  char *flash_device, *flash_property; /* started from when the property is set */

  /* Device tree */
  GPtrArray *fdt_root, *fdt_cpus;
  char *fdt_stdout; /* device id, or NULL */
};

struct gwt_board *gwt_board_load (const char *path, struct gwt_error *err);
/* The same on bytes in memory: the fuzz target. */
struct gwt_board *gwt_board_parse (const char *name, const char *text, size_t size,
                                   struct gwt_error *err);
/* FILE is consumed in either case. */
struct gwt_board *gwt_board_from_json (struct gwt_json_file *file, struct gwt_error *err);
void gwt_board_free (struct gwt_board *board);

const struct gwt_board_device *gwt_board_device (const struct gwt_board *board, const char *id);
const struct gwt_board_model *gwt_board_model (const struct gwt_board *board, const char *name);
const struct gwt_board_rom *gwt_board_rom (const struct gwt_board *board, const char *id);
guint gwt_board_serial_count (const struct gwt_board *board);
/* The device that takes -drive if=pflash,unit=UNIT, or NULL. */
const struct gwt_board_device *gwt_board_pflash (const struct gwt_board *board, guint unit);

#endif
