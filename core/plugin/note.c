/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ELF note: what a plugin says of itself while none of its code has run.  Owns the checks that
 * a file is a whole shared object for this host; every offset and size in it is hostile.  Must not
 * know what is done with the answer.
 */
#include "config.h"
#include "core/plugin/loader.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/util/text.h"

/* Far above any real one; keeps a hostile header from making us read for long. */
#define PHDRS_MAX 256
#define SHDRS_MAX 4096
#define NOTES_MAX_BYTES (64 * 1024)
#define DYNAMIC_MAX_BYTES (64 * 1024)

#define DAMAGED "its headers are damaged; build or copy it again"

/* Refused below this: what the first release had. */
#define DESC_MIN sizeof (struct gwt_note_desc)

#if defined(__x86_64__)
#define HOST_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define HOST_MACHINE EM_AARCH64
#elif defined(__riscv)
#define HOST_MACHINE EM_RISCV
#elif defined(__powerpc64__)
#define HOST_MACHINE EM_PPC64
#elif defined(__s390x__)
#define HOST_MACHINE EM_S390
#elif defined(__loongarch__)
#define HOST_MACHINE 258
#else
#error "say which ELF machine this host is"
#endif

#if G_BYTE_ORDER == G_LITTLE_ENDIAN
#define HOST_DATA ELFDATA2LSB
#else
#define HOST_DATA ELFDATA2MSB
#endif

/* A file, or bytes in memory. */
struct source
{
  const uint8_t *data; /* NULL: fd */
  int fd;
  uint64_t size;
};

static bool
fail (struct gwt_error *err, const char *text)
{
  gwt_error_set (err, GWT_E_INVALID, "%s", text);
  return false;
}

static bool
truncated (const struct source *s, uint64_t end, struct gwt_error *err)
{
  gwt_error_set (err, GWT_E_INVALID,
                 "the file is truncated: it has %" G_GUINT64_FORMAT
                 " bytes, its headers speak of %" G_GUINT64_FORMAT "; copy it again",
                 s->size, end);
  return false;
}

static bool
in_file (const struct source *s, uint64_t offset, uint64_t size, struct gwt_error *err)
{
  if (offset <= s->size && size <= s->size - offset)
    return true;
  return truncated (s, offset > UINT64_MAX - size ? UINT64_MAX : offset + size, err);
}

static bool
read_at (const struct source *s, uint64_t offset, void *buffer, size_t size, struct gwt_error *err)
{
  if (!in_file (s, offset, size, err))
    return false;
  if (s->data != NULL)
    {
      memcpy (buffer, s->data + offset, size);
      return true;
    }
  for (size_t done = 0; done < size;)
    {
      ssize_t n = pread (s->fd, (char *)buffer + done, size - done, (off_t)(offset + done));
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          gwt_error_set (err, GWT_E_IO, "the file cannot be read: %s",
                         n < 0 ? g_strerror (errno) : "it became shorter");
          return false;
        }
      done += (size_t)n;
    }
  return true;
}

/* ---- ELF ------------------------------------------------------------------------------------- */

static bool
check_header (const struct source *s, Elf64_Ehdr *e, struct gwt_error *err)
{
  unsigned char ident[EI_NIDENT] = { 0 };
  if (s->size < SELFMAG)
    return fail (err, "not an ELF file; name a plugin, a shared object built for godwit");
  if (!read_at (s, 0, ident, s->size < EI_NIDENT ? SELFMAG : EI_NIDENT, err))
    return false;
  if (memcmp (ident, ELFMAG, SELFMAG) != 0)
    return fail (err, "not an ELF file; name a plugin, a shared object built for godwit");
  if (s->size < sizeof *e)
    return truncated (s, sizeof *e, err);
  if (ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != HOST_DATA)
    return fail (err,
                 "built for a host of another word size or byte order; build it for this host");
  if (!read_at (s, 0, e, sizeof *e, err))
    return false;
  if (e->e_machine != HOST_MACHINE)
    {
      gwt_error_set (
          err, GWT_E_INVALID,
          "built for another processor (ELF machine %u, this host is %u); build it for this host",
          e->e_machine, HOST_MACHINE);
      return false;
    }
  if (ident[EI_VERSION] != EV_CURRENT || e->e_version != EV_CURRENT || e->e_ehsize != sizeof *e)
    return fail (err, "its ELF header is damaged; build or copy it again");
  if (e->e_type != ET_DYN)
    return fail (err, "not a shared object; build it with -shared");
  if (e->e_phentsize != sizeof (Elf64_Phdr) || e->e_phnum == 0 || e->e_phnum > PHDRS_MAX)
    return fail (err, DAMAGED);
  /* Sections are not loaded, but they lie at the end: that is how a cut file is noticed. */
  if (e->e_shoff != 0 && !in_file (s, e->e_shoff, (uint64_t)e->e_shnum * e->e_shentsize, err))
    return false;
  return true;
}

/* The dynamic linker trusts these; a damaged file must not get that far. */
static bool
check_segment (const struct source *s, const Elf64_Phdr *p, struct gwt_error *err)
{
  if (p->p_type == PT_NULL || p->p_type == PT_GNU_STACK)
    return true;
  if (!in_file (s, p->p_offset, p->p_filesz, err))
    return false;
  bool load = p->p_type == PT_LOAD;
  if (p->p_vaddr > UINT64_MAX / 2 || p->p_memsz > UINT64_MAX / 4
      || (load
          && (p->p_filesz > p->p_memsz || (p->p_align & (p->p_align - 1)) != 0
              || p->p_align > (UINT64_C (1) << 30)
              || (p->p_align > 1 && (p->p_vaddr - p->p_offset) % p->p_align != 0))))
    return fail (err, DAMAGED);
  return true;
}

/* The PT_LOAD that maps SIZE bytes at ADDRESS, or NULL. */
static const Elf64_Phdr *
find_load (const Elf64_Phdr *phdrs, unsigned count, uint64_t address, uint64_t size)
{
  for (unsigned i = 0; i < count; i++)
    {
      const Elf64_Phdr *l = &phdrs[i];
      if (l->p_type == PT_LOAD && address >= l->p_vaddr && address - l->p_vaddr <= l->p_memsz
          && size <= l->p_memsz - (address - l->p_vaddr))
        return l;
    }
  return NULL;
}

/* What the dynamic linker reads, writes or jumps to by the addresses in the dynamic section. */
static bool
check_dynamic (const struct source *s, const Elf64_Phdr *phdrs, unsigned count,
               const Elf64_Phdr *dynamic, struct gwt_error *err)
{
  static const struct
  {
    int64_t tag;
    uint32_t flags;
  } pointers[] = { { DT_STRTAB, PF_R },   { DT_SYMTAB, PF_R },     { DT_HASH, PF_R },
                   { DT_GNU_HASH, PF_R }, { DT_RELA, PF_R },       { DT_JMPREL, PF_R },
                   { DT_VERSYM, PF_R },   { DT_VERNEED, PF_R },    { DT_VERDEF, PF_R },
                   { DT_PLTGOT, PF_W },   { DT_INIT_ARRAY, PF_W }, { DT_FINI_ARRAY, PF_W },
                   { DT_INIT, PF_X },     { DT_FINI, PF_X } };
  uint64_t entries = MIN (dynamic->p_filesz, DYNAMIC_MAX_BYTES) / sizeof (Elf64_Dyn);
  uint64_t needed = 0;
  for (uint64_t i = 0; i < entries; i++)
    {
      Elf64_Dyn d;
      if (!read_at (s, dynamic->p_offset + i * sizeof d, &d, sizeof d, err))
        return false;
      if (d.d_tag == DT_NULL)
        return needed == 2 || fail (err, DAMAGED);
      needed += d.d_tag == DT_STRTAB || d.d_tag == DT_SYMTAB;
      for (guint k = 0; k < G_N_ELEMENTS (pointers); k++)
        if (d.d_tag == pointers[k].tag)
          {
            const Elf64_Phdr *l = find_load (phdrs, count, d.d_un.d_ptr, 1);
            if (l == NULL || (l->p_flags & pointers[k].flags) == 0)
              return fail (err, DAMAGED);
          }
    }
  return fail (err, DAMAGED);
}

/* Each kind of segment where the linker expects it; PT_LOADs in order, in pages of their own. */
static bool
check_places (const Elf64_Phdr *phdrs, unsigned count, struct gwt_error *err)
{
  uint64_t end = 0;
  for (unsigned i = 0; i < count; i++)
    {
      const Elf64_Phdr *p = &phdrs[i];
      const Elf64_Phdr *l = find_load (phdrs, count, p->p_vaddr, p->p_memsz);
      bool good = true;
      if (p->p_type == PT_LOAD)
        {
          good = p->p_vaddr >= end && (p->p_flags & PF_R) != 0 && p->p_memsz > 0;
          end = (p->p_vaddr + p->p_memsz + 4095) & ~UINT64_C (4095);
        }
      else if (p->p_type == PT_DYNAMIC)
        good = l != NULL && (l->p_flags & PF_W) != 0
               && p->p_vaddr - l->p_vaddr == p->p_offset - l->p_offset;
      else if (p->p_type == PT_GNU_RELRO)
        good = l != NULL && (l->p_flags & PF_W) != 0;
      else if (p->p_type == PT_GNU_EH_FRAME || p->p_type == PT_TLS || p->p_type == PT_NOTE)
        good = l != NULL && p->p_vaddr - l->p_vaddr == p->p_offset - l->p_offset;
      if (!good)
        return fail (err, DAMAGED);
    }
  return true;
}

/* Sections say once more where everything lies; the two must agree, or the processor would run into
 * data. */
static bool
check_sections (const struct source *s, const Elf64_Ehdr *e, const Elf64_Phdr *phdrs,
                struct gwt_error *err)
{
  if (e->e_shoff == 0 || e->e_shnum == 0)
    return true; /* stripped of them: legal, and all that could be checked is checked */
  if (e->e_shentsize != sizeof (Elf64_Shdr) || e->e_shnum > SHDRS_MAX)
    return fail (err, DAMAGED);
  size_t size = e->e_shnum * sizeof (Elf64_Shdr);
  Elf64_Shdr *shdrs = g_malloc (size);
  bool good = read_at (s, e->e_shoff, shdrs, size, err);
  for (unsigned i = 0; i < e->e_shnum && good; i++)
    {
      const Elf64_Shdr *h = &shdrs[i];
      if ((h->sh_flags & SHF_ALLOC) == 0 || h->sh_type == SHT_NOBITS || h->sh_size == 0)
        continue;
      const Elf64_Phdr *l = find_load (phdrs, e->e_phnum, h->sh_addr, h->sh_size);
      good = l != NULL && h->sh_addr - l->p_vaddr == h->sh_offset - l->p_offset
             && h->sh_addr - l->p_vaddr + h->sh_size <= l->p_filesz
             && ((h->sh_flags & SHF_EXECINSTR) == 0 || (l->p_flags & PF_X) != 0)
             && ((h->sh_flags & SHF_WRITE) == 0 || (l->p_flags & PF_W) != 0);
      if (!good)
        fail (err, DAMAGED);
    }
  g_free (shdrs);
  return good;
}

static bool
check_segments (const struct source *s, const Elf64_Phdr *phdrs, unsigned count,
                struct gwt_error *err)
{
  unsigned n_dynamic = 0, loads = 0;
  const Elf64_Phdr *dynamic = NULL;
  for (unsigned i = 0; i < count; i++)
    {
      const Elf64_Phdr *p = &phdrs[i];
      if (!check_segment (s, p, err))
        return false;
      loads += p->p_type == PT_LOAD;
      if (p->p_type == PT_DYNAMIC)
        {
          dynamic = p;
          n_dynamic++;
        }
    }
  if (loads == 0 || n_dynamic != 1)
    return fail (err, "not a shared object that can be loaded; build it with -shared");
  return check_places (phdrs, count, err) && check_dynamic (s, phdrs, count, dynamic, err);
}

/* ---- the note -------------------------------------------------------------------------------- */

/* Names separated by one space, each accepted by VALID. */
static bool
check_list (const char *list, bool types)
{
  if (list[0] == '\0')
    return true;
  char **names = g_strsplit (list, " ", -1);
  bool good = true;
  for (char **n = names; *n != NULL && good; n++)
    {
      good = types ? gwt_name_is_valid (*n) : (*n)[0] != '\0';
      for (const char *p = *n; *p != '\0' && good; p++)
        good = g_ascii_isgraph (*p);
    }
  g_strfreev (names);
  return good;
}

static bool
check_desc (struct gwt_note_desc *d, uint32_t size, struct gwt_error *err)
{
  /* The first four words mean the same in every ABI major, so a stranger can be told apart from
   * garbage. */
  if (size < 4 * sizeof (uint32_t) || d->abi_major == 0)
    return fail (err, "its note is damaged; build or copy it again");
  if (d->abi_major != GWT_ABI_MAJOR)
    {
      gwt_error_set (
          err, GWT_E_UNSUPPORTED, "built for plugin ABI %u, this godwit speaks ABI %d; %s",
          d->abi_major, GWT_ABI_MAJOR,
          d->abi_major > GWT_ABI_MAJOR ? "use a newer godwit"
                                       : "build the plugin again with this release's headers");
      return false;
    }
  if (d->abi_minor_needed > GWT_ABI_MINOR)
    {
      gwt_error_set (err, GWT_E_UNSUPPORTED,
                     "needs plugin ABI %u.%u, this godwit speaks %d.%d; use a newer godwit",
                     d->abi_major, d->abi_minor_needed, GWT_ABI_MAJOR, GWT_ABI_MINOR);
      return false;
    }
  if (size < DESC_MIN || d->desc_size != size || memchr (d->id, '\0', sizeof d->id) == NULL
      || memchr (d->version, '\0', sizeof d->version) == NULL
      || memchr (d->types, '\0', sizeof d->types) == NULL
      || memchr (d->offers, '\0', sizeof d->offers) == NULL || !gwt_name_is_valid (d->id)
      || !g_ascii_isdigit (d->version[0])
      || strspn (d->version, "0123456789.") != strlen (d->version) || !check_list (d->types, true)
      || !check_list (d->offers, false))
    return fail (err,
                 "its note is damaged: id, version or names are malformed; build or copy it again");
  return true;
}

/* 1: found and good, 0: not here, -1: ERR is set. */
static int
search_notes (const uint8_t *notes, uint64_t size, struct gwt_note_desc *desc,
              struct gwt_error *err)
{
  uint64_t at = 0;
  while (size - at >= sizeof (Elf64_Nhdr))
    {
      Elf64_Nhdr n;
      memcpy (&n, notes + at, sizeof n);
      at += sizeof n;
      uint64_t owner = at, owner_size = ((uint64_t)n.n_namesz + 3) & ~UINT64_C (3);
      uint64_t desc_size = ((uint64_t)n.n_descsz + 3) & ~UINT64_C (3);
      if (owner_size > size - at || desc_size > size - at - owner_size)
        return 0; /* not ours to judge: others' notes are padded in their own ways */
      at += owner_size + desc_size;
      if (n.n_namesz != sizeof GWT_NOTE_OWNER || n.n_type != GWT_NOTE_TYPE
          || memcmp (notes + owner, GWT_NOTE_OWNER, sizeof GWT_NOTE_OWNER) != 0)
        continue;
      memset (desc, 0, sizeof *desc);
      memcpy (desc, notes + owner + owner_size, MIN (n.n_descsz, sizeof *desc));
      return check_desc (desc, n.n_descsz, err) ? 1 : -1;
    }
  return 0;
}

static bool
find_note (const struct source *s, const Elf64_Phdr *phdrs, unsigned count,
           struct gwt_note_desc *desc, struct gwt_error *err)
{
  for (unsigned i = 0; i < count; i++)
    {
      if (phdrs[i].p_type != PT_NOTE)
        continue;
      uint64_t size = MIN (phdrs[i].p_filesz, NOTES_MAX_BYTES);
      uint8_t *notes = g_malloc (size + 1);
      int found = read_at (s, phdrs[i].p_offset, notes, size, err)
                      ? search_notes (notes, size, desc, err)
                      : -1;
      g_free (notes);
      if (found != 0)
        return found > 0;
    }
  return fail (err, "it has no note " GWT_NOTE_SECTION
                    ", so it is no plugin of godwit; build it with GWT_PLUGIN_DEFINE");
}

static bool
judge (const struct source *s, struct gwt_note_desc *desc, struct gwt_error *err)
{
  Elf64_Ehdr e;
  memset (desc, 0, sizeof *desc);
  if (!check_header (s, &e, err))
    return false;
  size_t size = e.e_phnum * sizeof (Elf64_Phdr);
  Elf64_Phdr *phdrs = g_malloc (size);
  bool good = read_at (s, e.e_phoff, phdrs, size, err) && check_segments (s, phdrs, e.e_phnum, err)
              && check_sections (s, &e, phdrs, err) && find_note (s, phdrs, e.e_phnum, desc, err);
  g_free (phdrs);
  return good;
}

bool
gwt_note_parse (const uint8_t *data, size_t size, struct gwt_note_desc *desc, struct gwt_error *err)
{
  static const uint8_t nothing[1];
  struct source s = { data != NULL ? data : nothing, -1, data != NULL ? size : 0 };
  return judge (&s, desc, err);
}

bool
gwt_note_read (const char *path, struct gwt_note_desc *desc, struct gwt_error *err)
{
  memset (desc, 0, sizeof *desc);
  /* O_NONBLOCK: a pipe that somebody put there must not hang us. */
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  struct stat st;
  bool good = false;
  if (fd < 0 || fstat (fd, &st) != 0)
    gwt_error_set (err, errno == ENOENT ? GWT_E_NOT_FOUND : GWT_E_IO,
                   "the file cannot be opened: %s; check its path and permissions",
                   g_strerror (errno));
  else if (!S_ISREG (st.st_mode))
    gwt_error_set (err, GWT_E_INVALID,
                   "not a file; name a plugin, a shared object built for godwit");
  else
    {
      struct source s = { NULL, fd, (uint64_t)st.st_size };
      good = judge (&s, desc, err);
    }
  if (fd >= 0)
    close (fd);
  return good;
}
