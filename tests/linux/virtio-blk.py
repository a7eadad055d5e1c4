# SPDX-License-Identifier: BSD-2-Clause
"""Linux works with its disks, over each transport: sizes, queues, data; and what QMP does to them
meanwhile."""

import hashlib
import os
import random
import re

import gwttest
import linuxguest

linuxguest.need_guest()
for plugin in ("virtio", "virtio-blk"):
    if plugin in os.environ.get("GODWIT_ABSENT_PLUGINS", "").split():
        gwttest.skip_all("the plugin %s is not built" % plugin)
if gwttest.SANITIZERS:
    gwttest.skip_all("the long boots are left to the build without sanitizers")

MB = 1 << 20


SIZE = 4 * MB


def image(t, name="disk.img", size=SIZE, seed=1):
    path = t.path(name)
    with open(path, "wb") as f:
        f.write(random.Random(seed).randbytes(size))
    return path


def node(path, name="d0", more=""):
    return ["-blockdev", "driver=raw,node-name=%s,file.driver=file,file.filename=%s%s"
            % (name, path, more)]


def boot(t, *args, harts=1, qmp=True, **how):
    vm = t.start(*linuxguest.arguments(harts=harts, **how), *args, qmp=qmp)
    linuxguest.ready(vm)
    linuxguest.output(t, vm, "dmesg -n 1; drivers")
    return vm


def guest_sum(t, vm, device, skip=0, count=4):
    return linuxguest.output(t, vm, "dd if=%s bs=1M skip=%d count=%d 2>/dev/null | sha256sum"
                             % (device, skip, count), 120).split()[0]


def host_sum(path, skip=0, count=4):
    with open(path, "rb") as f:
        f.seek(skip * MB)
        return hashlib.sha256(f.read(count * MB)).hexdigest()


def sysfs(t, vm, name, disk="vda"):
    return linuxguest.output(t, vm, "cat /sys/block/%s/%s" % (disk, name)).strip()


def exercise(t, device, harts, queues):
    path = image(t)
    vm = boot(t, *node(path), "-device", device + ",drive=d0,id=disk,serial=ABC-123", harts=harts)
    t.equal(sysfs(t, vm, "size"), str(SIZE // 512), "sectors")
    t.equal(sysfs(t, vm, "serial"), "ABC-123", "serial")
    t.equal(sysfs(t, vm, "ro"), "0", "ro")
    t.equal(sysfs(t, vm, "cache_type"), "write back", "write cache")
    t.equal(sysfs(t, vm, "queue/logical_block_size"), "512", "block size")
    found = linuxguest.output(t, vm, "ls /sys/block/vda/mq").split()
    t.equal(len(found), queues, "queues")
    t.equal(guest_sum(t, vm, "/dev/vda"), host_sum(path), "what was read")
    # Every hart writes a part of its own; then the host sees it all.
    linuxguest.output(t, vm, "for n in $(seq 0 3); do (dd if=/dev/urandom of=/tmp/r$n bs=64k count=8 "
                      "&& taskset $((1 << n %% %d)) dd if=/tmp/r$n of=/dev/vda bs=64k seek=$((n * 8)) "
                      "conv=fsync) 2>/dev/null & done; wait" % harts, 120)
    sums = linuxguest.output(t, vm, "cat /tmp/r0 /tmp/r1 /tmp/r2 /tmp/r3 | sha256sum").split()[0]
    t.equal(host_sum(path, 0, 2), sums, "what was written")
    # The write cache switched off and on again.
    linuxguest.output(t, vm, "echo write through >/sys/block/vda/cache_type")
    t.equal(sysfs(t, vm, "cache_type"), "write through", "write cache")
    linuxguest.output(t, vm, "cat /tmp/r0 /tmp/r1 >/tmp/r; "
                      "dd if=/tmp/r of=/dev/vda bs=64k seek=48 conv=fsync 2>/dev/null")
    t.equal(host_sum(path, 3, 1), host_sum(path, 0, 1), "written through")
    stats = vm.qmp.cmd("query-blockstats")[0]
    t.equal(stats["qdev"], "disk", "qdev")
    t.ok(stats["stats"]["wr_bytes"] >= 3 * MB, "wr_bytes of %r" % stats)
    t.ok(stats["stats"]["rd_operations"] > 0, "rd_operations of %r" % stats)
    t.ok(stats["stats"]["flush_operations"] > 0, "flush_operations of %r" % stats)
    t.equal(stats["stats"]["failed_wr_operations"], 0, "failed_wr_operations")
    # Unbound and bound again the device is reset and set up once more.
    linuxguest.output(t, vm, "cd /sys/bus/virtio/drivers/virtio_blk && v=$(ls -d virtio*) && "
                      "echo $v >unbind && echo $v >bind; cd")
    t.equal(guest_sum(t, vm, "/dev/vda"), host_sum(path), "after bind")
    linuxguest.power_off(t, vm)


@gwttest.test("virtio-mmio: one hart")
def mmio_1(t):
    exercise(t, "virtio-blk-device", 1, 1)


@gwttest.test("virtio-mmio: four harts, four queues, packed")
def mmio_4(t):
    exercise(t, "virtio-blk-device,packed=on", 4, 4)


@gwttest.test("PCI: two harts, two queues")
def pci_2(t):
    exercise(t, "virtio-blk-pci", 2, 2)


@gwttest.test("several disks; one that is read only; blocks of 4 KiB; one queue")
def several(t):
    paths = [image(t, "%d.img" % n, SIZE, n) for n in range(3)]
    before = host_sum(paths[1])
    vm = boot(t, *node(paths[0], "d0"), *node(paths[1], "d1", ",read-only=on"),
              *node(paths[2], "d2"),
              "-device", "virtio-blk-device,drive=d0",
              "-device", "virtio-blk-device,drive=d1,num-queues=1",
              "-device", "virtio-blk-device,drive=d2,logical-block-size=4096,config-wce=off",
              harts=2)
    disks = dict(line.split() for line in linuxguest.output(
        t, vm, "for d in /sys/block/vd?; do echo ${d##*/} $(cat $d/ro)$(cat "
        "$d/queue/logical_block_size); done").strip().split("\n"))
    t.equal(sorted(disks.values()), ["04096", "0512", "1512"], "disks")
    locked = [name for name, value in disks.items() if value == "1512"][0]
    big = [name for name, value in disks.items() if value == "04096"][0]
    t.equal(guest_sum(t, vm, "/dev/" + locked), before, "the disk that is read only")
    status, _ = linuxguest.run(vm, "dd if=/dev/zero of=/dev/%s bs=4k count=1 conv=fsync" % locked)
    t.equal(status, 1, "exit status of a write to it")
    t.equal(len(linuxguest.output(t, vm, "ls /sys/block/%s/mq" % locked).split()), 1, "queues")
    linuxguest.output(t, vm, "dd if=/dev/zero of=/dev/%s bs=4k count=3 conv=fsync 2>/dev/null" % big)
    with open(paths[2], "rb") as f:
        t.equal(f.read(3 * 4096), bytes(3 * 4096), "blocks of 4 KiB")
    linuxguest.power_off(t, vm)
    t.equal(host_sum(paths[1]), before, "the image that is read only")


@gwttest.test("discard and write zeroes reach the image")
def zeroes(t):
    path = image(t)
    vm = boot(t, *node(path, more=",discard=unmap,file.discard=unmap"),
              "-device", "virtio-blk-device,drive=d0")
    t.ok(int(sysfs(t, vm, "queue/discard_max_bytes")) > 0, "no discard")
    t.ok(int(sysfs(t, vm, "queue/write_zeroes_max_bytes")) > 0, "no write zeroes")
    before = os.stat(path).st_blocks
    linuxguest.output(t, vm, "blkdiscard -o 1048576 -l 2097152 /dev/vda && sync")
    with open(path, "rb") as f:
        f.seek(MB)
        t.equal(f.read(2 * MB), bytes(2 * MB), "what was discarded")
    t.ok(os.stat(path).st_blocks <= before - 2 * MB // 512, "no blocks were freed")
    linuxguest.output(t, vm, "blkdiscard -z -o 3145728 -l 524288 /dev/vda 2>/dev/null "
                      "|| dd if=/dev/zero of=/dev/vda bs=1M seek=3 count=1 conv=fsync 2>/dev/null")
    with open(path, "rb") as f:
        f.seek(3 * MB)
        t.equal(f.read(MB // 2), bytes(MB // 2), "what was zeroed")
    linuxguest.power_off(t, vm)


LOAD = ("(while :; do dd if=/dev/urandom of=/dev/vda bs=64k count=64 conv=fsync; done) "
        ">/dev/null 2>&1 & (while :; do dd if=/dev/vda of=/dev/null bs=4k count=2000 "
        "iflag=direct; done) >/dev/null 2>&1 &")


@gwttest.test("stop, cont, block_resize and system_reset under load")
def under_load(t):
    path = image(t)
    vm = boot(t, *node(path), "-device", "virtio-blk-device,drive=d0,id=disk", harts=2)
    linuxguest.output(t, vm, LOAD + " :")
    for _ in range(10):
        vm.qmp.cmd("stop")
        first = vm.qmp.cmd("query-blockstats")[0]["stats"]
        t.equal(vm.qmp.cmd("query-blockstats")[0]["stats"], first, "statistics while paused")
        vm.qmp.cmd("cont")
    vm.qmp.cmd("block_resize", node_name="d0", size=6 * MB)
    linuxguest.output(t, vm, "until [ $(cat /sys/block/vda/size) = %d ]; do sleep 0.1; done"
                      % (6 * MB // 512))
    t.equal(os.stat(path).st_size, 6 * MB, "size of the image")
    vm.qmp.cmd("system_reset")
    vm.qmp.event("RESET")
    vm.expect("OpenSBI v", linuxguest.BOOT_SECONDS)
    linuxguest.ready(vm)
    linuxguest.output(t, vm, "dmesg -n 1; drivers")
    t.equal(sysfs(t, vm, "size"), str(6 * MB // 512), "sectors")
    t.equal(guest_sum(t, vm, "/dev/vda", 0, 6), host_sum(path, 0, 6), "what was read")
    # The end of the process in the middle of it all.
    linuxguest.output(t, vm, LOAD + " :")
    vm.qmp.cmd("quit")
    t.equal(vm.wait(), 0, "exit status")


@gwttest.test("PCI with AIA: a message of its own for each of four queues")
def messages(t):
    path = image(t)
    vm = boot(t, *node(path), "-device", "virtio-blk-pci,drive=d0", harts=4, machine="virt-aia")
    for hart in range(4):
        linuxguest.output(t, vm, "taskset %x dd if=/dev/vda of=/dev/null bs=4k count=64 iflag=direct "
                          "2>/dev/null" % (1 << hart))
    table = linuxguest.output(t, vm, "cat /proc/interrupts")
    for queue in range(4):
        row = re.search(r"^ *\d+:((?: +\d+){4}) .*virtio0-req\.%d$" % queue, table, re.M)
        t.ok(row and sum(int(n) for n in row[1].split()) >= 64,
             "hardly an interrupt for queue %d in %s" % (queue, table))
    t.equal(guest_sum(t, vm, "/dev/vda"), host_sum(path), "what was read")
    linuxguest.power_off(t, vm)


@gwttest.test("a disk comes and goes under load; at last it is torn out")
def hot_plug(t):
    paths = [image(t, "%d.img" % n, SIZE, n) for n in range(2)]
    vm = boot(t, "-device", "pcie-root-port,id=rp0,addr=4,chassis=1,slot=1", harts=2)
    for turn, n in enumerate((0, 1, 0)):
        # Its back end comes and goes with it.
        vm.qmp.cmd("blockdev-add", driver="raw", node_name="d%d" % n,
                   file={"driver": "file", "filename": paths[n]})
        vm.qmp.cmd("device_add", driver="virtio-blk-pci", id="disk", drive="d%d" % n, bus="rp0")
        t.raises("GenericError", vm.qmp.cmd, "blockdev-del", node_name="d%d" % n)
        linuxguest.output(t, vm, "echo 1 >/sys/bus/pci/rescan; drivers; "
                          "until [ -e /dev/vda ]; do sleep 0.1; done")
        t.equal(guest_sum(t, vm, "/dev/vda"), host_sum(paths[n]), "what was read")
        linuxguest.output(t, vm, LOAD + " :")
        # Statistics that grow: it is at work.
        before = vm.qmp.cmd("query-blockstats")[0]["stats"]["wr_operations"]
        while vm.qmp.cmd("query-blockstats")[0]["stats"]["wr_operations"] < before + 20:
            pass
        # The driver lets go with requests in flight; the last time it is not asked to.
        if turn < 2:
            linuxguest.output(t, vm, "for d in /sys/bus/pci/devices/*; do "
                              "[ $(cat $d/class) != 0x010000 ] || echo 1 >$d/remove; done", 120)
        vm.qmp.cmd("device_del", id="disk")
        vm.qmp.event("DEVICE_DELETED")
        t.equal(vm.qmp.cmd("query-block"), [], "drives")
        vm.qmp.cmd("blockdev-del", node_name="d%d" % n)
        t.equal(vm.qmp.cmd("query-named-block-nodes"), [], "nodes")
        if turn < 2:
            linuxguest.output(t, vm, "kill $(jobs -p) 2>/dev/null; wait 2>/dev/null; rm -f /dev/vda")
    # The guest's driver may wait for ever for what was in flight; the rest of the guest does not.
    linuxguest.output(t, vm, "uname -a")
    vm.qmp.cmd("quit")
    t.equal(vm.wait(), 0, "exit status")


gwttest.main()
