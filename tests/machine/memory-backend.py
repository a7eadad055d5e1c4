# SPDX-License-Identifier: BSD-2-Clause
"""What the guest's memory is made of: -object memory-backend-*."""

import json
import os

import gwttest

MIB = 1 << 20
MARK = b"this is the content of a kernel, and it is found in the file"


def start(t, spec):
    with open(t.path("kernel"), "wb") as f:
        f.write(MARK * 100)
    return t.start("-M", "virt,memory-backend=m0", "-object", spec, "-bios", "none", "-kernel",
                   t.path("kernel"), "-S", "-nodefaults", qmp=True)


def mappings(vm, name):
    with open(f"/proc/{vm.pid}/maps") as f:
        return [line.split() for line in f if name in line]


def end(vm):
    vm.qmp.cmd("quit")
    vm.wait()


@gwttest.test("a file that is shared holds the guest's memory, during and afterwards")
def shared(t):
    path = t.path("memory")
    vm = start(t, f"memory-backend-file,id=m0,size=64M,mem-path={path},share=on")
    t.equal(os.stat(path).st_size, 64 * MIB)
    with open(path, "rb") as f:
        t.ok(MARK * 100 in f.read(8 * MIB), "the kernel is in the file")
    t.equal(mappings(vm, path)[0][1], "rw-s", "how it is mapped")
    end(vm)
    with open(path, "rb") as f:
        t.ok(MARK * 100 in f.read(8 * MIB), "the file stays")


@gwttest.test("a file that is not shared keeps its content")
def private(t):
    path = t.path("memory")
    with open(path, "wb") as f:
        f.truncate(80 * MIB)
    vm = start(t, json.dumps({"qom-type": "memory-backend-file", "id": "m0", "size": 64 * MIB,
                              "mem-path": path, "share": False}))
    t.equal(mappings(vm, path)[0][1], "rw-p", "how it is mapped")
    end(vm)
    t.equal(os.stat(path).st_size, 80 * MIB)
    with open(path, "rb") as f:
        t.ok(not any(f.read(8 * MIB)), "nothing was written to it")


@gwttest.test("all of it is taken at the start where that is asked for")
def prealloc(t):
    path = t.path("memory")
    vm = start(t, f"memory-backend-file,id=m0,size=64M,mem-path={path},prealloc=on")
    t.ok(os.stat(path).st_blocks * 512 >= 64 * MIB, "the file has holes")
    end(vm)
    vm = start(t, "memory-backend-ram,id=m0,size=64M,prealloc=on")
    with open(f"/proc/{vm.pid}/status") as f:
        resident = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
    t.ok(resident >= 64 << 10, "%d KiB of memory" % resident)
    end(vm)


@gwttest.test("a folder stays empty")
def folder(t):
    os.mkdir(t.path("folder"))
    vm = start(t, f"memory-backend-file,id=m0,size=64M,mem-path={t.path('folder')},share=on")
    t.equal(len(mappings(vm, "godwit-memory")), 1)
    t.equal(os.listdir(t.path("folder")), [])
    end(vm)


@gwttest.test("memory that has a descriptor, and memory that has none")
def memfd(t):
    for spec, how in (("memory-backend-memfd,id=m0,size=64M", ["rw-s"]),
                      ("memory-backend-memfd,id=m0,size=64M,share=off", ["rw-p"]),
                      ("memory-backend-ram,id=m0,size=64M,share=on", ["rw-s"]),
                      ("memory-backend-ram,id=m0,size=64M", [])):
        vm = start(t, spec)
        t.equal([line[1] for line in mappings(vm, "memfd:m0")], how, spec)
        end(vm)


gwttest.main()
