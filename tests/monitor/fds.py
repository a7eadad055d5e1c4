#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Descriptors that are handed over with QMP's messages."""

import array
import json
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."), "tests"))
import gwttest  # noqa: E402

STOPPED = ("-M", "virt", "-bios", "none", "-serial", "null", "-display", "none", "-S")


def send(q, fds, *messages):
    """One message of the socket, with descriptors and any number of commands."""
    data = b"".join(json.dumps(m).encode() + b"\n" for m in messages)
    q.sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])


def command(name, fdname):
    return {"execute": name, "arguments": {"fdname": fdname}}


def closed(fd):
    """All other ends of this pipe are closed."""
    return os.read(fd, 1) == b""


def pipe(t):
    r, w = os.pipe()
    t.cleanup(os.close, r)
    return r, w


@gwttest.test("a descriptor is kept by name until closefd")
def keep(t):
    q = t.start(*STOPPED, qmp=True).qmp
    r, w = pipe(t)
    send(q, [w], command("getfd", "mine"))
    os.close(w)
    t.equal(q.reply(), {"return": {}})
    t.equal(q.raw(command("closefd", "mine")), {"return": {}})
    t.ok(closed(r), "still open")
    t.equal(q.raw(command("closefd", "mine"))["error"],
            {"class": "GenericError",
             "desc": "there is no descriptor named 'mine'; pass it with getfd first"})


@gwttest.test("getfd without a descriptor, and with a name that is none, are errors")
def bad(t):
    q = t.start(*STOPPED, qmp=True).qmp
    t.equal(q.raw(command("getfd", "mine"))["error"],
            {"class": "GenericError", "desc": "No file descriptor supplied via SCM_RIGHTS"})
    for name, text in (("7up", "'7up' cannot be the name of a descriptor; begin it with a letter"),
                       ("", "'' cannot be the name of a descriptor; begin it with a letter"),
                       ("a\0b", "Parameter 'fdname' has a NUL in it; leave it out")):
        r, w = pipe(t)
        send(q, [w], command("getfd", name))
        os.close(w)
        t.equal(q.reply()["error"], {"class": "GenericError", "desc": text})
        t.ok(closed(r), "still open")


@gwttest.test("a name that is used again closes what had it")
def again(t):
    q = t.start(*STOPPED, qmp=True).qmp
    r, w = pipe(t)
    r2, w2 = pipe(t)
    send(q, [w], command("getfd", "mine"))
    send(q, [w2], command("getfd", "mine"))
    os.close(w)
    os.close(w2)
    t.equal(q.reply(), {"return": {}})
    t.equal(q.reply(), {"return": {}})
    t.ok(closed(r), "the first is still open")
    q.cmd("closefd", fdname="mine")
    t.ok(closed(r2), "the second is still open")


@gwttest.test("several descriptors in one message go to its commands in order; the rest is closed")
def several(t):
    q = t.start(*STOPPED, qmp=True).qmp
    pipes = [pipe(t) for _ in range(3)]
    send(q, [w for _, w in pipes], command("getfd", "a"), command("getfd", "b"))
    for _, w in pipes:
        os.close(w)
    t.equal(q.reply(), {"return": {}})
    t.equal(q.reply(), {"return": {}})
    q.cmd("closefd", fdname="b")
    t.ok(closed(pipes[1][0]), "b is not the second one")
    q.cmd("closefd", fdname="a")
    t.ok(closed(pipes[0][0]), "a is not the first one")
    # The third one waits for a command until another message brings its own.
    r, w = pipe(t)
    send(q, [w], command("getfd", "c"))
    os.close(w)
    t.equal(q.reply(), {"return": {}})
    t.ok(closed(pipes[2][0]), "the third is still open")
    q.cmd("closefd", fdname="c")
    t.ok(closed(r), "c is not the one of its own message")


@gwttest.test("what a client that goes has not used is closed")
def gone(t):
    vm = t.start(*STOPPED, qmp=True)
    address = vm.argv[vm.argv.index("-qmp") + 1].split(",")[0][len("unix:"):]
    other = t.qmp(address)
    r, w = pipe(t)
    send(other, [w])
    os.close(w)
    other.cmd("query-name")
    other.close()
    t.ok(closed(r), "still open")
    t.equal(vm.qmp.cmd("query-name"), {})


@gwttest.test("hundreds of names are too many")
def many(t):
    q = t.start(*STOPPED, qmp=True).qmp
    fd = os.open("/dev/null", os.O_RDONLY)
    t.cleanup(os.close, fd)
    for i in range(256):
        send(q, [fd], command("getfd", "n%d" % i))
        t.equal(q.reply(), {"return": {}})
    send(q, [fd], command("getfd", "more"))
    t.equal(q.reply()["error"]["desc"], "there are 256 named descriptors; use closefd first")
    q.cmd("closefd", fdname="n0")
    send(q, [fd], command("getfd", "more"))
    t.equal(q.reply(), {"return": {}})


gwttest.main()
