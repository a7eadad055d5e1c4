# SPDX-License-Identifier: BSD-2-Clause
"""Linux on the board with APLIC and IMSIC: its drivers take both, wires and messages interrupt."""

import json
import os
import re

import gwttest
import linuxguest

linuxguest.need_guest()
if gwttest.SANITIZERS:
    gwttest.skip_all("the long boots are left to the build without sanitizers")


def counts(t, vm, name):
    """Interrupts of a line of /proc/interrupts, one number a hart, and who delivers them."""
    table = linuxguest.output(t, vm, "cat /proc/interrupts")
    row = re.search(r"^ *\w+:((?: +\d+)+) +(.*%s)$" % name, table, re.M)
    t.ok(row, "no interrupts of %s in %s" % (name, table))
    return [int(n) for n in row[1].split()], row[2]


def workout(t, harts, *args):
    vm = t.start(*linuxguest.arguments(harts=harts, machine="virt-aia"), *args)
    linuxguest.ready(vm)
    log = linuxguest.output(t, vm, "dmesg")
    t.contains(log, "interrupt-controller@28000000: providing IPIs")
    t.contains(log, "per-CPU IDs 255 at base address 0x0000000028000000")
    t.contains(log, "d000000.interrupt-controller: 96 interrupts forwarded to MSI base")
    before, by = counts(t, vm, "ttyS0")
    t.ok(by.startswith("APLIC-MSI-d000000."), "the console interrupts through " + by)
    after, by = counts(t, vm, "ttyS0")
    t.ok(sum(after) > sum(before), "no interrupts of the console: %r, %r" % (before, after))
    return vm


def move(t, vm, harts):
    """The console's interrupt goes where its affinity says: target and message change."""
    table = linuxguest.output(t, vm, "cat /proc/interrupts")
    number = re.search(r"^ *(\d+):.*ttyS0$", table, re.M)[1]
    for hart in (harts - 1, 0):
        linuxguest.output(t, vm, "echo %d >/proc/irq/%s/smp_affinity_list" % (hart, number))
        before, by = counts(t, vm, "ttyS0")
        after, by = counts(t, vm, "ttyS0")
        t.ok(after[hart] > before[hart], "hart %d: %r, then %r" % (hart, before, after))
        t.equal([n for i, n in enumerate(after) if i != hart],
                [n for i, n in enumerate(before) if i != hart], "interrupts of the other harts")


@gwttest.test("one hart")
def one(t):
    linuxguest.power_off(t, workout(t, 1))


@gwttest.test("two harts: an interrupt moves from one to the other")
def two(t):
    vm = workout(t, 2)
    move(t, vm, 2)
    linuxguest.power_off(t, vm)


@gwttest.test("messages of a PCI device (MSI-X) and of a wire that a virtio-mmio slot drives")
def devices(t):
    vm = workout(t, 2, "-device", "virtio-rng-pci", "-device", "virtio-rng-device")
    linuxguest.output(t, vm, "insmod /lib/modules/virtio_mmio.ko && insmod /lib/modules/virtio_rng.ko")
    linuxguest.output(t, vm, "for r in 0 1; do echo virtio_rng.$r "
                      ">/sys/class/misc/hw_random/rng_current; "
                      "dd if=/dev/hwrng of=/dev/null bs=1k count=64 iflag=fullblock; done 2>&1")
    after = linuxguest.output(t, vm, "cat /proc/interrupts")
    for kind in ("PCI-MSIX-0000:00:", "APLIC-MSI-d000000"):
        rows = re.findall(r"^ *\d+:((?: +\d+)+) +%s.*virtio" % kind, after, re.M)
        t.ok(max(sum(int(n) for n in row.split()) for row in rows) >= 64,
             "hardly an interrupt by %s: %s" % (kind, after))
    linuxguest.power_off(t, vm)


@gwttest.test("four harts: messages between them, a wire, a reboot")
def four(t):
    vm = workout(t, 4)
    move(t, vm, 4)
    # Rescheduling and function calls are messages of one hart to another's file.
    calls, by = counts(t, vm, "Function call interrupts")
    t.ok(sum(calls) > 0, "no function calls between harts")
    vm.send("reboot\n")
    linuxguest.ready(vm)
    move(t, vm, 4)
    linuxguest.power_off(t, vm)


def direct_board(t):
    """The board without IMSICs: the APLIC drives a line to each hart."""
    with open(os.path.join(gwttest.SRCDIR, "machines/virt-aia.json"), encoding="utf-8") as f:
        board = json.load(f)
    board["devices"] = [d for d in board["devices"] if d["type"] != "riscv-imsic"]
    for device in board["devices"]:
        device.get("fdt", {}).get("props", {}).pop("msi-parent", None)
        if device["type"] == "riscv-aplic":
            device["props"]["msimode"] = False
            device["irq"] = [{"out": "ext", "per": "cpu", "in": "irq",
                              "line": 11 if device["props"]["mmode"] else 9}]
    path = t.path("virt-direct.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(board, f)
    return path


@gwttest.test("without IMSICs: lines from the APLIC to two harts")
def direct(t):
    vm = t.start(*linuxguest.arguments(harts=2, machine=direct_board(t)))
    linuxguest.ready(vm)
    t.contains(linuxguest.output(t, vm, "dmesg"), "96 interrupts directly connected to 2 CPUs")
    t.ok(counts(t, vm, "ttyS0")[1].startswith("APLIC-DIRECT"), "who delivers the console's")
    move(t, vm, 2)
    linuxguest.power_off(t, vm)


gwttest.main()
