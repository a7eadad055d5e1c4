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
    linuxguest.ready(vm)
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
    linuxguest.ready(vm)
    t.equal(len(functions(t, vm)), 3, "functions after a reset")
    linuxguest.power_off(t, vm)


@gwttest.test("a disk comes and goes under load, and another one works on")
def disks(t):
    if not os.path.exists(os.path.join(gwttest.BUILDDIR, "plugins", "virtio-blk.so")):
        t.skip("the plugin virtio-blk is not built")
    size = 8 << 20
    for name in ("steady.img", "plug.img"):
        with open(t.path(name), "wb") as f:
            f.write(b"\0" * size)
    vm = t.start(*linuxguest.arguments(), *PORTS, "-device", "pcie-root-port,id=rp2,addr=3,slot=3",
                 "-drive", "file=%s,format=raw,if=none,id=d0" % t.path("steady.img"),
                 "-device", "virtio-blk-pci,id=steady,drive=d0,bus=rp2", qmp=True)
    linuxguest.ready(vm)
    linuxguest.output(t, vm, "dmesg -n 1; insmod /lib/modules/virtio_blk.ko 2>/dev/null; ls /dev/vda")
    # All the while: a block written, read back and compared, and counted.
    linuxguest.output(t, vm, "dd if=/dev/urandom of=/tmp/block bs=64k count=8 2>/dev/null; (n=0; "
                      "while test ! -e /tmp/stop; do dd if=/tmp/block of=/dev/vda bs=64k oflag=direct "
                      "2>/dev/null && dd if=/dev/vda bs=64k count=8 iflag=direct 2>/dev/null "
                      "| cmp - /tmp/block || echo bad >>/tmp/bad; n=$((n+1)); echo $n >/tmp/count; "
                      "done) & true")

    def plug():
        vm.qmp.cmd("blockdev-add", **{"driver": "raw", "node-name": "n0", "file": {
            "driver": "file", "filename": t.path("plug.img")}})
        vm.qmp.cmd("device_add", driver="virtio-blk-pci", id="plug", bus="rp0", drive="n0")
        linuxguest.output(t, vm, RESCAN)
        place = where(t, vm, "plug")
        return place, linuxguest.output(t, vm, "basename $(ls -d %sdevices/%s/virtio*/block/*)"
                                        % (BUS, place)).strip()

    def read_for_ever(disk):
        linuxguest.output(t, vm, "(while test -e /dev/%s; do dd if=/dev/%s of=/dev/null bs=4k "
                          "iflag=direct; done) >/dev/null 2>&1 & true" % (disk, disk))

    for turn in range(2):
        place, disk = plug()
        linuxguest.output(t, vm, "yes $(printf '%%07d' %d) | dd of=/dev/%s bs=64k count=64 "
                          "iflag=fullblock oflag=direct 2>/dev/null" % (turn, disk))
        # It goes while it is read.
        read_for_ever(disk)
        linuxguest.output(t, vm, "echo 1 >%sdevices/%s/remove" % (BUS, place))
        remove(t, vm, "plug")
        vm.qmp.cmd("blockdev-del", **{"node-name": "n0"})
        with open(t.path("plug.img"), "rb") as f:
            t.ok(f.read(4 << 20) == (b"%07d\n" % turn) * (4 << 17), "turn %d wrote else" % turn)
    # Torn out with requests under way: the kernel never hears of them again, the other disk works.
    read_for_ever(plug()[1])
    remove(t, vm, "plug")
    vm.qmp.cmd("blockdev-del", **{"node-name": "n0"})
    count = int(linuxguest.output(t, vm, "cat /tmp/count"))
    linuxguest.output(t, vm, "while test $(cat /tmp/count) -lt %d; do :; done" % (count + 3))
    t.equal(linuxguest.run(vm, "cat /tmp/bad")[0], 1, "status of cat bad")
    vm.qmp.cmd("quit")
    t.equal(vm.wait(), 0, "status")


gwttest.main()
