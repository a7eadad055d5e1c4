#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Builds and runs the bare-metal suite: one TAP line a program of tests/bare/list.
#
#   run-bare.sh [NAME...]      on the emulator of this build tree
#   QEMU=1 run-bare.sh ...     on qemu-system-riscv64, the judge of the tests themselves
#   BARE_SET=cpu/ run-bare.sh  only the names that begin so
#   run-bare.sh --build DIR NAME...   only build: NAME's last part.elf in DIR; 77 without a compiler
#
# A program tells its verdict through the test finisher (the exit status: number of the first check
# that failed) and on the console.  Must not know how any single program works.
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
top=${abs_top_builddir:-$(pwd)}
CC=${RISCV_CC:-riscv64-linux-gnu-gcc}
[ "$CC" != no ] || CC=riscv64-linux-gnu-gcc
EMULATOR=${GODWIT:-$top/godwit}
QEMU=${QEMU:-}
# The hypervisor extension, which this project's hart lacks, changes what mstatus and mtval2 read.
QEMU_CMD="qemu-system-riscv64 -cpu rv64,h=off,svinval=on,pmp=on"

build_to=
if [ "${1:-}" = --build ]; then
  build_to=$2
  shift 2
fi
skip_all ()
{
  [ -z "$build_to" ] || { echo "$1"; exit 77; }
  echo "1..0 # SKIP $1"
  exit 0
}
command -v "$CC" >/dev/null 2>&1 || skip_all "no RISC-V compiler ($CC not found)"
command -v python3 >/dev/null 2>&1 || skip_all "no python3 to make the tables"
if [ -n "$build_to" ]; then
  :
elif [ -n "$QEMU" ]; then
  command -v qemu-system-riscv64 >/dev/null 2>&1 || skip_all "qemu-system-riscv64 not found"
else
  [ -x "$EMULATOR" ] || skip_all "no emulator at $EMULATOR"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/bare.XXXXXX")
trap 'rm -rf "$work"' EXIT
flags="-O2 -g -std=gnu11 -Wall -Wextra -Wno-unused-parameter -ffreestanding -fno-stack-protector
  -fno-pie -fno-strict-aliasing -fno-tree-loop-distribute-patterns -mcmodel=medany
  -march=rv64imac_zicsr_zifencei -mabi=lp64 -I$here/lib -I$work"
[ -z "$QEMU" ] || flags="$flags -DON_QEMU72=1"
ldflags="-nostdlib -static -no-pie -Wl,--no-relax -Wl,--build-id=none -Wl,--no-warn-rwx-segments
  -Wl,-T,$here/lib/bare.ld"

# Value of KEY in the options of the line $1, or the default $3.
option () {
  local word
  for word in $1; do
    case $word in "$2="*) echo "${word#*=}"; return;; esac
  done
  echo "${3:-}"
}

# Build the program $1 as $2.elf, what the tools say in $3.
build () {
  local src=$here/$1.c
  if [ -f "$here/$1.py" ]; then
    python3 -B "$here/$1.py" >"$2.tab.S" 2>>"$3" || return
    src="$src $2.tab.S"
  fi
  [ ! -f "$here/$1-asm.S" ] || src="$src $here/$1-asm.S"
  # shellcheck disable=SC2086
  (cd "$here" && $CC $flags $ldflags -o "$2.elf" $work/crt0.o $work/bare.o $work/vm.o ${src//$here\//}) \
    >>"$3" 2>&1
}

# Build and run one program; leaves "ok", "skip REASON" or "not ok" in $work/N.verdict, the rest in
# $work/N.log.
one () {
  local n=$1 name=$2 opts=$3 base out status=0 want args limit began
  base=$work/$n
  out=$base.log
  case $opts in
    *qemu=skip:*) [ -z "$QEMU" ] || { echo "skip ${opts#*qemu=skip:}" >"$base.verdict"; return; };;
    *godwit=skip:*) [ -n "$QEMU" ] || { echo "skip ${opts#*godwit=skip:}" >"$base.verdict"; return; };;
  esac
  echo "not ok" >"$base.verdict"
  build "$name" "$base" "$out" || return
  began=$(($(date +%s%N) / 1000000))
  want=$(option "$opts" exit 0)
  limit=$(option "$opts" limit 60)
  args="-M ${QEMU:+virt}"
  [ -n "$QEMU" ] || args="-M $(option "$opts" machine virt)"
  args="$args -bios none -display none -monitor none -serial stdio -m 128M -smp $(option "$opts" smp 1)"
  args="$args $(option "$opts" args | tr '@' ' ')"
  args=${args//%dir%/$work/$n}
  case $args in *%flash%*)
    head -c 33554432 /dev/zero >"$base.flash"
    args=${args//%flash%/$base.flash};;
  esac
  if [ -n "$QEMU" ]; then
    # shellcheck disable=SC2086
    timeout -k 5 "$limit" $QEMU_CMD $args $(option "$opts" qemu-args | tr '@' ' ') \
      -kernel "$base.elf" </dev/null >>"$out" 2>&1 || status=$?
  else
    # shellcheck disable=SC2086
    timeout -k 5 "$limit" "$EMULATOR" $args -kernel "$base.elf" </dev/null >>"$out" 2>&1 || status=$?
  fi
  echo "exit status $status (wanted $want), $(($(date +%s%N) / 1000000 - began)) ms" >>"$out"
  if [ "$status" = "$want" ] && { [ "$want" != 0 ] || grep -aq "^PASS" "$out"; }; then
    echo ok >"$base.verdict"
  fi
  rm -f "$base.flash"
}

# shellcheck disable=SC2086
for part in crt0.S bare.c vm.c; do
  (cd "$here" && $CC $flags -c -o "$work/${part%.*}.o" "lib/$part") || exit 1
done

if [ -n "$build_to" ]; then
  for name in "$@"; do
    build "$name" "$build_to/${name##*/}" "$work/log" || { cat "$work/log"; exit 1; }
  done
  exit 0
fi

# ---- what to run ----
names=() options=()
while read -r name opts; do
  case $name in ''|'#'*) continue;; esac
  if [ $# -gt 0 ]; then
    case " $* " in *" $name "*) ;; *) continue;; esac
  fi
  case $name in "${BARE_SET:-}"*) ;; *) continue;; esac
  names+=("$name")
  options+=("$opts")
done <"$here/list"
if [ ${#names[@]} -eq 0 ]; then
  [ $# -gt 0 ] || skip_all "nothing listed under ${BARE_SET:-}"
  echo "Bail out! not in the list: $*"
  exit 99
fi
echo "1..${#names[@]}"

# As many at a time as there are processors; results come in the order of the list.
jobs_max=${BARE_JOBS:-$(nproc)}
failed=0 shown=0
report () {
  local n=$1 name=${names[$1]} verdict
  verdict=$(cat "$work/$n.verdict" 2>/dev/null || echo "not ok")
  case $verdict in
    ok) echo "ok $((n + 1)) - $name"
        [ -z "${V:-}" ] || sed 's/^/# /' "$work/$n.log";;
    skip*) echo "ok $((n + 1)) - $name # SKIP ${verdict#skip }";;
    *) echo "not ok $((n + 1)) - $name"
       failed=1
       tail -n 30 "$work/$n.log" 2>/dev/null | tr -cd "\11\12\40-\176" | cut -c1-400 | sed 's/^/# /';;
  esac
  rm -f "$work/$n.elf" "$work/$n.tab.S"
}
pids=()
for n in "${!names[@]}"; do
  while [ "$(jobs -rp | wc -l)" -ge "$jobs_max" ]; do wait -n; done
  one "$n" "${names[$n]}" "${options[$n]}" &
  pids[n]=$!
  while [ "$shown" -lt "$n" ] && ! kill -0 "${pids[$shown]}" 2>/dev/null; do
    report "$shown"
    shown=$((shown + 1))
  done
done
while [ "$shown" -lt ${#names[@]} ]; do
  wait "${pids[$shown]}" 2>/dev/null
  report "$shown"
  shown=$((shown + 1))
done
exit $failed
