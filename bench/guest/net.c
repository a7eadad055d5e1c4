/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's side of bench-net: TCP connections to the host and from it.

     connect PORT send|take COUNT
     listen PORT send|take COUNT

   per line of standard input.  "@listening" where it listens; a taker answers with one byte when
   COUNT have come, a sender waits for that byte; then "@end".  It must not measure time: the host
   does.  */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define GATEWAY "10.0.2.2"

static char block[256 << 10];

static void
fail (const char *what)
{
  printf ("@failed %s: %s\n", what, strerror (errno));
  exit (1);
}

static int
open_connection (const char *how, unsigned port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons ((uint16_t) port) };
  int s = socket (AF_INET, SOCK_STREAM, 0), on = 1, peer;

  if (s < 0)
    fail ("socket");
  if (strcmp (how, "connect") == 0)
    {
      inet_pton (AF_INET, GATEWAY, &address.sin_addr);
      if (connect (s, (struct sockaddr *) &address, sizeof address) < 0)
        fail ("connect");
      return s;
    }
  setsockopt (s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind (s, (struct sockaddr *) &address, sizeof address) < 0 || listen (s, 1) < 0)
    fail ("listen");
  printf ("@listening\n");
  peer = accept (s, NULL, NULL);
  if (peer < 0)
    fail ("accept");
  close (s);
  return peer;
}

static void
work (int s, const char *what, uint64_t count)
{
  char byte = 1;

  while (count)
    {
      size_t part = count < sizeof block ? (size_t) count : sizeof block;
      ssize_t n = *what == 's' ? send (s, block, part, MSG_NOSIGNAL) : recv (s, block, part, 0);

      if (n <= 0)
        fail (what);
      count -= (uint64_t) n;
    }
  if (*what == 's' ? recv (s, &byte, 1, 0) != 1 : send (s, &byte, 1, MSG_NOSIGNAL) != 1)
    fail ("the last byte");
  close (s);
}

int
main (void)
{
  char line[128], how[16], what[16];
  unsigned long long count;
  unsigned port;
  int status;

  setvbuf (stdout, NULL, _IOLBF, 0);
  if (system ("network >/dev/null 2>&1") != 0)
    fail ("network");
  for (status = 0; status < (int) sizeof block; status++)
    block[status] = (char) (status * 7);
  printf ("@ready\n");
  while (fgets (line, sizeof line, stdin) && sscanf (line, "%15s %u %15s %llu", how, &port, what,
                                                     &count) == 4)
    {
      work (open_connection (how, port), what, count);
      printf ("@end\n");
    }
  return 0;
}
