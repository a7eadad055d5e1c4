# SPDX-License-Identifier: BSD-2-Clause
# -netdev and -nic on the command line: what users get wrong, in one line, before anything is opened.
# What each kind of back end says about its options is in test-netdev.c.
. "${abs_top_srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$tmp" || exit 99
[ -f "$builddir/plugins/virtio-net.so" ] || skip_all "the plugin virtio-net is not built"
g="$godwit -M virt -bios none -S -nographic"
pair="-netdev stream,id=n0,server=on,addr.type=unix,addr.path=wire"

bad () { expect_error 1 "godwit: $1" $g "${@:2}"; }
bad "-netdev: 'usr' is no network back end; use one of " -netdev usr,id=n0
bad "-netdev: 'stream' has no id; add id=NAME" -netdev stream
bad "-netdev: id 'n0' is taken; use another one" $pair $pair
bad "-netdev: 'n0': nothing uses it; add a -device with netdev=n0, or leave it out" $pair
bad "-device: device 'virtio-net-device0': property 'netdev': there is no network back end 'n1'; \
add one with '-netdev TYPE,id=n1'" $pair -device virtio-net-device,netdev=n1
bad "-device: device 'b': network back end 'n0' is used by 'a'; give each device its own" $pair \
  -device virtio-net-device,id=a,netdev=n0 -device virtio-net-device,id=b,netdev=n0
bad "-netdev: 'n0': cannot " -netdev stream,id=n0,addr.type=unix,addr.path=nobody \
  -device virtio-net-device,netdev=n0
bad "-net: 'user': not in this release: there are no hubs: give a device its back end, as in \
'-netdev user,id=n0 -device virtio-net-pci,netdev=n0'" -net user

bad "-nic: 'stream': no device is said; add model=, such as model=virtio-net-pci" -nic stream
bad "-nic: 'stream,model=a,model=b': 'model=b' is said twice; say it once" \
  -nic stream,model=a,model=b
bad "-device: no plugin provides device type 'virtio-net-pc'" -nic stream,model=virtio-net-pc
bad "-netdev: 'nic0': no address; add addr.type=unix" -nic stream,model=virtio-net-device
bad "-device: device 'virtio-net-device0': mac 'x' is no address of a device" \
  -nic stream,model=virtio-net-device,mac=x,addr.type=unix,addr.path=wire,server=on
check_not "nothing was opened" test -e wire

# What -nic stands for, with commas in a value.
$g -dumpdtb x.dtb -v \
  -nic stream,model=virtio-net-device,mac=52:54:00:00:00:09,id=c,addr.type=unix,addr.path=a,,b,server=on \
  2>err
contains "-nic becomes -netdev and -device" "$(cat err)" "stands for -netdev stream,addr.type=unix,\
addr.path=a,,b,server=on,id=c -device virtio-net-device,netdev=c,mac=52:54:00:00:00:09"
expect_error 1 "a socket's address cannot hold a comma" $g \
  -nic stream,model=virtio-net-device,addr.type=unix,addr.path=a,,b,server=on
check "-nic none means nothing" $g -dumpdtb y.dtb -nic none
done_testing
