# SPDX-License-Identifier: BSD-2-Clause
"""The guest of tests/bare/moved/disk.c: four harts that keep a disk busy on all of its queues while
they are moved, and notice whatever is not as it was.

It owns the guest's program, what is said to it and what its disk has to hold in the end.  Must not
know how it is moved.
"""

import re
import time

import bareguest
import gwttest

BLOCK = 4096


def need():
    """The program's path; skips the whole file where it cannot be built."""
    return bareguest.need("disk")


def said(vm, pattern):
    """What the guest says next that fits PATTERN; a complaint of it is a failure."""
    match = vm.expect(r"(?:%s)[^\n]*\n|!" % pattern)
    if match[0] == b"!":
        vm.expect(r"\n")
        raise gwttest.Failure("the guest noticed: "
                              + vm.console.output[match.start():].decode("ascii", "replace"))
    return match[0].decode("ascii")


def _numbers(line):
    """Each NAME=NUMBER[,NUMBER...] of LINE, in its order: {name: [number]}"""
    found = {}
    for name, values in re.findall(r"(\w+)=([\w,]+)", line):
        found.setdefault(name, []).extend(int(v, 16) for v in values.split(","))
    return found


def ready(vm):
    """Wait until it has begun: what it sees, {harts, queues, extensions, mask}, each a list."""
    return _numbers(said(vm, "ready"))


def count(vm):
    """How often each block of the disk has been written and read back by now."""
    vm.send("s")
    return int(said(vm, r"\[").strip("[]\n"), 16)


def goes_on(vm, since=0):
    """Its work is not behind SINCE and makes progress, every hart's and every request's."""
    first = now = count(vm)
    if first < since:
        raise gwttest.Failure("the guest is at %d, and was at %d before" % (first, since))
    end = time.monotonic() + 60 * gwttest.SCALE
    while now < first + 2:
        if time.monotonic() > end:
            raise gwttest.Failure("the guest does not get beyond %d: %s"
                                  % (now, vm.console.output[-300:]))
        now = count(vm)
    return now


def finish(t, vm, image):
    """It ends, every request has been answered once, and the disk holds what was written last."""
    vm.send("q")
    end = _numbers(said(vm, "end"))
    t.equal(vm.wait(), 0, "exit status, after the guest's end")
    slots = end.get("slots", [])
    t.equal(end["sent"], [2 * sum(slots)], "requests")
    with open(image, "rb") as f:
        for slot, rounds in enumerate(slots):
            f.seek(slot * BLOCK)
            wanted = b"".join((rounds << 24 | slot << 16 | i).to_bytes(8, "little")
                              for i in range(BLOCK // 8))
            t.ok(rounds == 0 or f.read(BLOCK) == wanted, "block %d of the disk is not that of "
                 "round %d" % (slot, rounds))
    vm.close()
