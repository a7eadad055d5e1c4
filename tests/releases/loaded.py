# SPDX-License-Identifier: BSD-2-Clause
"""A Linux with four harts, busy on its disk and in its memory, moves between releases (see sets.py).
What else there is to say of releases is said with small guests, in matrix.py."""

import os
import sys

import gwttest

sys.path.insert(0, os.path.join(gwttest.SRCDIR, "tests", "linux"))
import linuxdisk
import linuxguest
import linuxmove
import sets

sets.need_sets()
linuxdisk.need_disk()
WORK = "mkdir -p work && disktest random seed=5 threads=2 files=2 size=256 seconds=100000 work"
MASK = "hexdump -s 0x108 -n 4 -e '1/4 \"%08x\"' /sys/bus/pci/devices/0000:00:02.0/config"


class Guest(linuxmove.Guest):
    """It has a root port at 2 and its disk at 1."""

    def __init__(self, t, release, machine, *more):
        self.image = linuxdisk.root_copy(t)
        self.machine = machine
        self.how = self.words(release, *more)
        super().__init__(t, self.how, append="root=/dev/vda", harts=4, machine=machine,
                         memory="192M")
        self.base = self.arguments[:-len(self.how)]
        self.load(WORK, mib=16)

    def words(self, release, *more):
        return [*release.arguments, "-device", "pcie-root-port,id=port,addr=2",
                *linuxdisk.disk(self.image, options="addr=1,id=disk"), *more]

    def to(self, release, *more):
        """Move it there."""
        self.arguments = self.base + self.words(release, *more)
        self.move()

    def refused(self, release, *texts, more=()):
        """It is not taken there, with all of TEXTS, and goes on here."""
        self.arguments = self.base + self.words(release, *more)
        to, uri = self.incoming()
        self.set(self.vm, ["return-path"])
        self.vm.qmp.cmd("migrate", uri=uri)
        self.t.equal(self.ended(), "failed", "how it ended")
        how = self.vm.qmp.cmd("query-migrate")
        self.t.equal(how["preflight"]["verdict"], "refuse", "verdict")
        self.t.ok("ram" not in how, "memory was sent: %r" % how)
        self.t.equal(to.wait(), 1, "exit status of the receiver")
        for text in texts:
            self.t.contains("\n".join(how["preflight"]["reasons"]), text)
            self.t.contains(to.stderr(), text)
        to.close()
        self.beat()

    def queues(self):
        return self.vm.qmp.cmd("qom-get", path="/machine/disk", property="num-queues")

    def finish(self):
        self.end("disktest")
        queues = linuxguest.output(self.t, self.vm, "ls /sys/block/vda/mq | wc -l").strip()
        mask = linuxguest.output(self.t, self.vm, MASK).strip()
        self.power_off()
        linuxdisk.check(self.t, self.image)
        return int(queues), mask


@gwttest.test("pc-5.1: from R5.1 to R5.1, R5.2, R5.2 and back, one queue; not where the row is missing")
def queues(t):
    old, new = sets.Set(t, "R5.1"), sets.Set(t, "R5.2")
    guest = Guest(t, old, "pc-5.1")
    guest.refused(sets.Set(t, "R5.2", forgetful=True),
                  "device 'disk': property 'num-queues': 1 at the source (default), 4 at the")
    for release in (old, new, new, old):
        guest.to(release)
        t.equal(guest.queues(), 1, "queues at " + release.name)
    t.equal(guest.finish()[0], 1, "queues that Linux sees")


@gwttest.test("pc-5.2: a queue for each CPU; hosts A and B of R5.2, with what both can do")
def own(t):
    a, b = (sets.Set(t, "R5.2", host=h) for h in "AB")
    shared = ("-cpu", "rv64,zba=off,zbb=off,zbs=off")
    guest = Guest(t, a, "pc-5.2", *shared)
    for host, words in ((b, shared), (a, ())):
        guest.to(host, *words)
        t.equal(guest.queues(), 4, "queues at " + host.name)
    t.equal(guest.finish()[0], 4, "queues that Linux sees")


@gwttest.test("pc-7.2 of R7.2: refused at R8.0, goes to R8.0.1, to R8.0.1 and back")
def register(t):
    guest = Guest(t, sets.Set(t, "R7.2"), "pc-7.2")
    guest.refused(sets.Set(t, "R8.0"), "byte 0x108 (AER uncorrectable error mask)")
    for release in ("R8.0.1", "R8.0.1", "R7.2"):
        guest.to(sets.Set(t, release))
    t.equal(guest.finish()[1], "00000000", "mask that Linux sees")


@gwttest.test("pc-7.2 of R8.0: R8.0.1 with x-pcie-err-unc-mask=on, and R8.2 where nobody says so")
def carried(t):
    guest = Guest(t, sets.Set(t, "R8.0"), "pc-7.2")
    guest.refused(sets.Set(t, "R8.0.1"), "-device pcie-root-port,id=port,x-pcie-err-unc-mask=on")
    guest.to(sets.Set(t, "R8.0.1"), "-global", "pci-device.x-pcie-err-unc-mask=on")
    for _ in range(2):
        guest.to(sets.Set(t, "R8.2"))
    t.equal(guest.finish()[1], "02400000", "mask that Linux sees")


if __name__ == "__main__":
    gwttest.main()
