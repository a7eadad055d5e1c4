# SPDX-License-Identifier: BSD-2-Clause
"""Flash banks with a drive: what the guest has in them goes along, and is in the drive at the other end
once the guest runs there, whichever file that is."""

import os
import select
import time

import gwttest
from mover import Mover

SIZE = 32 << 20


def content(t, name, *patches):
    with open(t.path(name), "wb") as f:
        f.truncate(SIZE)
        for at, data in patches:
            f.seek(at)
            f.write(data)
    return t.path(name)


def drive(path, *more):
    return ["-drive", ",".join(["if=pflash,unit=1,format=raw,file=" + path, *more])]


def move(m, a, b):
    a.qmp.cmd("migrate", uri="unix:" + m.socket())
    m.finished(a)
    m.wait(b, "completed")
    m.lives(b)


def until(t, done, what):
    end = time.monotonic() + 60 * gwttest.SCALE
    while not done():
        if time.monotonic() > end:
            raise gwttest.Failure("never: " + what)
        select.select([], [], [], 0.01)


def same(one, two):
    with open(one, "rb") as f, open(two, "rb") as g:
        return f.read() == g.read()


@gwttest.test("a drive of its own gets what the guest brings along")
def copied(t):
    m = Mover(t)
    mine = content(t, "mine", (0, b"first"), (SIZE // 2 + 12345, b"middle"), (SIZE - 4, b"last"))
    theirs = content(t, "theirs", (0x100000, b"old"), (SIZE - 100, b"older"))
    a = m.start(*drive(mine))
    b = m.start(*drive(theirs), incoming="unix:" + m.socket())
    move(m, a, b)
    until(t, lambda: same(mine, theirs), "the same content")
    t.equal(a.stderr() + b.stderr(), "")


@gwttest.test("one drive for both changes hands, and keeps its content")
def shared(t):
    m = Mover(t)
    path = content(t, "both", (0x1234, b"content"))
    with open(path, "rb") as f:
        before = f.read()
    a = m.start(*drive(path))
    b = m.start(*drive(path), incoming="unix:" + m.socket())
    move(m, a, b)
    b.qmp.cmd("quit")
    t.equal(b.wait(), 0, "exit status")
    with open(path, "rb") as f:
        t.ok(f.read() == before, "the content has changed")
    t.equal(a.stderr() + b.stderr(), "")


@gwttest.test("a read-only drive that differs stays as it is, and the user is told")
def read_only(t):
    m = Mover(t)
    mine = content(t, "mine", (0x200001, b"new"))
    theirs, before = content(t, "theirs"), content(t, "before")
    a = m.start(*drive(mine, "readonly=on"))
    b = m.start(*drive(theirs, "readonly=on"), incoming="unix:" + m.socket())
    move(m, a, b)
    until(t, b.stderr, "a line on stderr")
    m.one_line(b, "cfi-flash: the drive differs from what the guest brought along, from 0x200000 on, and is "
                  "read-only; the guest sees its own until godwit ends")
    t.ok(same(theirs, before), "the file has changed")
    t.ok(os.path.getsize(theirs) == SIZE, "its size has changed")


gwttest.main()
