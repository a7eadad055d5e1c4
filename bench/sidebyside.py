# SPDX-License-Identifier: BSD-2-Clause
"""What the benchmarks that compare two emulators share: where these are, what is on the machine,
what a process has used, and the frame around a run.  It must not know what is measured."""

import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import gwttest
import linuxguest

EMULATORS = ("godwit", "qemu")
PROGRAM = {"godwit": gwttest.GODWIT,
           "qemu": os.environ.get("QEMU_RISCV64") or "/usr/bin/qemu-system-riscv64"}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def _thread_seconds(pid, thread):
    with open("/proc/%d/task/%d/schedstat" % (pid, thread), encoding="ascii") as f:
        return int(f.read().split()[0]) / 1e9


def cpu_seconds(pid, without=()):
    """Processor time of a process, with that of its threads that have ended; WITHOUT: threads that
    do not count."""
    # The process's own clock, as clock_getcpuclockid () makes it: stat counts whole 10 ms.
    used = time.clock_gettime(~pid << 3 | 2)
    return used - sum(_thread_seconds(pid, t) for t in without)


def note(text):
    if sys.stderr.isatty():
        print("\r\033[K%s" % (text and text + " ..."), end="", file=sys.stderr, flush=True)


def versions():
    out = {}
    for w in EMULATORS:
        text = subprocess.run([PROGRAM[w], "--version"], stdout=subprocess.PIPE, check=False).stdout
        out[w] = text.decode("utf-8", "replace").split("\n", 1)[0]
    return out


def _missing(linux):
    for w in EMULATORS:
        if PROGRAM[w] == "no" or not os.path.exists(PROGRAM[w]):
            return "%s is not there; %s" % (
                w, "run make first" if w == "godwit" else "install the package qemu-system-misc")
    for path in [linuxguest.IMAGE, linuxguest.FIRMWARE, linuxguest.INITRD] if linux else []:
        if not os.path.exists(path):
            return "no Linux guest: '%s' is missing; run tools/guest/make-guest" % path
    return None


class Context(gwttest.Context):
    """Emulators that it starts end with it, even where it has no time to end them."""

    def start_program(self, *argv, **kwargs):
        tie = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
        process = super().start_program(*tie, *argv, **kwargs)
        process.name = os.path.basename(argv[0])
        return process


def run(name, options, facts, measure, show, folder=None, linux=True):
    """The whole of a benchmark: measure (context, options) gives the report's members beside
    FACTS, show (report) prints them; options.json: a file for them; LINUX: the
    guest is needed.  The exit status."""
    missing = _missing(linux)
    if missing:
        print("bench-%s: %s" % (name, missing), file=sys.stderr)
        return 1
    report = {"bench": name, "format": 1, "versions": versions(), "quick": options.quick, **facts,
              "host": {"machine": platform.machine(), "cpus": os.cpu_count(),
                       "load": os.getloadavg()[0]}}
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda n, _: sys.exit(128 + n))
    context = Context("bench")
    try:
        with tempfile.TemporaryDirectory(prefix="godwit-bench.", dir=folder) as scratch:
            options.scratch = scratch
            report.update(measure(context, options))
    except (gwttest.Failure, OSError) as e:
        print("bench-%s: %s" % (name, e), file=sys.stderr)
        return 1
    finally:
        context.close()
    note("")
    report["host"]["load_after"] = os.getloadavg()[0]
    print("%(cpus)d host processors, load average before %(load).1f, after %(load_after).1f"
          % report["host"])
    if report["host"]["load"] > 1:
        print("note: the host was busy before the start; the figures are lower than they could be")
    show(report)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as f:
            json.dump(report, f, indent=1, sort_keys=True)
            f.write("\n")
    return 0
