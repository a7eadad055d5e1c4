#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The user's terminal and the Ctrl-A keys, on a real pty: raw while the guest runs, as before at every end."""

import os
import signal
import subprocess
import sys
import termios

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", ".."), "tests"))
import gwttest  # noqa: E402



def guest(t):
    """Firmware that waits for interrupts for ever: wfi; j .-4"""
    path = t.path("firmware")
    with open(path, "wb") as f:
        f.write(bytes.fromhex("73005010" "6ff0dfff"))
    return ("-M", "virt", "-m", "32M", "-bios", path)


def mode(process):
    return termios.tcgetattr(process._fds[0])


def is_raw(process):
    return not mode(process)[3] & (termios.ICANON | termios.ECHO)


def start(t, *args):
    """A guest that does nothing, once the terminal is raw; and the mode of the terminal before."""
    master, slave = os.openpty()
    before = termios.tcgetattr(slave)
    os.close(master)
    os.close(slave)
    p = t.start(*guest(t), *args, pty=True, qmp=True)
    t.equal(p.qmp.cmd("query-status")["status"], "running")
    t.ok(is_raw(p), "the terminal is not raw while the guest runs")
    return p, before


def check_restored(t, p, before):
    t.equal(mode(p)[:6], before[:6], "the terminal's mode at the end")


@gwttest.test("-nographic: Ctrl-A h shows the keys, Ctrl-A x ends with 0 and restores the terminal")
def keys(t):
    p, before = start(t, "-nographic")
    t.ok(not mode(p)[3] & termios.ISIG, "Ctrl-C is not the guest's")
    p.send("\x01h")
    p.expect("Ctrl-A x  end the guest and the program")
    p.send("\x01c")
    p.expect(r"\(godwit\) ")
    p.send("info status\r")
    p.expect("running")
    p.expect(r"\(godwit\) ")
    p.send("\x01c\x01x")
    p.expect("godwit: Terminated")
    t.equal(p.wait(), 0)
    check_restored(t, p, before)


@gwttest.test("Ctrl-C goes to the guest with -nographic and ends the process with -serial stdio")
def interrupt(t):
    p, before = start(t, "-nographic")
    p.send("\x03")
    p.send("\x01h")
    p.expect("Ctrl-A h")
    t.ok(p.alive(), "Ctrl-C ended the process")
    p.send("\x01x")
    t.equal(p.wait(), 0)
    p, before = start(t, "-serial", "stdio")
    t.ok(mode(p)[3] & termios.ISIG, "Ctrl-C is not the terminal's")


for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    @gwttest.test("%s ends in order, says so, and restores the terminal" % number.name)
    def terminated(t, number=number):
        p, before = start(t, "-nographic")
        os.kill(p.pid, number)
        t.equal(p.wait(), 0)
        t.contains(p.stderr(), "godwit: terminating on signal %d from pid %d (" % (number, os.getpid()))
        check_restored(t, p, before)


for number in (signal.SIGABRT, signal.SIGSEGV, signal.SIGQUIT):
    @gwttest.test("%s is fatal and restores the terminal" % number.name)
    def crashed(t, number=number):
        if gwttest.SANITIZERS:
            raise gwttest.Skip("the sanitizers handle this signal")
        p, before = start(t, "-nographic")
        os.kill(p.pid, number)
        t.equal(p.wait(), -number)
        check_restored(t, p, before)


@gwttest.test("an error after the terminal is raw restores it")
def late_error(t):
    p = t.start(*guest(t), "-nographic", "-qmp", "unix:/nonesuch/q,server=on,wait=off", pty=True)
    t.equal(p.wait(), 1)
    t.equal(len(p.stderr().splitlines()), 1)
    t.ok(not is_raw(p), "the terminal is still raw")


@gwttest.test("the end of standard input is not the end of the guest")
def end_of_input(t):
    p = t.start(*guest(t), "-nographic", qmp=True)
    p.close_stdin()
    for _ in range(3):
        t.equal(p.qmp.cmd("query-status")["status"], "running")
    p.qmp.cmd("quit")
    t.equal(p.wait(), 0)


@gwttest.test("standard output that nobody reads does not stop the guest nor the keys")
def stuck_output(t):
    read, write = os.pipe()
    t.cleanup(os.close, read)
    p = subprocess.Popen([gwttest.GODWIT, *guest(t), "-nographic"], stdin=subprocess.PIPE, stdout=write,
                         stderr=subprocess.DEVNULL)
    os.set_blocking(write, False)
    try:
        while True:
            os.write(write, b"x" * 4096)
    except BlockingIOError:
        pass
    os.close(write)
    p.stdin.write(b"\x01h\x01x")
    p.stdin.flush()
    t.equal(p.wait(60 * gwttest.SCALE), 0)
    p.stdin.close()


@gwttest.test("nothing is opened when a later option is wrong")
def untouched(t):
    out = t.path("out")
    sock = t.path("sock")
    with open(out, "w", encoding="ascii") as f:
        f.write("mine")
    t.error("nonesuch", *guest(t), "-serial", "file:" + out, "-device", "nonesuch")
    t.error("nonesuch", *guest(t), "-serial", "unix:%s,server=on" % sock, "-device", "nonesuch")
    with open(out, encoding="ascii") as f:
        t.equal(f.read(), "mine")
    t.ok(not os.path.exists(sock), "the socket was made")


@gwttest.test("a server that waits for its client ends on a signal")
def waiting(t):
    sock = t.path("sock")
    p = t.start(*guest(t), "-serial", "unix:%s,server=on" % sock)
    while "waiting for a client on unix:" not in p.stderr():
        t.ok(p.alive(), "it ended: " + p.stderr())
        p.console.fill(0.01)
    os.kill(p.pid, signal.SIGTERM)
    t.equal(p.wait(), 1)
    t.contains(p.stderr(), "before a signal did; start one, or add wait=off")
    t.ok(not os.path.exists(sock), "the socket is left behind")


gwttest.main()
