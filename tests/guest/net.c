/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets inside the guest: a stream over the loopback interface and over a UNIX socket, datagrams.
 */
#include "selftest.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* A fresh guest has its loopback interface down. */
static void
loopback_up (void)
{
  struct ifreq request = { .ifr_name = "lo" };
  int fd = socket (AF_INET, SOCK_DGRAM, 0);
  if (fd >= 0 && ioctl (fd, SIOCGIFFLAGS, &request) == 0 && !(request.ifr_flags & IFF_UP))
    {
      request.ifr_flags |= IFF_UP;
      ioctl (fd, SIOCSIFFLAGS, &request);
    }
  close (fd);
}

enum { SIZE = 400000 };

static int
send_all (int fd)
{
  uint8_t buffer[3000];
  uint64_t state = 3;
  for (int sent = 0; sent < SIZE;)
    {
      int n = SIZE - sent < (int) sizeof buffer ? SIZE - sent : (int) sizeof buffer;
      for (int i = 0; i < n; i++)
        buffer[i] = random_next (&state) >> 40;
      for (int done = 0; done < n;)
        {
          ssize_t w = write (fd, buffer + done, n - done);
          if (w <= 0)
            return 1;
          done += w;
        }
      sent += n;
    }
  return 0;
}

static int
receive_all (int fd, uint64_t *digest)
{
  uint8_t buffer[5000];
  int received = 0;
  for (ssize_t n; (n = read (fd, buffer, sizeof buffer)) > 0; received += n)
    digest_bytes (digest, buffer, n);
  CHECK (received == SIZE);
  return 0;
}

static int
stream (uint64_t *digest, int from, int to)
{
  int status;
  pid_t pid = fork ();
  CHECK (pid >= 0);
  if (pid == 0)
    {
      close (from);
      _exit (send_all (to));
    }
  close (to);
  if (receive_all (from, digest))
    return -1;
  CHECK (waitpid (pid, &status, 0) == pid && status == 0);
  close (from);
  return 0;
}

int
part_net (uint64_t *digest)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  socklen_t length = sizeof address;
  int pair[2], listener, client, server;

  loopback_up ();
  CHECK (socketpair (AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  if (stream (digest, pair[0], pair[1]))
    return -1;

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  CHECK ((listener = socket (AF_INET, SOCK_STREAM, 0)) >= 0);
  CHECK (bind (listener, (struct sockaddr *) &address, sizeof address) == 0);
  CHECK (listen (listener, 1) == 0);
  CHECK (getsockname (listener, (struct sockaddr *) &address, &length) == 0);
  CHECK ((client = socket (AF_INET, SOCK_STREAM, 0)) >= 0);
  CHECK (connect (client, (struct sockaddr *) &address, sizeof address) == 0);
  CHECK ((server = accept (listener, NULL, NULL)) >= 0);
  close (listener);
  if (stream (digest, server, client))
    return -1;

  /* datagrams keep their borders */
  CHECK ((server = socket (AF_INET, SOCK_DGRAM, 0)) >= 0);
  address.sin_port = 0;
  CHECK (bind (server, (struct sockaddr *) &address, sizeof address) == 0);
  CHECK (getsockname (server, (struct sockaddr *) &address, &length) == 0);
  CHECK ((client = socket (AF_INET, SOCK_DGRAM, 0)) >= 0);
  for (int i = 1; i < 200; i++)
    {
      uint8_t out[200], in[400];
      memset (out, i, i);
      CHECK (sendto (client, out, i, 0, (struct sockaddr *) &address, sizeof address) == i);
      CHECK (recv (server, in, sizeof in, 0) == i && memcmp (in, out, i) == 0);
      digest_u64 (digest, in[i - 1]);
    }
  close (client);
  close (server);
  return 0;
}
