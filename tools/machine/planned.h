/* SPDX-License-Identifier: BSD-2-Clause */
/* A machine as a command line asks for it: planned, its devices made and not realized. */
#ifndef TOOLS_MACHINE_PLANNED_H
#define TOOLS_MACHINE_PLANNED_H

#include <glib.h>
#include <stdbool.h>
#include "core/machine/machine.h"

struct planned
{
  const char *machine, *cpu, *smp, *memory;
  GPtrArray *devices, *levels; /* const char *, ended by NULL */
  GPtrArray *globals;          /* const char * */
  GPtrArray *rest;             /* const char *: what is no option */
  bool json;
  struct gwt_machine *made;
};

/* What the host offers to plugins, and any id for a back end; then the options of the emulator that
   say what a machine is, plus --json.  Errors name the option. */
bool planned_init (struct planned *p, int argc, char **argv, struct gwt_error *err);
/* Devices with their values; `made` is the machine. */
bool planned_make (struct planned *p, struct gwt_error *err);
/* Its devices and the machine are gone; options stay, for another planned_make. */
void planned_unmake (struct planned *p);
void planned_clear (struct planned *p);

#endif
