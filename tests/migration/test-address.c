/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses of migrations: what they stand for, and such as are none. */
#include "config.h"
#include "core/migration/channel.h"
#include "core/util/json.h"
#include "tests/migration/addresses.h"

static void
test_good_addresses (void)
{
  static const struct
  {
    const char *uri, *label;
    bool file, two_way;
  } cases[] = {
    { "tcp:example.org:4444", "tcp:example.org:4444", false, true },
    { "tcp:[::1]:4444,ipv6=on", "tcp:[::1]:4444", false, true },
    { "tcp::4444,ipv4,keep-alive=on,numeric=off", "tcp::4444", false, true },
    { "unix:/a,b", "unix:/a,b", false, true },
    { "exec:cat > x, y", "exec:cat > x, y", false, true },
    { "file:/a,b", "file:/a,b", true, false },
    { "file:/a,b,offset=0x10", "file:/a,b", true, false },
    { "file:/a,offset=1,offset=4K", "file:/a,offset=1", true, false },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      struct gwt_address *a = parse (GWT_OUTGOING, "%s", cases[i].uri);
      g_assert_cmpstr (gwt_address_label (a), ==, cases[i].label);
      g_assert_true (gwt_address_is_file (a) == cases[i].file);
      g_assert_true (gwt_address_two_way (a) == cases[i].two_way);
      gwt_address_free (a);
    }
}

static void
test_bad_addresses (void)
{
  static const struct
  {
    enum gwt_direction direction;
    const char *uri, *text;
  } cases[] = {
    { GWT_OUTGOING, "",
      "'' is no address that a migration can go to; write tcp:HOST:PORT, unix:PATH, exec:COMMAND, "
      "fd:NAME or file:PATH" },
    { GWT_OUTGOING, "rdma:host:1",
      "'rdma:host:1' is no address that a migration can go to; write tcp:HOST:PORT, unix:PATH, "
      "exec:COMMAND, fd:NAME or file:PATH" },
    { GWT_OUTGOING, "tcp:host", "tcp:host: there is no port; write tcp:HOST:PORT" },
    { GWT_OUTGOING, "tcp:", "tcp:: there is no port; write tcp:HOST:PORT" },
    { GWT_OUTGOING, "tcp:host:x", "tcp:host:x: 'x' is no port; use a number from 0 to 65535" },
    { GWT_OUTGOING, "tcp:host:65536",
      "tcp:host:65536: '65536' is no port; use a number from 0 to 65535" },
    { GWT_OUTGOING, "tcp:host:0",
      "tcp:host:0: port 0 cannot be connected to; give the other end's port" },
    { GWT_OUTGOING, "tcp:::1:44",
      "tcp:::1:44: an address with colons needs brackets; write tcp:[ADDRESS]:PORT" },
    { GWT_OUTGOING, "tcp:host:1,to=2",
      "tcp:host:1,to=2: 'to' is for the end that listens; leave it out" },
    { GWT_INCOMING, "tcp:host:5,to=2",
      "tcp:host:5,to=2: to=2 is below port 5; use a port from it to 65535" },
    { GWT_INCOMING, "tcp:host:5,ipv4=off,ipv6=off",
      "tcp:host:5,ipv4=off,ipv6=off: ipv4 and ipv6 are both off; leave one on" },
    { GWT_INCOMING, "tcp:host:5,ipv4=perhaps",
      "tcp:host:5,ipv4=perhaps: ipv4: 'perhaps' is neither 'on' nor 'off'; use one of them" },
    { GWT_INCOMING, "tcp:host:5,ip4=on",
      "tcp:host:5,ip4=on: unknown option 'ip4'; did you mean 'ipv4'?" },
    { GWT_INCOMING, "tcp:host:5,server=on",
      "tcp:host:5,server=on: unknown option 'server'; there are to, ipv4, ipv6, keep-alive and "
      "numeric" },
    { GWT_OUTGOING, "unix:", "unix:: socket path '' has 0 bytes; use 1 to 107" },
    { GWT_OUTGOING, "exec:", "exec:: no command is given; write exec:COMMAND" },
    { GWT_OUTGOING, "file:", "file:: no file is named; write file:PATH" },
    { GWT_OUTGOING, "file:,offset=3", "file:,offset=3: no file is named; write file:PATH" },
    { GWT_OUTGOING, "file:a,offset=0x8000000000000000",
      "file:a,offset=0x8000000000000000: offset 9223372036854775808 is beyond any file; use less" },
    { GWT_OUTGOING, "fd:none",
      "fd:none: there is no descriptor named 'none'; pass it with getfd first" },
    { GWT_OUTGOING, "fd:", "fd:: there is no descriptor named ''; pass it with getfd first" },
    { GWT_OUTGOING, "fd:1",
      "fd:1: descriptor 1 is not one that this process was started with; leave one above 2 open "
      "for it, or pass one with getfd" },
    { GWT_OUTGOING, "fd:99999999999",
      "fd:99999999999: descriptor 99999999999 is not one that this process was started with; "
      "leave one above 2 open for it, or pass one with getfd" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GWT_AUTO_ERROR (err);
      g_assert_null (gwt_address_parse (cases[i].uri, cases[i].direction, &err));
      g_assert_cmpstr (err.text, ==, cases[i].text);
    }
}

static void
test_channels_argument (void)
{
  static const struct
  {
    const char *json, *text; /* label, or error */
    bool ok;
  } cases[] = {
    { "[{'channel-type':'main','addr':{'transport':'socket','type':'inet','host':'h','port':'7'}}]",
      "tcp:h:7", true },
    { "[{'channel-type':'main','addr':{'transport':'socket','type':'unix','path':'/p'}}]",
      "unix:/p", true },
    { "[{'channel-type':'main','addr':{'transport':'exec','args':['/bin/cat','-n']}}]",
      "exec:/bin/cat -n", true },
    { "[{'channel-type':'main','addr':{'transport':'file','filename':'/f','offset':512}}]",
      "file:/f", true },
    { "{}", "channels: Invalid parameter type for 'channels', expected: array", false },
    { "[]", "channels: 0 channels are given; there is one, the main one, which must be named",
      false },
    { "[1]", "channels: Invalid parameter type for 'channels', expected: object", false },
    { "[{}]", "channels: Parameter 'channel-type' is missing", false },
    { "[{'channel-type':'main'}]", "channels: Parameter 'addr' is missing", false },
    { "[{'channel-type':'cpr','addr':{}}]", "channels: channel-type 'cpr' is not offered; use main",
      false },
    { "[{'channel-type':'main','addr':{}}]", "channels: Parameter 'transport' is missing", false },
    { "[{'channel-type':'main','addr':{'transport':'rdma'}}]",
      "channels: transport 'rdma' is not offered; use socket, exec or file", false },
    { "[{'channel-type':'main','addr':{'transport':'socket','type':'vsock'}}]",
      "channels: type 'vsock' is not offered; use inet, unix or fd", false },
    { "[{'channel-type':'main','addr':{'transport':'socket','type':'inet','host':'h','port':7}}]",
      "tcp:h:7", true },
    { "[{'channel-type':'main','addr':{'transport':'socket','type':'inet','host':'h'}}]",
      "channels: Parameter 'port' is missing", false },
    { "[{'channel-type':'main','addr':{'transport':'socket','type':'inet','host':3,'port':'7'}}]",
      "channels: Invalid parameter type for 'host'", false },
    { "[{'channel-type':'main','addr':{'transport':'socket','type':'inet','host':'h','port':'7',"
      "'mptcp':true}}]",
      "channels: Parameter 'mptcp' is unexpected", false },
    { "[{'channel-type':'main','addr':{'transport':'file','filename':'/f','offset':-1}}]",
      "channels: Invalid parameter type for 'offset'", false },
    { "[{'channel-type':'main','addr':{'transport':'file','filename':'/f','filename':'/g'}}]",
      "channels: Parameter 'offset' is missing", false },
    { "[{'channel-type':'main','addr':{'transport':'exec','args':[1]}}]",
      "channels: Invalid parameter type for 'args'", false },
    { "[{'channel-type':'main','addr':{'transport':'exec','args':[]}}]",
      "channels: no command is given; write exec:COMMAND", false },
    { "[{'channel-type':'main','addr':{'transport':'socket','type':'unix','path':'a\\u0000b'}}]",
      "channels: Invalid parameter type for 'path'", false },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GWT_AUTO_ERROR (err);
      g_autofree char *json = g_strdelimit (g_strdup (cases[i].json), "'", '"');
      struct json_object *channels = json_tokener_parse (json);
      struct gwt_address *a = gwt_address_parse_channels (channels, GWT_OUTGOING, &err);
      g_assert_cmpstr (a != NULL ? gwt_address_label (a) : err.text, ==, cases[i].text);
      g_assert_true ((a != NULL) == cases[i].ok);
      gwt_address_free (a);
      json_object_put (channels);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/address/good", test_good_addresses);
  g_test_add_func ("/address/bad", test_bad_addresses);
  g_test_add_func ("/address/channels", test_channels_argument);
  return g_test_run ();
}
