#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""QMP's commands about migrations: members, defaults, errors.  Guests move in tests/migration."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."), "tests"))
import gwttest  # noqa: E402

STOPPED = ("-M", "virt", "-m", "16M", "-bios", "none", "-serial", "null", "-display", "none", "-S")

CAPABILITIES = ["xbzrle", "rdma-pin-all", "auto-converge", "zero-blocks", "events", "postcopy-ram",
                "x-colo", "release-ram", "return-path", "pause-before-switchover", "multifd",
                "dirty-bitmaps", "postcopy-blocktime", "late-block-activate", "x-ignore-shared",
                "validate-uuid", "background-snapshot", "zero-copy-send", "postcopy-preempt",
                "switchover-ack", "dirty-limit", "mapped-ram"]
PARAMETERS = {"announce-initial": 50, "announce-max": 550, "announce-rounds": 5,
              "announce-step": 100, "throttle-trigger-threshold": 50, "cpu-throttle-initial": 20,
              "cpu-throttle-increment": 10, "cpu-throttle-tailslow": False, "tls-creds": "",
              "tls-hostname": "", "tls-authz": "", "max-bandwidth": 134217728,
              "avail-switchover-bandwidth": 0, "downtime-limit": 300, "x-checkpoint-delay": 20000,
              "multifd-channels": 2, "multifd-compression": "none", "multifd-zlib-level": 1,
              "multifd-qatzip-level": 1, "multifd-zstd-level": 1, "xbzrle-cache-size": 67108864,
              "max-postcopy-bandwidth": 0, "max-cpu-throttle": 99,
              "x-vcpu-dirty-limit-period": 1000, "vcpu-dirty-limit": 1, "mode": "normal",
              "zero-page-detection": "multifd", "direct-io": False,
              "x-verdict-timeout": 60000}


def start(t, *more):
    return t.start(*STOPPED, *more, qmp=True).qmp


def refused(t, q, text, name, **arguments):
    answer = q.raw({"execute": name, "arguments": {k.replace("_", "-"): v
                                                   for k, v in arguments.items()}})
    t.equal(answer.get("error"), {"class": "GenericError", "desc": text}, name)


OURS = ["x-manifest", "x-preflight"]


@gwttest.test("capabilities: all of QEMU's, in its order, off, then ours, on; set together or not at all")
def capabilities(t):
    q = start(t)
    t.equal(q.cmd("query-migrate-capabilities"),
            [{"state": False, "capability": name} for name in CAPABILITIES]
            + [{"state": True, "capability": name} for name in OURS])
    q.cmd("migrate-set-capabilities", capabilities=[
        {"capability": "events", "state": True}, {"capability": "return-path", "state": True},
        {"capability": "multifd", "state": False}])
    on = [c["capability"] for c in q.cmd("query-migrate-capabilities") if c["state"]]
    t.equal(on, ["events", "return-path"] + OURS)
    refused(t, q, "Capability 'multifd' is not offered by this release; leave it off",
            "migrate-set-capabilities", capabilities=[{"capability": "events", "state": False},
                                                      {"capability": "multifd", "state": True}])
    on = [c["capability"] for c in q.cmd("query-migrate-capabilities") if c["state"]]
    t.equal(on, ["events", "return-path"] + OURS)
    refused(t, q, "Parameter 'capabilities' is missing", "migrate-set-capabilities")


@gwttest.test("parameters: all of QEMU's with its defaults; set together or not at all")
def parameters(t):
    q = start(t)
    t.equal(q.cmd("query-migrate-parameters"), PARAMETERS)
    q.cmd("migrate-set-parameters", max_bandwidth=1 << 40, downtime_limit=1, tls_creds="")
    t.equal(q.cmd("query-migrate-parameters"),
            dict(PARAMETERS, **{"max-bandwidth": 1 << 40, "downtime-limit": 1}))
    refused(t, q, "Parameter 'downtime-limit' expects a number from 0 to 2000000 ms",
            "migrate-set-parameters", max_bandwidth=5, downtime_limit=2000001)
    refused(t, q, "Parameter 'max-bandwith' is unexpected; did you mean 'max-bandwidth'?",
            "migrate-set-parameters", max_bandwith=5)
    t.equal(q.cmd("query-migrate-parameters")["max-bandwidth"], 1 << 40)
    t.equal(q.cmd("migrate-set-parameters"), {})


@gwttest.test("migrate: an address that is none, two, or none at all; what is not offered")
def addresses(t):
    q = start(t)
    refused(t, q, "Parameter 'uri' is missing; give it, or 'channels'", "migrate")
    refused(t, q, "'uri' and 'channels' are both given; leave one of them out",
            "migrate", uri="tcp:127.0.0.1:1", channels=[])
    refused(t, q, "'vsock:1:2' is no address that a migration can go to; write tcp:HOST:PORT, "
            "unix:PATH, exec:COMMAND, fd:NAME or file:PATH", "migrate", uri="vsock:1:2")
    refused(t, q, "Parameter 'uri' has a NUL in it; leave it out", "migrate", uri="file:a\0b")
    refused(t, q, "Invalid parameter type for 'uri', expected: string", "migrate", uri=1)
    refused(t, q, "fd:mine: there is no descriptor named 'mine'; pass it with getfd first",
            "migrate", uri="fd:mine")
    refused(t, q, "channels: Parameter 'transport' is missing",
            "migrate", channels=[{"channel-type": "main", "addr": {}}])
    refused(t, q, "resume: there is no postcopy that could be resumed",
            "migrate", uri="tcp:127.0.0.1:1", resume=True)
    refused(t, q, "blk: disks are not copied; share them between both ends",
            "migrate", uri="tcp:127.0.0.1:1", blk=True)
    refused(t, q, "detach: 'migrate' answers at once, and query-migrate tells the rest; leave it out",
            "migrate", uri="tcp:127.0.0.1:1", detach=False)
    refused(t, q, "Parameter 'speed' is unexpected", "migrate", uri="tcp:127.0.0.1:1", speed=3)


@gwttest.test("nothing goes on: cancel is no error, continue is one, no threads")
def idle(t):
    q = start(t)
    t.equal(q.cmd("migrate_cancel"), {})
    t.equal(q.cmd("query-migrationthreads"), [])
    t.ok("status" not in q.cmd("query-migrate"), "there is a status")
    refused(t, q, "the migration is in state 'none', not 'pre-switchover'",
            "migrate-continue", state="pre-switchover")
    refused(t, q, "no guest is awaited; start with '-incoming defer' to say later where it comes "
            "from", "migrate-incoming", uri="tcp:127.0.0.1:0")


@gwttest.test("announce-self: all four numbers, each in its range")
def announce(t):
    q = start(t)
    t.equal(q.cmd("announce-self", initial=50, max=550, rounds=10, step=50), {})
    refused(t, q, "Parameter 'step' is missing", "announce-self", initial=50, max=550, rounds=10)
    refused(t, q, "Parameter 'announce-step' expects a number from 1 to 10000 ms",
            "announce-self", initial=50, max=550, rounds=10, step=0)
    t.equal(q.cmd("query-migrate-parameters"), PARAMETERS)


@gwttest.test("-incoming: inmigrate, and the port that the system chose")
def incoming(t):
    q = start(t, "-incoming", "tcp:127.0.0.1:0")
    t.equal(q.cmd("query-status"), {"status": "inmigrate", "running": False})
    answer = q.cmd("query-migrate")
    t.equal(answer["status"], "setup")
    address, = answer["socket-address"]
    t.equal({k: address[k] for k in ("type", "host")}, {"type": "inet", "host": "127.0.0.1"})
    t.equal(type(address["port"]), str)
    t.ok(0 < int(address["port"]) < 65536, address["port"])
    # These can be set while it waits.
    q.cmd("migrate-set-parameters", downtime_limit=5)


@gwttest.test("-incoming defer: migrate-incoming says where it comes from")
def defer(t):
    q = start(t, "-incoming", "defer")
    t.equal(q.cmd("query-status")["status"], "inmigrate")
    q.cmd("migrate-set-capabilities", capabilities=[{"capability": "events", "state": True}])
    refused(t, q, "file:%s: No such file or directory; use a file that can be read" % t.path("none"),
            "migrate-incoming", uri="file:" + t.path("none"))
    t.equal(q.cmd("migrate-incoming", channels=[
        {"channel-type": "main",
         "addr": {"transport": "socket", "type": "unix", "path": t.path("in")}}]), {})
    t.equal(q.event("MIGRATION")["data"], {"status": "setup"})
    t.equal(q.cmd("query-migrate")["socket-address"], [{"type": "unix", "path": t.path("in")}])
    t.ok(os.path.exists(t.path("in")), "nobody listens")


@gwttest.test("-incoming with a bad address ends with one line, before anything is made")
def bad_incoming(t):
    for uri, text in (
            ("tcp:localhost", "tcp:localhost: there is no port; write tcp:HOST:PORT"),
            ("later", "'later' is no address that a migration can go to; write tcp:HOST:PORT, "
             "unix:PATH, exec:COMMAND, fd:NAME or file:PATH"),
            ("file:" + t.path("none"), "file:%s: No such file or directory; use a file that can "
             "be read" % t.path("none"))):
        t.error("godwit: -incoming: " + text, *STOPPED, "-incoming", uri)


gwttest.main()
