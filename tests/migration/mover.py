# SPDX-License-Identifier: BSD-2-Clause
"""Two emulators and a guest between them, for the tests of migration.

    m = mover.Mover(t)
    a, b = m.start(), m.start(incoming="unix:" + m.socket())
    a.qmp.cmd("migrate", uri=...)
    m.finished(a)
"""

import os
import select
import socket
import threading
import time

import guest
import gwttest


# For senders whose other end says nothing about the guest: they do not wait for that.
UNASKED = ["-global", "migration.x-preflight=off"]


class Mover:
    """Starts guests that notice when they were not moved as they were (see guest.py)."""

    def __init__(self, t, memory="16M", **program):
        self.t = t
        self.image = t.path("guest.bin")
        self.memory = memory
        self.count = 0
        with open(self.image, "wb") as f:
            f.write(guest.program(**program))

    def socket(self, name="m"):
        return self.t.path(name + ".sock")

    def start(self, *args, incoming=None, machine="virt", image=None, memory=None):
        self.count += 1
        address = self.t.path("qmp%d" % self.count)
        argv = [gwttest.GODWIT, "-M", machine, "-m", memory or self.memory, "-bios",
                image or self.image, "-serial", "stdio", "-qmp",
                "unix:%s,server=on,wait=off" % address, *args]
        if incoming:
            argv += ["-incoming", incoming]
        vm = self.t.start_program(*argv)
        try:
            vm.qmp = gwttest.Qmp.connect(address, alive=vm.alive)
        except gwttest.Failure as e:
            raise gwttest.Failure("%s; stderr:\n%s" % (e, vm.stderr())) from e
        return vm

    def set(self, vm, *on, **parameters):
        """Capabilities that are to be on, with dashes; parameters with underscores."""
        if on:
            vm.qmp.cmd("migrate-set-capabilities",
                       capabilities=[{"capability": c, "state": True} for c in on])
        if parameters:
            vm.qmp.cmd("migrate-set-parameters", **parameters)

    def unset(self, vm, *off):
        vm.qmp.cmd("migrate-set-capabilities",
                   capabilities=[{"capability": c, "state": False} for c in off])

    def status(self, vm):
        return vm.qmp.cmd("query-migrate").get("status")

    def wait(self, vm, *wanted, timeout=60):
        """Until query-migrate tells one of these statuses; returns its answer."""
        end = time.monotonic() + timeout * gwttest.SCALE
        while True:
            answer = vm.qmp.cmd("query-migrate")
            if answer.get("status") in wanted:
                return answer
            if time.monotonic() >= end:
                raise gwttest.Failure("no status %s, the last answer is %r; stderr:\n%s"
                                      % (wanted, answer, vm.stderr()))
            select.select([], [], [], 0.005)

    def finished(self, vm, wanted="completed"):
        answer = self.wait(vm, "completed", "failed", "cancelled")
        self.t.equal(answer["status"], wanted, "status (%r, stderr %r)" % (answer, vm.stderr()))
        return answer

    def lives(self, vm):
        """The guest runs here, and what it finds in its memory is what it wrote."""
        self.t.equal(vm.qmp.cmd("query-status")["status"], "running", "run state")
        vm.expect(r"\.")
        vm.expect(r"\.")
        if b"!" in vm.console.output:
            raise gwttest.Failure("the guest found other things than it wrote")

    def one_line(self, vm, *texts):
        """What VM said on stderr is one line with all of TEXTS."""
        lines = vm.stderr().splitlines()
        self.t.equal(len(lines), 1, "lines on stderr: %r" % lines)
        for text in texts:
            self.t.contains(lines[0], text)
        return lines[0]


class Proxy:
    """Between two ends: passes bytes on, until it is told or has seen enough.

    limit: bytes to the receiver, after which both connections are closed; back=False: nothing is
    passed on to the sender; hold: an event that what goes back waits for.
    """

    def __init__(self, t, target, limit=None, back=True, hold=None):
        self.path = t.path("proxy%d.sock" % id(self))
        self.target, self.limit, self.back, self.hold = target, limit, back, hold
        self.seen = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(1)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        t.cleanup(self.close)

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.thread.join(10)

    def _run(self):
        try:
            source, _ = self.listener.accept()
        except OSError:
            return
        with source, socket.socket(socket.AF_UNIX) as target:
            target.connect(self.target)
            try:
                self._pass(source, target)
            except OSError:
                pass

    def _pass(self, source, target):
        while True:
            held = self.hold and not self.hold.is_set()
            ready, _, _ = select.select([source] if held else [source, target], [], [])
            if source in ready:
                data = source.recv(65536)
                if self.limit is not None:
                    data = data[:self.limit - self.seen]
                if not data and self.hold:
                    target.shutdown(socket.SHUT_WR)
                    self.hold.wait(60)
                    while (data := target.recv(65536)):
                        source.sendall(data)
                if not data:
                    return
                target.sendall(data)
                self.seen += len(data)
                if self.seen == self.limit:
                    return
            if target in ready:
                data = target.recv(65536)
                if not data:
                    return
                if self.back:
                    source.sendall(data)


def blockers(t, *args):
    """-migrate-without for each device that cannot be migrated yet."""
    vm = t.start("-M", "virt", "-m", "16M", "-bios", "none", "-serial", "null", "-S", *args,
                 qmp=True)
    reasons = vm.qmp.cmd("query-migrate").get("blocked-reasons", [])
    vm.kill()
    os.unlink(t.path("qmp.sock"))
    return [w for r in reasons for w in ("-migrate-without", r.split("'")[1])]
