/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns reading the linker's build id.  It is read where it is loaded, for the file may have been
 * replaced since.  Must not know what is told apart by it.
 */
#include "config.h"
#include "core/util/build-id.h"
#include <elf.h>
#include <glib.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define ID_BYTES_MAX 64

struct search
{
  uintptr_t address;
  char *id;
};

/* SIZE bytes of notes; all are the linker's, whose word is good for what runs already. */
static char *
id_in (const uint8_t *notes, size_t size, size_t align)
{
  size_t at = 0;

  align = align == 8 ? 8 : 4;
  while (size - at >= sizeof (ElfW (Nhdr)))
    {
      ElfW (Nhdr) n;
      size_t owner, desc;

      memcpy (&n, notes + at, sizeof (n));
      owner = at + sizeof (n);
      if (n.n_namesz > size - owner)
        break;
      desc = (owner + n.n_namesz + align - 1) & ~(align - 1);
      if (desc > size || n.n_descsz > size - desc)
        break;
      if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == sizeof (ELF_NOTE_GNU)
          && memcmp (notes + owner, ELF_NOTE_GNU, sizeof (ELF_NOTE_GNU)) == 0 && n.n_descsz > 0
          && n.n_descsz <= ID_BYTES_MAX)
        {
          GString *id = g_string_new (NULL);

          for (size_t i = 0; i < n.n_descsz; i++)
            g_string_append_printf (id, "%02x", notes[desc + i]);
          return g_string_free (id, FALSE);
        }
      at = (desc + n.n_descsz + align - 1) & ~(align - 1);
      if (at > size)
        break;
    }
  return NULL;
}

/* Nonzero: this is the object. */
static int
look (struct dl_phdr_info *info, size_t info_size, void *data)
{
  struct search *s = data;
  bool here = false;

  (void) info_size;
  for (int i = 0; i < info->dlpi_phnum && !here; i++)
    {
      const ElfW (Phdr) *p = &info->dlpi_phdr[i];

      here = p->p_type == PT_LOAD && s->address >= info->dlpi_addr + p->p_vaddr
             && s->address - (info->dlpi_addr + p->p_vaddr) < p->p_memsz;
    }
  for (int i = 0; i < info->dlpi_phnum && here && s->id == NULL; i++)
    {
      const ElfW (Phdr) *p = &info->dlpi_phdr[i];

      if (p->p_type == PT_NOTE)
        s->id = id_in ((const uint8_t *) (info->dlpi_addr + p->p_vaddr), p->p_memsz, p->p_align);
    }
  return here;
}

char *
gwt_build_id (const void *address)
{
  struct search s = { (uintptr_t) address, NULL };

  dl_iterate_phdr (look, &s);
  return s.id;
}
