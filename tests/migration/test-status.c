/* SPDX-License-Identifier: BSD-2-Clause */
/* The statuses of a migration: which follows which, and what a wrong step does. */
#include "config.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "core/migration/internal.h"
#include "core/util/log.h"

static const char *const names[GWT_N_MIGRATION_STATUSES]
    = { "none",      "setup",  "cancelling",     "cancelled", "active",
        "completed", "failed", "pre-switchover", "device" };

/* A way from "none" to each. */
static const enum gwt_migration_status ways[GWT_N_MIGRATION_STATUSES][5] = {
  [GWT_MIGRATION_SETUP] = { GWT_MIGRATION_SETUP },
  [GWT_MIGRATION_CANCELLING] = { GWT_MIGRATION_SETUP, GWT_MIGRATION_CANCELLING },
  [GWT_MIGRATION_CANCELLED]
  = { GWT_MIGRATION_SETUP, GWT_MIGRATION_CANCELLING, GWT_MIGRATION_CANCELLED },
  [GWT_MIGRATION_ACTIVE] = { GWT_MIGRATION_SETUP, GWT_MIGRATION_ACTIVE },
  [GWT_MIGRATION_COMPLETED]
  = { GWT_MIGRATION_SETUP, GWT_MIGRATION_ACTIVE, GWT_MIGRATION_COMPLETED },
  [GWT_MIGRATION_FAILED] = { GWT_MIGRATION_SETUP, GWT_MIGRATION_FAILED },
  [GWT_MIGRATION_PRE_SWITCHOVER]
  = { GWT_MIGRATION_SETUP, GWT_MIGRATION_ACTIVE, GWT_MIGRATION_PRE_SWITCHOVER },
  [GWT_MIGRATION_DEVICE] = { GWT_MIGRATION_SETUP, GWT_MIGRATION_ACTIVE, GWT_MIGRATION_DEVICE },
};

/* Which follow it, by the letters below. */
static const char *const next[GWT_N_MIGRATION_STATUSES]
    = { "s", "acf", "C", "s", "pdDcfs", "s", "s", "dcf", "Dcf" };
static const char letters[] = "nscCaDfpd";

static void
go_to (enum gwt_migration_status to)
{
  enum gwt_migration_status now = gwt_migration_status ();
  guint i;

  /* Whatever runs can be cancelled, and whatever has ended can begin. */
  if (gwt_migration_status_cancelable (now))
    g_assert_true (gwt_migration_move (now, GWT_MIGRATION_CANCELLING));
  if (gwt_migration_status () == GWT_MIGRATION_CANCELLING)
    g_assert_true (gwt_migration_move (GWT_MIGRATION_CANCELLING, GWT_MIGRATION_CANCELLED));
  for (i = 0; i < 5 && ways[to][i] != GWT_MIGRATION_NONE; i++)
    g_assert_true (gwt_migration_move (gwt_migration_status (), ways[to][i]));
  g_assert_cmpint (gwt_migration_status (), ==, to);
}

static void
test_steps (void)
{
  int errors = dup (STDERR_FILENO), nothing = open ("/dev/null", O_WRONLY | O_CLOEXEC);
  guint from, to;

  g_assert_cmpint (nothing, >=, 0);
  g_assert_cmpstr (gwt_migration_status_name (gwt_migration_status ()), ==, "none");
  for (from = 0; from < GWT_N_MIGRATION_STATUSES; from++)
    for (to = 0; to < GWT_N_MIGRATION_STATUSES; to++)
      {
        bool may = strchr (next[from], letters[to]) != NULL, did;

        g_assert_cmpstr (gwt_migration_status_name (from), ==, names[from]);
        if (from != GWT_MIGRATION_NONE)
          go_to (from);
        else if (may)
          continue; /* once, by the others */
        dup2 (nothing, STDERR_FILENO); /* a wrong step is reported */
        did = gwt_migration_move (from, to);
        dup2 (errors, STDERR_FILENO);
        g_assert_cmpint (did, ==, may);
        g_assert_cmpint (gwt_migration_status (), ==, may ? to : from);
        /* Somebody was faster. */
        if (did && from != to)
          g_assert_false (gwt_migration_move (from, to));
      }
  close (errors);
  close (nothing);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/status/steps", test_steps);
  return g_test_run ();
}
