# SPDX-License-Identifier: BSD-2-Clause
"""Builds what runs inside the guest: the kernels as one static program in an initramfs of its own
behind the ordinary one, and the bare-metal program.  It must not know what is measured with it."""

import os
import subprocess

import gwttest

HERE = os.path.dirname(os.path.abspath(__file__))
CC = os.environ.get("RISCV_CC") or "riscv64-linux-gnu-gcc"
# No vector or bit-manipulation instructions: what every distribution's binaries are made of.
KERNEL_FLAGS = ["-O2", "-static", "-pthread", "-march=rv64gc", "-mabi=lp64d", "-fno-math-errno",
                "-Wall", "-Wextra"]
MMIO_FLAGS = ["-nostdlib", "-static", "-march=rv64gc", "-Wl,-N,-Ttext=0x80000000",
              "-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments"]


def compile_guest(output, flags, sources):
    argv = [CC, *flags, "-o", output, *(os.path.join(HERE, "guest", s) for s in sources)]
    try:
        done = subprocess.run(argv, stderr=subprocess.PIPE, check=False)
    except FileNotFoundError as e:
        raise gwttest.Failure("%s is not there; install the package gcc-riscv64-linux-gnu"
                              % CC) from e
    if done.returncode != 0:
        raise gwttest.Failure("'%s' failed: %s" % (" ".join(argv), done.stderr.decode()))
    return output


def cpio_entry(number, name, mode, data):
    header = "070701" + "".join("%08x" % x for x in (
        number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0))
    entry = header.encode() + name.encode() + b"\0"
    entry += b"\0" * (-len(entry) % 4)
    return entry + data + b"\0" * (-len(data) % 4)


def initrd(scratch, base, name="bench-kernels", sources=("main.c", "compute.c", "system.c")):
    """The ordinary initramfs with /NAME added; archives behind one another are legal."""
    program = compile_guest(os.path.join(scratch, name), KERNEL_FLAGS, sources)
    path = os.path.join(scratch, "initrd.cpio")
    with open(base, "rb") as f, open(program, "rb") as p, open(path, "wb") as out:
        content = f.read()
        out.write(content + b"\0" * (-len(content) % 512))
        out.write(cpio_entry(1, name, 0o100755, p.read()))
        out.write(cpio_entry(0, "TRAILER!!!", 0, b""))
    return path


def mmio_program(scratch, count):
    path = os.path.join(scratch, "mmio-%d.elf" % count)
    if not os.path.exists(path):
        compile_guest(path, MMIO_FLAGS + ["-DCOUNT=%d" % count], ["mmio.S"])
    return path, count
