/* SPDX-License-Identifier: BSD-2-Clause */
/* The program's entry.  All it does is in start.c, so that tests can link it. */
#include "config.h"
#include "core/cli/start.h"
#include <fcntl.h>
#include <unistd.h>

/* Whoever started us may have closed 0, 1 or 2.  The next file or socket opened would get the
   number, and messages or the guest's output would go there. */
static bool
hold_standard_streams (void)
{
  int fd;
  do
    fd = open ("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO);
  return fd >= 0 && close (fd) == 0;
}

int
main (int argc, char **argv)
{
  if (!hold_standard_streams ())
    return 1;
  return gwt_cli_main (argc, argv);
}
