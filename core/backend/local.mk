# core/backend: character back ends
core_libcore_a_SOURCES += core/backend/chardev.h core/backend/internal.h core/backend/chardev.c \
	core/backend/chardev-spec.c core/backend/chardev-open.c core/backend/mux.c \
	core/backend/terminal.c

# Network back ends
core_libcore_a_SOURCES += core/backend/netdev.h core/backend/netdev-internal.h \
	core/backend/netdev.c core/backend/netdev-spec.c core/backend/netdev-frame.c \
	core/backend/netdev-tap.c core/backend/netdev-socket.c
if HAVE_SLIRP
core_libcore_a_SOURCES += core/backend/netdev-user.c
endif

# Block back ends
core_libcore_a_SOURCES += core/backend/block.h core/backend/block-internal.h core/backend/block.c \
	core/backend/block-api.c core/backend/block-handover.c core/backend/block-drive.c core/backend/block-file-io.c \
	core/backend/block-file.c core/backend/block-nbd.c core/backend/block-null.c core/backend/block-pool.c \
	core/backend/block-queue.c core/backend/block-spec.c core/backend/block-throttle.c \
	core/backend/block-uring.c

# Memory back ends
core_libcore_a_SOURCES += core/backend/memdev.h core/backend/memdev.c
