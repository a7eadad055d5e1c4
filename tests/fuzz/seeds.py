# SPDX-License-Identifier: BSD-2-Clause
"""Binary seeds for the fuzz targets, written to the folder named: a program, an Image, a plugin's note,
and sequences of register accesses."""
import os
import struct
import sys

out = sys.argv[1]


def put(name, data):
    with open(os.path.join(out, name), "wb") as f:
        f.write(data)


def elf(machine, phdrs, entry, payload=b""):
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01" + bytes(9), 2, machine, 1, entry, 64,
                       0, 0, 64, 56, len(phdrs), 64, 0, 0)
    return head + b"".join(struct.pack("<IIQQQQQQ", *p) for p in phdrs) + payload


load = [(1, 5, 176, 0x80000000, 0x80000000, 16, 4096, 4096),
        (4, 4, 0, 0, 0, 0, 0, 4)]
put("image-elf", elf(243, load, 0x80000000, bytes(16)))
put("image-two", elf(243, [load[0], (1, 6, 176, 0xffffffff80100000, 0x80100000, 8, 64, 4096)],
                     0x80000004, bytes(range(16))))
put("image-linux", struct.pack("<IIQQQIIQ4s4sI", 0x5a4d, 0, 0x200000, 0x100000, 0, 2, 0, 0,
                               b"RISC", b"V\0\0\0", 0) + bytes(64))
put("image-raw", b"\x13\x00\x00\x00" * 40)

# A section that fuzz-vmstate takes: counts, arrays, structs, NULL among pointers, a list, a subsection.
head = struct.pack(">BBiIiH", 1, 2, 1, 70, 10, 0x0101)
body = (struct.pack(">2H2I2I", 1, 2, 3, 4, 5, 6) + b"bytes" + struct.pack(">2Q", 7, 8) + b"\0\0"
        + struct.pack(">Bh", 9, 10) * 4 + struct.pack(">Bh", 11, 12) + b"0" + struct.pack(">Bh", 13, 14)
        + b"\1" + struct.pack(">IB", 15, 3) + b"abc" + b"\0")
body += b"1" + struct.pack(">Bh", 17, 18) + b"0" + struct.pack(">BhH", 19, 20, 21)
put("vmstate-plain", head + body)
put("vmstate-sub", head + body + b"\5\x0athing/more" + struct.pack(">III", 1, 16, 17))
put("vmstate-empty", struct.pack(">BBiIiH", 0, 0, 0, 0, 0, 0x0101) + b"\0\0" + struct.pack(">Bh", 1, 2)
    + struct.pack(">Bh", 9, 10) * 2 + b"0" + struct.pack(">Bh", 3, 4) + b"\0"
    + b"00" + struct.pack(">BhH", 19, 20, 21))

# Captured streams: two blocks, every kind of page, commands, a section with structs, a list, subsections;
# one with a configuration of its own, one without description.


def desc(*devices, size=1024):
    text = b'{"page_size": %d, "devices": [%s]}' % (size, b", ".join(devices))
    return b"\6" + struct.pack(">I", len(text)) + text


def sect(tag, ident, payload, name=b""):
    return (struct.pack(">BI", tag, ident)
            + (struct.pack("B", len(name)) + name + struct.pack(">II", 0, 4) if name else b"")
            + payload + struct.pack(">BI", 0x7e, ident))


u8 = b'{"name": "v", "type": "uint8", "size": 1}'
d1 = (b'{"name": "t", "instance_id": 0, "vmsd_name": "t", "version": 4, "fields": ['
      b'{"name": "a", "array_len": 2, "type": "uint16", "size": 2}, '
      b'{"name": "p", "array_len": 2, "type": "struct", "struct": {"vmsd_name": "p", "version": 1, "fields": ['
      + u8 + b']}, "size": 1}, {"name": "q", "type": "qtailq", "vmsd_name": "e", "version": 1, "fields": ['
      + u8 + b'], "size": 3}, {"name": "b", "type": "buffer", "size": 3}], "subsections": [{"vmsd_name": "t/s", '
      b'"version": 1, "fields": [' + u8 + b"]}]}")
t1 = b"\0\1\0\2" + b"\3\4" + b"\1\5\0" + b"abc" + b"\5\3t/s\0\0\0\1\6"
magic = b"QEVM" + struct.pack(">IBI", 3, 7, 4) + b"virt"
start = (struct.pack(">Q", 0x1000 | 4) + b"\1x" + struct.pack(">Q", 0xc00) + b"\1y" + struct.pack(">Q", 0x400)
         + struct.pack(">Q", 16))
pages = (struct.pack(">Q", 8) + b"\1x" + bytes(range(256)) * 4 + struct.pack(">QB", 0x400 | 2 | 32, 0)
         + struct.pack(">Q", 64) + b"\1x\1" + struct.pack(">H", 7) + b"\2\1a\x81\1\1" + b"b"
         + struct.pack(">Q", 16))
body = (struct.pack(">BHH", 8, 1, 0) + struct.pack(">BHHI", 8, 2, 4, 1) + sect(1, 1, start, b"ram")
        + sect(2, 1, pages) + sect(3, 1, struct.pack(">Q", 16)) + sect(4, 2, t1, b"t") + b"\0")
put("stream-plain", magic + body + desc(d1))
put("stream-bare", magic + body)
put("stream-config", magic + b"\5\x1aconfiguration/capabilities" + struct.pack(">II", 1, 1)
    + b"\x0fx-ignore-shared" + b"\5\x12configuration/uuid" + struct.pack(">I", 1) + bytes(16)
    + sect(4, 2, t1, b"t") + b"\0" + desc(d1, d1.replace(b'"t", "inst', b'"u", "inst')))
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus", "manifest", "whole"), "rb") as f:
    manifest = f.read()
put("stream-manifest", magic + b"\5\x16configuration/manifest" + struct.pack(">III", 1, 2, len(manifest)) + manifest
    + sect(4, 2, t1, b"t") + b"\0" + desc(d1))
# Payloads of RAM's section: the list, whole pages, zero pages, differences.
EOS = struct.pack(">Q", 0x10)
ram = struct.pack(">QB1sQB2sQ", 0x3004, 1, b"a", 0x2000, 2, b"bb", 0x1000) + EOS
ram += struct.pack(">QB1sB", 0x1002, 1, b"a", 0) + struct.pack(">Q", 0x28) + bytes(range(256)) * 16
ram += struct.pack(">QB2s", 8, 2, b"bb") + b"\x5a" * 4096 + EOS
diff = struct.pack(">QBH", 0x60, 1, 7) + bytes([3, 1, 7, 0x88, 1, 1, 9])
diff += struct.pack(">QB1sBH", 0x1040, 1, b"a", 1, 0) + struct.pack(">QQ", 0x200, 0x80) + EOS
put("ram-pages", b"\x00" + ram)
put("ram-differences", b"\x0c" + ram + diff)
put("ram-check", b"\x41" + ram + diff)
put("ram-shared", b"\xc2" + struct.pack(">QB2sQQ", 0x1004, 2, b"bb", 0x1000, 0) + EOS + diff)

# Changes of tests/fuzz/fuzz-virtio-state.c: where (8: anywhere, 16: from the end, 0xe0: cut there), bytes.
def change(where, at, value):
    return struct.pack("<B3s4s", where, at.to_bytes(3, "little"), value)


put("vstate-pci", b"\0" + change(2, 0x155, b"\0\0\0\1") + change(8, 0x2000, b"abcd"))
put("vstate-mmio", b"\1" + change(0, 12, b"\x4f") + change(18, 40, b"\0\1\0\1"))
put("vstate-net", b"\2" + change(10, 0x190, b"\1\2\3\4") + change(0, 0x1a0, b"\1"))
put("vstate-serial", b"\3" + change(2, 0x4a0, b"\0\0\0\1"))
put("vstate-rng", b"\4" + change(0, 0x11e, b"\x0f") + change(16, 3, b"\5"))
put("vstate-cut", b"\1" + change(0xe8, 60000, b"") + change(0, 13, b"\1"))

STORE, LOAD = 0x28, 0x25  # of 4 bytes


def step(op, offset, value=0):
    return struct.pack("<B3sQ", op, offset.to_bytes(3, "little"), value)


put("mmio-plic", b"\x01" + step(STORE | 0x80, 0x28, 1) + step(STORE | 0x80, 0x2000, 0x400)
    + step(3, 1, 10) + step(LOAD | 0x80, 0x200004) + step(STORE | 0x80, 0x200004, 10))
put("mmio-aclint", b"\x00" + step(0x38 | 0x80, 0x4000, 5) + step(0, 0, 1000000)
    + step(0x35 | 0x80, 0xbff8) + step(STORE, 0, 1))
put("mmio-uart", b"\x02" + step(8, 2, 7) + step(8, 1, 15) + step(8, 4, 0x10) + step(8, 0, 65)
    + step(3, 0, 0x41424344) + step(5, 0) + step(5, 2) + step(0, 0, 100000) + step(5, 5))
put("mmio-rtc", b"\x03" + step(STORE, 16, 1) + step(STORE, 12, 0) + step(STORE, 8, 1)
    + step(1, 0, 5000) + step(LOAD, 0x18) + step(STORE, 0x1c, 1))
put("mmio-test", b"\x04" + step(STORE, 0, 0x5555) + step(STORE, 0, 0x33333) + step(STORE, 0, 0x7777))
put("mmio-fwcfg", b"\x05" + step(0x18, 8, 0x1900) + step(5, 0) + step(0x38, 16, 0x80)
    + step(0x35, 0))
flash = b"\x06"
for value in (0x00200020, 0x00d000d0, 0x00ff00ff, 0x00400040, 0x12345678, 0x00e800e8, 0x00030003,
              0x11, 0x22, 0x33, 0x44, 0x00d000d0, 0x00980098):
    flash += step(STORE, 0, value)
put("mmio-flash", flash + step(LOAD, 0x40))

# A bus set up as a kernel does it, then errors, messages, resets.
def config(bus, slot, reg, value, size=2, kind=1):
    offset = bus << 23 | slot << 16 | reg
    return step(size << 6 | 2 << 3 | kind, offset, value)


def device(number, what, arg=0):
    return step(1 << 3, number | what << 8, arg)


put("pcie-port", config(0, 1, 0x18, 0x010100) + config(0, 1, 0x20, 0x41004100)
    + config(0, 1, 0x3e, 2, 1) + config(0, 1, 4, 0x107, 1) + config(0, 1, 0x12c, 7)
    + config(1, 0, 0x14, 0x41000000) + config(1, 0, 0x20, 0x41001000) + config(1, 0, 4, 6, 1)
    + device(1, 1, 18) + device(1, 3) + device(1, 2, 1) + config(0, 1, 0x3e, 0x42, 1)
    + device(0, 0))
put("pcie-bars", config(0, 2, 0x14, 0x40001000) + config(0, 2, 0x20, 0x40000000)
    + config(0, 2, 0x18, 0xffffffff) + config(0, 2, 4, 7, 1)
    + step(2 << 6 | 2 << 3 | 3, 0, 0x80000000)
    + step(2 << 6 | 3, 0x1004) + config(0, 2, 0x14, 0x40000000) + device(2, 4, 0x80000000))

# Steps of tests/fuzz/fuzz-pci-state.c: sections (0: the port's, 4: a function's) with bytes changed, stores
# to configuration space, what devices do.
def changed(which, *edits):
    return struct.pack("<3B", 0, which, len(edits)) + b"".join(struct.pack("<HB", *e) for e in edits)


def stored(bus, slot, offset, value):
    return struct.pack("<BBHI", 2, 0x80 | bus << 3 | slot << 4, offset, value)


def acted(what, which, arg=1):
    return struct.pack("<3B", 3, which << 4 | what, arg)


put("pci-state-plain", b"".join(changed(i) for i in range(6)))
put("pci-state-port", stored(0, 1, 0x18, 0x010100) + stored(0, 1, 4, 0x107) + acted(2, 1, 12) + changed(0)
    + changed(0, (4 + 0x19, 2)) + changed(0, (4 + 4, 0)) + stored(1, 0, 4, 6) + changed(4) + acted(1, 1))
put("pci-state-lines", acted(0, 2) + changed(5) + changed(5, (4 + 5, 4)) + acted(0, 2, 0)
    + changed(5, (263, 1)) + changed(2, (19, 7)))


# Steps of tests/fuzz/fuzz-hart-state.c after the machine: sections (1 and 3: the harts' own, from 4 on the
# controllers') with bytes changed, registers, wires, CSRs, instructions.
def hart_store(base, offset, value):
    return struct.pack("<BBHI", 2, base, offset, value)


def hart_run(hart, n):
    return struct.pack("<3B", 3, hart << 7, n)


def hart_wire(line, level):
    return struct.pack("<2B", 3, 1 | line << 2 | level << 5)


for number in range(3):
    put("hart-state-%d" % number, bytes([number]) + b"".join(changed(i) for i in range(9))
        + hart_store(1, 8, 5) + hart_store(0, 0, 1) + hart_wire(2, 1) + hart_run(0, 200) + hart_run(1, 200)
        + changed(1, (647, 2)) + changed(1, (727, 1)) + changed(3, (752, 0x80)) + changed(1, (816, 0x80))
        + changed(4, (15, 1)) + changed(5, (7, 3)) + changed(6, (40, 1)) + hart_run(0, 100) + hart_run(1, 50))


# Steps of tests/fuzz/fuzz-hotplug.c: a device for a bus; slot control; a device goes; the host comes.
def plug(name, bus, kind=0, place=0, function=0):
    return struct.pack("<7B5x", 0, 0, name, bus, kind, place, function)


def control(port, value):
    return struct.pack("<2BH8x", 7, port, value)


def unplug(name, other=False):
    return struct.pack("<4B8x", 2, 0, name, 8 if other else 0)


FINISH = struct.pack("<B11x", 4)
put("hotplug-plain", plug(0, 0) + unplug(0) + FINISH + plug(1, 2) + plug(2, 0, 2) + unplug(0, True)
    + FINISH + plug(0, 3, 3) + unplug(0) + FINISH)
put("hotplug-asked", control(0, 0x17f1) + plug(0, 0) + control(0, 0x12f1) + control(0, 0x11f1)
    + struct.pack("<2B10x", 7, 4) + unplug(0) + control(0, 0x12f1) + control(0, 0x16f1)
    + control(0, 0x17f1) + FINISH)
put("hotplug-ari", plug(0, 0, 0, 4, 0xc8) + plug(1, 0, 0, 4, 1) + unplug(1) + FINISH
    + plug(1, 0, 0, 4, 8) + plug(2, 0, 0, 6) + struct.pack("<6B6x", 10, 2, 0x09, 0x3c, 0, 0)
    + unplug(0) + FINISH)
put("hotplug-reset", control(3, 0x11f1) + plug(1, 2) + unplug(1) + struct.pack("<2B10x", 5, 1)
    + plug(1, 2, 0, 1) + plug(2, 2, 0, 2) + unplug(1) + struct.pack("<B11x", 5))

# Steps of tests/fuzz/fuzz-aia.c: files that deliver; wires up and down; a claim; genmsi; delegation.
def aia(op, device, offset, value, more=0x20):
    return struct.pack("<BHBQ", op | device << 4, offset, more, value)


def hart(level, number, value):
    return struct.pack("<BBBBQ", 6, level << 1, number - 0x70, 1, value)


for how in range(4):
    files = b"".join(hart(level, number, value) for level in range(2)
                     for number, value in ((0xc0, 2 ** 64 - 1), (0x70, 1)))
    wires = b"".join(aia(1, 0, on, n) for n in (5, 8, 12) for on in (1, 0, 1))
    put("aia-%d" % how, bytes([how]) + files + wires + struct.pack("<BBBBQ", 6, 0, 0, 4, 0)
        + aia(9, 0, 0x3000, 7) + aia(9, 0, 20, 6) + aia(9, 1, 20, 6) + aia(9, 0, 0x1cdc, 5)
        + aia(9, 2, 0, 9) + aia(9, 3, 0x1004, 9 << 24) + aia(9, 0, 0, 0x101) + aia(0, 0, 0, 1))

# Steps of tests/fuzz/fuzz-virtio.c: descriptors, an index, a turn of the device's.
for name, features in (("split", 0x70), ("events", 0x76), ("in-order", 0x7c), ("packed", 0x77)):
    chain = b"".join(struct.pack("<4B4B", 0, i, i, 64, 0, 3 if i == 0 else 2, i + 1,
                                 0x80 if features & 1 else 0) for i in range(2))
    put("virtio-" + name, bytes([features]) + chain + struct.pack("<8B", 3, 0, 1, 0, 0, 0, 0, 0)
        + struct.pack("<8B", 6, 5, 0, 0, 0, 0, 0, 0) * 2 + struct.pack("<8B", 5, 8, 0, 0, 0, 0, 0, 0))
table = struct.pack("<4B4B", 0x80, 0, 64, 16, 0, 2, 0, 0)
put("virtio-indirect", bytes([0x76]) + table + struct.pack("<4B4B", 0, 0, 0, 16, 0, 4, 0, 0)
    + struct.pack("<8B", 3, 0, 1, 0, 0, 0, 0, 0) + struct.pack("<8B", 7, 3, 0, 0, 0, 0, 0, 0))

# Options of tests/fuzz/fuzz-netdev.c, and Ethernet frames.
for name, text in (
        ("user", "user,id=n,net=10.1.0.0/16,host=10.1.0.2,hostfwd=tcp:127.0.0.1:0-:22,mtu=1400"),
        ("tap", "tap,id=n,ifname=tap0,queues=2,vnet_hdr=off,script=no,downscript=no"),
        ("stream", "stream,id=n,server=on,addr.type=unix,addr.path=a,,b"),
        ("dgram", "dgram,id=n,local.type=inet,local.host=::1,local.port=1,remote.type=inet,"
         "remote.host=::1,remote.port=2"),
        ("json", '{"type": "stream", "id": "n", "addr": {"type": "inet", "host": "h", "port": 1}}')):
    put("netdev-" + name, b"o" + text.encode())
for name, syn in (("data", 0x18), ("syn", 2)):
    tcp = struct.pack(">HHIIBBHHH", 1, 2, 3, 4, 0x60, syn, 5, 0, 0) + b"\x02\x04\x05\xb4"
    ethernet = b"\x52\x54\0\1\2\3" * 2
    put("netdev-4" + name, b"f" + ethernet + b"\x08\0" + struct.pack(
        ">BBHIBBHII", 0x45, 0, 20 + len(tcp) + 700, 0, 64, 6, 0, 1, 2) + tcp + bytes(700))
    put("netdev-6" + name, b"f" + ethernet + b"\x86\xdd" + struct.pack(
        ">IHBB", 0x60000000, len(tcp) + 700, 6, 64) + bytes(32) + tcp + bytes(700))

# Steps of tests/fuzz/fuzz-virtio-net.c: chains both ways, frames, commands.
for how in (0, 3, 6, 0x3f):
    put("net-%d" % how, bytes([how])
        + b"".join(struct.pack("<8B", 0, 1, i, i + 1, 0, 0, 6, 15) for i in range(6))
        + struct.pack("<8B", 5, 0, 3, 0, 0, 0, 0, 0)
        + b"".join(struct.pack("<8B", 3, 2, 1, 0, 0, 0, size & 255, size >> 8)
                   for size in (60, 3000, 5, 1526, 20000))
        + struct.pack("<8B", 0, 4, 1, 2, 0, 0, 6, 1) + struct.pack("<8B", 5, 4, 7, 60, 0, 0, 0, 0)
        + struct.pack("<8B", 2, 1, 0, 0, 1, 0, 0, 0) + struct.pack("<8B", 2, 5, 1, 1, 2, 3, 4, 5)
        + struct.pack("<8B", 2, 2, 4, 0, 2, 0, 0, 0) + struct.pack("<8B", 2, 8, 5, 0, 2, 0, 0, 0)
        + struct.pack("<8B", 4, 0, 0, 0, 0, 0, 0, 0))

# Steps of tests/fuzz/fuzz-virtio-pci.c: a buffer, the capability PCI_CFG, resets.
def vpci(kind, offset, value, size=4, op=4):
    return step({1: 0, 2: 0x40, 4: 0x80, 8: 0xc0}[size] | op << 3 | kind, offset, value)


buffer = (vpci(5, 0, 0x80080000, 8) + vpci(5, 8, 8 | 2 << 32, 8) + vpci(5, 0x40, 1 << 16)
          + vpci(2, 0x3000, 0, 2) + step(1 << 3, 5))
enable = step(2 << 3, 1)
put("vpci-msix", b"\x02" + buffer + vpci(3, 0x1c, 1) + step(1 << 3, 8) + vpci(3, 0x1c, 0)
    + vpci(1, 0x9a, 0, 2) + vpci(2, 0x1000, 0, 1, 0))
put("vpci-window", b"\x00" + buffer + vpci(1, 0x88, 4, 1) + vpci(1, 0x8c, 0x1000)
    + vpci(1, 0x90, 1) + vpci(1, 0x94, 0, 1, 0) + vpci(1, 0x8c, 0x14) + vpci(1, 0x94, 0)
    + vpci(1, 0x94, 0, 4, 0))
put("vpci-resets", b"\x0d" + buffer + vpci(6, 0x3a, 1, 2) + vpci(6, 0x1c, 1, 2) + step(1 << 3, 0x30)
    + vpci(1, 0x48, 0x8000, 2) + enable + vpci(1, 4, 2, 2) + vpci(1, 4, 6, 2)
    + vpci(6, 0x14, 0, 1) + step(2 << 3, 0))

# Steps of tests/fuzz/fuzz-virtio-console.c: messages, buffers, back ends, ports that come and go.
def serial(*steps):
    return b"".join(bytes(s).ljust(8, b"\0") for s in steps)


talk = serial((0, 0, 0, 0, 0, 1), (0, 0, 0, 0, 3, 1, 0), (0, 0, 0, 0, 3, 1, 1), (0, 0, 0, 0, 6, 1, 1))
put("vserial-talk", b"\x03" + talk + serial((1, 4, 32, 1, 1), (5, 1, 0, 128), (5, 1, 4, 128, 5)))
put("vserial-full", b"\x07" + talk + serial((5, 1, 0, 3), (1, 5, 32, 1, 1), (5, 1, 3, 9), (5, 1, 3, 128)))
put("vserial-plug", b"\x01" + talk + serial((6, 0, 1), (6, 0, 2), (6, 0, 1), (4, 2), (6, 2, 1, 0)))
put("vserial-plain", b"\x02" + serial((1, 0, 9, 1, 1), (1, 1, 9, 1, 1), (5, 1, 2), (7, 8, 2, 65), (7, 0, 0)))

# Steps of tests/fuzz/fuzz-virtio-blk.c: a header, the request, a notification, its completion.
for name, kind, flags in (("read", 0, 31), ("write", 1, 0), ("flush", 4, 0), ("id", 8, 31),
                          ("discard", 11, 0), ("zeroes", 13, 0)):
    steps = b""
    for i in range(3):
        steps += struct.pack("<4BI", 2, 3 * i, kind, 0, 8 * i)
        steps += struct.pack("<4BI", 3, 64, 0, 0, 8) + struct.pack("<4BI", 3, 65, 0, 0, 1)
        # Segments have 16 bytes.
        steps += struct.pack("<8B", 0, 3 * i, 0 if kind == 4 else 1, 0, 0, 15 if kind > 8 else 1,
                             flags, 2 if kind > 8 else 0)
        steps += struct.pack("<8B", 6, 0, 0, 0, 0, 0, 0, 0)
    steps += struct.pack("<8B", 6, 5, 0, 0, 0, 0, 0, 0) * 3
    if kind == 1:
        # Data begins behind the header, in its buffer.
        steps += struct.pack("<8B", 0, 3, 2, 29, 0, 248, 0, 3) + struct.pack("<8B", 6, 0, *bytes(6))
    for features in (0x36, 0x37, 0x20):
        put("vblk-%s-%02x" % (name, features), bytes([features]) + steps)

# What fuzz-incoming changes in a stream: nothing, its end, a bit, a count.
put("incoming-whole", b"\0\0")
put("incoming-cut", b"\1\0")
put("incoming-manifest", b"\x80\0")
put("incoming-manifest-digit", b"\x80\0" + bytes([0, 0x20, 0, 1, 0x39, 0, 0, 0, 0x50, 1, 0x22, 0]))
put("incoming-bit", b"\0\0" + bytes([0, 2, 0, 0, 3, 0]))
put("incoming-more", b"\0\0" + bytes([0, 2, 0, 4, 0xff, 0xff, 0, 16, 7, 1, 0, 0, 0, 8, 99, 2, 0x7f, 1]))
