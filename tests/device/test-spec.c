/* SPDX-License-Identifier: BSD-2-Clause */
/* -device as text and as JSON are one; -global reaches types and their children, and is never
 * ignored. */
#include "config.h"
#include "core/device/spec.h"
#include <string.h>
#include "tests/device/sample.h"

static char *
spec_text (const char *text)
{
  GWT_AUTO_ERROR (err);
  struct gwt_spec *spec = gwt_spec_parse (text, &err);
  if (spec == NULL)
    return g_strdup_printf ("! %s", err.text);
  struct json_object *json = gwt_spec_to_json (spec), *again_json;
  char *result = g_strdup (json_object_to_json_string_ext (json, JSON_C_TO_STRING_PLAIN));
  /* What it prints is what it reads. */
  struct gwt_spec *again = gwt_spec_parse (result, &err);
  g_assert_cmpstr (err.text, ==, NULL);
  again_json = gwt_spec_to_json (again);
  g_assert_cmpstr (json_object_to_json_string_ext (again_json, JSON_C_TO_STRING_PLAIN), ==, result);
  json_object_put (json);
  json_object_put (again_json);
  gwt_spec_free (spec);
  gwt_spec_free (again);
  return result;
}

static void
test_spec (void)
{
  static const struct
  {
    const char *text, *result;
  } cases[] = {
    { "sample", "{\"driver\":\"sample\"}" },
    { "sample,id=a,u32=5", "{\"driver\":\"sample\",\"id\":\"a\",\"u32\":\"5\"}" },
    { "driver=sample,id=a", "{\"driver\":\"sample\",\"id\":\"a\"}" },
    { "sample,str=a,,b,named=", "{\"driver\":\"sample\",\"str\":\"a,b\",\"named\":\"\"}" },
    { "sample,str=,,", "{\"driver\":\"sample\",\"str\":\",\"}" },
    { "sample,str=a=b", "{\"driver\":\"sample\",\"str\":\"a=b\"}" },
    { "{\"driver\":\"sample\",\"u32\":5,\"on\":false}",
      "{\"driver\":\"sample\",\"u32\":5,\"on\":false}" },
    { "{\"driver\":\"sample\",\"peer\":null}", "{\"driver\":\"sample\",\"peer\":null}" },
    { "", "! 'driver' is empty; give it a value" },
    { "id=a", "! no device type is given; begin with one, '-device help' lists them" },
    { "sample,", "! there is nothing between two commas; write a comma inside a value twice" },
    { "sample,on", "! 'on' has no value; write 'on=on' or 'on=VALUE'" },
    { "sample,u32=1,u32=2", "! property 'u32' is given twice; give it once" },
    { "sample,id=a,id=b", "! 'id' is given twice; give it once" },
    { "sample,driver=b", "! 'driver' is given twice; give it once" },
    { "sample,id=/",
      "! device id '/' is malformed; use a letter, then letters, digits, '-', '_' or '.'" },
    { "sample,a_b_c=1", "! 'a_b_c' cannot be a property; write 'a-b-c'" },
    { "sample,U=1", "! 'U' cannot be a property; their names are [a-z][a-z0-9-]*" },
    { "sample,=1", "! '' cannot be a property; their names are [a-z][a-z0-9-]*" },
    { "sample,str=\xff", "! the value of 'str' is not valid UTF-8" },
    { "{}", "! no device type is given; begin with one, '-device help' lists them" },
    { "{\"driver\":\"sample\",\"u32\":1,\"u32\":2}",
      "! byte 27: 'u32' is given twice; give it once" },
    { "{\"driver\":5}", "! 'driver' is a whole number; give a string" },
    { "{\"driver\":null}", "! 'driver' is null; give a string" },
    { "{\"driver\":\"sample\"", "! byte 18: JSON text ends too early" },
    { "{\"driver\":\"sample\"}x", "! byte 19: this character cannot stand outside of a string" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *result = spec_text (cases[i].text);
      g_assert_cmpstr (result, ==, cases[i].result);
    }
}

static void
test_globals (void)
{
  static const struct
  {
    const char *text, *refusal;
  } bad[] = {
    { "sample", "'sample' is no global value; write TYPE.PROPERTY=VALUE" },
    { "sample.u32", "'sample.u32' is no global value; write TYPE.PROPERTY=VALUE" },
    { ".u32=1", "'.u32=1' names no type and property; their names are [a-z][a-z0-9-]*" },
    { "sample.=1", "'sample.=1' names no type and property; their names are [a-z][a-z0-9-]*" },
    { "driver=sample,value=1",
      "'driver=sample,value=1' is no global value; write TYPE.PROPERTY=VALUE" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      GWT_AUTO_ERROR (err);
      g_assert_false (gwt_global_add (bad[i].text, &err));
      g_assert_cmpstr (err.text, ==, bad[i].refusal);
    }
  GWT_AUTO_ERROR (err);
  g_assert_true (gwt_global_add ("sample.u32=5", &err));
  g_assert_true (gwt_global_add ("base.u16=6", &err));
  g_assert_true (gwt_global_add ("base.only-some-have-it=6", &err));
  g_assert_true (gwt_global_add ("driver=sample,property=str,value=a.b=c", &err));
  g_assert_true (gwt_global_add ("sample.u32=7", &err));
  struct gwt_device *device = gwt_device_new (gwt_type_find ("sample"), "a", &err);
  struct sample *s = device->instance;
  g_assert_true (gwt_globals_apply (device, &err));
  g_assert_cmpuint (s->u32, ==, 7);
  g_assert_cmpuint (s->u16, ==, 6);
  g_assert_cmpstr (s->str, ==, "a.b=c");
  g_assert_cmpstr (gwt_device_provenance (device, "u32")->detail, ==, "-global sample.u32=7");
  g_assert_false (gwt_globals_check_used (&err));
  g_assert_cmpstr (err.text, ==,
                   "-global base.only-some-have-it=6: no device of this machine is of type 'base' "
                   "and has 'only-some-have-it'; remove the option");
  gwt_error_clear (&err);
  gwt_globals_clear ();
  g_assert_true (gwt_globals_check_used (&err));
  g_assert_true (gwt_global_add ("sample.u33=5", &err));
  g_assert_false (gwt_globals_apply (device, &err));
  g_assert_cmpstr (
      err.text, ==,
      "-global sample.u33=5: device 'a': type 'sample' has no property 'u33'; did you mean 'u32'?");
  gwt_error_clear (&err);
  gwt_globals_clear ();
  g_assert_true (gwt_global_add ("smple.u32=5", &err));
  g_assert_true (gwt_globals_apply (device, &err));
  g_assert_false (gwt_globals_check_used (&err));
  g_assert_cmpstr (err.text, ==,
                   "-global smple.u32=5: no device of this machine is of type 'smple' and has "
                   "'u32'; did you mean 'sample'?");
  gwt_globals_clear ();
  gwt_device_destroy (device);
}

int
main (int argc, char **argv)
{
  static struct gwt_device_type sample = SAMPLE_TYPE ("sample");
  GWT_AUTO_ERROR (err);
  g_test_init (&argc, &argv, NULL);
  sample.parent = "base";
  g_assert_true (gwt_type_register (&sample, "tests", "1.0", &err));
  g_test_add_func ("/spec/parse", test_spec);
  g_test_add_func ("/spec/globals", test_globals);
  return g_test_run ();
}
