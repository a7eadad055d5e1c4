# tests/linux: a real Linux, made by tools/guest/make-guest, boots and works.
dist_check_SCRIPTS += tests/linux/make-guest.sh
dist_check_SCRIPTS += tests/linux/workload.py
dist_check_SCRIPTS += tests/linux/control.py
dist_check_SCRIPTS += tests/linux/console.py
dist_check_SCRIPTS += tests/linux/pcie.py
dist_check_SCRIPTS += tests/linux/ari.py
dist_check_SCRIPTS += tests/linux/virtio-rng.py
dist_check_SCRIPTS += tests/linux/aia.py
dist_check_SCRIPTS += tests/linux/disk.py
dist_check_SCRIPTS += tests/linux/network.py
dist_check_SCRIPTS += tests/linux/announce.py
dist_check_SCRIPTS += tests/linux/lspci.py
dist_check_SCRIPTS += tests/linux/diskplug.py
dist_check_SCRIPTS += tests/linux/nbd.py
dist_check_SCRIPTS += tests/linux/migrate.py
check_long_scripts += tests/linux/long-disk.py
check_long_scripts += tests/linux/long-network.py
check_long_scripts += tests/linux/virtio-moved.py
check_long_scripts += tests/linux/long-saved.py
check_long_scripts += tests/linux/long-lockstep.py
check_long_scripts += tests/linux/long-migrate.py
EXTRA_DIST += tests/linux/linuxguest.py tests/linux/linuxdisk.py tests/linux/disklife.py \
	tests/linux/linuxnet.py tests/linux/linuxmove.py $(guest_programs)
guest_programs = tests/guest/selftest.h tests/guest/selftest.c tests/guest/checksum.c \
	tests/guest/process.c tests/guest/signal.c tests/guest/float.c tests/guest/memory.c \
	tests/guest/thread.c tests/guest/clock.c tests/guest/net.c tests/guest/disk/disktest.h \
	tests/guest/disk/main.c tests/guest/disk/random.c tests/guest/disk/records.c \
	tests/guest/network/nettest.c tests/guest/moving/movetest.c
dist_check_SCRIPTS += tests/linux/virtio-console.py
dist_check_SCRIPTS += tests/linux/hotplug.py tests/linux/pcie-peer.py
dist_check_SCRIPTS += tests/linux/virtio-blk.py
dist_check_SCRIPTS += tests/linux/virtio-peer.py
dist_check_SCRIPTS += tests/linux/virtio-blk-faults.py
