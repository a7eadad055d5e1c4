# SPDX-License-Identifier: BSD-2-Clause
"""A real kernel on the PCIe host bridge: what it finds, where it puts it, what it logs of errors.

Debian's kernel has its drivers for ports and Advanced Error Reporting built in; the functions
behind the ports are tests/pcie/pci-probe.c, which no driver takes."""

import os
import re

import gwttest
import linuxguest

linuxguest.need_guest()
PROBE = os.path.join(gwttest.BUILDDIR, "tests", "pcie", "pci-probe.so")
if not os.path.exists(PROBE):
    gwttest.skip_all("the plugin pcie is not built, or 'make check' has not made its test device")

DEVICES = ("-plugin", PROBE,
           "-device", "pcie-root-port,id=rp0,bus=pcie.0,addr=1,chassis=1,slot=1",
           "-device", "pcie-root-port,id=rp1,bus=pcie.0,addr=2,chassis=1,slot=2",
           "-device", "pci-probe,id=p0,bus=rp0",
           "-device", "pci-probe,id=p1,addr=3")
PORT, BEHIND, INTEGRATED = "0000:00:01.0", "0000:01:00.0", "0000:00:03.0"
SYS = "/sys/bus/pci/devices/"
# linux/ioport.h
IO, MEM, PREFETCH, WIDE = 0x100, 0x200, 0x2000, 0x100000


# A port, a switch of two slots behind it, a function in each.
SWITCHED = ("-plugin", PROBE,
            "-device", "pcie-root-port,id=rp0,bus=pcie.0,addr=1,chassis=1,slot=1",
            "-device", "x3130-upstream,id=us,bus=rp0",
            "-device", "xio3130-downstream,id=d0,bus=us,chassis=2,slot=2",
            "-device", "xio3130-downstream,id=d1,bus=us,chassis=2,slot=3",
            "-device", "pci-probe,id=p0,bus=d0", "-device", "pci-probe,id=p1,bus=d1")


def boot(t, devices=DEVICES, machine="virt"):
    vm = t.start(*linuxguest.arguments(append="pcie_ports=native", machine=machine), *devices,
                 qmp=True)
    linuxguest.ready(vm, messages=True)
    return vm


def inject(vm, device, status, correctable=False, header=(0, 0, 0, 0)):
    vm.qmp.cmd("device-call", device=device, method="aer_inject",
               arguments=[status, correctable, *header])


@gwttest.test("functions, BARs and interrupts as the kernel sees them")
def enumeration(t):
    vm = boot(t)

    def out(command):
        return linuxguest.output(t, vm, command).rstrip("\n")

    # What the kernel says late would stand between a command's lines.
    out("dmesg -n 1")
    t.equal(out("ls " + SYS).split(),
            ["0000:00:00.0", PORT, "0000:00:02.0", INTEGRATED, BEHIND], "functions")
    for function, facts in (("0000:00:00.0", "0x1b36 0x0008 0x060000 256"),
                            (PORT, "0x1b36 0x000c 0x060400 4096"),
                            (BEHIND, "0x1b36 0x0fff 0xff0000 4096")):
        t.equal(out("cd %s%s; echo $(cat vendor device class) $(stat -c %%s config); cd /"
                    % (SYS, function)), facts, function)
    for function in (BEHIND, INTEGRATED):
        bars = [[int(word, 16) for word in line.split()]
                for line in out("cat %s%s/resource" % (SYS, function)).splitlines()]
        kinds = (IO, MEM, MEM | PREFETCH | WIDE, 0, MEM)
        sizes = (32, 0x1000, 0x10000, 0, 0x1000)
        for i, (kind, size) in enumerate(zip(kinds, sizes)):
            first, last, flags = bars[i]
            t.equal(flags & (IO | MEM | PREFETCH | WIDE), kind, "%s BAR %d" % (function, i))
            t.equal(last - first + 1 if size else last, size, "%s BAR %d" % (function, i))
            if i == 2:
                t.ok(0x400000000 <= first < 0x800000000, "BAR 2 at 0x%x" % first)
    t.equal(out("cat %s%s/irq" % (SYS, PORT)) != "0", True, "the port has an interrupt")
    t.contains(out("cat /proc/interrupts"), "aerdrv")
    log = out("dmesg | grep -i -e 'pci' -e 'aer'")
    t.contains(log, "AER: enabled with IRQ")
    for word in ("failed", "can't", "no compatible bridge window", "no space"):
        t.ok(word not in log, "'%s' in %s" % (word, log))
    linuxguest.power_off(t, vm)


@gwttest.test("the kernel's driver logs the errors of a function behind a port")
def errors(t):
    vm = boot(t)
    inject(vm, "p0", 0x40, correctable=True)
    vm.expect(r"pcieport 0000:00:01\.0: AER: Correct(ed|able) error.* received.*0000:01:00\.0")
    vm.expect(r"0000:01:00\.0: PCIe Bus Error: severity=Correct(ed|able), type=Data Link Layer")
    vm.expect(r"\[ 6\] BadTLP")
    inject(vm, "p0", 0x1000, header=(0x11223344, 0x55667788, 0x99aabbcc, 0xddeeff00))
    vm.expect(r"AER: Uncorrect(ed|able) \(Non-Fatal\) error.* received.*0000:01:00\.0")
    vm.expect(r"\[12\] TLP")
    vm.expect(r"TLP Header: (0x)?11223344 (0x)?55667788 (0x)?99aabbcc (0x)?ddeeff00")
    # Once more, as a new condition: the driver has cleared status and interrupt.
    inject(vm, "p0", 0x1, correctable=True)
    vm.expect(r"\[ 0\] RxErr")
    counts = linuxguest.output(t, vm, "cat %s%s/aer_dev_correctable" % (SYS, BEHIND))
    t.contains(counts, "TOTAL_ERR_COR 2")
    linuxguest.power_off(t, vm)


def behind_switch(t, machine):
    vm = boot(t, SWITCHED, machine)
    places = sorted(linuxguest.output(t, vm, "ls " + SYS).split())
    t.equal(places, ["0000:00:00.0", PORT, BEHIND, "0000:02:00.0", "0000:02:01.0", "0000:03:00.0",
                     "0000:04:00.0"], "functions")
    for device, place in (("p0", "0000:03:00.0"), ("p1", "0000:04:00.0")):
        inject(vm, device, 0x80, correctable=True)
        vm.expect(r"pcieport 0000:00:01\.0: AER: Correct(ed|able) error.* received.*"
                  + place.replace(".", r"\."))
        vm.expect(r"%s: PCIe Bus Error: severity=Correct(ed|able), type=Data Link Layer"
                  % place.replace(".", r"\."))
        vm.expect(r"\[ 7\] BadDLLP")
        inject(vm, device, 0x4000)
        vm.expect(r"AER: Uncorrect(ed|able) \(Non-Fatal\) error.* received.*"
                  + place.replace(".", r"\."))
        vm.expect(r"\[14\] CmpltTO")
    # The switch's own port reports as well.
    inject(vm, "d1", 0x1, correctable=True)
    vm.expect(r"AER: Correct(ed|able) error.* received.*0000:02:01\.0")
    vm.expect(r"\[ 0\] RxErr")
    for place, kind, count in (("0000:03:00.0", "correctable", "TOTAL_ERR_COR 1"),
                               ("0000:04:00.0", "nonfatal", "TOTAL_ERR_NONFATAL 1"),
                               ("0000:02:01.0", "correctable", "TOTAL_ERR_COR 1")):
        t.contains(linuxguest.output(t, vm, "cat %s%s/aer_dev_%s" % (SYS, place, kind)), count)
    linuxguest.power_off(t, vm)


@gwttest.test("errors of functions behind a switch reach the kernel through the root port")
def switched(t):
    behind_switch(t, "virt")


@gwttest.test("the same with AIA, where the port's interrupt is a message")
def switched_aia(t):
    behind_switch(t, "virt-aia")


@gwttest.test("a function-level reset through sysfs")
def reset(t):
    vm = boot(t)

    def out(command):
        return linuxguest.output(t, vm, command).rstrip("\n")

    # What the kernel says late would stand between a command's lines.
    out("dmesg -n 1")
    path = SYS + BEHIND
    t.contains(out("cat %s/reset_method" % path), "flr")
    bars = "hexdump -s 16 -n 32 -e '4/4 \"%%08x \"' %s/config; echo" % path
    before = out(bars)
    t.ok(re.fullmatch("([0-9a-f]{8} ?){8}", before.strip()), "BARs: %r" % before)
    out("echo 1 > %s/enable; echo flr > %s/reset_method; echo 1 > %s/reset" % (path, path, path))
    t.equal(vm.qmp.cmd("device-call", device="p0", method="resets"), {"result": 1}, "resets")
    out("echo 0 > %s/enable" % path)
    t.equal(out(bars), before, "BARs, which the kernel puts back")
    linuxguest.power_off(t, vm)


gwttest.main()
