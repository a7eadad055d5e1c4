#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""make bench-migrate: a running Linux moved live, by this emulator and by Debian's
qemu-system-riscv64, side by side.

Both run the same guest, whose program (bench/guest/migrate.c) has filled half of its memory and
writes to it at a rate.  Each is moved to a second process of its own kind, over the same transport
with the same limits; measurements alternate between the two.  The source goes on afterwards, so all
of them are of one boot.

It must not know how an emulator works inside.
"""

import argparse
import mmap
import os
import pathlib
import re
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
from sidebyside import EMULATORS  # noqa: E402

TRANSPORTS = ("unix", "tcp", "file")
# name: MiB a second that the guest writes, through how many MiB
LOADS = {"idle": (0, 0), "32M/s": (32, 64), "256M/s": (256, 64)}
# Nothing is held back, so that what the emulators can do is seen; "default" is their own.
LIMITS = {"none": 1 << 40, "default": 128 << 20}
BEAT_MS = 5
SECONDS = 300
GOALS = {"total_ms": 1.0, "downtime_ms": 1.0, "bytes": 1.0, "cpu_s": 1.0}
FIGURES = tuple(GOALS)


def warm(mib):
    """Have the host find that much memory now, in the large pages that emulators ask for: on a
    virtual machine whose free pages have gone back to its own host, the first to touch them would
    pay for that, with seconds."""
    with mmap.mmap(-1, mib << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        if hasattr(mmap, "MADV_HUGEPAGE"):
            memory.madvise(mmap.MADV_HUGEPAGE)
        for at in range(0, mib << 20, mmap.PAGESIZE):
            memory[at] = 1


class Guest:
    """A running emulator whose Linux takes the lines of bench/guest/migrate.c."""

    def __init__(self, context, which, mib, options):
        self.context, self.which, self.mib = context, which, mib
        self.count = 0
        self.initrd = options.initrd
        self.scratch = options.scratch
        self.stream = os.path.join(options.folder or options.scratch,
                                   "bench-migrate-%d-%s" % (os.getpid(), which))
        context.cleanup(pathlib.Path(self.stream).unlink, True)
        self.source = self._start()
        self.source.expect("^@ready", SECONDS)
        self.say("fill %d" % (mib // 2))
        self.say("beat %d" % BEAT_MS)
        # It runs only while it is measured: nothing of it is in the way of the other's.
        self.source.qmp.cmd("stop")
        self.pages = self._pages()

    def _start(self, *more):
        self.count += 1
        address = os.path.join(self.scratch, "%s-%d-%d.qmp" % (self.which, self.mib, self.count))
        argv = linuxguest.arguments(harts=2, memory="%dM" % self.mib,
                                    append="quiet -- /bench-migrate")
        argv[argv.index("-initrd") + 1] = self.initrd
        process = self.context.start_program(
            sidebyside.PROGRAM[self.which], *argv, "-qmp", "unix:%s,server=on,wait=off" % address,
            *more)
        process.qmp = gwttest.Qmp.connect(address, alive=process.alive)
        return process

    def say(self, line):
        self.source.send(line + "\n")
        self.source.expect("^@end", SECONDS)

    def _target(self, transport):
        """The destination's process, if any, and the URI."""
        if transport == "file":
            path = self.stream
            if self.which == "godwit":
                return None, "file:" + path
            # QEMU 7.2 has no file transport; a descriptor of a file is what comes closest.
            with open(path, "wb") as f:
                socket.send_fds(self.source.qmp.sock, [b'{"execute": "getfd", "arguments": '
                                                       b'{"fdname": "stream"}}\r\n'], [f.fileno()])
                answer = self.source.qmp.reply()
            if "return" not in answer:
                raise gwttest.Failure("qemu: getfd: %r" % answer)
            return None, "fd:stream"
        if transport == "tcp":
            uri = "tcp:127.0.0.1:%d" % sidebyside.free_port()
        else:
            uri = "unix:" + os.path.join(self.scratch, "%s-%d.sock" % (self.which, self.count))
        return self._start("-incoming", uri), uri

    def _pages(self):
        """Pages of the guest that are not zero, counted where it stands: no two boots of Linux have
        the same number, and each costs 4 KiB on the way."""
        qmp = self.source.qmp
        qmp.cmd("migrate-set-parameters", max_bandwidth=LIMITS["none"])
        _, uri = self._target("file")
        qmp.cmd("migrate", uri=uri)
        info = self._completed(lambda: time.sleep(0.02))
        os.unlink(self.stream)
        return info["ram"]["normal"]

    def _completed(self, meanwhile):
        while True:
            # Seldom asked, since to answer costs both of them.
            meanwhile()
            info = self.source.qmp.cmd("query-migrate")
            if info["status"] == "failed":
                raise gwttest.Failure("%s: %s" % (self.which, info.get("error-desc")))
            # QEMU 7.2 is completed for a moment before its figures are there.
            if info["status"] == "completed" and info["total-time"]:
                return info

    def _used(self, target):
        """Processor time of both ends without that of the source's vCPUs."""
        vcpus = [c["thread-id"] for c in self.source.qmp.cmd("query-cpus-fast")]
        used = sidebyside.cpu_seconds(self.source.pid, vcpus)
        return used + (sidebyside.cpu_seconds(target.pid) if target else 0)

    def _slope(self, begin, end):
        """Work a second that the beats between two points of the source's output show."""
        text = bytes(self.source.console.output[begin:end])
        beats = [(int(a), int(b)) for a, b in re.findall(rb"@beat (\d+) (\d+)\r?\n", text)]
        if len(beats) < 3:
            return None
        (t0, w0), (t1, w1) = beats[0], beats[-1]
        return (w1 - w0) * 1e9 / (t1 - t0)

    def _listen(self, seconds):
        """Read the console for a while; where its output began and ends."""
        console = self.source.console
        begin, end = len(console.output), time.monotonic() + seconds
        while time.monotonic() < end:
            console.fill(end - time.monotonic())
        return begin, len(console.output)

    def move(self, load, transport, limit):
        """One of the rows that measure () judges."""
        qmp = self.source.qmp
        qmp.cmd("cont")
        self.say("dirty %d %d" % LOADS[load])
        self.say("work %d" % (LOADS[load][0] > 0))
        target, uri = self._target(transport)
        qmp.cmd("migrate-set-parameters", max_bandwidth=limit)
        before = self._slope(*self._listen(0.3))
        # Now: the kernel gives free pages back to a host in a matter of seconds.
        warm(self.mib)
        _, begin = self._listen(0.02)  # what the guest said meanwhile is neither before nor during
        used = self._used(target)
        qmp.cmd("migrate", uri=uri)
        info = self._completed(lambda: self._listen(0.02))  # the beats are read
        if target:
            self._wait_running(target)
        row = {"total_ms": info["total-time"], "downtime_ms": info["downtime"],
               "bytes": info["ram"]["transferred"], "cpu_s": self._used(target) - used,
               "rounds": info["ram"]["dirty-sync-count"]}
        during = self._slope(begin, len(self.source.console.output))
        row["slowdown"] = 1 - during / before if before and during else None
        # QEMU 7.2 loses the guest's timers: there is nothing to be seen at its new place.
        if target and self.which == "godwit":
            self._goes_on(target)
        if target:
            target.kill()
            target.close()
        else:
            os.unlink(self.stream)
        return row

    def _wait_running(self, target):
        end = time.monotonic() + SECONDS
        while not target.qmp.cmd("query-status")["running"]:
            if time.monotonic() > end:
                raise gwttest.Failure("%s: the guest did not arrive" % self.which)
            time.sleep(0.01)

    def _goes_on(self, target):
        """The guest beats at its new place, and its clock went on from where it was."""
        last = int(re.findall(rb"@beat (\d+) ", self.source.console.output)[-1])
        first = int(target.expect(rb"^@beat (\d+) ", 30).group(1))
        if not last < first < last + 10**9:
            raise gwttest.Failure("the guest's clock was at %d ns, and then at %d" % (last, first))

    def end(self):
        self.source.kill()
        self.source.close()


def rounds(mib, limit, options):
    """Small guests move fast, and more often; at the default limit the limit is all that counts."""
    return options.rounds or (1 if options.quick else 2 if limit == "default"
                              else 7 if mib <= 1024 else 5)


def measure(guests, mib, load, transport, limit, options):
    rows = {w: [] for w in EMULATORS}
    for _ in range(rounds(mib, limit, options)):
        for w in EMULATORS:
            rows[w].append(guests[w].move(load, transport, LIMITS[limit]))
    out = {"mib": mib, "load": load, "transport": transport, "limit": limit}
    # The best of each: noise only ever takes away.  A downtime below its unit counts as half of it.
    # Not so the bytes: a move that stops its guest early sends the fewest.  They are compared as
    # bytes for a page of the guest.
    for name in FIGURES:
        floor = {"downtime_ms": 0.5, "total_ms": 0.5, "cpu_s": 0.005}.get(name, 1)
        pick = statistics.median if name == "bytes" else min
        best = {w: max(pick([r[name] for r in rows[w]]), floor) for w in EMULATORS}
        out[name] = best
        out[name + "_ratio"] = best["qemu"] / best["godwit"]
    out["pages"] = {w: guests[w].pages for w in EMULATORS}
    out["bytes_ratio"] *= out["pages"]["godwit"] / out["pages"]["qemu"]
    for w in EMULATORS:
        known = [r["slowdown"] for r in rows[w] if r["slowdown"] is not None]
        out.setdefault("slowdown", {})[w] = statistics.median(known) if known else None
    out["rounds"] = {w: statistics.median(r["rounds"] for r in rows[w]) for w in EMULATORS}
    out["moves"] = rows
    return out


def moves(context, options):
    options.initrd = guestimage.initrd(options.scratch, linuxguest.INITRD, "bench-migrate",
                                       ["migrate.c"])
    rows = []
    for mib in options.sizes:
        sidebyside.note("booting with %d MiB" % mib)
        guests = {w: Guest(context, w, mib, options) for w in EMULATORS}
        cases = [(load, transport, "none") for load in options.loads
                 for transport in options.transports]
        if "default" in options.limits:
            cases.append(("idle", options.transports[0], "default"))
        for load, transport, limit in cases:
            sidebyside.note("%d MiB, %s, %s" % (mib, load, transport))
            rows.append(measure(guests, mib, load, transport, limit, options))
        for w in EMULATORS:
            guests[w].end()
    means = {name: statistics.geometric_mean(r[name + "_ratio"] for r in rows) for name in FIGURES}
    return {"rows": rows, "geomeans": means}


COLUMNS = (("total_ms", "total ms", 1, 0), ("downtime_ms", "downtime ms", 1, 1),
           ("bytes", "MB sent", 1e-6, 0), ("cpu_s", "CPU s", 1, 2))


def cells(r):
    """A row as text: what it is, then godwit's figure, QEMU's and their ratio for each column."""
    out = [str(r["mib"]), r["load"], r["transport"], r["limit"]]
    for name, _, scale, digits in COLUMNS:
        out += ["%.*f" % (digits, r[name][w] * scale) for w in EMULATORS]
        out.append("%.2f" % r[name + "_ratio"])
    return out + ["%.0f" % (100 * x) if x is not None else "-" for x in
                  (r["slowdown"][w] for w in EMULATORS)]


def show(report, markdown):
    for mib, pages in {r["mib"]: r["pages"] for r in report["rows"]}.items():
        print("%d MiB: %s pages are not zero" % (mib, ", ".join(
            "%s's guest's %d" % (w, pages[w]) for w in EMULATORS)))
    titles = [title for _, title, _, _ in COLUMNS]
    means = ["%.2f" % report["geomeans"][name] for name, _, _, _ in COLUMNS]
    if markdown:
        heads = ["MiB", "load", "over", "limit", *(
            x for t in titles for x in (t, "QEMU", "ratio")), "slowdown %", "QEMU"]
        print("| %s |\n|%s" % (" | ".join(heads), "---|" * len(heads)))
        for r in report["rows"]:
            print("| %s |" % " | ".join(cells(r)))
        print("| geometric mean | | | %s | | |" % " ".join("| | | " + m for m in means))
        return
    print("%-5s %-7s %-5s %-7s  %15s %6s  %13s %6s  %13s %6s  %13s %6s  %11s" % (
        "MiB", "load", "over", "limit", *(x for t in titles for x in (t, "ratio")),
        "slowdown %"))
    widths = (-5, -7, -5, -7, 8, 7, 6, 7, 6, 6, 7, 6, 6, 7, 6, 6, 6, 5)
    for r in report["rows"]:
        low = [n for n in FIGURES if round(r[n + "_ratio"], 2) < GOALS[n]]
        print(" ".join("%*s" % x for x in zip(widths, cells(r)))
              + ("   below its goal: " + ", ".join(low) if low else ""))
    print("godwit first, then qemu; a ratio is qemu's over godwit's, so more is better (goals: %s)"
          % ", ".join("%s %.2f" % g for g in GOALS.items()))
    print("geometric means of the ratios: "
          + ", ".join("%s %s" % x for x in zip(titles, means)))


def parse(argv):
    p = argparse.ArgumentParser(prog="bench-migrate", description=__doc__.split("\n", 1)[0])
    p.add_argument("--quick", action="store_true", help="shorter and fewer measurements")
    p.add_argument("--json", metavar="FILE", help="write the figures there as well")
    p.add_argument("--markdown", action="store_true", help="print a table for the manual")
    p.add_argument("--rounds", type=int, help="moves of each, of which the best counts; as their "
                   "size and limit are")
    p.add_argument("--sizes", metavar="MIB,...", help="guests' memory; 512,2048")
    p.add_argument("--loads", metavar="NAME,...", default=",".join(LOADS))
    p.add_argument("--transports", metavar="NAME,...", default=",".join(TRANSPORTS))
    p.add_argument("--limits", metavar="NAME,...", default=",".join(LIMITS))
    p.add_argument("--folder", help="where streams are written; in memory, so that no disk is measured, "
                   "where the host has /dev/shm")
    options = p.parse_args(argv)
    if not options.folder and os.access("/dev/shm", os.W_OK):
        options.folder = "/dev/shm"
    for name, known in (("loads", LOADS), ("transports", TRANSPORTS), ("limits", LIMITS)):
        chosen = getattr(options, name).split(",")
        setattr(options, name, chosen)
        for x in chosen:
            if x not in known:
                p.error("'%s' is none of %s" % (x, ", ".join(known)))
    try:
        options.sizes = [int(x) for x in
                         (options.sizes or ("512" if options.quick else "512,2048")).split(",")]
    except ValueError:
        p.error("--sizes '%s' is no list of numbers" % options.sizes)
    if not all(192 <= x <= 16384 for x in options.sizes):
        p.error("--sizes takes 192 to 16384")
    return options


def main(argv):
    options = parse(argv)
    return sidebyside.run("migrate", options, {"folder": options.folder}, moves,
                          lambda report: show(report, options.markdown))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
