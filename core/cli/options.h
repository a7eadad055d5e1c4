/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line: one table says every option's name, argument, help and place. */
#ifndef CORE_CLI_OPTIONS_H
#define CORE_CLI_OPTIONS_H

#include <glib.h>
#include <stdbool.h>
#include "core/util/error.h"

/* What was given.  Texts are the process's arguments. */
struct gwt_options
{
  const char *machine, *cpu, *memory, *smp;
  const char *bios, *kernel, *initrd, *append, *dtb, *dumpdtb;
  const char *name, *log_items, *log_file, *pidfile, *incoming, *dump_vmstate,
      *dump_manifest, *guest_manifest;
  GPtrArray *devices, *globals, *drives, *pflashes, *blockdevs, *chardevs, *serials, *qmps,
      *netdevs, *nics, *objects;
  GPtrArray *expanded; /* char *, owned: what -nic and -drive stand for */
  GPtrArray *without, *plugins, *plugin_levels, *plugin_dirs, *machine_dirs, *compat_dirs;
  bool nographic, nodefaults, paused, no_reboot, no_shutdown, only_migratable, verbose, help,
      version;
  bool log_guest;
  bool has_uuid;
  bool icount;
  unsigned icount_shift;
  uint8_t uuid[16];
  char uuid_text[37];
};

enum gwt_option_kind
{
  GWT_OPTION_FLAG,  /* bool at `offset` */
  GWT_OPTION_TEXT,  /* const char * at `offset`; once */
  GWT_OPTION_LIST,  /* GPtrArray of const char * at `offset` */
  GWT_OPTION_CALL,  /* `call` judges the argument */
  GWT_OPTION_ABSENT /* known to QEMU's users; `doc` says what holds instead */
};

struct gwt_option
{
  const char *names;    /* "M|machine": the first is the one that help shows */
  const char *argument; /* what help calls it; NULL: takes none */
  const char *group;    /* heading in the help; NULL with ABSENT */
  const char *doc;
  enum gwt_option_kind kind;
  size_t offset;
  bool (*call) (struct gwt_options *options, const char *argument, struct gwt_error *err);
};

extern const struct gwt_option gwt_option_table[]; /* ended by NULL names */

/* Both -x and --x.  On failure ERR begins with the option. */
bool gwt_options_parse (struct gwt_options *options, int argc, char **argv, struct gwt_error *err);
void gwt_options_clear (struct gwt_options *options);
char *gwt_options_help (void);

#endif
