# SPDX-License-Identifier: BSD-2-Clause
# Without one plugin, the machines that need it refuse by name, and the others run.
. "${abs_top_srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$tmp" || exit 99
# The program itself: the wrapper would add the folder with all plugins.
program=$builddir/core/godwit
GODWIT_MACHINE_PATH=$srcdir/machines GODWIT_COMPAT_PATH=$srcdir/compat
export GODWIT_MACHINE_PATH GODWIT_COMPAT_PATH
GODWIT_PLUGIN_PATH=$tmp/none "$program" -M virt -bios none -S -dumpdtb x 2>/dev/null \
  && skip_all "plugins are installed where this build looks for them"

# A board of the bare minimum: a CPU and a way to power off.
cat >least.json <<'EOF'
{ "godwit-board": 1, "name": "least", "doc": "CPU and finisher", "arch": "riscv64",
  "cpus": { "type": "rv64-cpu", "number": "hart-id", "models": [{ "name": "rv64", "doc": "all" }] },
  "ram": { "block": "ram", "base": "0x80000000", "default": "16M" },
  "roms": [{ "id": "mrom", "block": "rom", "base": "0x1000", "size": "0x1000" }],
  "devices": [{ "id": "test0", "type": "sifive-test", "at": ["0x100000"] }],
  "boot": { "protocol": "riscv-firmware-dynamic", "rom": "mrom" } }
EOF
# lui t0,0x100; lui t1,0x5; addi t1,t1,0x555; sw t1,(t0); j .
printf '\xb7\x02\x10\x00\x37\x53\x00\x00\x13\x03\x53\x55\x23\xa0\x62\x00\x6f\x00\x00\x00' >off.bin

n=0
for so in "$builddir"/plugins/*.so; do
  name=$(basename "$so" .so)
  type=$name
  case $name in pcie) type=pcie-host ;; virtio) type=virtio-mmio ;; esac
  rm -rf some; mkdir some
  for other in "$builddir"/plugins/*.so; do [ "$other" = "$so" ] || ln -s "$other" some/; done
  GODWIT_PLUGIN_PATH=$tmp/some
  export GODWIT_PLUGIN_PATH
  n=$((n + 1))
  if grep -q "\"type\": \"$type\"" "$srcdir/machines/virt.json"; then
    expect_error 1 "godwit: -M: machine 'virt-1.0' needs device type '$type': no plugin provides" \
      "$program" -M virt -serial null -bios none -kernel off.bin
  else
    check "virt does without $name" "$program" -M virt -serial null -bios none -kernel off.bin
  fi
  case $name in
  rv64-cpu | sifive-test)
    expect_error 1 "godwit: -M: machine 'least' needs device type '$name'" \
      "$program" -M ./least.json -bios none -kernel off.bin ;;
  *) check "a machine that does not need $name runs" \
      "$program" -M ./least.json -bios none -kernel off.bin ;;
  esac
  # Given by name it is there again.
  check "-plugin $name.so" "$program" -plugin "$so" -M virt -serial null -bios none -kernel off.bin
done
check "there are plugins" test $n -ge 9
GODWIT_PLUGIN_PATH=$tmp/none
expect_error 1 "searched '$tmp/none', " "$program" -M virt -bios none -kernel off.bin
check "-plugin-dir" \
  "$program" -plugin-dir "$builddir/plugins" -M virt -serial null -bios none -kernel off.bin
done_testing
