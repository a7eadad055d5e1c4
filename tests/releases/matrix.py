# SPDX-License-Identifier: BSD-2-Clause
"""Guests move between releases, each a set of real plugins of its own (see sets.py): what has to
work works, and what cannot is refused with what is to be done."""

import os
import sys

import gwttest

sys.path.insert(0, os.path.join(gwttest.SRCDIR, "tests", "migration"))
import guest
import sets

sets.need_sets()


class Bench:
    """Small guests with four harts, a root port and a disk."""

    def __init__(self, t):
        self.t = t
        self.image, self.disk = t.path("guest.bin"), t.path("disk.img")
        with open(self.image, "wb") as f:
            f.write(guest.program())
        with open(self.disk, "wb") as f:
            f.truncate(1 << 20)
        self.moves = 0

    def devices(self):
        return ["-smp", "4", "-m", "16M", "-device", "pcie-root-port,id=port,addr=2",
                "-drive", "file=%s,format=raw,if=none,id=d0" % self.disk,
                "-device", "virtio-blk-pci,id=disk,drive=d0,addr=1"]

    def start(self, release, machine, *more, **how):
        return sets.start(self.t, release, *self.devices(), *more, machine=machine,
                          image=self.image, **how)

    def to(self, vm, release, machine, *more):
        """Move it to a process of RELEASE: (that process, how it ended)."""
        self.moves += 1
        uri = "unix:" + self.t.path("move%d" % self.moves)
        to = self.start(release, machine, *more, incoming=uri)
        vm.qmp.cmd("migrate-set-capabilities",
                   capabilities=[{"capability": "return-path", "state": True}])
        vm.qmp.cmd("migrate", uri=uri)
        return to, sets.ended(vm)

    def lives(self, vm):
        vm.expect(r"\.")
        vm.expect(r"\.")
        self.t.equal(vm.qmp.cmd("query-status")["status"], "running", "run state")
        self.t.ok(b"!" not in vm.console.output, "the guest found other things than it wrote")

    def queues(self, vm):
        return vm.qmp.cmd("qom-get", path="/machine/disk", property="num-queues")

    def works(self, vm, release, machine, *more):
        to, how = self.to(vm, release, machine, *more)
        self.t.equal(how["status"], "completed", "%r, %s" % (how, to.stderr()))
        vm.kill()
        vm.close()
        self.lives(to)
        return to

    def refused(self, vm, release, machine, *texts, more=()):
        """The receiver refuses in one line with all of TEXTS, and the guest goes on here."""
        to, how = self.to(vm, release, machine, *more)
        self.t.equal(how["status"], "failed", "status (%r)" % how)
        self.t.equal(to.wait(), 1, "exit status of the receiver")
        lines = to.stderr().splitlines()
        self.t.equal(len(lines), 1, "lines on stderr: %r" % lines)
        for text in texts:
            self.t.contains(lines[0], text)
        to.close()
        vm.expect(r"\.")
        self.lives(vm)
        return how


@gwttest.test("R5.1 does not know pc-5.2, and says what it knows")
def unknown(t):
    t.error("machine 'pc-5.2': no such machine type", *sets.Set(t, "R5.1").arguments, "-M", "pc-5.2")


@gwttest.test("without a manifest: pc-5.1 goes from R5.2 to R5.1 and back with one queue")
def queues(t):
    b = Bench(t)
    old, new = sets.Set(t, "R5.1"), sets.Set(t, "R5.2")
    vm = b.start(new, "pc-5.1")
    b.lives(vm)
    t.equal(b.queues(vm), 1, "queues of pc-5.1")
    for release in (old, new, new, old):
        vm = b.works(vm, release, "pc-5.1")
        t.equal(b.queues(vm), 1, "queues of pc-5.1 at " + release.name)
    vm.kill()
    vm = b.start(new, "pc-5.2")
    t.equal(b.queues(vm), 4, "queues of pc-5.2")


@gwttest.test("without a manifest and without the compat row: the load names num-queues, 4 and 1")
def forgetful(t):
    b = Bench(t)
    old, new = sets.Set(t, "R5.1"), sets.Set(t, "R5.2", forgetful=True)
    vm = b.start(new, "pc-5.1")
    t.equal(b.queues(vm), 4, "queues where the row is missing")
    b.refused(vm, old, "pc-5.1", "(MSI-X control)", ": num-queues is 4 there and 1 here")
    vm.kill()
    vm = b.start(old, "pc-5.1")
    b.refused(vm, new, "pc-5.1", "(MSI-X control)", ": num-queues is 1 there and 4 here")


@gwttest.test("without a manifest: the AER mask of 8.0 does not fit where it is read-only, by name")
def mask(t):
    b = Bench(t)
    vm = b.start(sets.Set(t, "R8.0"), "pc-7.2")
    for release in ("R7.2", "R8.0.1"):
        b.refused(vm, sets.Set(t, release), "pc-7.2", "configuration space of 'port'",
                  "AER uncorrectable error mask", "0x40 comes, 0x00 is here")
    on = ("-global", "pci-device.x-pcie-err-unc-mask=on")
    vm = b.works(vm, sets.Set(t, "R8.0.1"), "pc-7.2", *on)
    b.refused(vm, sets.Set(t, "R8.2"), "pc-7.2", "configuration space of 'port'")
    vm = b.works(vm, sets.Set(t, "R8.2"), "pc-7.2", *on)


if __name__ == "__main__":
    gwttest.main()
