# SPDX-License-Identifier: BSD-2-Clause
"""The serial port where -nographic and -serial put it, and the keys of the terminal."""

import hashlib
import os
import socket

import gwttest
import linuxguest

linuxguest.need_guest()
if gwttest.SANITIZERS:
    gwttest.skip_all("the long boots are left to the build without sanitizers")

NO_DISPLAY = ("-display", "none", "-monitor", "none")


@gwttest.test("Ctrl-A h lists the keys, Ctrl-A x ends the emulator")
def keys(t):
    vm = linuxguest.boot(t, pty=True, interactive=True)
    vm.send("\x01h")
    vm.expect(r"(C-a|Ctrl-A) h .*help")
    vm.expect(r"(C-a|Ctrl-A) x .*(end|exit)")
    vm.send("\x01x")
    vm.expect("erminated")
    t.equal(vm.wait(), 0, "exit status")


@gwttest.test("Ctrl-A Ctrl-A reaches the guest as one Ctrl-A")
def doubled(t):
    vm = linuxguest.boot(t, pty=True, interactive=True)
    vm.send("stty raw -echo; echo go''ing; dd bs=1 count=3 2>/dev/null | "
            "hexdump -e '3/1 \"%02x-\"'; stty sane\n")
    vm.expect("^going")
    vm.send("a\x01\x01b")
    vm.expect("61-01-62-")
    vm.expect(linuxguest.PROMPT)
    linuxguest.power_off(t, vm)


@gwttest.test("Ctrl-C goes to the guest, not to the emulator")
def interrupt(t):
    vm = linuxguest.boot(t, pty=True, interactive=True)
    vm.send("echo sta''rted; cat; echo ne''ver\n")
    vm.expect("^started")
    # once cat answers, it is what the terminal interrupts
    vm.send("ping\n")
    vm.expect(r"ping\r*\nping\r*\n")
    vm.send("\x03")
    vm.expect(linuxguest.PROMPT)
    status, _ = linuxguest.run(vm, "true")
    t.equal(status, 0, "status of true")
    t.ok(b"never" not in vm.console.output, "the command line went on")
    linuxguest.power_off(t, vm)


@gwttest.test("Ctrl-A c switches to the monitor and back")
def monitor(t):
    vm = linuxguest.boot(t, pty=True, interactive=True)
    vm.send("\x01c")
    vm.expect(r"\((godwit|qemu)\) ")
    vm.send("info status\r")
    vm.expect("running")
    vm.send("\x01c")
    vm.send("echo ba''ck\n")
    vm.expect("^back")
    vm.send("\x01c")
    vm.send("quit\r")
    t.equal(vm.wait(), 0, "exit status after quit")


@gwttest.test("the terminal is as it was when the emulator has ended")
def terminal(t):
    # A shell owns the terminal, as a user's does, and looks at its settings before and after.
    script = 'stty -a >"$1/before"; shift; "$@"; stty -a >"$0"'
    vm = t.start_program("sh", "-c", script, t.path("after"), t.tmp, gwttest.GODWIT,
                         *linuxguest.arguments(append="-- true"), pty=True)
    vm.expect("guest: exit status 0", linuxguest.BOOT_SECONDS)
    t.equal(vm.wait(), 0, "exit status")
    with open(t.path("before"), encoding="ascii") as before, \
            open(t.path("after"), encoding="ascii") as after:
        t.equal(after.read(), before.read(), "stty -a")


@gwttest.test("-serial stdio, and nothing is needed on standard input")
def stdio(t):
    vm = t.start(*linuxguest.arguments(console=(*NO_DISPLAY, "-serial", "stdio"),
                                       append="-- uname -m"))
    vm.close_stdin()
    vm.expect("^riscv64", linuxguest.BOOT_SECONDS)
    t.equal(vm.wait(), 0, "exit status")


@gwttest.test("-serial file: holds all that the guest said")
def file(t):
    path = t.path("serial.log")
    out, _ = t.run(*linuxguest.arguments(console=(*NO_DISPLAY, "-serial", "file:" + path),
                                         append="-- uname -m"), timeout=linuxguest.BOOT_SECONDS)
    t.equal(out, b"", "standard output")
    with open(path, encoding="utf-8", errors="replace") as log:
        text = log.read()
    t.contains(text, "OpenSBI v")
    t.contains(text, "\nriscv64")
    t.contains(text, "reboot: Power down")


@gwttest.test("-serial null throws it away")
def null(t):
    out, err = t.run(*linuxguest.arguments(console=(*NO_DISPLAY, "-serial", "null"),
                                           append="-- uname -m"), timeout=linuxguest.BOOT_SECONDS)
    t.equal(out, b"", "standard output")
    t.equal(err, "", "standard error")


@gwttest.test("-serial unix: waits for a client, who may leave and come again")
def unix(t):
    path = t.path("serial.sock")
    vm = t.start(*linuxguest.arguments(
        console=(*NO_DISPLAY, "-serial", "unix:%s,server=on,wait=off" % path)), qmp=True)

    def connect():
        client = socket.socket(socket.AF_UNIX)
        t.cleanup(client.close)
        client.connect(path)
        return client, gwttest.Stream.from_socket(client, "serial socket")

    client, stream = connect()
    stream.expect(linuxguest.READY, linuxguest.BOOT_SECONDS)
    stream.expect(linuxguest.PROMPT)
    client.close()
    client, stream = connect()
    stream.send("echo aga''in\n")
    stream.expect("^again")
    stream.send("poweroff\n")
    t.equal(vm.wait(), 0, "exit status")


@gwttest.test("-serial pty names its terminal")
def pty(t):
    vm = t.start(*linuxguest.arguments(console=(*NO_DISPLAY, "-serial", "pty")), "-S", qmp=True)
    path = vm.expect(r"char device redirected to (/dev/\S+) \(label serial0\)").group(1).decode()
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
    t.cleanup(os.close, fd)
    vm.qmp.cmd("cont")
    terminal = gwttest.Stream.from_fd(fd, path)
    terminal.expect(linuxguest.READY, linuxguest.BOOT_SECONDS)
    terminal.expect(linuxguest.PROMPT)
    terminal.send("uname -m\n")
    terminal.expect("^riscv64")
    # what a terminal still holds when its other end goes is lost, so this comes after
    terminal.send("poweroff\n")
    t.equal(vm.wait(), 0, "exit status")


@gwttest.test("a flood of input is neither lost nor mixed up")
def flood(t):
    vm = linuxguest.boot(t, interactive=True)
    vm.send("stty -icanon -echo; echo go''ing; head -c 20000 | sha256sum; stty sane\n")
    vm.expect("^going")
    data = "".join("%07d\n" % i for i in range(2500))
    vm.send(data)
    wanted = hashlib.sha256(data.encode()).hexdigest()
    got = vm.expect(r"^([0-9a-f]{64})").group(1).decode()
    t.equal(got, wanted, "digest of 20000 bytes")
    vm.expect(linuxguest.PROMPT)
    linuxguest.power_off(t, vm)


gwttest.main()
