#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Streams of Debian's QEMU, as it makes them here: godwit-stream reads them to the last byte, and finds
in them what an independent reader and the guest's own memory say."""

import hashlib
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dirtier  # noqa: E402
import gwttest  # noqa: E402
import streamreader as sr  # noqa: E402

QEMU = os.environ.get("QEMU_RISCV64") or shutil.which("qemu-system-riscv64") or "no"
if not os.path.exists(QEMU):
    gwttest.skip_all("no qemu-system-riscv64 that could make streams")
RAM, RAM_SIZE = 0x80000000, 16 << 20


def start(t, *args):
    with open(t.path("bios"), "wb") as f:
        f.write(dirtier.PROGRAM)
    address = t.path("qmp")
    vm = t.start_program(QEMU, "-M", "virt", "-m", "16M", "-display", "none", "-serial", "null",
                         "-bios", t.path("bios"), "-qmp", "unix:%s,server=on,wait=off" % address, *args)
    vm.qmp = gwttest.Qmp.connect(address, alive=vm.alive)
    return vm


def until(vm, done):
    end = time.monotonic() + 60 * gwttest.SCALE
    while True:
        info = vm.qmp.cmd("query-migrate")
        if done(info):
            return info
        if info.get("status") in ("failed", "completed") or time.monotonic() > end:
            raise gwttest.Failure("query-migrate: %s; stderr: %s" % (info, vm.stderr()))
        time.sleep(0.01)


def completed(info):
    return info.get("status") == "completed"


def save(t, vm):
    """Begin to write the stream to a file that is there under its name when it is complete."""
    vm.qmp.cmd("migrate", uri="exec:cat > {0}.part && mv {0}.part {0}".format(t.path("stream")))


def saved(t, vm):
    """It is completed, which QEMU says while the command may have to write the last of it."""
    until(vm, completed)
    end = time.monotonic() + 60 * gwttest.SCALE
    while not os.path.exists(t.path("stream")):
        t.ok(time.monotonic() < end, "the command that writes the stream does not end")
        time.sleep(0.01)
    return t.path("stream")


def capture(t, vm):
    save(t, vm)
    return saved(t, vm)


def tool(t, *args, status=0):
    p = subprocess.run([gwttest.GODWIT_STREAM, *args], capture_output=True, check=False,
                       timeout=120 * gwttest.SCALE)
    t.equal(p.returncode, status, "exit status of %s; %s%s" % (args, p.stdout[-1000:], p.stderr))
    return p.stdout.decode()


def leaves(nodes):
    for n in nodes:
        if "fields" in n:
            yield from leaves(n["fields"])
            yield from leaves(n.get("subsections", []))
        else:
            yield n


def judge(t, path):
    """Both readers on it: the same sections, fields at the same places, the same bytes and pages."""
    with open(path, "rb") as f:
        data = f.read()
    s = sr.read(data)
    t.contains(tool(t, "verify", path), "good: %d bytes, machine 'virt', %d sections"
               % (len(data), len(s.sections) - ("ram" in {n for n, _ in s.sections})))
    told = json.loads(tool(t, "json", path))
    full = [i for i in told["items"] if i["kind"] == "full"]
    t.equal([(i["name"], i["instance"]) for i in full], [k for k in s.order if k[0] != "ram"], "sections")
    for item in full:
        mine = s.sections[item["name"], item["instance"]]
        t.equal((item["version"], item["payload-offset"], item["payload-size"]),
                (mine.version, mine.payload, mine.end - mine.payload), item["name"])
        theirs = sorted((n["offset"], n["size"], n.get("count", 1)) for n in leaves([item]))
        t.equal(theirs, sorted((f.offset, f.size, f.count) for f in mine.fields.values()),
                "fields of %s" % item["name"])
    t.equal({b["name"]: (b["length"], b["pages-sent"]) for b in told["blocks"]},
            {n: (b.length, len(b.pages)) for n, b in s.blocks.items()}, "blocks")
    return s, data


def plain(s, data, pages):
    """The same stream with RAM sent once, PAGES in place of those of the board's RAM."""
    start_at = s.sections["ram", 0].offset
    first_full = min(x.offset for x in s.sections.values() if x.name != "ram")
    blocks = sorted(s.blocks.items(), key=lambda b: -b[1].length)
    total = sum(b.length for _, b in blocks)
    listed = b"".join(sr.pstr(n) + struct.pack(">Q", b.length) for n, b in blocks)
    records = b"".join(sr.record(sr.NORMAL, at, n, page)
                       for n, b in blocks
                       for at, page in (pages if n == "riscv_virt_board.ram" else b.pages).items())
    return (data[:17] + sr.section(1, 99, "ram", 0, 4, sr.record(sr.MEM_SIZE, total) + listed
                                   + sr.record(sr.EOS))
            + sr.section(3, 99, "ram", 0, 4, records + sr.record(sr.EOS)) + data[first_full:]
            if start_at else b"")


def memory(t, vm):
    vm.qmp.cmd("pmemsave", val=RAM, size=RAM_SIZE, filename=t.path("memory"))
    with open(t.path("memory"), "rb") as f:
        dump = f.read()
    return {at: dump[at:at + sr.PAGE] for at in range(0, RAM_SIZE, sr.PAGE)}


def digest(pages):
    return hashlib.sha256(b"".join(pages.get(at, bytes(sr.PAGE)) for at in range(0, RAM_SIZE, sr.PAGE))
                          ).hexdigest()


@gwttest.test("a machine with disks, networks and two harts, to its last byte")
def devices(t):
    vm = start(t, "-smp", "2", "-device", "virtio-rng-pci", "-device", "virtio-net-device,netdev=n",
               "-netdev", "user,id=n", "-device", "pcie-root-port,id=p,chassis=1",
               "-device", "virtio-serial-pci,bus=p", "-drive", "if=none,id=d,file=null-co://,format=raw",
               "-device", "virtio-blk-pci,drive=d", "-device", "qemu-xhci", "-device", "usb-kbd")
    s, _ = judge(t, capture(t, vm))
    t.ok(("cpu", 1) in s.sections, "no second hart among %s" % s.order)
    t.equal(digest(s.blocks["riscv_virt_board.ram"].pages), digest(memory(t, vm)), "RAM")
    out = tool(t, "show", t.path("stream"))
    t.contains(out, 'runstate: buffer = "running"')
    t.contains(out, "full 'cpu' 1 version")


@gwttest.test("memory that changes all the while, sent as differences")
def differences(t):
    vm = start(t)
    vm.qmp.cmd("migrate-set-capabilities", capabilities=[{"capability": "xbzrle", "state": True}])
    vm.qmp.cmd("migrate-set-parameters", **{"max-bandwidth": 512 << 10, "downtime-limit": 1})
    save(t, vm)
    until(vm, lambda i: i.get("xbzrle-cache", {}).get("pages", 0) > 0)
    # What differs is soon sent; a guest that had no time to write in a round would be complete.
    vm.qmp.cmd("migrate-set-parameters", **{"max-bandwidth": 64 << 10})
    until(vm, lambda i: i.get("xbzrle-cache", {}).get("pages", 0) > 2 * dirtier.PAGES)
    vm.qmp.cmd("migrate-set-parameters", **{"downtime-limit": 10000, "max-bandwidth": 1 << 40})
    s, data = judge(t, saved(t, vm))
    t.ok(s.xbzrle > 2 * dirtier.PAGES, "%d differences" % s.xbzrle)
    pages = memory(t, vm)
    t.equal(digest(s.blocks["riscv_virt_board.ram"].pages), digest(pages), "RAM")
    t.contains(tool(t, "show", t.path("stream")), " xbzrle %d\n" % s.xbzrle)
    with open(t.path("plain"), "wb") as f:
        f.write(plain(s, data, pages))
    t.equal(tool(t, "diff", t.path("stream"), t.path("plain")), "", "differences to the guest's memory")
    pages[0x800000] = bytes(sr.PAGE)
    with open(t.path("plain"), "wb") as f:
        f.write(plain(s, data, pages))
    t.equal(tool(t, "diff", t.path("stream"), t.path("plain"), status=1),
            "RAM 'riscv_virt_board.ram': 1 of 4096 pages differ: 0x800000\n")


@gwttest.test("a configuration with a UUID, and memory that stays where it is")
def configuration(t):
    vm = start(t, "-uuid", "00112233-4455-6677-8899-aabbccddeeff", "-object",
               "memory-backend-file,id=m,size=16M,share=on,mem-path=%s" % t.path("shared"),
               "-machine", "memory-backend=m")
    vm.qmp.cmd("migrate-set-capabilities", capabilities=[
        {"capability": "validate-uuid", "state": True}, {"capability": "x-ignore-shared", "state": True}])
    s, _ = judge(t, capture(t, vm))
    t.equal(s.capabilities, ["x-ignore-shared"])
    t.equal(len(s.blocks["m"].pages), 0, "pages of shared memory")
    out = tool(t, "show", t.path("stream"))
    t.contains(out, "capability 'x-ignore-shared', uuid 00112233-4455-6677-8899-aabbccddeeff, pages of 4096")
    t.contains(out, "  m                                    0 of      4096  at 0x80000000\n")


@gwttest.test("over a socket with a return path")
def return_path(t):
    vm = start(t)
    listener = socket.socket(socket.AF_UNIX)
    t.cleanup(listener.close)
    listener.bind(t.path("sock"))
    listener.listen(1)
    listener.settimeout(60 * gwttest.SCALE)
    vm.qmp.cmd("migrate-set-capabilities", capabilities=[{"capability": "return-path", "state": True}])
    vm.qmp.cmd("migrate", uri="unix:%s" % t.path("sock"))
    peer, _ = listener.accept()
    t.cleanup(peer.close)
    peer.settimeout(60 * gwttest.SCALE)
    data = bytearray()
    while chunk := peer.recv(1 << 20):
        data += chunk
        tag = data.rfind(b"\6", max(0, len(data) - (1 << 20)))
        if tag > 0 and int.from_bytes(data[tag + 1:tag + 5], "big") == len(data) - tag - 5:
            peer.sendall(struct.pack(">HHI", 1, 4, 0))
    until(vm, completed)
    with open(t.path("stream"), "wb") as f:
        f.write(data)
    s, _ = judge(t, t.path("stream"))
    t.equal(s.commands[:2], [(1, b""), (2, b"\0\0\0\1")], "commands")
    t.contains(tool(t, "show", t.path("stream")), "command 1 OPEN_RETURN_PATH, 0 bytes\n")


gwttest.main()
