# SPDX-License-Identifier: BSD-2-Clause
"""The same kernel with the same virtio devices over PCI, here and in QEMU: it sees the same
functions, byte for byte of their configuration space, and for the entropy device the same
features."""

import os
import shutil

import gwttest
import linuxguest

QEMU = os.environ.get("QEMU_RISCV64") or shutil.which("qemu-system-riscv64") or "no"

linuxguest.need_guest()
if gwttest.SANITIZERS:
    gwttest.skip_all("the long boots are left to the build without sanitizers")
if QEMU == "no":
    gwttest.skip_all("no qemu-system-riscv64 to compare with")

PORTS = ["pcie-root-port,id=rp0,bus=pcie.0,addr=1,chassis=1,slot=1",
         "pcie-root-port,id=rp1,bus=pcie.0,addr=2,chassis=1,slot=2"]
# Type, what QEMU needs besides, place.
DEVICES = {"0000:00:03.0": ("virtio-rng-pci", "", "bus=pcie.0,addr=3"),
           "0000:01:00.0": ("virtio-rng-pci", "", "bus=rp0,packed=on"),
           "0000:00:04.0": ("virtio-rng-pci", "", "bus=pcie.0,addr=4,vectors=70"),
           "0000:00:05.0": ("virtio-net-pci", "romfile=", "bus=pcie.0,addr=5,netdev=n"),
           "0000:02:00.0": ("virtio-serial-pci", "", "bus=rp1")}


def devices(qemu):
    args = ["-netdev", "user,id=n"]
    for port in PORTS:
        args += ["-device", port]
    for name, extra, place in DEVICES.values():
        words = [name, place] + (["disable-legacy=on", extra] if qemu else [])
        args += ["-device", ",".join(word for word in words if word)]
    return args


def look(t, vm):
    """Words of configuration space, then features, of each function."""
    linuxguest.ready(vm)
    linuxguest.output(t, vm, "dmesg -n 1; drivers", 100)
    text = linuxguest.output(
        t, vm, "cd /sys/bus/pci/devices; for d in *; do echo == $d; "
        "od -v -An -tx4 -w16 $d/config | head -16; cat $d/virtio*/features; done 2>/dev/null; cd /")
    linuxguest.power_off(t, vm)
    found = {}
    for part in text.split("== ")[1:]:
        name, _, rest = part.partition("\n")
        found[name.strip()] = rest.split()
    return found


@gwttest.test("configuration space and features as in QEMU's guest")
def compare(t):
    ours = look(t, t.start(*linuxguest.arguments(harts=1), *devices(False)))
    theirs = look(t, t.start_program(QEMU, *linuxguest.arguments(harts=1), *devices(True)))
    t.equal(sorted(ours), sorted(theirs), "functions")
    for place, (name, _, _) in DEVICES.items():
        a, b = ours[place], theirs[place]
        t.equal(len(a), 65, "words of " + place)
        differences = ["%02x: %s, there %s" % (4 * i, a[i], b[i]) for i in range(64) if a[i] != b[i]]
        t.equal(differences, [], "configuration space of %s (%s)" % (place, name))
        if name == "virtio-rng-pci":
            t.equal(a[64], b[64], "features of " + place)


gwttest.main()
