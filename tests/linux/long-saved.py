# SPDX-License-Identifier: BSD-2-Clause
"""For make check-long: a Linux stopped at a hundred random moments, saved, loaded by a fresh process
and saved again.  The two files say the same, to the byte: every section, every page.
"""

import os
import random
import sys

import gwttest
import linuxguest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "migration"))
import streamreader as sr  # noqa: E402

linuxguest.need_guest()
# Shorter for a try: GODWIT_LONG=0.05
LENGTH = float(os.environ.get("GODWIT_LONG") or 1)
SEED = int(os.environ.get("GODWIT_SEED") or 1)
DEVICES = ["-device", "virtio-blk-pci,drive=d", "-device", "virtio-rng-pci", "-device",
           "virtio-net-pci,netdev=n", "-netdev", "user,id=n", "-device", "virtio-serial-pci"]
WORK = ("(while :; do echo 7 | sed s/7/8/ > /tmp/w; dd if=/dev/vda of=/tmp/d bs=64k count=4 2>/dev/null;"
        " sleep 0.03; done) & (while :; do :; done) & true")


class Saver:
    def __init__(self, t, machine):
        self.t, self.count = t, 0
        disk = t.path("disk")
        with open(disk, "wb") as f:
            f.truncate(1 << 20)
        # Both processes have it open, one of them stopped.
        self.args = [*linuxguest.arguments(memory="128M", machine=machine), "-drive",
                     "if=none,id=d,format=raw,readonly=on,file=" + disk, *DEVICES]

    def start(self, *more):
        self.count += 1
        path = self.t.path("qmp%d" % self.count)
        vm = self.t.start(*self.args, "-qmp", "unix:%s,server=on,wait=off" % path, *more)
        vm.monitor = gwttest.Qmp.connect(path, alive=vm.alive)
        return vm

    def wait(self, vm, what, *wanted):
        """Until query-migrate or query-status says one of these."""
        while True:
            status = vm.monitor.cmd(what).get("status")
            if status in wanted:
                return status
            self.t.ok(vm.alive(), "it ended: " + vm.stderr())

    def save(self, vm, name):
        path = self.t.path(name)
        vm.monitor.cmd("migrate", uri="file:" + path)
        status = self.wait(vm, "query-migrate", "completed", "failed")
        self.t.equal(status, "completed", repr(vm.monitor.cmd("query-migrate")))
        with open(path, "rb") as f:
            data = f.read()
        os.unlink(path)
        return data

    def moment(self, vm, label):
        """Stop VM, compare what it saves with what another process makes of it, and go on."""
        vm.monitor.cmd("stop")
        path = self.t.path("first")
        first = self.save(vm, "saved")
        with open(path, "wb") as f:
            f.write(first)
        other = self.start("-S", "-incoming", "file:" + path)
        status = self.wait(other, "query-status", "paused", "prelaunch", "running")
        self.t.ok(status != "running", "it was stopped, and runs")
        second = self.save(other, "again")
        other.monitor.cmd("quit")
        self.t.equal(other.wait(), 0, "exit status")
        differences = list(sr.differences(first, second, waits_to_send))
        self.t.equal(differences, [], label)
        os.unlink(path)
        vm.monitor.cmd("cont")


def waits_to_send(name, section):
    """Output that the back end had no room for leaves when it has, also while the guest stands."""
    return name == "serial" and "serial/tsr.tsr_retry" in section.fields


def moments(machine):
    @gwttest.test("%s: while it boots, and at work" % machine)
    def test(t):
        rand = random.Random(SEED)
        saver = Saver(t, machine)
        n = max(1, int(25 * LENGTH))
        vm = saver.start()
        for i in range(n):
            # The boot takes its time, however fast the host is: places in its output are places in it.
            vm.expect(r"\n", 60)
            for _ in range(rand.randrange(2 * 180 // n)):
                vm.expect(r"\n", 60)
            saver.moment(vm, "moment %d of the boot, GODWIT_SEED=%d" % (i, SEED))
            if b"guest: ready" in vm.console.output:
                break
        linuxguest.ready(vm)
        linuxguest.output(t, vm, WORK)
        for i in range(n):
            linuxguest.output(t, vm, "usleep %d" % rand.randrange(300000))
            saver.moment(vm, "moment %d at work, GODWIT_SEED=%d" % (i, SEED))
        linuxguest.power_off(t, vm)
    return test


for _machine in ("virt", "virt-aia"):
    moments(_machine)

gwttest.main()
