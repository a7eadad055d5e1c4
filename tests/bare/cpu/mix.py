# SPDX-License-Identifier: BSD-2-Clause
"""Arbitrary programs of integer instructions, branches, loops, loads and stores, with the registers
and memory that must come out: what single instructions do not show (fused pairs, chained blocks,
registers cached across them)."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import rvref as rv  # noqa: E402

# x2 is the stack, x3 the data, x4 the hart, x1 the link
REGS = [1] + list(range(5, 32))
WORDS = 32
BRANCH = {
    'beq': lambda a, b: a == b, 'bne': lambda a, b: a != b,
    'blt': lambda a, b: rv.s64(a) < rv.s64(b), 'bge': lambda a, b: rv.s64(a) >= rv.s64(b),
    'bltu': lambda a, b: a < b, 'bgeu': lambda a, b: a >= b,
}
LOAD = {'ld': (8, 0), 'lw': (4, 1), 'lwu': (4, 0), 'lh': (2, 1), 'lhu': (2, 0), 'lb': (1, 1),
        'lbu': (1, 0)}
STORE = {'sd': 8, 'sw': 4, 'sh': 2, 'sb': 1}


class Program:
    def __init__(self, rng):
        self.rng = rng
        self.x = {r: v for r, v in zip(REGS, rv.operands(rng, len(REGS)))}
        self.mem = bytearray(rng.randbytes(WORDS * 8))
        self.start = (dict(self.x), bytes(self.mem))
        self.text = []
        self.labels = 0

    def reg(self):
        return 0 if self.rng.randrange(24) == 0 else self.rng.choice(REGS)

    def get(self, r):
        return self.x.get(r, 0)

    def put(self, r, v):
        if r:
            self.x[r] = v

    def out(self, s, *args):
        self.text.append(s % args)

    # Each makes one instruction (or a pair) and says how to run it: the text is emitted once, the
    # action runs as often as the flow of the program says.
    def op_rr(self):
        op = self.rng.choice(list(rv.ALL_RR))
        d, a, b = self.reg(), self.reg(), self.reg()
        self.out('%s x%d, x%d, x%d', op, d, a, b)
        return lambda: self.put(d, rv.ALL_RR[op](self.get(a), self.get(b)))

    def op_imm(self):
        kind = self.rng.randrange(4)
        d, a = self.reg(), self.reg()
        if kind == 0:
            table, i = rv.SHIFT, self.rng.randrange(64)
            op = self.rng.choice(list(table))
            f = rv.ALL_RR[table[op]]
        elif kind == 1:
            table, i = rv.SHIFTW, self.rng.randrange(32)
            op = self.rng.choice(list(table))
            f = rv.ALL_RR[table[op]]
        else:
            i = self.rng.randrange(-2048, 2048)
            op = self.rng.choice(list(rv.RI))
            f = rv.RI[op]
        if self.rng.randrange(3) == 0:
            d = a
        self.out('%s x%d, x%d, %d', op, d, a, i)
        return lambda: self.put(d, f(self.get(a), i))

    def op_wide(self):
        """Pairs that translators fuse: lui+addi, slli+srli, and both halves' results."""
        d, e = self.reg(), self.reg()
        kind = self.rng.randrange(3)
        if kind == 0:
            hi, lo = self.rng.randrange(1 << 20), self.rng.randrange(-2048, 2048)
            op = self.rng.choice(['addi', 'addiw'])
            self.out('lui x%d, %#x', d, hi)
            self.out('%s x%d, x%d, %d', op, e, d, lo)

            def run():
                self.put(d, rv.w(hi << 12))
                self.put(e, rv.RI[op](self.get(d), lo))
        elif kind == 1:
            n, m, a = self.rng.randrange(64), self.rng.randrange(64), self.reg()
            if self.rng.randrange(2):
                n = m = self.rng.choice([32, 48, 56, 16, 1])
            op = self.rng.choice(['srli', 'srai'])
            self.out('slli x%d, x%d, %d', d, a, n)
            self.out('%s x%d, x%d, %d', op, e, d, m)

            def run():
                self.put(d, rv.u64(self.get(a) << n))
                self.put(e, rv.ALL_RR[rv.SHIFT[op]](self.get(d), m))
        else:
            hi = self.rng.randrange(1 << 20)
            while d in (0, e):
                d = self.reg()
            while e in (0, d):
                e = self.reg()
            self.out('auipc x%d, %#x', d, hi)
            self.out('auipc x%d, 0', e)
            self.out('sub x%d, x%d, x%d', d, d, e)
            self.out('li x%d, 0', e)

            def run():
                self.put(d, rv.u64(rv.w(hi << 12) - 4))
                self.put(e, 0)
        return run

    def op_load(self):
        op = self.rng.choice(list(LOAD))
        size, signed = LOAD[op]
        d = self.reg()
        at = self.rng.randrange(WORDS * 8 - size + 1)
        if self.rng.randrange(8):
            at -= at % size
        self.out('%s x%d, %d(x3)', op, d, at)

        def run():
            v = int.from_bytes(self.mem[at:at + size], 'little')
            self.put(d, rv.u64(rv.sx(v, size * 8)) if signed else v)
        return run

    def op_store(self):
        op = self.rng.choice(list(STORE))
        size = STORE[op]
        s = self.reg()
        at = self.rng.randrange(WORDS * 8 - size + 1)
        if self.rng.randrange(8):
            at -= at % size
        self.out('%s x%d, %d(x3)', op, s, at)

        def run():
            self.mem[at:at + size] = (self.get(s) & ((1 << size * 8) - 1)).to_bytes(size, 'little')
        return run

    def simple(self):
        return self.rng.choice([self.op_rr, self.op_rr, self.op_imm, self.op_imm, self.op_wide,
                                self.op_load, self.op_store])()

    def label(self):
        self.labels += 1
        return self.labels

    def group(self, depth):
        """A few instructions, a branch over some, or a counted loop: returns what runs it."""
        kind = self.rng.randrange(8)
        if kind < 4 or depth > 1:
            return [self.simple() for _ in range(self.rng.randrange(1, 6))]
        if kind < 7:
            op, a, b = self.rng.choice(list(BRANCH)), self.reg(), self.reg()
            setup = []
            if self.rng.randrange(2):
                c = self.reg()
                cmp = self.rng.choice(['slt', 'sltu', 'xor', 'and'])
                self.out('%s x%d, x%d, x%d', cmp, c, a, b)
                x, y = a, b
                setup = [lambda: self.put(c, rv.RR[cmp](self.get(x), self.get(y)))]
                op, a, b = self.rng.choice(['beq', 'bne']), c, 0
            over, end = self.label(), self.label()
            self.out('%s x%d, x%d, 1000%df', op, a, b, over)
            taken = self.group(depth + 1)
            other = self.rng.randrange(2)
            if other:
                self.out('j 1000%df', end)
            self.text.append('1000%d:' % over)
            rest = self.group(depth + 1) if other else []
            if other:
                self.text.append('1000%d:' % end)

            def run():
                for act in setup:
                    act()
                for act in rest if BRANCH[op](self.get(a), self.get(b)) else taken:
                    act()
            return [run]
        # The counter lives in memory that nothing else touches, reached through x3.
        n, top = self.rng.randrange(1, 12), self.label()
        slot = WORDS * 8 + 8 * depth
        r = self.rng.choice(REGS)
        self.out('li x%d, %d', r, n)
        self.out('sd x%d, %d(x3)', r, slot)
        self.text.append('1000%d:' % top)
        body = self.group(depth + 1)
        self.out('ld x%d, %d(x3)', r, slot)
        self.out('addi x%d, x%d, -1', r, r)
        self.out('sd x%d, %d(x3)', r, slot)
        self.out('bnez x%d, 1000%db', r, top)

        def loop():
            self.put(r, n)
            for i in range(n):
                for act in body:
                    act()
                self.put(r, n - 1 - i)
        return [loop]

    def build(self, groups):
        for _ in range(groups):
            for act in self.group(0):
                act()


def main():
    rng = random.Random(2026)
    programs = []
    for _ in range(150):
        p = Program(rng)
        p.build(25)
        programs.append(p)
    print('\t.option arch, +zba, +zbb, +zbc, +zbs\n\t.text')
    for n, p in enumerate(programs):
        if n % 3 == 0:
            print('\t.option push\n\t.option norvc\n\t.balign 4')
        print('mix%d:' % n)
        for line in p.text:
            print(line if line.endswith(':') else '\t' + line)
        print('\tj mix_done')
        if n % 3 == 0:
            print('\t.option pop')
    print('\t.section .rodata\n\t.balign 8\n\t.globl mix_table, mix_end\nmix_table:')
    for n, p in enumerate(programs):
        print('\t.dword mix%d' % n)
        for x, mem in (p.start, (p.x, bytes(p.mem))):
            for r in range(32):
                print('\t.dword %#x' % x.get(r, 0))
            for i in range(0, len(mem), 8):
                print('\t.dword %#x' % int.from_bytes(mem[i:i + 8], 'little'))
    print('mix_end:\n\t.section .note.GNU-stack, "", @progbits')


main()
