#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a guest has besides itself: disks, which only one end may use, and devices that were plugged
in while it ran."""

import fcntl
import os
import signal
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
    m.unset(a, "x-preflight")
    a.qmp.cmd("migrate", uri="unix:" + m.socket("silent"))
    peer, _ = server.accept()
    reader = gwttest.Stream.from_socket(peer, "sender")
    begin = b'{"configuration": {"vmsd_name"'
    while (at := reader.output.rfind(begin)) < 0:
        t.ok(reader.fill(60), "the sender ended")
    # To the last byte of the description, whose length stands in front of it.
    whole = at + int.from_bytes(reader.output[at - 4:at], "big")
    while len(reader.output) < whole:
        t.ok(reader.fill(60), "the sender ended")
    m.wait(a, "device")
    t.cleanup(peer.close)
    server.close()
    peer.setblocking(True)
    return peer, bytes(reader.output)


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


def half_closed(t, vm, path, stream):
    """VM, which listens at PATH, is sent all of STREAM by somebody who goes before he hears an
    answer."""
    s = socket.socket(socket.AF_UNIX)
    t.cleanup(s.close)
    s.connect(path)
    s.sendall(stream[:-256])
    # It stands meanwhile, or it could have read the last byte before it can see that nobody is there.
    os.kill(vm.pid, signal.SIGSTOP)
    s.sendall(stream[-256:])
    s.shutdown(socket.SHUT_WR)
    os.kill(vm.pid, signal.SIGCONT)
    return s


@gwttest.test("a receiver that gives up late lets go of the images before it says so")
def given_up_late(t):
    m, image = mover.Mover(t), Image(t)
    a = m.start(*image.args)
    _, stream = nobody_answers(t, m, a)
    b = m.start(*image.args, incoming="defer")
    for n in range(2):
        path = m.socket("late%d" % n)
        b.qmp.cmd("migrate-incoming", uri="unix:" + path, exit_on_error=False)
        s = half_closed(t, b, path, stream)
        said = b""
        while True:
            data = s.recv(4096)
            if not data:
                break
            said += data
        t.ok(not image.taken(), "the receiver has the image of a guest that it gave up")
        # The answers to the pings, and that it could not be
        t.equal(said, b"".join(struct.pack(">HHI", 2, 4, ping) for ping in range(
            1, len(said) // 8)) + struct.pack(">HHI", 1, 4, 1))
        t.ok(8 < len(said) <= 5 * 8, "%d bytes" % len(said))
        t.contains(m.finished(b, "failed")["error-desc"], "the guest goes on there")
        t.equal(b.qmp.cmd("query-status")["status"], "inmigrate")
    a.qmp.cmd("migrate_cancel")
    m.finished(a, "cancelled")
    m.lives(a)
    b.qmp.cmd("migrate-incoming", uri="unix:" + m.socket())
    a.qmp.cmd("migrate", uri="unix:" + m.socket())
    m.finished(a)
    m.wait(b, "completed")
    m.lives(b)


@gwttest.test("an image that a dying receiver still has for a moment comes back to a guest that runs")
def comes_back_soon(t):
    m, image = mover.Mover(t), Image(t)
    a = m.start(*image.args)
    peer, _ = nobody_answers(t, m, a)
    image.take()
    peer.close()
    for _ in range(20):
        a.qmp.cmd("query-migrate")
    image.let_go()
    m.finished(a, "failed")
    t.ok(image.taken(), "the image did not come back")
    m.lives(a)


# ---- the last word ------------------------------------------------------------------------------

@gwttest.test("cancelled, and the other end says that it has the guest: it has it")
def too_late(t):
    for before in (True, False):
        m, image = mover.Mover(t), Image(t, "before%d.img" % before)
        a = m.start(*image.args)
        peer, _ = nobody_answers(t, m, a)
        well = struct.pack(">HHI", 1, 4, 0)
        if before:
            peer.sendall(well)
        a.qmp.cmd("migrate_cancel")
        if not before:
            t.equal(peer.recv(1), b"", "the sender wrote on")
            peer.sendall(well)
        m.finished(a)
        t.equal(a.qmp.cmd("query-status")["status"], "postmigrate")
        t.ok(not image.taken(), "the sender has the image of a guest that has gone")
        a.kill()
        os.unlink(m.socket("silent"))


@gwttest.test("cancelled, and the other end says that it has it not, or nothing: the guest goes on")
def in_time(t):
    for word in (None, b"", struct.pack(">HHI", 1, 4, 1), b"\0"):
        m = mover.Mover(t)
        a = m.start()
        peer, _ = nobody_answers(t, m, a)
        a.qmp.cmd("migrate_cancel")
        t.equal(peer.recv(1), b"", "the sender wrote on")
        if word is not None:
            peer.sendall(word)
            peer.close()
        m.finished(a, "cancelled")
        m.lives(a)
        a.kill()
        os.unlink(m.socket("silent"))


@gwttest.test("a tunnel that fails after the last word: the guest stays where it arrived")
def tunnel_fails(t):
    m, image = mover.Mover(t), Image(t)
    a, b = m.start(*image.args), m.start(*image.args, incoming="unix:" + m.socket())
    script = t.path("tunnel.py")
    with open(script, "w") as f:
        f.write(TUNNEL)
    m.set(a, "return-path")
    a.qmp.cmd("migrate", uri="exec:exec %s %s %s" % (sys.executable, script, m.socket()))
    m.wait(b, "completed")
    m.finished(a)
    t.equal(a.qmp.cmd("query-status")["status"], "postmigrate")
    m.one_line(a, "godwit: warning: migrate: ", "the command ended with status 3",
               "the guest has arrived")
    m.lives(b)


TUNNEL = """
import os, socket, sys, threading
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
def back():
    while True:
        data = s.recv(65536)
        if not data:
            os._exit(3)
        os.write(1, data)
threading.Thread(target=back, daemon=True).start()
while True:
    data = os.read(0, 65536)
    if not data:
        break
    s.sendall(data)
threading.Event().wait()
"""


@gwttest.test("an end that gives up, or talks nonsense, and reads no more: the guest goes on at once")
def reads_no_more(t):
    for n, (word, text) in enumerate((
            (struct.pack(">HHI", 1, 4, 7), "the other end could not load the guest"),
            (struct.pack(">HHI", 9, 4, 0), "return path: message 9 is not understood here"),
            (struct.pack(">HH", 1, 512), "return path: message 1 has 512 bytes instead of 4"))):
        m = mover.Mover(t, pages=2000, rounds=16)
        a = m.start()
        m.lives(a)
        server = socket.socket(socket.AF_UNIX)
        server.bind(m.socket("deaf%d" % n))
        server.listen(1)
        # What is left never is so little that the guest is stopped for it.
        m.set(a, "return-path", max_bandwidth=1 << 40, downtime_limit=1)
        m.unset(a, "x-preflight")
        a.qmp.cmd("migrate", uri="unix:" + m.socket("deaf%d" % n))
        peer, _ = server.accept()
        m.wait(a, "active")
        m.lives(a)
        peer.sendall(word)
        t.contains(m.finished(a, "failed")["error-desc"], text)
        m.lives(a)
        a.kill()
        peer.close()
        server.close()


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
    m.one_line(b, "device 'r0' (virtio-rng-pci")
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
