/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verdict about two manifests: each rule, in both directions, with the text that a person
 * reads.  Every case is one pair of documents, alike but for the edits that it names.  So many
 * lines, because all rules are tried on that one pair.
 */
#include "config.h"
#include <json-c/json.h>
#include <json-c/json_pointer.h>
#include <string.h>
#include "core/migration/preflight.h"

static const char base[] = "\
{ 'godwit-manifest': 1, 'program': 'godwit 1.0', 'build': '01',\
  'machine': { 'type': 'pc-1', 'chain': ['pc-1'], 'board': 'pc',\
               'given': ['smp', 'memory', 'cpu'] },\
  'smp': { 'cpus': 2, 'sockets': 1, 'cores': 2, 'threads': 1 },\
  'cpu': 'rv64', 'memory': 134217728,\
  'blocks': [ { 'name': 'ram', 'size': 134217728 },\
              { 'name': 'rom', 'size': 65536, 'read-only': true } ],\
  'firmware': [ { 'block': 'rom', 'file': 'boot.bin', 'size': 60000, 'sha256': \
'0000000000000000000000000000000000000000000000000000000000000000' } ],\
  'plugins': [ { 'id': 'blk', 'version': '5.2', 'level': '5.1', 'build': '02' },\
               { 'id': 'cpu', 'version': '1.0', 'build': '03' },\
               { 'id': 'uart', 'version': '2.0', 'build': '04' } ],\
  'devices': [\
    { 'id': 'cpu0', 'type': 'rv64-cpu', 'plugin': 'cpu', 'origin': 'cpu',\
      'properties': { 'p': { 'value': true, 'source': 'default', 'default': true,\
                             'min': 0, 'max': 1 } }, 'sections': [] },\
    { 'id': 'serial0', 'type': 'uart', 'plugin': 'uart', 'origin': 'board',\
      'place': { 'regions': [ { 'name': 'uart', 'address': 4096, 'size': 8 } ] },\
      'properties': { 'fifo': { 'value': 16, 'source': 'default', 'default': 16,\
                                'min': 1, 'max': 64 } },\
      'sections': [ { 'name': 'uart', 'instance': 0, 'version': 3, 'minimum': 2,\
                      'layouts': { '2': 'aa', '3': 'bb' },\
                      'subsections': [ { 'name': 'uart/fifo', 'when': 'property fifo-on',\
                                         'may-come': true } ] } ] },\
    { 'id': 'disk0', 'type': 'blk', 'plugin': 'blk', 'origin': 'user',\
      'properties': { 'queues': { 'value': 1, 'source': 'plugin-compat',\
                        'detail': 'plugin blk, level 5.1', 'default': 4, 'min': 1, 'max': 8,\
                        'rows': [ { 'level': '5.1', 'value': 1 } ] } },\
      'facts': { 'capacity': 1048576, 'config': { 'size': 64, 'bytes': { '0': '1234', '16': '40' },\
                 'ignored': { '40': 'ff' }, 'write': { '1': 'f0' },\
                 'registers': [ { 'at': 0, 'size': 2, 'name': 'vendor ID' },\
                                { 'at': 16, 'size': 4, 'name': 'error mask' } ] } },\
      'sections': [] } ],\
  'sections': [ { 'name': 'ram', 'instance': 0, 'version': 4, 'minimum': 4 } ],\
  'hops': [ { 'program': 'godwit 1.0', 'machine': 'pc-1' } ] }";

#define CPU "/devices/0"
#define UART "/devices/1"
#define DISK "/devices/2"
#define FIFO UART "/properties/fifo"
#define QUEUES DISK "/properties/queues"
#define SECTION UART "/sections/0"

struct edit
{
  const char *path, *value; /* value NULL: take the member away */
};

struct pair
{
  const char *name;
  struct edit source[5], destination[5];
  enum gwt_verdict verdict;
  const char *lines[4]; /* reasons, or for ADAPT the adaptations */
};

static const struct pair pairs[] = {
  { "the same", { { 0 } }, { { 0 } }, GWT_VERDICT_OK, { 0 } },
  /* the machine */
  { "machine type",
    { { 0 } },
    { { "/machine/type", "'pc-2'" }, { "/machine/chain", "['pc-2']" } },
    GWT_VERDICT_REFUSE,
    { "machine type: 'pc-1' at the source, 'pc-2' at the destination; start the destination with "
      "-M pc-1" } },
  { "board",
    { { 0 } },
    { { "/machine/board", "'q'" } },
    GWT_VERDICT_REFUSE,
    { "machine type 'pc-1': its board is 'pc' at the source and 'q' at the destination; install "
      "the same machine type files at both ends" } },
  { "memory",
    { { 0 } },
    { { "/memory", "268435456" }, { "/blocks/0/size", "268435456" } },
    GWT_VERDICT_REFUSE,
    { "memory: 134217728 bytes at the source, 268435456 bytes at the destination; start the "
      "destination with -m 128M" } },
  { "memory of no whole MiB",
    { { "/memory", "134221824" } },
    { { 0 } },
    GWT_VERDICT_REFUSE,
    { "memory: 134221824 bytes at the source, 134217728 bytes at the destination; start the "
      "destination with -m 0x8001000" } },
  { "counted instructions",
    { { "/icount", "3" } },
    { { 0 } },
    GWT_VERDICT_REFUSE,
    { "the guest's instructions are counted (-icount shift=3), and the destination was started "
      "without; take it over with -icount shift=3" } },
  { "counted instructions that take another time",
    { { "/icount", "3" } },
    { { "/icount", "4" } },
    GWT_VERDICT_REFUSE,
    { "the guest's instructions are counted (-icount shift=3), and the destination was started "
      "with shift=4; take it over with -icount shift=3" } },
  { "instructions counted from now on", { { 0 } }, { { "/icount", "4" } }, GWT_VERDICT_OK, { 0 } },
  { "topology",
    { { 0 } },
    { { "/smp", "{ 'cpus': 2, 'sockets': 2, 'cores': 1, 'threads': 1 }" } },
    GWT_VERDICT_REFUSE,
    { "sockets: 1 at the source, 2 at the destination; start the destination with -smp "
      "...,sockets=1",
      "cores: 2 at the source, 1 at the destination; start the destination with -smp "
      "...,cores=2" } },
  { "CPU model",
    { { 0 } },
    { { "/cpu", "'max'" } },
    GWT_VERDICT_REFUSE,
    { "CPU model: 'rv64' at the source, 'max' at the destination; start the destination with -cpu "
      "rv64" } },
  { "plugin older than the level",
    { { 0 } },
    { { "/plugins/0", "{ 'id': 'blk', 'version': '5.0' }" } },
    GWT_VERDICT_REFUSE,
    { "plugin 'blk': the guest was promised level 5.1, and version 5.0 at the destination is "
      "older; install version 5.1 or newer there" } },
  { "plugin newer", { { 0 } }, { { "/plugins/0/version", "'6.0'" } }, GWT_VERDICT_OK, { 0 } },
  { "UUID of the destination alone",
    { { 0 } },
    { { "/machine/uuid", "'2d5a4a5a-0000-4000-8000-00000000000a'" } },
    GWT_VERDICT_REFUSE,
    { "UUID: none at the source, 2d5a4a5a-0000-4000-8000-00000000000a at the destination; leave "
      "-uuid out at the destination" } },
  { "UUID of the source alone",
    { { "/machine/uuid", "'2d5a4a5a-0000-4000-8000-00000000000a'" } },
    { { 0 } },
    GWT_VERDICT_REFUSE,
    { "UUID: 2d5a4a5a-0000-4000-8000-00000000000a at the source, none at the destination; start "
      "the destination with -uuid 2d5a4a5a-0000-4000-8000-00000000000a" } },
  { "zeros are none, and letters are of any size",
    { { "/machine/uuid", "'00000000-0000-0000-0000-000000000000'" } },
    { { 0 } },
    GWT_VERDICT_OK,
    { 0 } },
  /* blocks */
  { "firmware of another size",
    { { 0 } },
    { { "/blocks/1/size", "131072" },
      { "/firmware/0/file", "'new.bin'" },
      { "/firmware/0/size", "70000" } },
    GWT_VERDICT_REFUSE,
    { "memory block 'rom': 65536 bytes at the source (file 'boot.bin', 60000 bytes), 131072 bytes "
      "at the destination (file 'new.bin', 70000 bytes); give the destination an image of the "
      "source's size, or the same file" } },
  { "other firmware of the same block size",
    { { 0 } },
    { { "/firmware/0/file", "'new.bin'" }, { "/firmware/0/size", "61000" } },
    GWT_VERDICT_OK,
    { 0 } },
  { "block at the source alone",
    { { "/blocks/-", "{ 'name': 'flash', 'size': 4096 }" } },
    { { 0 } },
    GWT_VERDICT_REFUSE,
    { "memory block 'flash': 4096 bytes at the source, not there at the destination; give the "
      "destination the same devices and properties" } },
  { "block at the destination alone",
    { { 0 } },
    { { "/blocks/-", "{ 'name': 'flash', 'size': 4096 }" } },
    GWT_VERDICT_REFUSE,
    { "memory block 'flash': 4096 bytes at the destination, not there at the source; give the "
      "destination the same devices and properties" } },
  { "ROM here, RAM there",
    { { 0 } },
    { { "/blocks/1/read-only", "false" } },
    GWT_VERDICT_REFUSE,
    { "memory block 'rom': the guest can not write it at the source and can at the destination; "
      "give the destination the same devices and properties" } },
  /* devices */
  { "device at the source alone",
    { { "/devices/-", "{ 'id': 'd1', 'type': 'blk', 'plugin': 'blk', 'origin': 'hotplug', "
                      "'properties': {}, 'sections': [ { 'name': 'd1/blk', 'version': 1 } ] }" } },
    { { 0 } },
    GWT_VERDICT_REFUSE,
    { "device 'd1' (blk of plugin 'blk'): not there at the destination; add -device blk,id=d1 "
      "there" } },
  { "device at the destination alone",
    { { 0 } },
    { { "/devices/-", "{ 'id': 'd1', 'type': 'blk', 'plugin': 'blk', 'origin': 'user', "
                      "'properties': {}, 'sections': [] }" } },
    GWT_VERDICT_REFUSE,
    { "device 'd1' (blk of plugin 'blk'): not there at the source; leave -device blk,id=d1 out at "
      "the destination" } },
  { "device of the board at one end",
    { { 0 } },
    { { "/devices/-", "{ 'id': 'rtc', 'type': 'rtc', 'plugin': 'uart', 'origin': 'board', "
                      "'properties': {}, 'sections': [] }" } },
    GWT_VERDICT_REFUSE,
    { "device 'rtc' (rtc of plugin 'uart'): there at the destination alone; start both ends with "
      "the same machine type and options, from the same machine type files" } },
  { "device of another type",
    { { 0 } },
    { { DISK "/type", "'nvme'" }, { QUEUES "/value", "2" } },
    GWT_VERDICT_REFUSE,
    { "device 'disk0': type blk at the source, nvme at the destination; start the destination "
      "with the same device under this id" } },
  { "place",
    { { 0 } },
    { { UART "/place/regions/0/address", "8192" } },
    GWT_VERDICT_REFUSE,
    { "device 'serial0': regions: [{\"name\":\"uart\",\"address\":4096,\"size\":8}] at the "
      "source, [{\"name\":\"uart\",\"address\":8192,\"size\":8}] at the destination; give -device "
      "the same place at both ends, and both ends the same machine type files" } },
  /* properties that both know */
  { "promise broken",
    { { 0 } },
    { { QUEUES "/value", "4" }, { QUEUES "/source", "'default'" } },
    GWT_VERDICT_REFUSE,
    { "device 'disk0': property 'queues': 1 at the source (plugin blk, level 5.1), 4 at the "
      "destination (default), and machine type 'pc-1' promises the same at both; start the "
      "destination with -device blk,id=disk0,queues=1, or add the compat row that is missing to "
      "plugin 'blk'" } },
  { "a user's value travels",
    { { QUEUES "/value", "2" },
      { QUEUES "/source", "'global'" },
      { QUEUES "/detail", "'-global "
                          "x'" } },
    { { 0 } },
    GWT_VERDICT_ADAPT,
    { "device 'disk0': property 'queues': 2 at the source (-global x) in place of 1 at the "
      "destination" } },
  { "what came here travels on",
    { { QUEUES "/value", "2" }, { QUEUES "/source", "'incoming'" } },
    { { DISK "/facts/config/bytes", "{ '0': '1334' }" } },
    GWT_VERDICT_ADAPT,
    { "device 'disk0': property 'queues': 2 at the source (plugin blk, level 5.1) in place of 1 "
      "at the destination" } },
  { "what no property changes is in the way of an adaptation",
    { { QUEUES "/value", "2" }, { QUEUES "/source", "'global'" } },
    { { DISK "/facts/capacity", "2097152" } },
    GWT_VERDICT_REFUSE,
    { "device 'disk0': capacity: 1048576 at the source, 2097152 at the destination; give it the "
      "same back ends and properties at both ends" } },
  { "said twice, and the same",
    { { QUEUES "/value", "2" }, { QUEUES "/source", "'device'" } },
    { { QUEUES "/value", "2" }, { QUEUES "/source", "'global'" } },
    GWT_VERDICT_OK,
    { 0 } },
  { "conflict",
    { { FIFO "/value", "8" },
      { FIFO "/source", "'global'" },
      { FIFO "/detail", "'-global "
                        "uart.fifo=8'" } },
    { { FIFO "/value", "4" }, { FIFO "/source", "'device'" } },
    GWT_VERDICT_REFUSE,
    { "device 'serial0': property 'fifo': set to 8 at the source (-global uart.fifo=8) and to 4 "
      "at the destination (device); leave it out at the destination, or set it there with -global "
      "uart.fifo=8" } },
  { "set at the destination alone",
    { { 0 } },
    { { FIFO "/value", "4" }, { FIFO "/source", "'global'" } },
    GWT_VERDICT_REFUSE,
    { "device 'serial0': property 'fifo': 16 at the source (default), set to 4 at the destination "
      "(global); leave it out at the destination, or set it there with -global uart.fifo=16" } },
  { "a user's value that the destination cannot do",
    { { QUEUES "/value", "8" },
      { QUEUES "/source", "'device'" },
      { QUEUES "/detail", "'-device "
                          "blk'" } },
    { { QUEUES "/max", "4" } },
    GWT_VERDICT_REFUSE,
    { "device 'disk0': property 'queues': 8 at the source (-device blk), 1 at the destination "
      "(plugin blk, level 5.1), which takes 1 to 4; start the guest with -device "
      "blk,id=disk0,queues=1" } },
  { "a feature that the destination's host has not",
    { { 0 } },
    { { CPU "/properties/p/value", "false" }, { CPU "/properties/p/max", "0" } },
    GWT_VERDICT_REFUSE,
    { "device 'cpu0': property 'p': on at the source (default), off at the destination (default), "
      "which takes off alone; start the guest with -cpu rv64,p=off" } },
  /* properties that one end knows */
  { "unknown at the destination, and the same",
    { { 0 } },
    { { QUEUES, NULL }, { "/plugins/0/version", "'5.1'" }, { "/plugins/0/level", NULL } },
    GWT_VERDICT_OK,
    { 0 } },
  { "unknown at the destination, and different",
    { { QUEUES "/value", "4" }, { QUEUES "/source", "'default'" } },
    { { QUEUES, NULL }, { "/plugins/0/version", "'5.1'" }, { "/plugins/0/level", NULL } },
    GWT_VERDICT_REFUSE,
    { "device 'disk0': property 'queues': 4 at the source (default); plugin 'blk' 5.1 at the "
      "destination does not know it and behaves as 1; install a newer plugin there, or start the "
      "guest with -device blk,id=disk0,queues=1" } },
  { "unknown at the source, which is before the row",
    { { QUEUES, NULL }, { "/plugins/0/version", "'5.0'" }, { "/plugins/0/level", NULL } },
    { { 0 } },
    GWT_VERDICT_OK,
    { 0 } },
  { "unknown at the source, which is behind the row",
    { { QUEUES, NULL }, { "/plugins/0/version", "'5.1.1'" }, { "/plugins/0/level", NULL } },
    { { 0 } },
    GWT_VERDICT_REFUSE,
    { "device 'disk0': property 'queues': plugin 'blk' 5.1.1 at the source does not know it and "
      "behaves as 4, 1 at the destination (plugin blk, level 5.1); start the destination with "
      "-device blk,id=disk0,queues=4" } },
  { "unknown at the source, where the version of another plugin counts",
    { { QUEUES, NULL }, { "/plugins/0/version", "'5.2'" }, { "/plugins/2/version", "'5.0'" } },
    { { QUEUES "/rows", "[ { 'plugin': 'uart', 'level': '5.1', 'value': 1 } ]" } },
    GWT_VERDICT_OK,
    { 0 } },
  { "the remedy taken",
    { { QUEUES, NULL }, { "/plugins/0/version", "'5.1.1'" }, { "/plugins/0/level", NULL } },
    { { QUEUES "/value", "4" }, { QUEUES "/source", "'device'" } },
    GWT_VERDICT_OK,
    { 0 } },
  { "unknown without rows",
    { { FIFO, NULL } },
    { { FIFO "/value", "1" } },
    GWT_VERDICT_REFUSE,
    { "device 'serial0': property 'fifo': plugin 'uart' 2.0 at the source does not know it and "
      "behaves as 16, 1 at the destination (default); start the destination with -global "
      "uart.fifo=16" } },
  /* properties of which facts tell all that a guest sees */
  { "promise broken, unseen",
    { { QUEUES "/facts", "['config']" } },
    { { QUEUES "/facts", "['config']" },
      { QUEUES "/value", "4" },
      { QUEUES "/source", "'default'" } },
    GWT_VERDICT_OK,
    { 0 } },
  { "promise broken, unseen by what one plugin says",
    { { 0 } },
    { { QUEUES "/facts", "['config']" },
      { QUEUES "/value", "4" },
      { QUEUES "/source", "'default'" } },
    GWT_VERDICT_REFUSE,
    { "device 'disk0': property 'queues': 1 at the source (plugin blk, level 5.1), 4 at the "
      "destination (default), and machine type 'pc-1' promises the same at both; start the "
      "destination with -device blk,id=disk0,queues=1, or add the compat row that is missing to "
      "plugin 'blk'" } },
  { "set at the destination alone, unseen",
    { { QUEUES "/facts", "['config', 'capacity']" } },
    { { QUEUES "/facts", "['config']" },
      { QUEUES "/value", "4" },
      { QUEUES "/source", "'global'" } },
    GWT_VERDICT_OK,
    { 0 } },
  { "a user's value that the destination cannot do, unseen",
    { { QUEUES "/facts", "['config']" },
      { QUEUES "/value", "8" },
      { QUEUES "/source", "'device'" } },
    { { QUEUES "/facts", "['config']" }, { QUEUES "/max", "4" } },
    GWT_VERDICT_OK,
    { 0 } },
  { "a user's value travels, unseen or not",
    { { QUEUES "/facts", "['config']" },
      { QUEUES "/value", "2" },
      { QUEUES "/source", "'device'" } },
    { { QUEUES "/facts", "['config']" } },
    GWT_VERDICT_ADAPT,
    { "device 'disk0': property 'queues': 2 at the source (plugin blk, level 5.1) in place of 1 at "
      "the destination" } },
  { "conflict, unseen",
    { { QUEUES "/facts", "['config']" },
      { QUEUES "/value", "2" },
      { QUEUES "/source", "'device'" } },
    { { QUEUES "/facts", "['config']" },
      { QUEUES "/value", "4" },
      { QUEUES "/source", "'global'" } },
    GWT_VERDICT_REFUSE,
    { "device 'disk0': property 'queues': set to 2 at the source (plugin blk, level 5.1) and to 4 "
      "at the destination (plugin blk, level 5.1); leave it out at the destination, or set it "
      "there with -device blk,id=disk0,queues=2" } },
  { "unknown at the destination, and unseen",
    { { QUEUES "/facts", "['config']" },
      { QUEUES "/value", "4" },
      { QUEUES "/source", "'device'" } },
    { { QUEUES, NULL }, { "/plugins/0/version", "'5.1'" }, { "/plugins/0/level", NULL } },
    GWT_VERDICT_OK,
    { 0 } },
  { "unknown at the source, and unseen",
    { { QUEUES, NULL }, { "/plugins/0/version", "'5.1.1'" } },
    { { QUEUES "/facts", "['config']" } },
    GWT_VERDICT_OK,
    { 0 } },
  { "unknown at the source, and seen by what can be written",
    { { QUEUES, NULL }, { "/plugins/0/version", "'5.1.1'" } },
    { { QUEUES "/facts", "['config']" },
      { DISK "/facts/config/write", "{ '1': 'f0', '16': '01' }" } },
    GWT_VERDICT_REFUSE,
    { "device 'disk0': property 'queues': plugin 'blk' 5.1.1 at the source does not know it and "
      "behaves as 4, 1 at the destination (plugin blk, level 5.1); start the destination with "
      "-device blk,id=disk0,queues=4",
      "device 'disk0': config, byte 0x10 (error mask): 0x40 at the source, 0x40 at the "
      "destination, and the guest can change 0x00 of it and 0x01; make it the same device with the "
      "same properties at both ends (plugin 'blk' is 5.1.1 and 5.2)" } },
  { "unknown at the source, which does not tell the fact",
    { { QUEUES, NULL }, { DISK "/facts", NULL }, { "/plugins/0/version", "'5.1.1'" } },
    { { QUEUES "/facts", "['config']" } },
    GWT_VERDICT_REFUSE,
    { "device 'disk0': property 'queues': plugin 'blk' 5.1.1 at the source does not know it and "
      "behaves as 4, 1 at the destination (plugin blk, level 5.1); start the destination with "
      "-device blk,id=disk0,queues=4" } },
  { "unknown at the source, and no fact is named",
    { { QUEUES, NULL }, { "/plugins/0/version", "'5.1.1'" } },
    { { QUEUES "/facts", "[]" } },
    GWT_VERDICT_REFUSE,
    { "device 'disk0': property 'queues': plugin 'blk' 5.1.1 at the source does not know it and "
      "behaves as 4, 1 at the destination (plugin blk, level 5.1); start the destination with "
      "-device blk,id=disk0,queues=4" } },
  { "unknown at the source, and seen once another value is carried, or not",
    { { DISK "/properties",
        "{ 'size': { 'value': 2, 'source': 'device', 'detail': '-device blk' } }" },
      { "/plugins/0/version", "'5.1.1'" } },
    { { DISK "/properties", "{ 'queues': { 'value': 1, 'default': 4, 'facts': ['config'] }, "
                            "'queues2': { 'value': 1, 'default': 1 }, 'size': { 'value': 1 } }" },
      { DISK "/facts/config/bytes", "{ '0': '1334' }" } },
    GWT_VERDICT_ADAPT,
    { "device 'disk0': property 'size': 2 at the source (-device blk) in place of 1 at the "
      "destination" } },
  /* facts */
  { "capacity",
    { { 0 } },
    { { DISK "/facts/capacity", "2097152" } },
    GWT_VERDICT_REFUSE,
    { "device 'disk0': capacity: 1048576 at the source, 2097152 at the destination; give it the "
      "same back ends and properties at both ends" } },
  { "bytes by register",
    { { 0 } },
    { { DISK "/facts/config/bytes", "{ '0': '1334', '16': '00' }" },
      { "/plugins/0/version", "'8.0'" } },
    GWT_VERDICT_REFUSE,
    { "device 'disk0': config, byte 0x0 (vendor ID): 0x12 at the source, 0x13 at the destination; "
      "make it the same device with the same properties at both ends (plugin 'blk' is 5.2 and "
      "8.0)",
      "device 'disk0': config, byte 0x10 (error mask): 0x40 at the source, 0x00 at the "
      "destination; make it the same device with the same properties at both ends (plugin 'blk' "
      "is 5.2 and 8.0)" } },
  { "bytes that the guest changes, or that do not count",
    { { 0 } },
    { { DISK "/facts/config/bytes", "{ '0': '12c4', '16': '40', '40': 'ff' }" } },
    GWT_VERDICT_OK,
    { 0 } },
  { "bytes that the guest can change at one end",
    { { 0 } },
    { { DISK "/facts/config/write", "{ '1': 'f0', '16': '01' }" } },
    GWT_VERDICT_REFUSE,
    { "device 'disk0': config, byte 0x10 (error mask): 0x40 at the source, 0x40 at the "
      "destination, and the guest can change 0x00 of it and 0x01; make it the same device with the "
      "same properties at both ends" } },
  { "a fact in an unknown form",
    { { 0 } },
    { { DISK "/facts/config/bytes", "{ '0': '1' }" } },
    GWT_VERDICT_REFUSE,
    { "device 'disk0': config: a manifest tells it in a form that is not known here (\"bytes\": "
      "\"0\" is no run of bytes below 64); write it anew with -dump-manifest" } },
  { "facts of one end alone", { { 0 } }, { { DISK "/facts", NULL } }, GWT_VERDICT_OK, { 0 } },
  /* sections */
  { "newer version",
    { { SECTION "/version", "4" } },
    { { 0 } },
    GWT_VERDICT_REFUSE,
    { "device 'serial0': section 'uart': version 4 would be sent by plugin 'uart' 2.0, and plugin "
      "'uart' 2.0 at the destination reads up to 3; use a newer one there" } },
  { "older version",
    { { SECTION "/version", "2" }, { SECTION "/layouts", "{ '2': 'aa' }" } },
    { { 0 } },
    GWT_VERDICT_OK,
    { 0 } },
  { "version too old",
    { { SECTION "/version", "1" }, { SECTION "/minimum", "1" }, { SECTION "/layouts", "{}" } },
    { { 0 } },
    GWT_VERDICT_REFUSE,
    { "device 'serial0': section 'uart': version 1 would be sent by plugin 'uart' 2.0, and plugin "
      "'uart' 2.0 at the destination reads from 2 on; use an older one there" } },
  { "layout",
    { { 0 } },
    { { SECTION "/layouts", "{ '2': 'aa', '3': 'bc' }" } },
    GWT_VERDICT_REFUSE,
    { "device 'serial0': section 'uart': version 3 has other fields in plugin 'uart' 2.0 than in "
      "plugin 'uart' 2.0 at the destination (layouts bb and bc); use the same one at both ends" } },
  { "layout of a version that is not sent",
    { { 0 } },
    { { SECTION "/layouts", "{ '2': 'ab', '3': 'bb' }" } },
    GWT_VERDICT_OK,
    { 0 } },
  { "section at the source alone",
    { { 0 } },
    { { UART "/sections", "[]" }, { "/plugins/2/version", "'1.9'" } },
    GWT_VERDICT_REFUSE,
    { "device 'serial0': section 'uart': it would be sent, and plugin 'uart' 1.9 at the "
      "destination does not know it; use a newer one there" } },
  { "device left out at the destination",
    { { 0 } },
    { { UART "/sections", "[]" } },
    GWT_VERDICT_REFUSE,
    { "device 'serial0': section 'uart': it would be sent, and is left out at the destination; "
      "give -migrate-without serial0 at both ends, or at neither" } },
  { "device left out at the source",
    { { UART "/sections", "[]" } },
    { { 0 } },
    GWT_VERDICT_REFUSE,
    { "device 'serial0': section 'uart': the destination waits for it, and it is left out at the "
      "source; give -migrate-without serial0 at both ends, or at neither" } },
  { "section at the destination alone",
    { { 0 } },
    { { "/sections/-", "{ 'name': 'timer', 'instance': 1, 'version': 2 }" } },
    GWT_VERDICT_REFUSE,
    { "section 'timer' (instance 1): the destination waits for it, and godwit 1.0 at the source "
      "does not send it; use the same one at both ends" } },
  { "subsection unknown",
    { { 0 } },
    { { SECTION "/subsections", "[]" } },
    GWT_VERDICT_REFUSE,
    { "device 'serial0': section 'uart': subsection 'uart/fifo' (it hangs on property fifo-on) may "
      "be sent, and plugin 'uart' 2.0 at the destination does not know it; use a newer one there, "
      "or start the guest with that property off" } },
  { "subsection unknown, which hangs on state",
    { { SECTION "/subsections/0/when", "'state'" } },
    { { SECTION "/subsections", "[]" } },
    GWT_VERDICT_REFUSE,
    { "device 'serial0': section 'uart': subsection 'uart/fifo' (it hangs on state) may be sent, "
      "and plugin 'uart' 2.0 at the destination does not know it; use a newer one there, or turn "
      "x-preflight off there: the move fails in the end if the guest's state needs it" } },
  { "section that may come, at one end alone",
    { { 0 } },
    { { "/sections/-", "{ 'name': 'timer', 'version': 2, 'optional': true }" } },
    GWT_VERDICT_OK,
    { 0 } },
  { "section that may come and is not known",
    { { "/sections/-", "{ 'name': 'timer', 'version': 2, 'optional': true }" } },
    { { 0 } },
    GWT_VERDICT_REFUSE,
    { "section 'timer': it may be sent, and godwit 1.0 at the destination does not know it; use a "
      "newer one there" } },
  { "subsection of a newer version",
    { { SECTION "/subsections/0", "{ 'name': 'uart/fifo', 'may-come': true, 'version': 2, "
                                  "'minimum': 1, 'layouts': { '1': 'a', '2': 'b' } }" } },
    { { SECTION "/subsections/0", "{ 'name': 'uart/fifo', 'may-come': true, 'version': 1, "
                                  "'layouts': { '1': 'a' } }" } },
    GWT_VERDICT_REFUSE,
    { "device 'serial0': section 'uart': subsection 'uart/fifo': version 2 would be sent by plugin "
      "'uart' 2.0, and plugin 'uart' 2.0 at the destination reads up to 1; use a newer one "
      "there" } },
  { "subsection unknown, and off",
    { { SECTION "/subsections/0/may-come", "false" } },
    { { SECTION "/subsections", "[]" } },
    GWT_VERDICT_OK,
    { 0 } },
  { "subsection new", { { SECTION "/subsections", "[]" } }, { { 0 } }, GWT_VERDICT_OK, { 0 } },
  /* all at once, in the order of the document */
  { "every reason",
    { { 0 } },
    { { "/memory", "1048577" },
      { CPU "/properties/p/value", "false" },
      { DISK "/facts/capacity", "1" } },
    GWT_VERDICT_REFUSE,
    { "memory: 134217728 bytes at the source, 1048577 bytes at the destination; start the "
      "destination with -m 128M",
      "device 'cpu0': property 'p': on at the source (default), off at the destination (default), "
      "and machine type 'pc-1' promises the same at both; start the destination with -cpu "
      "rv64,p=on, or add the compat row that is missing to plugin 'cpu'",
      "device 'disk0': capacity: 1048576 at the source, 1 at the destination; give it the same "
      "back ends and properties at both ends" } },
};

/* What two documents alone tell: `lines` are reasons, for UNDECIDED what is open. */
#define TRAVELS { QUEUES "/value", "2" }, { QUEUES "/source", "'global'" }
#define MEMORY(SIZE) { "/memory", SIZE }, { "/blocks/0/size", SIZE }

static const struct pair files[] = {
  { "the same", { { 0 } }, { { 0 } }, GWT_VERDICT_OK, { 0 } },
  { "a user's value travels, and both ends run the same code",
    { TRAVELS },
    { { 0 } },
    GWT_VERDICT_ADAPT,
    { 0 } },
  { "another build of another device's plugin",
    { TRAVELS },
    { { "/plugins/1/build", "'33'" } },
    GWT_VERDICT_UNDECIDED,
    { "plugin 'cpu': both are 1.0, but not the same build, as far as is known" } },
  { "builds that are not told",
    { TRAVELS, { "/plugins/0/build", NULL } },
    { { "/plugins/0/build", NULL }, { "/build", NULL } },
    GWT_VERDICT_UNDECIDED,
    { "program: both are godwit 1.0, but not the same build, as far as is known",
      "plugin 'blk': both are 5.2, but not the same build, as far as is known" } },
  { "another version, and another program",
    { TRAVELS },
    { { "/plugins/0/version", "'5.3'" }, { "/program", "'godwit 1.1'" } },
    GWT_VERDICT_UNDECIDED,
    { "program: godwit 1.0 at the source, godwit 1.1 at the destination",
      "plugin 'blk': 5.2 at the source, 5.3 at the destination" } },
  { "other code, and nothing changes",
    { { 0 } },
    { { "/plugins/0/version", "'5.3'" }, { "/program", "'godwit 1.1'" } },
    GWT_VERDICT_OK,
    { 0 } },
  { "a back end has a say",
    { TRAVELS },
    { { DISK "/backends", "{ 'drive': 'd0' }" } },
    GWT_VERDICT_UNDECIDED,
    { "device 'disk0' (blk of plugin 'blk'): whether it can have the guest's values hangs on its "
      "back end 'd0', too" } },
  { "another device's back end has none",
    { TRAVELS },
    { { UART "/backends", "{ 'chardev': 'c0' }" } },
    GWT_VERDICT_ADAPT,
    { 0 } },
  { "what may follow from the value",
    { TRAVELS },
    { { DISK "/facts/capacity", "2097152" } },
    GWT_VERDICT_UNDECIDED,
    { "device 'disk0': capacity: 1048576 at the source, 2097152 at the destination; give it the "
      "same back ends and properties at both ends" } },
  { "what another device settles by itself",
    { TRAVELS },
    { { FIFO "/value", "32" } },
    GWT_VERDICT_UNDECIDED,
    { "device 'serial0': property 'fifo': 16 at the source (default), 32 at the destination "
      "(default), and machine type 'pc-1' promises the same at both; start the destination with "
      "-global uart.fifo=16, or add the compat row that is missing to plugin 'uart'" } },
  { "that, and nothing changes",
    { { 0 } },
    { { FIFO "/value", "32" } },
    GWT_VERDICT_REFUSE,
    { "device 'serial0': property 'fifo': 16 at the source (default), 32 at the destination "
      "(default), and machine type 'pc-1' promises the same at both; start the destination with "
      "-global uart.fifo=16, or add the compat row that is missing to plugin 'uart'" } },
  { "what the user said twice stays, whatever changes",
    { TRAVELS, { FIFO "/value", "8" }, { FIFO "/source", "'global'" } },
    { { FIFO "/value", "4" },
      { FIFO "/source", "'device'" },
      { DISK "/facts/capacity", "2097152" },
      { "/plugins/1/build", "'33'" } },
    GWT_VERDICT_REFUSE,
    { "device 'serial0': property 'fifo': set to 8 at the source (global) and to 4 at the "
      "destination (device); leave it out at the destination, or set it there with -global "
      "uart.fifo=8" } },
  { "the state of a device that changes is left out at one end",
    { TRAVELS, { DISK "/sections", "[ { 'name': 'disk', 'version': 1 } ]" } },
    { { 0 } },
    GWT_VERDICT_UNDECIDED,
    { "device 'disk0': it has other sections at the destination" } },
  { "memory that no option gave",
    { { 0 } },
    { MEMORY ("268435456"), { "/machine/given", "['smp']" } },
    GWT_VERDICT_UNDECIDED,
    { "size of memory: it is another one at the destination, which takes the guest's unless it is "
      "started with -m" } },
  { "memory, and nobody tells whether it was given",
    { { 0 } },
    { MEMORY ("268435456"), { "/machine/given", NULL } },
    GWT_VERDICT_UNDECIDED,
    { "size of memory: it is another one at the destination, which takes the guest's unless it is "
      "started with -m" } },
  { "memory that was given",
    { { 0 } },
    { MEMORY ("268435456"), { "/machine/given", "['memory']" } },
    GWT_VERDICT_REFUSE,
    { "memory: 134217728 bytes at the source, 268435456 bytes at the destination; start the "
      "destination with -m 128M" } },
  { "CPUs that no option gave, and another machine type",
    { { 0 } },
    { { "/smp", "{ 'cpus': 2, 'sockets': 2, 'cores': 1, 'threads': 1 }" },
      { "/machine/given", "[]" },
      { "/machine/board", "'q'" } },
    GWT_VERDICT_REFUSE,
    { "machine type 'pc-1': its board is 'pc' at the source and 'q' at the destination; install "
      "the same machine type files at both ends" } },
  { "a destination that has a guest already",
    { { 0 } },
    { { FIFO "/source", "'incoming'" }, { "/machine/board", "'q'" } },
    GWT_VERDICT_UNDECIDED,
    { "the destination's manifest is of a machine that a guest has come to, and does not tell what "
      "its options alone make; write it with -dump-manifest",
      "machine type 'pc-1': its board is 'pc' at the source and 'q' at the destination; install "
      "the same machine type files at both ends" } },
};

static char *
quoted (const char *text)
{
  return g_strdelimit (g_strdup (text), "'", '"');
}

static struct gwt_manifest *
edited (const struct edit *edits)
{
  g_autofree char *text = quoted (base);
  struct json_object *root = json_tokener_parse (text);
  struct gwt_manifest *m;
  GWT_AUTO_ERROR (err);
  const char *document;

  g_assert_nonnull (root);
  for (; edits->path != NULL; edits++)
    {
      g_autofree char *json = edits->value != NULL ? quoted (edits->value) : NULL;
      const char *slash = strrchr (edits->path, '/');
      g_autofree char *folder = g_strndup (edits->path, (gsize) (slash - edits->path));
      struct json_object *at;

      if (json != NULL)
        {
          struct json_object *value = json_tokener_parse (json);

          g_assert_nonnull (value);
          g_assert_cmpint (json_pointer_set (&root, edits->path, value), ==, 0);
          continue;
        }
      g_assert_cmpint (json_pointer_get (root, folder, &at), ==, 0);
      json_object_object_del (at, slash + 1);
    }
  document = json_object_to_json_string (root);
  m = gwt_manifest_parse ("test", document, strlen (document), &err);
  if (m == NULL)
    g_error ("%s", err.text);
  json_object_put (root);
  return m;
}

static void
test_pair (gconstpointer data)
{
  const struct pair *pair = data;
  struct gwt_manifest *source = edited (pair->source), *destination = edited (pair->destination);
  struct gwt_preflight result, again;
  struct json_object *json, *other;
  guint n = 0, i;

  gwt_preflight_run (source, destination, &result);
  for (i = 0; i < result.reasons->len; i++)
    g_test_message ("%s", (char *) g_ptr_array_index (result.reasons, i));
  while (n < G_N_ELEMENTS (pair->lines) && pair->lines[n] != NULL)
    n++;
  g_assert_cmpstr (gwt_verdict_name (result.verdict), ==, gwt_verdict_name (pair->verdict));
  if (pair->verdict == GWT_VERDICT_ADAPT)
    {
      g_assert_cmpuint (result.reasons->len, ==, 0);
      g_assert_cmpuint (result.adaptations->len, ==, n);
      for (i = 0; i < n; i++)
        {
          const struct gwt_preflight_adaptation *a = g_ptr_array_index (result.adaptations, i);

          g_assert_cmpstr (a->text, ==, pair->lines[i]);
          g_assert_cmpstr (a->device, ==, "disk0");
          g_assert_nonnull (strstr (a->text, a->property));
          g_assert_cmpint (json_object_get_int (a->value), ==, 2);
        }
    }
  else
    {
      g_assert_cmpuint (result.reasons->len, ==, n);
      for (i = 0; i < n; i++)
        g_assert_cmpstr (g_ptr_array_index (result.reasons, i), ==, pair->lines[i]);
    }
  gwt_preflight_run (source, destination, &again);
  json = gwt_preflight_json (&result);
  other = gwt_preflight_json (&again);
  g_assert_true (json_object_equal (json, other));
  json_object_put (json);
  json_object_put (other);
  gwt_preflight_clear (&again);
  gwt_preflight_clear (&result);
  gwt_manifest_unref (source);
  gwt_manifest_unref (destination);
}

static void
test_files (gconstpointer data)
{
  const struct pair *pair = data;
  struct gwt_manifest *source = edited (pair->source), *destination = edited (pair->destination);
  struct gwt_preflight result;
  struct json_object *json;
  GPtrArray *lines;
  guint n = 0, i;

  gwt_preflight_files (source, destination, &result);
  lines = pair->verdict == GWT_VERDICT_UNDECIDED ? result.open : result.reasons;
  for (i = 0; i < lines->len; i++)
    g_test_message ("%s", (char *) g_ptr_array_index (lines, i));
  g_assert_cmpstr (gwt_verdict_name (result.verdict), ==, gwt_verdict_name (pair->verdict));
  while (n < G_N_ELEMENTS (pair->lines) && pair->lines[n] != NULL)
    n++;
  g_assert_cmpuint (lines->len, >=, n);
  for (i = 0; i < n; i++)
    g_assert_cmpstr (g_ptr_array_index (lines, i), ==, pair->lines[i]);
  /* Nothing is told as something else, too. */
  g_assert_true ((result.verdict == GWT_VERDICT_REFUSE) == (result.reasons->len > 0));
  g_assert_true ((result.verdict == GWT_VERDICT_UNDECIDED) == (result.open->len > 0));
  json = gwt_preflight_json (&result);
  g_assert_true (json_object_object_get_ex (json, "undecided", NULL) == (result.open->len > 0));
  json_object_put (json);
  gwt_preflight_clear (&result);
  gwt_manifest_unref (source);
  gwt_manifest_unref (destination);
}

/* Reasons beyond the limit are counted. */
static void
test_many (void)
{
  struct edit edits[2] = { { DISK "/properties", NULL }, { NULL, NULL } };
  g_autoptr (GString) one = g_string_new ("{"), two = g_string_new ("{");
  struct gwt_manifest *source, *destination;
  struct gwt_preflight result;
  guint i;

  for (i = 0; i < GWT_PREFLIGHT_LINES_MAX + 5; i++)
    {
      g_string_append_printf (one, "%s'p%u': { 'value': 1 }", i > 0 ? "," : "", i);
      g_string_append_printf (two, "%s'p%u': { 'value': 2 }", i > 0 ? "," : "", i);
    }
  g_string_append (one, "}");
  g_string_append (two, "}");
  edits[0].value = one->str;
  source = edited (edits);
  edits[0].value = two->str;
  destination = edited (edits);
  gwt_preflight_run (source, destination, &result);
  g_assert_cmpuint (result.reasons->len, ==, GWT_PREFLIGHT_LINES_MAX + 1);
  g_assert_cmpstr (g_ptr_array_index (result.reasons, GWT_PREFLIGHT_LINES_MAX), ==,
                   "5 more reasons");
  gwt_preflight_clear (&result);
  gwt_manifest_unref (source);
  gwt_manifest_unref (destination);
}

/* What a manifest makes us allot has an end. */
static void
test_large (void)
{
  struct edit edits[2] = { { DISK "/facts", NULL }, { NULL, NULL } };
  g_autoptr (GString) facts = g_string_new ("{");
  struct gwt_manifest *m;
  struct gwt_preflight result;
  guint i;

  for (i = 0; i < 2000; i++)
    g_string_append_printf (facts, "%s'f%u': { 'size': 65536 }", i > 0 ? "," : "", i);
  g_string_append (facts, "}");
  edits[0].value = facts->str;
  m = edited (edits);
  gwt_preflight_run (m, m, &result);
  g_assert_cmpuint (result.reasons->len, ==, 1);
  g_assert_cmpstr (g_ptr_array_index (result.reasons, 0), ==,
                   "device 'disk0': f512: facts of more than 32 MiB in all are not compared; start "
                   "the guest with fewer devices");
  gwt_preflight_clear (&result);
  gwt_manifest_unref (m);
}

int
main (int argc, char **argv)
{
  guint i;

  g_test_init (&argc, &argv, NULL);
  for (i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      g_autofree char *name = g_strdup_printf ("/preflight/%s", pairs[i].name);

      g_test_add_data_func (name, &pairs[i], test_pair);
    }
  for (i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *name = g_strdup_printf ("/preflight/files/%s", files[i].name);

      g_test_add_data_func (name, &files[i], test_files);
    }
  g_test_add_func ("/preflight/many", test_many);
  g_test_add_func ("/preflight/large", test_large);
  return g_test_run ();
}
