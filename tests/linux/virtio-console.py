# SPDX-License-Identifier: BSD-2-Clause
"""Linux uses a console and channels behind a virtio-serial controller."""

import fcntl
import hashlib
import os
import random
import re
import signal
import socket
import struct
import termios

import gwttest
import linuxguest

linuxguest.need_guest()
if gwttest.SANITIZERS:
    gwttest.skip_all("the long boots are left to the build without sanitizers")

MEGABYTES = 10
CONTROLLERS = {"mmio": "virtio-serial-device", "pci": "virtio-serial-pci"}


class Guest:
    """A guest with a controller, and of each of PORTS ("virtconsole", "virtserialport") one, each
    with a server socket of its own."""

    def __init__(self, t, kind, *ports, harts=1, options=""):
        self.t = t
        self.ports = len(ports)
        args = ["-device", "%s,id=ser0%s" % (CONTROLLERS[kind], options)]
        for n, port in enumerate(ports):
            args += ["-chardev", "socket,id=c%d,path=%s,server=on,wait=off" % (n, self.path(n)),
                     "-device", "%s,id=port%d,bus=ser0.0,chardev=c%d,name=org.example.%d"
                     % (port, n, n, n)]
        self.vm = t.start(*linuxguest.arguments(harts=harts), *args, qmp=True)
        self.boot(kind)

    def boot(self, kind):
        linuxguest.ready(self.vm)
        # Kernel messages would come between what the commands print.
        self.sh("dmesg -n 1" + ("; insmod /lib/modules/virtio_mmio.ko" if kind == "mmio" else ""))
        # The driver looks for ports in the background; a port's name is the last that it hears of.
        self.sh("until [ $(cat /sys/class/virtio-ports/*/name 2>/dev/null | grep -c '^org') = %d ]; "
                "do sleep 0.1; done" % self.ports)

    def path(self, n):
        return self.t.path("port%d" % n)

    def sh(self, command, timeout=60):
        return linuxguest.output(self.t, self.vm, command, timeout).strip()

    def connect(self, n):
        client = socket.socket(socket.AF_UNIX)
        self.t.cleanup(client.close)
        client.connect(self.path(n))
        return client, gwttest.Stream.from_socket(client, "port %d" % n)

    def change(self, port, is_open):
        """Wait until clients are told that PORT is so."""
        while self.vm.qmp.event("VSERPORT_CHANGE")["data"] != {"id": port, "open": is_open}:
            pass

    def off(self):
        linuxguest.power_off(self.t, self.vm)


def take(t, stream, size):
    """SIZE bytes, and not one more."""
    start = len(stream.output)
    while len(stream.output) - start < size:
        t.ok(stream.fill(60 * gwttest.SCALE) or len(stream.output) - start >= size,
             "%d of %d bytes came" % (len(stream.output) - start, size))
    t.equal(len(stream.output) - start, size, "bytes that came")
    return stream.output[start:]


def digest(data):
    return hashlib.sha256(data).hexdigest()


@gwttest.test("a shell on /dev/hvc0")
def console(t):
    g = Guest(t, "mmio", "virtconsole")
    client, stream = g.connect(0)
    # What reads from a terminal by itself would edit the line.
    g.sh("(while read line; do eval \"$line\"; done) </dev/hvc0 >/dev/hvc0 2>&1 & true")
    stream.send("echo $((6 * 7)) of $(uname -m)\n")
    stream.expect("42 of riscv64")
    stream.send("seq 20000 | sha256sum; break\n")
    stream.expect(digest("".join("%d\n" % n for n in range(1, 20001)).encode()))
    # A console is there without a peer, and loses what nobody reads.
    g.sh("wait")
    client.close()
    g.sh("for n in $(seq 3000); do echo lost; done >/dev/hvc0")
    g.off()


class Serial:
    """The guest's shell on a socket, where linuxguest.run takes a machine."""

    def __init__(self, stream):
        self.console, self.send, self.expect = stream, stream.send, stream.expect


@gwttest.test("the console's size is the terminal's")
def size(t):
    path = t.path("serial")
    vm = t.start(*linuxguest.arguments(harts=1, console=("-display", "none")), "-serial",
                 "unix:%s,server=on,wait=off" % path, "-chardev", "stdio,id=c", "-device",
                 "virtio-serial-pci", "-device", "virtconsole,chardev=c", pty=True, qmp=True)
    client = socket.socket(socket.AF_UNIX)
    t.cleanup(client.close)
    client.connect(path)
    guest = Serial(gwttest.Stream.from_socket(client, "serial port"))
    linuxguest.ready(guest)
    for rows, columns in ((43, 132), (25, 80)):
        fcntl.ioctl(vm.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.kill(vm.pid, signal.SIGWINCH)
        linuxguest.output(t, guest, "while ! stty -F /dev/hvc0 size | grep '^%d %d$'; do sleep 0.1; "
                          "done" % (rows, columns))
    guest.send("poweroff\n")
    t.equal(vm.wait(), 0, "exit status")


def channel(kind, harts, options):
    def run(t):
        g = Guest(t, kind, "virtconsole", "virtserialport", "virtserialport", harts=harts,
                  options=options)
        names = g.sh("(cd /sys/class/virtio-ports; for p in *; do echo $p $(cat $p/name); done)")
        t.equal(re.sub(r"vport\dp", "vportNp", names).split("\n"),
                ["vportNp%d org.example.%d" % (n, n) for n in range(3)], "ports")
        one = "/dev/" + re.search(r"(vport\dp1)", names)[1]
        _, stream = g.connect(1)
        data = random.Random(1).randbytes(MEGABYTES << 20)
        g.sh("(head -c %d %s | sha256sum >/tmp/sum; echo done >>/tmp/sum) & true" % (len(data), one))
        g.change("port1", True)
        stream.send(data)
        t.equal(g.sh("while ! grep -q done /tmp/sum; do sleep 0.1; done; cat /tmp/sum")
                .split()[0], digest(data), "checksum of what the guest got")
        g.change("port1", False)
        g.sh("head -c %d /dev/urandom >/tmp/data; cat /tmp/data >%s & true" % (len(data), one))
        got = take(t, stream, len(data))
        t.equal(digest(got), g.sh("sha256sum </tmp/data").split()[0],
                "checksum of what the guest sent")
        g.off()
    return run


for _kind, _harts, _options in (("pci", 1, ""), ("mmio", 2, ",packed=on,max-ports=4")):
    gwttest.test("%d MB both ways through a channel, %s, %d harts%s"
                 % (MEGABYTES, _kind, _harts, _options))(channel(_kind, _harts, _options))


@gwttest.test("a peer that does not read stops its own port and no other, and nothing is lost")
def throttled(t):
    g = Guest(t, "pci", "virtserialport", "virtserialport")
    _, slow = g.connect(0)
    _, fast = g.connect(1)
    g.sh("head -c 12000000 /dev/urandom >/tmp/data; cat /tmp/data >/dev/vport0p1 & "
         "echo $! >/tmp/slow")
    # More than the queue and sockets hold.
    g.sh("cat /tmp/data >/dev/vport0p2 & true")
    got = take(t, fast, 12000000)
    g.sh("kill -0 $(cat /tmp/slow)")
    t.equal(take(t, slow, 12000000), got, "what came late")
    g.sh("wait")
    # The other way the guest does not read.
    g.sh("sleep 1000 <>/dev/vport0p1 & true")
    slow.send(bytes(100000))
    fast.send("quick\n")
    t.equal(g.sh("head -n1 /dev/vport0p2"), "quick", "the other port")
    g.off()


@gwttest.test("a channel's peer goes and another one comes")
def reconnect(t):
    g = Guest(t, "mmio", "virtserialport")
    g.sh("echo go >/tmp/go")
    for n in range(3):
        client, stream = g.connect(0)
        g.sh("cat /dev/vport0p1 >/tmp/in & true")
        g.change("port0", True)
        stream.send("round %d" % n)
        g.sh("while ! grep -q 'round %d' /tmp/in; do sleep 0.1; done" % n)
        client.close()
        # Without a peer there is nothing more to read: cat ends.
        g.sh("wait")
        g.change("port0", False)
    g.off()


@gwttest.test("a channel comes and goes while the guest runs")
def hot_plug(t):
    g = Guest(t, "pci", "virtserialport")
    for n in range(2):
        g.vm.qmp.cmd("chardev-add", id="new", backend={"type": "ringbuf", "data": {}})
        answer = g.vm.qmp.raw({"execute": "device_add", "arguments": {
            "driver": "virtserialport", "id": "more", "chardev": "new", "nr": 5,
            "name": "org.example.more%d" % n}})
        t.equal(answer, {"return": {}}, "device_add")
        name = "/sys/class/virtio-ports/vport0p5/name"
        g.sh("while ! grep more%d %s; do sleep 0.1; done" % (n, name))
        g.sh("while [ ! -c /dev/vport0p5 ]; do sleep 0.1; done; echo plugged%d >/dev/vport0p5" % n)
        t.equal(g.vm.qmp.cmd("ringbuf-read", device="new", size=100), "plugged%d\n" % n)
        g.sh("cat /dev/vport0p5 & true")
        g.change("more", True)
        g.vm.qmp.cmd("device_del", id="more")
        g.vm.qmp.event("DEVICE_DELETED")
        g.vm.qmp.cmd("chardev-remove", id="new")
        g.sh("wait; while [ -e %s ]; do sleep 0.1; done" % name)
    # The one that was there from the start is none the worse.
    _, stream = g.connect(0)
    g.sh("echo still >/dev/vport0p1")
    stream.expect("still")
    g.off()


@gwttest.test("a reset of the machine while a channel is in use")
def machine_reset(t):
    g = Guest(t, "mmio", "virtserialport")
    _, stream = g.connect(0)
    g.sh("cat /dev/zero >/dev/vport0p1 & true")
    g.change("port0", True)
    t.ok(stream.fill(60 * gwttest.SCALE), "nothing came")
    g.vm.qmp.cmd("system_reset")
    g.change("port0", False)
    g.boot("mmio")
    g.sh("echo hello >/dev/vport0p1 & true")
    stream.expect("hello")
    g.off()


gwttest.main()
