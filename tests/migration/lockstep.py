# SPDX-License-Identifier: BSD-2-Clause
"""What is saved is the whole state: guests whose instructions are counted are saved at random moments,
and go on in two processes in lock step.  The guest's own next steps depend on all that it has seen of
time, interrupts and its other hart, so that a difference anywhere grows.
"""

import os
import random
import struct

import gwttest
import streamreader
import twins

SEED = int(os.environ.get("GODWIT_SEED") or 1)
STEP = 3000000
MOMENTS = 3

ZERO, T0, T1, T2, S0, S1, A0, A1, A2, A3, A4, A5, S2 = 0, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 18
S3, S4, S5, S6, S7, S8, S9, S11, T3, T4 = 19, 20, 21, 22, 23, 24, 25, 27, 28, 29
CLINT, UART, REGION = 0x2000000, 0x10000000, 0x80200000
MSTATUS, MIE, MTVEC, MCAUSE, MCYCLE, MINSTRET, MHARTID = (0x300, 0x304, 0x305, 0x342, 0xb00, 0xb02,
                                                          0xf14)


class Program:
    """Instructions one after the other; jumps go to places that have a name by the end."""

    def __init__(self):
        self.code, self.places = [], {}

    def place(self, name):
        self.places[name] = 4 * len(self.code)

    def i(self, opcode, f3, rd, rs1, imm):
        self.code.append((imm & 0xfff) << 20 | rs1 << 15 | f3 << 12 | rd << 7 | opcode)

    def r(self, opcode, f7, f3, rd, rs1, rs2):
        self.code.append(f7 << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | rd << 7 | opcode)

    def addi(self, rd, rs1, imm):
        self.i(0x13, 0, rd, rs1, imm)

    def andi(self, rd, rs1, imm):
        self.i(0x13, 7, rd, rs1, imm)

    def slli(self, rd, rs1, n):
        self.i(0x13, 1, rd, rs1, n)

    def srli(self, rd, rs1, n):
        self.i(0x13, 5, rd, rs1, n)

    def add(self, rd, rs1, rs2):
        self.r(0x33, 0, 0, rd, rs1, rs2)

    def xor(self, rd, rs1, rs2):
        self.r(0x33, 0, 4, rd, rs1, rs2)

    def and_(self, rd, rs1, rs2):
        self.r(0x33, 0, 7, rd, rs1, rs2)

    def lui(self, rd, value):
        self.code.append((value & 0xfffff000) | rd << 7 | 0x37)

    def ld(self, rd, rs1, imm=0):
        self.i(0x03, 3, rd, rs1, imm)

    def store(self, f3, rs2, rs1):
        self.code.append(rs2 << 20 | rs1 << 15 | f3 << 12 | 0x23)

    def sd(self, rs2, rs1):
        self.store(3, rs2, rs1)

    def csr(self, f3, rd, number, operand):
        self.i(0x73, f3, rd, operand, number)

    def branch(self, f3, rs1, rs2, to):
        self.code.append((f3, rs1, rs2, to))

    def image(self):
        words = []
        for n, word in enumerate(self.code):
            if isinstance(word, tuple):
                f3, rs1, rs2, to = word
                off = self.places[to] - 4 * n
                word = ((off >> 12 & 1) << 31 | (off >> 5 & 0x3f) << 25 | rs2 << 20 | rs1 << 15
                        | f3 << 12 | (off >> 1 & 0xf) << 8 | (off >> 11 & 1) << 7 | 0x63)
            words.append(word)
        return struct.pack("<%dI" % len(words), *words)


def program(harts):
    """S0 is a random number, S1 the hart, S5 counts rounds, S7 is its mtimecmp, S8 its msip and S9 the
    next hart's, S11 the place in its log of what it was told of time.  S4 counts the timer's interrupts,
    and S3 by how many ticks all were late."""
    p = Program()
    p.csr(2, S1, MHARTID, 0)
    p.lui(S6, CLINT)
    p.slli(T0, S1, 2)
    p.add(S8, S6, T0)
    p.slli(T0, S1, 3)
    p.add(S7, S6, T0)
    p.lui(T1, 0x4000)
    p.add(S7, S7, T1)
    p.i(0x13, 4, T0, S1, 1 if harts > 1 else 0)
    p.slli(T0, T0, 2)
    p.add(S9, S6, T0)
    p.lui(S2, REGION >> 1)              # negative as 32 bits: shifted into place
    p.slli(S2, S2, 1)
    p.lui(S0, 0x12345000)
    p.add(S0, S0, S1)
    p.addi(S0, S0, 7)
    # auipc: where this is
    at = 4 * len(p.code)
    p.code.append(T0 << 7 | 0x17)
    handler = len(p.code)
    p.addi(T0, T0, 0)
    p.csr(1, ZERO, MTVEC, T0)
    p.addi(T0, ZERO, 0x88)              # the timer, and the other hart
    p.csr(1, ZERO, MIE, T0)
    p.sd(ZERO, S7)
    p.csr(6, ZERO, MSTATUS, 8)
    p.place("loop")
    for shift, f3 in ((13, 1), (7, 5), (17, 1)):
        p.i(0x13, f3, A0, S0, shift)
        p.xor(S0, S0, A0)
    p.srli(A1, S0, 20)
    p.lui(A2, 0x100000)
    p.addi(A2, A2, -8)
    p.and_(A1, A1, A2)
    p.add(A1, A1, S2)
    p.ld(A3, A1)
    p.xor(A3, A3, S0)
    p.sd(A3, A1)
    p.r(0x2f, 0x00, 3, A4, S2, S0)      # amoadd.d
    p.addi(A5, S2, 8)
    p.place("again")
    p.r(0x2f, 0x08, 3, A4, A5, 0)       # lr.d
    p.add(A4, A4, S0)
    p.r(0x2f, 0x0c, 3, A3, A5, A4)      # sc.d
    p.branch(1, A3, ZERO, "again")
    p.addi(S5, S5, 1)
    p.andi(A0, S5, 1023)
    p.branch(1, A0, ZERO, "no signal")
    p.addi(A0, ZERO, 1)
    p.store(2, A0, S9)
    p.place("no signal")
    p.andi(A0, S5, 2047)
    p.branch(1, A0, ZERO, "loop")
    p.code.append(0x10500073)           # wfi
    p.branch(0, ZERO, ZERO, "loop")
    while len(p.code) % 4:
        p.addi(ZERO, ZERO, 0)
    p.code[handler] |= (4 * len(p.code) - at) << 20
    p.csr(2, T0, MCAUSE, 0)
    p.andi(T0, T0, 15)
    p.addi(T1, ZERO, 3)
    p.branch(0, T0, T1, "soft")
    p.lui(T1, 0xc000)
    p.add(T1, T1, S6)
    p.ld(T2, T1, -8)                    # mtime
    p.ld(T4, S7)
    p.r(0x33, 0x20, 0, T4, T2, T4)
    p.add(S3, S3, T4)
    p.addi(S4, S4, 1)
    p.srli(T3, S0, 40)
    p.andi(T3, T3, 2047)
    p.addi(T3, T3, 50)
    p.add(T3, T3, T2)
    p.sd(T3, S7)
    p.csr(2, T4, MCYCLE, 0)
    p.xor(T2, T2, T4)
    p.branch(0, ZERO, ZERO, "note")
    p.place("soft")
    p.store(2, ZERO, S8)
    p.lui(T1, UART)
    p.addi(T2, ZERO, ord("."))
    p.store(0, T2, T1)
    p.csr(2, T2, MINSTRET, 0)
    p.place("note")
    p.slli(T3, S1, 16)
    p.add(T3, T3, S2)
    p.lui(T4, 0x100000)
    p.add(T3, T3, T4)
    p.lui(T4, 0x10000)
    p.addi(T4, T4, -8)
    p.and_(T4, T4, S11)
    p.add(T3, T3, T4)
    p.sd(T2, T3)
    p.addi(S11, S11, 8)
    p.add(S0, S0, T2)                   # and all that follows depends on it
    p.code.append(0x30200073)           # mret
    return p.image()


def make(t, harts, shift):
    image = t.path("guest.bin")
    with open(image, "wb") as f:
        f.write(program(harts))
    return twins.Twins(t, "-M", "virt", "-m", "16M", "-smp", str(harts), "-bios", image, shift=shift)


def lockstep(harts, shift):
    @gwttest.test("%d harts, shift=%d: in lock step for %d instructions after %d random moments"
                  % (harts, shift, STEP, MOMENTS))
    def test(t):
        rand = random.Random(SEED)
        pair = make(t, harts, shift)
        vm = pair.start()
        for _ in range(MOMENTS):
            at = pair.icount(vm) + rand.randrange(1, 1000000)
            pair.run_to(vm, at)
            pair.step(vm, STEP, "instruction %d, GODWIT_SEED=%d" % (at, SEED))
        # It lives: signals came, and at each a character.
        with open(pair.output(vm), "rb") as f:
            t.ok(f.read().count(b".") > 50, "the guest's harts send no signals")
    return test


for _harts, _shift in ((1, 0), (1, 3), (2, 0), (2, 3)):
    lockstep(_harts, _shift)


@gwttest.test("two runs from the start are one, and one that differs by an instruction is seen")
def same(t):
    pair = make(t, 2, 3)
    # The machine's own device tree has another seed for random numbers each time.
    tree = t.path("tree")
    t.run(*pair.args, "-serial", "null", "-dumpdtb", tree)
    states = []
    for icount in (5000000, 5000000, 5000001):
        vm = pair.start("-dtb", tree)
        pair.run_to(vm, icount)
        states.append(pair.save(vm))
        vm.monitor.cmd("quit")
        t.equal(vm.wait(), 0, "exit status")
    t.equal(list(streamreader.differences(*states[:2])), [])
    t.ok(list(streamreader.differences(*states[1:])), "an instruction more makes no difference")


@gwttest.test("the section of the clock has the count, and the time that was skipped")
def section(t):
    pair = make(t, 1, 3)
    vm = pair.start()
    pair.run_to(vm, 5000000)
    sections = twins.sr.read(pair.save(vm)).sections
    timer = sections[("timer", 0)].fields
    values = {name.rsplit(".", 1)[-1]: field.value for name, field in timer.items()}
    t.equal(values["qemu_icount"], 5000000)
    t.equal(values["icount_time_shift"], 3)
    # Time that the hart waited was skipped, and is in the second term.
    t.equal(values["cpu_clock_offset"], (values["qemu_icount"] << 3) + values["qemu_icount_bias"])
    t.ok(values["qemu_icount_bias"] > 0, "the guest never waited")
    # A tick is twelve instructions and a half, and the guest looks at the time after nine.
    registers = sections[("cpu", 0)].fields["env.gpr"].value
    t.ok(registers[S4] > 100, "interrupts: %d" % registers[S4])
    t.ok(registers[S3] <= 3 * registers[S4],
         "%d interrupts are %d ticks late" % (registers[S4], registers[S3]))


@gwttest.test("who counts otherwise does not take the guest over")
def refused(t):
    pair = make(t, 1, 3)
    vm = pair.start()
    pair.run_to(vm, 1000)
    path = t.path("counted")
    with open(path, "wb") as f:
        f.write(pair.save(vm))
    common = pair.args[:-2] + ["-serial", "null", "-incoming", "file:" + path]
    t.error("take it over with -icount shift=3", *common)
    t.error("take it over with -icount shift=3", *common, "-icount", "shift=4")


@gwttest.test("x-icount-break: not while it runs, not behind, not without a count")
def breaks(t):
    pair = make(t, 1, 3)
    vm = pair.start()
    pair.run_to(vm, 1000)
    m = vm.monitor
    t.equal(m.cmd("x-query-icount"), {"enabled": True, "shift": 3, "icount": 1000})
    t.contains(t.raises("GenericError", m.cmd, "x-icount-break", icount=999),
               "give one from 1000 on")
    t.contains(t.raises("GenericError", m.cmd, "x-icount-break", icount=-1), "is negative")
    m.cmd("cont")
    t.contains(t.raises("GenericError", m.cmd, "x-icount-break", icount=1 << 60),
               "use 'stop' first")
    m.cmd("system_reset")
    m.cmd("stop")
    at = pair.icount(vm)
    pair.run_to(vm, at + 12345)
    m.cmd("quit")
    t.equal(vm.wait(), 0, "exit status")
    other = t.start("-M", "virt", "-bios", "none", "-serial", "null", "-S", qmp=True)
    t.equal(other.qmp.cmd("x-query-icount"), {"enabled": False})
    t.contains(t.raises("GenericError", other.qmp.cmd, "x-icount-break", icount=1),
               "start with -icount")


@gwttest.test("-icount: what it does not have is refused by name")
def options(t):
    for argument, text in (("shift=auto", "'shift=auto': follows the host's speed"),
                           ("shift=11", "shift: '11': not a number from 0 to 10"),
                           ("shift=", "shift: ''"), ("sleep=off", "no shift=N"), ("", "no shift=N"),
                           ("shift=1,shift=2", "'shift': given twice"),
                           ("shift=1,sleep=on", "'sleep=on': not in this release"),
                           ("shift=1,align=on", "'align=on': not in this release"),
                           ("shift=1,rr=record", "'rr=record': not in this release"),
                           ("shift=1,speed=2", "'speed=2': there are 'shift=N'")):
        t.contains(t.error("-icount", "-M", "virt", "-icount", argument), text)
    t.error("given twice", "-M", "virt", "-icount", "shift=1", "-icount", "shift=1")


gwttest.main()
