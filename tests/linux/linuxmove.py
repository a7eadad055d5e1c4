# SPDX-License-Identifier: BSD-2-Clause
"""A Linux under load that is moved from process to process, for tests short and long.

It owns what such a guest runs (movetest in tests/guest/moving, disktest on its disk, nettest with a
guest that stays), how it is moved, and what must still be true afterwards; the arrangements are the
tests'.
"""

import os
import random
import re
import select
import socket
import struct
import threading
import time

import gwttest
import linuxdisk
import linuxguest

BEAT = rb"^movetest: (\d+) ms, ([^\r\n]*)\r*\n"


class Hub:
    """Carries frames between -netdev stream ends: whoever connects last to a port is there.  With RATE
    no faster than that, in bytes a second each way, as networks do.

    It counts what it sees of each port: bytes of TCP, what ended connections before their time,
    pings and their answers."""

    def __init__(self, t, ports=2, rate=0):
        self.paths = [t.path("hub%d.sock" % n) for n in range(ports)]
        self.listeners = [socket.socket(socket.AF_UNIX) for _ in self.paths]
        for listener, path in zip(self.listeners, self.paths):
            listener.bind(path)
            listener.listen()
        self.rate = rate
        self.tcp, self.resets = [0] * ports, [0] * ports
        self.asked, self.answered = [set() for _ in self.paths], [set() for _ in self.paths]
        self.twice = [0] * ports  # the same ping, or the same answer, again
        self.peers = [None] * ports
        self.lock = threading.Lock()
        # A frame is written whole, also where the ends of a guest that is moved both have one.
        self.writing = [threading.Lock() for _ in self.paths]
        self.ended = False
        for n in range(ports):
            threading.Thread(target=self._accept, args=(n,), daemon=True).start()
        t.cleanup(self.end)

    def netdev(self, n, mac):
        return ["-netdev", "stream,id=n0,addr.type=unix,addr.path=" + self.paths[n],
                "-device", "virtio-net-pci,netdev=n0,mac=52:54:00:00:00:%02x" % mac]

    def end(self):
        self.ended = True
        for s in self.listeners + [p for p in self.peers if p]:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def _accept(self, n):
        while not self.ended:
            try:
                peer, _ = self.listeners[n].accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(n, peer), daemon=True).start()

    def _carry(self, n, peer):
        """Frames of one end; it gets those of others from its first frame on, or if nobody is there.
        A destination is connected while the guest still runs at its source."""
        with self.lock:
            if self.peers[n] is None:
                self.peers[n] = peer
        due = time.monotonic()
        try:
            while True:
                head = self._exactly(peer, 4)
                frame = head + self._exactly(peer, struct.unpack(">I", head)[0])
                with self.lock:
                    self.peers[n] = peer
                    others = [(m, p) for m, p in enumerate(self.peers) if m != n and p]
                    self._count(n, frame[4:])
                for m, other in others:
                    try:
                        with self.writing[m]:
                            other.sendall(frame)
                    except OSError:
                        pass  # that end has gone; a network loses frames
                if self.rate:
                    now = time.monotonic()
                    due = max(due, now - 0.02) + len(frame) / self.rate
                    if due > now:
                        time.sleep(due - now)
        except (OSError, EOFError):
            with self.lock:
                if self.peers[n] is peer:
                    self.peers[n] = None
            peer.close()

    def _count(self, n, frame):
        if frame[12:14] != b"\x08\x00" or len(frame) < 34:
            return
        size, = struct.unpack(">H", frame[16:18])
        ip, body = frame[14:14 + size], 4 * (frame[14] & 15)
        if frame[23] == 6 and len(ip) >= body + 20:
            self.tcp[n] += len(ip) - body - 4 * (ip[body + 12] >> 4)
            self.resets[n] += ip[body + 13] >> 2 & 1
        elif frame[23] == 1 and len(ip) >= body + 8 and ip[body] in (0, 8):
            known = (self.asked if ip[body] == 8 else self.answered)[n]
            ping = struct.unpack(">HH", ip[body + 4:body + 8])
            self.twice[n] += ping in known
            known.add(ping)

    @staticmethod
    def _exactly(peer, count):
        data = b""
        while len(data) < count:
            part = peer.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data


class Traffic:
    """The load on the network of a guest that is moved: a guest that stays, two TCP connections to
    it of which every byte is looked at, one each way, and pings, from begin () to end ().  RATE as
    the Hub's: what leaves the host's processors time for the rest."""

    # More than there ever is time for, 256 KiB each.
    RECORDS = 100000000

    def __init__(self, t, rate=4 << 20):
        if not linuxdisk.has_plugin("virtio-net"):
            t.skip("the plugin virtio-net is not built")
        self.t = t
        self.hub = Hub(t, rate=rate)
        self.moves = None
        self.stays = Guest(t, self.hub.netdev(0, 1), harts=1, memory="128M")

    def arguments(self):
        """Of the guest that is moved."""
        return self.hub.netdev(1, 2)

    def begin(self, guest):
        """GUEST has its shell, and nothing else on its console yet."""
        self.moves = guest
        linuxguest.ready(self.stays.vm)
        for vm, number in ((self.stays.vm, 1), (guest.vm, 2)):
            linuxguest.output(self.t, vm, "drivers; ip link set eth0 up && "
                              "ip addr add 10.9.0.%d/24 dev eth0" % number)
        self._both("listen", self.stays.vm, (("send", 7000), ("take", 7001)))
        linuxguest.output(self.t, guest.vm, "ping -c 1 -w 30 10.9.0.1")
        self._both("10.9.0.1", guest.vm, (("take", 7000), ("send", 7001)))
        guest.vm.send("ping -q 10.9.0.1 > /run/pings 2>&1 & pings=$!\n")

    def _both(self, host, vm, ways):
        for what, port in ways:
            vm.send("{ nettest %s 1 %d %s %d 2>/run/%s & echo $! >/run/%s.pid; wait $!; "
                    "echo \"@%s $?\"; } &\n"
                    % (what, self.RECORDS, host, port, what, what, what))

    def flows(self, seconds=120):
        """Wait until both streams and an answer to a ping have come further."""
        hub = self.hub
        tcp, pings = list(hub.tcp), len(hub.answered[0])
        end = time.monotonic() + seconds * gwttest.SCALE
        while (any(now - before < 65536 for now, before in zip(list(hub.tcp), tcp))
               or len(hub.answered[0]) == pings):
            self.t.ok(time.monotonic() < end, "the network stands: TCP %r, then %r; pings %d, then %d"
                      % (tcp, hub.tcp, pings, len(hub.answered[0])))
            self.moves.vm.console.fill(0.02)
        self._unbroken()

    def _unbroken(self):
        self.t.equal(self.hub.resets, [0, 0], "connections that were reset, by guest")
        self.t.equal(self.hub.twice, [0, 0], "pings and answers that came twice, by guest")

    def end(self, moves):
        """End both streams, and see that all that came was right; there were MOVES moves."""
        stays, guest = self.stays.vm, self.moves.vm
        for vm in (stays, guest):
            self.t.ok(not re.search(rb"^@(take|send) \d", vm.console.output, re.M),
                      "a stream ended before its time")
        for source, sink in ((stays, guest), (guest, stays)):
            source.send("kill $(cat /run/send.pid)\n")
            # Whoever takes looks at what comes until the end.
            sink.expect(r"^@take 1", 300)
            said = linuxguest.output(self.t, sink, "cat /run/take")
            got = re.search(r"^nettest: the stream ended after (\d+) of \d+ bytes$", said, re.M)
            self.t.ok(got and int(got.group(1)) > 0, "the stream's end: %r" % said)
            print("# %d MiB of TCP, every byte looked at" % (int(got.group(1)) >> 20), flush=True)
        self._unbroken()
        self._pings(moves)

    def _pings(self, moves):
        said = linuxguest.output(self.t, self.moves.vm, "kill -INT $pings; wait $pings; cat /run/pings")
        found = re.search(r"(\d+) packets transmitted, (\d+) packets received", said)
        self.t.ok(found, "ping said: %r" % said)
        sent, received = int(found.group(1)), int(found.group(2))
        hub = self.hub
        print("# %d pings, %d seen on the network, %d answered there, %d answers received"
              % (sent, len(hub.asked[1]) - 1, len(hub.answered[0]) - 1, received), flush=True)
        # A network may lose what is under way to a process that the guest has just left; no more
        # than an answer each time.
        self.t.ok(sent - received <= moves + 1, "of %d pings %d were answered, after %d moves"
                  % (sent, received, moves))


class Guest:
    """A guest that is being moved.  .vm is the process that it runs in now."""

    made = 0

    def __init__(self, t, arguments, append="", harts=2, machine="virt", memory="256M",
                 program=None):
        self.t = t
        self.program = program or gwttest.GODWIT  # that the next process is of
        self.bare = False  # the next process is given back ends alone
        Guest.made += 1
        self.number, self.count = Guest.made, 0
        self.arguments = linuxguest.arguments(harts=harts, machine=machine, memory=memory,
                                              append=append) + list(arguments)
        self.began = None  # the guest's clock and the host's, at the first beat
        self.stood = 0.0   # seconds that it did not run
        self.vm = self._start()

    # What a process has to be given where the guest brings its machine.
    BACK_ENDS = ("-drive", "-blockdev", "-netdev", "-chardev", "-serial", "-bios", "-kernel",
                 "-initrd", "-append")

    def _back_ends(self):
        pairs = zip(self.arguments, self.arguments[1:])
        return ["-nographic"] + [word for option, value in pairs if option in self.BACK_ENDS
                                 for word in (option, value)]

    def _start(self, *more):
        self.count += 1
        address = self.t.path("qmp-%d-%d.sock" % (self.number, self.count))
        arguments = self._back_ends() if self.bare and more else self.arguments
        vm = self.t.start_program(self.program, *arguments, "-qmp",
                                  "unix:%s,server=on,wait=off" % address, *more)
        try:
            vm.qmp = gwttest.Qmp.connect(address, alive=vm.alive)
        except gwttest.Failure as e:
            raise gwttest.Failure("%s; stderr:\n%s" % (e, vm.stderr())) from e
        return vm

    def load(self, *commands, mib=24, traffic=None):
        """Begin the work; each of COMMANDS runs until it is killed or has ended."""
        linuxguest.ready(self.vm)
        if traffic:
            traffic.begin(self)
        for command in commands:
            self.vm.send("{ %s; echo \"@ended $?\"; } &\n" % command)
        self.check(mib)

    def check(self, mib):
        """Begin what the guest checks, and wait until all of it is under way."""
        self.vm.send("movetest mib=%d & checker=$!\n" % mib)
        # All of its memory was written once.
        self.vm.expect(rb"^movetest: \d+ ms, memory 0 [1-9]", 300)
        self.beat()

    def beat(self, seconds=60):
        """Wait for a beat that was not seen yet: the guest lives.  Its clock agrees with ours."""
        console = self.vm.console
        while console.fill(0):
            pass
        match = console.expect(BEAT, seconds)
        while True:
            later = re.compile(BEAT, re.M).search(console.output, match.end())
            if not later:
                break
            match = console.expect(BEAT, seconds)
        self._no_trouble()
        guest, host = int(match.group(1)) / 1000, time.monotonic()
        if self.began is None:
            self.began = guest, host
            return
        # What is read now was written before, a host that is busy may be seconds late; but time
        # that was lost or invented stays so.
        passed, ours = guest - self.began[0], host - self.began[1]
        self.t.ok(passed < ours + 1, "the guest's clock went %.3f s in %.3f s" % (passed, ours))
        self.t.ok(passed > ours - self.stood - 20,
                  "the guest's clock went %.3f s in %.3f s, of which it stood %.3f s"
                  % (passed, ours, self.stood))

    def last_beat(self):
        """What it told last."""
        return re.findall(BEAT, self.vm.console.output, re.M)[-1][1].decode()

    def _no_trouble(self):
        log = self.vm.console.output
        at = log.find(b"FAILED")
        self.t.ok(at < 0, "the guest found: %s" % log[max(at - 100, 0):at + 600])
        linuxdisk.healthy(self.t, self.vm)

    def incoming(self, uri="unix"):
        """The other end, and where it listens."""
        if uri == "unix":
            uri = "unix:" + self.t.path("move-%d-%d.sock" % (self.number, self.count + 1))
        to = self._start("-incoming", "tcp:127.0.0.1:0" if uri == "tcp" else uri)
        if uri == "tcp":
            address = to.qmp.cmd("query-migrate")["socket-address"][0]
            uri = "tcp:127.0.0.1:%s" % address["port"]
        return to, uri

    def set(self, vm, capabilities=(), **parameters):
        if capabilities:
            vm.qmp.cmd("migrate-set-capabilities",
                       capabilities=[{"capability": c, "state": True} for c in capabilities])
        if parameters:
            vm.qmp.cmd("migrate-set-parameters", **parameters)

    def until(self, *statuses, seconds=120):
        """Follow the migration; reads the console meanwhile, or the guest would wait for it."""
        end = time.monotonic() + seconds * gwttest.SCALE
        while True:
            info = self.vm.qmp.cmd("query-migrate")
            if info.get("status") in statuses:
                return info
            self.t.ok(info.get("status") not in ("failed", "cancelled"), "%r" % info)
            self.t.ok(time.monotonic() < end, "not %s but %r" % ("or ".join(statuses), info))
            self.vm.console.fill(0.02)

    def move(self, transport="unix", capabilities=("return-path",), **parameters):
        """Move it, and see that it lives at the other end."""
        to, uri = self.incoming(transport)
        self.set(self.vm, capabilities, **parameters)
        self.set(to, [c for c in capabilities if c != "auto-converge"])
        self.vm.qmp.cmd("migrate", uri=uri)
        if "pause-before-switchover" in capabilities:
            self.until("pre-switchover")
            self.vm.qmp.cmd("migrate-continue", state="pre-switchover")
        info = self.until("completed")
        self.arrived(to, info["downtime"] / 1000)
        return info

    def ended(self):
        """How a move ended that may not succeed."""
        while True:
            status = self.vm.qmp.cmd("query-migrate")["status"]
            if status in ("completed", "failed", "cancelled"):
                return status
            self.vm.console.fill(0.02)

    def broken(self, chance, cancels):
        """A move that is cancelled, or whose connection breaks, wherever CHANCE says, but before all
        of the memory that is checked can have been sent; the guest goes on, at the other end where a
        cancel came too late.  How it ended."""
        to, uri = self.incoming()
        if cancels:
            self.set(self.vm, max_bandwidth=64 << 20)
            self.vm.qmp.cmd("migrate", uri=uri)
            self.vm.console.fill(chance.random() / 4)
            self.vm.qmp.cmd("migrate_cancel")
        else:
            proxy = Proxy(self.t, uri.partition(":")[2], chance.randrange(10, 16 << 20))
            self.vm.qmp.cmd("migrate", uri="unix:" + proxy.path)
        how = self.ended()
        self.set(self.vm, max_bandwidth=128 << 20)
        if how == "completed":
            # Cancelled too late: the other end has it.
            self.t.ok(cancels, "completed over a connection that was cut")
            self.arrived(to, self.vm.qmp.cmd("query-migrate")["downtime"] / 1000)
            return how
        to.kill()
        to.close()
        self.beat()
        return how

    def arrived(self, to, stood):
        self.stood += stood
        old, self.vm = self.vm, to
        while old.console.fill(0):
            pass
        self._whole(old)
        old.kill()
        old.close()
        self.beat()

    def _whole(self, vm):
        log = vm.console.output
        self.t.ok(b"FAILED" not in log, "the guest found: %s" % log[log.find(b"FAILED"):][:600])
        linuxdisk.healthy(self.t, vm)

    def end(self, *jobs):
        """Stop the checker: all was well.  JOBS are names of programs to be ended before."""
        for job in jobs:
            self.vm.send("killall %s\n" % job)
        self.vm.send("kill $checker; wait $checker; echo @check''er $?\n")
        match = self.vm.expect(rb"^@checker (\d+)", 120)
        self._no_trouble()
        self.t.equal(int(match.group(1)), 0, "the checker's exit status")

    def power_off(self):
        linuxguest.power_off(self.t, self.vm)
        self._no_trouble()


class Proxy:
    """Passes a migration on to PATH and breaks the connection after LIMIT bytes."""

    def __init__(self, t, path, limit):
        self.path = t.path("proxy-%d.sock" % random.getrandbits(32))
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.to, self.limit = path, limit
        threading.Thread(target=self._pass, daemon=True).start()
        t.cleanup(self.listener.close)

    def _pass(self):
        try:
            source, _ = self.listener.accept()
        except OSError:
            return
        target = socket.socket(socket.AF_UNIX)
        with source, target:
            target.connect(self.to)
            passed = 0
            while passed < self.limit:
                for s in select.select([source, target], [], [])[0]:
                    try:
                        data = s.recv(min(65536, self.limit - passed))
                    except OSError:
                        return
                    if not data:
                        return
                    (target if s is source else source).sendall(data)
                    passed += len(data) if s is source else 0
