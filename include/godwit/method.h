/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Typed methods: functions of a device that the monitor, scripts and tests can call by name with
 * JSON arguments.  The host calls them through libffi from the signature alone, on [main]; they are
 * never on the guest's path.
 *
 *   signature := type SPACE name "(" [ type SPACE name { "," SPACE type SPACE name } ] ")"
 *   type      := "void" (result only) | "bool" | "u8".."u64" | "i8".."i64" | "f64" | "str"
 *
 * The C function's first argument is the instance (void *), then the declared ones in order ("bool"
 * as uint8_t, "str" as const char *, living for the call), last a struct gwt_error *.  A method
 * that sets the error has failed, whatever it returns.  A returned "str" lives until the next call.
 * Example: "u64 read_counter(u32 index)" is uint64_t f (void *self, uint32_t index, struct
 * gwt_error *).
 */
#ifndef GODWIT_METHOD_H
#define GODWIT_METHOD_H

#include <godwit/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void (*gwt_method_fn) (void);

struct gwt_method
{
  const char *signature;
  const char *doc;  /* one line */
  gwt_method_fn fn; /* cast of the real function */
};

#define GWT_METHOD_MAX_ARGS 16

#ifdef __cplusplus
}
#endif

#endif
