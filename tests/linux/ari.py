# SPDX-License-Identifier: BSD-2-Clause
"""A device of more than eight functions: the kernel finds them where the port forwards to them."""

import gwttest
import linuxdisk
import linuxguest

linuxguest.need_guest()
if not linuxdisk.has_plugin("pcie") or not linuxdisk.has_plugin("virtio-rng"):
    gwttest.skip_all("the plugin pcie or virtio-rng is not built")
if gwttest.SANITIZERS:
    gwttest.skip_all("the long boots are left to the build without sanitizers")

SYS = "/sys/bus/pci/devices/"
FUNCTIONS = (0, 1, 7, 8, 200)


def card(port, ari=True):
    """virtio-rng in each of FUNCTIONS behind PORT, from the last to the first."""
    options = []
    for function in reversed(FUNCTIONS if ari else FUNCTIONS[:3]):
        options += ["-device", "virtio-rng-pci,id=%s-%d,bus=%s,addr=0.%x%s%s" % (
            port, function, port, function, ",ari=on" if ari else "",
            "" if function else ",multifunction=on")]
    return options


def places(bus, functions=FUNCTIONS):
    return ["0000:%02x:%02x.%d" % (bus, f >> 3, f & 7) for f in functions]


def look(t, machine, devices, functions, enabled):
    """FUNCTIONS: those of virtio-rng; ENABLED: {a function: whether the kernel uses ARI there}"""
    vm = t.start(*linuxguest.arguments(harts=1, machine=machine), *devices, qmp=True)
    linuxguest.ready(vm)

    def out(command):
        return linuxguest.output(t, vm, command).strip()

    out("dmesg -n 1; drivers; insmod /lib/modules/virtio_rng.ko 2>/dev/null; true")
    t.equal(out("cd %s; grep -l 0x1044 */device; cd /" % SYS).replace("/device", "").split(),
            functions, "functions of virtio-rng")
    for place, wanted in enabled.items():
        t.equal(out("cat %s%s/ari_enabled" % (SYS, place)), "1" if wanted else "0",
                "ari_enabled of " + place)
    # Each one works, with its BARs and its interrupt.
    out("n=0; cd /sys/class/misc/hw_random; for r in $(cat rng_available); do [ $r = none ] || { "
        "echo $r >rng_current; [ $(cat rng_current) = $r ] && dd if=/dev/hwrng bs=256 count=4 "
        "iflag=fullblock 2>/dev/null >/tmp/$r && n=$((n + 1)); }; done; cd /; [ $n = %d ]"
        % len(functions))
    t.equal(out("cat /tmp/virtio_rng.* | wc -c"), str(1024 * len(functions)), "random bytes")
    linuxguest.power_off(t, vm)


def root_port(machine):
    def run(t):
        look(t, machine, ["-device", "pcie-root-port,id=rp,addr=1", *card("rp")], places(1),
             {place: True for place in places(1)})
    return run


for _machine in ("virt", "virt-aia"):
    gwttest.test("functions 0, 1, 7, 8 and 200 behind a root port, %s" % _machine)(
        root_port(_machine))


@gwttest.test("the same behind a switch; beside it a device of three functions without ARI")
def switch(t):
    look(t, "virt",
         ["-device", "pcie-root-port,id=rp,addr=1", "-device", "x3130-upstream,id=us,bus=rp",
          "-device", "xio3130-downstream,id=d0,bus=us,addr=0,chassis=1,slot=1",
          "-device", "xio3130-downstream,id=d1,bus=us,addr=1,chassis=1,slot=2",
          *card("d0", ari=False), *card("d1")],
         places(3, FUNCTIONS[:3]) + places(4),
         {"0000:03:00.1": False, "0000:04:00.0": True, "0000:04:19.0": True})


@gwttest.test("pci=noari: the kernel keeps to functions 0 to 7, and reaches no others")
def without(t):
    vm = t.start(*linuxguest.arguments(harts=1, append="pci=noari"),
                 "-device", "pcie-root-port,id=rp,addr=1", *card("rp"), qmp=True)
    linuxguest.ready(vm)
    out = linuxguest.output(t, vm, "cd %s; echo 0000:01*; cd /" % SYS).split()
    t.equal(out, places(1, FUNCTIONS[:3]), "functions behind the port")
    linuxguest.power_off(t, vm)


gwttest.main()
