/* SPDX-License-Identifier: BSD-2-Clause */
/* See version.h.  What has which version is others' affair. */
#include "config.h"
#include "core/util/version.h"
#include <glib.h>
#include <string.h>

bool
gwt_version_is_valid (const char *text)
{
  bool digit = false;
  for (const char *c = text; *c != '\0'; c++)
    {
      if (g_ascii_isdigit (*c))
        digit = true;
      else if (*c != '.' || !digit || c[1] == '\0' || c[1] == '.')
        return false;
    }
  return digit && strlen (text) < 32;
}

int
gwt_version_compare (const char *a, const char *b)
{
  while (*a != '\0' || *b != '\0')
    {
      /* Numbers of any length: without leading zeros the longer one is larger. */
      a += strspn (a, "0");
      b += strspn (b, "0");
      size_t la = strspn (a, "123456789"
                             "0"),
             lb = strspn (b, "123456789"
                             "0");
      if (la != lb)
        return la < lb ? -1 : 1;
      int order = strncmp (a, b, la);
      if (order != 0)
        return order;
      a += la + (a[la] == '.');
      b += lb + (b[lb] == '.');
    }
  return 0;
}
