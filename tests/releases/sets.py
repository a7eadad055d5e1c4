# SPDX-License-Identifier: BSD-2-Clause
"""Releases: sets of plugin builds and a folder of machine types each, and guests that move between
them.  Their plugins are real .so files of several versions, see tests/releases/*.c:

    R5.1            a disk has one queue by default
    R5.2            one for each CPU; pc-5.1 has one still
    R7.2            the same
    R8.0            AER's uncorrectable error mask is a register; no property tells how it was
    R8.0.1, R8.2    the property x-pcie-err-unc-mask tells, and pc-7.2 has it off
    hosts A, B      cannot do zbs; cannot do zba and zbb

It owns the sets, how a guest of one is started and what preflight thinks of two, and knows no case.
"""

import json
import os
import select
import time

import gwttest

RELEASES = ("R5.1", "R5.2", "R7.2", "R8.0", "R8.0.1", "R8.2")
TOOL = os.path.join(gwttest.BUILDDIR, "godwit-machine")
FOLDER = os.path.join(gwttest.BUILDDIR, "tests", "releases")
HOSTS = {"A": "hostA", "B": "hostB"}


def need_sets():
    """Skip the whole file where the plugins are not built that releases are made of."""
    for plugin in ("pcie", "virtio-blk", "rv64-cpu", "virtio"):
        if not os.path.exists(os.path.join(gwttest.BUILDDIR, "plugins", plugin + ".so")):
            gwttest.skip_all("the plugin %s is not built" % plugin)


def number(release):
    return [int(n) for n in release[1:].split(".")]


def machine_types(release):
    """Newest first.  8.0.1 is a stable release: it brings none."""
    last = number(release)
    return ["pc-" + r[1:] for r in reversed(RELEASES) if r != "R8.0.1" and number(r) <= last]


def compat_folder(t, release):
    """The folder of machine types that RELEASE ships."""
    folder = t.path("compat-" + release)
    if os.path.exists(folder):
        return folder
    os.mkdir(folder)
    newer = None
    for name in machine_types(release):
        version = name[3:]
        file = {"godwit-machine": 1, "name": name, "doc": "machine of release " + version,
                "levels": {"virtio-blk": version, "pcie": version, "*": "0.1.0"},
                "overrides": [], "defaults": {"cpus": 4, "memory": "16M"}}
        file.update({"newer": newer} if newer else {"board": "virt", "aliases": ["pc"]})
        with open(os.path.join(folder, name + ".json"), "w", encoding="utf-8") as f:
            json.dump(file, f)
        newer = name
    return folder


class Set:
    """A release on a host.  FORGETFUL: without the compat row for queues (R5.2 only)."""

    def __init__(self, t, release, host=None, forgetful=False):
        self.t, self.release, self.host = t, release, host
        self.name = release + (" on " + host if host else "") + (", no row" if forgetful else "")
        folders = [release] + ([HOSTS[host]] if host else [])
        if forgetful:
            folders.insert(0, "forgetful")
        self.arguments = [w for f in folders for w in ("-plugin-dir", os.path.join(FOLDER, f))]
        self.arguments += ["-compat-dir", compat_folder(t, release)]


def start(t, release, *args, machine=None, image, incoming=None, qmp=True):
    """A process of that release; IMAGE as firmware, None: that of the machine type."""
    start.count += 1
    argv = [gwttest.GODWIT, *release.arguments]
    if machine:
        argv += ["-M", machine]
    if image:
        argv += ["-bios", image]
    argv += ["-serial", "stdio", "-monitor", "none", *args]
    address = t.path("qmp%d" % start.count)
    if qmp:
        argv += ["-qmp", "unix:%s,server=on,wait=off" % address]
    if incoming:
        argv += ["-incoming", incoming]
    vm = t.start_program(*argv)
    if qmp:
        try:
            vm.qmp = gwttest.Qmp.connect(address, alive=vm.alive)
        except gwttest.Failure as e:
            raise gwttest.Failure("%s; stderr:\n%s" % (e, vm.stderr())) from e
    return vm


start.count = 0


def ended(vm, seconds=60):
    """How the migration of VM ended: query-migrate's answer."""
    end = time.monotonic() + seconds * gwttest.SCALE
    while True:
        answer = vm.qmp.cmd("query-migrate")
        if answer.get("status") in ("completed", "failed", "cancelled"):
            return answer
        if time.monotonic() > end:
            raise gwttest.Failure("the migration does not end: %r" % answer)
        select.select([], [], [], 0.003)
        vm.console.fill(0)
