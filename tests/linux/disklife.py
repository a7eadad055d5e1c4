# SPDX-License-Identifier: BSD-2-Clause
"""Lives of a Linux on its disk, for tests short and long: those that end with a power-off, and those
that end when the emulator is killed.  It owns what such a life must leave behind."""

import random

import linuxdisk
import linuxguest


def queues(t, vm, wanted):
    t.equal(len(linuxguest.output(t, vm, "ls /sys/block/vda/mq").split()), wanted, "queues")


def work(t, vm, harts, seed, ops):
    """Random work on the file system, its whole content compared at the end."""
    out = linuxguest.output(
        t, vm, "mkdir -p work && disktest random seed=%d threads=%d files=2 size=1024 ops=%d work"
        % (seed, harts, ops // harts), 3600)
    t.contains(out, ": passed")


def lifetime(t, transport, controller, harts, drive="", options="", ops=1200, seed=1):
    """Boot from the disk, work, power off; again, and what was there is still there."""
    linuxdisk.need_machine(t, controller)
    image = linuxdisk.root_copy(t)
    arguments = linuxdisk.disk(image, transport, drive=drive, options=options)
    machine = linuxdisk.MACHINES[controller]
    vm = linuxdisk.boot(t, *arguments, harts=harts, machine=machine)
    t.contains(linuxguest.output(t, vm, "grep ' / ' /proc/mounts"), "/dev/vda / ext4 rw")
    if not linuxdisk.PEER and "num-queues" not in options:
        queues(t, vm, harts)
    found = linuxguest.output(t, vm, "cat /proc/interrupts")
    if controller == "aia" and transport == "pci":
        for n in range(harts):
            t.contains(found, "virtio0-req.%d" % n)
    else:
        t.contains(found, "virtio0")
    work(t, vm, harts, seed, ops)
    sums = linuxguest.output(t, vm, "md5sum work/*")
    linuxguest.power_off(t, vm)
    linuxdisk.healthy(t, vm)
    linuxdisk.check(t, image)
    vm = linuxdisk.boot(t, *arguments, harts=harts, machine=machine, append="root=/dev/vda ro")
    t.contains(linuxguest.output(t, vm, "grep ' / ' /proc/mounts"), "/dev/vda / ext4 ro")
    t.equal(linuxguest.output(t, vm, "md5sum work/*"), sums, "the files after a reboot")
    linuxguest.power_off(t, vm)
    linuxdisk.healthy(t, vm)
    linuxdisk.check(t, image)


def killed(t, vm, image, seed, count):
    """Kill the emulator once COUNT records are told; recover a copy, find them all."""
    for _ in range(count):
        vm.expect(r"^@\d+ \d+\r*\n")
    vm.kill()
    vm.console.drain()
    last = linuxdisk.told(vm)
    t.ok(sum(n + 1 for n in last.values()) >= count, "told %r of %d" % (last, count))
    copy = t.path("killed.img")
    linuxdisk.copy(image, copy)
    linuxdisk.check(t, copy, recover=True)
    linuxdisk.records(t, copy, "/root/records", seed, last)


def kills(t, times, transport="pci", harts=2, drive="", seed=None):
    """Kill, recover and go on with the same image; each life is recovered by Linux itself."""
    chance = random.Random(seed)
    image = linuxdisk.root_copy(t)
    arguments = linuxdisk.disk(image, transport, drive=drive)
    for turn in range(times):
        vm = linuxdisk.boot(t, *arguments, harts=harts)
        if turn:
            t.contains(vm.console.output.decode("utf-8", "replace"), "recovery complete")
        vm.send("stty -echo; rm -rf records load; mkdir records load; sync; disktest random "
                "seed=%d size=512 seconds=10000 load >/dev/null & "
                "disktest records seed=%d threads=2 records\n" % (turn, turn))
        killed(t, vm, image, turn, chance.randrange(20, 120))
        linuxdisk.healthy(t, vm)
    vm = linuxdisk.boot(t, *arguments, harts=harts)
    linuxguest.power_off(t, vm)
    linuxdisk.healthy(t, vm)
    linuxdisk.check(t, image)
