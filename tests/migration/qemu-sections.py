#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Sections as Debian's QEMU makes them: in place of ours they are loaded, and saved again they are the
same to the byte.  QEMU's devices are brought into a state by qtest, without a guest."""

import os
import shutil
import socket
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import gwttest  # noqa: E402
import mover  # noqa: E402
import streamreader as sr  # noqa: E402

QEMU = os.environ.get("QEMU_RISCV64") or shutil.which("qemu-system-riscv64") or "no"
if not os.path.exists(QEMU):
    gwttest.skip_all("no qemu-system-riscv64 that could make streams")

UART, FW_CFG, FLASH, PLIC, ECAM = 0x10000000, 0x10100000, 0x20000000, 0x0c000000, 0x30000000
PORTS = ["-device", "pcie-root-port,id=rp,chassis=1", "-device", "x3130-upstream,id=up,bus=rp",
         "-device", "xio3130-downstream,id=dn,bus=up,chassis=2"]
RP = "0000:00:01.0"
SECTIONS = ["riscv_sifive_plic", "fw_cfg", "0000:00:00.0/gpex_root", "PCIHost", "PCIBUS", "serial",
            "pflash_cfi01", RP + "/pcie-root-port", RP + ":00.0/xio3130-express-upstream-port",
            RP + ":00.0:00.0/xio3130-express-downstream-port"]


def start(t, name, program, *args):
    address = t.path(name + ".qmp")
    vm = t.start_program(program, "-M", "virt", "-m", "16M", "-display", "none", "-serial", "null",
                         "-bios", "none", "-S", "-qmp", "unix:%s,server=on,wait=off" % address, *PORTS,
                         *args)
    vm.qmp = gwttest.Qmp.connect(address, alive=vm.alive)
    return vm


def until(vm, wanted):
    end = time.monotonic() + 60 * gwttest.SCALE
    while True:
        status = vm.qmp.cmd("query-migrate").get("status")
        if status == wanted:
            return
        if status in ("failed", "completed") or time.monotonic() > end:
            raise gwttest.Failure("query-migrate: %s; stderr: %s" % (status, vm.stderr()))
        time.sleep(0.01)


def saved(t, vm, name, how="file:{0}"):
    end = time.monotonic() + 60 * gwttest.SCALE
    vm.qmp.cmd("migrate", uri=how.format(t.path(name)))
    until(vm, "completed")
    # QEMU says so while its command may have to write the last of it.
    while not os.path.exists(t.path(name)):
        t.ok(time.monotonic() < end, "the command that writes the stream does not end")
        time.sleep(0.01)
    with open(t.path(name), "rb") as f:
        return f.read()


class Qtest:
    """Accesses to a machine's addresses, by QEMU's own protocol for its tests."""

    def __init__(self, t, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("rw")
        t.cleanup(self.socket.close)

    def do(self, *words):
        self.file.write(" ".join(w if isinstance(w, str) else hex(w) for w in words) + "\n")
        self.file.flush()
        answer = self.file.readline().split()
        if not answer or answer[0] != "OK":
            raise gwttest.Failure("qtest: %s: %s" % (words, answer))
        return int(answer[1], 0) if len(answer) > 1 else None


def write(q, size, at, *values):
    for i, value in enumerate(values):
        q.do("write" + "bwlq"[size.bit_length() - 1], at + i * size, value)


def config(q, bus, slot, at, size, value):
    write(q, size, ECAM + (bus << 20) + (slot << 15) + at, value)


def bring_about(q):
    """A guest in the middle of many things."""
    # 12 Mbaud, 8 bits, FIFOs on; three bytes received through loopback, one of them read
    write(q, 1, UART + 3, 0x83)
    write(q, 1, UART, 2, 0)
    write(q, 1, UART + 3, 3)
    write(q, 1, UART + 2, 0x81)
    write(q, 1, UART + 4, 0x10)
    for byte in b"abc":
        write(q, 1, UART, byte)
    write(q, 1, UART + 4, 0x0b)
    write(q, 1, UART + 7, 0x5a)
    write(q, 1, UART + 1, 0x05)
    q.do("readb", UART)
    # five bytes of the directory of files; half of an address for DMA
    write(q, 2, FW_CFG + 8, 0x1900)
    for _ in range(5):
        q.do("readb", FW_CFG)
    write(q, 4, FW_CFG + 16, 0x78563412)
    # one bank shows its identifiers, the other waits for the word that it is to program
    write(q, 4, FLASH, 0x00900090)
    write(q, 4, FLASH + 0x2000000, 0x00400040)
    write(q, 4, PLIC + 40, 7)
    write(q, 4, PLIC + 0x2000, 0x400)
    write(q, 4, PLIC + 0x200000, 3)
    # bus numbers, windows, a BAR, a message, errors that interrupt
    for bus, slot, numbers in ((0, 1, 0x030100), (1, 0, 0x030201), (2, 0, 0x030302)):
        config(q, bus, slot, 0x18, 4, numbers)
        config(q, bus, slot, 0x20, 4, 0x41004100)
        config(q, bus, slot, 0x24, 4, 0x00100000)
        config(q, bus, slot, 0x28, 4, 4)
        config(q, bus, slot, 0x2c, 4, 4)
        config(q, bus, slot, 0x3e, 2, 3)
        config(q, bus, slot, 4, 2, 0x107)
        config(q, bus, slot, 0x3c, 1, 0x21)
        config(q, bus, slot, 0x108, 4, 0x00040000)
    config(q, 0, 1, 0x10, 4, 0x40000000)
    write(q, 4, 0x40000000, 0x24000000, 0, 0x31, 0)
    config(q, 0, 1, 0x12c, 4, 7)
    write(q, 1, UART + 1, 0x07)


def offers_mask(vm):
    """Does this QEMU have x-pcie-err-unc-mask, as ours?  It came with 8.1."""
    version = vm.qmp.cmd("query-version")["qemu"]
    return (version["major"], version["minor"]) >= (8, 1)


def replaced(t, ours, theirs):
    """OURS with THEIRS' payloads; how many there are."""
    mine, other = sr.read(ours), sr.read(theirs)
    count = 0
    for (name, instance), s in sorted(mine.sections.items(), key=lambda i: -i[1].offset):
        o = other.sections.get((name, instance))
        if name in SECTIONS and o is not None:
            t.equal(s.version, o.version, "version of %s" % name)
            ours = ours[:s.payload] + theirs[o.payload:o.end] + ours[s.end:]
            count += 1
    return ours, count


def common(data, one, other):
    """Bytes and fields of a section, without subsections that the other device does not save."""
    payload = data[one.payload:one.end]
    for more in [x for x in one.subsections if x not in other.subsections]:
        payload = payload.partition(b"\x05" + sr.pstr(more))[0]
    return payload.hex(), [(name, f.type, f.size, f.count) for name, f in one.fields.items()
                           if f.offset < one.payload + len(payload)]


@gwttest.test("sections of QEMU's devices are loaded, and saved again the same")
def sections(t):
    qemu = start(t, "qemu", QEMU, "-qtest",
                 "unix:%s,server=on,wait=off" % t.path("qtest"))
    bring_about(Qtest(t, t.path("qtest")))
    mask = [] if offers_mask(qemu) else ["-global", "pci-device.x-pcie-err-unc-mask=off"]
    theirs = saved(t, qemu, "theirs", "exec:cat > {0}.part && mv {0}.part {0}")
    mask += mover.blockers(t)
    a = start(t, "a", gwttest.GODWIT, *mask)
    ours, count = replaced(t, saved(t, a, "ours"), theirs)
    t.equal(count, len(SECTIONS) + 1, "sections that both have")
    with open(t.path("mixed"), "wb") as f:
        f.write(ours)
    b = start(t, "b", gwttest.GODWIT, *mask, "-incoming", "file:" + t.path("mixed"))
    until(b, "completed")
    again = saved(t, b, "again")
    mine, other = sr.read(again), sr.read(theirs)
    for (name, instance), s in mine.sections.items():
        if name in SECTIONS:
            o = other.sections[name, instance]
            t.equal(common(again, s, o), common(theirs, o, s), name)


gwttest.main()
