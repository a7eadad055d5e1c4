#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A plugin of somebody else's, in three releases of its own calendar, under a machine type that has
never heard of it: docs/compat-rows.md's example, built and moved."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."), "tests"))
import gwttest  # noqa: E402
from mover import Mover  # noqa: E402

SOURCE = os.path.join(gwttest.SRCDIR, "examples", "example3", "example3.c")
MANUAL = os.path.join(gwttest.SRCDIR, "docs", "compat-rows.md")
DEPTH = {1: 4, 2: 16, 3: 16}


def releases(t):
    """Paths of its three releases."""
    cc = os.environ.get("CC", "cc").split()
    if gwttest.SANITIZERS:
        cc.append("-fsanitize=address,undefined")
    built = {}
    for n in (1, 2, 3):
        os.makedirs(t.path(str(n)), exist_ok=True)
        built[n] = t.path(str(n), "example3.so")
        subprocess.run([*cc, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared",
                        "-fvisibility=hidden", "-Wl,-z,now", "-Wl,-Bsymbolic",
                        "-DRELEASE=%d" % n, "-I" + os.path.join(gwttest.SRCDIR, "include"), "-o",
                        built[n], SOURCE], check=True)
    return built


def start(m, so, level, **more):
    args = [] if level is None else ["-plugin-level", "example3=%d.0" % level]
    return m.start("-plugin", so, *args, "-device", "example3,id=box", **more)


def peek(vm, offset):
    return vm.qmp.cmd("device-call", device="box", method="peek",
                      arguments={"offset": offset})["result"]


def put(vm, *words):
    for word in words:
        vm.qmp.cmd("device-call", device="box", method="put", arguments={"word": word})


def move(t, m, a, b, uri):
    a.qmp.cmd("migrate", uri=uri)
    m.finished(a)
    m.finished(b)
    a.kill()
    a.close()


@gwttest.test("each release, as each of those before it, to each other that can be it, and back")
def matrix(t):
    built, m = releases(t), Mover(t)
    for level in (1, 2, 3):
        vm = None
        # Forwards to the newest and back to the oldest that knows the level.
        hops = list(range(level, 4)) + list(range(2, level - 1, -1))
        for n, release in enumerate(hops):
            uri = "unix:" + m.socket("m%d-%d" % (level, n))
            if vm is None:
                vm = start(m, built[release], level)
                # One more than fits.
                put(vm, *range(100, 101 + DEPTH[level]))
            else:
                other = start(m, built[release], level, incoming=uri)
                move(t, m, vm, other, uri)
                vm = other
            t.equal(vm.qmp.cmd("qom-get", path="/machine/box", property="depth"), DEPTH[level],
                    "depth of %d as %d" % (release, level))
            t.equal([peek(vm, 4), peek(vm, 8)], [DEPTH[level] - n, 1 if level == 3 else 0],
                    "used and lost")
            t.equal(peek(vm, 0), 100 + n if n < DEPTH[level] else 0, "the oldest word")
        m.lives(vm)
        vm.kill()
        vm.close()


@gwttest.test("a host that is told no level takes the guest's, and hands it on")
def incoming(t):
    built, m = releases(t), Mover(t)
    vm = start(m, built[1], None)
    put(vm, *range(100, 105))
    for n, release in enumerate((3, 2, 3, 1, 2)):
        uri = "unix:" + m.socket("i%d" % n)
        args = ["-plugin", built[release], "-bios", m.image, "-serial", "stdio", "-qmp",
                "unix:%s,server=on,wait=off" % t.path("i%d" % n)]
        if n % 2:
            # Without -M it is the guest's as well.
            other = t.start_program(gwttest.GODWIT, *args, "-incoming", uri)
            other.qmp = gwttest.Qmp.connect(t.path("i%d" % n), alive=other.alive)
        else:
            other = start(m, built[release], None, incoming=uri)
        vm.qmp.cmd("migrate-check", uri=uri)
        checked = vm.qmp.event("MIGRATION_CHECK")["data"]
        taken = ["-plugin-level example3=1.0, as the guest has it"] if release > 1 else []
        t.equal([a for a in checked.get("adaptations", []) if "level" in a], taken, "%r" % checked)
        move(t, m, vm, other, uri)
        vm = other
        vm.qmp.cmd("system_reset")
        t.equal(vm.qmp.cmd("qom-get", path="/machine/box", property="depth"), 4)
        level = next(p for p in vm.qmp.cmd("query-manifest")["plugins"] if p["id"] == "example3")
        t.equal(level.get("level"), "1.0" if release > 1 else None)
    m.lives(vm)
    uri = "unix:" + m.socket("other")
    start(m, built[3], 2, incoming=uri)
    vm.qmp.cmd("migrate", uri=uri)
    answer = m.finished(vm, "failed")
    t.contains(answer["error-desc"], "device 'box': property 'depth': 4 at the source (plugin example3, "
               "level 1.0), 16 at the destination (default)")


@gwttest.test("two files leave open what a level makes of a plugin; --here tells")
def offline(t):
    built = releases(t)
    tool = os.path.join(gwttest.BUILDDIR, "godwit-machine")
    for release in (1, 3):
        subprocess.run([gwttest.GODWIT, "-M", "virt-1.0", "-serial", "null", "-plugin", built[release],
                        "-device", "example3,id=box", "-dump-manifest", t.path("r%d" % release)],
                       check=True, timeout=60)

    def check(*args):
        done = subprocess.run([tool, "check", *args], stdout=subprocess.PIPE, text=True, check=False,
                              timeout=60)
        return done.returncode, done.stdout
    status, said = check(t.path("r1"), t.path("r3"))
    t.equal(status, 2)
    t.contains(said, "open: plugin 'example3': version 3.0 at the destination, which is told no level, and "
               "behaves for the guest as 1.0 did")
    status, said = check(t.path("r1"), "--here", "-plugin", built[3])
    t.equal(status, 0)
    t.contains(said, "adapt\n  taken over: -plugin-level example3=1.0, as the guest has it\n")
    status, said = check(t.path("r3"), t.path("r1"))
    t.equal(status, 1)


@gwttest.test("a machine type of one's own says the level as well; a newer one is refused")
def own_type(t):
    built, m = releases(t), Mover(t)
    with open(t.path("mine-1.json"), "w", encoding="ascii") as f:
        json.dump({"godwit-machine": 1, "name": "mine-1", "doc": "virt-1.0 and a mailbox",
                   "newer": "virt-1.0", "levels": {"example3": "1.0"}}, f)
    mine = t.path("mine-1.json")
    for release in (1, 2, 3):
        vm = start(m, built[release], None, machine=mine)
        t.equal(vm.qmp.cmd("qom-get", path="/machine/box", property="depth"), 4)
        vm.kill()
        vm.close()
    vm = start(m, built[3], None)
    t.equal(vm.qmp.cmd("qom-get", path="/machine/box", property="depth"), 16,
            "without a level it is what it is, whatever the tree's own plugins are held to")
    t.equal(vm.qmp.cmd("qom-get", path="/machine/box", property="lost-count"), True)
    t.error("godwit: -plugin-level: 'example3=3.0': level 3.0 is newer than plugin 'example3' 2.0 "
            "in %s; use a level up to 2.0, or install a newer plugin" % built[2],
            "-plugin", built[2], "-M", "virt", "-plugin-level", "example3=3.0", "-device",
            "example3", "-bios", "none", "-S")


@gwttest.test("the manual shows what is built")
def manual(t):
    with open(MANUAL, encoding="utf-8") as f:
        text = f.read().split("\n## An example\n")[1].split("\n## ")[0]
    with open(SOURCE, encoding="ascii") as f:
        source = [line.strip() for line in f]
    shown = 0
    for block in text.split("```c\n")[1:]:
        for line in block.split("```")[0].splitlines():
            if line.strip():
                t.ok(line.strip() in source, "not in example3.c: " + line)
                shown += 1
    t.ok(shown > 8, "%d lines of it" % shown)


gwttest.main()
