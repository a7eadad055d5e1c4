# docs: manuals, and the texts at the top of the tree that a user wants installed with them
dist_doc_DATA = README.md SECURITY.md docs/boards.md docs/guest.md docs/invocation.md docs/machine-types.md docs/vmstate.md docs/qmp.md docs/benchmarks.md \
	docs/devices.md docs/plugin-abi.md
dist_doc_DATA += docs/network.md docs/disks.md
dist_doc_DATA += docs/chardev.md
dist_doc_DATA += docs/godwit-ctl.md docs/godwit-stream.md docs/godwit-machine.md
dist_doc_DATA += docs/migration.md docs/icount.md docs/manifest.md
dist_doc_DATA += docs/releasing.md docs/schema-changes.md
dist_doc_DATA += docs/compat-rows.md
