# SPDX-License-Identifier: BSD-2-Clause
# Devices that the user adds: where the board puts their registers and interrupt lines.
. "${abs_top_srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$tmp" || exit 99
cc=${CC:-cc}
[ "${GODWIT_SANITIZERS:-no}" = no ] || cc="$cc -fsanitize=address,undefined"
for n in 1 2; do
  # With a node in the device tree, so that there is one to look for.
  sed "s/\.flags = GWT_TYPE_USER,/.flags = GWT_TYPE_USER, .fdt_name = \"thing\",/" \
    "$srcdir/examples/example$n/example$n.c" >example$n.c
  check "compile example$n" $cc -std=gnu11 -O1 -fPIC -shared -fvisibility=hidden \
    -I"$srcdir/include" -Wl,-Bsymbolic -o example$n.so example$n.c
done
g="$godwit -plugin $tmp/example1.so -plugin $tmp/example2.so -M virt -serial null -bios none"

map ()
{
  $g -S -v -dumpdtb out.dtb "$@" 2>&1 \
    | sed -n 's/^godwit:   *\(0.*mmio .*\) of \(.*\)/\1 \2/p'
}
out=$(map -device example2,id=a -device example2,id=b -device example1,id=c)
contains "the first is at the start of the platform range" "$out" \
  "0000000004000000-0000000004000fff mmio example2 a"
contains "the second follows" "$out" "0000000004001000-0000000004001fff mmio example2 b"
contains "another type follows" "$out" "0000000004002000-"
for at in 4000000 4001000 4002000; do
  contains "a node at $at" "$(tr -d '\0' <out.dtb)" "thing@$at"
done
out=$(map -device example2,id=a,at=0x10200000 -device example2,id=b)
contains "at=ADDRESS" "$out" "0000000010200000-0000000010200fff mmio example2 a"
contains "takes no room from the others" "$out" "0000000004000000-0000000004000fff mmio example2 b"
out=$(map -device '{"driver": "example2", "id": "j", "at": "0x10200000", "frequency": 5}')
contains "the same as JSON" "$out" "0000000010200000-0000000010200fff mmio example2 j"
check "-global reaches it" $g -S -dumpdtb out.dtb -device example2 -global example2.frequency=7

bad () { expect_error 1 "$1" $g -S -dumpdtb no.dtb "${@:2}"; }
bad "godwit: -device: 'a': region 'example2 of a' at 0x10000000 to 0x10000fff overlaps region" \
  -device example2,id=a,at=0x10000000
bad "overlaps region 'virtio-mmio of virtio-mmio0' at 0x10001000" \
  -device example2,id=a,at=0x10001000
rng=(-device virtio-rng-device)
bad "godwit: -device: device 'virtio-rng-device8': all 8 virtio-mmio slots are taken; use fewer" \
  "${rng[@]}" "${rng[@]}" "${rng[@]}" "${rng[@]}" "${rng[@]}" "${rng[@]}" "${rng[@]}" "${rng[@]}" \
  "${rng[@]}"
bad "device 'b': slot 'virtio-mmio3' is taken by 'a'; choose another, or leave out bus" \
  "${rng[@]},id=a,bus=virtio-mmio3" "${rng[@]},id=b,bus=virtio-mmio3"
bad "property 'bus': device 'uart0' of type 'ns16550' does not offer interface" "${rng[@]},bus=uart0"
bad "overlaps region 'pcie-ecam of pcie0' at 0x30000000" -device example2,id=a,at=0x30000000
bad "godwit: -device: 'a': at: 'here' is not a number" -device example2,id=a,at=here
bad "go beyond the end of the address space" -device example2,id=a,at=0xfffffffffffff800
bad "godwit: -device: 'a': device 'plic0' has no interrupt input 'irq' 99" \
  -device example2,id=a,irq=99
bad "godwit: -device: 'a': irq: 0 is no interrupt line; use 1 or more, or leave it out" \
  -device example2,id=a,irq=0
check "the lowest line" $g -S -dumpdtb out.dtb -device example2,irq=1
bad "godwit: -device: 'a': irq: 99999999999 is too large" -device example2,id=a,irq=99999999999
bad "device id 'uart0' is taken" -device example2,id=uart0
bad "godwit: -device: device 'example20': property 'frequency'" -device example2,frequency=0
bad "type 'example2' has no property 'frequenzy'; did you mean 'frequency'" \
  -device example2,frequenzy=1
check "32 interrupt lines" $g -S -dumpdtb out.dtb $(printf -- '-device example2 %.0s' {1..32})
bad "no interrupt line is left of the board's 32; use fewer devices, or irq=LINE" \
  $(printf -- '-device example2 %.0s' {1..33})
sed 's/"size": "0x2000000"/"size": "0x2800"/' "$srcdir/machines/virt.json" >small.json
expect_error 1 "region 'example2' with 0x1000 bytes does not fit the rest of the board's platform" \
  "$godwit" -plugin example2.so -M ./small.json -bios none -S -device example2,id=a \
  -device example2,id=b -device example2,id=c
sed 's/"least": 1/"least": 65/' "$srcdir/machines/virt.json" >least.json
expect_error 1 "least is above first; use 64, or a smaller number" \
  "$godwit" -plugin example2.so -M ./least.json -bios none -S
sed '/"platform": {/,/^  },/d' "$srcdir/machines/virt.json" >none.json
expect_error 1 "godwit: -device: 'example2': board 'virt' has no room for devices" \
  "$godwit" -plugin example2.so -M ./none.json -bios none -S -device example2

if [ -z "$riscv_cc" ]; then
  skip "the guest reaches it" "no riscv64-linux-gnu-gcc"
  done_testing
fi
# The timer runs down at once; its line arrives at PLIC source 64 (pending word 2, bit 0).
cat >guest.S <<'EOF'
.globl _start
_start:
      li t0, 0x4000000
      li t1, 1
      sw t1, 8(t0)        # raise the line when done
      sw t1, 0(t0)        # count one tick
      li t2, 0xc001008    # pending, sources 64 to 95
1:    lw t3, (t2)
      andi t3, t3, 1
      beqz t3, 1b
      li t0, 0x100000
      li t1, 0x5555
      sw t1, (t0)
      j .
EOF
"$riscv_cc" -nostdlib -static -Wl,--build-id=none,-n,-e,_start,-Ttext=0x80000000 \
  -o guest.elf guest.S
check "the guest reaches its registers, its line reaches the PLIC" timeout 60 $g -kernel guest.elf \
  -device example2
done_testing
