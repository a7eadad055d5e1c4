# SPDX-License-Identifier: BSD-2-Clause
"""Linux on the user network, for tests short and long: an address by DHCP, TCP in both directions
with every byte looked at, connections from the host.  It owns what must arrive; the guest is the initramfs
alone, or whatever the caller adds."""

import os
import socket
import threading

import gwttest
import linuxdisk
import linuxguest

GATEWAY = "10.0.2.2"
# Where the host's ends listen; a user network takes the guest's connections there.
LISTEN = "127.0.0.1"


def need_network():
    """Skip the whole file where there is no network card or no user network."""
    linuxguest.need_guest()
    if not linuxdisk.has_plugin("virtio-net"):
        gwttest.skip_all("the plugin virtio-net is not built")
    if not linuxdisk.PEER:
        with open(os.path.join(gwttest.BUILDDIR, "config.h"), encoding="ascii") as f:
            if "#define HAVE_SLIRP 1" not in f.read():
                gwttest.skip_all("built without libslirp, so there is no user network")
    if gwttest.SANITIZERS:
        gwttest.skip_all("the long boots are left to the build without sanitizers")


class Data:
    """A stream of records, word by word what tests/guest/network/nettest.c makes of the same seed."""

    WORDS = 32768
    SIZE = 8 * WORDS

    def __init__(self, records, seed):
        self.seed, self.records = seed, records
        self.base = int.from_bytes(b"".join(self._word(n).to_bytes(8, "little")
                                            for n in range(self.WORDS)), "little")

    def _word(self, n):
        mask = (1 << 64) - 1
        z = (self.seed + (n + 1) * 0x9e3779b97f4a7c15) & mask
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & mask
        z = (z ^ z >> 27) * 0x94d049bb133111eb & mask
        return z ^ z >> 31

    def record(self, i):
        key = self._word(self.WORDS + i).to_bytes(8, "little") * self.WORDS
        return (self.base ^ int.from_bytes(key, "little")).to_bytes(self.SIZE, "little")


class Peer:
    """A server on the host for one connection: sends SOURCE, and takes WANTED."""

    def __init__(self, source=None, wanted=None):
        self.source, self.wanted = source, wanted
        self.listener = socket.create_server((LISTEN, 0))
        self.port = self.listener.getsockname()[1]
        self.trouble = None
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        try:
            connection, _ = self.listener.accept()
            with connection:
                if self.source:
                    for i in range(self.source.records):
                        connection.sendall(self.source.record(i))
                    connection.shutdown(socket.SHUT_WR)
                self._take(connection)
        except OSError as e:
            self.trouble = str(e)

    def _take(self, connection):
        records = self.wanted.records if self.wanted else 0
        got = bytearray(Data.SIZE)
        for i in range(records + 1):
            there = 0
            while there < Data.SIZE:
                n = connection.recv_into(memoryview(got)[there:])
                if not n:
                    break
                there += n
            if there < Data.SIZE:
                if i < records or there:
                    self.trouble = "the guest sent %d bytes" % (i * Data.SIZE + there)
                return
            wanted = self.wanted.record(i) if i < records else None
            if got != wanted:
                at = next((n for n in range(Data.SIZE) if not wanted or got[n] != wanted[n]))
                self.trouble = "the guest's byte %d is wrong" % (i * Data.SIZE + at)
                return

    def finish(self, timeout=60):
        self.thread.join(timeout * gwttest.SCALE)
        if self.thread.is_alive() or self.trouble:
            raise gwttest.Failure("the host's end of the connection: %s"
                                  % (self.trouble or "still open"))

    def close(self):
        # An accept that still waits ends with it.
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()


def boot(t, transport, harts=2, controller="plic", options="", netdev="", memory="512M"):
    linuxdisk.need_machine(t, controller)
    vm = t.start(*linuxguest.arguments(harts=harts, machine=linuxdisk.MACHINES[controller],
                                       memory=memory),
                 "-netdev", "user,id=net0" + (netdev and "," + netdev),
                 *linuxdisk.device("virtio-net", transport,
                                   "netdev=net0" + (options and "," + options)))
    linuxguest.ready(vm)
    t.contains(linuxguest.output(t, vm, "network"), "lease of 10.0.2.15 obtained from 10.0.2.2")
    return vm


def peer(t, source=None, wanted=None):
    made = Peer(source, wanted)
    t.cleanup(made.close)
    return made


def command(what, data, host):
    return "nettest %s %d %d %s %d" % (what, data.seed, data.records, GATEWAY, host.port)


def fetch(t, vm, data):
    """DATA from the host to the guest."""
    host = peer(t, source=data)
    linuxguest.output(t, vm, command("take", data, host), 1200)
    host.finish()


def transfers(t, vm, data):
    """One way, the other way, and both at once."""
    fetch(t, vm, data)
    host = peer(t, wanted=data)
    linuxguest.output(t, vm, command("send", data, host), 1200)
    host.finish()
    source, sink = peer(t, source=data), peer(t, wanted=data)
    linuxguest.output(t, vm, "%s & %s && wait $!" % (
        command("send", data, sink), command("take", data, source)), 2400)
    source.finish()
    sink.finish()


def statistics(t, vm):
    """Nothing was lost or broken on the way."""
    for name in ("rx_errors", "tx_errors", "rx_dropped", "tx_dropped", "rx_frame_errors"):
        t.equal(linuxguest.output(t, vm, "cat /sys/class/net/eth0/statistics/%s" % name).strip(),
                "0", name)
