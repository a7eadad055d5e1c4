#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A guest that was moved tells the network where it is now."""

import os
import socket
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."), "tests"))
import gwttest  # noqa: E402
import linuxguest  # noqa: E402
import linuxnet  # noqa: E402

linuxnet.need_network()

ADDRESS = "10.9.0.2"


MAC = bytes.fromhex("5254000a0b0c")


class Network:
    """What of a guest's card arrives here, over UDP."""

    def __init__(self, t, options=""):
        self.more = options
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(60 * gwttest.SCALE)
        t.cleanup(self.socket.close)

    def options(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            mine = s.getsockname()[1]
        return ("-netdev", "dgram,id=n0,remote.type=inet,remote.host=127.0.0.1,remote.port=%d,"
                "local.type=inet,local.host=127.0.0.1,local.port=%d"
                % (self.socket.getsockname()[1], mine),
                "-device", "virtio-net-pci,netdev=n0" + self.more)

    def reverse(self):
        """The source of the next reverse ARP frame, which is about itself."""
        while True:
            frame = self.socket.recv(65536)
            if frame[12:14] == b"\x80\x35" and frame[22:28] == frame[32:38] == frame[6:12]:
                return frame[6:12]

    def announcement(self):
        """The source of the next ARP frame that tells its own address unasked."""
        while True:
            frame = self.socket.recv(65536)
            arp = frame[14:]
            if (frame[12:14] == b"\x08\x06" and arp[14:18] == socket.inet_aton(ADDRESS)
                    and arp[24:28] == arp[14:18]):
                return frame[6:12]


def moved(t, options=""):
    """What the network hears at the new place, and the guest there."""
    before, after = Network(t, options), Network(t, options)
    a = t.start(*linuxguest.arguments(harts=1), *before.options(), qmp=True)
    linuxguest.ready(a)
    linuxguest.output(t, a, "drivers; ip link set eth0 address %s; ip addr add %s/24 dev eth0; "
                      "ip link set eth0 up" % (MAC.hex(":"), ADDRESS))
    os.unlink(t.path("qmp.sock"))
    b = t.start(*linuxguest.arguments(harts=1), *after.options(), "-incoming",
                "unix:" + t.path("m.sock"), qmp=True)
    b.qmp.cmd("migrate-set-parameters", announce_rounds=1)
    a.qmp.cmd("migrate-set-parameters", max_bandwidth=0)
    a.qmp.cmd("migrate", uri="unix:" + t.path("m.sock"))
    return after, b


@gwttest.test("the guest announces its address at the receiver, and again when it is asked to")
def announce(t):
    after, b = moved(t)
    t.equal(after.announcement(), MAC, "source")
    # By hand; what the guest is asked before it has said that it did it the first time counts as one.
    linuxguest.output(t, b, "true")
    b.qmp.cmd("announce-self", initial=100, max=1000, rounds=5, step=100)
    t.equal(after.announcement(), MAC, "source")


@gwttest.test("for a guest that is not asked the card announces the address that the guest gave it")
def card(t):
    after, b = moved(t, ",guest-announce=off")
    t.equal(after.reverse(), MAC, "source")
    b.qmp.cmd("announce-self", initial=100, max=1000, rounds=1, step=100)
    t.equal(after.reverse(), MAC, "source")


gwttest.main()
