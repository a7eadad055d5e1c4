# SPDX-License-Identifier: BSD-2-Clause
"""What Python tests share: TAP results, starting the emulator, waiting for its output, QMP.

    import gwttest

    @gwttest.test("a guest without firmware stays quiet")
    def quiet(t):
        vm = t.start("-M", "virt", "-bios", "none", "-nographic", qmp=True)
        t.equal(vm.qmp.cmd("query-status")["status"], "running")
        vm.qmp.cmd("quit")
        t.equal(vm.wait(), 0)

    gwttest.main()

Each test gets a context `t` with a scratch folder (t.tmp); whatever it started is ended with it.
Every wait has a limit, and running into it is a failure that shows what had been seen until then.
It must not know any one topic.  Environment: GODWIT names another emulator binary to try a test on
(for example GODWIT=qemu-system-riscv64), GODWIT_TIMEOUT_SCALE stretches the limits on slow hosts.
"""

import contextlib
import errno
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

SRCDIR = os.environ.get("abs_top_srcdir") or os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))


def _builddir():
    if os.environ.get("abs_top_builddir"):
        return os.environ["abs_top_builddir"]
    usual = os.path.join(SRCDIR, "build")
    if not os.path.exists(os.path.join(SRCDIR, "godwit")) and os.path.isdir(usual):
        return usual
    return SRCDIR


BUILDDIR = _builddir()
GODWIT = os.environ.get("GODWIT") or os.path.join(BUILDDIR, "godwit")
GODWIT_PLUGIN = os.environ.get("GODWIT_PLUGIN") or os.path.join(BUILDDIR, "godwit-plugin")
GODWIT_CTL = os.environ.get("GODWIT_CTL") or os.path.join(BUILDDIR, "godwit-ctl")
GODWIT_STREAM = os.environ.get("GODWIT_STREAM") or os.path.join(BUILDDIR, "godwit-stream")
SANITIZERS = os.environ.get("GODWIT_SANITIZERS") == "yes"
SCALE = float(os.environ.get("GODWIT_TIMEOUT_SCALE") or (5 if SANITIZERS else 1))
GUEST_DIR = os.environ.get("GODWIT_GUEST_DIR") or os.path.join(SRCDIR, "guest")


class Failure(Exception):
    """The test failed; the text says how."""


class Skip(Exception):
    """The test cannot run here; the text says why."""


def _tail(data, size=3000):
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    return text if len(text) <= size else "[...]" + text[-size:]


class Stream:
    """Bytes from and to a file descriptor or socket, with expect()."""

    def __init__(self, read, write, fileno, name):
        self._read, self._write, self._fileno, self.name = read, write, fileno, name
        self.output = b""      # everything ever seen
        self._position = 0     # expect() looks from here on
        self.eof = False

    @classmethod
    def from_fd(cls, fd, name):
        os.set_blocking(fd, False)
        return cls(lambda: os.read(fd, 65536), lambda b: os.write(fd, b), lambda: fd, name)

    @classmethod
    def from_socket(cls, sock, name):
        sock.setblocking(False)
        return cls(lambda: sock.recv(65536), sock.send, sock.fileno, name)

    def fill(self, seconds):
        """Read what is there, waiting at most so long; False when nothing came."""
        if self.eof:
            return False
        ready, _, _ = select.select([self._fileno()], [], [], max(0, seconds))
        if not ready:
            return False
        try:
            data = self._read()
        except BlockingIOError:
            return False
        except OSError as e:
            # A pty whose other end has gone says EIO where a pipe says end of file.
            if e.errno not in (errno.EIO, errno.ECONNRESET):
                raise
            data = b""
        if not data:
            self.eof = True
            return False
        self.output += data
        return True

    def expect(self, pattern, timeout=60):
        """Wait for a regular expression (bytes or str, over lines too) after the last match."""
        raw = pattern.encode() if isinstance(pattern, str) else pattern
        regex = re.compile(raw, re.MULTILINE)
        end = time.monotonic() + timeout * SCALE
        while True:
            match = regex.search(self.output, self._position)
            if match:
                self._position = match.end()
                return match
            if self.eof:
                raise Failure("%s ended before %r; seen since the last match:\n%s"
                              % (self.name, pattern, _tail(self.output[self._position:])))
            if not self.fill(end - time.monotonic()) and time.monotonic() >= end:
                raise Failure("%s: no %r within %g s; seen since the last match:\n%s"
                              % (self.name, pattern, timeout * SCALE,
                                 _tail(self.output[self._position:])))

    def send(self, data, timeout=60):
        data = data.encode() if isinstance(data, str) else data
        end = time.monotonic() + timeout * SCALE
        while data:
            _, ready, _ = select.select([], [self._fileno()], [], max(0, end - time.monotonic()))
            if not ready:
                raise Failure("%s takes no input" % self.name)
            try:
                data = data[self._write(data):]
            except BlockingIOError:
                pass
            except (BrokenPipeError, ConnectionResetError) as e:
                raise Failure("%s: cannot write: %s" % (self.name, e)) from e

    def drain(self, timeout=60):
        """Read until the other end closes; return everything ever seen."""
        end = time.monotonic() + timeout * SCALE
        while not self.eof:
            if not self.fill(end - time.monotonic()) and time.monotonic() >= end:
                raise Failure("%s did not end within %g s; seen:\n%s"
                              % (self.name, timeout * SCALE, _tail(self.output)))
        return self.output


class QmpError(Exception):
    """An error reply: .klass and .desc."""

    def __init__(self, error):
        super().__init__("%s: %s" % (error.get("class"), error.get("desc")))
        self.klass, self.desc = error.get("class"), error.get("desc")


class Qmp:
    """A QMP client on a connected socket."""

    def __init__(self, sock, negotiate=True):
        self.sock = sock
        self.stream = Stream.from_socket(sock, "QMP")
        self._taken = 0
        self._id = 0
        self.events = []
        self.greeting = self.read()
        if negotiate:
            self.cmd("qmp_capabilities")

    @classmethod
    def connect(cls, address, negotiate=True, alive=lambda: True, timeout=60):
        """address: a path, or (host, port).  Tries until the server listens."""
        end = time.monotonic() + timeout * SCALE
        while True:
            family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                sock.connect(address)
                return cls(sock, negotiate)
            except (FileNotFoundError, ConnectionRefusedError) as e:
                sock.close()
                if not alive():
                    raise Failure("the emulator ended before its QMP socket was there") from e
                if time.monotonic() > end:
                    raise Failure("nothing listens on %s" % (address,)) from e
                select.select([], [], [], 0.01)

    def read(self, timeout=60):
        """The next message of the server, whatever it is."""
        end = time.monotonic() + timeout * SCALE
        while True:
            newline = self.stream.output.find(b"\n", self._taken)
            if newline >= 0:
                line = self.stream.output[self._taken:newline]
                self._taken = newline + 1
                if line.strip():
                    return json.loads(line)
                continue
            if not self.stream.fill(end - time.monotonic()):
                if self.stream.eof:
                    raise Failure("the QMP server closed the connection; last bytes:\n%s"
                                  % _tail(self.stream.output[self._taken:]))
                if time.monotonic() >= end:
                    raise Failure("no QMP message within %g s" % (timeout * SCALE))

    def send_raw(self, data):
        self.stream.send(data)

    def reply(self, timeout=60):
        """The next message that is no event; events are kept in .events."""
        while True:
            message = self.read(timeout)
            if "event" not in message:
                return message
            self.events.append(message)

    def raw(self, message, timeout=60):
        self.send_raw(json.dumps(message) + "\r\n")
        return self.reply(timeout)

    def cmd(self, name, timeout=60, **arguments):
        """Run a command; an underscore in an argument's name stands for a dash."""
        self._id += 1
        message = {"execute": name, "id": self._id}
        if arguments:
            message["arguments"] = {k.replace("_", "-"): v for k, v in arguments.items()}
        answer = self.raw(message, timeout)
        if answer.get("id") != self._id:
            raise Failure("QMP answered %r to request %d" % (answer, self._id))
        if "error" in answer:
            raise QmpError(answer["error"])
        return answer["return"]

    def event(self, name, timeout=60):
        """Wait for an event of that name, counting those already seen; returns and forgets it."""
        while True:
            for i, seen in enumerate(self.events):
                if seen["event"] == name:
                    return self.events.pop(i)
            message = self.read(timeout)
            if "event" not in message:
                raise Failure("QMP sent %r where the event %s was awaited" % (message, name))
            self.events.append(message)

    def close(self):
        self.sock.close()


class Process:
    """A running emulator, or another program: .console is its stdin and stdout."""

    def __init__(self, argv, tmp, pty=False, env=None, cwd=None):
        self.argv = [str(a) for a in argv]
        self.name = os.path.basename(self.argv[0])
        self._stderr = tempfile.TemporaryFile(dir=tmp)
        self._fds = []
        self.qmp = None
        environment = dict(os.environ, LC_ALL="C", **(env or {}))
        if pty:
            master, slave = os.openpty()
            self._fds.append(master)
            self.terminal = master
            self.popen = subprocess.Popen(self.argv, stdin=slave, stdout=slave,
                                          stderr=self._stderr, env=environment, cwd=cwd,
                                          start_new_session=True)
            os.close(slave)
            self.console = Stream.from_fd(master, self.name)
        else:
            # One socket pair carries both ways, so that one Stream serves a pty and a pipe alike.
            here, there = socket.socketpair()
            self._socket = here
            self.popen = subprocess.Popen(self.argv, stdin=there, stdout=there,
                                          stderr=self._stderr, env=environment, cwd=cwd,
                                          start_new_session=True)
            there.close()
            self.console = Stream.from_socket(here, self.name)

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def stderr(self):
        # pread, since the file position is shared with the program that writes there
        fd = self._stderr.fileno()
        return os.pread(fd, os.fstat(fd).st_size, 0).decode("utf-8", "replace")

    def close_stdin(self):
        """End of file on the program's standard input (not on a pty)."""
        self._socket.shutdown(socket.SHUT_WR)

    def expect(self, pattern, timeout=60):
        try:
            return self.console.expect(pattern, timeout)
        except Failure as e:
            extra = self.stderr()
            raise Failure("%s%s" % (e, "\nstderr:\n" + _tail(extra) if extra else "")) from e

    def send(self, data):
        self.console.send(data)

    def wait(self, timeout=60):
        """Wait for the end, reading the console meanwhile; returns the exit status (-N: signal)."""
        end = time.monotonic() + timeout * SCALE
        while self.alive():
            if time.monotonic() >= end:
                raise Failure("%s still runs after %g s; console:\n%s\nstderr:\n%s" % (
                    self.name, timeout * SCALE, _tail(self.console.output), _tail(self.stderr())))
            if self.console.eof:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.popen.wait(max(0.01, end - time.monotonic()))
            else:
                self.console.fill(min(0.05, max(0, end - time.monotonic())))
        while self.console.fill(0):
            pass
        return self.popen.returncode

    def kill(self):
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait()

    def close(self):
        self.kill()
        if self.qmp:
            self.qmp.close()
        self._stderr.close()
        for fd in self._fds:
            os.close(fd)
        if hasattr(self, "_socket"):
            self._socket.close()


class Context:
    """What a test function gets."""

    def __init__(self, name):
        self.name = name
        self.tmp = tempfile.mkdtemp(prefix="godwit-test.")
        self._exit = contextlib.ExitStack()
        self._exit.callback(shutil.rmtree, self.tmp, True)

    def path(self, *parts):
        return os.path.join(self.tmp, *parts)

    def cleanup(self, function, *args):
        self._exit.callback(function, *args)

    def start_program(self, *argv, pty=False, env=None, cwd=None):
        process = Process(argv, self.tmp, pty=pty, env=env, cwd=cwd)
        self._exit.callback(process.close)
        return process

    def start(self, *args, pty=False, qmp=False, env=None, cwd=None):
        """Start the emulator.  qmp=True adds a QMP socket and connects to it."""
        argv = [GODWIT, *args]
        if qmp:
            address = self.path("qmp.sock")
            argv += ["-qmp", "unix:%s,server=on,wait=off" % address]
        process = self.start_program(*argv, pty=pty, env=env, cwd=cwd)
        if qmp:
            try:
                process.qmp = Qmp.connect(address, alive=process.alive)
            except Failure as e:
                raise Failure("%s; stderr:\n%s" % (e, process.stderr())) from e
        return process

    def run(self, *args, status=0, timeout=60, **kwargs):
        """Run the emulator to its end; checks the exit status, returns (stdout bytes, stderr)."""
        process = self.start(*args, **kwargs)
        process.close_stdin()
        got = process.wait(timeout)
        if got != status:
            raise Failure("'%s' exited with %d, wanted %d; stdout:\n%s\nstderr:\n%s" % (
                " ".join(process.argv), got, status, _tail(process.console.output),
                _tail(process.stderr())))
        return process.console.output, process.stderr()

    def error(self, text, *args, status=1, timeout=60, **kwargs):
        """The emulator must refuse in one line of stderr that holds text; returns that line."""
        out, err = self.run(*args, status=status, timeout=timeout, **kwargs)
        lines = err.splitlines()
        if len(lines) != 1:
            raise Failure("%d lines on stderr, wanted one:\n%s" % (len(lines), err))
        if text not in lines[0]:
            raise Failure("no %r in %r" % (text, lines[0]))
        if out:
            raise Failure("stdout is not empty:\n%s" % _tail(out))
        return lines[0]

    def qmp(self, address, negotiate=True):
        client = Qmp.connect(address, negotiate)
        self._exit.callback(client.close)
        return client

    # -- claims

    def ok(self, condition, text):
        if not condition:
            raise Failure(text)

    def equal(self, got, wanted, text="value"):
        if got != wanted:
            raise Failure("%s: got %r, wanted %r" % (text, got, wanted))

    def contains(self, text, wanted):
        if wanted not in text:
            raise Failure("no %r in:\n%s" % (wanted, _tail(text)))

    def raises(self, klass, function, *args, **kwargs):
        """QMP must answer with an error of that class; returns its description."""
        try:
            answer = function(*args, **kwargs)
        except QmpError as e:
            self.equal(e.klass, klass, "error class")
            return e.desc
        raise Failure("succeeded with %r, wanted an error of class %s" % (answer, klass))

    def skip(self, reason):
        raise Skip(reason)

    def close(self):
        self._exit.close()


_tests = []


def test(name, skip=None):
    """Decorator: the function is a test.  skip: a reason (or None) known beforehand."""
    def register(function):
        _tests.append((name, function, skip))
        return function
    return register


def skip_all(reason):
    """Nothing in this file can run here."""
    print("1..0 # SKIP %s" % reason)
    sys.exit(0)


def _diagnose(text):
    for line in text.splitlines():
        print("# %s" % line.replace("\r", ""))


def main():
    """Run the tests whose name holds one of the arguments (none: all), in the order written."""
    # SIGTERM is how the runner stops a test that hangs; unwinding ends what was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # A client that goes away must be an error of that write, not the end of the test.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    chosen = [x for x in _tests if not sys.argv[1:] or any(a in x[0] for a in sys.argv[1:])]
    failed = 0
    print("1..%d" % len(chosen), flush=True)
    for number, (name, function, reason) in enumerate(chosen, 1):
        title = "%d - %s" % (number, name.replace("#", ""))
        if reason:
            print("ok %s # SKIP %s" % (title, reason), flush=True)
            continue
        context = Context(name)
        try:
            function(context)
            print("ok %s" % title)
        except Skip as e:
            print("ok %s # SKIP %s" % (title, e))
        except Exception as e:  # pylint: disable=broad-except
            failed += 1
            print("not ok %s" % title)
            _diagnose(str(e) if isinstance(e, Failure) else traceback.format_exc())
        finally:
            context.close()
        sys.stdout.flush()
    sys.exit(1 if failed else 0)
