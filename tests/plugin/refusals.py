# SPDX-License-Identifier: BSD-2-Clause
"""Plugins that are wrong in one way each: the loader names file, reason and remedy in one line,
and a
machine that does not need the plugin does not mind it."""

import os
import shutil
import struct
import subprocess
import sys

import gwttest

CC = os.environ.get("CC") or "cc"
HERE = os.path.join(gwttest.SRCDIR, "tests", "plugin")


def build(t, name, *defines, extra=()):
    """victim.c with one thing wrong, as NAME.so; returns the path."""
    path = t.path(name + ".so")
    quoted = ["-D" + d for d in defines]
    argv = CC.split() + [
        "-std=gnu11",
        "-shared",
        "-fPIC",
        "-w",
        "-fvisibility=hidden",
        "-I",
        os.path.join(gwttest.SRCDIR, "include"),
        *quoted,
        os.path.join(HERE, "victim.c"),
        "-o",
        path,
        *extra,
    ]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise gwttest.Failure("%s\n%s" % (" ".join(argv), done.stdout))
    return path


def tool(*argv, dirs=(), status=0, env=None):
    """Run godwit-plugin; returns stdout, stderr."""
    command = [gwttest.GODWIT_PLUGIN]
    for d in dirs:
        command += ["--plugin-dir", d]
    done = subprocess.run(
        command + list(argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        timeout=120,
        env=dict(os.environ, **(env or {})),
    )
    if done.returncode != status:
        raise gwttest.Failure(
            "%r exited with %d, wanted %d; stdout:\n%s\nstderr:\n%s"
            % (argv, done.returncode, status, done.stdout, done.stderr)
        )
    return done.stdout, done.stderr


def refused(t, path, text):
    out, err = tool("check", path, status=1)
    t.equal(err.count("\n"), 1, "lines on stderr of %s (%s)" % (path, err))
    wanted = "godwit-plugin: check: plugin '%s': %s" % (path, text)
    t.contains(err, wanted)
    t.equal(out, "", "stdout")
    # The emulator says the same, and nothing else happens.
    line = t.error(text, "-plugin", path, "-M", "help")
    t.ok(line.startswith("godwit: "), line)


@gwttest.test("a good plugin is loaded, described and lived through")
def good(t):
    path = build(t, "victim")
    out, err = tool("check", path)
    t.contains(out, "plugin victim 1.2: symbols, note, table, rows and coverage are good")
    t.contains(out, "type victim: made, realized, reset, destroyed")
    t.equal(err, "", "stderr")
    out, _ = tool("show", path)
    t.contains(out, '"signature": "u32 twice(u32 value)"')
    t.contains(out, '"level": "1.0"')
    out, _ = tool("list", dirs=[t.tmp])
    t.contains(out, "victim         1.2      ABI 1.0  victim")
    # By another name for the same file it is the same plugin.
    os.symlink(path, t.path("link"))
    out, _ = tool("show", t.path("link"), dirs=[t.tmp])
    t.contains(out, '"id": "victim"')


HANDSHAKE = [
    (
        "no-entry",
        ["NO_ENTRY"],
        "it does not export 'godwit_plugin_v1'; build it with GWT_PLUGIN_DEFINE",
    ),
    ("null", ["ENTRY_NULL=1"], "it refuses this host: no reason given"),
    ("null-text", ["ENTRY_NULL=2"], "it refuses this host: no thanks"),
    (
        "no-note",
        ["NO_NOTE"],
        "it has no note .note.godwit, so it is no plugin of godwit; build it with "
        "GWT_PLUGIN_DEFINE",
    ),
    (
        "major-2",
        ["NOTE_MAJOR=2"],
        "built for plugin ABI 2, this godwit speaks ABI 1; use a newer godwit",
    ),
    ("major-0", ["NOTE_MAJOR=0"], "its note is damaged; build or copy it again"),
    (
        "minor",
        ["NOTE_MINOR=99"],
        "needs plugin ABI 1.99, this godwit speaks 1.0; use a newer godwit",
    ),
    (
        "desc",
        ["DESC_SIZE=5"],
        "its note is damaged: id, version or names are malformed; build or copy it again",
    ),
    (
        "note-id",
        ['NOTE_ID="V"'],
        "its note is damaged: id, version or names are malformed; build or copy it again",
    ),
    (
        "note-types",
        ['NOTE_TYPES="a  b"'],
        "its note is damaged: id, version or names are malformed; build or copy it again",
    ),
    (
        "note-version",
        ['NOTE_VERSION="new"'],
        "its note is damaged: id, version or names are malformed; build or copy it again",
    ),
    (
        "long-id",
        ['NOTE_ID="%s"' % ("a" * 64)],
        "its note is damaged: id, version or names are malformed; build or copy it again",
    ),
    (
        "other-id",
        ['NOTE_ID="else"'],
        "its table and its note disagree on the id: 'victim' and 'else'; build it again with the "
        "two alike",
    ),
    (
        "other-version",
        ['NOTE_VERSION="1.3"'],
        "its table and its note disagree on the version: '1.2' and '1.3'; build it again with "
        "the two alike",
    ),
    (
        "other-types",
        ['NOTE_TYPES="victim more"'],
        "its table and its note disagree on the device types: 'victim' and 'victim more'; build "
        "it again with the two alike",
    ),
    (
        "other-offers",
        ['NOTE_OFFERS="a.b/1"'],
        "its table and its note disagree on the extensions offered: '' and 'a.b/1'; build it "
        "again with the two alike",
    ),
    (
        "table-major",
        ["MAJOR=2"],
        "its table and its note disagree on the plugin ABI: '2.0' and '1.0'; build it again with "
        "the two alike",
    ),
    (
        "table-size",
        ["STRUCT_SIZE=16"],
        "its table has 16 bytes, which no release had; build it again with this release's headers",
    ),
    (
        "table-huge",
        ["STRUCT_SIZE=-1"],
        "its table has 18446744073709551615 bytes, which no release had; build it again with "
        "this release's headers",
    ),
    (
        "requires",
        ['REQUIRED="org.example.absent/1"'],
        "it requires extension 'org.example.absent/1', which neither this godwit nor any plugin "
        "found offers; install the plugin that does, or a newer godwit",
    ),
    ("start", ["START=1"], "it cannot start: no reason given"),
    ("start-text", ["START=3"], "it cannot start: first line second line [31m"),
    ("start-both", ["START=2"], "it cannot start: first line second line [31m"),
    (
        "gap",
        ["GAP"],
        "device type 'victim': bytes 4..7 of its instance are in no row; give each a property, "
        "register, state or host row",
    ),
    ("twice", ["TYPE_TWICE", 'NOTE_TYPES="victim victim"'], "it offers device type 'victim' twice"),
    (
        "signature",
        ['SIGNATURE="int f()"'],
        "device type 'victim': signature 'int f()', byte 0: a type (void, bool, u8 to u64, i8 to "
        "i64, f64, str) belongs here",
    ),
    (
        "compat-level",
        ['COMPAT={"x","victim","value","3"}'],
        "its compat row 0 has a level that is no version",
    ),
    (
        "compat-property",
        ['COMPAT={"1.0","victim","vale","3"}'],
        "its compat row 0 for 'victim.vale': type 'victim' has no such property",
    ),
    (
        "compat-value",
        ['COMPAT={"1.0","victim","value","10"}'],
        "its compat row 0 for 'victim.value': '10' is out of range; use 1 to 9",
    ),
    ("unresolved", ["START=2", "UNRESOLVED"], "it cannot be loaded: "),
]

for case in HANDSHAKE:

    def handshake(t, case=case):
        refused(t, build(t, case[0], *case[1]), case[2])

    gwttest.test("refused: %s" % case[0])(handshake)


@gwttest.test("check finds what is exported by mistake")
def exports(t):
    path = build(t, "victim", "EXPORT")
    _, err = tool("check", path, status=1)
    t.contains(err, "it exports 'helper' beside 'godwit_plugin_v1'; "
                    "hide it with -fvisibility=hidden")


@gwttest.test("realize that fails says so in one line and is no fault of the plugin's")
def realize(t):
    out, _ = tool("check", build(t, "victim", "REALIZE_FAILS"))
    t.contains(out, "its defaults alone are not enough: device 'victim0': not today")


@gwttest.test("files that are no shared objects for this host")
def files(t):
    good = open(build(t, "good"), "rb").read()

    def variant(name, data):
        with open(t.path(name), "wb") as f:
            f.write(data)
        return t.path(name)

    refused(
        t,
        variant("empty.so", b""),
        "not an ELF file; name a plugin, a shared object built for godwit",
    )
    refused(
        t,
        variant("text.so", b"#!/bin/sh\n" * 99),
        "not an ELF file; name a plugin, a shared object built for godwit",
    )
    refused(t, t.path("absent.so"), "the file cannot be opened: No such file or directory")
    refused(t, t.tmp, "not a file; name a plugin, a shared object built for godwit")
    os.mkfifo(t.path("pipe.so"))
    refused(t, t.path("pipe.so"), "not a file; name a plugin, a shared object built for godwit")
    refused(
        t,
        variant("class.so", good[:4] + b"\1" + good[5:]),
        "built for a host of another word size or byte order; build it for this host",
    )
    refused(
        t,
        variant(
            "machine.so", good[:18] + struct.pack("<H", 243 if good[18] != 243 else 62) + good[20:]
        ),
        "built for another processor (ELF machine ",
    )
    refused(
        t,
        variant("exec.so", good[:16] + struct.pack("<H", 2) + good[18:]),
        "not a shared object; build it with -shared",
    )
    refused(
        t,
        variant("cut.so", good[: len(good) // 2]),
        "the file is truncated: it has %d bytes, its headers speak of " % (len(good) // 2),
    )


@gwttest.test("two files with one id, two plugins with one type")
def taken(t):
    first, second = build(t, "first"), build(t, "second")
    t.error(
        "plugin '%s': its id 'victim' is taken by '%s'; remove one of the two files"
        % (second, first),
        "-plugin",
        first,
        "-plugin",
        second,
        "-M",
        "help",
    )
    other = build(t, "other", 'ID="other"')
    t.error(
        "plugin '%s': device type 'victim' of plugin 'other' is offered by plugin 'victim' "
        "already; use only one of the two"
        % other,
        "-plugin",
        first,
        "-plugin",
        other,
        "-M",
        "help",
    )
    # In a folder the first wins, and the list says why the second does not.
    out, _ = tool("list", dirs=[t.tmp])
    t.contains(
        out, "second.so: its id 'victim' is taken by '%s'; remove one of the two files" % first
    )
    # A file that the user names stands before what a folder holds.
    out, _ = tool("show", second, dirs=[t.tmp])
    t.contains(out, "second.so")


@gwttest.test("what a plugin requires is found by the notes of others and loaded first")
def requirements(t):
    build(t, "giver", 'ID="giver"', 'TYPE="giver"', 'OFFERS="org.example.gift/1"')
    taker = build(t, "taker", 'ID="taker"', 'TYPE="taker"', 'REQUIRED="org.example.gift/1"')
    out, _ = tool("check", taker, dirs=[t.tmp])
    t.contains(out, "plugin taker 1.2")
    broken = t.path("broken")
    os.mkdir(broken)
    shutil.move(
        build(t, "giver2", 'ID="giver"', 'TYPE="giver"', 'OFFERS="org.example.gift/1"', "START=1"),
        broken,
    )
    _, err = tool("check", taker, dirs=[broken], status=1)
    t.contains(
        err,
        "it requires extension 'org.example.gift/1': plugin '%s/giver2.so': it cannot start: no "
        "reason given"
        % broken,
    )
    circle = t.path("circle")
    os.mkdir(circle)
    for a, b in (("x", "y"), ("y", "x")):
        shutil.move(
            build(
                t,
                a,
                'ID="%s"' % a,
                'TYPE="%s"' % a,
                'OFFERS="org.example.%s/1"' % a,
                'REQUIRED="org.example.%s/1"' % b,
            ),
            circle,
        )
    _, err = tool("check", "x", dirs=[circle], status=1)
    t.contains(err, "such a circle cannot be loaded")


@gwttest.test("a type's parent is found in another plugin and loaded first")
def parents(t):
    child = build(t, "child", 'ID="child"', 'TYPE="child"', 'PARENT="base"', "REALIZE_FAILS")
    _, err = tool("check", child, dirs=[t.tmp], status=1)
    t.contains(err, "device type 'child' has the parent 'base': no plugin provides device type "
                    "'base'")
    build(t, "base", 'ID="base"', 'TYPE="base"', "FLAGS=GWT_TYPE_ABSTRACT")
    out, _ = tool("check", child, dirs=[t.tmp])
    t.contains(out, "plugin child 1.2")


@gwttest.test("a type whose parent nobody has is left out, the plugin's others stand")
def orphans(t):
    both = build(
        t,
        "both",
        'ID="both"',
        'TYPE="whole"',
        'NOTE_TYPES="whole orphan grandchild"',
        'ORPHAN="base"',
    )
    out, _ = tool("check", both, dirs=[t.tmp])
    t.contains(out, "plugin both 1.2")
    t.contains(out, "type orphan: left out: device type 'orphan' has the parent 'base'")
    out, _ = tool("show", both, dirs=[t.tmp])
    t.contains(out, '"whole"')
    t.ok('"grandchild"' not in out, "a type is shown that was left out")
    _, err = t.run(
        "-plugin-dir", t.tmp, "-M", "virt", "-device", "grandchild", status=1
    )
    t.contains(
        err,
        "no plugin provides device type 'grandchild': plugin '%s': device type 'grandchild' has "
        "the parent 'orphan': device type 'orphan' has the parent 'base': no plugin provides "
        "device type 'base'" % both,
    )
    build(t, "base", 'ID="base"', 'TYPE="base"', "FLAGS=GWT_TYPE_ABSTRACT")
    out, _ = tool("check", both, dirs=[t.tmp])
    t.contains(out, "type grandchild: ")
    t.ok("left out" not in out, "a type is left out whose parent is there")


@gwttest.test("a broken plugin in a folder hurts nobody who does not need it")
def harmless(t):
    build(t, "victim", "START=1")
    build(t, "other", 'ID="other"', 'TYPE="other"')
    with open(t.path("garbage.so"), "wb") as f:
        f.write(b"\x7fELF" + os.urandom(1000))
    out, err = tool("show", "other", dirs=[t.tmp])
    t.contains(out, '"id": "other"')
    t.equal(err, "", "stderr")
    out, err = tool("list", dirs=[t.tmp])
    t.contains(out, "garbage.so: ")
    t.run("-plugin-dir", t.tmp, "-M", "help")


@gwttest.test("headers with bits turned never kill the process that judges or loads them")
def flipped(t):
    good = open(build(t, "good"), "rb").read()
    (phoff,) = struct.unpack_from("<Q", good, 32)
    (phnum,) = struct.unpack_from("<H", good, 56)
    end = phoff + phnum * 56
    passed = 0
    # One run of the tool judges a folder full of files; those that its notes let pass are loaded
    # one by one.
    folder = t.path("flipped")
    os.mkdir(folder)
    for at in range(16, end):
        for mask in (0x01, 0x10, 0x80):
            data = bytearray(good)
            data[at] ^= mask
            with open(os.path.join(folder, "%04d-%02x.so" % (at, mask)), "wb") as f:
                f.write(data)
    out, _ = tool("list", dirs=[folder])
    for name in sorted(os.listdir(folder)):
        line = [x for x in out.splitlines() if name in x][0]
        if "is taken by" not in line and "ABI 1.0" not in line:
            continue
        passed += 1
        done = subprocess.run(
            [gwttest.GODWIT_PLUGIN, "check", os.path.join(folder, name)],
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=120,
        )
        t.ok(
            done.returncode in (0, 1),
            "%s: exit status %d\n%s" % (name, done.returncode, done.stderr),
        )
    t.ok(passed > 10, "only %d files got as far as being loaded" % passed)


gwttest.main()
