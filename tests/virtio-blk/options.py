# SPDX-License-Identifier: BSD-2-Clause
"""A disk that cannot be: one line that names it and what to do; nothing of it is left."""

import os

import gwttest

for plugin in ("virtio", "virtio-blk"):
    if plugin in os.environ.get("GODWIT_ABSENT_PLUGINS", "").split():
        gwttest.skip_all("the plugin %s is not built" % plugin)

MACHINE = ("-M", "virt", "-bios", "none", "-serial", "null", "-display", "none")
NULL = ("-blockdev", "driver=null-co,node-name=d0,size=1048576")


@gwttest.test("no drive, an unknown one, one that is taken")
def drives(t):
    t.error("device 'disk': property 'drive'", *MACHINE, "-device", "virtio-blk-device,id=disk")
    line = t.error("'nosuch'", *MACHINE, *NULL, "-device", "virtio-blk-device,drive=nosuch")
    t.contains(line, "-blockdev")
    line = t.error("block back end 'd0' is used by 'one'", *MACHINE, *NULL,
                   "-device", "virtio-blk-device,drive=d0,id=one",
                   "-device", "virtio-blk-device,drive=d0,id=two")
    t.contains(line, "device 'two'")


@gwttest.test("more queues than there are, or than MSI-X vectors")
def queues(t):
    t.error("num-queues 1025 is not possible; use 1 to 1024, or 65535 for one a vCPU", *MACHINE,
            *NULL, "-device", "virtio-blk-device,drive=d0,num-queues=1025")
    line = t.error("vectors: 3 cannot hold 4 queues and the configuration; use 5", *MACHINE, *NULL,
                   "-device", "virtio-blk-pci,drive=d0,id=disk,num-queues=4,vectors=3")
    t.contains(line, "device 'disk'")
    t.error("queue-size 300 is not possible; use a power of two from 4 to 1024", *MACHINE, *NULL,
            "-device", "virtio-blk-device,drive=d0,queue-size=300")


@gwttest.test("a property that there is not, or by QEMU's spelling")
def spelling(t):
    line = t.error("logical_block_size", *MACHINE, *NULL,
                   "-device", "virtio-blk-device,drive=d0,logical_block_size=4096")
    t.contains(line, "'logical-block-size'")
    t.error("'rerror': 'enospc' is not one of its values; use 'auto', 'report', 'ignore' or 'stop'",
            *MACHINE, *NULL, "-device", "virtio-blk-device,drive=d0,rerror=enospc")


@gwttest.test("an old machine's one queue can be asked for by -global")
def one_queue(t):
    vm = t.start(*MACHINE, *NULL, "-S", "-smp", "4", "-global", "virtio-blk-device.num-queues=1",
                 "-device", "virtio-blk-device,drive=d0,id=disk", qmp=True)
    t.equal(vm.qmp.cmd("qom-get", path="/machine/disk", property="num-queues"), 1, "num-queues")


gwttest.main()
