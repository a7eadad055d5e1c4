#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A running guest over every transport; and ends that are not there, go, stall or are given up.
Whatever becomes of it, the guest goes on at one end."""

import array
import json
import os
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."), "tests"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import gwttest  # noqa: E402
import mover  # noqa: E402

WITHOUT = []


class Ends(mover.Mover):
    """A sender whose guest runs, and receivers."""

    def __init__(self, t):
        super().__init__(t)
        self.a = self.start(*WITHOUT)
        self.lives(self.a)

    def receiver(self, uri="defer"):
        return self.start(*WITHOUT, incoming=uri)

    def arrives(self, b, uri=None, *capabilities, **arguments):
        if uri:
            arguments["uri"] = uri
        self.set(self.a, *capabilities)
        self.a.qmp.cmd("migrate", **arguments)
        self.finished(self.a)
        self.wait(b, "completed")
        self.lives(b)
        self.t.equal(self.a.qmp.cmd("query-status")["status"], "postmigrate")

    def stays(self, *texts):
        """The migration failed with all of TEXTS, and the guest goes on."""
        answer = self.finished(self.a, "failed")
        for text in texts:
            self.t.contains(answer["error-desc"], text)
        self.lives(self.a)

    def cancel(self):
        self.a.qmp.cmd("migrate_cancel")
        self.finished(self.a, "cancelled")
        self.lives(self.a)


def getfd(vm, name, fd):
    message = json.dumps({"execute": "getfd", "arguments": {"fdname": name}}).encode()
    vm.qmp.sock.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
    answer = vm.qmp.reply()
    if "error" in answer:
        raise gwttest.Failure("getfd: %r" % answer)


def port_of(vm):
    return int(vm.qmp.cmd("query-migrate")["socket-address"][0]["port"])


def channels(**addr):
    return [{"channel-type": "main", "addr": {k.replace("_", "-"): v for k, v in addr.items()}}]


# ---- guests arrive

@gwttest.test("tcp: IPv4, by name, and IPv6 where there is one; with answers")
def tcp(t):
    hosts = ["127.0.0.1", "localhost"]
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        hosts.append("[::1]")
    except OSError:
        pass
    for host in hosts:
        m = Ends(t)
        b = m.receiver("tcp:%s:0" % host)
        m.arrives(b, "tcp:%s:%d" % (host, port_of(b)), "return-path")
        m.a.kill()
        b.kill()


@gwttest.test("tcp: a range of ports, given as channels")
def tcp_range(t):
    m = Ends(t)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        b = m.receiver()
        b.qmp.cmd("migrate-incoming", channels=channels(
            transport="socket", type="inet", host="127.0.0.1", port=str(port),
            to=min(port + 200, 65535)))
        t.ok(port_of(b) > port, "port")
        m.arrives(b, channels=channels(transport="socket", type="inet", host="127.0.0.1",
                                       port=str(port_of(b)), keep_alive=True))


@gwttest.test("unix: the socket's file is gone when the guest has come")
def unix(t):
    m = Ends(t)
    b = m.receiver("unix:" + m.socket())
    t.equal(b.qmp.cmd("query-migrate")["socket-address"], [{"type": "unix", "path": m.socket()}])
    m.arrives(b, "unix:" + m.socket(), "return-path")
    t.ok(not os.path.exists(m.socket()), "the socket's file is still there")


@gwttest.test("exec: through commands, with a shell and without")
def execs(t):
    m = Ends(t)
    m.a.qmp.cmd("migrate", uri="exec:gzip -1 > '%s'" % t.path("state.gz"))
    m.finished(m.a)
    b = m.receiver("exec:gzip -dc '%s'" % t.path("state.gz"))
    m.wait(b, "completed")
    m.lives(b)
    b.kill()
    b = m.receiver()
    b.qmp.cmd("migrate-incoming",
              channels=channels(transport="exec", args=["gzip", "-dc", t.path("state.gz")]))
    m.wait(b, "completed")
    m.lives(b)


@gwttest.test("exec: answers come back through a command that goes both ways")
def exec_answers(t):
    m = Ends(t)
    b = m.receiver("unix:" + m.socket())
    through = t.path("through.py")
    with open(through, "w", encoding="utf-8") as f:
        f.write("import socket, sys, threading\n"
                "s = socket.socket(socket.AF_UNIX)\n"
                "s.connect(sys.argv[1])\n"
                "def back():\n"
                "    while d := s.recv(65536):\n"
                "        sys.stdout.buffer.write(d)\n"
                "        sys.stdout.buffer.flush()\n"
                "threading.Thread(target=back, daemon=True).start()\n"
                "kept = open(sys.argv[2], 'wb')\n"
                "while d := sys.stdin.buffer.read1(65536):\n"
                "    s.sendall(d)\n"
                "    kept.write(d)\n")
    m.arrives(b, "exec:exec %s '%s' '%s' '%s'" % (sys.executable, through, m.socket(),
                                                  t.path("kept")), "return-path")
    # What wanted answers when it was sent can be had from where there are none.
    for uri in ("exec:cat '%s'", "file:%s"):
        b.kill()
        b = m.receiver(uri % t.path("kept"))
        m.wait(b, "completed")
        m.lives(b)


@gwttest.test("fd: sockets and pipes that are handed over by name")
def fds(t):
    for kind in ("socket", "pipe"):
        m = Ends(t)
        b = m.receiver()
        if kind == "socket":
            theirs, ours = (s.detach() for s in socket.socketpair())
        else:
            theirs, ours = os.pipe()
        getfd(m.a, "out", ours)
        getfd(b, "in", theirs)
        os.close(ours)
        os.close(theirs)
        b.qmp.cmd("migrate-incoming", uri="fd:in")
        m.arrives(b, "fd:out")
        t.contains(t.raises("GenericError", m.a.qmp.cmd, "closefd", fdname="out"),
                   "there is no descriptor named 'out'")
        m.a.kill()
        b.kill()


@gwttest.test("fd: a number that the process was started with")
def fd_number(t):
    m = Ends(t)
    m.a.qmp.cmd("migrate", uri="file:" + t.path("state"))
    m.finished(m.a)
    address = t.path("inherits.sock")
    argv = [gwttest.GODWIT, "-M", "virt", "-m", m.memory, "-bios", m.image, "-serial", "stdio",
            "-qmp", "unix:%s,server=on,wait=off" % address, "-incoming", "fd:7", *WITHOUT]
    b = t.start_program("sh", "-c", 'state=$1; shift; exec "$@" 7<"$state"', "sh",
                        t.path("state"), *argv)
    b.qmp = gwttest.Qmp.connect(address, alive=b.alive)
    m.wait(b, "completed")
    m.lives(b)
    t.contains(t.raises("GenericError", b.qmp.cmd, "migrate", uri="fd:7"),
               "descriptor 7 is not one that this process was started with")


@gwttest.test("file: with an offset, and what is before it stays; loaded twice")
def files(t):
    m = Ends(t)
    path = t.path("state")
    with open(path, "wb") as f:
        f.write(b"head" * 1024 + b"x" * (64 << 20))
    m.a.qmp.cmd("migrate", channels=channels(transport="file", filename=path, offset=4096))
    m.finished(m.a)
    with open(path, "rb") as f:
        t.equal(f.read(4096), b"head" * 1024, "the head")
        t.equal(f.read(4), b"QEVM")
    t.ok(os.path.getsize(path) < 64 << 20, "what was behind is still there")
    for uri in ("file:%s,offset=4K" % path, "file:%s,offset=0x1000" % path):
        b = m.receiver(uri)
        m.wait(b, "completed")
        m.lives(b)
        b.kill()


# ---- guests stay

@gwttest.test("nobody is there: one line says so, for each transport")
def nobody(t):
    m = Ends(t)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    for uri, texts in (
            ("tcp:127.0.0.1:%d" % port, ["Connection refused; is the other end started with -incoming?"]),
            ("unix:" + t.path("none"), ["No such file or directory; is the other end started with -incoming?"]),
            ("tcp:no-such-host.invalid:1", ["host 'no-such-host.invalid': "]),
            ("exec:exit 3", ["the command ended with status 3; see what it says"]),
            ("exec:cat > /dev/null; exit 4", ["the command ended with status 4; see what it says"]),
            ("file:/dev/full", ["cannot write: No space left on device; make room, or use another file"]),
            ("file:%s/no/folder" % t.tmp, ["No such file or directory; use a file that can be written"])):
        m.a.qmp.cmd("migrate", uri=uri)
        m.stays(*texts)


@gwttest.test("return-path needs a way back: a file and a pipe are refused at once")
def no_way_back(t):
    m = Ends(t)
    m.set(m.a, "return-path")
    r, w = os.pipe()
    t.cleanup(os.close, r)
    getfd(m.a, "out", w)
    os.close(w)
    for uri in ("file:" + t.path("state"), "fd:out"):
        t.contains(t.raises("GenericError", m.a.qmp.cmd, "migrate", uri=uri), "return-path")
    t.ok(not os.path.exists(t.path("state")), "a file was made")
    t.equal(m.status(m.a), None)
    m.lives(m.a)


@gwttest.test("a file that was there is as it was where nothing could be sent")
def file_kept(t):
    m = Ends(t)
    with open(t.path("state"), "wb") as f:
        f.write(b"old")
    os.chmod(t.path("state"), 0o400)
    if os.geteuid() != 0:
        m.a.qmp.cmd("migrate", uri="file:" + t.path("state"))
        m.stays("Permission denied; use a file that can be written")
    # A folder in its place, a FIFO that nobody reads.
    os.mkfifo(t.path("fifo"))
    for name, text in ((t.tmp, "Is a directory"), (t.path("fifo"), "Nobody reads from it")):
        m.a.qmp.cmd("migrate", uri="file:" + name)
        m.stays(text + "; use a file that can be written")
    with open(t.path("state"), "rb") as f:
        t.equal(f.read(), b"old")


class Listener:
    """Something at the other end that is no emulator."""

    def __init__(self, t, backlog=1):
        self.path = t.path("listener.sock")
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        self.socket.listen(backlog)
        t.cleanup(self.socket.close)


@gwttest.test("cancelled while it connects to somebody who accepts nobody")
def cancel_connect(t):
    m = Ends(t)
    other = Listener(t, 0)
    waiting = []
    while True:
        s = socket.socket(socket.AF_UNIX)
        s.setblocking(False)
        waiting.append(s)
        t.cleanup(s.close)
        try:
            s.connect(other.path)
        except BlockingIOError:
            break
    m.a.qmp.cmd("migrate", uri="unix:" + other.path)
    t.equal(m.status(m.a), "setup")
    m.lives(m.a)
    m.cancel()


@gwttest.test("cancelled while nobody reads: socket, pipe, command")
def cancel_stalled(t):
    m = Ends(t)
    other = Listener(t)
    r, w = os.pipe()
    t.cleanup(os.close, r)
    getfd(m.a, "out", w)
    os.close(w)
    for uri in ("unix:" + other.path, "fd:out", "exec:sleep 1000 | sleep 1000"):
        m.a.qmp.cmd("migrate", uri=uri)
        # All of this guest may fit into what is between: then it stands.
        m.wait(m.a, "active", "device", *(["setup"] if uri.startswith("unix:") else []))
        m.cancel()


@gwttest.test("the other end goes: before a byte, after some, in the middle of its memory")
def reader_goes(t):
    m = Ends(t)
    other = Listener(t)
    # So slow that not all of it fits into what is between.
    m.set(m.a, max_bandwidth=500000)
    m.unset(m.a, "x-preflight")
    for size in (0, 1, 100, 100000):
        def serve(size=size):
            with other.socket.accept()[0] as c:
                while size > 0:
                    size -= len(c.recv(min(size, 65536)))
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        m.a.qmp.cmd("migrate", uri="unix:" + other.path)
        m.stays("cannot write", "see what the other end says")
        thread.join(10)


@gwttest.test("a receiver is given up while it waits, and takes another guest then")
def cancel_accept(t):
    m = Ends(t)
    b = m.receiver()
    for uri in ("tcp:127.0.0.1:0", "unix:" + m.socket(), "exec:sleep 1000"):
        b.qmp.cmd("migrate-incoming", uri=uri, exit_on_error=False)
        b.qmp.cmd("migrate_cancel")
        m.wait(b, "cancelled")
    t.ok(not os.path.exists(m.socket()), "the socket's file is still there")
    b.qmp.cmd("migrate-incoming", uri="unix:" + m.socket(), exit_on_error=False)
    m.arrives(b, "unix:" + m.socket())


@gwttest.test("a receiver ends with one line: the command fails, the file is cut, the sender goes")
def sender_goes(t):
    m = Ends(t)
    for uri, text in (
            ("exec:exit 6", "exec:exit 6: the command ended with status 6; see what it says"),
            ("exec:head -c 3 /dev/zero", "exec:head -c 3 /dev/zero")):
        t.error("godwit: -incoming " + text, "-M", "virt", "-m", m.memory, "-bios", m.image,
                "-serial", "null", "-display", "none", *WITHOUT, "-incoming", uri)
    b = m.receiver("unix:" + m.socket())
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(m.socket())
        s.sendall(b"QEVM\0\0\0\3")
    t.equal(b.wait(), 1, "status")
    m.one_line(b, "godwit: -incoming unix:%s: " % m.socket())


def main():
    t = gwttest.Context("blockers")
    try:
        WITHOUT.extend(mover.blockers(t))
    finally:
        t.close()
    gwttest.main()


main()
