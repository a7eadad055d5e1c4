#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""make bench-net: TCP through user networking, this emulator and Debian's qemu-system-riscv64, side
by side.

Both run the same guest, whose program (bench/guest/net.c) opens connections to this host or takes
those that come through a forwarded port.  Measurements alternate between the two, so that a busy
host hurts both alike; the time is taken on the host, from the first byte to the other end's word
that all have come.

It must not know how an emulator works inside.
"""

import argparse
import os
import socket
import statistics
import sys
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), d)
                for d in ("tests", "tests/linux", "bench")]
import guestimage  # noqa: E402
import gwttest     # noqa: E402
import linuxguest  # noqa: E402
import sidebyside  # noqa: E402
from sidebyside import EMULATORS, PROGRAM, cpu_seconds, note  # noqa: E402

# name: who opens the connection, what the guest does
PATTERNS = {"guest to host": ("connect", "send"),
            "host to guest": ("connect", "take"),
            "hostfwd, to the guest": ("listen", "take"),
            "hostfwd, to the host": ("listen", "send")}
GUEST_PORT = 7777
SECONDS = 300
GOAL = 1.0


def arguments(which, options, initrd, port):
    """The command line, spelled alike for both."""
    suffix = "-device" if options.transport == "mmio" else "-pci"
    # QEMU's boots from the network, by a file of a package that it only recommends; ours does not.
    more = ",romfile=" if which == "qemu" and options.transport == "pci" else ""
    argv = linuxguest.arguments(harts=options.harts, append="quiet -- /bench-net")
    argv[argv.index("-initrd") + 1] = initrd
    return argv + ["-netdev", "user,id=n0,hostfwd=tcp:127.0.0.1:%d-:%d" % (port, GUEST_PORT),
                   "-device", "virtio-net%s,netdev=n0%s" % (suffix, more)]


class Guest:
    """A running emulator whose Linux takes "connect|listen PORT send|take COUNT" lines."""

    def __init__(self, context, which, options, initrd):
        self.which = which
        self.port = sidebyside.free_port()
        self.process = context.start_program(PROGRAM[which], *arguments(which, options, initrd,
                                                                        self.port))
        self._line("@ready")

    def run(self, pattern, count):
        """Bytes a second, and the emulator's processor time in seconds for each byte."""
        how, what = PATTERNS[pattern]
        if how == "connect":
            with socket.create_server(("127.0.0.1", 0)) as listener:
                listener.settimeout(SECONDS)
                self._send("connect %d %s %d" % (listener.getsockname()[1], what, count))
                peer, _ = listener.accept()
        else:
            self._send("listen %d %s %d" % (GUEST_PORT, what, count))
            self._line("@listening")
            peer = socket.create_connection(("127.0.0.1", self.port), SECONDS)
        with peer:
            peer.settimeout(SECONDS)
            used = cpu_seconds(self.process.pid)
            begin = time.perf_counter()
            if what == "send":
                self._take(peer, count)
                peer.sendall(b"x")
            else:
                self._give(peer, count)
                if not peer.recv(1):
                    raise gwttest.Failure("%s: the connection ended early" % self.which)
            took = time.perf_counter() - begin
        self._line("@end")
        return count / took, (cpu_seconds(self.process.pid) - used) / count

    def _take(self, peer, count):
        block = bytearray(1 << 20)
        while count:
            got = peer.recv_into(block, min(count, len(block)))
            if not got:
                raise gwttest.Failure("%s: the connection ended early" % self.which)
            count -= got

    @staticmethod
    def _give(peer, count):
        block = memoryview(bytes(range(256)) * 1024)
        while count:
            count -= peer.send(block[:min(count, len(block))])

    def _send(self, line):
        self.process.send(line + "\n")

    def _line(self, wanted):
        match = self.process.expect("^@[a-z]+[^\n]*\n", SECONDS)
        if match.group(0).decode().strip() != wanted:
            raise gwttest.Failure("%s: '%s' instead of '%s'" % (
                self.which, match.group(0).decode().strip(), wanted))

    def calibrate(self, pattern, seconds):
        """How many bytes take about that long."""
        count = 1 << 18
        while True:
            rate = self.run(pattern, count)[0]
            if count / rate > seconds / 8:
                return max(1 << 18, int(rate * seconds))
            count *= 4

    def end(self):
        self._send("quit")
        self.process.kill()


def measure(guests, pattern, options):
    rates = {w: [] for w in EMULATORS}
    cpu = {w: [] for w in EMULATORS}
    count = {w: guests[w].calibrate(pattern, options.seconds) for w in EMULATORS}
    for _ in range(options.rounds):
        for w in EMULATORS:
            rate, used = guests[w].run(pattern, count[w])
            rates[w].append(rate)
            cpu[w].append(used)
    # The best of each: noise only ever takes away.
    best = {w: max(rates[w]) for w in EMULATORS}
    return {"pattern": pattern, "mb_per_second": {w: best[w] / 1e6 for w in EMULATORS},
            "ratio": best["godwit"] / best["qemu"],
            "cpu_ns_per_byte": {w: min(cpu[w]) * 1e9 for w in EMULATORS},
            "spread": {w: max(rates[w]) / min(rates[w]) - 1 for w in EMULATORS}}


def transfers(context, options):
    initrd = guestimage.initrd(options.scratch, linuxguest.INITRD, "bench-net", ["net.c"])
    note("booting")
    guests = {w: Guest(context, w, options, initrd) for w in EMULATORS}
    rows = []
    for pattern in options.patterns:
        note(pattern)
        rows.append(measure(guests, pattern, options))
    for w in EMULATORS:
        guests[w].end()
    return rows


def show(report):
    print("%-24s %12s %12s %7s %20s" % ("pattern", "godwit", "qemu", "ratio", "CPU ns/byte"))
    for r in report["rows"]:
        print("%-24s %7.1f MB/s %7.1f MB/s %7.2f %9.1f %9.1f%s" % (
            r["pattern"], r["mb_per_second"]["godwit"], r["mb_per_second"]["qemu"], r["ratio"],
            r["cpu_ns_per_byte"]["godwit"], r["cpu_ns_per_byte"]["qemu"],
            "" if r["ratio"] >= GOAL else "   below its goal"))
    print("geometric mean of the ratios %.3f (goal of each %.1f)" % (report["geomean"], GOAL))


def parse(argv):
    p = argparse.ArgumentParser(prog="bench-net", description=__doc__.split("\n", 1)[0])
    p.add_argument("--quick", action="store_true", help="shorter and fewer measurements")
    p.add_argument("--json", metavar="FILE", help="write the figures there as well")
    p.add_argument("--rounds", type=int, help="measurements of each, of which the best counts")
    p.add_argument("--seconds", type=float, help="length of one measurement")
    p.add_argument("--patterns", metavar="NAME;...", default=";".join(PATTERNS))
    p.add_argument("--transport", choices=("pci", "mmio"), default="pci")
    p.add_argument("--harts", type=int, choices=(1, 2, 4), default=1)
    options = p.parse_args(argv)
    options.rounds = options.rounds or (2 if options.quick else 5)
    options.seconds = options.seconds or (1.0 if options.quick else 3.0)
    options.patterns = options.patterns.split(";")
    for name in options.patterns:
        if name not in PATTERNS:
            p.error("'%s' is none of %s" % (name, "; ".join(PATTERNS)))
    return options


def figures(context, options):
    rows = transfers(context, options)
    return {"rows": rows, "geomean": statistics.geometric_mean(r["ratio"] for r in rows)}


def main(argv):
    options = parse(argv)
    facts = {"transport": options.transport, "harts": options.harts}
    return sidebyside.run("net", options, facts, figures, show)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
