/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The back end "tap": an Ethernet interface of the host's, one file descriptor a queue pair.
 * Frames go between the guest's memory and the kernel without a copy in between; with vnet_hdr the
 * kernel does checksums and large frames as well.
 */
#include "config.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/backend/netdev-internal.h"
#include "core/util/log.h"
#include "core/util/text.h"

static const char *const keys[]
    = { "ifname", "script", "downscript", "fd", "fds", "queues", "vnet_hdr", NULL };

struct tap
{
  int fds[GWT_NET_QUEUES_MAX];
  uint32_t n_fds;    /* opened, or given */
  bool gone[GWT_NET_QUEUES_MAX]; /* the interface was deleted; each its queue's */
  bool given, vnet_hdr;
  bool was_up;       /* the script ran: run the other one */
  const char *ifname, *script, *downscript;
  char name[IFNAMSIZ];
};

/* ---- frames ---------------------------------------------------------------------------------- */

static int
tap_prepare (struct net_queue *q, bool want_frames)
{
  struct tap *t = q->netdev->data;
  struct pollfd p = { .fd = t->fds[q->index] };

  p.events = (short) ((want_frames ? POLLIN : 0) | (q->full ? POLLOUT : 0));
  /* Asked for or not, errors wake; one that stays would do so without end. */
  if (p.events && !t->gone[q->index])
    g_array_append_val (q->fds, p);
  return -1;
}

static void
tap_ready (struct net_queue *q)
{
  struct tap *t = q->netdev->data;

  for (guint i = 1; i < q->fds->len; i++)
    {
      struct pollfd *p = &g_array_index (q->fds, struct pollfd, i);

      if (p->fd != t->fds[q->index])
        continue;
      if (p->revents & POLLOUT)
        q->blocked = false;
      if (p->revents & (POLLERR | POLLHUP | POLLNVAL))
        {
          t->gone[q->index] = true;
          q->blocked = false;
          if (q->index == 0)
            gwt_log (GWT_LOG_WARN, "network back end '%s': its interface is gone; frames are lost",
                     q->netdev->id);
        }
    }
}

static uint64_t
tap_receive (struct net_queue *q, const struct gwt_iovec *iov, uint32_t n)
{
  struct tap *t = q->netdev->data;
  const struct gwt_net_header none = { 0 };
  struct iovec host[NET_IOV_MAX];
  uint64_t skip = t->vnet_hdr ? 0 : NET_HEADER;
  uint32_t count = net_iov_host (iov, n, skip, 0, host);
  ssize_t size;

  do
    size = readv (t->fds[q->index], host, (int) count);
  while (size < 0 && errno == EINTR);
  if (size <= 0)
    return 0;
  if (skip)
    net_iov_from (iov, n, 0, &none, NET_HEADER);
  return (uint64_t) size + skip;
}

static bool
tap_send (struct net_queue *q, const struct gwt_iovec *iov, uint32_t n)
{
  struct tap *t = q->netdev->data;
  struct gwt_net_header header;
  struct iovec host[NET_IOV_MAX];
  uint64_t skip = t->vnet_hdr ? 0 : NET_HEADER;
  uint32_t count;
  ssize_t size;

  if (net_iov_to (iov, n, 0, &header, NET_HEADER) < NET_HEADER)
    return true;
  /* What the device may not use here. */
  if (!t->vnet_hdr && (header.gso_type || (header.flags & GWT_NET_NEEDS_CSUM)))
    return true;
  count = net_iov_host (iov, n, skip, 0, host);
  if (count == 0)
    return true;
  do
    size = writev (t->fds[q->index], host, (int) count);
  while (size < 0 && errno == EINTR);
  /* Everything else is the frame's fault, or the interface is down: it is lost. */
  return size >= 0 || (errno != EAGAIN && errno != ENOBUFS);
}

static void
tap_set_offloads (struct gwt_netdev *n, uint64_t offloads)
{
  struct tap *t = n->data;
  unsigned flags = 0;

  if (!t->vnet_hdr || !n->opened)
    return;
  if (offloads & GWT_NET_OFFLOAD_CSUM)
    flags = TUN_F_CSUM | (offloads & GWT_NET_OFFLOAD_TSO4 ? TUN_F_TSO4 : 0)
            | (offloads & GWT_NET_OFFLOAD_TSO6 ? TUN_F_TSO6 : 0)
            | (offloads & GWT_NET_OFFLOAD_ECN ? TUN_F_TSO_ECN : 0);
  if (t->n_fds && ioctl (t->fds[0], TUNSETOFFLOAD, flags) < 0)
    gwt_log (GWT_LOG_WARN, "network back end '%s': the host's kernel refuses offloads (%s)", n->id,
             g_strerror (errno));
}

static void
tap_set_queues (struct gwt_netdev *n, uint32_t count)
{
  struct tap *t = n->data;

  for (uint32_t i = 0; i < t->n_fds && t->n_fds > 1; i++)
    {
      struct ifreq ifr = { 0 };

      ifr.ifr_flags = i < count ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE;
      /* An error says that it is so already. */
      if (ioctl (t->fds[i], TUNSETQUEUE, &ifr) < 0 && errno != EINVAL)
        gwt_log (GWT_LOG_WARN, "network back end '%s': queue %u: %s", n->id, i,
                 g_strerror (errno));
    }
}

/* ---- what was asked for ---------------------------------------------------------------------- */

/* A descriptor that we were started with; it is a tap, and says whether it has headers. */
static bool
take_fd (struct gwt_netdev *n, const char *text, struct gwt_error *err)
{
  struct tap *t = n->data;
  struct ifreq ifr = { 0 };
  uint64_t fd;
  int own;

  if (!gwt_parse_u64 (text, false, &fd, err))
    return false;
  if (fd < 3 || fd > G_MAXINT || ioctl ((int) fd, TUNGETIFF, &ifr) < 0
      || !(ifr.ifr_flags & IFF_TAP))
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "fd '%s' is no open tap interface; pass one that the caller has opened", text);
      return false;
    }
  if (t->n_fds == GWT_NET_QUEUES_MAX)
    {
      gwt_error_set (err, GWT_E_RANGE, "more than %u queues; use fewer", GWT_NET_QUEUES_MAX);
      return false;
    }
  own = fcntl ((int) fd, F_DUPFD_CLOEXEC, 3);
  if (own < 0)
    {
      gwt_error_set (err, GWT_E_IO, "fd '%s': %s; allow more descriptors", text,
                     g_strerror (errno));
      return false;
    }
  if (t->n_fds && t->vnet_hdr != ((ifr.ifr_flags & IFF_VNET_HDR) != 0))
    gwt_error_set (err, GWT_E_INVALID,
                   "some fds have virtio-net headers and some have not; open all alike");
  t->vnet_hdr = (ifr.ifr_flags & IFF_VNET_HDR) != 0;
  t->fds[t->n_fds++] = own;
  return !gwt_error_is_set (err);
}

static bool
take_fds (struct gwt_netdev *n, struct gwt_error *err)
{
  const char *fd = net_option (n, "fd"), *fds = net_option (n, "fds");
  struct tap *t = n->data;
  g_auto (GStrv) list = g_strsplit (fds ? fds : fd, ":", -1);

  t->given = true;
  if ((fd && fds) || t->ifname || t->script || t->downscript || net_option (n, "queues")
      || net_option (n, "vnet_hdr"))
    gwt_error_set (err, GWT_E_INVALID,
                   "%s= says all about the interface; leave out the other options",
                   fds ? "fds" : "fd");
  else if (!list[0] || (fd && list[1]))
    gwt_error_set (err, GWT_E_INVALID, "fd= is one number; use fds=N:N for several");
  for (guint i = 0; list[i] && !gwt_error_is_set (err); i++)
    take_fd (n, list[i], err);
  return !gwt_error_is_set (err);
}

static bool
check_script (const char *key, const char **path, struct gwt_error *err)
{
  if (*path && strcmp (*path, "no") == 0)
    *path = NULL;
  if (!*path || g_file_test (*path, G_FILE_TEST_IS_EXECUTABLE))
    return true;
  gwt_error_set (err, GWT_E_NOT_FOUND, "%s: '%s' cannot be run; name a program, or %s=no", key,
                 *path, key);
  return false;
}

static bool
tap_parse (struct gwt_netdev *n, struct gwt_error *err)
{
  struct tap *t = g_new0 (struct tap, 1);

  n->data = t;
  t->vnet_hdr = true;
  t->ifname = net_option (n, "ifname");
  t->script = net_option (n, "script");
  t->downscript = net_option (n, "downscript");
  if (net_option (n, "fd") || net_option (n, "fds"))
    {
      if (!take_fds (n, err))
        return false;
      n->info.queues = t->n_fds;
    }
  else if (!net_option_bool (n, "vnet_hdr", &t->vnet_hdr, err)
           || !net_option_number (n, "queues", 1, GWT_NET_QUEUES_MAX, &n->info.queues, err)
           || !check_script ("script", &t->script, err)
           || !check_script ("downscript", &t->downscript, err))
    return false;
  if (t->ifname && (!*t->ifname || strlen (t->ifname) >= IFNAMSIZ || strpbrk (t->ifname, "/ %")))
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "ifname: '%s' is no name of an interface; use 1 to %d letters and digits",
                     t->ifname, IFNAMSIZ - 1);
      return false;
    }
  if (t->vnet_hdr)
    n->info.send_offloads = n->info.receive_offloads = NET_OFFLOADS_TCP;
  return true;
}

/* ---- opening --------------------------------------------------------------------------------- */

static bool
tap_error (struct gwt_netdev *n, struct gwt_error *err)
{
  const struct tap *t = n->data;
  bool several = n->info.queues > 1;
  const char *name = t->ifname ? t->ifname : "tap";

  if (errno == EPERM || errno == EACCES)
    gwt_error_set (err, GWT_E_IO,
                   "'%s': no permission; make it once as root with 'ip tuntap add mode tap user "
                   "$USER name %s%s', or use -netdev user",
                   name, t->ifname ? t->ifname : "tap0", several ? " multi_queue" : "");
  else if (errno == EBUSY)
    gwt_error_set (err, GWT_E_BUSY, "'%s': another program has it open; use another one", name);
  else if (errno == EINVAL)
    gwt_error_set (err, GWT_E_IO,
                   "'%s': exists and is not a tap interface with %s; make it anew, or change "
                   "queues=",
                   name, several ? "several queues (multi_queue)" : "one queue");
  else if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
    gwt_error_set (err, GWT_E_NOT_FOUND,
                   "/dev/net/tun: the host has no tap interfaces (%s); load its module tun",
                   g_strerror (errno));
  else
    gwt_error_set (err, GWT_E_IO, "'%s': %s; see -netdev tap in the manual", name,
                   g_strerror (errno));
  return false;
}

/* One more queue of the interface. */
static bool
open_queue (struct gwt_netdev *n, struct gwt_error *err)
{
  struct tap *t = n->data;
  struct ifreq ifr = { 0 };
  int fd = open ("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

  if (fd < 0)
    return tap_error (n, err);
  t->fds[t->n_fds++] = fd;
  ifr.ifr_flags = (short) (IFF_TAP | IFF_NO_PI | (t->vnet_hdr ? IFF_VNET_HDR : 0)
                           | (n->info.queues > 1 ? IFF_MULTI_QUEUE : 0));
  if (t->name[0] || t->ifname)
    g_strlcpy (ifr.ifr_name, t->name[0] ? t->name : t->ifname, sizeof ifr.ifr_name);
  else
    g_strlcpy (ifr.ifr_name, "tap%d", sizeof ifr.ifr_name);
  if (ioctl (fd, TUNSETIFF, &ifr) < 0)
    return tap_error (n, err);
  g_strlcpy (t->name, ifr.ifr_name, sizeof t->name);
  return true;
}

static bool
run_script (struct tap *t, const char *script, struct gwt_error *err)
{
  char *argv[] = { (char *) script, t->name, NULL };
  g_autoptr (GError) error = NULL;
  int status = 0;

  if (!g_spawn_sync (NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, &error))
    gwt_error_set (err, GWT_E_FAILED, "'%s': %s; name a program that can be run", script,
                   error->message);
  else if (!WIFEXITED (status) || WEXITSTATUS (status) != 0)
    gwt_error_set (err, GWT_E_FAILED, "'%s %s' failed, status %d; correct the program", script,
                   t->name, WIFEXITED (status) ? WEXITSTATUS (status) : -WTERMSIG (status));
  return !gwt_error_is_set (err);
}

static bool
tap_open (struct gwt_netdev *n, struct gwt_error *err)
{
  struct tap *t = n->data;
  int header = NET_HEADER, on = 1;

  while (t->n_fds < n->info.queues)
    if (!open_queue (n, err))
      return false;
  for (uint32_t i = 0; i < t->n_fds; i++)
    {
      int flags = fcntl (t->fds[i], F_GETFL);

      if (t->vnet_hdr
          && (ioctl (t->fds[i], TUNSETVNETHDRSZ, &header) < 0
              || (ioctl (t->fds[i], TUNSETVNETLE, &on) < 0 && errno != EINVAL && errno != ENOTTY)))
        {
          gwt_error_set (err, GWT_E_UNSUPPORTED,
                         "the host's kernel has no virtio-net headers of 12 bytes (%s); use "
                         "vnet_hdr=off",
                         g_strerror (errno));
          return false;
        }
      if (flags < 0 || fcntl (t->fds[i], F_SETFL, flags | O_NONBLOCK) < 0)
        return tap_error (n, err);
    }
  tap_set_offloads (n, n->offloads);
  tap_set_queues (n, n->device ? n->n_active : n->info.queues);
  if (t->script && !run_script (t, t->script, err))
    return false;
  t->was_up = true;
  return true;
}

static void
tap_close (struct gwt_netdev *n)
{
  struct tap *t = n->data;
  GWT_AUTO_ERROR (err);

  if (t->was_up && t->downscript && !run_script (t, t->downscript, &err))
    gwt_log (GWT_LOG_WARN, "network back end '%s': downscript: %s", n->id, err.text);
  t->was_up = false;
  for (uint32_t i = 0; i < t->n_fds; i++)
    close (t->fds[i]);
  t->n_fds = 0;
}

static void
tap_free (struct gwt_netdev *n)
{
  struct tap *t = n->data;

  /* Given ones are ours before they are opened. */
  for (uint32_t i = 0; i < t->n_fds; i++)
    close (t->fds[i]);
  g_free (t);
}

const struct netdev_kind net_tap_kind = {
  .type = "tap",
  .keys = keys,
  .parse = tap_parse,
  .open = tap_open,
  .close = tap_close,
  .free = tap_free,
  .prepare = tap_prepare,
  .ready = tap_ready,
  .receive = tap_receive,
  .send = tap_send,
  .set_offloads = tap_set_offloads,
  .set_queues = tap_set_queues,
};
