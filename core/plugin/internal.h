/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of core/plugin. */
#ifndef CORE_PLUGIN_INTERNAL_H
#define CORE_PLUGIN_INTERNAL_H

#include <sys/types.h>
#include "core/plugin/loader.h"

enum gwt_plugin_state
{
  GWT_PLUGIN_FOUND,   /* its note is good, no code has run */
  GWT_PLUGIN_LOADING, /* to notice circles of requirements */
  GWT_PLUGIN_LOADED,
  GWT_PLUGIN_REFUSED
};

/* A plugin as the loader sees it; INFO comes first, so that a pointer to one is a pointer to the
 * other. */
struct gwt_plugin_entry_
{
  struct gwt_plugin_info info;
  enum gwt_plugin_state state;
  unsigned order; /* of being found: earlier wins */
  bool shadowed;  /* another file with its id comes first */
  dev_t device;
  ino_t inode;
};

/* load.c: dlopen, handshake, register.  Sets info.plugin or info.refusal. */
bool gwt_plugin_load (struct gwt_plugin_entry_ *entry, struct gwt_error *err);

/* loader.c: load the plugin that offers extension ID, if one is found.  False with ERR set where
   one is found and refused, or where none is. */
bool gwt_loader_need_extension (const char *id, struct gwt_error *err);

#endif
