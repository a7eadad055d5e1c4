#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""make bench-block: disks of this emulator and of Debian's qemu-system-riscv64, side by side.

Both run the same guest, whose program (bench/guest/block.c) keeps requests in flight past its page
cache, on the same back ends: null-co, and one file with cache=none and with cache=writeback.
Measurements alternate between the two, so that a busy host hurts both alike; the time is taken on
the host, by lines that the guest prints around its work.

It must not know how an emulator works inside.
"""

import argparse
import os
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

# The order in which the guest finds them: vda, vdb, ...
BACKENDS = ("null", "none", "writeback")
KIB, MIB = 1 << 10, 1 << 20
# name: direction, order, bytes a request, requests in flight
PATTERNS = {"read 4k qd1": ("read", "random", 4 * KIB, 1),
            "write 4k qd1": ("write", "random", 4 * KIB, 1),
            "read 4k qd32": ("read", "random", 4 * KIB, 32),
            "write 4k qd32": ("write", "random", 4 * KIB, 32),
            "read 1m": ("read", "sequential", MIB, 4),
            "write 1m": ("write", "sequential", MIB, 4)}
GOAL = 1.0


def arguments(which, options, queues, initrd, image):
    """The command line, spelled alike for both."""
    suffix = "-device" if options.transport == "mmio" else "-pci"
    more = ",disable-legacy=on" if which == "qemu" and options.transport == "pci" else ""
    machine = {"plic": "virt", "aia": "virt,aia=aplic-imsic" if which == "qemu" else "virt-aia"}
    argv = linuxguest.arguments(harts=2, machine=machine[options.controller],
                                append="quiet -- /bench-block /dev/vda /dev/vdb /dev/vdc")
    argv[argv.index("-initrd") + 1] = initrd
    argv += ["-blockdev", "driver=null-co,node-name=b0,size=%d,read-zeroes=on" % options.size]
    for i, direct in ((1, "on"), (2, "off")):
        # Both open the file at once, and the three disks of each as well; nothing is at stake.
        argv += ["-blockdev", "driver=raw,node-name=b%d,cache.direct=%s,file.driver=file,"
                 "file.locking=off,file.filename=%s,file.aio=%s,file.cache.direct=%s"
                 % (i, direct, image, options.aio, direct)]
    order = (0, 1, 2)
    # Linux names disks on virtio-mmio in the order of their slots, which are given from the end.
    for i in reversed(order) if options.transport == "mmio" else order:
        argv += ["-device", "virtio-blk%s,drive=b%d,num-queues=%d%s" % (suffix, i, queues, more)]
    return argv


class Guest:
    """A running emulator whose Linux takes "DEVICE read|write ..." lines."""

    def __init__(self, context, which, argv):
        self.which = which
        self.process = context.start_program(PROGRAM[which], *argv)
        self.process.expect("^@ready\r?\n", 120)

    def run(self, backend, pattern, threads, count):
        """Requests a second, and the emulator's processor time in microseconds for each."""
        direction, order, size, depth = PATTERNS[pattern]
        threads = min(threads, depth)
        count = max(count // threads, depth // threads) * threads
        self.process.send("/dev/vd%c %s %s %d %d %d %d\n" % (
            "abc"[BACKENDS.index(backend)], direction, order, size, depth // threads, threads,
            count))
        self._line("@begin")
        used = cpu_seconds(self.process.pid)
        begin = time.perf_counter()
        self.process.send("go\n")
        self._line("@end %d" % count)
        took = time.perf_counter() - begin
        return count / took, (cpu_seconds(self.process.pid) - used) / count * 1e6

    def _line(self, wanted):
        match = self.process.expect("^@[a-z]+[^\n]*\n", 300)
        if match.group(0).decode().strip() != wanted:
            raise gwttest.Failure("%s: '%s' instead of '%s'" % (
                self.which, match.group(0).decode().strip(), wanted))

    def calibrate(self, backend, pattern, threads, seconds):
        """How many requests take about that long."""
        count = 64
        while True:
            rate = self.run(backend, pattern, threads, count)[0]
            if count / rate > seconds / 8:
                return max(64, int(rate * seconds))
            count *= 4 if count / rate > seconds / 100 else 16

    def end(self):
        self.process.send("quit\n")
        self.process.wait()


def measure(guests, backend, pattern, queues, options):
    rates = {w: [] for w in EMULATORS}
    cpu = {w: [] for w in EMULATORS}
    count = {w: guests[w].calibrate(backend, pattern, queues, options.seconds) for w in EMULATORS}
    for _ in range(options.rounds):
        for w in EMULATORS:
            rate, used = guests[w].run(backend, pattern, queues, count[w])
            rates[w].append(rate)
            cpu[w].append(used)
    # The best of each: noise only ever takes away.
    best = {w: max(rates[w]) for w in EMULATORS}
    size = PATTERNS[pattern][2]
    return {"backend": backend, "pattern": pattern, "queues": queues, "iops": best,
            "mb_per_second": {w: best[w] * size / 1e6 for w in EMULATORS},
            "ratio": best["godwit"] / best["qemu"],
            "cpu_us": {w: min(cpu[w]) for w in EMULATORS},
            "spread": {w: max(rates[w]) / min(rates[w]) - 1 for w in EMULATORS}}


def disks(context, options):
    rows = []
    initrd = guestimage.initrd(options.scratch, linuxguest.INITRD, "bench-block", ["block.c"])
    image = os.path.join(options.scratch, "disk.img")
    with open(image, "wb") as f:
        # Written, not allotted: unwritten blocks would be read without the disk.
        block = os.urandom(MIB)
        for _ in range(options.size // MIB):
            f.write(block)
        os.fsync(f.fileno())
    for queues in options.queues:
        note("booting")
        guests = {w: Guest(context, w, arguments(w, options, queues, initrd, image))
                  for w in EMULATORS}
        for backend in options.backends:
            for pattern in options.patterns:
                note("%d queues, %s, %s" % (queues, backend, pattern))
                rows.append(measure(guests, backend, pattern, queues, options))
        for w in EMULATORS:
            guests[w].end()
    return rows


def show(report):
    print("%-6s %-10s %-13s %14s %14s %7s %16s" % (
        "queues", "back end", "pattern", "godwit", "qemu", "ratio", "CPU us/request"))
    for r in report["rows"]:
        large = PATTERNS[r["pattern"]][2] >= MIB
        unit, what, digits = ("MB/s", "mb_per_second", 0) if large else ("/s", "iops", 0)
        print("%-6d %-10s %-13s %9.*f %-4s %9.*f %-4s %7.2f %7.1f %7.1f%s" % (
            r["queues"], r["backend"], r["pattern"], digits, r[what]["godwit"], unit, digits,
            r[what]["qemu"], unit, r["ratio"], r["cpu_us"]["godwit"], r["cpu_us"]["qemu"],
            "" if r["ratio"] >= GOAL else "   below its goal"))
    print("geometric mean of the ratios %.3f (goal of each %.1f); of the processor time for a request, "
          "godwit's over qemu's, %.3f" % (report["geomean"], GOAL, report["cpu_geomean"]))


def parse(argv):
    p = argparse.ArgumentParser(prog="bench-block", description=__doc__.split("\n", 1)[0])
    p.add_argument("--quick", action="store_true", help="shorter and fewer measurements")
    p.add_argument("--json", metavar="FILE", help="write the figures there as well")
    p.add_argument("--rounds", type=int, help="measurements of each, of which the best counts")
    p.add_argument("--seconds", type=float, help="length of one measurement")
    p.add_argument("--queues", metavar="N,...", default="1,2",
                   help="queues, and threads using them")
    p.add_argument("--backends", metavar="NAME,...", default=",".join(BACKENDS))
    p.add_argument("--patterns", metavar="NAME,...", default=",".join(PATTERNS))
    p.add_argument("--transport", choices=("pci", "mmio"), default="pci")
    p.add_argument("--controller", choices=("plic", "aia"), default="plic",
                   help="aia needs a QEMU newer than 7.2")
    p.add_argument("--aio", choices=("threads", "io_uring"), default="io_uring")
    p.add_argument("--folder", help="where the disk's file is made; choose the disk to measure")
    p.add_argument("--mib", type=int, default=512, help="size of the disks")
    options = p.parse_args(argv)
    options.rounds = options.rounds or (2 if options.quick else 5)
    options.seconds = options.seconds or (0.3 if options.quick else 1.0)
    options.size = options.mib * MIB
    options.backends = options.backends.split(",")
    options.patterns = options.patterns.split(",")
    for name, known in [(x, BACKENDS) for x in options.backends] + [
            (x, list(PATTERNS)) for x in options.patterns]:
        if name not in known:
            p.error("'%s' is none of %s" % (name, ", ".join(known)))
    try:
        options.queues = [int(x) for x in options.queues.split(",")]
    except ValueError:
        p.error("--queues '%s' is no list of numbers" % options.queues)
    if not all(1 <= x <= 16 for x in options.queues) or options.mib < 16:
        p.error("--queues takes 1 to 16, --mib 16 or more")
    return options


def figures(context, options):
    rows = disks(context, options)
    # A run too short for the kernel to have counted a tick says nothing about processor time.
    cpu = [r["cpu_us"]["godwit"] / r["cpu_us"]["qemu"] for r in rows
           if min(r["cpu_us"].values()) > 0]
    return {"rows": rows, "geomean": statistics.geometric_mean(r["ratio"] for r in rows),
            "cpu_geomean": statistics.geometric_mean(cpu) if cpu else float("nan")}


def main(argv):
    options = parse(argv)
    facts = {"transport": options.transport, "controller": options.controller, "aio": options.aio}
    return sidebyside.run("block", options, facts, figures, show, options.folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
