# SPDX-License-Identifier: BSD-2-Clause
"""Linux on the user network, for tests short and long: an address by DHCP, TCP in both directions
with checksums, connections from the host.  It owns what must arrive; the guest is the initramfs
alone, or whatever the caller adds."""

import hashlib
import os
import random
import re
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
    """COPIES numbered copies of a block of random bytes; the guest can repeat it without a disk."""

    def __init__(self, size, copies, seed):
        self.block = random.Random(seed).randbytes(size)
        self.copies = copies
        digest = hashlib.md5()
        for chunk in self.chunks():
            digest.update(chunk)
        self.md5 = digest.hexdigest()

    def chunks(self):
        for i in range(self.copies):
            yield b"%d\n" % i
            yield self.block


class Peer:
    """A server on the host for one connection: sends DATA, or takes what comes."""

    def __init__(self, data=None):
        self.data = data
        self.listener = socket.create_server((LISTEN, 0))
        self.port = self.listener.getsockname()[1]
        self.digest, self.received, self.trouble = hashlib.md5(), 0, None
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        try:
            connection, _ = self.listener.accept()
            with connection:
                if self.data:
                    for chunk in self.data.chunks():
                        connection.sendall(chunk)
                    connection.shutdown(socket.SHUT_WR)
                while True:
                    chunk = connection.recv(1 << 18)
                    if not chunk:
                        break
                    self.digest.update(chunk)
                    self.received += len(chunk)
        except OSError as e:
            self.trouble = e

    def finish(self, timeout=60):
        self.thread.join(timeout * gwttest.SCALE)
        if self.thread.is_alive() or self.trouble:
            raise gwttest.Failure("the host's end of the connection: %s, %d bytes received"
                                  % (self.trouble or "still open", self.received))

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
    # Kernel messages would come between what the commands print.
    linuxguest.output(t, vm, "dmesg -n 1")
    t.contains(linuxguest.output(t, vm, "network"), "lease of 10.0.2.15 obtained from 10.0.2.2")
    return vm


def peer(t, data=None):
    made = Peer(data)
    t.cleanup(made.close)
    return made


def fetch(t, vm, data, command="md5sum"):
    """The host's data, through a pipe in the guest; what COMMAND prints."""
    host = peer(t, data)
    out = linuxguest.output(t, vm, "nc %s %d </dev/null | %s" % (GATEWAY, host.port, command), 1200)
    host.finish()
    return out


def load_block(t, vm, data):
    """The block itself as /tmp/block, for store ()."""
    single = Data(len(data.block), 1, 0)
    single.block, single.chunks = data.block, lambda: iter([data.block])
    fetch(t, vm, single, "cat >/tmp/block")
    t.equal(linuxguest.output(t, vm, "md5sum </tmp/block").split()[0],
            hashlib.md5(data.block).hexdigest(), "the block in the guest")


def store_command(data, host):
    return ("(n=0; while [ $n -lt %d ]; do echo $n; cat /tmp/block; n=$((n+1)); done) | nc %s %d"
            % (data.copies, GATEWAY, host.port))


def stored(t, data, host):
    host.finish(1200)
    t.equal(host.received, sum(len(c) for c in data.chunks()), "bytes received from the guest")
    t.equal(host.digest.hexdigest(), data.md5, "checksum of what the guest sent")


def transfers(t, vm, data):
    """One way, the other way, and both at once."""
    t.equal(fetch(t, vm, data).split()[0], data.md5, "checksum of what the guest received")
    load_block(t, vm, data)
    host = peer(t)
    linuxguest.output(t, vm, store_command(data, host), 1200)
    stored(t, data, host)
    sink, source = peer(t), peer(t, data)
    out = linuxguest.output(t, vm, "%s & nc %s %d </dev/null | md5sum; wait" % (
        store_command(data, sink), GATEWAY, source.port), 2400)
    t.ok(re.search("^" + data.md5, out, re.M), "with both at once the guest received %s" % out)
    source.finish()
    stored(t, data, sink)


def statistics(t, vm):
    """Nothing was lost or broken on the way."""
    for name in ("rx_errors", "tx_errors", "rx_dropped", "tx_dropped", "rx_frame_errors"):
        t.equal(linuxguest.output(t, vm, "cat /sys/class/net/eth0/statistics/%s" % name).strip(),
                "0", name)
