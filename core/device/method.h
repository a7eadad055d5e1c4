/* SPDX-License-Identifier: BSD-2-Clause */
/* Typed methods: signatures, and calls through libffi.  gwt_device_call is in device.h.  All
 * [main]. */
#ifndef CORE_DEVICE_METHOD_H
#define CORE_DEVICE_METHOD_H

#include <stdbool.h>
#include <godwit/method.h>
#include "core/device/type.h"
#include "core/util/error.h"

#define GWT_METHOD_NAME_MAX 63

enum gwt_method_type
{
  GWT_ARG_VOID,
  GWT_ARG_BOOL,
  GWT_ARG_U8,
  GWT_ARG_U16,
  GWT_ARG_U32,
  GWT_ARG_U64,
  GWT_ARG_I8,
  GWT_ARG_I16,
  GWT_ARG_I32,
  GWT_ARG_I64,
  GWT_ARG_F64,
  GWT_ARG_STR
};

struct gwt_signature
{
  enum gwt_method_type result;
  char name[GWT_METHOD_NAME_MAX + 1];
  unsigned n_args;
  struct
  {
    enum gwt_method_type type;
    char name[GWT_METHOD_NAME_MAX + 1];
  } args[GWT_METHOD_MAX_ARGS];
};

/* Exactly the grammar of godwit/method.h; the error names the byte. */
bool gwt_signature_parse (const char *text, struct gwt_signature *signature, struct gwt_error *err);
const char *gwt_method_type_name (enum gwt_method_type type);
/* All methods of a type: signatures, doc, function, names that are not taken twice. */
bool gwt_methods_check (const struct gwt_type *type, struct gwt_error *err);

#endif
