#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Each fuzz target on its fixed corpus: seeds, prefixes, and mutations from a fixed start.  For an open
# end there is tests/fuzz/run-libfuzzer.
. "${abs_top_srcdir:-$(dirname "$0")/../..}/tests/lib.sh"

need python3
corpus=$srcdir/tests/fuzz/corpus
mkdir "$tmp/seeds"
python3 -B "$srcdir/tests/fuzz/seeds.py" "$tmp/seeds" || { echo "Bail out! no seeds"; exit 99; }
rounds=${FUZZ_ROUNDS:-4000}

# The input that broke it, as the driver kept it.
input ()
{
  local size
  size=$(od -An -tu8 -N8 "$tmp/input" | tr -d ' ')
  tail -c +9 "$tmp/input" | head -c "$size" | base64 -w 0 | cut -c1-4000
}

# target NAME SEED...
target ()
{
  local name=$1 program=$builddir/tests/fuzz/fuzz-$1 out status=0
  shift
  if [ ! -x "$program" ]; then
    skip "fuzz-$name" "not built"
    return
  fi
  out=$("$program" --rounds "$rounds" --keep "$tmp/input" "$@" 2>"$tmp/err") || status=$?
  if [ $status -eq 0 ]; then
    ok "fuzz-$name: $(sed -n 's/^ok [0-9]* - //p' <<<"$out" | tr '\n' ';')"
  else
    not_ok "fuzz-$name" "status $status; $(tail -n 25 "$tmp/err"); input, base64: $(input)"
  fi
}

target json "$srcdir"/machines/*.json "$srcdir"/compat/*.json "$corpus"/json/*
target spec "$corpus"/spec/*
target block "$corpus"/block/*
target migrate "$corpus"/migrate/*
target manifest "$corpus"/manifest/*
target preflight "$corpus"/preflight/*
target verdict "$corpus"/verdict/*
target schema "$corpus"/schema/*
target qmp "$corpus"/qmp/*
target image "$tmp"/seeds/image-*
target vmstate "$tmp"/seeds/vmstate-*
target stream "$tmp"/seeds/stream-*
target ram "$tmp"/seeds/ram-*
# A machine's whole state each time: fewer of them.
rounds=$((rounds / 4)) target incoming "$tmp"/seeds/incoming-*
target mmio "$tmp"/seeds/mmio-*
target aia "$tmp"/seeds/aia-*
target netdev "$tmp"/seeds/netdev-*
target virtio "$tmp"/seeds/virtio-*
if [ -f "$builddir/plugins/virtio-console.so" ]; then
  target virtio-console "$tmp"/seeds/vserial-*
else
  skip fuzz-virtio-console "the plugin virtio-console was not built"
fi
if [ -f "$builddir/plugins/virtio-net.so" ] && [ -f "$builddir/plugins/virtio.so" ]; then
  target virtio-net "$tmp"/seeds/net-*
else
  skip fuzz-virtio-net "the plugin virtio or virtio-net was not built"
fi
if [ -f "$builddir/plugins/virtio-blk.so" ] && [ -f "$builddir/plugins/virtio.so" ]; then
  target virtio-blk "$tmp"/seeds/vblk-*
else
  skip fuzz-virtio-blk "the plugin virtio or virtio-blk was not built"
fi
harts=yes
for plugin in rv64-cpu aclint sifive-plic riscv-aplic riscv-imsic; do
  [ -f "$builddir/plugins/$plugin.so" ] || harts="the plugin $plugin was not built"
done
if [ "$harts" = yes ]; then
  target hart-state "$tmp"/seeds/hart-state-*
else
  skip fuzz-hart-state "$harts"
fi
if [ -f "$builddir/plugins/pcie.so" ] && [ -f "$builddir/plugins/virtio.so" ]; then
  target virtio-state "$tmp"/seeds/vstate-*
else
  skip fuzz-virtio-state "the plugin pcie or virtio was not built"
fi
if [ -f "$builddir/plugins/pcie.so" ]; then
  target pcie "$tmp"/seeds/pcie-*
  target hotplug "$tmp"/seeds/hotplug-*
  target pci-state "$tmp"/seeds/pci-state-*
else
  skip fuzz-pcie "the plugin pcie was not built"
  skip fuzz-hotplug "the plugin pcie was not built"
  skip fuzz-pci-state "the plugin pcie was not built"
fi
if [ -f "$builddir/plugins/pcie.so" ] && [ -f "$builddir/plugins/virtio.so" ]; then
  target virtio-pci "$tmp"/seeds/vpci-*
else
  skip fuzz-virtio-pci "the plugin pcie or virtio was not built"
fi
plugins=("$builddir"/plugins/sifive-test.so)
if [ -f "${plugins[0]}" ]; then
  strip -o "$tmp/seeds/plugin.so" "${plugins[0]}" 2>/dev/null || cp "${plugins[0]}" "$tmp/seeds/plugin.so"
  target note "$tmp/seeds/plugin.so" "$tmp"/seeds/image-elf
else
  skip fuzz-note "no plugin was built to start from"
fi
done_testing
