/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory back ends: see memdev.h. */
#include "config.h"
#include "core/backend/memdev.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/util/json.h"
#include "core/util/text.h"

#define PAGE 4096u

enum kind
{
  RAM,
  MEMFD,
  FILE_BACKED
};

static const char *const kinds[]
    = { "memory-backend-ram", "memory-backend-memfd", "memory-backend-file", NULL };

struct gwt_memdev
{
  enum kind kind;
  char *id, *path;
  uint64_t size;
  bool shared, prealloc, used, made_file;
};

static GPtrArray *memdevs;

static void
memdev_free (gpointer data)
{
  struct gwt_memdev *m = data;

  g_free (m->id);
  g_free (m->path);
  g_free (m);
}

/* ---- what was asked for ---------------------------------------------------------------------- */

static bool
set_kind (struct gwt_memdev *m, const char *type, struct gwt_error *err)
{
  g_autofree char *near = NULL;
  guint i;

  for (i = 0; kinds[i] != NULL; i++)
    if (strcmp (kinds[i], type) == 0)
      {
        m->kind = (enum kind) i;
        m->shared = m->kind == MEMFD;
        return true;
      }
  near = gwt_did_you_mean (type, kinds);
  gwt_error_set (err, GWT_E_NOT_FOUND,
                 "'%s': there are no such objects; use memory-backend-ram, memory-backend-memfd or "
                 "memory-backend-file%s",
                 type, near);
  return false;
}

static bool
set_size (struct gwt_memdev *m, const char *value, struct gwt_error *err)
{
  GWT_AUTO_ERROR (inner);

  if (!gwt_parse_u64 (value, true, &m->size, &inner))
    gwt_error_set (err, GWT_E_INVALID, "size: '%s' is no size: %s", value, inner.text);
  else if (m->size == 0 || m->size % PAGE != 0)
    gwt_error_set (err, GWT_E_INVALID, "size: '%s' is not a multiple of %u bytes; round it", value,
                   PAGE);
  return !gwt_error_is_set (err);
}

static bool
set_property (struct gwt_memdev *m, const char *name, const char *value, struct gwt_error *err)
{
  const char *const known[]
      = { "id", "size", "share", "prealloc", m->kind == FILE_BACKED ? "mem-path" : NULL, NULL };
  g_autofree char *near = NULL;

  if (strcmp (name, "size") == 0)
    return set_size (m, value, err);
  if (strcmp (name, "share") == 0 || strcmp (name, "prealloc") == 0)
    {
      if (gwt_parse_bool (value, name[0] == 's' ? &m->shared : &m->prealloc, err))
        return true;
      gwt_error_prefix (err, "%s", name);
      return false;
    }
  if (strcmp (name, "id") == 0 && gwt_id_is_valid (value))
    {
      g_free (m->id);
      m->id = g_strdup (value);
      return true;
    }
  if (strcmp (name, "id") == 0)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "id '%s' is malformed; use a letter, then letters, digits, '-', '_' or '.'",
                     value);
      return false;
    }
  if (strcmp (name, "mem-path") == 0 && m->kind == FILE_BACKED && value[0] != '\0')
    {
      g_free (m->path);
      m->path = g_strdup (value);
      return true;
    }
  near = gwt_did_you_mean (name, known);
  gwt_error_set (err, GWT_E_NOT_FOUND,
                 "'%s': %s has no such property; it has id, size%s, share and prealloc%s", name,
                 kinds[m->kind], m->kind == FILE_BACKED ? ", mem-path" : "", near);
  return false;
}

static bool
from_text (struct gwt_memdev *m, const char *text, struct gwt_error *err)
{
  g_autoptr (GPtrArray) items = gwt_split_commas (text);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  guint i;

  if (!set_kind (m, g_ptr_array_index (items, 0), err))
    return false;
  for (i = 1; i < items->len; i++)
    {
      char *item = g_ptr_array_index (items, i), *equals = strchr (item, '=');

      if (equals == NULL)
        {
          gwt_error_set (err, GWT_E_INVALID, "'%s' has no value; write '%s=VALUE'", item, item);
          return false;
        }
      *equals = '\0';
      if (!g_hash_table_add (seen, item))
        {
          gwt_error_set (err, GWT_E_INVALID, "'%s' is given twice; give it once", item);
          return false;
        }
      if (!set_property (m, item, equals + 1, err))
        return false;
    }
  return true;
}

static bool
from_object (struct gwt_memdev *m, struct json_object *object, struct gwt_error *err)
{
  struct json_object *type;

  if (!json_object_is_type (object, json_type_object)
      || !json_object_object_get_ex (object, "qom-type", &type)
      || !json_object_is_type (type, json_type_string))
    {
      gwt_error_set (err, GWT_E_INVALID, "it has no 'qom-type'; write {\"qom-type\": TYPE, ...}");
      return false;
    }
  if (!set_kind (m, json_object_get_string (type), err))
    return false;
  json_object_object_foreach (object, name, value)
  {
    const char *text = json_object_get_string (value);

    if (strcmp (name, "qom-type") == 0)
      continue;
    if ((strcmp (name, "share") == 0 || strcmp (name, "prealloc") == 0)
        && json_object_is_type (value, json_type_boolean))
      text = json_object_get_boolean (value) ? "on" : "off";
    else if (strcmp (name, "size") == 0 ? !json_object_is_type (value, json_type_int)
                                        : !json_object_is_type (value, json_type_string))
      {
        gwt_error_set (err, GWT_E_INVALID, "'%s' is %s", name, gwt_json_type_name (value));
        return false;
      }
    if (!set_property (m, name, text, err))
      return false;
  }
  return true;
}

static bool
from_json (struct gwt_memdev *m, const char *text, struct gwt_error *err)
{
  struct json_object *object = gwt_json_parse (text, strlen (text), err);
  bool good = object != NULL && from_object (m, object, err);

  json_object_put (object);
  return good;
}

static struct gwt_memdev *
find (const char *id)
{
  guint i;

  for (i = 0; memdevs != NULL && i < memdevs->len; i++)
    {
      struct gwt_memdev *m = g_ptr_array_index (memdevs, i);

      if (strcmp (m->id, id) == 0)
        return m;
    }
  return NULL;
}

static bool
is_whole (const struct gwt_memdev *m, struct gwt_error *err)
{
  const char *missing = m->id == NULL                                   ? "id=ID"
                        : m->size == 0                                  ? "size=SIZE"
                        : m->kind == FILE_BACKED && m->path == NULL ? "mem-path=FILE"
                                                                        : NULL;

  if (missing != NULL)
    gwt_error_set (err, GWT_E_INVALID, "%s is missing; add it", missing);
  else if (find (m->id) != NULL)
    gwt_error_set (err, GWT_E_EXISTS, "id '%s' is taken; use another one", m->id);
  return !gwt_error_is_set (err);
}

bool
gwt_memdev_new_option (const char *text, struct gwt_error *err)
{
  struct gwt_memdev *m = g_new0 (struct gwt_memdev, 1);
  bool good = text[0] == '{' ? from_json (m, text, err) : from_text (m, text, err);

  if (!good || !is_whole (m, err))
    {
      memdev_free (m);
      return false;
    }
  if (memdevs == NULL)
    memdevs = g_ptr_array_new_with_free_func (memdev_free);
  g_ptr_array_add (memdevs, m);
  return true;
}

struct gwt_memdev *
gwt_memdev_find (const char *id, struct gwt_error *err)
{
  struct gwt_memdev *m = find (id);

  if (m == NULL)
    gwt_error_set (err, GWT_E_NOT_FOUND,
                   "'%s': no memory back end has this id; add -object "
                   "memory-backend-ram,id=%s,size=SIZE",
                   id, id);
  else
    m->used = true;
  return m;
}

bool
gwt_memdev_exists (const char *id)
{
  return find (id) != NULL;
}

uint64_t
gwt_memdev_size (const struct gwt_memdev *m)
{
  return m->size;
}

bool
gwt_memdev_check_used (struct gwt_error *err)
{
  guint i;

  for (i = 0; memdevs != NULL && i < memdevs->len; i++)
    {
      const struct gwt_memdev *m = g_ptr_array_index (memdevs, i);

      if (m->used)
        continue;
      gwt_error_set (err, GWT_E_INVALID,
                     "'%s': nothing uses it; add memory-backend=%s to -M, or leave it out", m->id,
                     m->id);
      return false;
    }
  return true;
}

/* ---- making it ------------------------------------------------------------------------------- */

static int
open_failed (const struct gwt_memdev *m, struct gwt_error *err)
{
  gwt_error_set (err, GWT_E_IO, "mem-path: '%s': %s; name a file that can be written", m->path,
                 g_strerror (errno));
  return -1;
}

/* In a folder: a file that nobody finds, gone with the process. */
static int
open_in_folder (const struct gwt_memdev *m, struct gwt_error *err)
{
  g_autofree char *path = g_strdup_printf ("%s/godwit-memory.XXXXXX", m->path);
  int fd = g_mkstemp_full (path, O_RDWR | O_CLOEXEC, 0600);

  if (fd < 0)
    return open_failed (m, err);
  unlink (path);
  return fd;
}

/* The file, which has room for all of it; what is in it stays. */
static int
open_file (struct gwt_memdev *m, bool *named, struct gwt_error *err)
{
  struct stat st;
  int fd;

  *named = !g_file_test (m->path, G_FILE_TEST_IS_DIR);
  if (!*named)
    fd = open_in_folder (m, err);
  else
    {
      fd = open (m->path, O_RDWR | O_CLOEXEC);
      if (fd < 0 && errno == ENOENT)
        {
          fd = open (m->path, O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL, 0644);
          m->made_file = fd >= 0;
        }
      if (fd < 0)
        return open_failed (m, err);
    }
  if (fd < 0)
    return -1;
  if (fstat (fd, &st) != 0)
    open_failed (m, err);
  else if (!S_ISREG (st.st_mode))
    gwt_error_set (err, GWT_E_INVALID, "mem-path: '%s': it is no file; name one", m->path);
  else if (st.st_size == 0 && ftruncate (fd, (off_t) m->size) != 0)
    open_failed (m, err);
  else if (st.st_size != 0 && (uint64_t) st.st_size < m->size)
    gwt_error_set (err, GWT_E_RANGE,
                   "mem-path: '%s': it has %" G_GINT64_FORMAT " bytes, size says %" G_GUINT64_FORMAT
                   "; make them alike",
                   m->path, (gint64) st.st_size, m->size);
  if (!gwt_error_is_set (err))
    return fd;
  close (fd);
  return -1;
}

static int
open_memfd (const struct gwt_memdev *m, struct gwt_error *err)
{
  int fd = memfd_create (m->id, MFD_CLOEXEC);

  if (fd >= 0 && ftruncate (fd, (off_t) m->size) == 0)
    return fd;
  gwt_error_set (err, GWT_E_NO_MEMORY, "'%s': the host has no memory that can be shared: %s", m->id,
                 g_strerror (errno));
  if (fd >= 0)
    close (fd);
  return -1;
}

/* All of FD's bytes, now: later the host kills whoever touches one that it has no room for. */
static bool
take_room (const struct gwt_memdev *m, int fd, struct gwt_error *err)
{
  int failed = 0;

  if (m->prealloc)
    do
      failed = posix_fallocate (fd, 0, (off_t) m->size);
    while (failed == EINTR);
  if (failed != 0)
    gwt_error_set (err, GWT_E_NO_MEMORY, "prealloc: '%s': the host has no room for it: %s", m->id,
                   g_strerror (failed));
  return failed == 0;
}

/* The same for anonymous memory. */
static void
touch (const struct gwt_memdev *m, struct gwt_region *region)
{
  volatile uint8_t *host = gwt_memory_region_block (region)->host;
  uint64_t at;

  if (m->prealloc)
    for (at = 0; at < m->size; at += PAGE)
      host[at] = 0;
}

struct gwt_region *
gwt_memdev_make_ram (struct gwt_memdev *m, uint64_t flags, struct gwt_error *err)
{
  struct gwt_ram_file file = { .fd = -1, .shared = m->shared };
  struct gwt_region *region;

  if (m->kind == RAM && !m->shared)
    {
      region = gwt_memory_new_ram (m->id, m->size, flags, err);
      if (region != NULL)
        touch (m, region);
      return region;
    }
  file.fd = m->kind == FILE_BACKED ? open_file (m, &file.named, err) : open_memfd (m, err);
  if (file.fd < 0)
    return NULL;
  region = take_room (m, file.fd, err)
               ? gwt_memory_new_ram_file (m->id, m->size, flags, &file, err)
               : NULL;
  if (region == NULL)
    close (file.fd);
  else if (file.shared && file.named)
    gwt_block_mark_file (file.fd);
  return region;
}

void
gwt_memdev_keep (void)
{
  guint i;

  for (i = 0; memdevs != NULL && i < memdevs->len; i++)
    ((struct gwt_memdev *) g_ptr_array_index (memdevs, i))->made_file = false;
}

void
gwt_memdev_close_all (void)
{
  guint i;

  for (i = 0; memdevs != NULL && i < memdevs->len; i++)
    {
      const struct gwt_memdev *m = g_ptr_array_index (memdevs, i);

      if (m->made_file)
        unlink (m->path);
    }
  g_clear_pointer (&memdevs, g_ptr_array_unref);
}
