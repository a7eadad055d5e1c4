/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RAM blocks: the host memory behind RAM, ROM and flash, and the list of them by wire name.  It
 * must not know where a block is seen in the guest's address space.
 *
 * Memory is anonymous unless the user named a file or wants to share it: on common hosts
 * transparent huge pages, which an interpreter's page table walks feel, exist for anonymous memory
 * alone.  It is not reserved with MAP_NORESERVE: where the host's overcommit policy says no, the
 * user hears it now and not as a killed process later.  Pages come into being when they are
 * touched.
 */
#include "config.h"
#include "core/memory/internal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_SIZE (UINT64_C (2) << 20)

/* Public head first: what others hold is a pointer to it. */
struct block
{
  struct gwt_ram_block b;
  atomic_uint refs;
  uint64_t mapped; /* bytes given to mmap */
  void *mapping;
};

static GPtrArray *blocks;

static struct gwt_ram_block *
find (const char *name)
{
  guint i;

  for (i = 0; blocks && i < blocks->len; i++)
    {
      struct gwt_ram_block *block = g_ptr_array_index (blocks, i);

      if (strcmp (block->name, name) == 0)
        return block;
    }
  return NULL;
}

static bool
no_room (const struct block *block, uint64_t size, struct gwt_error *err)
{
  gwt_error_set (err, GWT_E_NO_MEMORY,
                 "RAM block '%s': the host has no room for %" G_GUINT64_FORMAT
                 " MiB (%s); use a smaller size (-m)",
                 block->b.name, size >> 20, g_strerror (errno));
  return false;
}

/* Memory for BLOCK, aligned so that huge pages fit. */
static bool
map_memory (struct block *block, uint64_t size, struct gwt_error *err)
{
  uint64_t slack = size >= HUGE_SIZE ? HUGE_SIZE : 0;
  int protection = block->b.fd >= 0 ? PROT_NONE : PROT_READ | PROT_WRITE;
  uintptr_t start;
  void *p;

  block->mapped = size + slack;
  p = mmap (NULL, block->mapped, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED)
    return no_room (block, size, err);
  block->mapping = p;
  start = (uintptr_t) p;
  if (slack)
    start = (start + HUGE_SIZE - 1) & ~(uintptr_t) (HUGE_SIZE - 1);
  block->b.host = (uint8_t *) start;
  if (block->b.fd >= 0
      && mmap (block->b.host, size, PROT_READ | PROT_WRITE,
               MAP_FIXED | (block->b.shared ? MAP_SHARED : MAP_PRIVATE), block->b.fd, 0)
             == MAP_FAILED)
    return no_room (block, size, err);
#ifdef MADV_HUGEPAGE
  /* Only a wish; a host without huge pages says no. */
  if (slack)
    (void) madvise (block->b.host, size, MADV_HUGEPAGE);
#endif
#ifdef MADV_DONTFORK
  (void) madvise (block->mapping, block->mapped, MADV_DONTFORK);
#endif
  return true;
}

struct gwt_ram_block *
gwt_block_new (const char *name, uint64_t size, uint64_t flags,
               const struct gwt_ram_file *file, struct gwt_error *err)
{
  struct block *block;

  if (!name || !*name || strlen (name) > 255)
    {
      /* The stream gives a name one length byte. */
      gwt_error_set (err, GWT_E_INVALID, "RAM block: the name must have 1 to 255 bytes");
      return NULL;
    }
  if (size == 0 || size > (UINT64_C (1) << 56))
    {
      gwt_error_set (err, GWT_E_RANGE,
                     "RAM block '%s': size %" G_GUINT64_FORMAT
                     " is out of range; use 1 byte to 64 PiB",
                     name, size);
      return NULL;
    }
  if (find (name))
    {
      gwt_error_set (err, GWT_E_EXISTS, "RAM block '%s': the name is taken; use another one", name);
      return NULL;
    }
  size = (size + GWT_PAGE_SIZE - 1) & ~(uint64_t) (GWT_PAGE_SIZE - 1);
  block = g_new0 (struct block, 1);
  atomic_init (&block->refs, 1);
  block->b.name = g_strdup (name);
  block->b.size = size;
  block->b.flags = flags;
  block->b.fd = file ? file->fd : -1;
  block->b.shared = file && file->shared;
  block->b.named = file && file->named;
  if (!map_memory (block, size, err) || !gwt_dirty_attach (&block->b, err))
    {
      block->b.fd = -1; /* the caller's still */
      gwt_block_unref (&block->b);
      return NULL;
    }
  if (!blocks)
    blocks = g_ptr_array_new ();
  g_ptr_array_add (blocks, &block->b);
  return &block->b;
}

/* A lock of the process, not of the descriptor: a machine that is built again here has the file
   open twice for a while.  It goes with the first of its descriptors that is closed. */
static struct flock
mark (short type)
{
  return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1 };
}

void
gwt_block_mark_file (int fd)
{
  struct flock lock = mark (F_RDLCK);

  (void) fcntl (fd, F_SETLK, &lock);
}

int
gwt_block_other_process (const struct gwt_ram_block *block)
{
  struct flock lock = mark (F_WRLCK);

  if (!block->shared || !block->named || block->fd < 0)
    return 0;
  gwt_block_mark_file (block->fd);
  if (fcntl (block->fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
    return 0;
  return lock.l_pid > 0 ? lock.l_pid : -1;
}

void
gwt_block_ref (struct gwt_ram_block *b)
{
  atomic_fetch_add (&((struct block *) b)->refs, 1);
}

void
gwt_block_unref (struct gwt_ram_block *b)
{
  struct block *block = (struct block *) b;

  if (!b || atomic_fetch_sub (&block->refs, 1) != 1)
    return;
  if (block->mapping)
    munmap (block->mapping, block->mapped);
  if (block->b.fd >= 0)
    close (block->b.fd);
  g_free (block->b.dirty);
  g_free (block->b.name);
  g_free (block);
}

void
gwt_block_unlist (struct gwt_ram_block *block)
{
  if (blocks)
    g_ptr_array_remove (blocks, block);
  if (blocks && blocks->len == 0)
    g_clear_pointer (&blocks, g_ptr_array_unref);
}

struct gwt_ram_block **
gwt_memory_blocks (guint *count)
{
  guint n = blocks ? blocks->len : 0;
  struct gwt_ram_block **list = g_new0 (struct gwt_ram_block *, n + 1);

  if (n)
    memcpy (list, blocks->pdata, n * sizeof (*list));
  if (count)
    *count = n;
  return list;
}

struct gwt_ram_block **
gwt_memory_blocks_ref (guint *count)
{
  bool taken = gwt_memory_guard ();
  struct gwt_ram_block **list = gwt_memory_blocks (count);
  guint i;

  for (i = 0; list[i]; i++)
    gwt_block_ref (list[i]);
  gwt_memory_unguard (taken);
  return list;
}
