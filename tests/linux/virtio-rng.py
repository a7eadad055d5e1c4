# SPDX-License-Identifier: BSD-2-Clause
"""Linux finds an entropy device behind virtio-mmio or PCI and reads from it."""

import re

import gwttest
import linuxguest

linuxguest.need_guest()
if gwttest.SANITIZERS:
    gwttest.skip_all("the long boots are left to the build without sanitizers")

LOAD = "insmod /lib/modules/virtio_mmio.ko && insmod /lib/modules/virtio_rng.ko"


def boot(t, *devices, harts=1, qmp=False):
    args = []
    for device in devices:
        args += ["-device", device]
    vm = t.start(*linuxguest.arguments(harts=harts), *args, qmp=qmp)
    linuxguest.ready(vm)
    return vm


def load_driver(t, vm):
    # Kernel messages would come between what the commands print.
    linuxguest.output(t, vm, "dmesg -n 1; " + LOAD)


def interrupts(t, vm):
    table = linuxguest.output(t, vm, "cat /proc/interrupts")
    row = re.search(r"^ *\d+:((?: +\d+)+) +.*\bvirtio0$", table, re.M)
    t.ok(row, "no interrupts of virtio0 in " + table)
    return sum(int(n) for n in row[1].split())


def read_entropy(t, vm, count):
    """COUNT KiB from the device, judged by how many distinct bytes and what gzip makes of them."""
    linuxguest.output(t, vm, "dd if=/dev/hwrng of=/tmp/random bs=1k count=%d iflag=fullblock "
                      "2>/dev/null" % count)
    t.equal(linuxguest.output(t, vm, "wc -c </tmp/random").strip(), str(count << 10), "bytes read")
    packed = int(linuxguest.output(t, vm, "gzip -c /tmp/random | wc -c"))
    t.ok(packed > count << 10, "%d KiB of entropy were compressed to %d bytes" % (count, packed))
    return linuxguest.output(t, vm, "sha256sum </tmp/random").split()[0]


def workout(t, harts, *devices):
    vm = boot(t, *devices, harts=harts)
    load_driver(t, vm)
    path = "/sys/bus/virtio/devices/virtio0/"
    t.equal(linuxguest.output(t, vm, "cat %sdevice" % path).strip(), "0x0004", "device id")
    # ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK
    t.equal(linuxguest.output(t, vm, "cat %sstatus" % path).strip(), "0x0000000f", "status")
    features = linuxguest.output(t, vm, "cat %sfeatures" % path).strip()
    before = interrupts(t, vm)
    first = read_entropy(t, vm, 256)
    t.ok(first != read_entropy(t, vm, 256), "the same entropy twice")
    # Without an interrupt for each request the driver would still wait for its first.
    t.ok(interrupts(t, vm) > before + 256, "hardly an interrupt for 512 KiB")
    # Unbound and bound again the device is reset and set up once more.
    linuxguest.output(t, vm, "cd /sys/bus/virtio/drivers/virtio_rng && echo virtio0 >unbind "
                      "&& echo virtio0 >bind; cd")
    read_entropy(t, vm, 64)
    if harts > 1:
        linuxguest.output(t, vm, "for n in 1 2 3; do dd if=/dev/hwrng of=/tmp/r$n bs=1k count=64 "
                          "iflag=fullblock 2>/dev/null & done; wait; "
                          "test $(cat /tmp/r? | wc -c) = 196608", 120)
    linuxguest.power_off(t, vm)
    return features


@gwttest.test("one hart, a split queue, in the highest slot")
def split(t):
    features = workout(t, 1, "virtio-rng-device")
    for bit in (28, 29, 32):
        t.equal(features[bit], "1", "feature %d of %s" % (bit, features))
    for bit in (34, 35):
        t.equal(features[bit], "0", "feature %d of %s" % (bit, features))


@gwttest.test("two harts, a packed queue")
def packed(t):
    features = workout(t, 2, "virtio-rng-device,packed=on")
    t.equal(features[34], "1", "feature 34 of " + features)


@gwttest.test("two harts, a split queue without event indices and indirect tables")
def plain(t):
    features = workout(t, 2, "virtio-rng-device,event-idx=off,indirect-desc=off")
    t.equal(features[28:30], "00", "features 28 and 29 of " + features)


@gwttest.test("PCI: one hart, on the root bus")
def pci(t):
    features = workout(t, 1, "virtio-rng-pci")
    for bit in (28, 29, 32, 40):
        t.equal(features[bit], "1", "feature %d of %s" % (bit, features))


@gwttest.test("PCI: two harts, behind a port, a packed queue")
def pci_behind_port(t):
    features = workout(t, 2, "pcie-root-port,id=rp,slot=1", "virtio-rng-pci,bus=rp,packed=on")
    t.equal(features[34], "1", "feature 34 of " + features)


@gwttest.test("PCI: the functions that sysfs shows")
def pci_functions(t):
    vm = boot(t, "virtio-rng-pci,addr=3", "pcie-root-port,id=rp,slot=1,addr=4",
              "virtio-rng-pci,bus=rp")
    load_driver(t, vm)
    for path, size in (("00:03.0", 256), ("01:00.0", 4096)):
        facts = linuxguest.output(
            t, vm, "cd /sys/bus/pci/devices/0000:%s; echo $(cat vendor device subsystem_vendor "
            "subsystem_device class revision) $(wc -c <config) $(cat virtio*/status); cd" % path)
        t.equal(facts.strip(), "0x1af4 0x1044 0x1af4 0x1100 0x00ff00 0x01 %d 0x0000000f" % size,
                "identity of " + path)
    linuxguest.power_off(t, vm)


@gwttest.test("slots: the highest first, or the one that bus names")
def slots(t):
    vm = boot(t, "virtio-rng-device", "virtio-rng-device,bus=virtio-mmio2", "virtio-rng-device")
    load_driver(t, vm)
    found = linuxguest.output(t, vm, "ls -l /sys/bus/virtio/devices")
    t.equal(sorted(re.findall(r"/(1000\d000)\.virtio_mmio/virtio\d", found)),
            ["10003000", "10007000", "10008000"], "slots in " + found)
    linuxguest.power_off(t, vm)


@gwttest.test("max-bytes and period hold the guest back, and no longer than that")
def limited(t):
    vm = boot(t, "virtio-rng-device,max-bytes=4096,period=200")
    load_driver(t, vm)
    start = float(linuxguest.output(t, vm, "cat /proc/uptime").split()[0])
    read_entropy(t, vm, 16)
    took = float(linuxguest.output(t, vm, "cat /proc/uptime").split()[0]) - start
    # 16 KiB are four quotas; the first may have been untouched, and the driver reads ahead.
    t.ok(took >= 0.4, "16 KiB took %g s of guest time" % took)
    linuxguest.power_off(t, vm)


@gwttest.test("a reset of the machine while two harts read")
def machine_reset(t):
    vm = boot(t, "virtio-rng-device,packed=on", harts=2, qmp=True)
    load_driver(t, vm)
    linuxguest.output(t, vm, "for n in 1 2; do cat /dev/hwrng >/dev/null & done")
    vm.qmp.cmd("system_reset")
    vm.qmp.event("RESET")
    vm.expect("OpenSBI v", linuxguest.BOOT_SECONDS)
    linuxguest.ready(vm)
    load_driver(t, vm)
    read_entropy(t, vm, 64)
    linuxguest.power_off(t, vm)


gwttest.main()
