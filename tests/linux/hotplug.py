# SPDX-License-Identifier: BSD-2-Clause
"""A running kernel gets devices and loses them.  Debian's has no driver for hot plug, so it finds
what came when it is told to look again, and device_del is done at once."""

import os

import gwttest
import linuxguest

linuxguest.need_guest()
if gwttest.SANITIZERS:
    gwttest.skip_all("the long boots are left to the build without sanitizers")

PROBE = os.path.join(gwttest.BUILDDIR, "tests", "pcie", "pci-probe.so")
if not os.path.exists(PROBE):
    gwttest.skip_all("the plugin pcie is not built, or 'make check' has not made its test device")

PORTS = ("-plugin", PROBE,
         "-device", "pcie-root-port,id=rp0,addr=1,chassis=1,slot=1",
         "-device", "pcie-root-port,id=rp1,addr=2,chassis=1,slot=2",
         "-device", "x3130-upstream,id=us,bus=rp1",
         "-device", "xio3130-downstream,id=d0,bus=us,chassis=2,slot=3",
         "-device", "xio3130-downstream,id=d1,bus=us,chassis=2,slot=4")
BUS = "/sys/bus/pci/"
RESCAN = "echo 1 >%srescan" % BUS


def boot(t, harts=2):
    vm = t.start(*linuxguest.arguments(harts=harts), *PORTS, qmp=True)
    vm.expect(linuxguest.READY, linuxguest.BOOT_SECONDS)
    vm.expect(linuxguest.PROMPT)
    linuxguest.output(t, vm, "dmesg -n 1; insmod /lib/modules/virtio_rng.ko")
    return vm


def functions(t, vm):
    return linuxguest.output(t, vm, "ls %sdevices" % BUS).split()


def where(t, vm, name, bus=None):
    """The address of the function NAME as the guest gave bus numbers."""
    def walk(devices):
        for device in devices:
            if device["qdev_id"] == name:
                return "0000:%02x:%02x.%d" % (device["bus"], device["slot"], device["function"])
            found = walk(device.get("pci_bridge", {}).get("devices", []))
            if found:
                return found
        return None
    found = walk(vm.qmp.cmd("query-pci")[0]["devices"])
    t.ok(found, "query-pci has no " + name)
    return found


def works(t, vm):
    packed = linuxguest.output(t, vm, "dd if=/dev/hwrng bs=1k count=16 iflag=fullblock 2>/dev/null "
                               "| gzip -c | wc -c")
    t.ok(int(packed) > 16384, "16 KiB of entropy were compressed to %s bytes" % packed.strip())


def remove(t, vm, name):
    vm.qmp.cmd("device_del", id=name)
    t.equal(vm.qmp.event("DEVICE_DELETED")["data"]["device"], name)


@gwttest.test("a device comes, works, goes, and comes again; behind a port and behind a switch")
def life(t):
    vm = boot(t)
    before = functions(t, vm)
    t.equal(len(before), 6, "functions %s" % before)
    for bus in ("rp0", "d1", "rp0"):
        vm.qmp.cmd("device_add", driver="virtio-rng-pci", id="rng", bus=bus)
        linuxguest.output(t, vm, RESCAN)
        place = where(t, vm, "rng")
        t.equal(sorted(set(functions(t, vm)) - set(before)), [place], "what came to " + bus)
        works(t, vm)
        linuxguest.output(t, vm, "echo 1 >%sdevices/%s/remove" % (BUS, place))
        remove(t, vm, "rng")
        linuxguest.output(t, vm, RESCAN)
        t.equal(functions(t, vm), before, "functions after it went")
    linuxguest.power_off(t, vm)


@gwttest.test("devices torn out without a word, and their places used again")
def torn_out(t):
    vm = boot(t)
    # A function without a driver: Linux's for virtio waits for ever for a device that is gone.
    vm.qmp.cmd("device_add", driver="pci-probe", id="p", bus="d0")
    linuxguest.output(t, vm, RESCAN)
    place = where(t, vm, "p")
    linuxguest.output(t, vm, "echo 1 >%sdevices/%s/enable" % (BUS, place))
    remove(t, vm, "p")
    # The kernel finds out when it looks: every register reads as ones.
    t.equal(linuxguest.output(t, vm, "hexdump -n 4 -e '1/4 \"%%08x\"' %sdevices/%s/config"
                              % (BUS, place)).strip(), "ffffffff", "identity of what is gone")
    linuxguest.output(t, vm, "echo 1 >%sdevices/%s/remove" % (BUS, place))
    vm.qmp.cmd("device_add", driver="virtio-rng-pci", id="rng", bus="d0")
    linuxguest.output(t, vm, RESCAN)
    t.equal(where(t, vm, "rng"), place, "place")
    works(t, vm)
    # A whole switch, with what is behind it, once the kernel has let go of it.
    linuxguest.output(t, vm, "echo 1 >%sdevices/%s/remove" % (BUS, where(t, vm, "us")))
    vm.qmp.cmd("device_del", id="us")
    t.equal([vm.qmp.event("DEVICE_DELETED")["data"]["device"] for _ in range(4)],
            ["d1", "rng", "d0", "us"], "what went")
    linuxguest.output(t, vm, RESCAN)
    t.equal(len(functions(t, vm)), 3, "functions left")
    vm.qmp.cmd("system_reset")
    vm.expect(linuxguest.READY, linuxguest.BOOT_SECONDS)
    vm.expect(linuxguest.PROMPT)
    t.equal(len(functions(t, vm)), 3, "functions after a reset")
    linuxguest.power_off(t, vm)


gwttest.main()
