/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One row per byte of a device's instance struct: properties, guest-visible registers, saved state,
 * and what belongs to the host alone.  The same table is parser, bounds, help text and coverage
 * check; the C type is read off the member at compile time, so table and struct cannot disagree.
 */
#ifndef GODWIT_FIELD_H
#define GODWIT_FIELD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum gwt_role
{
  GWT_PROP = 1000,  /* set before realize: option, machine file, JSON */
  GWT_REG = 2000,   /* a register the guest sees, saved */
  GWT_STATE = 3000, /* other guest state, saved */
  GWT_HOST = 4000   /* the host's; `doc` says why it need not be saved */
};

enum gwt_kind
{
  GWT_U8 = 1000,
  GWT_U16 = 1010,
  GWT_U32 = 1020,
  GWT_U64 = 1030,
  GWT_I8 = 1100,
  GWT_I16 = 1110,
  GWT_I32 = 1120,
  GWT_I64 = 1130,
  GWT_BOOL = 1200,    /* one byte, 0 or 1; on|off in text */
  GWT_F64 = 1300,
  GWT_STR = 2000,     /* const char *; owned by the host, lives as long as the device; or NULL */
  GWT_LINK = 3000,    /* struct gwt_device *; text is the id of a device made earlier; or NULL */
  GWT_CHARDEV = 4000, /* struct gwt_chardev *; text is the id of a character back end; or NULL */
  GWT_BLOCK = 5000,   /* struct gwt_block *; text is the id of a block back end; or NULL */
  GWT_NETDEV = 6000,  /* struct gwt_netdev *; text is the id of a network back end; or NULL */
  GWT_OPAQUE = 9000   /* no scalar: structs, pointers; roles STATE and HOST only */
};

enum gwt_field_flag
{
  GWT_FIELD_SIZE = 1 << 0,     /* takes 64K, 2M, 1G */
  GWT_FIELD_HEX = 1 << 1,      /* shown in hexadecimal */
  GWT_FIELD_REQUIRED = 1 << 2, /* must be given */
  /* unseen by the guest (back ends): no part of a machine's promise */
  GWT_FIELD_HOST_ONLY = 1 << 3,
  /* min and max hold, though both are 0: a build or host that can do nothing else */
  GWT_FIELD_BOUNDED = 1 << 4
};

struct gwt_field
{
  const char *name; /* [a-z][a-z0-9-]*; fixed for ever, not the C name; "" for GWT_HOST */
  const char *doc;  /* one line; for GWT_HOST the reason */
  uint32_t role;    /* enum gwt_role */
  uint32_t kind;    /* enum gwt_kind */
  uint32_t offset;  /* in the instance struct, bytes */
  uint32_t size;    /* of one element, bytes */
  uint32_t elems;   /* capacity of the C array, 1 for a scalar */
  uint32_t reg;     /* GWT_REG: offset in the device's first MMIO window */
  uint32_t since;   /* schema versions in which the row exists; 0: always */
  uint32_t until;
  uint64_t flags;        /* enum gwt_field_flag */
  uint64_t def;          /* default of a numeric or bool property */
  uint64_t min, max;     /* bounds on set and on load, both 0: none, but see GWT_FIELD_BOUNDED */
  uint64_t wmask;        /* GWT_REG: bits the guest can write */
  const char *def_text;  /* default of GWT_STR, or of a property with `values` */
  const char *values;    /* "sv39|sv48|sv57": a numeric property that takes names; first is 0 */
  const char *interface; /* GWT_LINK: id of the interface that the other device must offer */
  const char *count;     /* name of the PROP row that says how many elements are used */
  const char *when;      /* name of the bool PROP row that says whether it is saved */
  /* GWT_PROP: names of facts ("gwt.facts/1") of the same device, "a|b": all that a guest can ever
     see of the property, after a reset as well, is told there, bits that it can write by their
     write mask; so it is with releases of the plugin that do not know the property, too.  Two
     values that show in none of these facts are the same to a guest.  "path" stands for where the
     device sits, see section_path in device.h.  NULL: it is judged by its value. */
  const char *facts;
};

#if !defined(__cplusplus) && defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
struct gwt_device;
struct gwt_chardev;
struct gwt_block;
struct gwt_netdev;
#define GWT_KIND_OF(x)                                                                             \
  _Generic ((x),                                                                                   \
      uint8_t: GWT_U8, uint16_t: GWT_U16, uint32_t: GWT_U32, uint64_t: GWT_U64,                    \
      int8_t: GWT_I8, int16_t: GWT_I16, int32_t: GWT_I32, int64_t: GWT_I64,                        \
      _Bool: GWT_BOOL, double: GWT_F64, const char *: GWT_STR, char *: GWT_STR,                    \
      struct gwt_device *: GWT_LINK, struct gwt_chardev *: GWT_CHARDEV,                       \
      struct gwt_block *: GWT_BLOCK, struct gwt_netdev *: GWT_NETDEV, default: GWT_OPAQUE)
#define GWT_ROW(ROLE, T, m, e, n, NAME, ...)                                                       \
  { .name = NAME, .role = ROLE, .kind = GWT_KIND_OF (((T *) 0)->e), .offset = offsetof (T, m),     \
    .size = sizeof (((T *) 0)->e), .elems = n, __VA_ARGS__ }
#define GWT_ELEMS(T, m) (sizeof (((T *) 0)->m) / sizeof (((T *) 0)->m[0]))

/* Rows: PROP_, REG_, STATE_ for scalars, _ARRAY for arrays, HOST for the rest with its reason. */
#define GWT_PROP_ROW(T, m, NAME, ...) GWT_ROW (GWT_PROP, T, m, m, 1, NAME, __VA_ARGS__)
#define GWT_REG_ROW(T, m, NAME, at, ...) GWT_ROW (GWT_REG, T, m, m, 1, NAME, .reg = at, __VA_ARGS__)
#define GWT_REG_ARRAY(T, m, NAME, at, ...)                                                         \
  GWT_ROW (GWT_REG, T, m, m[0], GWT_ELEMS (T, m), NAME, .reg = at, __VA_ARGS__)
#define GWT_STATE_ROW(T, m, NAME, ...) GWT_ROW (GWT_STATE, T, m, m, 1, NAME, __VA_ARGS__)
#define GWT_STATE_ARRAY(T, m, NAME, ...)                                                           \
  GWT_ROW (GWT_STATE, T, m, m[0], GWT_ELEMS (T, m), NAME, __VA_ARGS__)
#define GWT_HOST_ROW(T, m, WHY)                                                                    \
  { .name = "", .doc = WHY, .role = GWT_HOST, .kind = GWT_OPAQUE, .offset = offsetof (T, m),       \
    .size = sizeof (((T *) 0)->m), .elems = 1 }
#endif

#ifdef __cplusplus
}
#endif

#endif
