/* SPDX-License-Identifier: BSD-2-Clause */
/* What address*.c and channel*.c share; for no one else. */
#ifndef CORE_MIGRATION_CHANNEL_INTERNAL_H
#define CORE_MIGRATION_CHANNEL_INTERNAL_H

#include <netdb.h>
#include <sys/types.h>
#include "core/migration/channel.h"

enum gwt_transport
{
  GWT_TRANSPORT_TCP,
  GWT_TRANSPORT_UNIX,
  GWT_TRANSPORT_EXEC,
  GWT_TRANSPORT_FD,
  GWT_TRANSPORT_FILE
};

/* How a descriptor is read and written. */
enum gwt_medium
{
  GWT_MEDIUM_SOCKET,
  GWT_MEDIUM_PIPE, /* its open file is ours alone and does not block */
  GWT_MEDIUM_FILE  /* blocks as long as the disk takes; devices, too */
};

/* Not said: as the name resolves. */
enum gwt_choice
{
  GWT_CHOICE_NONE,
  GWT_CHOICE_ON,
  GWT_CHOICE_OFF
};

struct gwt_address
{
  gint references;
  enum gwt_transport transport;
  enum gwt_direction direction;
  char *label;
  char *host;          /* tcp; "": this host, or all addresses of it */
  guint port, port_to; /* tcp; try up to the latter when listening */
  enum gwt_choice ipv4, ipv6;
  bool keep_alive, numeric;
  char *path;      /* unix, file */
  uint64_t offset; /* file */
  char **argv;     /* exec */
  char *fd_name;   /* fd */
  int fd;          /* fd: a copy; -1 once used */
  enum gwt_medium medium;
};

struct gwt_address *gwt_address_new (enum gwt_transport transport, enum gwt_direction direction);
/* The last step of parsing: A, or NULL after it was freed, ERR being set before or here. */
struct gwt_address *gwt_address_finish (struct gwt_address *a, struct gwt_error *err);
bool gwt_address_port (const char *text, guint *port, struct gwt_error *err);

struct gwt_channel
{
  enum gwt_medium medium;
  enum gwt_direction direction;
  int in, out; /* may be the same; -1: not this way */
  int enough;  /* eventfd, readable when no more is to be written */
  int wake;    /* eventfd, readable after the shutdown */
  gint down, no_more;
  /* Reads and writes wait until then (g_get_monotonic_time (); 0: for ever), which is PATIENCE ms
     after it was set. */
  gint64 until;
  uint64_t patience;
  const char *advice;
  char *label;
  guint64 sent, received;
  /* Of a command. */
  pid_t pid;  /* 0: none, or its end is known */
  int status; /* as waitpid gives it */
  /* Of a file that is written. */
  char *path;      /* to be removed again while nothing was written; or NULL */
  bool cut;        /* at offset, with the first write */
  bool sync;       /* it is a file or a disk, whose bytes must be on it in the end */
  uint64_t offset; /* in the file, of the next byte */
  uint64_t synced; /* the disk was told to write up to here */
};

/* Takes IN and OUT, and closes them on failure. */
struct gwt_channel *gwt_channel_new (enum gwt_medium medium, enum gwt_direction direction, int in,
                                     int out, const char *label, struct gwt_error *err);
/* Medium of FD; false with ERR set where it is nothing to migrate over. */
bool gwt_fd_medium (int fd, enum gwt_medium *medium, struct gwt_error *err);
/* Wait for EVENTS of FD, for MS at most (-1: for ever), or until one of two others (or -1) is
   readable: 1, 0 when the time is over, -2 for those.  -1 with errno. */
int gwt_fd_wait (int fd, short events, int ms, int other, int another);

/* What a name stands for, in LIST where RESULT is 0. */
struct gwt_lookup
{
  gint references;
  int done; /* eventfd */
  char *host, *port;
  struct addrinfo hints, *list;
  int result;
};
/* NULL with ERR set, also when MS (-1: none) are over or CANCEL_FD is readable. */
struct gwt_lookup *gwt_look_up (const struct gwt_address *a, int ms, int cancel_fd,
                                struct gwt_error *err);
void gwt_lookup_unref (struct gwt_lookup *l);

void gwt_connect_canceled (struct gwt_error *err);
void gwt_channel_tune (int fd, const struct gwt_address *a);
/* As gwt_channel_connect, without the address before the error. */
struct gwt_channel *gwt_channel_open_fd (struct gwt_address *a, struct gwt_error *err);
struct gwt_channel *gwt_channel_open_file (const struct gwt_address *a, struct gwt_error *err);
struct gwt_channel *gwt_channel_spawn (const struct gwt_address *a, bool two_way,
                                       struct gwt_error *err);
/* Wait until the command has ended: for MS at most (-1: for ever), or until CANCEL_FD. */
bool gwt_channel_reap (struct gwt_channel *c, int ms, int cancel_fd);
/* It failed, as far as is known.  False with ERR set. */
bool gwt_channel_check_status (struct gwt_channel *c, struct gwt_error *err);
void gwt_channel_kill (struct gwt_channel *c);

#endif
