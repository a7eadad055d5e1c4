/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns what single options mean: the name and options of -M, -smp, -m, -cpu help.  It must not make
 * anything.
 */
#include "config.h"
#include <string.h>
#include "core/machine/machine.h"
#include "core/plugin/loader.h"
#include "core/util/text.h"

bool
gwt_machine_split_name (const char *text, char **name, char ***options, struct gwt_error *err)
{
  g_auto (GStrv) parts = g_strsplit (text, ",", -1);
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (g_free);
  if (parts[0] == NULL || parts[0][0] == '\0')
    {
      gwt_error_set (err, GWT_E_INVALID, "-M: '%s': no machine type's name; -M help lists them",
                     text);
      return false;
    }
  for (guint i = 1; parts[i] != NULL; i++)
    {
      char *value = strchr (parts[i], '=');
      if (value == NULL || value == parts[i])
        {
          gwt_error_set (err, GWT_E_INVALID, "-M: '%s': not of the form option=value; see -M help",
                         parts[i]);
          return false;
        }
      *value++ = '\0';
      g_ptr_array_add (list, g_strdup (parts[i]));
      g_ptr_array_add (list, g_strdup (value));
    }
  g_ptr_array_add (list, NULL);
  *name = g_strdup (parts[0]);
  *options = g_strdupv ((char **) list->pdata);
  return true;
}

const struct gwt_machine_type *
gwt_machine_choice_with (const struct gwt_machine_choice *choice, enum gwt_machine_default what)
{
  for (guint i = 0; i < choice->chain->len; i++)
    {
      const struct gwt_machine_type *type = g_ptr_array_index (choice->chain, i);
      const bool says[] = { [GWT_DEFAULT_CPU] = type->cpu != NULL,
                            [GWT_DEFAULT_CPUS] = type->cpus != 0,
                            [GWT_DEFAULT_MEMORY] = type->memory != 0,
                            [GWT_DEFAULT_SMP_FILL] = type->smp_fill != NULL,
                            [GWT_DEFAULT_FIRMWARE] = type->firmware != NULL };
      if (says[what])
        return type;
    }
  return NULL;
}

const char *
gwt_machine_choice_smp_fill (const struct gwt_machine_choice *choice)
{
  const struct gwt_machine_type *type = gwt_machine_choice_with (choice, GWT_DEFAULT_SMP_FILL);
  return type != NULL ? type->smp_fill : "cores";
}

/* Give what is not said (0) its value: the first of -smp's parts in ORDER takes what is left. */
static void
fill_topology (struct gwt_topology *t, bool cores_first)
{
  uint32_t *order[2]
      = { cores_first ? &t->cores : &t->sockets, cores_first ? &t->sockets : &t->cores };
  if (t->cpus == 0)
    {
      t->sockets += t->sockets == 0;
      t->cores += t->cores == 0;
      t->threads += t->threads == 0;
      uint64_t product = (uint64_t) t->sockets * t->cores;
      product = product > UINT32_MAX ? UINT32_MAX : product * t->threads;
      t->cpus = product > UINT32_MAX ? UINT32_MAX : (uint32_t) product;
      return;
    }
  for (int i = 0; i < 2; i++)
    if (*order[i] == 0)
      {
        uint32_t *other = order[1 - i];
        *other += *other == 0;
        t->threads += t->threads == 0;
        uint64_t rest = (uint64_t) *other * t->threads;
        *order[i] = rest > t->cpus ? 1 : (uint32_t) (t->cpus / rest);
      }
  if (t->threads == 0)
    {
      uint64_t rest = (uint64_t) t->sockets * t->cores;
      t->threads = rest > t->cpus ? 1 : (uint32_t) (t->cpus / rest);
    }
}

bool
gwt_machine_parse_smp (const char *text, const char *fill, uint32_t cpus_default, uint32_t cpus_max,
                       struct gwt_topology *out, struct gwt_error *err)
{
  static const char *const keys[] = { "cpus", "sockets", "cores", "threads", "maxcpus", NULL };
  uint32_t values[G_N_ELEMENTS (keys)] = { 0 };
  bool given[G_N_ELEMENTS (keys)] = { false };
  g_auto (GStrv) parts = g_strsplit (text != NULL ? text : "", ",", -1);
  for (guint i = 0; parts[i] != NULL && text != NULL; i++)
    {
      char *value = strchr (parts[i], '=');
      const char *key = "cpus";
      uint64_t number;
      if (value == NULL && i == 0)
        value = parts[0];
      else
        {
          if (value != NULL)
            *value++ = '\0';
          key = parts[i];
        }
      guint k = 0;
      while (keys[k] != NULL && strcmp (keys[k], key) != 0)
        k++;
      if (keys[k] != NULL && value == NULL)
        {
          gwt_error_set (err, GWT_E_INVALID, "-smp: '%s' has no value; write %s=NUMBER", parts[i],
                         parts[i]);
          return false;
        }
      if (keys[k] == NULL)
        {
          g_autofree char *near = gwt_did_you_mean (parts[i], keys);
          gwt_error_set (err, GWT_E_INVALID,
                         "-smp: '%s': unknown; use cpus, sockets, cores, "
                         "threads or maxcpus=NUMBER%s",
                         parts[i], near);
          return false;
        }
      GWT_AUTO_ERROR (inner);
      if (!gwt_parse_u64 (value, false, &number, &inner) || number == 0 || number > cpus_max)
        {
          gwt_error_set (err, GWT_E_RANGE,
                         "-smp: %s: '%s' is out of range for this board; use a number from 1 to %u",
                         key, value, cpus_max);
          return false;
        }
      if (given[k])
        {
          gwt_error_set (err, GWT_E_INVALID, "-smp: '%s' is given twice; give it once", key);
          return false;
        }
      given[k] = true;
      values[k] = (uint32_t) number;
    }
  *out = (struct gwt_topology){ values[0], values[1], values[2], values[3] };
  if (text == NULL)
    out->cpus = cpus_default;
  fill_topology (out, strcmp (fill, "cores") == 0);
  uint64_t product = (uint64_t) out->sockets * out->cores;
  if (product <= UINT32_MAX)
    product *= out->threads;
  if (product != out->cpus)
    {
      gwt_error_set (err, GWT_E_INVALID,
                     "-smp: sockets %u * cores %u * threads %u are not cpus %u; "
                     "make the product equal",
                     out->sockets, out->cores, out->threads, out->cpus);
      return false;
    }
  if (out->cpus > cpus_max)
    {
      gwt_error_set (err, GWT_E_RANGE, "-smp: %u CPUs are too many for this board; use 1 to %u",
                     out->cpus, cpus_max);
      return false;
    }
  if (values[4] != 0 && values[4] != out->cpus)
    {
      gwt_error_set (err, GWT_E_UNSUPPORTED,
                     "-smp: maxcpus %u is not cpus %u; CPUs cannot be added "
                     "to a running guest, use equal numbers",
                     values[4], out->cpus);
      return false;
    }
  return true;
}

char *
gwt_machine_smp_help (const struct gwt_machine_choice *choice)
{
  const char *fill = gwt_machine_choice_smp_fill (choice);
  return g_strdup_printf (
      "-smp [cpus=]N[,sockets=S][,cores=C][,threads=T][,maxcpus=N]\n"
      "Machine type %s: 1 to %llu CPUs.  sockets * cores * threads must be cpus.\n"
      "What is left out: %s are filled first, then %s, then threads; maxcpus must equal cpus.\n",
      gwt_machine_choice_name (choice), (unsigned long long) choice->board->cpus_max, fill,
      strcmp (fill, "cores") == 0 ? "sockets" : "cores");
}

bool
gwt_machine_parse_memory (const char *text, const struct gwt_board *board, uint64_t *size,
                          struct gwt_error *err)
{
  GWT_AUTO_ERROR (inner);
  const char *number = g_str_has_prefix (text, "size=") ? text + 5 : text;
  const char *comma = strchr (number, ',');
  if (comma != NULL)
    {
      gwt_error_set (err, GWT_E_UNSUPPORTED,
                     "-m: '%s': memory cannot be added to a running guest "
                     "in this release; use -m SIZE alone",
                     comma + 1);
      return false;
    }
  if (number[0] == '-')
    {
      gwt_error_set (err, GWT_E_RANGE, "-m: '%s' is negative; use a size such as 512M or 2G", text);
      return false;
    }
  if (!gwt_parse_u64 (number, true, size, &inner))
    {
      gwt_error_set (err, GWT_E_INVALID, "-m: '%s' is no size: %s", text, inner.text);
      return false;
    }
  /* A bare number counts MiB, as QEMU's users are used to. */
  size_t length = strlen (number);
  if (g_ascii_isdigit (number[length - 1]) && !g_str_has_prefix (number, "0x"))
    {
      if (*size > (UINT64_MAX >> 20))
        *size = UINT64_MAX;
      else
        *size <<= 20;
    }
  if (*size < board->ram_min || *size > board->ram_max)
    {
      gwt_error_set (err, GWT_E_RANGE,
                     "-m: '%s' is out of range for board '%s'; use %lluM to %lluM", text,
                     board->name, (unsigned long long) (board->ram_min >> 20),
                     (unsigned long long) (board->ram_max >> 20));
      return false;
    }
  if (*size % board->ram_align != 0)
    {
      gwt_error_set (err, GWT_E_INVALID, "-m: '%s' is not a multiple of %llu bytes; round it", text,
                     (unsigned long long) board->ram_align);
      return false;
    }
  return true;
}

char *
gwt_machine_cpu_help (const struct gwt_machine_choice *choice, struct gwt_error *err)
{
  const struct gwt_board *board = choice->board;
  if (!gwt_loader_need_type (board->cpu_type, err))
    return NULL;
  GString *text = g_string_new (NULL);
  g_string_append_printf (text, "CPU models of machine type %s (-cpu MODEL[,property=value...]):\n",
                          gwt_machine_choice_name (choice));
  for (guint i = 0; i < board->models->len; i++)
    {
      const struct gwt_board_model *model = g_ptr_array_index (board->models, i);
      g_string_append_printf (text, "%-16s %s%s\n", model->name, model->doc,
                              i == 0 ? " (default)" : "");
    }
  g_autofree char *type_help = gwt_type_help (gwt_type_find (board->cpu_type));
  g_string_append_printf (text, "\n%s", type_help);
  return g_string_free (text, FALSE);
}
