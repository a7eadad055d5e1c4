/* SPDX-License-Identifier: BSD-2-Clause */
/* A device type with a row of every kind, for the tests of this folder. */
#ifndef TESTS_DEVICE_SAMPLE_H
#define TESTS_DEVICE_SAMPLE_H

#include <glib.h>
#include "core/device/device.h"

#define SAMPLE_INTERFACE "test.sample/1"

struct sample
{
  uint64_t u64, size64;
  int64_t i64;
  double f64, ratio;
  const char *str, *named;
  struct gwt_device *peer;
  struct gwt_chardev *chardev;
  struct gwt_netdev *netdev;
  uint32_t u32, i32_state[4];
  int32_t i32;
  uint16_t u16;
  int16_t i16;
  uint8_t u8;
  int8_t i8;
  _Bool on, off;
  uint8_t mode;
  uint8_t pad[7];
};

static const struct gwt_field sample_fields[] = {
  GWT_PROP_ROW (struct sample, u64, "u64", .flags = GWT_FIELD_HEX, .def = 7, .doc = "any"),
  GWT_PROP_ROW (struct sample, size64, "size", .flags = GWT_FIELD_SIZE, .def = 4096, .min = 4096,
                .max = UINT64_C (1) << 40, .doc = "a size"),
  GWT_PROP_ROW (struct sample, i64, "i64", .doc = "any"),
  GWT_PROP_ROW (struct sample, f64, "f64", .doc = "any"),
  GWT_PROP_ROW (struct sample, ratio, "ratio", .min = (uint64_t)-1, .max = 1, .def_text = "0.5",
                .doc = "a ratio"),
  GWT_PROP_ROW (struct sample, str, "str", .doc = "a text"),
  GWT_PROP_ROW (struct sample, named, "named", .def_text = "nobody",
                .doc = "a text with a default"),
  GWT_PROP_ROW (struct sample, peer, "peer", .interface = SAMPLE_INTERFACE, .doc = "another one"),
  GWT_PROP_ROW (struct sample, chardev, "chardev", .flags = GWT_FIELD_HOST_ONLY,
                .doc = "a back end"),
  GWT_PROP_ROW (struct sample, netdev, "netdev", .flags = GWT_FIELD_HOST_ONLY,
                .doc = "a back end"),
  GWT_PROP_ROW (struct sample, u32, "u32", .def = 2, .min = 1, .max = 100,
                .doc = "one to a hundred"),
  GWT_STATE_ARRAY (struct sample, i32_state, "i32-state", .doc = "state"),
  GWT_PROP_ROW (struct sample, i32, "i32", .def = (uint64_t)-3, .min = (uint64_t)-5, .max = 5,
                .doc = "signed"),
  GWT_PROP_ROW (struct sample, u16, "u16", .doc = "any"),
  GWT_PROP_ROW (struct sample, i16, "i16", .doc = "any"),
  GWT_PROP_ROW (struct sample, u8, "u8", .doc = "any"),
  GWT_PROP_ROW (struct sample, i8, "i8", .doc = "any"),
  GWT_PROP_ROW (struct sample, on, "on", .def = 1, .doc = "starts on"),
  GWT_PROP_ROW (struct sample, off, "off", .doc = "starts off"),
  GWT_PROP_ROW (struct sample, mode, "mode", .values = "bare|sv39|sv48", .def_text = "sv39",
                .doc = "names"),
  GWT_HOST_ROW (struct sample, pad, "padding"),
};

static int
sample_realize (void *self, struct gwt_device *device, struct gwt_error *err)
{
  (void)self;
  (void)device;
  (void)err;
  return 0;
}

static const struct
{
  uint64_t struct_size;
} sample_table = { sizeof sample_table };
static const struct gwt_interface sample_interfaces[] = { { SAMPLE_INTERFACE, &sample_table } };

#define SAMPLE_TYPE(NAME)                                                                          \
  {                                                                                                \
    .struct_size = sizeof (struct gwt_device_type), .name = NAME, .doc = "for tests",              \
    .flags = GWT_TYPE_USER, .instance_size = sizeof (struct sample), .fields = sample_fields,      \
    .field_size = sizeof (struct gwt_field), .n_fields = GWT_COUNT (sample_fields),                \
    .interfaces = sample_interfaces, .interface_size = sizeof (struct gwt_interface),              \
    .n_interfaces = 1, .realize = sample_realize                                                   \
  }

#endif
