# SPDX-License-Identifier: BSD-2-Clause
# The board's flash banks with files behind them: -pflash, -drive if=pflash, cfi-flash.drive. What the guest
# programs is in the file, whatever becomes of the process then.
. "${abs_top_srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$tmp" || exit 99
g="$godwit -M virt -display none"

truncate -s 32M zero.bin
truncate -s 32M one.bin
truncate -s 1M small.bin
printf 'boot me' | dd of=one.bin bs=1 seek=64 conv=notrunc status=none
bad () { expect_error 1 "$1" $g -serial null -bios none -S "${@:2}"; }
bad "device 'flash0': drive: it has 1048576 bytes, the bank 33554432; bring the file to size with" \
  -pflash small.bin
bad "device 'flash0': drive and image both say what is in the bank; give one of them" \
  -pflash zero.bin -global cfi-flash.image=one.bin
bad "godwit: -drive: 'pflash2': machine 'virt-1.0' has no flash unit 2; it has 2, from unit 0" \
  -drive if=pflash,file=zero.bin,unit=2,format=raw
bad "godwit: -drive: unit 16 is out of range; use 0 to 15" -drive if=pflash,file=zero.bin,unit=16
bad "godwit: -drive: 'b': flash unit 1 is 'a' already; use another unit" \
  -drive if=pflash,file=zero.bin,unit=1,id=a -drive if=pflash,file=one.bin,index=1,id=b
bad "godwit: -drive: unit and index are one; give one of them" \
  -drive if=pflash,file=zero.bin,unit=1,index=1
bad "godwit: -drive: unit means nothing without if=pflash; leave it out" -drive file=zero.bin,unit=1
bad "godwit: -drive: werror: a flash bank tells the guest of errors; leave it out" \
  -drive if=pflash,file=zero.bin,werror=stop
bad "driver 'raw' has no option 'cach'; leave it out" -drive if=pflash,file=zero.bin,cach=none
bad "No such file or directory" -pflash none.bin
bad "'d' is used by 'flash0'" -blockdev driver=file,node-name=d,filename=zero.bin \
  -global cfi-flash.drive=d
equal "refused command lines leave the files alone" "$(cksum <zero.bin)" \
  "$(head -c 32M /dev/zero | cksum)"

if [ -z "$riscv_cc" ]; then
  skip "programs in assembly" "no riscv64-linux-gnu-gcc"
  done_testing
fi

# flash.elf BASE STATUS_ERASE STATUS_PROGRAM HOW: erases the second block of the bank at BASE, programs a word
# there and a buffer of two at the end of the bank, and wants these statuses; then HOW ends it.
flash ()
{
  cat >"$1.S" <<END
.macro cmd reg, value
      li t1, \value
      sw t1, (\reg)
.endm
.macro status value, code
      cmd s0, 0x00700070
      lwu t2, (s0)
      li t3, \value
      li a0, \code
      bne t2, t3, fail
      cmd s0, 0x00500050
.endm
.globl _start
_start:
      li s0, $2
      li s1, $2 + 0x40000
      li s2, $2 + 0x1fffff8
      cmd s1, 0x00200020
      cmd s1, 0x00d000d0
      status $3, 1
      cmd s1, 0x00400040
      cmd s1, 0x12345678
      status $4, 2
      cmd s2, 0x00e800e8
      cmd s2, 0x00010001
      cmd s2, 0x9abcdef0
      li t1, 0x0fedcba9
      sw t1, 4(s2)
      cmd s2, 0x00d000d0
      status $4, 3
      cmd s0, 0x00ff00ff
      $5
pass: li t0, 0x100000
      li t1, 0x5555
      sw t1, (t0)
      j .
fail: slli a0, a0, 16
      li t1, 0x3333
      or t1, t1, a0
      li t0, 0x100000
      sw t1, (t0)
      j .
END
  "$riscv_cc" -nostdlib -nostartfiles -static -Wl,--build-id=none,--no-relax,-n \
    -Wl,--no-warn-rwx-segments,-e,_start,-Ttext=0x80000000 -o "$1.elf" "$1.S"
}
bytes () { od -An -tx4 -j "$2" -N "$3" "$1" | tr -d '\n'; }
check "assemble" flash write 0x22000000 0x00800080 0x00800080 ""
check "assemble" flash again 0x22000000 0x00800080 0x00800080 \
  "lwu t2, 4(s1); li t3, 0xffffffff; li a0, 4; bne t2, t3, fail"
check "assemble" flash read 0x22000000 0x00a000a0 0x00900090 \
  "lwu t2, (s1); li t3, 0x12345678; li a0, 4; bne t2, t3, fail"
check "assemble" flash hang 0x22000000 0x00800080 0x00800080 "lui t0, 0x10000; li t1, 'x'; sb t1, (t0); j ."

runs ()
{
  timeout 60 $g -serial null "${@:2}" >out 2>err </dev/null
  equal "$1" "$? $(cat err)" "0 "
}
head -c 32M /dev/urandom >flash1.bin
cp flash1.bin before.bin
chmod u+w flash1.bin
runs "a bank is erased and programmed" -bios write.elf -drive if=pflash,unit=1,format=raw,file=flash1.bin
equal "the word" "$(bytes flash1.bin 0x40000 12)" " 12345678 ffffffff ffffffff"
equal "the end of the block" "$(bytes flash1.bin 0x7fffc 4)" " ffffffff"
equal "before and behind it nothing has changed" "$(head -c 256K flash1.bin | cksum) $(tail -c +512K flash1.bin |
  tail -c +2 | head -c 31M | cksum)" "$(head -c 256K before.bin | cksum) $(tail -c +512K before.bin | tail -c +2 |
  head -c 31M | cksum)"
runs "and is so the next time" -bios again.elf -drive if=pflash,unit=1,format=raw,file=flash1.bin
cp flash1.bin ro.bin
runs "read-only: the guest is told" -bios read.elf \
  -drive if=pflash,unit=1,format=raw,file=ro.bin,readonly=on
check "read-only: the file is as it was" cmp ro.bin flash1.bin
runs "both banks, the free one without a unit, and a disk" -bios again.elf \
  -drive if=pflash,unit=1,format=raw,file=flash1.bin -pflash zero.bin \
  -drive if=none,id=g,file=one.bin,format=raw,readonly=on -device virtio-blk-device,drive=g

# Killed without warning: what the guest was told is done is in the file.
truncate -s 32M flash0.bin
mkfifo serial.in serial.out
$g -bios hang.elf -drive if=pflash,unit=1,format=raw,file=flash0.bin -serial pipe:serial \
  >out 2>&1 </dev/null &
pid=$!
equal "the guest has come so far" "$(timeout 60 head -c 1 serial.out)" x
kill -KILL $pid
wait $pid 2>/dev/null
equal "killed: the file has it" "$(bytes flash0.bin 0x40000 8)" " 12345678 ffffffff"
done_testing
