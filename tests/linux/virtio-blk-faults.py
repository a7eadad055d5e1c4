# SPDX-License-Identifier: BSD-2-Clause
"""Linux's disk when the storage below fails, is slow or loses power: flushes, what werror and rerror
say, `cont`."""

import errno
import hashlib
import os
import subprocess
import sys

import gwttest
import linuxguest

sys.path.insert(0, os.path.join(gwttest.SRCDIR, "tests", "virtio-blk"))
import nbdserver  # pylint: disable=wrong-import-position

linuxguest.need_guest()
for plugin in ("virtio", "virtio-blk"):
    if plugin in os.environ.get("GODWIT_ABSENT_PLUGINS", "").split():
        gwttest.skip_all("the plugin %s is not built" % plugin)
if gwttest.SANITIZERS:
    gwttest.skip_all("the long boots are left to the build without sanitizers")

MB = 1 << 20


def server(t):
    disk = nbdserver.Server(t.path("nbd.sock"), 4 * MB)
    t.cleanup(disk.close)
    probe = t.start("-M", "virt", "-display", "none", "-blockdev",
                    "driver=nbd,node-name=d0,server.type=unix,server.path=/nonexistent")
    probe.wait()
    if "configure it with libnbd" in probe.stderr():
        t.skip("built without libnbd")
    return disk


def boot(t, *args, harts=1, qmp=True, env=None):
    vm = t.start(*linuxguest.arguments(harts=harts), *args, qmp=qmp, env=env)
    linuxguest.ready(vm)
    linuxguest.output(t, vm, "dmesg -n 1; drivers")
    return vm


def sysfs(t, vm, name, disk="vda"):
    return linuxguest.output(t, vm, "cat /sys/block/%s/%s" % (disk, name)).strip()


@gwttest.test("what a flush has returned for survives a killed process")
def killed(t):
    disk = server(t)
    vm = boot(t, "-blockdev", disk.options("d0"), "-device", "virtio-blk-device,drive=d0",
              qmp=False)
    linuxguest.output(t, vm, "dd if=/dev/urandom of=/tmp/r bs=512k count=2 2>/dev/null")
    flushes = disk.count(nbdserver.FLUSH)
    linuxguest.output(t, vm, "dd if=/tmp/r of=/dev/vda bs=64k oflag=direct 2>/dev/null")
    data = linuxguest.output(t, vm, "sha256sum </tmp/r").split()[0]
    t.equal(hashlib.sha256(disk.cache[:MB]).hexdigest(), data, "what the disk's cache has")
    t.equal(disk.count(nbdserver.FLUSH), flushes, "flushes that nobody asked for")
    t.ok(disk.durable[:MB] != disk.cache[:MB], "it was on the medium without a flush")
    linuxguest.output(t, vm, "dd if=/tmp/r of=/dev/vda bs=64k seek=16 conv=fsync 2>/dev/null")
    vm.kill()
    t.ok(disk.count(nbdserver.FLUSH) > flushes, "no flush")
    t.equal(hashlib.sha256(disk.durable[:MB]).hexdigest(), data, "written before the flush")
    t.equal(hashlib.sha256(disk.durable[MB:2 * MB]).hexdigest(), data, "flushed")


@gwttest.test("a disk without a write cache: each write is on the medium")
def written_through(t):
    disk = server(t)
    vm = boot(t, "-blockdev", disk.options("d0"),
              "-device", "virtio-blk-device,drive=d0,write-cache=off", qmp=False)
    t.equal(sysfs(t, vm, "cache_type"), "write through", "write cache")
    linuxguest.output(t, vm, "dd if=/dev/urandom of=/tmp/r bs=64k count=4 2>/dev/null; "
                      "dd if=/tmp/r of=/dev/vda bs=64k oflag=direct 2>/dev/null")
    data = linuxguest.output(t, vm, "sha256sum </tmp/r").split()[0]
    vm.kill()
    t.equal(hashlib.sha256(disk.durable[:256 << 10]).hexdigest(), data, "what is on the medium")


@gwttest.test("werror=stop: no space, the machine stops, cont goes on as if nothing were")
def no_space(t):
    disk = server(t)
    vm = boot(t, "-blockdev", disk.options("d0"),
              "-device", "virtio-blk-device,drive=d0,id=disk,werror=stop,rerror=stop")
    linuxguest.output(t, vm, "dd if=/dev/urandom of=/tmp/r bs=64k count=8 2>/dev/null")
    for command, operation, what in (
            (nbdserver.WRITE, "write", "dd if=/tmp/r of=/dev/vda bs=64k oflag=direct"),
            (nbdserver.READ, "read", "dd if=/dev/vda of=/tmp/b bs=64k count=8 iflag=direct")):
        disk.fail = (command, errno.ENOSPC, 1000)
        vm.send("%s 2>/dev/null; echo do''ne $?\n" % what)
        event = vm.qmp.event("BLOCK_IO_ERROR")["data"]
        t.equal(event["operation"], operation, "operation")
        t.equal(event["action"], "stop", "action")
        t.equal(event["nospace"], True, "nospace")
        t.equal(event["node-name"], "d0", "node-name")
        vm.qmp.event("STOP")
        t.equal(vm.qmp.cmd("query-status")["status"], "io-error", "status")
        t.equal(vm.qmp.cmd("query-block")[0]["io-status"], "nospace", "io-status")
        # Still no space: the same again.
        vm.qmp.cmd("cont")
        vm.qmp.event("BLOCK_IO_ERROR")
        while vm.qmp.cmd("query-status")["status"] != "io-error":
            pass
        disk.fail = None
        vm.qmp.cmd("cont")
        vm.expect(r"^done 0\r*$")
        t.equal(vm.qmp.cmd("query-block")[0]["io-status"], "ok", "io-status")
        vm.qmp.events.clear()
    t.equal(linuxguest.output(t, vm, "cmp /tmp/r /tmp/b && echo same").strip(), "same", "data")
    t.equal(hashlib.sha256(disk.cache[:512 << 10]).hexdigest(),
            linuxguest.output(t, vm, "sha256sum </tmp/r").split()[0], "what the disk has")
    # A reset gives up what waits.
    disk.fail = (nbdserver.WRITE, errno.EIO, 1000)
    vm.send("dd if=/tmp/r of=/dev/vda bs=64k oflag=direct\n")
    vm.qmp.event("BLOCK_IO_ERROR")
    while vm.qmp.cmd("query-status")["status"] != "io-error":
        pass
    vm.qmp.cmd("system_reset")
    disk.fail = None
    vm.qmp.cmd("cont")
    vm.expect("OpenSBI v", linuxguest.BOOT_SECONDS)
    linuxguest.ready(vm)
    linuxguest.power_off(t, vm)


@gwttest.test("werror=report: the guest is told")
def reported(t):
    disk = server(t)
    vm = boot(t, "-blockdev", disk.options("d0"),
              "-device", "virtio-blk-device,drive=d0,werror=report")
    disk.fail = (nbdserver.WRITE, errno.EIO, 1000)
    status, _ = linuxguest.run(vm, "dd if=/dev/zero of=/dev/vda bs=4k count=1 oflag=direct")
    t.equal(status, 1, "exit status of dd")
    event = vm.qmp.event("BLOCK_IO_ERROR")["data"]
    t.equal((event["action"], event["nospace"]), ("report", False), "event")
    t.equal(vm.qmp.cmd("query-status")["status"], "running", "status")
    disk.fail = None
    linuxguest.output(t, vm, "dd if=/dev/zero of=/dev/vda bs=4k count=1 oflag=direct 2>/dev/null")
    t.ok(vm.qmp.cmd("query-blockstats")[0]["stats"]["failed_wr_operations"] > 0,
         "no failed_wr_operations")
    linuxguest.power_off(t, vm)


def interposer(t, engine):
    """The library that logs writes and syncs, for one engine; and whether there is io_uring."""
    out = t.path("syncs.so")
    cc = os.environ.get("CC", "cc").split()
    command = cc + ["-shared", "-fPIC", "-o", out,
                    os.path.join(gwttest.SRCDIR, "tests", "virtio-blk", "syncs.c"), "-ldl"]
    if engine == "io_uring":
        command += ["-DWITH_URING"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode and engine == "io_uring" and "liburing.h" in done.stdout:
        t.skip("no liburing.h")
    t.equal(done.returncode, 0, "exit status of the compiler: " + done.stdout)
    return out


def log_of(t, engine, cache, device=""):
    """What the image saw, as letters, for 64 KiB written, a flush, 64 KiB written; the guest waits
    for each."""
    path = t.path("disk.img")
    with open(path, "wb") as f:
        f.truncate(MB)
    log = t.path("log")
    env = {"LD_PRELOAD": interposer(t, engine), "SYNCS_LOG": log}
    vm = boot(t, "-blockdev", "driver=file,node-name=d0,filename=%s,aio=%s%s"
              % (path, engine, cache), "-device", "virtio-blk-device,drive=d0" + device, qmp=False,
              env=env)
    if "io_uring" in vm.stderr():
        t.skip("no io_uring here: " + vm.stderr().strip())
    open(log, "w", encoding="ascii").close()
    write = "dd if=/dev/zero of=/dev/vda bs=64k count=1 oflag=direct 2>/dev/null"
    parts = []
    for command in (write, "blockdev --flushbufs /dev/vda; sync /dev/vda || sync", write):
        linuxguest.output(t, vm, command)
        with open(log, encoding="ascii") as f:
            parts.append(f.read())
    vm.kill()
    return [parts[0], parts[1][len(parts[0]):], parts[2][len(parts[1]):]]


@gwttest.test("a flush is a sync of the image, before the guest hears of it: threads")
def sync_threads(t):
    t.equal(log_of(t, "threads", ""), ["w", "s", "w"], "calls")


@gwttest.test("a flush is a sync of the image, before the guest hears of it: io_uring")
def sync_uring(t):
    t.equal(log_of(t, "io_uring", ""), ["w", "s", "w"], "calls")


@gwttest.test("no write cache: each write is durable by itself")
def sync_through(t):
    first, _, last = log_of(t, "threads", "", ",write-cache=off")
    for calls in (first, last):
        t.ok(calls in ("d", "ws"), "calls were %r" % calls)


@gwttest.test("cache.no-flush: nothing is synced")
def sync_never(t):
    t.equal(log_of(t, "threads", ",cache.no-flush=on"), ["w", "", "w"], "calls")


gwttest.main()
