/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What it costs to send guest memory and to take it, without a guest: CPU time of both ends, each a
 * process, by what the memory holds and by what is between them.
 * Usage: micro-ram [MiB]
 */
#include "config.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/cpu/run.h"
#include "core/migration/ram-internal.h"

#define PAGE 4096u

static uint64_t size;

static double
now (void)
{
  return (double) g_get_monotonic_time () / 1e6;
}

static double
cpu (int who)
{
  struct rusage u;

  getrusage (who, &u);
  return (double) (u.ru_utime.tv_sec + u.ru_stime.tv_sec)
         + (double) (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
die (const char *what)
{
  fprintf (stderr, "micro-ram: %s: %s\n", what, g_strerror (errno));
  exit (1);
}

static bool
send_all (void *opaque, const struct iovec *iov, int n, struct gwt_error *err)
{
  g_autofree struct iovec *v = g_memdup2 (iov, sizeof (*iov) * (gsize) n);
  int fd = *(int *) opaque, at = 0;

  (void) err;
  while (at < n)
    {
      ssize_t done = writev (fd, v + at, n - at);

      if (done < 0)
        die ("write");
      for (; at < n && (size_t) done >= v[at].iov_len; at++)
        done -= (ssize_t) v[at].iov_len;
      if (at < n)
        {
          v[at].iov_base = (char *) v[at].iov_base + done;
          v[at].iov_len -= (size_t) done;
        }
    }
  return true;
}

static gssize
receive (void *opaque, uint8_t *buffer, gsize n, struct gwt_error *err)
{
  ssize_t got = read (*(int *) opaque, buffer, n);

  (void) err;
  if (got < 0)
    die ("read");
  return got;
}

static uint8_t *
make_ram (void)
{
  GWT_AUTO_ERROR (err);
  struct gwt_region *region = gwt_memory_new_ram ("ram", size, GWT_RAM_MIGRATED, &err);

  if (region == NULL || !gwt_memory_map (region, 0x80000000, 0, &err))
    {
      gwt_error_report (&err, "micro-ram");
      exit (1);
    }
  return gwt_memory_region_block (region)->host;
}

/* The other process: takes PAYLOADS of them. */
static void
take (int fd)
{
  GWT_AUTO_ERROR (err);
  struct gwt_vm_in *in = gwt_vm_in_new (receive, &fd);
  uint8_t more;

  make_ram ();
  while (gwt_vm_peek (in, &more, 1, &err) == 1)
    if (!gwt_ram_load (NULL, in, 4, &err))
      break;
  if (gwt_error_is_set (&err))
    gwt_error_report (&err, "micro-ram");
  _exit (0);
}

static void
fill (uint8_t *ram, guint of_ten, bool touch)
{
  uint64_t seed = 1;

  for (uint64_t at = 0; at < size; at += PAGE)
    if (at / (2u << 20) % 10 < of_ten)
      for (guint i = 0; i < PAGE; i += 64, seed = seed * 6364136223846793005 + 1442695040888963407)
        memcpy (ram + at + i, &seed, 8);
    else if (touch)
      memset (ram + at, 0, PAGE);
}

static void
connect_pair (const char *how, int fd[2])
{
  struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof (a);
  int l;

  if (strcmp (how, "unix") == 0)
    {
      if (socketpair (AF_UNIX, SOCK_STREAM, 0, fd) != 0)
        die (how);
      return;
    }
  l = socket (AF_INET, SOCK_STREAM, 0);
  fd[0] = socket (AF_INET, SOCK_STREAM, 0);
  if (bind (l, (struct sockaddr *) &a, sizeof (a)) != 0 || listen (l, 1) != 0
      || getsockname (l, (struct sockaddr *) &a, &length) != 0
      || connect (fd[0], (struct sockaddr *) &a, length) != 0
      || (fd[1] = accept (l, NULL, NULL)) < 0)
    die (how);
  close (l);
}

static void
bench (const char *how, const char *what, guint of_ten, bool touch, bool xbzrle)
{
  GWT_AUTO_ERROR (err);
  struct gwt_ram_options options = { .xbzrle = xbzrle, .xbzrle_cache = UINT64_C (1) << 31 };
  struct gwt_ram_stats stats;
  struct gwt_vm_out out;
  double begin, used, child;
  int fd[2];
  uint8_t *ram;
  uint64_t bytes;
  bool done = false;
  pid_t pid;

  connect_pair (how, fd);
  pid = fork ();
  if (pid == 0)
    {
      close (fd[0]);
      take (fd[1]);
    }
  close (fd[1]);
  gwt_ram_configure (&options);
  ram = make_ram ();
  fill (ram, of_ten, touch);
  gwt_vm_out_init_sink (&out, send_all, &fd[0]);
  used = cpu (RUSAGE_SELF);
  child = cpu (RUSAGE_CHILDREN);
  begin = now ();
  gwt_ram_setup (NULL, &out, &err);
  while (!done)
    {
      gwt_ram_iterate (NULL, &out, &done, &err);
      gwt_vm_out_drain (&out, &err);
    }
  if (xbzrle)
    /* The first round after all pages went once fills the cache; the next two gain by it. */
    for (guint round = 0; round < 3; round++)
      {
        uint64_t left;

        for (uint64_t at = 0; at < size; at += PAGE)
          gwt_memory_store (0x80000000 + at + 8 * (at / PAGE % 400 + round), 8, at + round + 1);
        if (round == 1)
          {
            used = cpu (RUSAGE_SELF);
            begin = now ();
          }
        gwt_ram_pending_exact (NULL, &left);
        done = false;
        while (!done)
          {
            gwt_ram_iterate (NULL, &out, &done, &err);
            gwt_vm_out_drain (&out, &err);
          }
      }
  gwt_ram_complete (NULL, &out, &err);
  gwt_vm_out_drain (&out, &err);
  shutdown (fd[0], SHUT_WR);
  waitpid (pid, NULL, 0);
  begin = now () - begin;
  used = cpu (RUSAGE_SELF) - used;
  child = cpu (RUSAGE_CHILDREN) - child;
  gwt_ram_stats (&stats);
  bytes = size * (xbzrle ? 2 : 1);
  printf ("%-5s %-22s %7.3f s, sender %6.3f s CPU, receiver %6.3f s CPU; %6.2f GiB of memory a "
          "second, %6.2f a CPU second; %" G_GUINT64_FORMAT " MiB sent\n",
          how, what, begin, used, child, (double) bytes / begin / (1 << 30),
          (double) bytes / (used + child) / (1 << 30), out.total >> 20);
  gwt_ram_cleanup (NULL);
  gwt_vm_out_clear (&out);
  close (fd[0]);
  gwt_memory_destroy_all ();
}

static void
bench_sync (void)
{
  GWT_AUTO_ERROR (err);
  uint8_t *ram = make_ram ();
  guint n, i;
  g_autofree struct gwt_ram_block **blocks = gwt_memory_blocks (&n);
  g_autofree uint64_t *bits = g_malloc (size / PAGE / 8);
  double begin;

  (void) ram;
  gwt_memory_dirty_start (&err);
  begin = now ();
  for (i = 0; i < 100; i++)
    gwt_memory_dirty_sync (blocks[0], bits);
  printf ("a round without dirty pages: %.1f us\n", (now () - begin) * 1e4);
  begin = 0;
  for (i = 0; i < 20; i++)
    {
      for (uint64_t at = 0; at < size; at += PAGE)
        gwt_memory_store (0x80000000 + at, 8, at);
      begin -= now ();
      gwt_memory_dirty_sync (blocks[0], bits);
      begin += now ();
    }
  printf ("a round with all pages dirty: %.1f us\n", begin * 5e4);
  gwt_memory_dirty_stop ();
  gwt_memory_destroy_all ();
}

int
main (int argc, char **argv)
{
  size = (argc > 1 ? g_ascii_strtoull (argv[1], NULL, 10) : 1024) << 20;
  gwt_run_init ();
  bench_sync ();
  for (guint i = 0; i < 2; i++)
    {
      const char *how = i == 0 ? "unix" : "tcp";

      bench (how, "data", 10, false, false);
      bench (how, "1/10 data, untouched", 1, false, false);
      bench (how, "1/10 data, zeros", 1, true, false);
    }
  bench ("unix", "XBZRLE, a word a page", 10, false, true);
  return 0;
}
