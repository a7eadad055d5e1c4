# One fragment a plugin.
include plugins/rv64-cpu/local.mk
include plugins/aclint/local.mk
include plugins/sifive-plic/local.mk
include plugins/ns16550/local.mk
include plugins/goldfish-rtc/local.mk
include plugins/sifive-test/local.mk
include plugins/fw-cfg/local.mk
include plugins/cfi-flash/local.mk
