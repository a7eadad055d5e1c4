# Machine types as data.
compatdir = $(pkgdatadir)/compat
dist_compat_DATA = compat/virt-1.0.json compat/virt-aia-1.0.json
EXTRA_DIST += compat/abi/HISTORY compat/abi/layout-1.txt compat/abi/x86_64.abi
EXTRA_DIST += \
	compat/plugins/aclint.json compat/plugins/cfi-flash.json compat/plugins/fw-cfg.json \
	compat/plugins/goldfish-rtc.json compat/plugins/ns16550.json compat/plugins/pcie.json \
	compat/plugins/rv64-cpu.json compat/plugins/sifive-plic.json compat/plugins/sifive-test.json \
	compat/plugins/virtio.json compat/plugins/virtio-rng.json \
	compat/plugins/riscv-imsic.json compat/plugins/riscv-aplic.json
EXTRA_DIST += compat/plugins/virtio-blk.json
EXTRA_DIST += compat/plugins/virtio-console.json compat/plugins/virtio-net.json
# Releases that were named, and what they send: tools/release/name-release adds lines below.
EXTRA_DIST += compat/releases compat/schemas-accepted
EXTRA_DIST += compat/schemas/0.1.0/virt-1.0.json
EXTRA_DIST += compat/schemas/0.1.0/virt-aia-1.0.json
