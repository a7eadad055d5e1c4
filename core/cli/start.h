/* SPDX-License-Identifier: BSD-2-Clause */
/* From options to a running guest, and to an exit status. */
#ifndef CORE_CLI_START_H
#define CORE_CLI_START_H

#include <stdbool.h>
#include "core/cli/options.h"
#include "core/machine/machine.h"

/* The whole program; returns the exit status. */
int gwt_cli_main (int argc, char **argv);

/* query.c: -help, -version, -M help, -device help, ...: true when one was asked for and printed, or
   failed with ERR set.  The loader is ready. */
bool gwt_cli_query (const struct gwt_options *options, struct gwt_error *err);

/* disks.c: -blockdev and -drive are opened; what -drive asks for is added to the devices.  Ids of
   what is in the board's flash banks go to UNITS, which ends with NULL; "": nothing. */
bool gwt_cli_make_disks (struct gwt_options *options, GPtrArray *units, struct gwt_error *err);
bool gwt_cli_check_disks_used (const struct gwt_options *options, struct gwt_error *err);

/* backends.c: what -chardev, -serial and the default console mean.  Ids per serial port are added
   to SERIAL_IDS, which then ends with NULL.  BOARD NULL: it is not known yet. */
bool gwt_cli_make_backends (const struct gwt_options *options, const struct gwt_board *board,
                            GPtrArray *serial_ids, struct gwt_error *err);
bool gwt_cli_check_backends_used (const struct gwt_options *options, struct gwt_error *err);

/* network.c: -nic becomes -netdev and -device; -netdev becomes back ends, each with a device. */
bool gwt_cli_expand_nics (struct gwt_options *options, struct gwt_error *err);
bool gwt_cli_make_netdevs (const struct gwt_options *options, struct gwt_error *err);
bool gwt_cli_check_netdevs_used (struct gwt_error *err);

#endif
