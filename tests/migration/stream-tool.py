#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""godwit-stream on streams that are made here, byte by byte: what it prints, and what it finds wrong."""

import json
import os
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import gwttest  # noqa: E402
import streamreader as sr  # noqa: E402

PAGE = sr.PAGE
TIMER_OFF = b"\xff" * 8


def tool(t, *args, status=0, stdin=b""):
    p = subprocess.run([gwttest.GODWIT_STREAM, *args], input=stdin, capture_output=True, check=False,
                       timeout=60 * gwttest.SCALE)
    t.equal(p.returncode, status, "exit status of %s; stderr: %s" % (args, p.stderr))
    return p.stdout.decode(), p.stderr.decode()


def saved(t, data, name="stream"):
    with open(t.path(name), "wb") as f:
        f.write(data)
    return t.path(name)


def refused(t, data, text, command="verify"):
    """One line that has TEXT."""
    _, err = tool(t, command, saved(t, data), status=1)
    t.equal(len(err.splitlines()), 1, "lines of: %s" % err)
    t.contains(err, "godwit-stream: %s: %s: " % (command, t.path("stream")))
    t.contains(err, text)


# A device with every shape that a description has.
FIELDS = [
    {"name": "level", "type": "uint8", "size": 1},
    {"name": "signed", "type": "int32", "size": 4},
    {"name": "on", "type": "bool", "size": 1},
    {"name": "tick", "type": "timer", "size": 8},
    {"name": "words", "array_len": 3, "type": "uint16", "size": 2},
    {"name": "name", "type": "buffer", "size": 8},
    {"name": "part", "type": "struct", "struct": {
        "vmsd_name": "part", "version": 2, "fields": [{"name": "a", "type": "uint8", "size": 1}],
        "subsections": [{"vmsd_name": "part/more", "version": 1,
                         "fields": [{"name": "b", "type": "uint16", "size": 2}]}]}, "size": 18},
    {"name": "many", "array_len": 2, "type": "struct", "struct": {
        "vmsd_name": "one", "version": 1, "fields": [{"name": "c", "type": "uint8", "size": 1},
                                                     {"name": "d", "type": "uint8", "size": 1}]},
     "size": 2},
    {"name": "each", "index": 0, "type": "uint8", "size": 1},
    {"name": "each", "type": "nullptr", "size": 1},
]
LIST = ('{"name": "queue", "type": "qtailq", '
        + ", ".join(2 * ['"vmsd_name": "element", "version": 1, "fields": '
                         '[{"name": "value", "type": "uint32", "size": 4}]'])
        + ', "size": 11}')
BODY = (b"\x05" + struct.pack(">i", -2) + b"\x01" + TIMER_OFF + struct.pack(">3H", 1, 2, 0x300)
        + b"hello\0\0\0" + b"\x07\x05\x09part/more\0\0\0\x01\x12\x34" + b"\x01\x02\x03\x04" + b"\x09" + b"0"
        + b"\x01\0\0\0\x0a\x01\0\0\0\x0b\0")
SUB = b"\x05\x09thing/sub\0\0\0\x03" + b"\x2a"
BLOCKS = [("big", 4 * PAGE), ("small", PAGE)]


def device():
    d = {"name": "thing", "instance_id": 0, "vmsd_name": "thing", "version": 4,
         "fields": FIELDS + ["LIST"],
         "subsections": [{"vmsd_name": "thing/sub", "version": 3,
                          "fields": [{"name": "s", "type": "uint8", "size": 1}]}]}
    return d


def description(devices=None):
    text = json.dumps({"page_size": PAGE, "devices": devices or [device()]}).replace('"LIST"', LIST).encode()
    return b"\6" + struct.pack(">I", len(text)) + text


def ram_start(blocks=BLOCKS):
    total = sum(n for _, n in blocks)
    payload = (struct.pack(">Q", total | sr.MEM_SIZE)
               + b"".join(sr.pstr(name) + struct.pack(">Q", n) for name, n in blocks))
    return sr.section(1, 2, "ram", 0, 4, payload + sr.record(sr.EOS))


def ram_part(records, tag=2):
    return sr.section(tag, 2, "ram", 0, 4, records + sr.record(sr.EOS))


def page(seed):
    return bytes((i * seed) & 0xff for i in range(PAGE))


RECORDS = (sr.record(sr.NORMAL, 0, "big", page(1)) + sr.record(sr.ZERO | sr.CONTINUE, PAGE, data=b"\0")
           + sr.record(sr.NORMAL, 0, "small", page(3)))
# Bytes 2 and 3, and 300 further on one more.
DELTA = sr.record(sr.XBZRLE, 0, "big", b"\x01" + struct.pack(">H", 8) + b"\x02\x02\xaa\xbb\xac\x02\x01\xcc")


def stream(head=None, start=None, parts=None, full=None, tail=None):
    return ((sr.header() if head is None else head)
            + sr.command(1) + sr.command(2, struct.pack(">I", 1))
            + (ram_start() if start is None else start)
            + (ram_part(RECORDS) + ram_part(DELTA) + ram_part(b"", 3) if parts is None else parts)
            + (sr.section(4, 7, "thing", 0, 4, BODY + SUB) if full is None else full)
            + b"\0" + (description() if tail is None else tail))


@gwttest.test("verify reads a stream of every shape to its last byte")
def verify(t):
    data = stream()
    out, err = tool(t, "verify", saved(t, data))
    t.equal(err, "")
    t.equal(out, "good: %d bytes, machine 'virt', 1 sections with 25 fields, 2 blocks of RAM with 3 "
            "pages\n" % len(data))
    out, _ = tool(t, "verify", "-", stdin=data)
    t.contains(out, "good: %d bytes" % len(data))
    out, _ = tool(t, "--offset", "3", "verify", saved(t, b"???" + data))
    t.contains(out, "good: %d bytes" % len(data))


@gwttest.test("show prints each field with its place")
def show(t):
    data = stream()
    out, _ = tool(t, "show", saved(t, data))
    body = data.index(BODY)
    for offset, text in ((0, "stream, version 3, %d bytes" % len(data)),
                         (8, "configuration: machine 'virt', pages of 4096 bytes"),
                         (17, "command 1 OPEN_RETURN_PATH, 0 bytes"),
                         (22, "command 2 PING, 4 bytes"),
                         (31, "start 'ram' version 4, id 2"),
                         (body - 19, "full 'thing' version 4, id 7"),
                         (body, "  level: uint8 = 5"), (body + 1, "  signed: int32 = -2"),
                         (body + 5, "  on: bool = true"), (body + 6, "  tick: timer = off"),
                         (body + 14, "  words: uint16[3] = 1 2 0x300"),
                         (body + 20, '  name: buffer = "hello"'),
                         (body + 28, "  part: struct part version 2, 18 bytes"),
                         (body + 28, "    a: uint8 = 7"),
                         (body + 29, "    subsection 'part/more' version 1, 17 bytes"),
                         (body + 44, "      b: uint16 = 0x1234"),
                         (body + 46, "  many[0]: struct one version 1, 2 bytes"),
                         (body + 48, "  many[1]: struct one version 1, 2 bytes"),
                         (body + 49, "    d: uint8 = 4"),
                         (body + 51, "  each[1]: nullptr = \"0\""),
                         (body + 52, "  queue: qtailq, 11 bytes"),
                         (body + 53, "    [0]: struct element version 1, 4 bytes"),
                         (body + 58, "      value: uint32 = 0xb"),
                         (body + len(BODY), "  subsection 'thing/sub' version 3, 16 bytes"),
                         (data.index(b"\6\0\0"), "description, %d bytes" % len(description()[5:]))):
        t.contains(out, "%10d  %s\n" % (offset, text))
    t.contains(out, "big                                  2 of         4  zero 1  normal 1  xbzrle 1\n")
    t.contains(out, "small                                1 of         1  normal 1\n")
    t.contains(out, "    2 normal, 1 zero\n".replace("2 normal, 1 zero", "1 zero, 2 normal"))
    # What is not printable is not printed.
    fields = [dict(f, type="th\x1b[2Jing\x9b\x7f") if f["name"] == "name" else f for f in FIELDS]
    bad = dict(device(), fields=fields + ["LIST"])
    out, _ = tool(t, "show", saved(t, stream(tail=description([bad]))))
    t.ok(all(c == "\n" or c.isprintable() for c in out), repr(out))
    out, _ = tool(t, "--all", "show", saved(t, data))
    t.contains(out, "  zero 'big' 0x1000\n")


@gwttest.test("json has the same, for programs")
def as_json(t):
    data = stream()
    out, _ = tool(t, "json", saved(t, data))
    d = json.loads(out)
    thing = d["items"][-2]
    t.equal(thing["name"], "thing")
    fields = {f["name"]: f for f in thing["fields"]}
    t.equal(fields["signed"]["value"], -2)
    t.equal(fields["words"]["value"], [1, 2, 0x300])
    t.equal(fields["name"]["value"], b"hello\0\0\0".hex())
    t.equal(fields["part"]["subsections"][0]["fields"][0]["value"], 0x1234)
    t.equal([e["fields"][0]["value"] for e in fields["queue"]["fields"]], [10, 11])
    t.equal(thing["subsections"][0]["fields"][0]["value"], 42)
    t.equal(d["blocks"][0], {"name": "big", "length": 4 * PAGE, "pages-sent": 2, "zero": 1,
                             "normal": 1, "xbzrle": 1})
    t.equal(d["configuration"], {"machine": "virt", "capabilities": []})
    out, err = tool(t, "json", saved(t, data[:-5]), status=1)
    d = json.loads(out)
    t.equal(d["items"][-1]["kind"], "eof", "last item of a stream that was cut")
    t.contains(err, d["error"])


@gwttest.test("verify names section, byte and field of what is wrong")
def rules(t):
    body, good = BODY + SUB, stream()
    thing = good.index(b"\x04\0\0\0\x07")
    at = good.index(BODY)

    def full(payload, footer=None, **more):
        return stream(full=sr.section(4, 7, "thing", 0, 4, payload, footer), **more)

    def parts(records):
        return stream(parts=ram_part(records))

    for data, text in (
            (b"", "the stream ends at byte 0, 4 bytes too early"),
            (b"RIFF" + good[4:], "byte 0: 0x52494646; a stream begins with 0x5145564d"),
            (b"\x1f\x8b\x08\0" + good, "byte 0: it is compressed by gzip"),
            (b"\x11\x22\x33\x44" + good, "byte 0: it is a channel of 'multifd'"),
            (good[:7] + b"\2" + good[8:], "byte 4: version 2 of the format; version 3 can be read"),
            (good[:8] + b"\4" + good[9:], "byte 8: tag 0x04; the configuration comes first"),
            (good[:9] + b"\xff" * 4 + good[13:], "byte 9: the machine type's name has 4294967295 bytes"),
            (stream(head=sr.header(extra=b"\5" + sr.pstr("configuration/x") + b"\0\0\0\1")),
             "byte 17: a subsection of the configuration that is not known"),
            (stream(head=sr.header(extra=b"\5" + sr.pstr("configuration/capabilities") + b"\0\0\0\1\0\0\0\1"
                                   + sr.pstr("mapped-ram"))),
             "a file of 'mapped-ram'; such files cannot be read"),
            (good[:17] + b"\x09" + good[18:], "byte 17: tag 0x09 begins no item"),
            (good[:17] + sr.command(12) + good[17:], "byte 17: command 12, which is none"),
            (good[:17] + sr.command(2, b"12345678") + good[17:],
             "byte 17: command PING with 8 bytes; it has 4"),
            (good[:17] + sr.command(7, b"\0\0\0\0") + good[17:],
             "byte 17: command PACKAGED: a stream of 'postcopy-ram' cannot be read"),
            (good[:17] + ram_part(b"") + good[17:], "byte 17: a piece of section 2, which was not begun"),
            (full(body + b"\0"), "section 'thing': byte %d: 0x00 instead of its footer" % (at + len(body))),
            (full(body[:-1]), "section 'thing': byte %d: 0x00 instead of its footer" % (at + len(body))),
            (full(body, b"\x7e\0\0\0\x08"),
             "section 'thing': byte %d: a footer with id 8 instead of 7" % (at + len(body))),
            (full(BODY), "section 'thing': byte %d: subsection 'thing/sub' is described and not there"
             % (at + len(BODY))),
            (full(body + SUB), "section 'thing': byte %d: a subsection that is not described"
             % (at + len(body))),
            (full(BODY + SUB.replace(b"sub", b"bus")),
             "subsection 'thing/bus' is there, and 'thing/sub' is described"),
            (full(BODY + SUB.replace(b"\3*", b"\2*")),
             "subsection 'thing/sub' has version 2, and 3 is described"),
            (full(body[:5] + b"\2" + body[6:]), "byte %d: field 'on': 2 is no bool" % (at + 5)),
            (full(body.replace(b"\x090\x01", b"\x091\x01").replace(b"\x091\x01", b"\x09\xff\x01")),
             "field 'each': 255 is no nullptr"),
            (full(body[:62] + b"\1" + body[63:]), "field 'queue': the list is described with fewer elements"),
            (stream(tail=b""), "byte %d: no description follows the end" % (thing + 19 + len(body) + 6)),
            (stream(tail=b"\6garbage"), "8 bytes behind the end that are no description"),
            (stream(tail=b"\0" + description()), "the description begins at byte"),
            (stream(tail=description()[:-1] + b"x"), "bytes behind the end that are no description"),
            (stream(tail=description([{"name": "thing", "instance_id": 0, "vmsd_name": "thing", "version": 4,
                                       "fields": [{"name": "level", "type": "uint32", "size": 1}]}])),
             "byte %d: field 'level': it is described as uint32 and 1 bytes; such have 4" % at),
            (stream(tail=description([{"name": "thing", "instance_id": 0, "vmsd_name": "thing", "version": 4,
                                       "fields": [{"name": "x", "type": "buffer", "size": 1 << 60,
                                                   "array_len": 1 << 60}]}])),
             "field 'x': it has 1152921504606846976 times 1152921504606846976 bytes, and the stream ends"),
            (stream(tail=description([{"name": "thing", "instance_id": 0, "vmsd_name": "thing", "version": 4,
                                       "fields": [{"name": "x", "type": "struct", "size": 0,
                                                   "array_len": 1 << 60, "struct": {"fields": []}}]}])),
             "field 'x': an array of nothing"),
            (stream(tail=description([{"name": "thing", "instance_id": 0, "vmsd_name": "thing", "version": 4,
                                       "fields": [{"name": "x", "type": "struct", "size": 9,
                                                   "struct": {"fields": FIELDS[:1]}}]}])),
             "field 'x': it is described with 9 bytes, its fields with 1"),
            (stream(start=sr.section(1, 2, "ram", 0, 4, struct.pack(">Q", 5 * PAGE | sr.MEM_SIZE)
                                     + sr.pstr("big") + struct.pack(">Q", 4 * PAGE + 1))),
             "byte 56: block 'big': 16385 bytes are no whole pages"),
            (parts(sr.record(sr.NORMAL, 0, "none", page(1))),
             "a page of block 'none', which was not announced"),
            (parts(sr.record(sr.NORMAL, PAGE, "small", page(1))),
             "page 0x1000 of block 'small', which has 0x1000 bytes"),
            (parts(sr.record(sr.ZERO | sr.CONTINUE, 0, data=b"\0")),
             "a page of the same block as the one before, and there was none"),
            (parts(sr.record(sr.ZERO, 0, "big", b"\7")), "a page filled with 0x07; only 0 is taken"),
            (parts(sr.record(sr.ZERO | sr.NORMAL, 0, "big", b"\0")), "flags 0x00a, which is none"),
            (parts(sr.record(0, 0)), "flags 0x000, which is none"),
            (parts(sr.record(0x400, 0)), "flags 0x400, which is none"),
            (parts(sr.record(0x100, 0, "big")), "a compressed page; 'compress'"),
            (parts(DELTA), "a difference to a page that was never sent"),
            (parts(RECORDS + sr.record(sr.XBZRLE, 0, "big", b"\2\0\0")), "a difference of method 2"),
            (parts(RECORDS + sr.record(sr.XBZRLE, 0, "big", b"\1\0\2\0\1")), "runs do not fit a page"),
            (parts(RECORDS + sr.record(sr.XBZRLE, 0, "big", b"\1\0\4\1\1x\0")), "runs do not fit a page"),
            (stream(full=sr.section(4, 7, "thing", 0, 3, body)), "its version is 3, and another is described"),
            (stream(tail=description([device(), dict(device(), instance_id=1)])),
             "section 'thing' 1 is described and not there")):
        try:
            refused(t, data, text)
        except gwttest.Failure as e:
            raise gwttest.Failure("for %r: %s" % (text, e)) from e


@gwttest.test("a prefix of a stream is refused in one line")
def prefixes(t):
    data = stream(parts=ram_part(b""), start=ram_start())
    # Not each of them: fuzz-stream has those.
    for n in range(0, len(data), 11):
        _, err = tool(t, "verify", saved(t, data[:n]), status=1)
        t.equal(len(err.splitlines()), 1, "lines for %d bytes: %s" % (n, err))


@gwttest.test("a stream without description is delimited by footers, and shown with that said")
def no_description(t):
    out, _ = tool(t, "show", saved(t, stream(tail=b"")))
    t.contains(out, "%d bytes up to its footer, not read: the stream has no description\n"
               % len(BODY + SUB))
    out, _ = tool(t, "show", saved(t, stream(tail=description([{"name": "x"}]))))
    t.contains(out, "not read: the description does not have it\n")


@gwttest.test("diff names fields, subsections, sections and pages that are different")
def diff(t):
    def differ(b, *lines, status=1):
        out, _ = tool(t, "diff", saved(t, stream(), "a"), saved(t, b, "b"), status=status)
        t.equal(out, "".join(line + "\n" for line in lines))

    def full(payload):
        return stream(full=sr.section(4, 9, "thing", 0, 4, payload))
    differ(full(BODY + SUB), status=0)
    differ(full(b"\6" + BODY[1:] + SUB), "section 'thing': level: 0x5 | 0x6")
    differ(full(BODY[:19] + b"\1" + BODY[20:] + SUB), "section 'thing': words[2]: 0x300 | 0x301")
    differ(full(BODY.replace(b"\x12\x34", b"\x12\x35") + SUB),
           "section 'thing': part.part/more.b: 0x1234 | 0x1235")
    differ(full(BODY + SUB[:-1] + b"\0"), "section 'thing': thing/sub.s: 0x2a | 0x0")
    bare = device()
    bare["subsections"] = []
    differ(stream(full=sr.section(4, 7, "thing", 0, 4, BODY), tail=description([bare])),
           "section 'thing': subsection 'thing/sub' in the first alone")
    differ(stream(full=b"", tail=sr.described([])), "section 'thing': in the first alone")
    differ(stream(head=sr.header("virt-2.0")), "machine: 'virt' | 'virt-2.0'")
    # The same pages, sent in another way; then one that is not.
    whole = bytearray(page(1))
    whole[2:4], whole[304] = b"\xaa\xbb", 0xcc
    one = sr.record(sr.NORMAL, 0, "big", bytes(whole))
    small = sr.record(sr.NORMAL, 0, "small", page(3))
    differ(stream(parts=ram_part(one + small)), status=0)
    differ(stream(parts=ram_part(one + small + sr.record(sr.NORMAL, PAGE, "big", page(5))
                                 + sr.record(sr.NORMAL, 2 * PAGE, "big", page(5)))),
           "RAM 'big': 2 of 4 pages differ: 0x1000-0x2fff")
    differ(stream(parts=ram_part(small)), "RAM 'big': 1 of 4 pages differ: 0x0")
    _, err = tool(t, "diff", t.path("a"), saved(t, b"QEVM", "b"), status=2)
    t.contains(err, "diff: %s: the stream ends at byte 4" % t.path("b"))


@gwttest.test("what the user gives is judged")
def command_line(t):
    for args, status, text in (
            ((), 1, "godwit-stream: no command is given; use show, json, verify, diff or manifest"),
            (("shw", "x"), 1, "'shw' is no command; did you mean 'show'"),
            (("show",), 1, "show: the file is missing; name one, or - for standard input"),
            (("show", "a", "b"), 1, "show: too many arguments"),
            (("diff", "a"), 2, "diff: two files are compared; name both"),
            (("diff", "-", "-"), 2, "diff: standard input can be one of the two only"),
            (("--all", "json", "x"), 1, "json: --all is for show and diff; leave it out"),
            (("--alll", "json", "x"), 1, "option '--alll' is not understood; try --help"),
            (("--offset", "x", "show", "a"), 1, "--offset: "),
            (("show", t.path("none")), 1, "none: it cannot be opened: No such file or directory"),
            (("show", t.tmp), 1, "it cannot be opened: Is a directory"),
            (("--offset", "9", "show", saved(t, b"1234")), 1,
             "it has 4 bytes, and the stream is to begin behind them")):
        _, err = tool(t, *args, status=status)
        t.equal(len(err.splitlines()), 1, "lines of: %s" % err)
        t.contains(err, text)
    out, _ = tool(t, "--help")
    t.contains(out, "usage: godwit-stream")


gwttest.main()
