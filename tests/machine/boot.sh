# SPDX-License-Identifier: BSD-2-Clause
# Firmware, kernel and initrd: where they go, what the first hart finds in its registers, what
# happens at reset, which exit status comes of it; and files that are no good.
. "${abs_top_srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$tmp" || exit 99
g="$godwit -M virt -serial null"

# word HEX...: little-endian 32-bit words.
word () { local w; for w; do printf "\\x${w:6:2}\\x${w:4:2}\\x${w:2:2}\\x${w:0:2}"; done; }
# lui t0,0x100; lui t1,HI; addi t1,t1,LO; sw t1,(t0): write to the test finisher; then wait.
finish () { word 001002b7 "$1" "$2" 0062a023 0000006f; }
finish 00005337 55530313 >off.bin     # 0x5555: power off
finish 00073337 33330313 >fail.bin    # 0x73333: fail with 7
finish 00008337 77730313 >reset.bin   # 0x8777: neither
word 001002b7 00007337 77730313 0062a023 0000006f >reset.bin # 0x7777: reset

runs ()
{
  local want=$1 name=$2
  shift 2
  timeout 60 $g "$@" >out 2>err </dev/null
  equal "$name" "$? $(cat err)" "$want "
}
runs 0 "power-off ends with 0" -bios none -kernel off.bin
runs 7 "the finisher's code is the exit status" -bios none -kernel fail.bin
runs 0 "-no-reboot ends at a reset" -bios none -kernel reset.bin -no-reboot
runs 0 "firmware alone" -bios off.bin
runs 7 "firmware comes before the kernel" -bios fail.bin -kernel off.bin
runs 0 "two harts" -bios none -kernel off.bin -smp 2

bad () { expect_error 1 "$1" $g "${@:2}"; }
bad "godwit: -kernel: './none': cannot be read: No such file or directory" -kernel ./none
bad "godwit: -kernel: '/': is a directory; name a regular file" -kernel /
bad "godwit: -kernel: '/dev/null': is no regular file; name a regular file" -kernel /dev/null
bad "godwit: -bios: './none': cannot be read: No such file or directory" -bios ./none
bad "godwit: -initrd: './none': cannot be read: No such file or directory" \
  -kernel off.bin -initrd ./none
bad "godwit: -initrd: 'x': nothing uses it without a kernel; add -kernel" -initrd x
bad "godwit: -append: 'x': nothing uses it without a kernel; add -kernel" -append x
bad "godwit: -dtb: './none': cannot be read" -dtb ./none
: >empty
bad "godwit: -kernel: 'empty': the file is empty" -bios none -kernel empty
bad "godwit: -initrd: 'empty': the file is empty" -bios none -kernel off.bin -initrd empty
gzip -c off.bin >off.gz
bad "godwit: -kernel: 'off.gz': is compressed with gzip; unpack it with gunzip first" \
  -bios none -kernel off.gz
bad "godwit: -kernel: '/bin/sh': ELF file is for another processor" \
  -bios none -kernel "$(readlink -f /bin/sh | sed 's,.*,/bin/sh,')"
if [ "$(id -u)" = 0 ]; then
  skip "a kernel without read permission" "root reads everything"
else
  cp off.bin locked; chmod 0 locked
  bad "godwit: -kernel: 'locked': cannot be read: Permission denied" -bios none -kernel locked
fi
truncate -s 64M large
big="'large': 67108864 bytes"
bad "godwit: -kernel: $big at 0x80000000 do not fit RAM, which ends at 0x81ffffff; use a " \
  -bios none -m 32M -kernel large
bad "godwit: -bios: 'large': 67108864 bytes at 0x80000000 do not fit RAM" -m 32M -bios large
bad "to 0x83ffffff leaves no room for the device tree at 0x83e00000; use a larger -m" \
  -bios none -m 64M -kernel large
bad "godwit: -initrd: $big do not fit between the kernel's end at 0x80000014 and the device tree" \
  -bios none -m 64M -kernel off.bin -initrd large

if [ -z "$riscv_cc" ]; then
  skip "programs in assembly" "no riscv64-linux-gnu-gcc"
  done_testing
fi

# link NAME [ADDRESS]: NAME.S as NAME.elf and NAME.bin.
link ()
{
  # One segment that begins with the code; gp is not set up, so no relaxation to it.
  "$riscv_cc" -nostdlib -nostartfiles -static -Wl,--build-id=none,--no-relax,-n \
    -Wl,--no-warn-rwx-segments,-e,_start,-Ttext="${2:-0x80000000}" \
    -o "$1.elf" "$1.S" && "${riscv_cc%gcc}objcopy" -O binary "$1.elf" "$1.bin" \
    || not_ok "build $1"
}
# build NAME [ADDRESS]: the same with assembly from stdin, which may jump to "pass" (exit status 0)
# and, with a number in t1, to "fail".
build ()
{
  {
    echo '.globl _start'
    cat
    cat <<'EOF'
      .text
pass: li t1, 0x5555
      j 1f
fail: slli t1, t1, 16
      li t2, 0x3333
      or t1, t1, t2
1:    li t0, 0x100000
      sw t1, (t0)
      j .
EOF
  } >"$1.S"
  link "$@"
}
expect='.macro expect a, b, code
      li t1, \code
      li t3, \b
      bne \a, t3, fail
.endm'

build first <<EOF
$expect
      .equ next, 0x80300000
_start:
      csrr t4, mhartid
      bnez t4, park            # only hart 0 says how it went
      expect a0, 0, 2
      lwu t4, (a1)
      expect t4, 0xedfe0dd0, 3 # the tree's magic, big endian
      ld t4, 0(a2)
      expect t4, 0x4942534f, 4
      ld t4, 8(a2)
      expect t4, 2, 5          # version
      ld t4, 16(a2)
      expect t4, next, 6
      ld t4, 24(a2)
      expect t4, 1, 7          # S mode
      ld t4, 40(a2)
      expect t4, 0, 8          # boot hart
      j pass
park: wfi
      j park
EOF
# again NAME NEXT: the same, expecting another next stage.
again () { sed "s/next, 0x.*/next, $2/" first.S >"$1.S"; link "$1"; }
runs 6 "as firmware, raw: this next stage is not the right one" -bios first.bin -kernel off.bin
again regs 0x80200000
runs 0 "as firmware, ELF: registers, device tree, dynamic info" -bios regs.elf -kernel off.bin
runs 0 "the same on 4 harts" -bios regs.elf -kernel off.bin -smp 4
again none 0
runs 0 "as kernel with -bios none: nothing follows" -bios none -kernel none.elf
runs 0 "starts at the entry, not at the start of RAM" -bios none -kernel off.bin

build entry 0x80400000 <<EOF
      li t1, 9
      j fail
_start:
      j pass
EOF
runs 0 "an ELF's entry" -bios none -kernel entry.elf
head -c 100 entry.elf >cut.elf
bad "godwit: -kernel: 'cut.elf': ELF file is truncated: it ends inside its program headers" \
  -bios none -kernel cut.elf
bad "is not in RAM (0x80000000 to 0x803fffff); link it there, or use a larger -m" \
  -bios none -m 4M -kernel entry.elf
bad "overlaps -bios: 'off.bin' at 0x80000000 to 0x80000013; link it elsewhere, or use -bios none" \
  -bios off.bin -kernel none.elf

# RAM keeps its content over a reset, the images are loaded again.
build reload <<EOF
$expect
_start:
      li t5, 0x80100000
      ld t4, (t5)
      li t6, 42
      beq t4, t6, second
      la t4, word
      sd zero, (t4)
      la t4, bss
      li t1, 5
      ld t2, (t4)
      bnez t2, fail
      sd t5, (t4)
      sd t6, (t5)
      li t0, 0x100000
      li t1, 0x7777
      sw t1, (t0)
      j .
second:
      ld t4, word
      expect t4, 1234, 3
      ld t4, bss
      expect t4, 0, 4
      j pass
      .balign 8
word: .quad 1234
      .bss
      .balign 8
bss:  .quad 0
      .text
EOF
runs 0 "a reset loads the image again, clears its bss, and keeps the rest of RAM" \
  -bios none -kernel reload.elf

# What firmware asks fw_cfg for: the selector is big endian, items read as they are in memory.
build fwcfg <<EOF
$expect
_start:
      csrr t4, mhartid
      bnez t4, park
      li t0, 0x10100000
      li t1, 0x0300
      sh t1, 8(t0)
      ld t4, (t0)
      expect t4, 0x4000000, 2
      li t1, 0x0500
      sh t1, 8(t0)
      lhu t4, (t0)
      expect t4, 2, 3
      li t1, 0x0f00
      sh t1, 8(t0)
      lhu t4, (t0)
      expect t4, 2, 4
      li t1, 0x0200
      sh t1, 8(t0)
      ld t4, (t0)
      expect t4, 0x7766554433221100, 5
      ld t4, (t0)
      expect t4, 0xffeeddccbbaa9988, 6
      j pass
park: wfi
      j park
EOF
runs 0 "fw_cfg: RAM, CPUs, UUID" -bios none -kernel fwcfg.elf -m 64M -smp 2 \
  -uuid 00112233-4455-6677-8899-aabbccddeeff

# From flash: the kernel is fetched through fw_cfg.
build flash 0x20000000 <<EOF
$expect
_start:
      li t0, 0x10100000
      li t1, 0x0800
      sh t1, 8(t0)
      lwu t4, (t0)
      expect t4, 20, 2
      li t1, 0x1100
      sh t1, 8(t0)
      lwu t4, (t0)
      expect t4, 0x001002b7, 3
      li t1, 0x1400
      sh t1, 8(t0)
      lwu t4, (t0)
      expect t4, 4, 4
      li t1, 0x1500
      sh t1, 8(t0)
      lwu t4, (t0)
      expect t4, 0x00636261, 5
      j pass
EOF
truncate -s 32M flash.bin
runs 0 "flash with an image is started from; kernel and command line are in fw_cfg" \
  -global cfi-flash.image=flash.bin -kernel off.bin -append abc

# A Linux Image goes where its header says, and no lower than firmware allows.
image () # TEXT_OFFSET SIZE, as printf escapes
{
  {
    word 0400006f 00000013 # j .+64
    printf "$1"
    printf "$2"
    head -c 32 /dev/zero
    printf 'RSC\005'
    word 00000000
    finish 00005337 55530313
  } >Image
}
image '\x00\x00\x40\x00\x00\x00\x00\x00' '\x00\x00\x10\x00\x00\x00\x00\x00'
runs 0 "an Image runs" -bios none -kernel Image
again r3 0x80400000
runs 0 "an Image's text offset" -bios r3.elf -kernel Image
image '\x00\x00\x00\x00\x00\x00\x00\x00' '\x00\x00\x10\x00\x00\x00\x00\x00'
runs 0 "an Image that would lie on the firmware moves up" -bios regs.elf -kernel Image
image '\x00\x00\x00\x00\x00\x00\x00\x00' '\x00\x00\x10\x00\x00\x00\x00\x10'
bad "godwit: -kernel: 'Image': 1152921504607895552 bytes at 0x80000000 do not fit RAM" \
  -bios none -kernel Image
done_testing
