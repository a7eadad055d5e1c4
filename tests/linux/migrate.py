# SPDX-License-Identifier: BSD-2-Clause
"""Linux under load is moved live from process to process, and goes on as if nothing had been.  What is
hurried here is done a hundred times in long-migrate.py."""

import json
import os
import random

import gwttest
import linuxdisk
import linuxguest
import linuxmove

linuxguest.need_guest()
linuxdisk.need_disk()


def with_disk(t, transport="pci", more=(), **how):
    """A guest that lives on its disk, and what is left of that to be judged."""
    linuxdisk.need_machine(t, "aia" if how.get("machine") == "virt-aia" else "plic")
    image = linuxdisk.root_copy(t)
    guest = linuxmove.Guest(t, [*linuxdisk.disk(image, transport), *more], append="root=/dev/vda",
                            **how)
    return guest, image


DISK_WORK = "mkdir -p work && disktest random seed=1 threads=2 files=2 size=512 seconds=100000 work"


def finish(t, guest, image, *jobs):
    guest.end(*jobs)
    guest.power_off()
    linuxdisk.check(t, image)


@gwttest.test("two harts under load, over unix and tcp: memory, clock, timers, disk and connections are "
              "as they were")
def loaded(t):
    traffic = linuxmove.Traffic(t)
    guest, image = with_disk(t, more=traffic.arguments())
    guest.load(DISK_WORK, traffic=traffic)
    for transport in ("unix", "tcp", "unix"):
        guest.move(transport)
        traffic.flows()
    traffic.end(3)
    finish(t, guest, image, "disktest")


@gwttest.test("to processes that were given back ends alone: the guest brings its machine, and on")
def back_ends_alone(t):
    guest, image = with_disk(t)
    guest.load(DISK_WORK)
    guest.bare = True
    for _ in range(2):
        guest.move()
        t.equal(len(guest.vm.qmp.cmd("query-cpus-fast")), 2)
    guest.bare = False
    guest.move()
    finish(t, guest, image, "disktest")


@gwttest.test("four harts with AIA, one with virtio over MMIO")
def arrangements(t):
    for harts, machine, transport in ((4, "virt-aia", "pci"), (1, "virt", "mmio")):
        guest, image = with_disk(t, transport, harts=harts, machine=machine)
        guest.load(DISK_WORK)
        guest.move()
        guest.move("tcp")
        finish(t, guest, image, "disktest")


@gwttest.test("with XBZRLE, auto-converge and a pause before the switch")
def capabilities(t):
    guest, image = with_disk(t)
    guest.load(DISK_WORK)
    guest.move(capabilities=("return-path", "xbzrle", "auto-converge"))
    guest.move(capabilities=("pause-before-switchover", "late-block-activate"))
    finish(t, guest, image, "disktest")


def machine_types(t):
    """Two of them, of which the older one has a single queue for each disk."""
    folder = t.path("compat")
    os.makedirs(folder, exist_ok=True)
    newest = {"godwit-machine": 1, "name": "pc-5.2", "doc": "newer", "board": "virt"}
    older = {"godwit-machine": 1, "name": "pc-5.1", "doc": "older", "newer": "pc-5.2",
             "overrides": [{"type": "virtio-blk-pci", "property": "num-queues", "value": 1}]}
    for machine in (newest, older):
        with open(os.path.join(folder, machine["name"] + ".json"), "w", encoding="ascii") as f:
            json.dump(machine, f)
    return ["-compat-dir", folder]


@gwttest.test("four harts of either machine type, to the same: queues as they were, under I/O")
def same_type(t):
    more = machine_types(t)
    for machine, queues in (("pc-5.2", 4), ("pc-5.1", 1)):
        guest, image = with_disk(t, more=more, harts=4, machine=machine)
        guest.load(DISK_WORK)
        guest.move()
        # What it tells of its work comes in between.
        t.contains(linuxguest.output(t, guest.vm, "echo queues: $(ls /sys/block/vda/mq) end"),
                   "queues: %s end" % " ".join(str(n) for n in range(queues)))
        finish(t, guest, image, "disktest")


@gwttest.test("another machine type than the guest's is refused, and the guest goes on")
def other_type(t):
    more = machine_types(t)
    guest, image = with_disk(t, more=more, harts=4, machine="pc-5.2")
    guest.load(DISK_WORK)
    guest.arguments[guest.arguments.index("-M") + 1] = "pc-5.1"
    to, uri = guest.incoming()
    guest.vm.qmp.cmd("migrate", uri=uri)
    t.equal(guest.ended(), "failed")
    t.equal(to.wait(), 1, "the status of the other end")
    t.contains(to.stderr(), "machine type: 'pc-5.2' at the source, 'pc-5.1' at the destination; start the "
               "destination with -M pc-5.2")
    guest.beat()
    finish(t, guest, image, "disktest")


@gwttest.test("cancelled, and cut at random places: the guest goes on, and the next move works")
def broken(t):
    guest, image = with_disk(t)
    guest.load(DISK_WORK)
    chance = random.Random(4)
    for turn in range(4):
        guest.broken(chance, turn % 2)
    guest.move()
    finish(t, guest, image, "disktest")


gwttest.main()
