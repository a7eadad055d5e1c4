# SPDX-License-Identifier: BSD-2-Clause
"""Arbitrary programs of floating-point instructions: rounding modes that change under way, flags that
are read and cleared in between, accesses to devices and memory among them.  What is cached of modes and
flags across instructions shows here and not in the tables of single instructions."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import fpref as fp  # noqa: E402

M64 = (1 << 64) - 1
WORDS = 16
XS = [5, 6, 7, 28, 29, 30, 31]   # scratch registers; a0: state, a1: data, a2: a device
ARITH = {'fadd': fp.add, 'fsub': fp.sub, 'fmul': fp.mul, 'fdiv': fp.div}
FMA = {'fmadd': (False, False), 'fmsub': (False, True), 'fnmsub': (True, False),
       'fnmadd': (True, True)}
INTS = {'w': (32, True), 'wu': (32, False), 'l': (64, True), 'lu': (64, False)}


class Program:
    def __init__(self, rng):
        self.rng = rng
        self.f = [self.value() for _ in range(32)]
        self.x = {r: rng.getrandbits(rng.choice([8, 31, 32, 63, 64])) for r in XS}
        self.mem = [self.value() for _ in range(WORDS)]
        self.frm = rng.randrange(5)
        self.flags = rng.choice([0, 0, rng.getrandbits(5)])
        self.start = (list(self.f), dict(self.x), list(self.mem), self.frm << 5 | self.flags)
        self.text = []

    def value(self):
        """Register contents near one another, so that sums cancel and products stay in range."""
        rng = self.rng
        fmt = rng.choice([fp.S, fp.D, fp.D])
        k = rng.randrange(8)
        if k == 0:
            v = rng.choice(fp.specials(fmt))
        elif k == 1:
            v = fp.arbitrary(fmt, rng)
        else:
            v = (fmt.emax + rng.randrange(-3, 4)) << (fmt.p - 1) | rng.getrandbits(fmt.p - 1)
            v |= rng.choice([0, fmt.sign])
        return fmt.box(v)

    def out(self, s, *args):
        self.text.append(s % args)

    def rm(self):
        """Text of a rounding mode and what it comes to now."""
        if self.rng.randrange(3):
            return 'dyn', self.frm
        rm = self.rng.randrange(5)
        return fp.MODES[rm], rm

    def step(self):
        rng = self.rng
        fmt = rng.choice([fp.S, fp.D])
        c = fmt.letter
        d, a, b, e = (rng.randrange(32) for _ in range(4))
        va, vb, ve = (fmt.unbox(self.f[i]) for i in (a, b, e))
        k = rng.randrange(24)
        x = rng.choice(XS)
        if k < 8:
            op = rng.choice(list(ARITH))
            text, rm = self.rm()
            self.out('%s.%s f%d, f%d, f%d, %s', op, c, d, a, b, text)
            r, fl = ARITH[op](fmt, rm, va, vb)
            self.f[d] = fmt.box(r)
        elif k < 11:
            op = rng.choice(list(FMA))
            text, rm = self.rm()
            self.out('%s.%s f%d, f%d, f%d, f%d, %s', op, c, d, a, b, e, text)
            r, fl = fp.fma(fmt, rm, va, vb, ve, *FMA[op])
            self.f[d] = fmt.box(r)
        elif k == 11:
            text, rm = self.rm()
            self.out('fsqrt.%s f%d, f%d, %s', c, d, a, text)
            r, fl = fp.sqrt(fmt, rm, va)
            self.f[d] = fmt.box(r)
        elif k == 12:
            op = rng.choice(['fmin', 'fmax'])
            self.out('%s.%s f%d, f%d, f%d', op, c, d, a, b)
            r, fl = fp.minmax(fmt, va, vb, op == 'fmax')
            self.f[d] = fmt.box(r)
        elif k == 13:
            op = rng.choice(['feq', 'flt', 'fle'])
            self.out('%s.%s x%d, f%d, f%d', op, c, x, a, b)
            self.x[x], fl = fp.compare(fmt, op, va, vb)
        elif k == 14:
            name = rng.choice(list(INTS))
            text, rm = self.rm()
            self.out('fcvt.%s.%s x%d, f%d, %s', name, c, x, a, text)
            self.x[x], fl = fp.to_int(fmt, rm, va, *INTS[name])
        elif k == 15:
            name = rng.choice(list(INTS))
            text, rm = self.rm()
            exact = fmt is fp.D and INTS[name][0] == 32
            self.out('fcvt.%s.%s f%d, x%d%s', c, name, d, x, '' if exact else ', ' + text)
            r, fl = fp.from_int(fmt, rm, self.x[x], *INTS[name])
            self.f[d] = fmt.box(r)
        elif k == 16:
            other = fp.D if fmt is fp.S else fp.S
            text, rm = self.rm()
            self.out('fcvt.%s.%s f%d, f%d%s', other.letter, c, d, a,
                     ', ' + text if fmt is fp.D else '')
            r, fl = fp.convert(fmt, other, rm, va)
            self.f[d] = other.box(r)
        elif k == 17:
            fl = 0
            self.frm = rng.randrange(5)
            self.out('csrwi frm, %d', self.frm)
        elif k == 18:
            fl = 0
            self.x[x] = self.flags
            self.flags = rng.choice([0, 0, 31, rng.randrange(32)])
            self.out('csrrwi x%d, fflags, %d', x, self.flags)
        elif k == 19:
            fl = 0
            self.out('csrr x%d, fcsr', x)
            self.x[x] = self.frm << 5 | self.flags
        elif k == 20:
            # a device between: its model may use the host's floating point, too
            fl = 0
            self.out('ld x%d, 0(a2)', x)
            self.out('li x%d, 7', x)
            self.x[x] = 7
        elif k == 21:
            fl = 0
            at = rng.randrange(WORDS)
            if rng.randrange(2):
                self.out('fld f%d, %d(a1)', d, 8 * at)
                self.f[d] = self.mem[at]
            else:
                self.out('fsd f%d, %d(a1)', a, 8 * at)
                self.mem[at] = self.f[a]
        elif k == 22:
            fl = 0
            self.out('fsgnjx.%s f%d, f%d, f%d', c, d, a, b)
            self.f[d] = fmt.box(va ^ vb & fmt.sign)
        else:
            # a trap between, through a handler that saves and restores nothing of this
            fl = 0
            self.out('.4byte 0xffffffff')
        self.flags |= fl

    def build(self, steps):
        for _ in range(steps):
            self.step()


def dump(f, x, mem, fcsr):
    for v in f + [x[r] for r in XS] + mem + [fcsr]:
        print('\t.dword %#x' % v)


rng = random.Random(53)
programs = []
for _ in range(80):
    p = Program(rng)
    p.build(120)
    programs.append(p)
print('\t.option arch, +f, +d\n\t.text\n\t.globl fpmix_enter')
# void fpmix_enter (fn, struct state *, device): all of the state in, the program, all of it out
print('fpmix_enter:\n\taddi sp, sp, -16\n\tsd ra, 0(sp)\n\tsd a1, 8(sp)\n\tmv t0, a0\n\tmv a0, a1')
print('\taddi a1, a0, %d' % (8 * (32 + len(XS))))
print('\tmv a3, t0\n\tld t0, %d(a0)\n\tcsrw fcsr, t0' % (8 * (32 + len(XS) + WORDS)))
for i in range(32):
    print('\tfld f%d, %d(a0)' % (i, 8 * i))
for i, r in enumerate(XS):
    print('\tld x%d, %d(a0)' % (r, 8 * (32 + i)))
print('\tjalr ra, a3\n\tld a0, 8(sp)')
for i in range(32):
    print('\tfsd f%d, %d(a0)' % (i, 8 * i))
for i, r in enumerate(XS):
    print('\tsd x%d, %d(a0)' % (r, 8 * (32 + i)))
print('\tcsrr t0, fcsr\n\tsd t0, %d(a0)' % (8 * (32 + len(XS) + WORDS)))
print('\tld ra, 0(sp)\n\taddi sp, sp, 16\n\tret')
for n, p in enumerate(programs):
    print('fpmix%d:' % n)
    print('\n'.join('\t' + line for line in p.text))
    print('\tret')
print('\t.section .rodata\n\t.balign 8\n\t.globl fpmix_table, fpmix_end\nfpmix_table:')
for n, p in enumerate(programs):
    print('\t.dword fpmix%d' % n)
    dump(*p.start)
    dump(p.f, p.x, p.mem, p.frm << 5 | p.flags)
print('fpmix_end:\n\t.section .note.GNU-stack, "", @progbits')
