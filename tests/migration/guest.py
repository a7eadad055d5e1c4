# SPDX-License-Identifier: BSD-2-Clause
"""A guest of a few instructions that notices when it was not moved as it was.

It owns PAGES pages, and in round N finds N - 1 in each of them, or prints "!" and stops; then it
writes N there.  Every ROUNDS rounds it prints a dot, and then writes FINISHER, if that is given, to
the machine's finisher: 0x7777 begins anew, with an "R", 0x5555 is the end.  Other harts sleep.  It
needs nothing but a hart, RAM and the first UART.  Must not know how it is moved.
"""

import struct

ZERO, RA, A0, A1, A2, S0, S1, S2, S3, S4 = 0, 1, 10, 11, 12, 8, 9, 18, 19, 20
UART = 0x10000000
FINISHER = 0x100000
REGION = 0x80200000


def _i(op, f3, rd, rs1, imm):
    return (imm & 0xfff) << 20 | rs1 << 15 | f3 << 12 | rd << 7 | op


def _s(f3, rs1, rs2, imm):
    return ((imm >> 5 & 0x7f) << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | (imm & 0x1f) << 7 | 0x23)


def _b(f3, rs1, rs2, off):
    return ((off >> 12 & 1) << 31 | (off >> 5 & 0x3f) << 25 | rs2 << 20 | rs1 << 15 | f3 << 12
            | (off >> 1 & 0xf) << 8 | (off >> 11 & 1) << 7 | 0x63)


def _jal(rd, off):
    return ((off >> 20 & 1) << 31 | (off >> 1 & 0x3ff) << 21 | (off >> 11 & 1) << 20
            | (off >> 12 & 0xff) << 12 | rd << 7 | 0x6f)


def _lui(rd, value):
    return (value & 0xfffff000) | rd << 7 | 0x37


def _addi(rd, rs1, imm):
    return _i(0x13, 0, rd, rs1, imm)


def program(pages=64, rounds=4096, delay=0, finisher=0):
    """The raw image for -bios.  DELAY: empty turns between two rounds, to dirty memory slowly."""
    code = [
        0xf1402573, _b(0, A0, ZERO, 12), 0x10500073, _jal(ZERO, -4),  # mhartid; 0, or wfi for ever
        _lui(S2, UART),
        _addi(A2, ZERO, ord("R")), _s(0, S2, A2, 0),
        # 0x80200000 is negative as 32 bits: shifted into place
        _lui(S0, REGION >> 1), _i(0x13, 1, S0, S0, 1),
        _lui(S3, pages << 12), _i(0x33, 0, S3, S0, 0) | S3 << 20,   # S3 = S0 + bytes
        _addi(S1, ZERO, 0),                                         # what is expected
        _addi(S4, ZERO, 0),                                         # rounds until a dot
    ]
    code += [                                                       # after a reset there is something
        _addi(A0, S0, 0),
        _s(3, A0, ZERO, 0),
        _lui(A2, 0x1000), _i(0x33, 0, A0, A0, 0) | A2 << 20,
        _b(1, A0, S3, -12),
    ]
    loop = len(code)
    code += [
        _addi(A0, S0, 0),
        _addi(A1, S1, 1),
    ]
    page = len(code)
    code += [
        _i(0x03, 3, A2, A0, 0),                                     # ld a2, 0(a0)
        None,                                                       # bne a2, s1, bad
        _s(3, A0, A1, 0),                                           # sd a1, 0(a0)
        _lui(A2, 0x1000), _i(0x33, 0, A0, A0, 0) | A2 << 20,
        None,                                                       # bne a0, s3, page
        _addi(S1, A1, 0),
        _addi(S4, S4, 1),
        _lui(A2, (rounds + 0x800) & 0xfffff000), _addi(A2, A2, rounds & 0xfff),
        None,                                                       # bne s4, a2, wait
        _addi(S4, ZERO, 0),
        _addi(A2, ZERO, ord(".")),
        _s(0, S2, A2, 0),
    ]
    if finisher:
        code += [
            _lui(A0, FINISHER),
            _lui(A2, (finisher + 0x800) & 0xfffff000), _addi(A2, A2, finisher & 0xfff),
            _s(2, A0, A2, 0),
        ]
    wait = len(code)
    code += [
        _lui(A2, (delay + 0x800) & 0xfffff000), _addi(A2, A2, delay & 0xfff),
        _b(0, A2, ZERO, 12),
        _addi(A2, A2, -1),
        _jal(ZERO, -8),
        None,                                                       # j loop
    ]
    bad = len(code)
    code += [_addi(A2, ZERO, ord("!")), _s(0, S2, A2, 0), _jal(ZERO, 0)]
    code[page + 1] = _b(1, A2, S1, 4 * (bad - (page + 1)))
    code[page + 5] = _b(1, A0, S3, 4 * (page - (page + 5)))
    code[page + 10] = _b(1, S4, A2, 4 * (wait - (page + 10)))
    code[bad - 1] = _jal(ZERO, 4 * (loop - (bad - 1)))
    return struct.pack("<%dI" % len(code), *code)
