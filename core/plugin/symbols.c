/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a plugin exports and what it wants from outside: for godwit-plugin check.  The loader does
 * without, since RTLD_LOCAL keeps a wrong plugin's symbols from others.  Must not load anything.
 */
#include "config.h"
#include <elf.h>
#include <string.h>
#include "core/plugin/loader.h"

/* SIZE bytes at OFFSET of the file, or NULL. */
static const void *
part (const char *file, gsize file_size, uint64_t offset, uint64_t size)
{
  return offset <= file_size && size <= file_size - offset ? file + offset : NULL;
}

static bool
check_symbol (const Elf64_Sym *sym, const char *name, struct gwt_error *err)
{
  unsigned bind = ELF64_ST_BIND (sym->st_info);
  unsigned visibility = ELF64_ST_VISIBILITY (sym->st_other);
  if (sym->st_shndx == SHN_UNDEF)
    {
      if (g_str_has_prefix (name, "gwt_") || g_str_has_prefix (name, "godwit_"))
        gwt_error_set (err, GWT_E_INVALID,
                       "it wants '%s' from the host, which exports nothing; ask for the "
                       "extension and link with -z defs",
                       name);
    }
  /* A leading underscore: what linkers add by themselves. */
  else if (bind != STB_LOCAL && visibility != STV_HIDDEN && visibility != STV_INTERNAL
           && name[0] != '_' && strcmp (name, GWT_PLUGIN_ENTRY_NAME) != 0)
    gwt_error_set (err, GWT_E_INVALID,
                   "it exports '%s' beside '" GWT_PLUGIN_ENTRY_NAME
                   "'; hide it with -fvisibility=hidden",
                   name);
  return !gwt_error_is_set (err);
}

static bool
check_table (const char *file, gsize size, const Elf64_Shdr *symtab, const Elf64_Shdr *strtab,
             struct gwt_error *err)
{
  const char *syms = part (file, size, symtab->sh_offset, symtab->sh_size);
  const char *names = part (file, size, strtab->sh_offset, strtab->sh_size);
  if (syms == NULL || names == NULL || strtab->sh_size == 0
      || names[strtab->sh_size - 1] != '\0')
    {
      gwt_error_set (err, GWT_E_INVALID, "its symbol table is damaged; build or copy it again");
      return false;
    }
  for (uint64_t i = 1; i < symtab->sh_size / sizeof (Elf64_Sym); i++)
    {
      Elf64_Sym sym;
      memcpy (&sym, syms + i * sizeof sym, sizeof sym);
      if (sym.st_name < strtab->sh_size && names[sym.st_name] != '\0'
          && !check_symbol (&sym, names + sym.st_name, err))
        return false;
    }
  return true;
}

bool
gwt_symbols_check (const char *path, struct gwt_error *err)
{
  struct gwt_note_desc desc;
  g_autofree char *file = NULL;
  gsize size = 0;
  if (!gwt_note_read (path, &desc, err))
    return false;
  if (!g_file_get_contents (path, &file, &size, NULL) || size < sizeof (Elf64_Ehdr))
    {
      gwt_error_set (err, GWT_E_IO, "the file cannot be read");
      return false;
    }
  Elf64_Ehdr e;
  memcpy (&e, file, sizeof e);
  const char *shdrs = part (file, size, e.e_shoff, (uint64_t) e.e_shnum * sizeof (Elf64_Shdr));
  for (unsigned i = 0; shdrs != NULL && i < e.e_shnum; i++)
    {
      Elf64_Shdr symtab, strtab;
      memcpy (&symtab, shdrs + i * sizeof symtab, sizeof symtab);
      if (symtab.sh_type != SHT_DYNSYM || symtab.sh_link >= e.e_shnum)
        continue;
      memcpy (&strtab, shdrs + symtab.sh_link * sizeof strtab, sizeof strtab);
      if (!check_table (file, size, &symtab, &strtab, err))
        return false;
    }
  return true;
}
