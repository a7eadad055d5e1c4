# SPDX-License-Identifier: BSD-2-Clause
# -device of PCI functions on the command line: what users get wrong, and what a board's at= may say.
. "${abs_top_srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$tmp" || exit 99
probe=$builddir/tests/pcie/pci-probe.so
[ -f "$probe" ] || skip_all "the plugin pcie is not built"
g="$godwit -plugin $probe -M virt -bios none -S -dumpdtb"

bad () { expect_error 1 "godwit: $1" $g no.dtb "${@:2}"; }
bad "-device: device 'p': bus: there is no bus 'rp9'; use 'pcie.0', or make the port first" \
  -device pci-probe,id=p,bus=rp9
# Ports are made in the order of the options.
bad "-device: device 'p': bus: there is no bus 'rp'" \
  -device pci-probe,id=p,bus=rp -device pcie-root-port,id=rp
bad "-device: device 'p': addr: '0' of bus 'pcie.0' is taken by 'pcie0-root'" \
  -device pci-probe,id=p,addr=0
bad "-device: device 'q': bus: the only slot of port 'rp' is taken; add a pcie-root-port" \
  -device pcie-root-port,id=rp -device pci-probe,id=p,bus=rp -device pci-probe,id=q,bus=rp
bad "-device: device 'p': addr: '40' is no place on a bus; use SLOT or SLOT.FUNCTION" \
  -device pci-probe,id=p,addr=40
bad "-device: device 'pci-probe31': bus: all 32 slots of bus 'pcie.0' are taken" \
  $(printf -- '-device pci-probe %.0s' {1..32})
bad "-device: device 'p': 4000 MSI-X vectors are out of range; use 1 to 2048" \
  -device pci-probe,id=p,vectors=4000
# A function is no device of the platform.
bad "-device: 'p': at: the device has no region that a board places; leave it out" \
  -device pci-probe,id=p,at=0x5000000
bad "-device: 'p': irq: the device has no interrupt line; leave it out" \
  -device pci-probe,id=p,irq=64
for type in pcie-host pcie-host-bridge pci-device; do
  bad "-device: '$type': only a board can have devices of this type" -device $type
done
bad "-global pcie-root-port.x-pcie-err-unc-mask=off: no device of this machine is of type" \
  -global pcie-root-port.x-pcie-err-unc-mask=off
check "nothing was made" test ! -e no.dtb
check "-global on the parent reaches all functions" $g a.dtb -device pcie-root-port \
  -global pci-device.x-pcie-err-unc-mask=off
check "platform devices and PCI functions side by side" $g a.dtb \
  -device pcie-root-port,id=rp -device pci-probe,bus=rp -device '{"driver": "pci-probe", "addr": "2"}'

# A board without the host bridge, and one that places a window where it cannot be.
python3=${PYTHON3:-python3}
board ()
{
  "$python3" -c '
import json, sys
board = json.load(open(sys.argv[1]))
pcie = [d for d in board["devices"] if d["id"] == "pcie0"][0]
exec(sys.argv[2])
json.dump(board, open("board.json", "w"))' "$srcdir/machines/virt.json" "$1"
}
on_board () { expect_error 1 "$1" $godwit -plugin "$probe" -M ./board.json -bios none -S "${@:2}"; }
board 'board["devices"] = [d for d in board["devices"] if not d["id"].startswith("pcie0")]'
on_board "godwit: -device: device 'p': the machine has no PCI bus; use one with a 'pcie-host'" \
  -device pci-probe,id=p
board 'pcie["at"][3] = {"above-ram": "3G"}'
on_board "0xc0000000 is no alignment; use a power of two, at least 4K"
board 'pcie["at"][3] = {"above-ram": "0x8000000000000000"}'
check "the highest place" $godwit -M ./board.json -bios none -S -dumpdtb a.dtb
board 'pcie["at"][3] = {"above": "4K"}'
on_board "did you mean 'above-ram'"
board 'pcie["at"].append("0x1000")'
on_board "device 'pcie0' has only 4 regions; shorten 'at'"
board 'board["devices"].append(dict(pcie, id="pcie1"))'
on_board "there is a bus 'pcie.0' already; choose another name"
done_testing
