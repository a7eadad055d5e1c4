#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""godwit-ctl: moving a guest from the shell; and monitors that are none."""

import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import gwttest  # noqa: E402
import mover  # noqa: E402


def ctl(t, *args, status=0, cwd=None):
    p = subprocess.run([gwttest.GODWIT_CTL, *args], capture_output=True, check=False, cwd=cwd,
                       stdin=subprocess.DEVNULL, timeout=120 * gwttest.SCALE)
    out, err = p.stdout.decode(), p.stderr.decode()
    t.equal(p.returncode, status, "exit status of %s; stdout %r, stderr %r" % (args, out, err))
    if status == 1:
        t.equal(len(err.splitlines()), 1, "lines of %r" % err)
    return out, err


def guests(t, **program):
    """A mover, and the arguments for those devices that cannot be moved yet."""
    return mover.Mover(t, **program), mover.blockers(t)


def start(t, m, *args, **more):
    """A guest whose monitor is free for godwit-ctl; its address."""
    vm = m.start(*args, **more)
    vm.qmp.close()
    vm.qmp = None
    return vm, t.path("qmp%d" % m.count)


@gwttest.test("migrate moves the guest, shows how it goes, and for what it stood")
def migrate(t):
    m, without = guests(t)
    a, qa = start(t, m, *without)
    b, qb = start(t, m, *without, incoming="defer")
    a.expect(r"\.")
    ctl(t, qb, "incoming", "unix:" + m.socket())
    ctl(t, qa, "set", "return-path=on", "max-bandwidth=1G", "downtime-limit=2000")
    out, err = ctl(t, qa, "migrate", "unix:" + m.socket())
    t.equal(err, "")
    lines = out.splitlines()
    t.ok(re.match(r"(setup|active|device|completed)\b", lines[0]), "first line: %s" % lines[0])
    end = next(i for i, line in enumerate(lines) if line.startswith("completed: "))
    t.ok(re.match(r"completed: [0-9.]+ [KMG]?i?B in \d+ rounds, \d+\.\d{3} s; the guest stood \d+ ms$",
                  lines[end]), lines[end])
    t.contains(out, "\n  the rest of its memory ")
    t.ok(re.search(r"\nof the devices:\n(  \S.* +\d+\.\d{3} ms +\d+ bytes\n)+$", out), out)
    t.ok(re.search(r"\n  cpu +\d+\.\d{3} ms +\d+ bytes\n", out), out)
    b.expect(r"\.")
    out, _ = ctl(t, qb, "status")
    t.contains(out, "guest: running\n")
    out, _ = ctl(t, qa, "status")
    t.contains(out, "guest: postmigrate\nmigration: completed: ")


@gwttest.test("on a terminal there is one line with a bar, drawn again and again")
def terminal(t):
    m, without = guests(t)
    a, qa = start(t, m, *without)
    ctl(t, qa, "set", "max-bandwidth=256K", "downtime-limit=0")
    p = t.start_program(gwttest.GODWIT_CTL, qa, "migrate", "exec:cat >/dev/null", pty=True)
    line = r"\r\[[#.]{10}\] +\d+% active #\d+ \S+ sent, \S+ left, \S+/s, writes \S+/s, ~\d+ ms\x1b\[K"
    p.expect(line)
    t.ok(len(p.expect(line).group()) < 85, "longer than 80 columns")
    t.ok(a.alive(), "the emulator ended")
    ctl_c(t, p)


def ctl_c(t, p):
    os.kill(p.pid, signal.SIGINT)
    t.equal(p.wait(), 2, "exit status; stderr: %s" % p.stderr())
    t.contains(p.console.output.decode(), "cancelled; the guest goes on")


@gwttest.test("Ctrl-C cancels, and the guest goes on")
def interrupted(t):
    m, without = guests(t)
    a, qa = start(t, m, *without)
    ctl(t, qa, "set", "max-bandwidth=256K", "downtime-limit=0")
    p = t.start_program(gwttest.GODWIT_CTL, qa, "migrate", "exec:cat >/dev/null")
    p.expect(r"active, round \d+, [0-9.]+ [KM]?i?B sent, .* to go, .*/s, guest writes .*/s, would stand ")
    ctl_c(t, p)
    a.expect(r"\.")
    out, _ = ctl(t, qa, "status")
    t.contains(out, "guest: running\nmigration: cancelled\n")
    out, _ = ctl(t, qa, "cancel")
    t.equal(out, "cancelled\n")


@gwttest.test("a guest that waits before the switchover goes on when it is told")
def paused(t):
    m, without = guests(t)
    _, qa = start(t, m, *without)
    ctl(t, qa, "set", "pause-before-switchover=on", "max-bandwidth=0", "downtime-limit=10000")
    p = t.start_program(gwttest.GODWIT_CTL, qa, "migrate", "file:" + t.path("stream"))
    p.expect("pre-switchover")
    # The monitor is taken by the one that follows; it gives way.
    os.kill(p.pid, signal.SIGKILL)
    p.wait()
    out, _ = ctl(t, qa, "status")
    t.contains(out, "migration: pre-switchover")
    ctl(t, qa, "continue")
    vm = gwttest.Qmp.connect(qa)
    t.cleanup(vm.close)
    while vm.cmd("query-migrate")["status"] not in ("completed", "failed"):
        pass
    t.equal(vm.cmd("query-migrate")["status"], "completed")


@gwttest.test("save and load, by names of ours and not of the emulator's folder")
def files(t):
    m, without = guests(t)
    a, qa = start(t, m, *without)
    a.expect(r"\.")
    os.mkdir(t.path("here"))
    out, _ = ctl(t, qa, "save", "state", cwd=t.path("here"))
    t.contains(out, "completed: ")
    t.equal(os.listdir(t.path("here")), ["state"])
    p = subprocess.run([gwttest.GODWIT_STREAM, "verify", t.path("here", "state")], capture_output=True,
                       check=False)
    t.equal(p.returncode, 0, p.stderr)
    a.expect(r"\.")
    ctl(t, qa, "load", "state", cwd=t.path("here"))
    a.expect(r"\.")
    t.equal(ctl(t, qa, "status")[0].splitlines()[0], "guest: running")


@gwttest.test("what fails is one line and exit status 1")
def failures(t):
    m, without = guests(t)
    _, qa = start(t, m, *without)
    for args, text in (
            (("migrate", "unix:" + t.path("nobody")), "godwit-ctl: migrate: "),
            (("migrate", "nowhere"), "godwit-ctl: migrate: "),
            (("incoming", "tcp:0:0"), "godwit-ctl: incoming: "),
            (("load", t.path("none")), "godwit-ctl: load: "),
            (("continue",), "godwit-ctl: continue: "),
            (("set", "xbzrl=on"), "'xbzrl' is neither a parameter nor a capability; did you mean 'xbzrle'"),
            (("set", "downtime-limit"), "'downtime-limit': give it as NAME=VALUE"),
            (("set", "downtime-limit=soon"), "set: 'downtime-limit': "),
            (("set", "xbzrle=yes"), "set: 'xbzrle': "),
            (("set", "postcopy-ram=on"), "godwit-ctl: set: "),
            (("qmp", "no-such"), "godwit-ctl: qmp: The command no-such has not been found"),
            (("qmp", "{"), "godwit-ctl: qmp: "),
            (("qmp", '{"arguments": {}}'), "'execute' is missing; name the command"),
            (("qmp", '{"execute": "query-status", "argument": {}}'), "'argument' is not understood")):
        t.contains(ctl(t, qa, *args, status=1)[1], text)
    for args, text in (((), "no socket is given; name the one of -qmp"), ((qa,), "no command is given"),
                       ((qa, "migrat", "x"), "'migrat' is no command; did you mean 'migrate'"),
                       ((qa, "migrate"), "migrate: where to is missing; give a URI"),
                       ((qa, "status", "x"), "status: too many arguments"),
                       (("-x",), "option '-x' is not understood"),
                       ((t.path("none"), "status"), "status: %s: " % t.path("none"))):
        t.contains(ctl(t, *args, status=1)[1], text)
    t.equal(json.loads(ctl(t, qa, "qmp", "query-status")[0])["status"], "running")
    t.equal(json.loads(ctl(t, qa, "qmp", '{"execute": "query-version"}')[0]).keys() >= {"qemu"}, True)
    t.contains(ctl(t, qa, "set")[0], "downtime-limit=300\n")
    t.contains(ctl(t, qa, "set")[0], "xbzrle=off\n")


# -- monitors that are none

class Fake:
    """Answers each request with the next of REPLIES, where {id} stands for the request's, and then with
    REST for ever."""

    def __init__(self, t, *replies, greeting=b'{"QMP": {}}\n', rest=None):
        self.path = t.path("fake%d" % len(os.listdir(t.tmp)))
        self.replies, self.greeting, self.rest = replies, greeting, rest
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(1)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        t.cleanup(self.close)

    def close(self):
        self.listener.close()
        self.thread.join(10)

    def _run(self):
        try:
            peer, _ = self.listener.accept()
        except OSError:
            return
        with peer:
            try:
                peer.sendall(self.greeting)
                if not self.greeting:
                    return
                for reply in itertools.chain((b'{"return": {}, "id": {id}}',), self.replies,
                                             itertools.repeat(self.rest) if self.rest else ()):
                    request = b""
                    while not request.endswith(b"\n"):
                        got = peer.recv(65536)
                        if not got:
                            return
                        request += got
                    number = str(json.loads(request)["id"]).encode()
                    peer.sendall(reply.replace(b"{id}", number) + b"\n")
            except OSError:
                pass


@gwttest.test("a second Ctrl-C leaves, whatever the emulator does")
def left(t):
    active = Fake(t, b'{"return": {}, "id": {id}}', rest=b'{"return": {"status": "active"}, "id": {id}}')
    silent = Fake(t, b'{"return": {}, "id": {id}}', b'{"return": {"status": "active"}, "id": {id}}', rest=b" ")
    for fake, text in ((active, "left; what it was told goes on, 'status' shows it"),
                       (silent, "left; what it was told goes on, 'status' shows it")):
        p = t.start_program(gwttest.GODWIT_CTL, fake.path, "migrate", "exec:true")
        p.expect("active")
        os.kill(p.pid, signal.SIGINT)
        # Both are counted, also where the second comes before the first is looked at.
        while p.alive():
            os.kill(p.pid, signal.SIGINT)
            p.console.fill(0.01)
        t.equal(p.wait(), 1, "exit status; stderr: %s" % p.stderr())
        t.contains(p.stderr(), "godwit-ctl: migrate: " + text)


@gwttest.test("a monitor that says anything at all is an error in one line")
def hostile(t):
    def fails(text, *replies, command=("status",), **more):
        _, err = ctl(t, Fake(t, *replies, **more).path, *command, status=1)
        t.contains(err, text)
        t.ok(all(c == "\n" or c.isprintable() for c in err), repr(err))

    fails("the connection is gone: the other end closed it", greeting=b"")
    fails("the other end does not speak QMP", greeting=b"SSH-2.0-x\r\n")
    fails("the other end does not speak QMP", greeting=b"[1]\n")
    fails("the other end does not speak QMP", greeting=b"{" * 100)
    fails("the other end does not speak QMP", greeting=b'{"QMP": ' + b" " * (5 << 20))
    fails("it failed without a reason", b'{"error": 7, "id": {id}}')
    fails("no  [2Jreason", b'{"error": {"desc": "no \\u001b[2Jreason\\n"}, "id": {id}}')
    fails("'query-status' returned nothing", b'{"return": null, "id": {id}}')
    fails("the other end does not speak QMP", b'{"return": {}, "id": {id}, "x": 1e999}')
    fails("the connection is gone", b'{"event": "STOP"}\n{"return": {}, "id": 99}')
    # Answers of other types than they should have.
    for answer in (b"[]", b"7", b'{"status": 7, "ram": []}',
                   b'{"status": "active\\u001b[2J\\nx", "ram": {"total": -1, "remaining": 1e300, "mbps": "x", '
                   b'"transferred": -9223372036854775808}, "expected-downtime": -1, "blocked-reasons": [1]}',
                   b'{"status": "completed", "x-downtime-devices": [1, {"name": 3}, {}], "ram": {}, '
                   b'"x-downtime-parts": {"ram": -5}}'):
        out, _ = ctl(t, Fake(t, b'{"return": {}, "id": {id}}', b'{"return": %s, "id": {id}}' % answer).path,
                     "status")
        t.ok(all(c == "\n" or c.isprintable() for c in out), repr(out))
    t.contains(out, "migration: completed: 0 B in 0 rounds")


gwttest.main()
