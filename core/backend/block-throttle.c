/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limits per second.  Six buckets: bytes and operations, each in total, of reads and of writes.  A
 * transfer pours its units into the buckets that it belongs to; they leak `avg` units a second, and
 * what goes over the brim waits.  Without a burst a bucket holds a tenth of a second's worth.  With
 * `max` it holds max times `length`: so long may max units a second go until avg is all that is
 * left; where length is above 1, a second bucket that leaks max and holds a tenth of a second of it
 * keeps the burst itself at that rate.  These are QEMU's rules, so that its figures mean the same.
 */
#include "config.h"
#include "core/backend/block-internal.h"
#include <math.h>
#include <string.h>

#define LIMIT_MAX 1e15
#define NS 1e9

static const char *const names[GWT_THROTTLE_BUCKETS]
    = { "bps-total", "bps-read", "bps-write", "iops-total", "iops-read", "iops-write" };

const char *const gwt_throttle_keys[] = {
  "bps-total",      "bps-read",      "bps-write",      "iops-total",
  "iops-read",      "iops-write",    "bps-total-max",  "bps-read-max",
  "bps-write-max",  "iops-total-max", "iops-read-max", "iops-write-max",
  "bps-total-max-length", "bps-read-max-length", "bps-write-max-length",
  "iops-total-max-length", "iops-read-max-length", "iops-write-max-length",
  "iops-size",      NULL
};

static bool
take_bucket (struct json_object *options, const char *prefix, const char *name,
             struct gwt_bucket *bucket, struct gwt_error *err)
{
  g_autofree char *avg_key = g_strconcat (prefix, name, NULL);
  g_autofree char *max_key = g_strconcat (prefix, name, "-max", NULL);
  g_autofree char *length_key = g_strconcat (prefix, name, "-max-length", NULL);
  uint64_t avg = 0, max = 0, length = 0;

  if (!gwt_take_u64 (options, avg_key, true, &avg, err)
      || !gwt_take_u64 (options, max_key, true, &max, err)
      || !gwt_take_u64 (options, length_key, false, &length, err))
    return false;
  bucket->avg = (double) avg;
  bucket->max = (double) max;
  bucket->length = length != 0 ? length : 1;
  if (bucket->avg > LIMIT_MAX || bucket->max > LIMIT_MAX)
    gwt_error_set (err, GWT_E_RANGE, "%s: limits go up to 10^15; use less", avg_key);
  else if (max != 0 && avg == 0)
    gwt_error_set (err, GWT_E_INVALID, "%s means nothing without %s; give that", max_key, avg_key);
  else if (max != 0 && max < avg)
    gwt_error_set (err, GWT_E_INVALID, "%s is below %s; make it larger", max_key, avg_key);
  else if (length != 0 && max == 0)
    gwt_error_set (err, GWT_E_INVALID, "%s means nothing without %s; give that", length_key,
                   max_key);
  else if (length > 86400 || bucket->max * (double) bucket->length > LIMIT_MAX)
    gwt_error_set (err, GWT_E_RANGE, "%s is too long; use less", length_key);
  return !gwt_error_is_set (err);
}

bool
gwt_throttle_take (struct json_object *options, const char *prefix, struct gwt_throttle **throttle,
                   struct gwt_error *err)
{
  struct gwt_throttle *t = g_new0 (struct gwt_throttle, 1);
  g_autofree char *size_key = g_strconcat (prefix, "iops-size", NULL);
  bool any = false, good = true;
  guint i;

  g_mutex_init (&t->lock);
  *throttle = NULL;
  for (i = 0; good && i < GWT_THROTTLE_BUCKETS; i++)
    {
      good = take_bucket (options, prefix, names[i], &t->buckets[i], err);
      any |= t->buckets[i].avg > 0;
    }
  good = good && gwt_take_u64 (options, size_key, true, &t->iops_size, err);
  for (i = 0; good && i < GWT_THROTTLE_BUCKETS; i += 3)
    if (t->buckets[i].avg > 0 && (t->buckets[i + 1].avg > 0 || t->buckets[i + 2].avg > 0))
      {
        gwt_error_set (err, GWT_E_INVALID,
                       "%s%s excludes %s%s and %s%s; give the total, or each", prefix, names[i],
                       prefix, names[i + 1], prefix, names[i + 2]);
        good = false;
      }
  if (good && t->iops_size != 0 && !(t->buckets[3].avg + t->buckets[4].avg + t->buckets[5].avg > 0))
    {
      gwt_error_set (err, GWT_E_INVALID, "%s means nothing without a limit of iops; give one",
                     size_key);
      good = false;
    }
  if (good && any)
    *throttle = t;
  else
    gwt_throttle_free (t);
  return good;
}

void
gwt_throttle_free (struct gwt_throttle *throttle)
{
  if (throttle == NULL)
    return;
  g_mutex_clear (&throttle->lock);
  g_free (throttle);
}

static void
leak (struct gwt_bucket *b, double seconds)
{
  b->level = fmax (0, b->level - b->avg * seconds);
  b->burst = fmax (0, b->burst - b->max * seconds);
}

/* Seconds until B takes more: it does so while it is not above its brim. */
static double
wait_for (const struct gwt_bucket *b)
{
  double size = b->max > 0 ? b->max * (double) b->length : b->avg / 10;
  double wait = b->level > size ? (b->level - size) / b->avg : 0;

  if (b->max > 0 && b->length > 1 && b->burst > b->max / 10)
    wait = fmax (wait, (b->burst - b->max / 10) / b->max);
  return wait;
}

static void
pour (struct gwt_bucket *b, double units)
{
  b->level += units;
  if (b->length > 1)
    b->burst += units;
}

uint64_t
gwt_throttle_ask (struct gwt_throttle *t, bool is_write, uint64_t size, uint64_t now)
{
  const guint which[4] = { 0, 1 + (guint) is_write, 3, 4 + (guint) is_write };
  double operations = t->iops_size != 0 ? fmax (1, (double) size / (double) t->iops_size) : 1;
  double wait = 0;
  guint i;

  g_mutex_lock (&t->lock);
  /* Threads that ask at once may bring their times in any order. */
  if (t->last != 0 && now > t->last)
    for (i = 0; i < GWT_THROTTLE_BUCKETS; i++)
      leak (&t->buckets[i], (double) (now - t->last) / NS);
  t->last = MAX (t->last, now);
  for (i = 0; i < 4; i++)
    if (t->buckets[which[i]].avg > 0)
      wait = fmax (wait, wait_for (&t->buckets[which[i]]));
  for (i = 0; wait <= 0 && i < 4; i++)
    if (t->buckets[which[i]].avg > 0)
      pour (&t->buckets[which[i]], i < 2 ? (double) size : operations);
  g_mutex_unlock (&t->lock);
  return wait <= 0 ? 0 : (uint64_t) fmax (1, ceil (fmin (wait, 86400) * NS));
}
