#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a guest has besides itself: disks, which only one end may use, and devices that were plugged
in while it ran."""

import fcntl
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."), "tests"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import gwttest  # noqa: E402
import mover  # noqa: E402

ROOT_PORT = ["-device", "pcie-root-port,id=rp0,addr=4"]


class Image:
    """A disk image, and who has it: read off the locks that the emulators hold."""

    def __init__(self, t, name="disk.img"):
        self.path = t.path(name)
        with open(self.path, "wb") as f:
            f.truncate(1 << 20)
        self.fd = os.open(self.path, os.O_RDWR)
        t.cleanup(os.close, self.fd)
        self.args = ["-drive", "file=%s,format=raw,if=none,id=d0" % self.path, "-device",
                     "virtio-blk-pci,drive=d0"]

    def _lock(self, command, kind):
        # struct flock of a 64-bit Linux: all of the bytes that are locks
        asked = struct.pack("hhqqi4x", kind, os.SEEK_SET, 100, 200, 0)
        return struct.unpack("hhqqi4x", fcntl.fcntl(self.fd, command, asked))[0]

    def taken(self):
        return self._lock(fcntl.F_OFD_GETLK, fcntl.F_WRLCK) != fcntl.F_UNLCK

    def take(self):
        self._lock(fcntl.F_OFD_SETLK, fcntl.F_WRLCK)

    def let_go(self):
        self._lock(fcntl.F_OFD_SETLK, fcntl.F_UNLCK)


def nobody_answers(t, m, a):
    """A receiver that takes all of the guest and says nothing."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(m.socket("silent"))
    server.listen(1)
    m.set(a, "return-path", max_bandwidth=1 << 40)
    a.qmp.cmd("migrate", uri="unix:" + m.socket("silent"))
    peer, _ = server.accept()
    reader = gwttest.Stream.from_socket(peer, "sender")
    while b'"page_size"' not in reader.output[-65536:]:
        t.ok(reader.fill(60), "the sender ended")
    m.wait(a, "device")
    t.cleanup(peer.close)
    server.close()


@gwttest.test("an image is one end's until the guest stands, and then the other's")
def changes_hands(t):
    m, image = mover.Mover(t), Image(t)
    a = m.start(*image.args)
    t.ok(image.taken(), "a running guest's image is free")
    b = m.start(*image.args, incoming="unix:" + m.socket())
    m.set(a, "pause-before-switchover", "return-path")
    a.qmp.cmd("migrate", uri="unix:" + m.socket())
    m.wait(a, "pre-switchover")
    t.ok(image.taken(), "the image is free before the switchover")
    a.qmp.cmd("migrate-continue", state="pre-switchover")
    m.finished(a)
    m.wait(b, "completed")
    m.lives(b)
    t.contains(t.raises("GenericError", a.qmp.cmd, "cont"), image.path)
    t.equal(a.qmp.cmd("query-status")["status"], "postmigrate")
    a.kill()
    t.ok(image.taken(), "the image went with the sender")


@gwttest.test("an image comes back with the guest that did not arrive")
def comes_back(t):
    m, image = mover.Mover(t), Image(t)
    a = m.start(*image.args)
    nobody_answers(t, m, a)
    t.ok(not image.taken(), "the image is not free for the other end")
    a.qmp.cmd("migrate_cancel")
    m.finished(a, "cancelled")
    t.ok(image.taken(), "the image did not come back")
    m.lives(a)


@gwttest.test("an image that somebody took meanwhile: the guest stays paused until it is free")
def stolen(t):
    m, image = mover.Mover(t), Image(t)
    a = m.start(*image.args)
    nobody_answers(t, m, a)
    image.take()
    a.qmp.cmd("migrate_cancel")
    m.finished(a, "cancelled")
    t.equal(a.qmp.cmd("query-status")["status"], "paused")
    m.one_line(a, image.path, "the guest is paused: 'cont' tries again")
    t.contains(t.raises("GenericError", a.qmp.cmd, "cont"), image.path)
    image.let_go()
    a.qmp.cmd("cont")
    m.lives(a)


@gwttest.test("an image that the receiver cannot have: the sender has it back")
def not_to_be_had(t):
    m, image = mover.Mover(t), Image(t)
    a = m.start(*image.args)
    other = m.start(*image.args, incoming="unix:" + m.socket())
    # What was sent, and somebody takes the image before the receiver has read it.
    a.qmp.cmd("migrate", uri="file:" + t.path("guest"))
    m.finished(a)
    image.take()
    with open(t.path("guest"), "rb") as f, socket.socket(socket.AF_UNIX) as s:
        s.connect(m.socket())
        s.sendall(f.read())
        t.equal(other.wait(), 1)
    m.one_line(other, "godwit: -incoming unix:%s: " % m.socket(), image.path)
    image.let_go()
    a.qmp.cmd("cont")
    m.lives(a)


@gwttest.test("late-block-activate: a receiver that does not run the guest leaves the images alone")
def late(t):
    m = mover.Mover(t)
    for n, capabilities in enumerate(((), ("late-block-activate",))):
        # Another one each time: who was killed lets go of his a little later.
        image = Image(t, "disk%d.img" % n)
        a = m.start(*image.args)
        path = m.socket("late%d" % n)
        b = m.start(*image.args, "-S", incoming="unix:" + path)
        m.set(b, *capabilities)
        a.qmp.cmd("migrate", uri="unix:" + path)
        m.finished(a)
        m.wait(b, "completed")
        t.equal(image.taken(), not capabilities, "taken")
        b.qmp.cmd("cont")
        t.ok(image.taken(), "a running guest's image is free")
        m.lives(b)
        a.kill()
        b.kill()


@gwttest.test("a device that was plugged in is moved to one that is there from the start")
def plugged(t):
    m = mover.Mover(t)
    a = m.start(*ROOT_PORT)
    a.qmp.cmd("device_add", driver="virtio-rng-pci", id="r0", bus="rp0")
    b = m.start(*ROOT_PORT, incoming="unix:" + m.socket("without"))
    m.set(a, "return-path")
    a.qmp.cmd("migrate", uri="unix:" + m.socket("without"))
    t.equal(b.wait(), 1)
    m.one_line(b, "the slot of port 'rp0' was filled, and here it is empty")
    m.finished(a, "failed")
    m.lives(a)
    b = m.start(*ROOT_PORT, incoming="defer")
    b.qmp.cmd("device_add", driver="virtio-rng-pci", id="r0", bus="rp0")
    b.qmp.cmd("migrate-incoming", uri="unix:" + m.socket())
    a.qmp.cmd("migrate", uri="unix:" + m.socket())
    m.finished(a)
    m.wait(b, "completed")
    m.lives(b)
    t.ok("r0" in [d["name"] for d in b.qmp.cmd("qom-list", path="/machine")], "no device r0")


gwttest.main()
