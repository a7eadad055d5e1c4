# SPDX-License-Identifier: BSD-2-Clause
"""QMP: character back ends that come, are asked for, and go."""

import base64
import os
import socket

import gwttest

STOPPED = ("-M", "virt", "-S", "-bios", "none", "-display", "none")


def start(t, *args):
    return t.start(*STOPPED, *args, qmp=True)


def refused(t, vm, text, name, **arguments):
    t.equal(t.raises("GenericError", vm.qmp.cmd, name, **arguments), text, "error")


def add(vm, name, kind, **data):
    backend = {"type": kind, "data": {k.replace("_", "-"): v for k, v in data.items()}}
    return vm.qmp.cmd("chardev-add", id=name, backend=backend)


def unix(path):
    return {"type": "unix", "data": {"path": path}}


def listed(vm):
    return {c["label"]: (c["filename"], c["frontend-open"]) for c in vm.qmp.cmd("query-chardev")}


@gwttest.test("each kind is added, listed and removed")
def kinds(t):
    vm = start(t, "-serial", "null")
    t.equal(listed(vm), {"serial0": ("null", True)}, "query-chardev")
    t.equal(sorted(b["name"] for b in vm.qmp.cmd("query-chardev-backends")),
            ["file", "null", "pipe", "pty", "ringbuf", "socket"], "query-chardev-backends")
    path = t.path("a,b")
    t.equal(add(vm, "f", "file", out=path, append=True), {})
    t.ok(os.path.exists(path), "the file is not there")
    add(vm, "n", "null")
    add(vm, "r", "ringbuf", size=16)
    pty = add(vm, "p", "pty")["pty"]
    t.ok(os.path.exists(pty), pty)
    # A server unless told otherwise.
    add(vm, "s", "socket", addr=unix(t.path("s")))
    add(vm, "c", "socket", addr=unix(t.path("s")), server=False)
    add(vm, "i", "socket", addr={"type": "inet", "data": {"host": "127.0.0.1", "port": "0"}})
    found = listed(vm)
    t.ok(found.pop("i")[0].startswith("tcp:127.0.0.1:"), "port")
    t.equal(found, {"serial0": ("null", True), "f": ("file:" + path, False), "n": ("null", False),
                    "r": ("ringbuf", False), "p": ("pty:" + pty, False),
                    "s": ("unix:" + t.path("s"), False), "c": ("unix:" + t.path("s"), False)},
            "query-chardev")
    vm.qmp.cmd("chardev-send-break", id="serial0")
    for name in ("f", "n", "r", "p", "s", "c", "i"):
        vm.qmp.cmd("chardev-remove", id=name)
    t.equal(list(listed(vm)), ["serial0"], "what is left")
    t.ok(not os.path.exists(t.path("s")), "the socket was left behind")
    vm.qmp.cmd("quit")
    t.equal(vm.wait(), 0)


@gwttest.test("what is wrong is refused, and nothing is left of it")
def wrong(t):
    vm = start(t, "-serial", "null")
    refused(t, vm, "Chardev 'x' not found", "chardev-remove", id="x")
    refused(t, vm, "Chardev 'serial0' is busy", "chardev-remove", id="serial0")
    for backend, text in (
            ({"type": "nul", "data": {}}, "'nul' is no back end that can be added; use file, null, "
             "pipe, pty, ringbuf or socket"),
            ({"type": "null"}, "Parameter 'data' is missing"),
            ({"data": {}}, "Parameter 'type' is missing"),
            ({"type": "null", "data": {"x": 1}}, "Parameter 'x' is unexpected"),
            ({"type": "null", "data": {}, "mux": True}, "Parameter 'mux' is unexpected"),
            ({"type": "ringbuf", "data": {"size": "16"}},
             "Invalid parameter type for 'size', expected: int"),
            ({"type": "ringbuf", "data": {"size": 17}},
             "size: 17 is no power of two; use 65536, say"),
            ({"type": "file", "data": {}}, "'file' has no path; add path=PATH"),
            ({"type": "file", "data": {"out": "/nonesuch/x"}},
             "'/nonesuch/x': there is no folder '/nonesuch'; make it first"),
            ({"type": "file", "data": {"out": "a\0b"}},
             "Invalid parameter type for 'out', expected: string"),
            ({"type": "socket", "data": {"addr": {"type": "fd", "data": {"str": "1"}}}},
             "addr: 'fd' is no kind of address; use inet or unix"),
            ({"type": "socket", "data": {"addr": unix("/tmp/x"), "wait": True}},
             "wait: the guest is not kept waiting; use false"),
            ({"type": "socket", "data": {"addr": unix("/tmp/x"), "reconnect": 1}},
             "a server does not connect; leave reconnect out, or server=on"),
            ({"type": "socket", "data": {"addr": unix(t.path("none")), "server": False}},
             "character back end 'new': cannot connect to '%s': No such file or directory; start "
             "its server first, or add server=on" % t.path("none"))):
        refused(t, vm, text, "chardev-add", id="new", backend=backend)
        t.equal(list(listed(vm)), ["serial0"], "what is left after " + text)
    refused(t, vm, "id 'serial0' is taken; use another one", "chardev-add", id="serial0",
            backend={"type": "null", "data": {}})
    vm.qmp.cmd("quit")
    t.equal(vm.wait(), 0)


@gwttest.test("ringbuf-write and ringbuf-read")
def ringbuf(t):
    vm = start(t, "-serial", "chardev:r", "-chardev", "ringbuf,id=r,size=16")
    vm.qmp.cmd("ringbuf-write", device="r", data="hello wörld")
    t.equal(vm.qmp.cmd("ringbuf-read", device="r", size=6), "hello ")
    vm.qmp.cmd("ringbuf-write", device="r", format="base64",
               data=base64.b64encode(b"\xff\x00\x01").decode())
    got = vm.qmp.cmd("ringbuf-read", device="r", size=2 ** 62, format="base64")
    t.equal(base64.b64decode(got), "wörld".encode() + b"\xff\x00\x01")
    t.equal(vm.qmp.cmd("ringbuf-read", device="r", size=1), "")
    vm.qmp.cmd("ringbuf-write", device="r", data="0123456789" * 3)
    t.equal(vm.qmp.cmd("ringbuf-read", device="r", size=100), "4567890123456789")
    refused(t, vm, "size must be greater than zero", "ringbuf-read", device="r", size=0)
    refused(t, vm, "format: 'hex' is unknown; use utf8 or base64", "ringbuf-read", device="r",
            size=1, format="hex")
    add(vm, "n", "null")
    refused(t, vm, "'n' is not a ringbuf device", "ringbuf-read", device="n", size=1)
    refused(t, vm, "'n' is not a ringbuf device", "ringbuf-write", device="n", data="")
    vm.qmp.cmd("quit")
    t.equal(vm.wait(), 0)


@gwttest.test("a port of a controller comes and goes with its back end")
def hot_plug(t):
    if not os.path.exists(os.path.join(gwttest.BUILDDIR, "plugins", "virtio-console.so")):
        t.skip("the plugin virtio-console was not built")
    vm = start(t, "-serial", "null", "-device", "virtio-serial-device,id=ser0,max-ports=2")
    add(vm, "c", "socket", addr=unix(t.path("s")))
    vm.qmp.cmd("device_add", driver="virtserialport", id="port", bus="ser0.0", chardev="c")
    t.equal(listed(vm)["c"], ("unix:" + t.path("s"), False), "the guest does not listen")
    refused(t, vm, "Chardev 'c' is busy", "chardev-remove", id="c")
    refused(t, vm, "device 'other': bus: all ports of 'ser0' are taken; use a larger max-ports "
            "there, or another controller", "device_add", driver="virtserialport", id="other",
            bus="ser0.0")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(t.path("s"))
        vm.qmp.cmd("device_del", id="port")
        vm.qmp.event("DEVICE_DELETED")
    vm.qmp.cmd("device_add", driver="virtserialport", id="port", nr=1, chardev="c")
    vm.qmp.cmd("device_del", id="port")
    vm.qmp.event("DEVICE_DELETED")
    vm.qmp.cmd("chardev-remove", id="c")
    vm.qmp.cmd("quit")
    t.equal(vm.wait(), 0)


gwttest.main()
