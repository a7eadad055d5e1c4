#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""QMP as its clients see it: greeting, negotiation, ids, errors, events; and hostile clients."""

import json
import os
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."), "tests"))
import gwttest  # noqa: E402

# Stopped before the first instruction: nothing here needs a guest that runs.
STOPPED = ("-M", "virt", "-bios", "none", "-serial", "null", "-display", "none", "-S")


def start(t, *more):
    return t.start(*STOPPED, *more, qmp=True)


def address(vm):
    return vm.argv[vm.argv.index("-qmp") + 1].split(",")[0][len("unix:"):]


@gwttest.test("the greeting has version and capabilities")
def greeting(t):
    vm = start(t)
    qmp = vm.qmp.greeting["QMP"]
    t.equal(qmp["capabilities"], [], "capabilities")
    t.equal(sorted(qmp["version"]["qemu"]), ["major", "micro", "minor"], "version members")
    t.contains(qmp["version"]["package"], "godwit")
    t.equal(vm.qmp.cmd("query-version"), qmp["version"], "query-version")


@gwttest.test("a signal ends the wait for a first client, and the socket goes")
def waiting(t):
    vm = t.start(*STOPPED, "-qmp", "unix:%s,server=on" % t.path("wait.sock"))
    while "waiting for a client on unix:" not in vm.stderr():
        t.ok(vm.alive(), "it ended: " + vm.stderr())
    os.kill(vm.pid, signal.SIGTERM)
    t.equal(vm.wait(), 1, "status")
    t.contains(vm.stderr(), "no client came to unix:")
    t.ok(not os.path.exists(t.path("wait.sock")), "the socket is still there")


@gwttest.test("a number of more than 64 bits is refused, not made to fit")
def large_numbers(t):
    q = start(t).qmp
    t.equal(q.raw({"execute": "query-name", "id": 2 ** 64 - 1})["id"], 2 ** 64 - 1)
    t.equal(q.raw({"execute": "query-name", "id": "99999999999999999999 \\"})["return"], {})
    t.contains(q.raw({"execute": "query-name", "id": 2 ** 64})["error"]["desc"],
               "this number is out of range")
    t.equal(q.cmd("query-name"), {})


@gwttest.test("commands wait for the end of negotiation, which comes once")
def negotiation(t):
    vm = start(t)
    q = t.qmp(address(vm), negotiate=False)
    t.equal(q.raw({"execute": "query-status"})["error"]["class"], "CommandNotFound")
    t.contains(q.raw({"execute": "qmp_capabilities",
                      "arguments": {"enable": ["oob"]}})["error"]["desc"], "'oob'")
    t.equal(q.raw({"execute": "qmp_capabilities"}), {"return": {}})
    t.contains(t.raises("CommandNotFound", q.cmd, "qmp_capabilities"), "already complete")


@gwttest.test("an id of any type comes back, in errors too")
def ids(t):
    q = start(t).qmp
    for value in (1, "one", {"n": [1, None]}, [True], None, 1.5):
        t.equal(q.raw({"execute": "query-name", "id": value}), {"return": {}, "id": value}
                if value is not None else {"return": {}})
        if value is not None:
            t.equal(q.raw({"execute": "nonesuch", "id": value})["id"], value)


@gwttest.test("run state: stop, cont, status and their events")
def run_state(t):
    q = start(t).qmp
    t.equal(q.cmd("query-status"), {"status": "prelaunch", "running": False})
    q.cmd("cont")
    q.event("RESUME")
    t.equal(q.cmd("query-status"), {"status": "running", "running": True})
    q.cmd("stop")
    q.event("STOP")
    t.equal(q.cmd("query-status"), {"status": "paused", "running": False})
    q.cmd("stop")
    t.equal(q.cmd("query-status")["status"], "paused")
    t.equal([e["event"] for e in q.events], [], "events of a second stop")


@gwttest.test("system_reset sends RESET, quit sends SHUTDOWN and ends with 0")
def reset_and_quit(t):
    vm = start(t)
    vm.qmp.cmd("system_reset")
    t.equal(vm.qmp.event("RESET")["data"], {"guest": False, "reason": "host-qmp-system-reset"})
    vm.qmp.cmd("quit")
    t.equal(vm.qmp.event("SHUTDOWN")["data"], {"guest": False, "reason": "host-qmp-quit"})
    t.equal(vm.wait(), 0, "exit status")
    t.ok(not os.path.exists(address(vm)), "the socket file is still there")


@gwttest.test("query-commands names every command of this release")
def commands(t):
    q = start(t).qmp
    names = [c["name"] for c in q.cmd("query-commands")]
    t.equal(names, sorted(names), "order")
    for name in ("query-status stop cont quit system_reset system_powerdown query-version "
                 "query-commands query-cpus-fast qom-list qom-get device-list-properties "
                 "device-call query-plugins qmp_capabilities").split():
        t.ok(name in names, "%s is missing" % name)


@gwttest.test("query-cpus-fast lists each vCPU with its own thread")
def cpus(t):
    q = start(t, "-smp", "3").qmp
    found = q.cmd("query-cpus-fast")
    t.equal([c["cpu-index"] for c in found], [0, 1, 2])
    t.equal(len({c["thread-id"] for c in found}), 3, "threads")
    for c in found:
        t.equal(c["target"], "riscv64")
        t.equal(q.cmd("qom-get", path=c["qom-path"], property="type"), c["qom-type"])


@gwttest.test("the device tree can be walked and every property read")
def tree(t):
    q = start(t).qmp
    t.equal([e["name"] for e in q.cmd("qom-list", path="/")], ["machine"])
    devices = q.cmd("qom-list", path="/machine")
    t.ok(len(devices) >= 7, "only %d devices" % len(devices))
    for device in devices:
        path = "/machine/" + device["name"]
        kind = q.cmd("qom-get", path=path, property="type")
        t.equal(device["type"], "child<%s>" % kind)
        listed = {p["name"] for p in q.cmd("qom-list", path=path)} - {"type"}
        t.equal({p["name"] for p in q.cmd("device-list-properties", typename=kind)}, listed, kind)
        for name in listed:
            q.cmd("qom-get", path=path, property=name)


@gwttest.test("unknown things are refused by name with QEMU's error classes")
def unknown(t):
    q = start(t).qmp
    t.contains(t.raises("CommandNotFound", q.cmd, "query-statu"), "'query-status'")
    t.raises("DeviceNotFound", q.cmd, "qom-list", path="/machine/nonesuch")
    t.raises("DeviceNotFound", q.cmd, "qom-get", path="nonesuch", property="x")
    t.raises("DeviceNotFound", q.cmd, "device-list-properties", typename="nonesuch")
    t.raises("DeviceNotFound", q.cmd, "device-call", device="nonesuch", method="x")
    t.contains(t.raises("GenericError", q.cmd, "device-call", device="cpu0", method="nonesuch"),
               "nonesuch")
    t.contains(t.raises("GenericError", q.cmd, "qom-get", path="/machine/cpu0",
                        property="nonesuch"), "not found")


@gwttest.test("arguments are checked: missing, unexpected, of the wrong type")
def arguments(t):
    q = start(t).qmp
    t.contains(t.raises("GenericError", q.cmd, "qom-list"), "Parameter 'path' is missing")
    t.contains(t.raises("GenericError", q.cmd, "stop", now=True), "'now' is unexpected")
    t.contains(t.raises("GenericError", q.cmd, "qom-list", path=1), "expected: string")
    for bad, text in (({"arguments": {}}, "lacks member 'execute'"),
                      ({"execute": 1}, "must be a string"),
                      ({"execute": "stop", "arguments": []}, "must be an object"),
                      ({"execute": "stop", "more": 1}, "'more' is unexpected"),
                      ({"exec-oob": "stop"}, "Out-of-band")):
        error = q.raw(bad)["error"]
        t.equal(error["class"], "GenericError")
        t.contains(error["desc"], text)


@gwttest.test("device-call reaches a typed method through its signature")
def method(t):
    q = start(t).qmp
    zero = q.cmd("device-call", device="cpu0", method="read_reg", arguments={"index": 0})
    t.equal(zero, {"result": 0})
    t.equal(q.cmd("device-call", device="/machine/cpu0", method="read_reg", arguments=[0]), zero)
    t.contains(t.raises("GenericError", q.cmd, "device-call", device="cpu0", method="read_reg",
                        arguments={"index": -1}), "index")
    t.contains(t.raises("GenericError", q.cmd, "device-call", device="cpu0", method="read_reg"),
               "index")


@gwttest.test("query-plugins lists ids, versions and types")
def plugins(t):
    found = {p["id"]: p for p in start(t).qmp.cmd("query-plugins")}
    t.ok(found["rv64-cpu"]["loaded"], "the CPU's plugin is not loaded")
    t.ok("rv64-cpu" in found["rv64-cpu"]["types"], "types")


@gwttest.test("garbage, half lines and wrong JSON are that client's error alone")
def garbage(t):
    vm = start(t)
    bad = t.qmp(address(vm))
    for text in ("garbage\n", "{]}\n", '{"execute": }\n', "]\n", '{"a": "\\ud800"}\n',
                 '{"\x00": 1}\n', '{"execute": "stop" "x"}\n'):
        bad.send_raw(text)
        t.equal(bad.reply()["error"]["class"], "GenericError", repr(text))
        t.equal(bad.cmd("query-status")["running"], False)
    bad.send_raw('{"execute": "query-')
    bad.send_raw('name"')
    t.equal(vm.qmp.cmd("query-name"), {}, "the other client")
    bad.send_raw("}")
    t.equal(bad.reply(), {"return": {}})


@gwttest.test("a 64 MiB line is refused and the client may go on")
def endless(t):
    vm = start(t)
    bad = t.qmp(address(vm))
    bad.sock.settimeout(60 * gwttest.SCALE)
    chunk = b"1," * 32768
    bad.sock.sendall(b'{"execute": "stop", "arguments": {"x": [')
    for _ in range(1024):
        bad.sock.sendall(chunk)
    bad.sock.sendall(b"\n")
    bad.sock.setblocking(False)
    t.contains(bad.reply()["error"]["desc"], "4 MiB")
    t.equal(bad.cmd("query-name"), {})
    t.equal(vm.qmp.cmd("query-name"), {}, "the other client")
    with open("/proc/%d/status" % vm.pid) as status:
        peak = next(int(s.split()[1]) for s in status if s.startswith("VmHWM"))
    t.ok(peak < 400 * 1024 or gwttest.SANITIZERS, "peak memory is %d KiB" % peak)


@gwttest.test("a client that never reads is cut off, the others are served")
def deaf(t):
    vm = start(t)
    bad = t.qmp(address(vm))
    request = json.dumps({"execute": "query-commands"}).encode() + b"\n"
    bad.sock.setblocking(False)
    try:
        # The server stops listening to it once its answers pile up: then no more can be sent.
        while True:
            bad.sock.send(request * 100)
    except (BlockingIOError, ConnectionError):
        pass
    t.equal(vm.qmp.cmd("query-name"), {}, "the other client")


@gwttest.test("clients that come and go in the middle of a request leave nothing behind")
def come_and_go(t):
    vm = start(t)
    before = len(os.listdir("/proc/%d/fd" % vm.pid))
    for n in range(200):
        s = socket.socket(socket.AF_UNIX)
        s.connect(address(vm))
        s.send(b'{"execute": "qmp_capabilities"}{"execute": "query-commands"}{"execute"'[:n])
        s.close()
    t.equal(vm.qmp.cmd("query-name"), {})
    q = t.qmp(address(vm))
    t.equal(q.cmd("query-name"), {})
    q.close()
    vm.qmp.cmd("query-name")
    t.ok(len(os.listdir("/proc/%d/fd" % vm.pid)) <= before + 2, "descriptors leak")


@gwttest.test("events reach every client that negotiated, and no other")
def broadcast(t):
    vm = start(t)
    second = t.qmp(address(vm))
    silent = t.qmp(address(vm), negotiate=False)
    vm.qmp.cmd("cont")
    vm.qmp.event("RESUME")
    stamp = second.event("RESUME")["timestamp"]
    t.equal(sorted(stamp), ["microseconds", "seconds"])
    t.equal(silent.raw({"execute": "qmp_capabilities"}), {"return": {}}, "first message")


@gwttest.test("a tcp socket serves as well")
def tcp(t):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    vm = t.start(*STOPPED, "-qmp", "tcp:127.0.0.1:%d,server=on,wait=off" % port)
    q = gwttest.Qmp.connect(("127.0.0.1", port), alive=vm.alive)
    t.cleanup(q.close)
    q.cmd("quit")
    t.equal(vm.wait(), 0)


@gwttest.test("without a free descriptor a new client waits, the others are served")
def descriptors(t):
    path = t.path("few.sock")
    vm = t.start_program("sh", "-c", 'ulimit -n 48; exec "$@"', "sh", gwttest.GODWIT, *STOPPED,
                         "-qmp", "unix:%s,server=on,wait=off" % path)
    first = gwttest.Qmp.connect(path, alive=vm.alive)
    t.cleanup(first.close)
    others = []
    for _ in range(60):
        s = socket.socket(socket.AF_UNIX)
        s.setblocking(False)
        others.append(s)
        try:
            s.connect(path)
        except BlockingIOError:  # the socket's queue is full of clients that wait
            break
        t.equal(first.cmd("query-name"), {})
    t.contains(vm.stderr(), "qmp: a client has to wait: Too many open files")
    t.equal(vm.stderr().count("has to wait"), 1, "lines in the log")
    for s in others:
        s.close()
    last = gwttest.Qmp.connect(path, alive=vm.alive)
    t.cleanup(last.close)
    t.equal(last.cmd("query-name"), {})
    last.cmd("quit")
    t.equal(vm.wait(), 0)


@gwttest.test("bad monitor addresses are refused before anything is made")
def addresses(t):
    plain = t.path("file")
    open(plain, "w").close()
    for spec, text in (("nonesuch:x", "unix:PATH or tcp:HOST:PORT"),
                       ("unix:", "0 bytes"),
                       ("unix:" + "x" * 200, "200 bytes"),
                       ("tcp:localhost", "tcp:HOST:PORT"),
                       ("tcp:localhost:99999", "tcp:HOST:PORT"),
                       ("unix:/tmp/x,server", "'server=on'"),
                       ("unix:/tmp/x,server=yes", "server"),
                       ("unix:/tmp/x,serve=on", "unknown socket option 'serve'"),
                       ("unix:/tmp/x,wait=off", "server=on"),
                       ("unix:%s,server=on" % plain, "is no socket"),
                       ("unix:%s/no/s,server=on" % t.tmp, "cannot listen")):
        t.error(text, *STOPPED, "-qmp", spec)
    t.ok(os.path.exists(plain), "the file was removed")


@gwttest.test("a socket that a dead process left is replaced, a live one is not")
def stale(t):
    path = t.path("left.sock")
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen()
    t.error("is in use", *STOPPED, "-qmp", "unix:%s,server=on,wait=off" % path)
    s.close()
    vm = t.start(*STOPPED, "-qmp", "unix:%s,server=on,wait=off" % path)
    q = gwttest.Qmp.connect(path, alive=vm.alive)
    t.cleanup(q.close)
    t.equal(q.cmd("query-name"), {})


gwttest.main()
