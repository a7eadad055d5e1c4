# SPDX-License-Identifier: BSD-2-Clause
"""Firmware moves with its guest: what a guest resets into is what it was started with, whatever
file the other end has, until it is started anew."""

import json
import os
import struct
import time

import gwttest

# lui t0,0x10000; li t1,CHAR; sb t1,0(t0); wfi; j to the wfi: says which firmware it is.
CODE = [0x100002b7, 0x00000313, 0x00628023, 0x10500073, 0xffdff06f]


def firmware(t, letter, size=20):
    words = list(CODE)
    words[1] |= ord(letter) << 20
    path = t.path("fw-%s.bin" % letter)
    with open(path, "wb") as f:
        f.write(struct.pack("<5I", *words).ljust(size, b"\0"))
    return path


def elf(t, letter):
    """The same as an ELF file of two segments, the second all zeros at the start."""
    words = list(CODE)
    words[1] |= ord(letter) << 20
    code = struct.pack("<5I", *words)
    base = 0x80000000
    head = struct.pack("<4sBBBB8sHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, b"", 2, 243, 1, base, 64,
                       0, 0, 64, 56, 2, 0, 0, 0)
    first = struct.pack("<IIQQQQQQ", 1, 5, 176, base, base, len(code), len(code), 4)
    second = struct.pack("<IIQQQQQQ", 1, 6, 196, base + 4096, base + 4096, 0, 8192, 4)
    path = t.path("fw-%s.elf" % letter)
    with open(path, "wb") as f:
        f.write(head + first + second + code)
    return path


class Vm:
    count = 0

    def __init__(self, t, *args, machine="virt"):
        Vm.count += 1
        self.t, self.path = t, t.path("vm%d" % Vm.count)
        self.vm = t.start("-M", machine, "-m", "64M", "-serial", "file:" + self.path + ".out",
                          "-qmp", "unix:%s,server=on,wait=off" % self.path, *args)
        self.qmp = gwttest.Qmp.connect(self.path, alive=self.vm.alive)

    def said(self, wanted):
        """Wait until that is what the guest wrote here."""
        end = time.monotonic() + 60 * gwttest.SCALE
        while time.monotonic() < end:
            with open(self.path + ".out", "rb") as f:
                text = f.read().decode()
            if len(text) >= len(wanted):
                break
            self.vm.stderr()
            self.qmp.cmd("query-status")
        self.t.equal(text, wanted, "what the guest said")

    def reset(self):
        self.qmp.cmd("system_reset")

    def until(self, status):
        end = time.monotonic() + 60 * gwttest.SCALE
        while True:
            answer = self.qmp.cmd("query-migrate")
            if answer.get("status") == status:
                return
            self.t.ok(answer.get("status") != "failed" and time.monotonic() < end, repr(answer))

    def move(self, *args, plain=False, machine="virt"):
        """The guest, in another process with these options."""
        address = "unix:" + self.t.path("move%d" % Vm.count)
        other = Vm(self.t, "-incoming", address, *args, machine=machine)
        if plain:
            self.qmp.cmd("migrate-set-capabilities",
                         capabilities=[{"capability": "x-manifest", "state": False}])
        self.qmp.cmd("migrate", uri=address)
        self.until("completed")
        other.until("completed")
        self.qmp.cmd("quit")
        self.vm.wait()
        return other


@gwttest.test("a guest goes on, and resets, with its own firmware; a new one starts with the new")
def travels(t):
    a, b = firmware(t, "A"), firmware(t, "B", 300000)
    vm = Vm(t, "-bios", a)
    vm.said("A")
    vm = vm.move("-bios", b)
    vm.said("")
    vm.reset()
    vm.said("A")
    vm.reset()
    vm.said("AA")
    # And at the hop after that.
    vm = vm.move("-bios", "none")
    vm.reset()
    vm.said("A")
    os.unlink(a)
    vm = vm.move("-bios", b)
    vm.reset()
    vm.said("A")
    vm.qmp.cmd("quit")
    vm.vm.wait()
    vm = Vm(t, "-bios", b)
    vm.said("B")


@gwttest.test("firmware of several parts; and a guest that has none")
def parts(t):
    vm = Vm(t, "-bios", elf(t, "E")).move("-bios", firmware(t, "B")).move("-bios", "none")
    vm.reset()
    vm.said("E")
    vm = Vm(t, "-bios", "none", "-kernel", firmware(t, "K"))
    vm.said("K")
    vm = vm.move("-bios", firmware(t, "B"), "-kernel", firmware(t, "K"))
    vm.reset()
    vm.said("K")


@gwttest.test("a state file has it as well")
def from_file(t):
    vm = Vm(t, "-bios", firmware(t, "A"))
    vm.said("A")
    vm.qmp.cmd("state-save", file=t.path("saved"))
    vm.until("completed")
    other = Vm(t, "-bios", firmware(t, "B"), "-S", "-incoming", "file:" + t.path("saved"))
    other.until("completed")
    other.qmp.cmd("cont")
    other.reset()
    other.said("A")


@gwttest.test("a section that lies is refused, and the guest is not started")
def hostile(t):
    vm = Vm(t, "-bios", firmware(t, "A"))
    vm.qmp.cmd("state-save", file=t.path("saved"))
    vm.until("completed")
    with open(t.path("saved"), "rb") as f:
        good = f.read()
    at = good.index(b"\x08firmware" + bytes((0, 0, 0, 0, 0, 0, 0, 1))) + 17
    huge = b"\xff" * 8
    outside = "lies outside of RAM"
    for offset, data, wanted in (
            (0, b"\0\0\0\x08", "flags 0x8; there are none like that"),
            (4, b"x" * 128, "the firmware's name has no end"),
            (164, huge, "the device tree is damaged, or " + outside),
            (164, struct.pack(">Q", 0x84000000 - 8), "the device tree is damaged, or " + outside),
            (172, struct.pack(">I", 769), "n_parts"),
            (176, huge, "part 0 of the firmware, 20 bytes at 0xffffffffffffffff, " + outside),
            (184, struct.pack(">Q", 21), "part 0 of the firmware, 20 bytes at 0x80000000, "),
            (184, struct.pack(">Q", 19), "the firmware's parts are not all of it"),
            (192, huge, "bytes at 0x80000000, " + outside),
            (200, huge[:4], "firmware_size"),
            (228, b"x", "the device tree is damaged, or " + outside)):
        with open(t.path("bad"), "wb") as f:
            f.write(good[:at + offset] + data + good[at + offset + len(data):])
        t.error("section 'firmware': byte ", "-M", "virt", "-m", "64M", "-bios", "none", "-serial",
                "null", "-incoming", "file:" + t.path("bad"))
        t.error(wanted, "-M", "virt", "-m", "64M", "-bios", "none", "-serial", "null",
                "-incoming", "file:" + t.path("bad"))


@gwttest.test("another kernel at the other end is told, and what that end has is started there")
def other_kernel(t):
    a = firmware(t, "A")
    vm = Vm(t, "-bios", a, "-kernel", firmware(t, "K")).move(
        "-bios", firmware(t, "B"), "-kernel", firmware(t, "L"))
    t.contains(vm.vm.stderr(), "godwit: warning: the guest was started with another -kernel or "
               "-initrd than this end; after a reset it starts what this end has")
    vm.reset()
    vm.said("B")
    vm = Vm(t, "-bios", a, "-kernel", firmware(t, "K")).move("-bios", firmware(t, "B"), "-kernel",
                                                            firmware(t, "K"))
    vm.reset()
    vm.said("A")
    t.equal(vm.vm.stderr(), "")


@gwttest.test("x-manifest=off: nothing of it is sent, and each end has its own")
def plain(t):
    vm = Vm(t, "-bios", firmware(t, "A")).move("-bios", firmware(t, "B"), plain=True)
    vm.reset()
    vm.said("B")


def tied(t, folder, letter):
    """The machine type of that folder, which has a firmware of its own."""
    folder = os.path.join(t.path("types"), folder)
    os.makedirs(folder)
    os.rename(firmware(t, letter), os.path.join(folder, "own.bin"))
    path = os.path.join(folder, "tied-1.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"godwit-machine": 1, "name": "tied-1", "doc": "One with firmware.",
                   "board": "virt", "firmware": "own.bin"}, f)
    return path


@gwttest.test("the firmware that a machine type names moves, too; a new guest starts with the new")
def ties(t):
    a, b = tied(t, "a", "A"), tied(t, "b", "B")
    vm = Vm(t, machine=a)
    vm.said("A")
    vm = vm.move(machine=b)
    vm.reset()
    vm.said("A")
    vm.qmp.cmd("quit")
    vm.vm.wait()
    Vm(t, machine=b).said("B")


def bank(t, name, blocks):
    with open(t.path(name), "wb") as f:
        f.truncate(blocks << 18)
    return ["-global", "cfi-flash.num-blocks=%d" % blocks, "-drive",
            "if=pflash,unit=0,format=raw,file=" + t.path(name)]


PREFLIGHT = ("memory block 'virt.flash0': 262144 bytes at the source (file 'one.img'), 524288 "
             "bytes at the destination (file 'two.img'); give the destination an image of the "
             "source's size, or the same file")
LOAD = ("RAM block 'virt.flash0': it has 262144 bytes at the sender (%s) and 524288 here (file "
        "'two.img'); start this end with the sender's sizes: -m, and images as large")


@gwttest.test("another size of an image is told with both files, by preflight and by the load")
def sizes(t):
    one, two = bank(t, "one.img", 1), bank(t, "two.img", 2)
    for judged, manifest, wanted in ((True, True, PREFLIGHT),
                                     (False, True, LOAD % "file 'one.img'"),
                                     (False, False, LOAD % "the stream does not tell which file")):
        address = "unix:" + t.path("sizes%d" % Vm.count)
        other = Vm(t, "-bios", "none", *two, "-incoming", address, "-global",
                   "migration.x-preflight=" + ("on" if judged else "off"))
        vm = Vm(t, "-bios", firmware(t, "A"), *one, "-global",
                "migration.x-manifest=" + ("on" if manifest else "off"))
        vm.said("A")
        # Else the guest may have been given away before the receiver has refused it.
        vm.qmp.cmd("migrate-set-capabilities",
                   capabilities=[{"capability": "return-path", "state": True}])
        vm.qmp.cmd("migrate", uri=address)
        t.equal(other.vm.wait(), 1, "exit status")
        vm.until("failed")
        t.contains(other.vm.stderr(), wanted)
        vm.reset()
        vm.said("AA")
        vm.qmp.cmd("quit")
        vm.vm.wait()


gwttest.main()
