/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The base table that the host gives to every plugin.  Owns nothing but the table; must not know
 * who calls.
 */
#include "config.h"
#include "core/plugin/loader.h"
#include "core/util/extension.h"
#include "core/util/log.h"

static const char *
host_intern (const char *text)
{
  return g_intern_string (text);
}

static const struct gwt_host host = {
  .struct_size = sizeof (struct gwt_host),
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor = GWT_ABI_MINOR,
  .name = "godwit",
  .version = PACKAGE_VERSION,
  .extension = gwt_extension_find,
  .error_set = gwt_error_set,
  .error_vset = gwt_error_vset,
  .log = gwt_log,
  .vlog = gwt_vlog,
  .intern = host_intern,
};

const struct gwt_host *
gwt_host_table (void)
{
  return &host;
}
