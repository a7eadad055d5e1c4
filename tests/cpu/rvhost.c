/* SPDX-License-Identifier: BSD-2-Clause */
/* See rvhost.h. */
#include <dlfcn.h>
#include <elf.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rvhost.h"

static char error_text[1024];
static struct rvhost *current; /* extensions have no room for a context */

const char *
rvhost_error (void)
{
  return error_text;
}

/* ---- base table ---- */

static void
error_vset (struct gwt_error *err, uint32_t code, const char *format, va_list args)
{
  (void) err;
  (void) code;
  vsnprintf (error_text, sizeof error_text, format, args);
}

static void
error_set (struct gwt_error *err, uint32_t code, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  error_vset (err, code, format, args);
  va_end (args);
}

static void
host_vlog (uint32_t level, const char *format, va_list args)
{
  (void) level;
  fputs ("# plugin: ", stderr);
  vfprintf (stderr, format, args);
  fputc ('\n', stderr);
}

static void
host_log (uint32_t level, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  host_vlog (level, format, args);
  va_end (args);
}

static const char *
host_intern (const char *text)
{
  return strdup (text);
}

/* ---- gwt.vcpu/1 ---- */

static void
stop_all (struct rvhost *t)
{
  for (uint32_t i = 0; i < t->n_cpus; i++)
    {
      __atomic_store_n (&t->cpu[i].run.exit_request, 1, __ATOMIC_SEQ_CST);
      t->ops->kick (t->cpu[i].instance);
    }
}

static void
finish (struct rvhost *t, int status)
{
  t->status = status;
  stop_all (t);
}

static uint32_t
vcpu_span (struct gwt_device *device, uint64_t address, uint32_t to_store, struct gwt_span *span)
{
  struct rvhost *t = ((struct rvhost_cpu *) (void *) device)->host;
  uint64_t off = address - RVHOST_RAM;
  if (off < t->ram_size)
    {
      *span = (struct gwt_span) { RVHOST_RAM, t->ram_size, t->ram, GWT_SPAN_WRITE };
      if (t->watched != NULL)
        {
          uint64_t page = off & ~UINT64_C (4095);
          if (to_store)
            t->watched[page >> 12] = 1;
          *span = (struct gwt_span) { RVHOST_RAM + page, 4096, t->ram + page,
                                      t->watched[page >> 12] ? GWT_SPAN_WRITE : 0 };
        }
      /* HTIF: the word that ends the guest must be seen. */
      if (t->tohost != 0 && (address & ~UINT64_C (4095)) == (t->tohost & ~UINT64_C (4095)))
        *span = (struct gwt_span) { address & ~UINT64_C (4095), 4096,
                                    t->ram + (off & ~UINT64_C (4095)), 0 };
      else if (t->tohost != 0 && t->watched == NULL)
        {
          uint64_t page = t->tohost & ~UINT64_C (4095);
          if (address < page)
            span->size = page - RVHOST_RAM;
          else
            *span = (struct gwt_span) { page + 4096, RVHOST_RAM + t->ram_size - page - 4096,
                                        t->ram + (page + 4096 - RVHOST_RAM), GWT_SPAN_WRITE };
        }
      return GWT_ACCESS_OK;
    }
  *span = (struct gwt_span) { address & ~UINT64_C (4095), 4096, NULL, 0 };
  if (span->address == RVHOST_ROM)
    {
      span->host = t->rom;
      return GWT_ACCESS_OK;
    }
  if (span->address == RVHOST_FINISHER || span->address == RVHOST_CONSOLE
      || span->address == RVHOST_SCRATCH)
    return GWT_ACCESS_OK;
  return GWT_ACCESS_UNMAPPED;
}

static uint32_t
vcpu_load (struct gwt_device *device, uint64_t address, uint32_t size, uint64_t *value)
{
  struct rvhost *t = ((struct rvhost_cpu *) (void *) device)->host;
  uint64_t off = address - RVHOST_RAM;
  *value = 0;
  if (off < t->ram_size)
    memcpy (value, t->ram + off, size);
  else if (address - RVHOST_SCRATCH < 8)
    {
      __atomic_fetch_add (&t->scratch_reads, 1, __ATOMIC_RELAXED);
      memcpy (value, (uint8_t *) &t->scratch + (address - RVHOST_SCRATCH), size);
    }
  else if (address - RVHOST_CONSOLE >= 0x100 && address != RVHOST_FINISHER)
    return GWT_ACCESS_UNMAPPED;
  return GWT_ACCESS_OK;
}

static uint32_t
vcpu_store (struct gwt_device *device, uint64_t address, uint32_t size, uint64_t value)
{
  struct rvhost *t = ((struct rvhost_cpu *) (void *) device)->host;
  uint64_t off = address - RVHOST_RAM;
  if (off < t->ram_size)
    {
      memcpy (t->ram + off, &value, size);
      if (address == t->tohost && (value & 1))
        finish (t, (int) (value >> 1 & 0xffff));
    }
  else if (address == RVHOST_FINISHER)
    finish (t, (value & 0xffff) == 0x3333 ? (int) (value >> 16 & 0xffff) : 0);
  else if (address == RVHOST_CONSOLE)
    {
      if (t->console_used < sizeof t->console - 1)
        t->console[t->console_used++] = (char) value;
    }
  else if (address - RVHOST_SCRATCH < 8)
    {
      __atomic_fetch_add (&t->scratch_writes, 1, __ATOMIC_RELAXED);
      memcpy ((uint8_t *) &t->scratch + (address - RVHOST_SCRATCH), &value, size);
    }
  else if (address - RVHOST_ROM >= 4096 && address - RVHOST_CONSOLE >= 0x100)
    return GWT_ACCESS_UNMAPPED;
  return GWT_ACCESS_OK;
}

static void
vcpu_wake (struct gwt_device *device)
{
  (void) device;
}

static const struct gwt_vcpu_api vcpu = {
  .struct_size = sizeof vcpu,
  .span = vcpu_span,
  .load = vcpu_load,
  .store = vcpu_store,
  .wake = vcpu_wake,
};

/* ---- clock, interrupts, device tree ---- */

static uint64_t
clock_now (uint32_t clock)
{
  (void) clock;
  return current->ticks * 100;
}

static struct gwt_timer *
timer_new (struct gwt_device *device, uint32_t clock, gwt_timer_fn fn, void *self,
           struct gwt_error *err)
{
  (void) clock;
  (void) fn;
  (void) self;
  (void) err;
  return (struct gwt_timer *) (void *) device;
}

static void
timer_set (struct gwt_timer *timer, uint64_t expiry)
{
  (void) timer;
  (void) expiry;
}

static uint64_t
timer_expiry (struct gwt_timer *timer)
{
  (void) timer;
  return GWT_TIMER_OFF;
}

static const struct gwt_clock_api clock_api = {
  .struct_size = sizeof clock_api,
  .now = clock_now,
  .timer_new = timer_new,
  .timer_set = timer_set,
  .timer_expiry = timer_expiry,
};

static int
irq_inputs (struct gwt_device *device, const char *name, uint32_t count, gwt_irq_input_fn fn,
            struct gwt_error *err)
{
  (void) name;
  (void) count;
  (void) err;
  ((struct rvhost_cpu *) (void *) device)->irq = fn;
  return 0;
}

static const struct gwt_irq_api irq_api = {
  .struct_size = sizeof irq_api,
  .inputs = irq_inputs,
};

static const struct gwt_fdt_api fdt_api = { .struct_size = sizeof fdt_api };

static uint64_t
time_ticks (void *source)
{
  return __atomic_load_n (&((struct rvhost *) source)->ticks, __ATOMIC_RELAXED);
}

static uint64_t
time_when (void *source, uint64_t ticks)
{
  (void) source;
  return ticks * 100;
}

static const void *
extension (const char *id)
{
  if (strcmp (id, GWT_VCPU_EXT) == 0)
    return &vcpu;
  if (strcmp (id, GWT_CLOCK_EXT) == 0)
    return &clock_api;
  if (strcmp (id, GWT_IRQ_EXT) == 0)
    return &irq_api;
  if (strcmp (id, GWT_FDT_EXT) == 0)
    return &fdt_api;
  return NULL;
}

static const struct gwt_host base = {
  .struct_size = sizeof base,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor = GWT_ABI_MINOR,
  .name = "rvhost",
  .version = "0",
  .extension = extension,
  .error_set = error_set,
  .error_vset = error_vset,
  .log = host_log,
  .vlog = host_vlog,
  .intern = host_intern,
};

/* ---- life ---- */

static void
store_field (void *instance, const struct gwt_field *f, uint64_t value)
{
  memcpy ((uint8_t *) instance + f->offset, &value, f->size);
}

static uint64_t
default_of (const struct gwt_field *f)
{
  uint64_t n = 0;
  const char *s = f->values;
  if (s == NULL || f->def_text == NULL)
    return f->def;
  for (; strncmp (s, f->def_text, strlen (f->def_text)) != 0; n++)
    s = strchr (s, '|') + 1;
  return n;
}

static bool
set_properties (struct rvhost *t, void *instance, const char *props)
{
  char *copy, *at, *one;
  for (uint64_t i = 0; i < t->type->n_fields; i++)
    if (t->type->fields[i].role == GWT_PROP)
      store_field (instance, &t->type->fields[i], default_of (&t->type->fields[i]));
  at = copy = strdup (props != NULL ? props : "");
  while ((one = strsep (&at, ",")) != NULL)
    {
      char *value = strchr (one, '=');
      bool found = *one == '\0';
      if (value != NULL)
        *value++ = '\0';
      for (uint64_t i = 0; i < t->type->n_fields && value != NULL; i++)
        if (t->type->fields[i].role == GWT_PROP && strcmp (t->type->fields[i].name, one) == 0)
          {
            store_field (instance, &t->type->fields[i], strtoull (value, NULL, 0));
            found = true;
          }
      if (!found)
        {
          snprintf (error_text, sizeof error_text, "no property '%s'", one);
          free (copy);
          return false;
        }
    }
  free (copy);
  return true;
}

static bool
make_cpu (struct rvhost *t, uint32_t i, const char *props)
{
  struct rvhost_cpu *c = &t->cpu[i];
  struct gwt_device *device = (struct gwt_device *) (void *) c;
  c->host = t;
  c->index = i;
  c->instance = calloc (1, t->type->instance_size);
  if (t->type->init (c->instance, device, NULL) != 0 || !set_properties (t, c->instance, props))
    return false;
  for (uint64_t f = 0; f < t->type->n_fields; f++)
    if (strcmp (t->type->fields[f].name, "hart-id") == 0)
      store_field (c->instance, &t->type->fields[f], i);
  if (t->type->realize (c->instance, device, NULL) != 0)
    return false;
  t->ops->attach (c->instance, &c->run);
  return true;
}

struct rvhost *
rvhost_new (const char *path, uint32_t n_cpus, uint64_t ram_size, const char *props)
{
  static struct gwt_riscv_time time_source = { .struct_size = sizeof time_source,
                                               .hz = 10000000,
                                               .ticks = time_ticks,
                                               .when = time_when };
  struct rvhost *t = aligned_alloc (4096, (sizeof *t + 4095) & ~(size_t) 4095);
  void *so = dlopen (path, RTLD_NOW | RTLD_LOCAL);
  gwt_plugin_entry entry = so ? (gwt_plugin_entry) dlsym (so, GWT_PLUGIN_ENTRY_NAME) : NULL;
  const struct gwt_plugin *plugin;
  if (entry == NULL)
    {
      fprintf (stderr, "%s: %s\n", path, dlerror ());
      return NULL;
    }
  memset (t, 0, sizeof *t);
  current = t;
  plugin = entry (&base, NULL);
  if (plugin == NULL || plugin->start (&base, NULL) != 0)
    return NULL;
  t->type = plugin->types[0];
  for (uint64_t i = 0; i < t->type->n_interfaces; i++)
    if (strcmp (t->type->interfaces[i].id, GWT_CPU_INTERFACE) == 0)
      t->ops = t->type->interfaces[i].table;
    else
      t->hart = t->type->interfaces[i].table;
  t->n_cpus = n_cpus;
  t->ram_size = ram_size;
  t->ram = aligned_alloc (4096, ram_size);
  memset (t->ram, 0, ram_size);
  t->entry = RVHOST_RAM;
  time_source.source = t;
  for (uint32_t i = 0; i < n_cpus; i++)
    {
      if (!make_cpu (t, i, props))
        return NULL;
      t->hart->set_time (t->cpu[i].instance, &time_source);
    }
  return t;
}

void
rvhost_free (struct rvhost *t)
{
  for (uint32_t i = 0; i < t->n_cpus; i++)
    {
      t->type->unrealize (t->cpu[i].instance);
      free (t->cpu[i].instance);
    }
  free (t->ram);
  free (t);
}

bool
rvhost_load_elf (struct rvhost *t, const char *file)
{
  FILE *f = fopen (file, "rb");
  Elf64_Ehdr eh;
  bool ok = f != NULL && fread (&eh, sizeof eh, 1, f) == 1;
  for (unsigned i = 0; ok && i < eh.e_phnum; i++)
    {
      Elf64_Phdr ph;
      fseek (f, (long) (eh.e_phoff + i * sizeof ph), SEEK_SET);
      ok = fread (&ph, sizeof ph, 1, f) == 1;
      if (!ok || ph.p_type != PT_LOAD || ph.p_filesz == 0)
        continue;
      ok = ph.p_paddr >= RVHOST_RAM && ph.p_paddr - RVHOST_RAM + ph.p_memsz <= t->ram_size;
      fseek (f, (long) ph.p_offset, SEEK_SET);
      ok = ok && fread (t->ram + (ph.p_paddr - RVHOST_RAM), ph.p_filesz, 1, f) == 1;
    }
  for (unsigned i = 0; ok && i < eh.e_shnum; i++)
    {
      Elf64_Shdr sh, names;
      fseek (f, (long) (eh.e_shoff + i * sizeof sh), SEEK_SET);
      ok = fread (&sh, sizeof sh, 1, f) == 1;
      if (!ok || sh.sh_type != SHT_SYMTAB)
        continue;
      fseek (f, (long) (eh.e_shoff + sh.sh_link * sizeof sh), SEEK_SET);
      ok = fread (&names, sizeof names, 1, f) == 1;
      for (uint64_t s = 0; ok && s < sh.sh_size / sizeof (Elf64_Sym); s++)
        {
          Elf64_Sym sym;
          char name[8] = "";
          fseek (f, (long) (sh.sh_offset + s * sizeof sym), SEEK_SET);
          ok = fread (&sym, sizeof sym, 1, f) == 1;
          fseek (f, (long) (names.sh_offset + sym.st_name), SEEK_SET);
          ok = ok && fread (name, 1, sizeof name, f) > 0;
          if (memcmp (name, "tohost", 7) == 0)
            t->tohost = sym.st_value;
        }
    }
  if (ok)
    t->entry = eh.e_entry;
  if (f != NULL)
    fclose (f);
  return ok;
}

void
rvhost_reset (struct rvhost *t)
{
  t->status = -1;
  t->console_used = 0;
  for (uint32_t i = 0; i < t->n_cpus; i++)
    {
      t->type->reset (t->cpu[i].instance, 0);
      t->cpu[i].run.exit_request = 0;
      rvhost_set (t, i, "pc", t->entry);
      rvhost_set (t, i, "x10", i);
    }
}

static void *
run_cpu (void *arg)
{
  struct rvhost_cpu *c = arg;
  struct rvhost *t = c->host;
  uint64_t limit = c->run.budget;
  while (t->status < 0 && !c->run.exit_request)
    switch (t->ops->run (c->instance))
      {
      case GWT_EXIT_HALTED:
        if (t->n_cpus == 1)
          return NULL;
        usleep (100);
        break;
      case GWT_EXIT_BUDGET:
        stop_all (t);
        return NULL;
      default:
        if (limit != 0)
          {
            if (c->run.executed >= c->run.budget)
              return NULL;
            c->run.budget -= c->run.executed;
          }
        break;
      }
  return NULL;
}

bool
rvhost_run (struct rvhost *t, uint64_t limit)
{
  pthread_t threads[RVHOST_MAX];
  for (uint32_t i = 0; i < t->n_cpus; i++)
    {
      t->cpu[i].run.exit_request = 0;
      t->cpu[i].run.budget = i == 0 ? limit : 0;
    }
  for (uint32_t i = 1; i < t->n_cpus; i++)
    pthread_create (&threads[i], NULL, run_cpu, &t->cpu[i]);
  run_cpu (&t->cpu[0]);
  for (uint32_t i = 1; i < t->n_cpus; i++)
    pthread_join (threads[i], NULL);
  t->console[t->console_used] = '\0';
  return t->status >= 0;
}

static uint32_t
reg_number (struct rvhost *t, uint32_t cpu, const char *name)
{
  uint32_t n;
  const struct gwt_cpu_reg *regs = t->ops->regs (t->cpu[cpu].instance, &n);
  for (uint32_t i = 0; i < n; i++)
    if (strcmp (regs[i].name, name) == 0)
      return regs[i].number;
  fprintf (stderr, "no register '%s'\n", name);
  abort ();
}

uint64_t
rvhost_get (struct rvhost *t, uint32_t cpu, const char *name)
{
  uint64_t v = 0;
  t->ops->reg_get (t->cpu[cpu].instance, reg_number (t, cpu, name), &v);
  return v;
}

void
rvhost_set (struct rvhost *t, uint32_t cpu, const char *name, uint64_t value)
{
  t->ops->reg_set (t->cpu[cpu].instance, reg_number (t, cpu, name), value);
}
