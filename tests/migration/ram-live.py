# SPDX-License-Identifier: BSD-2-Clause
"""Memory that a guest writes to while it is moved: all of it arrives, as pages, as differences, or by
staying where it is; and a guest that writes too fast is slowed down."""

import os
import select

import dirtier
import gwttest
import mover
from mover import Mover

MIB = 1 << 20
SIZE = 16


def memory(path):
    """Arguments for RAM that is the file PATH."""
    return ["-object", "memory-backend-file,id=m0,size=%dM,share=on,mem-path=%s" % (SIZE, path)]


def start(m, path, *args, **kwargs):
    return m.start(*WITHOUT, *memory(path), *args, machine="virt,memory-backend=m0",
                   memory="%dM" % SIZE, **kwargs)


def differences(one, other):
    with open(one, "rb") as f, open(other, "rb") as g:
        a, b = f.read(), g.read()
    return [n for n in range(0, SIZE * MIB, 4096) if a[n:n + 4096] != b[n:n + 4096]]


def at_round(m, a, number):
    while a.qmp.cmd("query-migrate").get("ram", {}).get("dirty-sync-count", 0) < number:
        if m.status(a) in ("completed", "failed", "cancelled"):
            raise gwttest.Failure("it is %s before its time" % m.status(a))
        select.select([], [], [], 0.01)


class Writer:
    """A guest that writes all the while (see dirtier.py), in one file, moved to another one at a rate at
    which there is always something left."""

    def __init__(self, t, *capabilities, **parameters):
        self.t, self.m = t, Mover(t)
        self.one, self.other = t.path("one"), t.path("other")
        image = t.path("dirtier")
        with open(image, "wb") as f:
            f.write(dirtier.PROGRAM)
        self.a = start(self.m, self.one, image=image)
        self.b = start(self.m, self.other, "-S", incoming="unix:" + self.m.socket())
        with open(self.one, "rb") as f:
            while not any(os.pread(f.fileno(), 4096, 8 * MIB)):
                select.select([], [], [], 0.01)
        self.m.set(self.a, *capabilities, max_bandwidth=MIB // 2, downtime_limit=0, **parameters)
        self.a.qmp.cmd("migrate", uri="unix:" + self.m.socket())

    def end(self, rounds):
        at_round(self.m, self.a, rounds)
        self.m.set(self.a, max_bandwidth=1 << 40, downtime_limit=60000)
        answer = self.m.finished(self.a)
        self.m.wait(self.b, "completed")
        self.t.equal(differences(self.one, self.other), [], "pages that differ")
        return answer


@gwttest.test("each page is the same at both ends when the guest has come to rest")
def pages(t):
    answer = Writer(t).end(4)
    t.ok("xbzrle-cache" not in answer, "%r" % answer)
    t.ok(answer["ram"]["normal"] > 3 * dirtier.PAGES, "%r" % answer["ram"])


@gwttest.test("sent as differences, too")
def differences_only(t):
    w = Writer(t, "xbzrle")
    at_round(w.m, w.a, 2)
    # What differs is soon sent, and the guest must have time to write in each round.
    w.m.set(w.a, max_bandwidth=MIB // 8)
    answer = w.end(7)
    cache = answer["xbzrle-cache"]
    t.ok(cache["pages"] > 2 * dirtier.PAGES, "nothing went as a difference: %r" % cache)
    t.ok(cache["bytes"] < cache["pages"] * 1024, "differences are large: %r" % cache)
    t.equal(cache["cache-size"], 64 * MIB)


@gwttest.test("a cache that is too small for the guest's pages, and grows meanwhile")
def small_cache(t):
    w = Writer(t, "xbzrle", xbzrle_cache_size=65536)
    at_round(w.m, w.a, 4)
    w.m.set(w.a, xbzrle_cache_size=8 * MIB, max_bandwidth=MIB // 8)
    t.equal(w.end(7)["xbzrle-cache"]["cache-size"], 8 * MIB)


@gwttest.test("memory that both ends share stays where it is")
def shared(t):
    m = Mover(t)
    path = t.path("memory")
    a = start(m, path)
    m.lives(a)
    b = start(m, path, incoming="unix:" + m.socket())
    for vm in (a, b):
        m.set(vm, "x-ignore-shared")
    before = os.stat(path)
    a.qmp.cmd("migrate", uri="unix:" + m.socket())
    answer = m.finished(a)
    m.wait(b, "completed")
    # What is left is ROM.
    t.ok(answer["ram"]["total"] < 80 * MIB and answer["ram"]["normal"] < 100,
         "%r" % answer["ram"])
    m.lives(b)
    t.equal(os.stat(path).st_ino, before.st_ino)


@gwttest.test("one end wants to share and the other does not: refused, and the guest goes on")
def shared_by_one(t):
    m = Mover(t)
    a = start(m, t.path("memory"))
    m.lives(a)
    b = start(m, t.path("other"), incoming="unix:" + m.socket())
    m.set(a, "x-ignore-shared", "return-path")
    a.qmp.cmd("migrate", uri="unix:" + m.socket())
    m.finished(a, "failed")
    t.equal(b.wait(), 1, "exit status")
    m.one_line(b, "capability 'x-ignore-shared' is on at the sender and off here; set it alike at "
                  "both ends")
    m.lives(a)


@gwttest.test("one file for both, which neither end was told: refused, and the guest goes on")
def shared_by_accident(t):
    m = Mover(t)
    path = t.path("memory")
    a = start(m, path)
    m.lives(a)
    b = start(m, path, incoming="unix:" + m.socket())
    m.set(a, "return-path")
    m.set(b, "return-path")
    a.qmp.cmd("migrate", uri="unix:" + m.socket())
    m.finished(a, "failed")
    t.equal(b.wait(), 1, "exit status")
    m.one_line(b, "RAM block 'm0': its file is the memory of process %d too, which the pages that come "
                  "would change; set capability 'x-ignore-shared' at both ends, or give this end "
                  "another file" % a.popen.pid)
    m.lives(a)


@gwttest.test("a guest that writes faster than it is sent is slowed down, and not afterwards")
def converge(t):
    m = Mover(t, pages=256)
    a = m.start(*WITHOUT)
    b = m.start(*WITHOUT, incoming="unix:" + m.socket())
    m.lives(a)
    m.set(a, "auto-converge", max_bandwidth=MIB, downtime_limit=1, cpu_throttle_initial=40,
          cpu_throttle_increment=30)
    a.qmp.cmd("migrate", uri="unix:" + m.socket())
    seen = 0
    while seen < 70:
        answer = m.wait(a, "setup", "active")
        now = answer.get("cpu-throttle-percentage", 0)
        t.ok(now in (0, 40, 70), "%d percent" % now)
        t.ok(now >= seen, "%d percent after %d" % (now, seen))
        seen = now
    m.lives(a)
    a.qmp.cmd("migrate_cancel")
    t.ok("cpu-throttle-percentage" not in m.finished(a, "cancelled"), "it is still slowed down")
    m.lives(a)
    b.kill()


WITHOUT = []


def main():
    t = gwttest.Context("blockers")
    try:
        WITHOUT.extend(mover.blockers(t))
    finally:
        t.close()
    gwttest.main()


main()
