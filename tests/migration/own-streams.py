#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What this emulator sends, read to its last byte by others: godwit-stream, the independent reader of
these tests, and QEMU's analyze-migration.py, where GODWIT_ANALYZE_MIGRATION names one."""

import json
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dirtier  # noqa: E402
import gwttest  # noqa: E402
import mover  # noqa: E402
import streamreader as sr  # noqa: E402

ANALYZER = os.environ.get("GODWIT_ANALYZE_MIGRATION") or shutil.which("analyze-migration.py") or ""
DEVICES = ["-smp", "2", "-device", "virtio-rng-pci", "-device", "virtio-net-device,netdev=n", "-netdev",
           "user,id=n", "-device", "pcie-root-port,id=p,chassis=1", "-device", "virtio-serial-pci,bus=p",
           "-device", "virtio-blk-pci,drive=d", "-blockdev", "driver=null-co,node-name=d,size=1M"]


def tool(t, *args, status=0):
    p = subprocess.run([gwttest.GODWIT_STREAM, *args], capture_output=True, check=False,
                       timeout=120 * gwttest.SCALE)
    t.equal(p.returncode, status, "exit status of %s; %s%s" % (args, p.stdout[-1000:], p.stderr))
    return p.stdout.decode()


def send(t, m, vm, name="stream"):
    vm.qmp.cmd("migrate", uri="file:" + t.path(name))
    m.finished(vm)
    return t.path(name)


def judge(t, path, *before):
    """All readers on it; the stream."""
    with open(path, "rb") as f:
        data = f.read()
    s = sr.read(data)
    t.contains(tool(t, *before, "verify", path), "good: %d bytes, machine '%s', %d sections"
               % (len(data), s.machine, len(s.sections) - 1))
    told = json.loads(tool(t, "json", path))
    t.equal([(i["name"], i["instance"]) for i in told["items"] if i["kind"] == "full"],
            [k for k in s.order if k[0] != "ram"], "sections")
    t.equal({b["name"]: (b["length"], b["pages-sent"]) for b in told["blocks"]},
            {n: (b.length, len(b.pages)) for n, b in s.blocks.items()}, "blocks")
    return s


def whole(t):
    """A machine with every device that can be moved, its stream."""
    m = mover.Mover(t)
    blocked = mover.blockers(t, *DEVICES)
    vm = m.start(*DEVICES, *blocked)
    return m, vm, send(t, m, vm)


@gwttest.test("a machine with everything, to its last byte")
def devices(t):
    _, _, path = whole(t)
    s = judge(t, path)
    t.ok({("cpu", 0), ("cpu", 1), ("timer", 0), ("serial", 0), ("globalstate", 0)} <= set(s.sections),
         "sections: %s" % s.order)
    t.equal(s.order[-1], ("globalstate", 0), "last section")
    out = tool(t, "show", path)
    t.contains(out, 'runstate: buffer = "running"')


@gwttest.test("QEMU's analyzer reads it", skip=None if ANALYZER else
              "no analyze-migration.py of QEMU 8.2 or later; name one with GODWIT_ANALYZE_MIGRATION")
def analyzer(t):
    _, _, path = whole(t)
    p = subprocess.run([sys.executable, ANALYZER, "-f", path], capture_output=True, check=False,
                       timeout=120 * gwttest.SCALE)
    t.equal(p.returncode, 0, "exit status; %s" % p.stderr.decode()[-1000:])
    s = sr.read(open(path, "rb").read())
    seen = json.loads(p.stdout)
    for (name, instance), section in s.sections.items():
        if name != "ram" and any(f.size for f in section.fields.values()):
            t.ok("%s (%d)" % (name, section.id) in seen, "no %s %d in %s" % (name, instance, list(seen)))


@gwttest.test("memory that changes, as differences: what they make is what was there")
def differences(t):
    m = mover.Mover(t)
    with open(m.image, "wb") as f:
        f.write(dirtier.PROGRAM)
    without = mover.blockers(t)
    vm = m.start(*without)
    m.set(vm, "xbzrle", max_bandwidth=512 << 10, downtime_limit=1)
    vm.qmp.cmd("migrate", uri="file:" + t.path("stream"))
    while vm.qmp.cmd("query-migrate").get("xbzrle-cache", {}).get("pages", 0) < 2 * dirtier.PAGES:
        t.ok(m.status(vm) in ("setup", "active"), "it ended")
    m.set(vm, max_bandwidth=0, downtime_limit=10000)
    m.finished(vm)
    s = judge(t, t.path("stream"))
    t.ok(s.xbzrle >= 2 * dirtier.PAGES, "%d differences" % s.xbzrle)
    # Loaded, and before it runs sent once more, each page as it is.
    other = m.start(*without, "-S", incoming="file:" + t.path("stream"))
    m.finished(other)
    other.qmp.cmd("state-save", file=t.path("plain"))
    m.finished(other)
    t.equal(judge(t, t.path("plain")).xbzrle, 0)
    out = [line for line in tool(t, "diff", t.path("stream"), t.path("plain"), status=1).splitlines()
           # the run state, and how far the clock of the day is from the guest's, which stood meanwhile
           if not line.startswith(("section 'globalstate'", "section 'goldfish_rtc': tick_offset_vmstate"))]
    t.equal(out, [], "differences")


@gwttest.test("a configuration with a UUID; a stream that begins later in its file")
def configuration(t):
    m = mover.Mover(t)
    vm = m.start(*mover.blockers(t), "-uuid", "00112233-4455-6677-8899-aabbccddeeff")
    m.set(vm, "validate-uuid")
    vm.qmp.cmd("migrate", uri="file:%s,offset=8192" % t.path("stream"))
    m.finished(vm)
    with open(t.path("stream"), "rb") as f:
        f.seek(8192)
        s = sr.read(f.read())
    t.equal(s.uuid.hex(), "00112233445566778899aabbccddeeff")
    t.contains(tool(t, "--offset", "8K", "show", t.path("stream")),
               "machine 'virt-1.0', uuid 00112233-4455-6677-8899-aabbccddeeff, pages of 4096 bytes")


gwttest.main()
