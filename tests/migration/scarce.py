#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A host that runs out of something while a guest is moved or saved: of memory, of room on a disk.
The guest goes on where it was, and whoever asked is told."""

import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."), "tests"))
import gwttest  # noqa: E402
from mover import Mover  # noqa: E402

MIB = 1 << 20
UNLIMITED = "the sanitizers want more addresses than any limit leaves" if gwttest.SANITIZERS else None


def limit(vm, spare):
    """VM may have SPARE bytes more than it has."""
    with open("/proc/%d/status" % vm.popen.pid, encoding="ascii") as f:
        now = int(re.search(r"VmSize:\s+(\d+)", f.read()).group(1)) << 10
    resource.prlimit(vm.popen.pid, resource.RLIMIT_AS, (now + spare, now + spare))


# Why a move is refused.
WHY = r"the host (has not 32 MiB of memory to spare|gives no thread)"


def refused(t, vm, command, **arguments):
    """The reason, or None."""
    try:
        vm.qmp.cmd(command, **arguments)
        return None
    except gwttest.QmpError as e:
        t.ok(re.search(WHY, e.desc), e.desc)
        return e.desc


def scarce(t, end):
    """Where either END has little memory left the move is refused, or it succeeds."""
    ends = set()
    for spare in [n * MIB // 2 for n in range(1, 20)] + [n * MIB for n in (12, 20, 31, 34, 40, 80, 140)]:
        m = Mover(t)
        m.count = 2 * spare
        a, b = m.start(), m.start("-incoming", "defer")
        m.lives(a)
        for vm in (a, b):
            m.set(vm, "return-path")
        limit(a if end == "sender" else b, spare)
        uri = "unix:" + m.socket("m%d" % spare)
        # The receiver waits for one that does not come.
        why = refused(t, b, "migrate-incoming", uri=uri) or refused(t, a, "migrate", uri=uri)
        if not why and end == "sender":
            # Its second thread may be what there is no memory for.
            answer = m.wait(a, "completed", "failed")
            why = answer.get("error-desc")
            t.ok(not why or re.search(WHY, why), why)
        ends.add(bool(why))
        if not why:
            m.finished(a)
            m.wait(b, "completed")
        m.lives(a if why else b)
        for vm in (a, b):
            vm.kill()
            vm.close()
    t.equal(ends, {True, False}, "whether it was refused")


@gwttest.test("a receiver with hardly any memory left", skip=UNLIMITED)
def receiver(t):
    scarce(t, "receiver")


@gwttest.test("a sender with hardly any memory left", skip=UNLIMITED)
def sender(t):
    scarce(t, "sender")


def small_disk():
    """How to run a program with a disk of 256 KiB at a folder of its own; None: not here."""
    if not shutil.which("unshare"):
        return None
    how = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
           'mount -t tmpfs -o size=256k small "$0" && exec "$@"']
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([*how, folder, "true"], check=False, stderr=subprocess.DEVNULL)
    return how if done.returncode == 0 else None


SMALL = small_disk()


@gwttest.test("a disk that becomes full: the guest goes on, and what was there is there still",
              skip=None if SMALL else "this user may not mount a small disk (unshare --user --mount)")
def full_disk(t):
    folder = t.path("disk")
    os.mkdir(folder)
    m = Mover(t)
    program = gwttest.GODWIT
    address = t.path("qmp")
    a = t.start_program(*SMALL, folder, program, "-M", "virt", "-m", "16M", "-bios", m.image, "-serial",
                        "stdio", "-qmp", "unix:%s,server=on,wait=off" % address)
    a.qmp = gwttest.Qmp.connect(address, alive=a.alive)
    m.lives(a)
    inside = "/proc/%d/root%s/" % (a.popen.pid, folder)
    with open(inside + "state", "wb") as f:
        f.write(b"before")
    for attempt in range(2):
        a.qmp.cmd("state-save", file=folder + "/state")
        answer = m.finished(a, "failed")
        t.contains(answer["error-desc"], "cannot write: No space left on device; make room, or use another file")
        m.lives(a)
        # Its room was given back.
        t.equal(os.listdir(inside), ["state"], "files after attempt %d" % attempt)
        with open(inside + "state", "rb") as f:
            t.equal(f.read(), b"before")
    a.qmp.cmd("migrate", uri="file:%s/other" % folder)
    answer = m.finished(a, "failed")
    t.contains(answer["error-desc"], "file:%s/other: cannot write: No space left on device" % folder)
    m.lives(a)
    # With room it works.
    os.unlink(inside + "other")
    a.qmp.cmd("migrate", uri="file:%s" % t.path("elsewhere"))
    m.finished(a)
    b = m.start(incoming="file:" + t.path("elsewhere"))
    m.wait(b, "completed")
    m.lives(b)


gwttest.main()
