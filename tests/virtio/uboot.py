# SPDX-License-Identifier: BSD-2-Clause
"""U-Boot's virtio drivers, which share nothing with Linux's: they poll, and know neither MSI-X nor
event indices.  A disk is read and written, and a lease and an echo come over the network."""

import os
import subprocess
import zlib

import gwttest

UBOOT = "/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin"
FIRMWARE = "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin"
PROMPT = "^=> "
SIZE = 3 << 20

for path, package in ((UBOOT, "u-boot-qemu"), (FIRMWARE, "opensbi")):
    if not os.path.exists(path):
        gwttest.skip_all("no %s; install %s" % (path, package))
for plugin in ("virtio-blk", "virtio-net"):
    if not os.path.exists(os.path.join(gwttest.BUILDDIR, "plugins", plugin + ".so")):
        gwttest.skip_all("the plugin %s was not built" % plugin)


def command(t, vm, text, wanted):
    vm.send(text + "\n")
    vm.expect(wanted)
    vm.expect(PROMPT)


def workout(t, *devices, scan=()):
    data = os.urandom(SIZE)
    os.mkdir(t.path("files"))
    with open(t.path("files", "data"), "wb") as f:
        f.write(data)
    image = t.path("disk.img")
    with open(image, "wb") as f:
        f.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-d", t.path("files"), image, "8M"], check=True)
    args = ["-drive", "if=none,id=d,format=raw,file=" + image, "-netdev", "user,id=n"]
    for device in devices:
        args += ["-device", device]
    vm = t.start("-M", "virt", "-m", "256M", "-bios", FIRMWARE, "-kernel", UBOOT, "-nographic", *args)
    vm.expect("autoboot:")
    vm.send("\n")
    vm.expect(PROMPT)
    for text in scan:
        command(t, vm, text, "")
    command(t, vm, "virtio scan", "")
    command(t, vm, "virtio info", "Capacity: 16.0 MB")
    command(t, vm, "ext4load virtio 0:0 84000000 /data", "%d bytes read" % SIZE)
    command(t, vm, "crc32 84000000 %x" % SIZE, "==> %08x" % zlib.crc32(data))
    # Behind the file system.
    command(t, vm, "virtio write 84000000 5000 800", "2048 blocks written: OK")
    command(t, vm, "dhcp", "DHCP client bound to address 10.0.2.15")
    command(t, vm, "ping 10.0.2.2", "host 10.0.2.2 is alive")
    vm.send("poweroff\n")
    t.equal(vm.wait(), 0, "exit status after power-off")
    with open(image, "rb") as f:
        f.seek(0x5000 * 512)
        t.ok(f.read(1 << 20) == data[:1 << 20], "what was written is not on the disk")


@gwttest.test("functions on the root bus")
def pci(t):
    workout(t, "virtio-blk-pci,drive=d", "virtio-net-pci,netdev=n", scan=["pci enum"])


@gwttest.test("functions behind ports, packed queues offered")
def ports(t):
    workout(t, "pcie-root-port,id=a,slot=1", "pcie-root-port,id=b,slot=2",
            "virtio-blk-pci,drive=d,bus=a,packed=on", "virtio-net-pci,netdev=n,bus=b,packed=on",
            scan=["pci enum"])


@gwttest.test("virtio-mmio slots")
def mmio(t):
    workout(t, "virtio-blk-device,drive=d", "virtio-net-device,netdev=n")


gwttest.main()
