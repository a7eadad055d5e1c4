/* SPDX-License-Identifier: BSD-2-Clause */
/* nettest: sends or takes a stream of records over TCP and looks at every byte, at the least cost
   that this has, since it runs on an emulated processor.

     nettest send|take SEED RECORDS HOST PORT
     nettest send|take SEED RECORDS listen PORT

   Word J of record I is word (J) xor word (RECORD_WORDS + I), little-endian, where word (N) is
   output N of SplitMix64 begun with SEED: whatever was lost, doubled, moved or left over differs.
   tests/linux/linuxnet.py makes the same at the other end.  It must not know what emulator it runs
   on; compiled for the host it talks to any host.  */

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORD_WORDS 32768u
#define RECORD_BYTES (8u * RECORD_WORDS)

static uint64_t base[RECORD_WORDS], record[RECORD_WORDS];

static uint64_t
word (uint64_t seed, uint64_t n)
{
  uint64_t z = seed + (n + 1) * UINT64_C (0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C (0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C (0x94d049bb133111eb);
  return z ^ z >> 31;
}

static bool
send_record (int fd)
{
  const char *p = (const char *) record;
  size_t left = RECORD_BYTES;
  while (left != 0)
    {
      ssize_t n = write (fd, p, left);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return false;
      p += n;
      left -= (size_t) n;
    }
  return true;
}

/* How much of a record came before the end, or before an error.  */
static size_t
take_record (int fd)
{
  char *p = (char *) record;
  size_t left = RECORD_BYTES;
  while (left != 0)
    {
      ssize_t n = read (fd, p, left);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        perror ("nettest: read");
      if (n <= 0)
        break;
      p += n;
      left -= (size_t) n;
    }
  return RECORD_BYTES - left;
}

/* The first word of the record that is not as it should be, RECORD_WORDS: none.  */
static unsigned
first_wrong (uint64_t key)
{
  uint64_t wrong = 0;
  unsigned j;
  for (j = 0; j < RECORD_WORDS; j += 4)
    wrong |= (record[j] ^ base[j] ^ key) | (record[j + 1] ^ base[j + 1] ^ key)
             | (record[j + 2] ^ base[j + 2] ^ key) | (record[j + 3] ^ base[j + 3] ^ key);
  for (j = 0; wrong != 0 && (record[j] ^ base[j] ^ key) == 0; j++)
    ;
  return wrong != 0 ? j : RECORD_WORDS;
}

static int
send_all (int fd, uint64_t seed, uint64_t records)
{
  for (uint64_t i = 0; i < records; i++)
    {
      uint64_t key = word (seed, RECORD_WORDS + i);
      for (unsigned j = 0; j < RECORD_WORDS; j++)
        record[j] = base[j] ^ key;
      if (!send_record (fd))
        {
          fprintf (stderr, "nettest: record %llu: %s\n", (unsigned long long) i, strerror (errno));
          return 1;
        }
    }
  shutdown (fd, SHUT_WR);
  /* The other end closes once it has all.  */
  return take_record (fd) != 0;
}

static int
take_all (int fd, uint64_t seed, uint64_t records)
{
  for (uint64_t i = 0; i < records; i++)
    {
      uint64_t key = word (seed, RECORD_WORDS + i);
      size_t got = take_record (fd);
      if (got != RECORD_BYTES)
        {
          fprintf (stderr, "nettest: the stream ended after %llu of %llu bytes\n",
                   (unsigned long long) (i * RECORD_BYTES + got),
                   (unsigned long long) (records * RECORD_BYTES));
          return 1;
        }
      unsigned j = first_wrong (key);
      if (j < RECORD_WORDS)
        {
          fprintf (stderr, "nettest: byte %llu: 0x%016llx came, not 0x%016llx\n",
                   (unsigned long long) (i * RECORD_BYTES + 8 * j),
                   (unsigned long long) record[j], (unsigned long long) (base[j] ^ key));
          return 1;
        }
    }
  if (take_record (fd) != 0)
    {
      fprintf (stderr, "nettest: the stream goes on after %llu bytes\n",
               (unsigned long long) (records * RECORD_BYTES));
      return 1;
    }
  return 0;
}

/* To or, with LISTENS, at that address.  A descriptor, or -1 with errno.  */
static int
open_connection (const struct sockaddr_in *to, bool listens)
{
  int fd = socket (AF_INET, SOCK_STREAM, 0), on = 1, peer = -1;
  if (fd < 0)
    return -1;
  if (!listens)
    return connect (fd, (const struct sockaddr *) to, sizeof *to) < 0 ? -1 : fd;
  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind (fd, (const struct sockaddr *) to, sizeof *to) == 0 && listen (fd, 1) == 0)
    peer = accept (fd, NULL, NULL);
  close (fd);
  return peer;
}

int
main (int argc, char **argv)
{
  struct sockaddr_in to = { .sin_family = AF_INET };
  bool sends = argc == 6 && strcmp (argv[1], "send") == 0;
  bool listens = argc == 6 && strcmp (argv[4], "listen") == 0;

  if (argc != 6 || (!sends && strcmp (argv[1], "take") != 0)
      || (!listens && inet_pton (AF_INET, argv[4], &to.sin_addr) != 1))
    {
      fprintf (stderr, "usage: nettest send|take SEED RECORDS HOST|listen PORT\n");
      return 2;
    }
  to.sin_port = htons ((uint16_t) atoi (argv[5]));
  signal (SIGPIPE, SIG_IGN);
  int fd = open_connection (&to, listens);
  if (fd < 0)
    {
      perror (listens ? "nettest: listen" : "nettest: connect");
      return 1;
    }
  uint64_t seed = strtoull (argv[2], NULL, 0), records = strtoull (argv[3], NULL, 0);
  for (unsigned j = 0; j < RECORD_WORDS; j++)
    base[j] = word (seed, j);
  int status = sends ? send_all (fd, seed, records) : take_all (fd, seed, records);
  close (fd);
  return status;
}
