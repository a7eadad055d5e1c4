#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The last release that was named is built out of this repository's history; its plugins work in this
tree's program, and a loaded Linux goes to and fro, for each machine type that both have."""

import fcntl
import os
import shutil
import subprocess
import sys

import gwttest

sys.path.insert(0, os.path.join(gwttest.SRCDIR, "tests", "linux"))
import linuxdisk
import linuxguest
import linuxmove

linuxguest.need_guest()
linuxdisk.need_disk()

# For a try: "VERSION COMMIT DATE MACHINE-TYPE...".
NAMED = os.environ.get("GODWIT_OLD_RELEASE")
WORK = "mkdir -p work && disktest random seed=9 threads=2 files=2 size=256 seconds=100000 work"


def last_release():
    with open(os.path.join(gwttest.SRCDIR, "compat", "releases"), encoding="utf-8") as f:
        lines = [line for line in f if line.strip() and not line.startswith("#")]
    if not NAMED and not lines:
        gwttest.skip_all("no release is named in compat/releases yet")
    return (NAMED or lines[-1]).split()


VERSION, COMMIT, _, *PROMISED = last_release()


def git(*args):
    return subprocess.run(["git", "-C", gwttest.SRCDIR, *args], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=False)


if not shutil.which("git") or not os.path.exists(os.path.join(gwttest.SRCDIR, ".git")):
    gwttest.skip_all("there is no git history here to build release %s from" % VERSION)
if git("cat-file", "-e", COMMIT + "^{commit}").returncode:
    gwttest.skip_all("commit %s of release %s is not in this git history" % (COMMIT[:12], VERSION))


def run(log, *argv, cwd):
    with open(log, "ab") as f:
        done = subprocess.run(argv, cwd=cwd, stdin=subprocess.DEVNULL, stdout=f,
                              stderr=subprocess.STDOUT, check=False,
                              env={k: v for k, v in os.environ.items()
                                   if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL",
                                                "abs_top_srcdir", "abs_top_builddir")})
    if done.returncode:
        with open(log, encoding="utf-8", errors="replace") as f:
            raise gwttest.Failure("%s failed:\n%s" % (" ".join(argv), f.read()[-3000:]))


def build():
    """The program of the last release.  It is built once for a commit; who comes second waits."""
    folder = os.path.join(gwttest.BUILDDIR, "old-releases")
    os.makedirs(folder, exist_ok=True)
    home = os.path.join(folder, COMMIT)
    with open(os.path.join(folder, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(home, "complete")):
            # The build folder's wrapper has its absolute path in it, so nothing is renamed.
            shutil.rmtree(home, ignore_errors=True)
            os.mkdir(home)
            log = os.path.join(home, "log")
            with subprocess.Popen(["git", "-C", gwttest.SRCDIR, "archive", COMMIT],
                                  stdout=subprocess.PIPE) as archive:
                subprocess.run(["tar", "-x", "-C", home], stdin=archive.stdout, check=True)
            os.mkdir(os.path.join(home, "build"))
            run(log, "./autogen.sh", cwd=home)
            run(log, "../configure", "-q", "CC=" + (os.environ.get("CC") or "cc"),
                "CFLAGS=-O2", cwd=os.path.join(home, "build"))
            with open(os.path.join(home, "build", "Makefile"), encoding="utf-8") as f:
                plugins = [w for line in f if line.startswith("plugins_PROGRAMS =")
                           or ".so$(EXEEXT)" in line for w in line.split()
                           if w.startswith("plugins/") and w.endswith(".so$(EXEEXT)")]
            plugins = sorted({w[:-len("$(EXEEXT)")] for w in plugins})
            run(log, "make", "-s", "-j%d" % (os.cpu_count() or 1), "core/godwit", *plugins,
                cwd=os.path.join(home, "build"))
            with open(os.path.join(home, "complete"), "w", encoding="utf-8"):
                pass
    return os.path.join(home, "build", "godwit")


def knows_manifest(vm):
    return "x-manifest" in [c["capability"] for c in vm.qmp.cmd("query-migrate-capabilities")]


def move(t, guest, program):
    """Move it to PROGRAM.  One that does not know the manifest is sent none."""
    guest.program = program
    to, uri = guest.incoming()
    old = guest.vm
    guest.set(old, ["return-path"])
    if knows_manifest(old) and not knows_manifest(to):
        old.qmp.cmd("migrate-set-capabilities",
                    capabilities=[{"capability": "x-manifest", "state": False}])
    old.qmp.cmd("migrate", uri=uri)
    info = guest.until("completed")
    t.equal(to.argv[0], program, "where it is")
    guest.arrived(to, info["downtime"] / 1000)


def to_and_fro(t, machine, first, second):
    linuxdisk.need_machine(t, "aia" if "aia" in machine else "plic")
    image = linuxdisk.root_copy(t)
    guest = linuxmove.Guest(t, linuxdisk.disk(image), append="root=/dev/vda", machine=machine,
                            program=first)
    guest.load(WORK, mib=16)
    for program in (second, first):
        move(t, guest, program)
    guest.end("disktest")
    guest.power_off()
    linuxdisk.check(t, image)


@gwttest.test("release %s is built from commit %s" % (VERSION, COMMIT[:12]))
def builds(t):
    out = subprocess.run([build(), "-version"], stdout=subprocess.PIPE, text=True, check=True)
    t.contains(out.stdout, VERSION)


def described(machine, *args):
    """The manifest of a machine of this tree, with a device of each kind."""
    out = subprocess.run([gwttest.GODWIT, "-M", machine, "-smp", "2", "-serial", "null", "-device",
                          "pcie-root-port,id=port", "-device", "virtio-rng-pci,bus=port,id=rng",
                          "-blockdev", "driver=null-co,node-name=d,size=1M", "-device",
                          "virtio-blk-pci,drive=d,id=disk", "-device", "virtio-serial-pci,id=serial",
                          *args, "-dump-manifest", "-"], stdout=subprocess.PIPE, check=True)
    return out.stdout


@gwttest.test("the plugins of release %s, as they were built then, work in this program" % VERSION)
def binaries(t):
    folder = os.path.join(os.path.dirname(build()), "plugins")
    plugins = sorted(f for f in os.listdir(folder) if f.endswith(".so"))
    t.ok(len(plugins) > 10, "plugins: %r" % plugins)
    for plugin in plugins:
        done = subprocess.run([os.path.join(gwttest.BUILDDIR, "godwit-plugin"), "--plugin-dir", folder,
                               "check", os.path.join(folder, plugin)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        t.equal(done.returncode, 0, done.stdout)
    for machine in PROMISED:
        ends = {}
        for name, args in (("new", []), ("old", ["-plugin-dir", folder])):
            ends[name] = t.path(name)
            with open(ends[name], "wb") as f:
                f.write(described(machine, *args))
        for way in (("old", "new"), ("new", "old")):
            done = subprocess.run([os.path.join(gwttest.BUILDDIR, "godwit-machine"), "check",
                                   ends[way[0]], ends[way[1]]], stdout=subprocess.PIPE, text=True,
                                  check=False)
            t.equal(done.stdout, "ok\n", " to ".join(way))


for name in PROMISED:
    def there(t, machine=name):
        to_and_fro(t, machine, build(), gwttest.GODWIT)

    def here(t, machine=name):
        to_and_fro(t, machine, gwttest.GODWIT, build())
    gwttest.test("%s: a guest of release %s goes to this one and back" % (name, VERSION))(there)
    gwttest.test("%s: a guest of this one goes to release %s and back" % (name, VERSION))(here)

gwttest.main()
