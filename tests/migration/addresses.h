/* SPDX-License-Identifier: BSD-2-Clause */
/* A migration's address from its text, for tests that use good ones. */
#ifndef TESTS_MIGRATION_ADDRESSES_H
#define TESTS_MIGRATION_ADDRESSES_H

#include "core/migration/channel.h"

static inline struct gwt_address *parse (enum gwt_direction direction, const char *format, ...)
    G_GNUC_PRINTF (2, 3);

static inline struct gwt_address *
parse (enum gwt_direction direction, const char *format, ...)
{
  GWT_AUTO_ERROR (err);
  va_list args;
  va_start (args, format);
  g_autofree char *uri = g_strdup_vprintf (format, args);
  va_end (args);
  struct gwt_address *a = gwt_address_parse (uri, direction, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  g_assert_nonnull (a);
  return a;
}

#endif
