/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A migration's host names are looked up, on a thread of their own: a look-up cannot be given up
 * once it was begun.
 */
#include "config.h"
#include "core/migration/channel-internal.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

void
gwt_lookup_unref (struct gwt_lookup *l)
{
  if (!g_atomic_int_dec_and_test (&l->references))
    return;
  if (l->list != NULL)
    freeaddrinfo (l->list);
  close (l->done);
  g_free (l->host);
  g_free (l->port);
  g_free (l);
}

static void
lookup_run (struct gwt_lookup *l)
{
  l->result = getaddrinfo (l->host, l->port, &l->hints, &l->list);
}

static gpointer
lookup_thread (gpointer opaque)
{
  struct gwt_lookup *l = opaque;
  uint64_t one = 1;
  lookup_run (l);
  if (write (l->done, &one, sizeof one) < 0)
    return NULL; /* cannot be: it is empty */
  gwt_lookup_unref (l);
  return NULL;
}

/* Is HOST an address, so that nobody has to be asked? */
static bool
is_numeric (const char *host)
{
  struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
  struct addrinfo *list;
  if (getaddrinfo (host, NULL, &hints, &list) != 0)
    return false;
  freeaddrinfo (list);
  return true;
}

struct gwt_lookup *
gwt_look_up (const struct gwt_address *a, int ms, int cancel_fd, struct gwt_error *err)
{
  struct gwt_lookup *l = g_new0 (struct gwt_lookup, 1);
  GThread *thread = NULL;
  bool only4
      = a->ipv6 == GWT_CHOICE_OFF || (a->ipv4 == GWT_CHOICE_ON && a->ipv6 == GWT_CHOICE_NONE);
  bool only6
      = a->ipv4 == GWT_CHOICE_OFF || (a->ipv6 == GWT_CHOICE_ON && a->ipv4 == GWT_CHOICE_NONE);
  l->references = 1;
  l->done = eventfd (0, EFD_CLOEXEC);
  l->host = a->host[0] != '\0' ? g_strdup (a->host) : NULL;
  l->port = g_strdup_printf ("%u", a->port);
  l->hints.ai_socktype = SOCK_STREAM;
  l->hints.ai_family = only4 ? AF_INET : only6 ? AF_INET6 : AF_UNSPEC;
  l->hints.ai_flags
      = (a->direction == GWT_INCOMING ? AI_PASSIVE : 0) | (a->numeric ? AI_NUMERICHOST : 0);
  if (l->host == NULL || a->numeric || is_numeric (l->host))
    lookup_run (l);
  else
    {
      g_atomic_int_inc (&l->references);
      thread = l->done >= 0 ? g_thread_try_new ("lookup", lookup_thread, l, NULL) : NULL;
      if (thread == NULL)
        {
          g_atomic_int_add (&l->references, -1);
          gwt_error_set (err, GWT_E_NO_MEMORY, "no thread to look the name up; give an address");
          gwt_lookup_unref (l);
          return NULL;
        }
      g_thread_unref (thread);
      int n = gwt_fd_wait (l->done, POLLIN, ms, cancel_fd, -1);
      uint64_t told;
      /* Read it, so that what the other thread wrote before is seen here. */
      if (n == 1 && read (l->done, &told, sizeof told) != sizeof told)
        n = 0;
      if (n != 1)
        {
          if (n == -2)
            gwt_connect_canceled (err);
          else
            gwt_error_set (err, GWT_E_NOT_FOUND,
                           "host '%s' was not found within %d seconds; give its address", a->host,
                           ms / 1000);
          gwt_lookup_unref (l);
          return NULL;
        }
    }
  if (l->result == 0)
    return l;
  gwt_error_set (err, GWT_E_NOT_FOUND, "host '%s': %s; check the name", a->host,
                 gai_strerror (l->result));
  gwt_lookup_unref (l);
  return NULL;
}
