# SPDX-License-Identifier: BSD-2-Clause
"""What the F and D instructions compute, with exact fractions: no host floating point anywhere.
Register contents are 64-bit patterns, so NaN boxing is part of the reference."""
import math
from fractions import Fraction

NV, DZ, OF, UF, NX = 16, 8, 4, 2, 1
RNE, RTZ, RDN, RUP, RMM = range(5)
MODES = {RNE: 'rne', RTZ: 'rtz', RDN: 'rdn', RUP: 'rup', RMM: 'rmm'}


class Format:
    def __init__(self, letter, width, precision, emax):
        self.letter = letter
        self.width = width
        self.p = precision
        self.emax = emax
        self.emin = 1 - emax
        self.ebits = width - precision
        self.sign = 1 << (width - 1)
        self.inf = ((1 << self.ebits) - 1) << (precision - 1)
        self.qnan = self.inf | 1 << (precision - 2)
        self.max = self.inf - 1
        self.mask = (1 << width) - 1

    def unbox(self, reg):
        """The value in a register: a narrow one that is not boxed counts as the canonical NaN."""
        if self.width == 32 and reg >> 32 != 0xffffffff:
            return self.qnan
        return reg & self.mask

    def box(self, v):
        return v | 0xffffffff00000000 if self.width == 32 else v

    def is_nan(self, v):
        return v & ~self.sign > self.inf

    def is_snan(self, v):
        return self.is_nan(v) and not v >> (self.p - 2) & 1

    def is_inf(self, v):
        return v & ~self.sign == self.inf

    def is_zero(self, v):
        return not v & ~self.sign

    def neg(self, v):
        return bool(v & self.sign)

    def value(self, v):
        exponent = v >> (self.p - 1) & ((1 << self.ebits) - 1)
        m = v & ((1 << (self.p - 1)) - 1)
        if exponent:
            m |= 1 << (self.p - 1)
        else:
            exponent = 1
        e = exponent - self.emax - (self.p - 1)
        f = Fraction(m) * (Fraction(2) ** e)
        return -f if self.neg(v) else f

    def zero(self, negative):
        return self.sign if negative else 0

    def infinity(self, negative):
        return self.inf | self.zero(negative)

    def round(self, x, rm):
        """x is not zero: (bits, flags)."""
        negative, a = x < 0, abs(x)
        e = ilog2(a)
        q = max(e, self.emin) - (self.p - 1)
        n, exact = round_int(a / Fraction(2) ** q, negative, rm)
        flags = 0 if exact else NX
        if n >= 1 << self.p:
            n >>= 1
            q += 1
        if not exact and e < self.emin:
            # tininess is judged after rounding to the full precision with no bound below
            m, _ = round_int(a / Fraction(2) ** (e - (self.p - 1)), negative, rm)
            if Fraction(m) * Fraction(2) ** (e - (self.p - 1)) < Fraction(2) ** self.emin:
                flags |= UF
        if q + self.p - 1 > self.emax:
            away = rm in (RNE, RMM) or (rm == RUP and not negative) or (rm == RDN and negative)
            return (self.inf if away else self.max) | self.zero(negative), OF | NX
        if n < 1 << (self.p - 1):
            bits = n
        else:
            bits = (q + self.p - 1 + self.emax) << (self.p - 1) | n - (1 << (self.p - 1))
        return bits | self.zero(negative), flags


S = Format('s', 32, 24, 127)
D = Format('d', 64, 53, 1023)


def ilog2(a):
    e = a.numerator.bit_length() - a.denominator.bit_length()
    if Fraction(2) ** e > a:
        e -= 1
    return e


def round_int(x, negative, rm):
    """x >= 0 to an integer as if it had the sign given: (integer, exact)."""
    n = x.numerator // x.denominator
    rest = x - n
    if not rest:
        return n, True
    half = rest - Fraction(1, 2)
    up = {RNE: half > 0 or (half == 0 and n & 1), RTZ: False, RDN: negative, RUP: not negative,
          RMM: half >= 0}[rm]
    return n + bool(up), False


def nan_result(fmt, *args):
    return fmt.qnan, NV if any(fmt.is_snan(a) for a in args) else 0


def any_nan(fmt, *args):
    return any(fmt.is_nan(a) for a in args)


def zero_sum(fmt, na, nb, rm):
    """Sign of an exact zero sum of two terms with the signs given."""
    return fmt.zero(na if na == nb else rm == RDN)


def add(fmt, rm, a, b):
    if any_nan(fmt, a, b):
        return nan_result(fmt, a, b)
    if fmt.is_inf(a) or fmt.is_inf(b):
        if fmt.is_inf(a) and fmt.is_inf(b) and fmt.neg(a) != fmt.neg(b):
            return fmt.qnan, NV
        return (a if fmt.is_inf(a) else b), 0
    x = fmt.value(a) + fmt.value(b)
    return fmt.round(x, rm) if x else (zero_sum(fmt, fmt.neg(a), fmt.neg(b), rm), 0)


def sub(fmt, rm, a, b):
    if any_nan(fmt, a, b):
        return nan_result(fmt, a, b)
    return add(fmt, rm, a, b ^ fmt.sign)


def mul(fmt, rm, a, b):
    if any_nan(fmt, a, b):
        return nan_result(fmt, a, b)
    negative = fmt.neg(a) != fmt.neg(b)
    if fmt.is_inf(a) or fmt.is_inf(b):
        if fmt.is_zero(a) or fmt.is_zero(b):
            return fmt.qnan, NV
        return fmt.infinity(negative), 0
    x = fmt.value(a) * fmt.value(b)
    return fmt.round(x, rm) if x else (fmt.zero(negative), 0)


def div(fmt, rm, a, b):
    if any_nan(fmt, a, b):
        return nan_result(fmt, a, b)
    negative = fmt.neg(a) != fmt.neg(b)
    if fmt.is_inf(a):
        return (fmt.qnan, NV) if fmt.is_inf(b) else (fmt.infinity(negative), 0)
    if fmt.is_inf(b):
        return fmt.zero(negative), 0
    if fmt.is_zero(b):
        return (fmt.qnan, NV) if fmt.is_zero(a) else (fmt.infinity(negative), DZ)
    x = fmt.value(a) / fmt.value(b)
    return fmt.round(x, rm) if x else (fmt.zero(negative), 0)


def sqrt(fmt, rm, a):
    if fmt.is_nan(a):
        return nan_result(fmt, a)
    if fmt.is_zero(a):
        return a, 0
    if fmt.neg(a):
        return fmt.qnan, NV
    if fmt.is_inf(a):
        return a, 0
    x = fmt.value(a)
    k = fmt.p + 8 - ilog2(x) // 2
    scaled = x * Fraction(4) ** k
    s = math.isqrt(scaled.numerator // scaled.denominator)
    # an inexact root lies strictly between two neighbours far below the rounding position
    root = Fraction(s) if Fraction(s) * s == scaled else Fraction(2 * s + 1, 2)
    return fmt.round(root / Fraction(2) ** k, rm)


def fma(fmt, rm, a, b, c, negate_product=False, negate_c=False):
    if (fmt.is_inf(a) and fmt.is_zero(b)) or (fmt.is_zero(a) and fmt.is_inf(b)):
        return fmt.qnan, NV
    if any_nan(fmt, a, b, c):
        return nan_result(fmt, a, b, c)
    negative = (fmt.neg(a) != fmt.neg(b)) != negate_product
    if negate_c:
        c ^= fmt.sign
    if fmt.is_inf(a) or fmt.is_inf(b):
        if fmt.is_inf(c) and fmt.neg(c) != negative:
            return fmt.qnan, NV
        return fmt.infinity(negative), 0
    if fmt.is_inf(c):
        return c, 0
    product = fmt.value(a) * fmt.value(b)
    x = (-product if negate_product else product) + fmt.value(c)
    return fmt.round(x, rm) if x else (zero_sum(fmt, negative, fmt.neg(c), rm), 0)


def minmax(fmt, a, b, largest):
    flags = NV if fmt.is_snan(a) or fmt.is_snan(b) else 0
    if fmt.is_nan(a):
        return (fmt.qnan if fmt.is_nan(b) else b), flags
    if fmt.is_nan(b):
        return a, flags

    def order(v):
        """Bits as an integer that sorts as the values do, -0 before +0."""
        return -(v & ~fmt.sign) - 1 if fmt.neg(v) else v
    return (max(a, b, key=order) if largest else min(a, b, key=order)), flags


def compare(fmt, op, a, b):
    if any_nan(fmt, a, b):
        signals = op != 'feq' or fmt.is_snan(a) or fmt.is_snan(b)
        return 0, NV if signals else 0
    big = Fraction(2) ** (fmt.emax + 1)
    x, y = ((-big if fmt.neg(v) else big) if fmt.is_inf(v) else fmt.value(v) for v in (a, b))
    return int({'feq': x == y, 'flt': x < y, 'fle': x <= y}[op]), 0


def classify(fmt, a):
    negative = fmt.neg(a)
    if fmt.is_nan(a):
        return 1 << (8 if fmt.is_snan(a) else 9)
    if fmt.is_inf(a):
        return 1 << (0 if negative else 7)
    if fmt.is_zero(a):
        return 1 << (3 if negative else 4)
    if abs(fmt.value(a)) < Fraction(2) ** fmt.emin:
        return 1 << (2 if negative else 5)
    return 1 << (1 if negative else 6)


def to_int(fmt, rm, a, width, signed):
    lo, hi = (-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)
    if fmt.is_nan(a):
        v, flags = hi, NV
    elif fmt.is_inf(a):
        v, flags = (lo if fmt.neg(a) else hi), NV
    else:
        n, exact = round_int(abs(fmt.value(a)), fmt.neg(a), rm)
        v = -n if fmt.neg(a) else n
        if lo <= v <= hi:
            flags = 0 if exact else NX
        else:
            v, flags = (lo if v < lo else hi), NV
    v &= (1 << width) - 1
    if width == 32 and v >> 31:
        v |= 0xffffffff00000000
    return v, flags


def from_int(fmt, rm, x, width, signed):
    x &= (1 << width) - 1
    if signed and x >> (width - 1):
        x -= 1 << width
    return fmt.round(Fraction(x), rm) if x else (0, 0)


def convert(src, dst, rm, a):
    if src.is_nan(a):
        return dst.qnan, NV if src.is_snan(a) else 0
    if src.is_inf(a):
        return dst.infinity(src.neg(a)), 0
    if src.is_zero(a):
        return dst.zero(src.neg(a)), 0
    return dst.round(src.value(a), rm)


# ---- operands ----

def specials(fmt):
    one = fmt.emax << (fmt.p - 1)
    mags = [0, 1, 2, (1 << (fmt.p - 1)) - 1, 1 << (fmt.p - 1), (1 << (fmt.p - 1)) + 1, one, one + 1,
            one - 1, one + (1 << (fmt.p - 1)), one - (1 << (fmt.p - 1)), one + (3 << (fmt.p - 3)),
            fmt.max, fmt.max - 1, fmt.inf, fmt.qnan, fmt.qnan | 5, fmt.inf | 1,
            fmt.qnan - 1]
    return [m | s for m in mags for s in (0, fmt.sign)]


def arbitrary(fmt, rng):
    """Any bits, or a number of moderate size, or one with few significant bits."""
    k = rng.randrange(6)
    sign = fmt.sign if rng.randrange(2) else 0
    if k == 0:
        return rng.getrandbits(fmt.width)
    if k == 1:
        m = rng.getrandbits(4) << (fmt.p - 5)
    elif k == 2:
        m = (1 << (fmt.p - 1)) - 1 - rng.randrange(4)
    else:
        m = rng.getrandbits(fmt.p - 1)
    e = fmt.emax + rng.randrange(-fmt.p - 2, fmt.p + 3)
    if k == 5:
        e = rng.choice([0, 1, 2, 2 * fmt.emax, 2 * fmt.emax - 1, fmt.emax // 2, 3 * fmt.emax // 2,
                        fmt.emax // 2 + 1, 3 * fmt.emax // 2 - 1, rng.randrange(2 * fmt.emax)])
    return sign | e << (fmt.p - 1) | m


def pair(fmt, rng):
    """Two operands; often of like size, opposite sign, or a tie apart."""
    a = arbitrary(fmt, rng)
    k = rng.randrange(5)
    if k == 0 and not fmt.is_nan(a):
        b = (a ^ fmt.sign) + rng.randrange(-3, 4)
        return a, b & fmt.mask
    if k == 1 and not fmt.is_nan(a) and not fmt.is_inf(a):
        e = (a & ~fmt.sign) >> (fmt.p - 1)
        b = max(e - fmt.p - rng.randrange(-2, 3), 0) << (fmt.p - 1) | rng.choice([0, 1])
        return a, b | (fmt.sign if rng.randrange(2) else 0)
    return a, arbitrary(fmt, rng)


class Table:
    """Rows (function, a, b, c, result, frm, flags)."""

    def __init__(self):
        self.names = []
        self.text = []
        self.rows = []

    def fn(self, label, body):
        self.names.append(label)
        self.text.append('fn%d:\n%s\tret\n' % (len(self.names) - 1,
                                               ''.join('\t%s\n' % i for i in body)))
        return len(self.names) - 1

    def forms(self, name, body):
        """One function per static rounding mode, and a dynamic one; body holds {rm}."""
        out = {rm: self.fn('%s %s' % (name, text), [i.format(rm=text) for i in body])
               for rm, text in MODES.items()}
        out['dyn'] = self.fn(name + ' dyn', [i.format(rm='dyn') for i in body])
        return out

    def row(self, fn, a, b, c, result, frm, flags):
        self.rows.append((fn, a, b, c, result, frm | flags << 8))

    def rounded(self, forms, rm, a, b, c, result, flags):
        """Through the static form with another mode in frm, or through the dynamic one."""
        if (a ^ b ^ c ^ rm) & 1:
            self.row(forms[rm], a, b, c, result, (rm + 1) % 5, flags)
        else:
            self.row(forms['dyn'], a, b, c, result, rm, flags)

    def emit(self):
        print('\t.option arch, +f, +d\n\t.text')
        print(''.join(self.text))
        print('\t.section .rodata')
        for n, label in enumerate(self.names):
            print('name%d: .string "%s"' % (n, label))
        print('\t.balign 8\n\t.globl fp_rows, fp_end\nfp_rows:')
        print('\n'.join('\t.dword name%d,fn%d,%#x,%#x,%#x,%#x,%#x' % (r[0], *r) for r in self.rows))
        print('fp_end:\n\t.section .note.GNU-stack, "", @progbits')


LOAD = ['fmv.d.x fa0, a0', 'fmv.d.x fa1, a1', 'fmv.d.x fa2, a2']
