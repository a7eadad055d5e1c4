# SPDX-License-Identifier: BSD-2-Clause
"""Linux on a qcow2 image that qemu-nbd serves, and images that two emulators must not write."""

import contextlib
import os
import select
import shutil
import signal
import subprocess

import disklife
import gwttest
import linuxdisk
import linuxguest

linuxdisk.need_disk()


def has_nbd():
    """libnbd may have been missing when this was configured."""
    if linuxdisk.PEER:
        return True
    with open(os.path.join(gwttest.BUILDDIR, "config.h"), encoding="ascii") as f:
        return "#define HAVE_LIBNBD 1" in f.read()


class Server:
    """qemu-nbd on a socket that is there once this is made."""

    def __init__(self, t, path):
        self.address = t.path("nbd.sock")
        pid_file = t.path("nbd.pid")
        subprocess.run([linuxdisk.program("qemu-nbd", "qemu-utils"), "-f", "qcow2", "-k",
                        self.address, "-x", "root", "-t", "-e", "8", "--discard=unmap", "--fork",
                        "--pid-file", pid_file, path], check=True, stdin=subprocess.DEVNULL)
        with open(pid_file, encoding="ascii") as f:
            self.pid = int(f.read())
        self.end = os.pidfd_open(self.pid)
        t.cleanup(self.close)

    def stop(self, t):
        os.kill(self.pid, signal.SIGTERM)
        ended, _, _ = select.select([self.end], [], [], 60 * gwttest.SCALE)
        t.ok(ended, "qemu-nbd does not end")

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.end, signal.SIGKILL)
        os.close(self.end)

    def disk(self):
        return ["-blockdev", "driver=nbd,node-name=disk0,server.type=unix,server.path=%s,"
                "export=root" % self.address, *linuxdisk.device("virtio-blk", "pci", "drive=disk0")]


def serve(t):
    """The root disk as qcow2, with a server."""
    if not has_nbd():
        t.skip("built without libnbd")
    image = t.path("root.qcow2")
    subprocess.run([linuxdisk.program("qemu-img", "qemu-utils"), "convert", "-f", "raw", "-O",
                    "qcow2", linuxdisk.ROOT, image], check=True)
    return Server(t, image), image


def judge(t, path, recover=False):
    """The image is whole, and so is the file system in it; a raw copy."""
    subprocess.run(["qemu-img", "check", "-q", path], check=True)
    raw = t.path("judged.img")
    subprocess.run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", path, raw], check=True)
    linuxdisk.check(t, raw, recover=recover)
    return raw


@gwttest.test("root on qcow2 through qemu-nbd")
def root(t):
    server, image = serve(t)
    vm = linuxdisk.boot(t, *server.disk())
    disklife.work(t, vm, 2, 11, 600)
    linuxguest.output(t, vm, "mkdir kept; disktest records seed=11 threads=2 records=20 kept")
    linuxguest.power_off(t, vm)
    linuxdisk.healthy(t, vm)
    server.stop(t)
    linuxdisk.records(t, judge(t, image), "/root/kept", 11, {0: 19, 1: 19})


@gwttest.test("what fsync returned for has passed qemu-nbd when the emulator is killed")
def killed(t):
    server, image = serve(t)
    vm = linuxdisk.boot(t, *server.disk())
    vm.send("stty -echo; mkdir records; sync; disktest records seed=12 threads=2 records\n")
    for _ in range(50):
        vm.expect(r"^@\d+ \d+\r*\n")
    vm.kill()
    vm.console.drain()
    server.stop(t)
    linuxdisk.records(t, judge(t, image, recover=True), "/root/records", 12, linuxdisk.told(vm))


def refused(t, program, *arguments):
    """That program must not open the image either; what it says."""
    done = subprocess.run([program, *arguments], check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    t.ok(done.returncode != 0, "%s opened it" % program)
    return done.stdout.decode("utf-8", "replace")


@gwttest.test("two guests never open one image for writing; several may read")
def shared(t):
    if linuxdisk.PEER:
        t.skip("the peer's words differ")
    image = linuxdisk.root_copy(t)
    vm = linuxdisk.boot(t, *linuxdisk.disk(image))
    second = [*linuxguest.arguments(append="root=/dev/vda"), *linuxdisk.disk(image)]
    line = t.error(image, *second)
    t.contains(line, "lock")
    for drive in ("readonly=on", "cache=none"):
        t.contains(t.error(image, *linuxguest.arguments(), *linuxdisk.disk(image, drive=drive)),
                   "lock")
    if shutil.which("qemu-img"):
        t.contains(refused(t, "qemu-img", "resize", "-f", "raw", image, "300M"), "lock")
    # The first was not disturbed.
    t.contains(linuxguest.output(t, vm, "disktest random seed=1 ops=50 /root"), ": passed")
    linuxguest.power_off(t, vm)
    linuxdisk.check(t, image)
    readers = []
    for _ in range(2):
        vm = linuxdisk.boot(t, *linuxdisk.disk(image, drive="readonly=on"), harts=1,
                            append="root=/dev/vda ro rootflags=noload")
        t.equal(linuxguest.output(t, vm, "cat /sys/block/vda/ro").strip(), "1", "read only")
        readers.append(vm)
    t.contains(t.error(image, *second), "lock")
    for vm in readers:
        linuxguest.power_off(t, vm)
    linuxdisk.check(t, image)


gwttest.main()
