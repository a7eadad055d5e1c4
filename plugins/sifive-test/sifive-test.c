/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SiFive test finisher: one register with which the guest powers off, resets, or ends with a
 * status.
 *
 * It must not know how a machine is stopped; it hands requests to "gwt.run/1".
 */
#include <godwit/godwit.h>

#define WINDOW 0x1000
#define REG_FINISH 0x0

/* Low half of the register; the high half is the status of FINISH_FAIL. */
#define FINISH_FAIL 0x3333
#define FINISH_PASS 0x5555
#define FINISH_RESET 0x7777

static const struct gwt_host *host;
static const struct gwt_memory_api *memory;
static const struct gwt_run_api *run;
static const struct gwt_fdt_api *fdt_api;

struct sifive_test
{
  struct gwt_device *device;
  uint8_t warned;
  uint8_t pad[7];
};

static const struct gwt_field fields[] = {
  GWT_HOST_ROW (struct sifive_test, device, "handle of the host"),
  GWT_HOST_ROW (struct sifive_test, warned, "whether the log has a line about the guest already"),
  GWT_HOST_ROW (struct sifive_test, pad, "padding"),
};

static void
warn_once (struct sifive_test *t, const char *what, uint64_t value)
{
  if (t->warned)
    return;
  t->warned = 1;
  host->log (GWT_LOG_GUEST, "sifive-test: %s 0x%llx is ignored", what, (unsigned long long) value);
}

static uint32_t
finisher_read (void *self, uint64_t offset, uint32_t size, uint64_t *value)
{
  (void) self;
  (void) offset;
  (void) size;
  *value = 0;
  return GWT_ACCESS_OK;
}

static uint32_t
finisher_write (void *self, uint64_t offset, uint32_t size, uint64_t value)
{
  struct sifive_test *t = self;
  uint32_t code = size == 4 ? (uint32_t) (value >> 16) & 0xffff : 0;

  if (offset != REG_FINISH)
    {
      warn_once (t, "a write at", offset);
      return GWT_ACCESS_OK;
    }
  switch (value & 0xffff)
    {
    case FINISH_PASS:
      run->shutdown (t->device, 0);
      break;
    case FINISH_FAIL:
      /* A process has eight bits of status.  A failure must not turn into success on the way: 0 and
         multiples of 256 would. */
      run->shutdown (t->device, code == 0 ? 1 : code > 255 ? 255 : code);
      break;
    case FINISH_RESET:
      run->reset (t->device);
      break;
    default:
      warn_once (t, "the value", value);
      break;
    }
  return GWT_ACCESS_OK;
}

static const struct gwt_mmio_ops finisher_ops = {
  .struct_size = sizeof finisher_ops,
  .min_size = 2,
  .max_size = 4,
  .read = finisher_read,
  .write = finisher_write,
};

static int
finisher_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  struct sifive_test *t = self;

  t->device = device;
  return memory->mmio (device, "sifive-test", WINDOW, &finisher_ops, err) ? 0 : -1;
}

static void
finisher_reset (void *self, uint32_t kind)
{
  (void) self;
  (void) kind;
}

static int
finisher_describe (void *self, struct gwt_fdt *fdt, struct gwt_error *err)
{
  static const char *const compatible[] = { "sifive,test1", "sifive,test0", "syscon" };
  static const struct
  {
    const char *name, *compatible;
    uint64_t value;
  } nodes[] = { { "poweroff", "syscon-poweroff", FINISH_PASS },
                { "reboot", "syscon-reboot", FINISH_RESET } };
  struct sifive_test *t = self;
  uint32_t i;

  (void) err;
  fdt_api->strings (fdt, "compatible", compatible, GWT_COUNT (compatible));
  fdt_api->phandle (fdt, t->device);
  /* Linux drives the register through these two generic nodes. */
  for (i = 0; i < GWT_COUNT (nodes); i++)
    {
      fdt_api->begin_at_root (fdt, nodes[i].name);
      fdt_api->string (fdt, "compatible", nodes[i].compatible);
      fdt_api->u32 (fdt, "regmap", fdt_api->phandle_of (fdt, t->device));
      fdt_api->u32 (fdt, "offset", REG_FINISH);
      fdt_api->u32 (fdt, "value", (uint32_t) nodes[i].value);
      fdt_api->end (fdt);
    }
  return 0;
}

static const struct gwt_device_type finisher_type = {
  .struct_size = sizeof finisher_type,
  .name = "sifive-test",
  .doc = "test finisher: power off, reset, exit status",
  .instance_size = sizeof (struct sifive_test),
  .fields = fields,
  .field_size = sizeof fields[0],
  .n_fields = GWT_COUNT (fields),
  .fdt_name = "test",
  .realize = finisher_realize,
  .reset = finisher_reset,
  .describe = finisher_describe,
};

static int
finisher_start (const struct gwt_host *h, struct gwt_error *err)
{
  (void) err;
  memory = h->extension (GWT_MEMORY_EXT);
  run = h->extension (GWT_RUN_EXT);
  fdt_api = h->extension (GWT_FDT_EXT);
  return 0;
}

static const char *const required[] = { GWT_MEMORY_EXT, GWT_RUN_EXT, GWT_FDT_EXT, NULL };
static const struct gwt_device_type *const types[] = { &finisher_type, NULL };

static const struct gwt_plugin plugin = {
  .struct_size = sizeof plugin,
  .abi_major = GWT_ABI_MAJOR,
  .abi_minor_needed = GWT_ABI_MINOR,
  .id = "sifive-test",
  .version = GODWIT_PLUGIN_VERSION,
  .doc = "SiFive test finisher",
  .required = required,
  .types = types,
  .start = finisher_start,
};

GWT_PLUGIN_DEFINE ("sifive-test", GODWIT_PLUGIN_VERSION, "sifive-test", plugin, host)
