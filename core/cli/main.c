/* SPDX-License-Identifier: BSD-2-Clause */
/* The program's entry.  All it does is in start.c, so that tests can link it. */
#include "config.h"
#include "core/cli/start.h"

int
main (int argc, char **argv)
{
  return gwt_cli_main (argc, argv);
}
