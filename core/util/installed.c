/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns finding installed folders from the program's own place.  Must not know what is in them.
 *
 * A tree that is installed as a whole may be moved as a whole: `make install DESTDIR=...`, a
 * container's layer, somebody's home.
 */
#include "config.h"
#include "core/util/installed.h"
#include <glib.h>
#include <string.h>

char *
gwt_installed_path_of (const char *program, const char *path)
{
  static const char prefix[] = GODWIT_PREFIX "/", bindir[] = GODWIT_BINDIR;
  size_t length = strlen (prefix) - 1; /* the '/' stays with what follows */
  if (program == NULL || !g_path_is_absolute (program) || !g_str_has_prefix (bindir, prefix)
      || !g_str_has_prefix (path, prefix))
    return g_strdup (path);
  g_autofree char *folder = g_path_get_dirname (program);
  if (!g_str_has_suffix (folder, bindir + length))
    return g_strdup (path);
  folder[strlen (folder) - strlen (bindir + length)] = '\0';
  g_autofree char *moved = g_strconcat (folder, path + length, NULL);
  return g_file_test (moved, G_FILE_TEST_IS_DIR) ? g_steal_pointer (&moved) : g_strdup (path);
}

char *
gwt_installed_path (const char *path)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  return gwt_installed_path_of (program, path);
}
