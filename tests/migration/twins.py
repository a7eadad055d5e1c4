# SPDX-License-Identifier: BSD-2-Clause
"""Two processes that run the same guest in lock step, for the proofs that what is saved is the whole
state: one goes on where it was saved, one takes the saved guest over, and after the same number of
instructions both are the same, to the bit.  Must not know what the guest is.
"""

import os
import select
import time

import gwttest
import streamreader as sr


class Twins:
    def __init__(self, t, *args, shift=3, console=False):
        """CONSOLE: the guest's is vm.console, and it is silent while it is compared."""
        self.t, self.count, self.console = t, 0, console
        self.args = [*args, "-icount", "shift=%d" % shift]

    def start(self, *more):
        self.count += 1
        path = self.t.path("qmp%d" % self.count)
        vm = self.t.start(*self.args, *self.serial(path), "-S", "-qmp",
                          "unix:%s,server=on,wait=off" % path, *more)
        vm.monitor = gwttest.Qmp.connect(path, alive=vm.alive)
        vm.path = path
        return vm

    def output(self, vm):
        """The file with what VM wrote to its serial port."""
        return vm.path + ".out"

    def serial(self, path):
        # One that holds the guest up, as a full pipe does, would be a clock of its own.
        return [] if self.console else ["-serial", "file:%s.out" % path]

    def wait(self, vm, what, *wanted, timeout=120):
        """Until query-migrate or query-status says one of these."""
        end = time.monotonic() + timeout * gwttest.SCALE
        while True:
            answer = vm.monitor.cmd(what)
            if answer.get("status") in wanted:
                return answer["status"]
            self.t.ok(vm.alive(), "it ended: " + vm.stderr())
            self.t.ok(time.monotonic() < end, "%s: %r, not %r" % (what, answer, wanted))
            select.select([], [], [], 0.005)

    def icount(self, vm):
        return vm.monitor.cmd("x-query-icount")["icount"]

    def run_to(self, vm, icount):
        """Let VM run up to that instruction exactly."""
        vm.monitor.cmd("x-icount-break", icount=icount)
        vm.monitor.cmd("cont")
        self.wait(vm, "query-status", "paused")
        self.t.equal(self.icount(vm), icount, "instructions")

    def save(self, vm):
        path = self.t.path("saved")
        vm.monitor.cmd("migrate", uri="file:" + path)
        status = self.wait(vm, "query-migrate", "completed", "failed")
        self.t.equal(status, "completed", repr(vm.monitor.cmd("query-migrate")))
        with open(path, "rb") as f:
            data = f.read()
        os.unlink(path)
        return data

    def load(self, data):
        path = self.t.path("loaded")
        with open(path, "wb") as f:
            f.write(data)
        vm = self.start("-incoming", "file:" + path)
        self.wait(vm, "query-status", "paused", "prelaunch")
        os.unlink(path)
        return vm

    def step(self, vm, instructions, label):
        """Save VM, have another process take it over, run both on, and compare all that they are."""
        here = self.icount(vm)
        saved = self.save(vm)
        other = self.load(saved)
        self.t.equal(self.icount(other), here, label + ": instructions of who took it over")
        states = []
        for one in (vm, other):
            self.run_to(one, here + instructions)
            states.append(self.save(one))
        other.monitor.cmd("quit")
        self.t.equal(other.wait(), 0, "exit status")
        self.t.equal(list(sr.differences(*states)), [], label)
        self.t.ok(list(sr.differences(saved, states[0])), label + ": the guest did nothing")
