# SPDX-License-Identifier: BSD-2-Clause
"""Disks for the tests that boot Linux: images, the options that attach them, and what the host finds
on them afterwards.  It owns how an image is made and judged, and knows no test."""

import os
import re
import shutil
import struct
import subprocess
import zlib

import gwttest
import linuxguest

ROOT = os.path.join(gwttest.GUEST_DIR, "root.img")
# The peer, when GODWIT names it, has older variants of its devices and other names of machines.
PEER = "qemu" in os.path.basename(gwttest.GODWIT)
MACHINES = {"plic": "virt", "aia": "virt,aia=aplic-imsic" if PEER else "virt-aia"}
TROUBLE = ("Oops", "BUG:", "Kernel panic", "WARNING:", "rcu: INFO", "Bad page", "I/O error",
           "EXT4-fs error", "EXT4-fs warning", "JBD2: Error", "blocked for more than", "soft lockup")


def program(name, package):
    """The path of a host program that may stand in /sbin."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        raise gwttest.Skip("%s is not installed (package %s)" % (name, package))
    return found


def has_plugin(name):
    return PEER or os.path.exists(os.path.join(gwttest.BUILDDIR, "plugins", name + ".so"))


def need_disk():
    """Skip the whole file where there is nothing to boot from a disk."""
    linuxguest.need_guest()
    if not os.path.exists(ROOT):
        gwttest.skip_all("the Linux guest has no root disk; run tools/guest/make-guest")
    if not has_plugin("virtio-blk"):
        gwttest.skip_all("the plugin virtio-blk is not built")
    if gwttest.SANITIZERS:
        gwttest.skip_all("the long boots are left to the build without sanitizers")


def need_machine(t, controller):
    if controller != "aia":
        return
    if PEER and b"version 7." in subprocess.run([gwttest.GODWIT, "--version"], check=False,
                                                stdout=subprocess.PIPE).stdout:
        t.skip("Linux hangs on this QEMU's AIA")
    if not PEER and not os.path.exists(os.path.join(gwttest.SRCDIR, "compat", "virt-aia-1.0.json")):
        t.skip("there is no machine type virt-aia")


def copy(image, path):
    subprocess.run(["cp", "--sparse=always", image, path], check=True)


def root_copy(t, name="root.img"):
    path = t.path(name)
    copy(ROOT, path)
    return path


def device(kind, transport, options):
    """-device KIND over that transport; options begin without a comma."""
    name = kind + ("-device" if transport == "mmio" else "-pci")
    if PEER and transport == "pci":
        name += ",disable-legacy=on"
    return ["-device", name + ("," + options if options else "")]


def disk(path, transport="pci", name="disk0", drive="", options=""):
    """A raw image as a disk of the guest."""
    return ["-drive", "file=%s,format=raw,if=none,id=%s%s" % (path, name, drive and "," + drive),
            *device("virtio-blk", transport, "drive=%s%s" % (name, options and "," + options))]


def boot(t, *extra, append="root=/dev/vda", qmp=False, env=None, **how):
    """Boot with what EXTRA adds, to the prompt of the root disk."""
    vm = t.start(*linuxguest.arguments(append=append, **how), *extra, qmp=qmp, env=env)
    linuxguest.ready(vm)
    return vm


def healthy(t, vm):
    """The kernel had nothing to complain about."""
    log = vm.console.output.decode("utf-8", "replace")
    for word in TROUBLE:
        t.ok(word not in log, "the kernel complained: %s" % log[max(0, log.find(word) - 200):][:2000])


def check(t, path, recover=False):
    """The file system is whole; with RECOVER after its journal, and only that, is replayed."""
    e2fsck = program("e2fsck", "e2fsprogs")

    def run(*options, fine=(0,)):
        done = subprocess.run([e2fsck, *options, path], stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        t.ok(done.returncode in fine, "e2fsck %s of %s: status %d\n%s" % (
            " ".join(options), path, done.returncode, done.stdout.decode("utf-8", "replace")))

    if recover:
        run("-y", "-E", "journal_only", fine=(0, 1))
        # Files that were open when the guest died are no damage; -p refuses what is.
        run("-p", fine=(0, 1))
    run("-fn")


def told(vm):
    """{thread: number of its last record that disktest told to be on the disk}"""
    last = {}
    for thread, number in re.findall(rb"^@(\d+) (\d+)\r*\n", vm.console.output, re.M):
        last[int(thread)] = int(number)
    return last


def records(t, path, folder, seed, last):
    """Every record that was told is on the image; the layout is that of tests/guest/disk/records.c."""
    out = t.path("records")
    os.makedirs(out)
    t.cleanup(shutil.rmtree, out, True)
    subprocess.run([program("debugfs", "e2fsprogs"), "-R", "rdump %s %s" % (folder, out), path],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for thread, number in last.items():
        for n in range(number + 1):
            name = os.path.join(out, os.path.basename(folder), "%d-%d" % (thread, n // 16))
            t.ok(os.path.exists(name), "the file of record %d of thread %d, of %d told, is not there"
                 % (n, thread, number))
            with open(name, "rb") as f:
                f.seek(n % 16 * 4096)
                record = f.read(4096)
            t.equal(len(record), 4096, "bytes of record %d of thread %d, of %d told"
                    % (n, thread, number))
            t.equal(struct.unpack("<QQQ", record[:24]), (seed, thread, n), "head of a record")
            t.equal(struct.unpack("<I", record[4092:])[0], zlib.crc32(record[:4092]),
                    "checksum of record %d of thread %d" % (n, thread))
    shutil.rmtree(out)
