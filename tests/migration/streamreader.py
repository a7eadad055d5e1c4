# SPDX-License-Identifier: BSD-2-Clause
"""A second reader of migration streams, for tests: written from the format alone, and sharing nothing
with the emulator or its tools, so that the two can judge each other.

    stream = streamreader.read(data)
    stream.sections[("serial", 0)].fields["serial.lcr"]     # Field: offset, size, count, type, raw
    stream.blocks["riscv_virt_board.ram"].pages[0x1000]     # what it has at the end

It reads every byte or raises Wrong.  build() makes streams for tests, well formed or not.
"""

import json
import struct

MAGIC = b"QEVM"
PAGE = 4096
ZERO, MEM_SIZE, NORMAL, EOS, CONTINUE, XBZRLE, FLUSH = 2, 4, 8, 16, 32, 64, 512
SIZES = {"bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4,
         "int32 le": 4, "int32 equal": 4, "uint32 equal": 4, "int64": 8, "uint64": 8,
         "int64 equal": 8, "timer": 8, "float64": 8, "CPU_Double_U": 8}


class Wrong(Exception):
    """The stream is not one; the text has the place."""


class Field:
    def __init__(self, offset, size, count, kind, raw):
        self.offset, self.size, self.count, self.type, self.raw = offset, size, count, kind, raw

    @property
    def value(self):
        values = [int.from_bytes(self.raw[i:i + self.size], "big")
                  for i in range(0, self.size * self.count, self.size)]
        return values[0] if self.count == 1 else values


class Section:
    def __init__(self, offset, ident, name, instance, version):
        self.offset, self.id, self.name = offset, ident, name
        self.instance, self.version = instance, version
        self.payload = self.end = 0
        self.fields = {}
        self.subsections = []


class Block:
    def __init__(self, length):
        self.length, self.pages, self.records, self.address = length, {}, 0, None


class Pairs(list):
    """An object of JSON with all of its members, also those of one name."""

    def get(self, key, default=None):
        return next((v for k, v in self if k == key), default)


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0
        self.machine, self.capabilities, self.uuid, self.manifest = "", [], None, None
        self.sections, self.order, self.commands, self.blocks = {}, [], [], {}
        self.handles = {}
        self.block = None
        self.payloads = 0
        self.xbzrle = 0

    def wrong(self, text, at=None):
        raise Wrong("byte %d: %s" % (self.at if at is None else at, text))

    def take(self, n):
        if n > len(self.data) - self.at:
            self.wrong("the stream ends")
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, n):
        return int.from_bytes(self.take(n), "big")

    def pstr(self):
        return self.take(self.number(1)).decode("latin-1")

    def expect(self, wanted, what):
        at = self.at
        got = self.take(len(wanted))
        if got != wanted:
            self.wrong("%s: %s instead of %s" % (what, got.hex(), wanted.hex()), at)

    # -- the description

    def find_description(self):
        at = len(self.data)
        while (at := self.data.rfind(b"\x06", 0, at)) >= 0:
            if int.from_bytes(self.data[at + 1:at + 5], "big") == len(self.data) - at - 5:
                return at, json.loads(self.data[at + 5:], object_pairs_hook=Pairs)
        raise Wrong("no description")

    def walk_fields(self, section, path, described):
        """FIELDS, then the subsections, of one struct; the sizes must add up."""
        for f in described.get("fields", []):
            name, kind, size = f.get("name"), f.get("type"), f.get("size")
            count, start = f.get("array_len", 1), self.at
            where = "%s.%s" % (path, name) if path else name
            k = 1
            while where in section.fields and section.fields[where].type == kind:
                where = "%s#%d" % (where.split("#")[0], k)
                k += 1
            if kind == "struct":
                for i in range(count):
                    begin = self.at
                    inner = where if count == 1 else "%s[%d]" % (where, i)
                    self.walk_fields(section, inner, f.get("struct"))
                    if self.at - begin != size:
                        self.wrong("%s has %d bytes, described are %d" % (inner, self.at - begin, size))
            else:
                if size != SIZES.get(kind, size):
                    self.wrong("%s: %s of %d bytes" % (where, kind, size))
                section.fields[where] = Field(start, size, count, kind, self.take(size * count))
        for s in described.get("subsections", []):
            self.expect(b"\x05", "subsection of %s" % section.name)
            name = self.pstr()
            if name != s.get("vmsd_name") or self.number(4) != s.get("version"):
                self.wrong("subsection %s, described is %s" % (name, s.get("vmsd_name")))
            section.subsections.append(name)
            self.walk_fields(section, name, s)

    # -- RAM

    def block_list(self, total):
        while total > 0:
            name, length = self.pstr(), self.number(8)
            block = self.blocks.setdefault(name, Block(length))
            if block.length != length or length % PAGE or not length:
                self.wrong("block %s of %d bytes" % (name, length))
            if "x-ignore-shared" in self.capabilities:
                block.address = self.number(8)
            total -= length
        if total:
            self.wrong("the blocks are longer than their sum")

    def delta(self, old, data):
        page, at, to = bytearray(old), 0, 0

        def run():
            nonlocal at
            value = data[at]
            at += 1
            if value & 0x80:
                value = value & 0x7f | data[at] << 7
                at += 1
            return value
        while at < len(data):
            first = at == 0
            skip = run()
            n = run()
            if (skip == 0 and not first) or n == 0 or to + skip + n > PAGE or at + n > len(data):
                self.wrong("a malformed difference")
            to += skip
            page[to:to + n] = data[at:at + n]
            to, at = to + n, at + n
        return bytes(page)

    def ram(self):
        self.payloads += 1
        while True:
            head = self.number(8)
            flags, upper = head % PAGE, head - head % PAGE
            if flags == EOS:
                return
            if flags == MEM_SIZE:
                self.block_list(upper)
                continue
            if flags == FLUSH:
                continue
            kind = flags & ~CONTINUE
            if kind not in (ZERO, NORMAL, XBZRLE):
                self.wrong("flags %#x" % flags, self.at - 8)
            if not flags & CONTINUE:
                self.block = self.blocks[self.pstr()]
            block = self.block
            if upper >= block.length:
                self.wrong("page %#x" % upper)
            block.records += 1
            if kind == ZERO:
                self.expect(b"\0", "fill")
                block.pages[upper] = bytes(PAGE)
            elif kind == NORMAL:
                block.pages[upper] = self.take(PAGE)
            else:
                self.xbzrle += 1
                self.expect(b"\1", "method")
                block.pages[upper] = self.delta(block.pages[upper], self.take(self.number(2)))

    # -- items

    def section(self, tag):
        offset, ident = self.at - 1, self.number(4)
        if tag in (1, 4):
            s = Section(offset, ident, self.pstr(), self.number(4), self.number(4))
            self.handles[ident] = s
            if (s.name, s.instance) in self.sections:
                self.wrong("section %s %d comes twice" % (s.name, s.instance), offset)
            self.sections[s.name, s.instance] = s
            self.order.append((s.name, s.instance))
        else:
            s = self.handles[ident]
        s.payload = self.at
        if s.name == "ram":
            self.ram()
        else:
            described = self.devices.get((s.name, s.instance))
            if described is None or tag != 4:
                self.wrong("section %s %d is not described" % (s.name, s.instance))
            self.walk_fields(s, "", described)
            s.schema = described.get("vmsd_name")
        s.end = self.at
        self.expect(struct.pack(">BI", 0x7e, ident), "footer of %s" % s.name)

    def configuration(self):
        self.expect(MAGIC + struct.pack(">I", 3) + b"\7", "header")
        self.machine = self.take(self.number(4)).decode()
        while self.data[self.at] == 5:
            self.take(1)
            name = self.pstr()
            if self.number(4) != 1:
                self.wrong("version of %s" % name)
            if name == "configuration/capabilities":
                self.capabilities = [self.pstr() for _ in range(self.number(4))]
            elif name == "configuration/uuid":
                self.uuid = self.take(16)
            elif name == "configuration/manifest":
                self.manifest_flags = self.number(4)
                self.manifest = json.loads(self.take(self.number(4)))
            else:
                self.wrong(name)

    def all(self):
        end, self.description = self.find_description()
        if self.description.get("page_size") != PAGE:
            self.wrong("page_size", end)
        self.devices = {(d.get("name"), d.get("instance_id")): d
                        for d in self.description.get("devices")}
        self.configuration()
        while (tag := self.number(1)) != 0:
            if tag in (1, 2, 3, 4):
                self.section(tag)
            elif tag == 8:
                number, data = self.number(2), self.take(self.number(2))
                self.commands.append((number, data))
            else:
                self.wrong("tag %d" % tag, self.at - 1)
        self.end = self.at
        if self.at != end:
            self.wrong("the description begins at byte %d" % end)
        missing = set(self.devices) - set(self.sections)
        if missing:
            self.wrong("described and not there: %s" % sorted(missing))
        return self


def read(data):
    return _Reader(data).all()


# -- making streams

# The distance of the guest's clock from the host's, as older readers want it: it is another one at
# each save, and the field behind it is the one that counts.
MOVES = {("goldfish_rtc", "tick_offset_vmstate")}


def differences(one_data, other_data, passed_over=lambda name, section: False):
    """What two saved guests differ in, a text for each; but for sections that PASSED_OVER says."""
    one, other = read(one_data), read(other_data)
    if list(one.sections) != list(other.sections):
        yield "sections %r and %r" % (list(one.sections), list(other.sections))
        return
    for key, a in one.sections.items():
        b = other.sections[key]
        if key[0] == "ram" or one_data[a.payload:a.end] == other_data[b.payload:b.end]:
            continue
        if passed_over(key[0], a):
            continue
        names = [n for n in {**a.fields, **b.fields} if n not in a.fields or n not in b.fields
                 or a.fields[n].raw != b.fields[n].raw]
        if not names or any((key[0], n) not in MOVES for n in names):
            yield "%s %d: %r" % (*key, names)
    nothing = bytes(PAGE)
    for name, block in one.blocks.items():
        theirs = other.blocks[name].pages
        for address in sorted(set(block.pages) | set(theirs)):
            if block.pages.get(address, nothing) != theirs.get(address, nothing):
                yield "%s: page 0x%x" % (name, address)


def pstr(text):
    return struct.pack("B", len(text)) + text.encode()


def section(tag, ident, name, instance, version, payload, footer=None):
    head = struct.pack(">BI", tag, ident)
    if tag in (1, 4):
        head += pstr(name) + struct.pack(">II", instance, version)
    return head + payload + (struct.pack(">BI", 0x7e, ident) if footer is None else footer)


def command(number, data=b""):
    return struct.pack(">BHH", 8, number, len(data)) + data


def record(flags, address=0, block=None, data=b""):
    return (struct.pack(">Q", address | flags) + (pstr(block) if block else b"") + data)


def header(machine="virt", extra=b""):
    return MAGIC + struct.pack(">IBI", 3, 7, len(machine)) + machine.encode() + extra


def described(devices, **more):
    text = json.dumps({"page_size": PAGE, "devices": devices, **more}).encode()
    return b"\6" + struct.pack(">I", len(text)) + text
