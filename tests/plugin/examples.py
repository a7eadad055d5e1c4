# SPDX-License-Identifier: BSD-2-Clause
"""The examples build with what godwit.pc says and nothing else, and do what their head comments
promise.

Against the build tree, or, with GODWIT_INSTALLED=BINDIR and PKG_CONFIG_PATH set by `make
installcheck`,
against what was installed."""

import json
import os
import shutil
import subprocess

import gwttest

PKG_CONFIG = os.environ.get("PKG_CONFIG") or shutil.which("pkg-config")
INSTALLED = os.environ.get("GODWIT_INSTALLED")
if not PKG_CONFIG or not shutil.which("make"):
    gwttest.skip_all("pkg-config or make is not installed")
TOOL = os.path.join(INSTALLED, "godwit-plugin") if INSTALLED else gwttest.GODWIT_PLUGIN
if INSTALLED:
    gwttest.GODWIT = os.path.join(INSTALLED, "godwit")


def build(t, name):
    folder = t.path(name)
    shutil.copytree(os.path.join(gwttest.SRCDIR, "examples", name), folder)
    os.chmod(folder, 0o755)
    env = dict(os.environ, CFLAGS="-O1 -g -Wall -Wextra -Werror")
    for harmful in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        env.pop(harmful, None)
    if not INSTALLED:
        with open(t.path("godwit.pc"), "w", encoding="utf-8") as f:
            f.write(
                "Name: godwit\nDescription: the build tree\nVersion: 0\nplugindir=%s\nCflags: "
                "-I%s\nLibs:\n"
                % (t.path("plugins"), os.path.join(gwttest.SRCDIR, "include"))
            )
        env["PKG_CONFIG_PATH"] = t.tmp
    done = subprocess.run(
        ["make", "-C", folder, "PKG_CONFIG=" + PKG_CONFIG],
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    t.ok(done.returncode == 0, "make fails:\n" + done.stdout)
    return os.path.join(folder, name + ".so")


def tool(t, *argv):
    done = subprocess.run([TOOL, *argv], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    t.ok(done.returncode == 0, "%r: %s" % (argv, done.stderr))
    return done.stdout


@gwttest.test("example1: one register with a property")
def example1(t):
    path = build(t, "example1")
    t.contains(tool(t, "check", path), "type example1: made, realized, reset, destroyed")
    out, _ = t.run("-plugin", path, "-M", "virt", "-device", "example1,help")
    t.contains(out.decode(), "reset-value=<u32>")
    t.error(
        "property 'reset-value': '4294967296' is out of range; use 0x0 to 0xffffffff",
        "-plugin",
        path,
        "-M",
        "virt",
        "-nographic",
        "-serial",
        "null",
        "-device",
        "example1,reset-value=4294967296",
    )


@gwttest.test("example3: a device with a past, as each of its releases")
def example3(t):
    path = build(t, "example3")
    t.contains(tool(t, "check", path), "type example3: made, realized, reset, destroyed")
    t.equal(json.loads(tool(t, "show", path))["compat"],
            [{"level": "1.0", "property": "depth", "type": "example3", "value": "4"},
             {"level": "2.0", "property": "lost-count", "type": "example3", "value": "off"}])
    vm = t.start("-plugin", path, "-M", "virt", "-plugin-level", "example3=1.0", "-device",
                 "example3,id=box", "-bios", "none", "-S", "-serial", "null", qmp=True)
    for prop, wanted in (("depth", 4), ("lost-count", False)):
        t.equal(vm.qmp.cmd("qom-get", path="/machine/box", property=prop), wanted, prop)


@gwttest.test("example2: properties, an interrupt line, and methods that a monitor can call")
def example2(t):
    path = build(t, "example2")
    shown = json.loads(tool(t, "show", path))
    t.equal(sorted(shown["types"]["example2"]["methods"]), ["expirations", "is_counting", "start"])
    vm = t.start(
        "-plugin",
        path,
        "-M",
        "virt",
        "-nographic",
        "-serial",
        "null",
        "-S",
        "-device",
        "example2,id=t0,frequency=1000",
        qmp=True,
    )

    def call(method, *args):
        return vm.qmp.cmd("device-call", device="t0", method=method, arguments=list(args)).get(
            "result"
        )

    # The guest is stopped and so is its time: nothing runs down.
    call("start", 1)
    t.equal(call("is_counting"), True)
    t.equal(call("expirations"), 0)
    t.contains(
        t.raises("GenericError", call, "start", 0), "0 ticks are out of range; use 1 to 4294967295"
    )
    t.contains(
        t.raises("GenericError", call, "start", "x"),
        "argument 'ticks': \"x\" is a string; a value of type u32 belongs here",
    )
    t.contains(t.raises("GenericError", call, "expiration"), "did you mean 'expirations'?")
    vm.qmp.cmd("quit")
    t.equal(vm.wait(), 0)


gwttest.main()
