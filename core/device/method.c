/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Typed methods.  Owns the signature grammar, the conversion of JSON arguments, and the calls
 * through libffi: the one place where the C compiler cannot check a call.  Never on the guest's
 * path.
 */
#include "config.h"
#include "core/device/method.h"
#include <ffi.h>
#include <math.h>
#include <string.h>
#include "core/device/device.h"
#include "core/device/lock.h"
#include "core/util/json.h"
#include "core/util/text.h"

/* Longer signatures are not parsed at all. */
#define SIGNATURE_MAX 2048

static const struct
{
  const char *name;
  ffi_type *ffi;
  int64_t min; /* integers */
  uint64_t max;
} arg_types[] = {
  [GWT_ARG_VOID] = { "void", &ffi_type_void, 0, 0 },
  [GWT_ARG_BOOL] = { "bool", &ffi_type_uint8, 0, 1 },
  [GWT_ARG_U8] = { "u8", &ffi_type_uint8, 0, UINT8_MAX },
  [GWT_ARG_U16] = { "u16", &ffi_type_uint16, 0, UINT16_MAX },
  [GWT_ARG_U32] = { "u32", &ffi_type_uint32, 0, UINT32_MAX },
  [GWT_ARG_U64] = { "u64", &ffi_type_uint64, 0, UINT64_MAX },
  [GWT_ARG_I8] = { "i8", &ffi_type_sint8, INT8_MIN, INT8_MAX },
  [GWT_ARG_I16] = { "i16", &ffi_type_sint16, INT16_MIN, INT16_MAX },
  [GWT_ARG_I32] = { "i32", &ffi_type_sint32, INT32_MIN, INT32_MAX },
  [GWT_ARG_I64] = { "i64", &ffi_type_sint64, INT64_MIN, INT64_MAX },
  [GWT_ARG_F64] = { "f64", &ffi_type_double, 0, 0 },
  [GWT_ARG_STR] = { "str", &ffi_type_pointer, 0, 0 },
};

const char *
gwt_method_type_name (enum gwt_method_type type)
{
  return arg_types[type].name;
}

/* ---- signatures ------------------------------------------------------------------------------ */

struct parser
{
  const char *start, *at;
  struct gwt_error *err;
};

static bool
syntax_error (struct parser *p, const char *wanted)
{
  gwt_error_set (p->err, GWT_E_INVALID, "signature '%s', byte %zu: %s belongs here", p->start,
                 (size_t)(p->at - p->start), wanted);
  return false;
}

/* [a-z][a-z0-9_]*: a C name, since that is what its author has in the source. */
static bool
parse_word (struct parser *p, char word[GWT_METHOD_NAME_MAX + 1], const char *wanted)
{
  size_t n = 0;
  if (!g_ascii_islower (p->at[0]))
    return syntax_error (p, wanted);
  while (g_ascii_islower (p->at[n]) || g_ascii_isdigit (p->at[n]) || p->at[n] == '_')
    n++;
  if (n > GWT_METHOD_NAME_MAX)
    return syntax_error (p, "a name of at most 63 characters");
  memcpy (word, p->at, n);
  word[n] = '\0';
  p->at += n;
  return true;
}

static bool
parse_char (struct parser *p, char c, const char *wanted)
{
  if (*p->at != c)
    return syntax_error (p, wanted);
  p->at++;
  return true;
}

static bool
parse_type_and_name (struct parser *p, bool result, enum gwt_method_type *type,
                     char name[GWT_METHOD_NAME_MAX + 1])
{
  char word[GWT_METHOD_NAME_MAX + 1];
  const char *begin = p->at;
  if (!parse_word (p, word, "a type"))
    return false;
  for (guint i = result ? GWT_ARG_VOID : GWT_ARG_BOOL; i < G_N_ELEMENTS (arg_types); i++)
    if (strcmp (arg_types[i].name, word) == 0)
      {
        *type = i;
        return parse_char (p, ' ', "one space") && parse_word (p, name, "a name");
      }
  p->at = begin;
  return syntax_error (p, result ? "a type (void, bool, u8 to u64, i8 to i64, f64, str)"
                                 : "a type (bool, u8 to u64, i8 to i64, f64, str)");
}

bool
gwt_signature_parse (const char *text, struct gwt_signature *s, struct gwt_error *err)
{
  memset (s, 0, sizeof *s);
  if (text == NULL || strnlen (text, SIGNATURE_MAX) == SIGNATURE_MAX)
    {
      gwt_error_set (err, GWT_E_INVALID, "a signature is missing or too long");
      return false;
    }
  struct parser p = { text, text, err };
  if (!parse_type_and_name (&p, true, &s->result, s->name) || !parse_char (&p, '(', "'('"))
    return false;
  if (*p.at != ')')
    for (;;)
      {
        if (s->n_args == GWT_METHOD_MAX_ARGS)
          return syntax_error (&p, "the end of at most 16 arguments");
        if (!parse_type_and_name (&p, false, &s->args[s->n_args].type, s->args[s->n_args].name))
          return false;
        for (unsigned i = 0; i < s->n_args; i++)
          if (strcmp (s->args[i].name, s->args[s->n_args].name) == 0)
            return syntax_error (&p, "another name than the one before, both arguments have it:");
        s->n_args++;
        if (*p.at != ',')
          break;
        p.at++;
        if (*p.at == ' ')
          p.at++;
      }
  if (!parse_char (&p, ')', "',' or ')'"))
    return false;
  return *p.at == '\0' || syntax_error (&p, "the end");
}

bool
gwt_methods_check (const struct gwt_type *type, struct gwt_error *err)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (uint64_t i = 0; i < type->d.n_methods; i++)
    {
      const struct gwt_method *m = &type->methods[i];
      struct gwt_signature s;
      if (!gwt_signature_parse (m->signature, &s, err))
        return false;
      const char *fault = m->fn == NULL                                  ? "has no function"
                          : m->doc == NULL || m->doc[0] == '\0'          ? "has no doc text"
                          : !g_hash_table_add (names, g_strdup (s.name)) ? "is there twice"
                                                                         : NULL;
      if (fault != NULL)
        {
          gwt_error_set (err, GWT_E_INVALID, "method '%s' %s", s.name, fault);
          return false;
        }
    }
  return true;
}

/* ---- call descriptions, made once per method ------------------------------------------------- */

struct call
{
  struct gwt_signature signature;
  gwt_method_fn fn;
  ffi_cif cif;
  ffi_type *types[GWT_METHOD_MAX_ARGS + 2];
};

static GHashTable *calls; /* struct gwt_method * (of a normalized table) -> struct call */

static struct call *
call_of (const struct gwt_method *method, struct gwt_error *err)
{
  if (calls == NULL)
    calls = g_hash_table_new (g_direct_hash, g_direct_equal);
  struct call *call = g_hash_table_lookup (calls, method);
  if (call != NULL)
    return call;
  call = g_new0 (struct call, 1);
  call->fn = method->fn;
  if (gwt_signature_parse (method->signature, &call->signature, err))
    {
      unsigned n = 0;
      call->types[n++] = &ffi_type_pointer;
      for (unsigned i = 0; i < call->signature.n_args; i++)
        call->types[n++] = arg_types[call->signature.args[i].type].ffi;
      call->types[n++] = &ffi_type_pointer;
      if (ffi_prep_cif (&call->cif, FFI_DEFAULT_ABI, n, arg_types[call->signature.result].ffi,
                        call->types)
          == FFI_OK)
        {
          g_hash_table_insert (calls, (gpointer)method, call);
          return call;
        }
      gwt_error_set (err, GWT_E_FAILED, "libffi cannot call '%s'", method->signature);
    }
  g_free (call);
  return NULL;
}

/* *PART is the part of DEVICE whose method it is. */
static struct call *
call_find (struct gwt_device *device, const char *name, struct gwt_device **part,
           struct gwt_error *err)
{
  const struct gwt_type *type = device->type;
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  for (*part = device; *part != NULL; *part = (*part)->base)
    for (uint64_t i = 0; i < (*part)->type->d.n_methods; i++)
      {
        struct gwt_signature s;
        GWT_AUTO_ERROR (ignored);
        if (!gwt_signature_parse ((*part)->type->methods[i].signature, &s, &ignored))
          continue;
        if (strcmp (s.name, name) == 0)
          return call_of (&(*part)->type->methods[i], err);
        g_ptr_array_add (names, g_strdup (s.name));
      }
  g_ptr_array_add (names, NULL);
  g_autofree char *hint = gwt_did_you_mean (name, (const char *const *)names->pdata);
  gwt_error_set (err, GWT_E_NOT_FOUND, "type '%s' has no method '%s'%s", type->d.name, name, hint);
  return NULL;
}

/* ---- arguments and results ------------------------------------------------------------------- */

union value
{
  uint8_t u8;
  uint16_t u16;
  uint32_t u32;
  uint64_t u64;
  int8_t i8;
  int16_t i16;
  int32_t i32;
  int64_t i64;
  double f64;
  const char *str;
  ffi_arg widened; /* libffi hands small integers back as a whole register */
};

static bool
argument_error (enum gwt_method_type type, struct json_object *json, struct gwt_error *err)
{
  g_autofree char *shown = gwt_json_shown (json);
  gwt_error_set (err, GWT_E_INVALID, "%s is %s; a value of type %s belongs here", shown,
                 gwt_json_type_name (json), arg_types[type].name);
  return false;
}

static bool
integer_argument (enum gwt_method_type type, struct json_object *json, union value *v,
                  struct gwt_error *err)
{
  if (!json_object_is_type (json, json_type_int))
    return argument_error (type, json, err);
  int64_t s = json_object_get_int64 (json);
  uint64_t u = json_object_get_uint64 (json);
  if (s < 0 ? s < arg_types[type].min : u > arg_types[type].max)
    {
      gwt_error_set (err, GWT_E_RANGE,
                     "'%s' is out of range; use %" G_GINT64_FORMAT " to %" G_GUINT64_FORMAT,
                     json_object_to_json_string (json), arg_types[type].min, arg_types[type].max);
      return false;
    }
  uint64_t bits = s < 0 ? (uint64_t)s : u;
  switch (arg_types[type].ffi->size)
    {
    case 1:
      v->u8 = (uint8_t)bits;
      break;
    case 2:
      v->u16 = (uint16_t)bits;
      break;
    case 4:
      v->u32 = (uint32_t)bits;
      break;
    default:
      v->u64 = bits;
    }
  return true;
}

static bool
argument_from_json (enum gwt_method_type type, struct json_object *json, union value *v,
                    struct gwt_error *err)
{
  switch (type)
    {
    case GWT_ARG_BOOL:
      if (!json_object_is_type (json, json_type_boolean))
        return argument_error (type, json, err);
      v->u8 = json_object_get_boolean (json) != 0;
      return true;
    case GWT_ARG_F64:
      if (!json_object_is_type (json, json_type_double)
          && !json_object_is_type (json, json_type_int))
        return argument_error (type, json, err);
      v->f64 = json_object_get_double (json);
      return true;
    case GWT_ARG_STR:
      if (!json_object_is_type (json, json_type_string))
        return argument_error (type, json, err);
      v->str = json_object_get_string (json);
      if (strlen (v->str) == (size_t)json_object_get_string_len (json))
        return true;
      gwt_error_set (err, GWT_E_INVALID, "'%s' goes on behind a zero byte", v->str);
      return false;
    default:
      return integer_argument (type, json, v, err);
    }
}

/* Every member of ARGS must be an argument; the reverse is checked where values are taken. */
static bool
check_names (const struct gwt_signature *s, struct json_object *args, struct gwt_error *err)
{
  const char *names[GWT_METHOD_MAX_ARGS + 1] = { NULL };
  for (unsigned i = 0; i < s->n_args; i++)
    names[i] = s->args[i].name;
  json_object_object_foreach (args, key, member)
  {
    (void)member;
    if (!g_strv_contains (names, key))
      {
        g_autofree char *hint = gwt_did_you_mean (key, names);
        gwt_error_set (err, GWT_E_INVALID, "has no argument '%s'%s", key, hint);
        return false;
      }
  }
  return true;
}

static bool
arguments_from_json (const struct gwt_signature *s, struct json_object *args, union value *values,
                     struct gwt_error *err)
{
  bool by_name = json_object_is_type (args, json_type_object);
  if (by_name ? !check_names (s, args, err)
              : args != NULL && !json_object_is_type (args, json_type_array))
    {
      gwt_error_set (err, GWT_E_INVALID, "arguments are %s; give an array, or an object by name",
                     gwt_json_type_name (args));
      return false;
    }
  size_t given = by_name || args == NULL ? 0 : json_object_array_length (args);
  if (!by_name && given != s->n_args)
    {
      gwt_error_set (err, GWT_E_INVALID, "takes %u arguments, %zu are given", s->n_args, given);
      return false;
    }
  for (unsigned i = 0; i < s->n_args; i++)
    {
      struct json_object *value = NULL;
      if (by_name ? !json_object_object_get_ex (args, s->args[i].name, &value) : false)
        {
          gwt_error_set (err, GWT_E_INVALID, "argument '%s' is missing", s->args[i].name);
          return false;
        }
      if (!by_name)
        value = json_object_array_get_idx (args, i);
      if (!argument_from_json (s->args[i].type, value, &values[i], err))
        {
          gwt_error_prefix (err, "argument '%s'", s->args[i].name);
          return false;
        }
    }
  return true;
}

static struct json_object *
result_to_json (enum gwt_method_type type, const union value *v)
{
  switch (type)
    {
    case GWT_ARG_VOID:
      return NULL;
    case GWT_ARG_BOOL:
      return json_object_new_boolean ((uint8_t)v->widened != 0);
    case GWT_ARG_U8:
      return json_object_new_uint64 ((uint8_t)v->widened);
    case GWT_ARG_U16:
      return json_object_new_uint64 ((uint16_t)v->widened);
    case GWT_ARG_U32:
      return json_object_new_uint64 ((uint32_t)v->widened);
    case GWT_ARG_U64:
      return json_object_new_uint64 (v->u64);
    case GWT_ARG_I8:
      return json_object_new_int64 ((int8_t)v->widened);
    case GWT_ARG_I16:
      return json_object_new_int64 ((int16_t)v->widened);
    case GWT_ARG_I32:
      return json_object_new_int64 ((int32_t)v->widened);
    case GWT_ARG_I64:
      return json_object_new_int64 (v->i64);
    case GWT_ARG_F64:
      /* JSON has no word for the others. */
      return isfinite (v->f64) ? json_object_new_double (v->f64) : NULL;
    case GWT_ARG_STR:
      {
        if (v->str == NULL)
          return NULL;
        g_autofree char *text = g_utf8_make_valid (v->str, -1);
        return json_object_new_string (text);
      }
    }
  return NULL;
}

bool
gwt_device_call (struct gwt_device *device, const char *method, struct json_object *args,
                 struct json_object **result, struct gwt_error *err)
{
  *result = NULL;
  struct gwt_device *part;
  struct call *call = call_find (device, method, &part, err);
  union value values[GWT_METHOD_MAX_ARGS] = { { 0 } };
  if (call == NULL)
    {
      gwt_error_prefix (err, "device '%s'", device->id);
      return false;
    }
  const struct gwt_signature *s = &call->signature;
  GWT_AUTO_ERROR (inner);
  if (!device->realized)
    gwt_error_set (&inner, GWT_E_BUSY, "the device is not realized yet");
  else if (arguments_from_json (s, args, values, &inner))
    {
      void *instance = part->instance;
      struct gwt_error *inner_p = &inner;
      void *slots[GWT_METHOD_MAX_ARGS + 2];
      union value returned = { .u64 = 0 };
      slots[0] = &instance;
      for (unsigned i = 0; i < s->n_args; i++)
        slots[i + 1] = &values[i];
      slots[s->n_args + 1] = &inner_p;
      int token = gwt_device_enter (device);
      ffi_call (&call->cif, FFI_FN (call->fn), &returned, slots);
      /* A string is the device's and lives until its next call: copy it while nobody else can make
       * one. */
      if (!gwt_error_is_set (&inner))
        *result = result_to_json (s->result, &returned);
      gwt_device_leave (device, token);
    }
  if (!gwt_error_is_set (&inner))
    return true;
  gwt_error_prefix (&inner, "device '%s': method '%s'", device->id, method);
  gwt_error_move (err, &inner);
  return false;
}
