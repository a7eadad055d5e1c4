#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""-drive and -blockdev on the command line: what they stand for, what is refused, and that no image is
written by two, be the other one QEMU's."""

import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", ".."), "tests"))
import gwttest  # noqa: E402

ABSENT = os.environ.get("GODWIT_ABSENT_PLUGINS", "").split()
NO_DISK = "virtio-blk is not built" if "virtio-blk" in ABSENT or "virtio" in ABSENT else None
DISK = "virtio-blk-device"
BARE = ("-M", "virt", "-m", "32M", "-bios", "none", "-S", "-nodefaults")


def image(t, name="disk.img", size=1 << 20, head=b""):
    path = t.path(name)
    with open(path, "wb") as f:
        f.write(head)
        f.truncate(size)
    return path


def need(t, program):
    if not shutil.which(program):
        t.skip("%s is not installed" % program)


def disk(path, more="", device=""):
    return ("-blockdev", "driver=file,node-name=d,filename=%s%s" % (path, more),
            "-device", "%s,drive=d%s" % (DISK, device))


@gwttest.test("-v tells what a -drive stands for", skip=NO_DISK)
def expansion(t):
    path = image(t, "a,b.img")
    _, err = t.run(*BARE, "-dumpdtb", t.path("dtb"), "-v", "-drive",
                   "file=%s,format=raw,cache=none,werror=stop" % path.replace(",", ",,"))
    t.contains(err, "stands for -blockdev node-name=virtio0,")
    t.contains(err, "file.filename=%s" % path.replace(",", ",,"))
    t.contains(err, "cache.direct=on,cache.no-flush=off")
    t.contains(err, ",drive=virtio0,werror=stop")


@gwttest.test("two drives get two names, and an id that is taken is told")
def names(t):
    path, other = image(t), image(t, "other.img")
    t.error("-drive: id 'virtio0' is taken; use another one", *BARE, "-drive", "file=%s" % path,
            "-drive", "file=%s,id=virtio0" % other)
    t.error("-drive: 'y': nothing uses it; add a -device with drive=y, or leave it out", *BARE,
            "-drive", "file=%s,id=y,if=none" % path)


@gwttest.test("a back end without a device is an error, unless a client may give it one")
def unused(t):
    path = image(t)
    t.error("-blockdev: 'd': nothing uses it; add a -device with drive=d, or leave it out", *BARE,
            "-blockdev", "driver=file,node-name=d,filename=%s" % path)
    vm = t.start(*BARE, "-blockdev", "driver=file,node-name=d,filename=%s" % path, qmp=True)
    t.equal(vm.qmp.cmd("query-status")["status"], "prelaunch")
    vm.qmp.cmd("quit")
    t.equal(vm.wait(), 0)


@gwttest.test("what is wrong is told in one line, and nothing is made")
def refusals(t):
    path = t.path("new.img")
    t.error("'%s': cannot be opened: No such file or directory; check the path" % path, *BARE,
            "-drive", "file=%s" % path)
    t.ok(not os.path.exists(path), "no file is made")
    t.error("looks like qcow2: only raw is read here; run 'qemu-nbd", *BARE, "-drive",
            "file=%s" % image(t, "q.img", head=b"QFI\xfb"))
    t.error("there is no block back end 'nope'; add one with '-blockdev driver=DRIVER,...,"
            "node-name=nope'", *BARE, "-device", "%s,drive=nope" % DISK)
    t.error("-snapshot: not in this release: there are no overlays", *BARE, "-snapshot")


@gwttest.test("two devices cannot have one back end", skip=NO_DISK)
def one_user(t):
    path = image(t)
    t.error("is used by", *BARE, *disk(path), "-device", "%s,drive=d" % DISK)


@gwttest.test("two machines do not write one image, and many may read it", skip=NO_DISK)
def two_machines(t):
    path = image(t)
    first = t.start(*BARE, *disk(path), qmp=True)
    first.qmp.cmd("query-status")
    text = t.error("'%s': another process has it open" % path, *BARE, *disk(path))
    t.contains(text, "use read-only=on in both, or file.locking=off")
    t.error("another process has it open for writing", *BARE, *disk(path, ",read-only=on"))
    t.run(*BARE, *disk(path, ",locking=off"), "-dumpdtb", t.path("dtb"))
    first.qmp.cmd("quit")
    t.equal(first.wait(), 0)
    reader = t.start(*BARE, *disk(path, ",read-only=on"), qmp=True)
    reader.qmp.cmd("query-status")
    t.run(*BARE, *disk(path, ",read-only=on"), "-dumpdtb", t.path("dtb"))
    t.error("another process has it open", *BARE, *disk(path))


@gwttest.test("QEMU's programs and this one keep out of each other's images", skip=NO_DISK)
def with_qemu(t):
    need(t, "qemu-io")
    path = image(t)
    write = ["qemu-io", "-f", "raw", "-c", "write -P 7 0 4k", path]
    vm = t.start(*BARE, *disk(path), qmp=True)
    vm.qmp.cmd("query-status")
    peer = subprocess.run(write, capture_output=True, check=False)
    t.ok(peer.returncode != 0, "qemu-io may not write")
    t.contains(peer.stderr.decode(), "lock")
    vm.qmp.cmd("quit")
    t.equal(vm.wait(), 0)
    t.equal(subprocess.run(write, capture_output=True, check=False).returncode, 0, "without us")
    with subprocess.Popen(["qemu-io", "-f", "raw", path], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as peer:
        t.cleanup(peer.kill)
        # its answer says that it has the image open, and with that the lock
        peer.stdin.write(b"length\n")
        peer.stdin.flush()
        t.contains(peer.stdout.readline().decode(), "1 MiB")
        t.error("another process has it open", *BARE, *disk(path))
        t.error("another process has it open for writing", *BARE, *disk(path, ",read-only=on"))
        peer.stdin.close()
        peer.wait()
    t.run(*BARE, *disk(path), "-dumpdtb", t.path("dtb"))


@gwttest.test("share-rw lets two in that both ask for it", skip=NO_DISK)
def share(t):
    path = image(t)
    first = t.start(*BARE, *disk(path, device=",share-rw=on"), qmp=True)
    first.qmp.cmd("query-status")
    t.run(*BARE, *disk(path, device=",share-rw=on"), "-dumpdtb", t.path("dtb"))
    t.error("another process has it open", *BARE, *disk(path))


gwttest.main()
