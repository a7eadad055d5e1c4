# One fragment a plugin.
include plugins/rv64-cpu/local.mk
include plugins/aclint/local.mk
include plugins/sifive-plic/local.mk
include plugins/riscv-imsic/local.mk
include plugins/riscv-aplic/local.mk
include plugins/ns16550/local.mk
include plugins/goldfish-rtc/local.mk
include plugins/sifive-test/local.mk
include plugins/fw-cfg/local.mk
include plugins/cfi-flash/local.mk
include plugins/pcie/local.mk
include plugins/virtio/local.mk
include plugins/virtio-rng/local.mk
include plugins/virtio-net/local.mk
include plugins/virtio-console/local.mk
include plugins/virtio-blk/local.mk
EXTRA_DIST += plugins/virtio-blk/README.md
EXTRA_DIST += plugins/rv64-cpu/README.md plugins/aclint/README.md plugins/sifive-plic/README.md \
	plugins/ns16550/README.md plugins/goldfish-rtc/README.md plugins/sifive-test/README.md \
	plugins/fw-cfg/README.md plugins/cfi-flash/README.md plugins/pcie/README.md \
	plugins/virtio/README.md plugins/virtio-rng/README.md plugins/virtio-console/README.md \
	plugins/riscv-imsic/README.md plugins/riscv-aplic/README.md
