# SPDX-License-Identifier: BSD-2-Clause
"""A disk comes and goes while Linux works on another, grows under a mounted file system, and is torn
out with requests in flight."""

import os
import subprocess

import gwttest
import linuxdisk
import linuxguest

linuxdisk.need_disk()

RESCAN = "echo 1 >/sys/bus/pci/rescan"
PORTS = [x for n in (0, 1) for x in
         ("-device", "pcie-root-port,id=rp%d,chassis=1,slot=%d" % (n, n + 1))]
MIB = 1 << 20


def boot(t):
    image = linuxdisk.root_copy(t)
    vm = linuxdisk.boot(t, *PORTS, *linuxdisk.disk(image), qmp=True)
    linuxguest.output(t, vm, "dmesg -n 1")
    return vm, image


def file_system(t, name, mib):
    """An empty one, made on the host."""
    path = t.path(name)
    subprocess.run([linuxdisk.program("mke2fs", "e2fsprogs"), "-q", "-t", "ext4", path,
                    "%dM" % mib], check=True, stdout=subprocess.DEVNULL)
    return path


def plug(t, vm, path, port="rp0"):
    """A file as a disk behind that port; the guest has looked for it."""
    vm.qmp.cmd("blockdev-add", **{"driver": "raw", "node_name": "extra",
                                  "file": {"driver": "file", "filename": path}})
    more = {"disable_legacy": "on"} if linuxdisk.PEER else {}
    vm.qmp.cmd("device_add", driver="virtio-blk-pci", id="plugged", bus=port, drive="extra",
               serial="plugged", **more)
    linuxguest.output(t, vm, RESCAN + "; drivers; until [ -b /dev/vdb ]; do :; done")
    t.equal(linuxguest.output(t, vm, "cat /sys/block/vdb/serial").strip(), "plugged", "serial")


def unplug(vm):
    vm.qmp.cmd("device_del", id="plugged")
    vm.qmp.event("DEVICE_DELETED")
    vm.qmp.cmd("blockdev-del", node_name="extra")


def let_go(t, vm):
    """What a system's administrator does before the disk is taken."""
    linuxguest.output(t, vm, "echo 1 >$(readlink -f /sys/block/vdb/device/..)/remove; "
                      "[ ! -e /sys/block/vdb ]")


@gwttest.test("a disk is plugged, used and unplugged while another works, and comes back as it was")
def life(t):
    vm, image = boot(t)
    extra = file_system(t, "extra.img", 64)
    linuxguest.output(t, vm, "mkdir /mnt /root/load; "
                      "(disktest random seconds=1000 size=512 /root/load >/root/load.log 2>&1 &)")
    sums = None
    for turn, port in enumerate(("rp0", "rp1", "rp0")):
        plug(t, vm, extra, port)
        linuxguest.output(t, vm, "mount -t ext4 /dev/vdb /mnt")
        if sums:
            t.equal(linuxguest.output(t, vm, "md5sum /mnt/random-*"), sums, "what it held before")
        t.contains(linuxguest.output(t, vm, "disktest random seed=%d threads=2 size=512 ops=150 /mnt"
                                     % turn, 300), ": passed")
        sums = linuxguest.output(t, vm, "md5sum /mnt/random-*; umount /mnt").replace("\r", "")
        let_go(t, vm)
        unplug(vm)
        linuxdisk.check(t, extra)
    linuxguest.output(t, vm, "kill $(pidof disktest); ! grep FAIL /root/load.log")
    linuxguest.power_off(t, vm)
    linuxdisk.healthy(t, vm)
    linuxdisk.check(t, image)


@gwttest.test("a disk that grows under a mounted file system, which follows")
def grows(t):
    vm, _ = boot(t)
    extra = file_system(t, "extra.img", 32)
    plug(t, vm, extra)
    linuxguest.output(t, vm, "mkdir /mnt; mount -t ext4 /dev/vdb /mnt; "
                      "disktest random seed=3 size=512 ops=100 /mnt")
    vm.qmp.cmd("block_resize", node_name="extra", size=96 * MIB)
    t.equal(os.stat(extra).st_size, 96 * MIB, "size of the file")
    linuxguest.output(t, vm, "until [ $(cat /sys/block/vdb/size) = %d ]; do :; done"
                      % (96 * MIB // 512))
    linuxguest.output(t, vm, "resize2fs /dev/vdb 2>&1")
    blocks = linuxguest.output(t, vm, "df -m /mnt | tail -n 1").split()[1]
    t.ok(int(blocks) > 80, "%s MiB after it grew" % blocks)
    t.contains(linuxguest.output(t, vm, "disktest random seed=4 size=16384 files=4 ops=200 /mnt",
                                 300), ": passed")
    linuxguest.output(t, vm, "umount /mnt")
    linuxguest.power_off(t, vm)
    linuxdisk.healthy(t, vm)
    linuxdisk.check(t, extra)


@gwttest.test("a disk torn out with requests in flight; the other goes on")
def torn_out(t):
    vm, image = boot(t)
    extra = t.path("extra.img")
    with open(extra, "wb") as f:
        f.truncate(64 * MIB)
    plug(t, vm, extra)
    linuxguest.output(t, vm, "(disktest random seconds=1000 threads=4 size=512 /dev/vdb >/dev/null "
                      "2>&1 &); until [ $(awk '{print $7}' /sys/block/vdb/stat) -gt 16384 ]; do :; "
                      "done")
    unplug(vm)
    t.contains(linuxguest.output(t, vm, "disktest random seed=5 threads=2 size=512 ops=200 /root",
                                 300), ": passed")
    # Its processes wait for ever, as on a real machine, so there is no power-off.
    linuxguest.output(t, vm, "mount -o remount,ro / || sync")
    vm.qmp.cmd("quit")
    t.equal(vm.wait(), 0, "exit status")
    linuxdisk.check(t, image, recover=True)


gwttest.main()
