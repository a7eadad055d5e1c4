# tests/releases: plugins of other releases, and guests that move between them
dist_check_SCRIPTS += tests/releases/matrix.py tests/releases/loaded.py tests/releases/agree.py
check_long_scripts += tests/releases/long-matrix.py tests/releases/long-random.py
dist_check_SCRIPTS += tests/releases/schemas.py tests/releases/schema-changes.py \
	tests/releases/old-release.py
EXTRA_DIST += tests/releases/variants.py
EXTRA_DIST += tests/releases/variant.h tests/releases/sets.py tests/releases/pairs.py \
	tests/releases/bareguest.py tests/releases/busyguest.py tests/releases/looker.py
if PLUGIN_PCIE
if PLUGIN_RV64_CPU
if PLUGIN_VIRTIO_BLK
# What a release has in common with this tree is this tree's objects.
release_cppflags = -I$(top_srcdir) -I$(top_srcdir)/include
release_blk = $(filter-out %-virtio-blk.$(OBJEXT), $(plugins_virtio_blk_so_OBJECTS))
release_pcie = $(filter-out %-pcie.$(OBJEXT), $(plugins_pcie_so_OBJECTS))
release_cpu = $(filter-out %-rv64-cpu.$(OBJEXT), $(plugins_rv64_cpu_so_OBJECTS))
check_PROGRAMS += tests/releases/R5.1/virtio-blk.so
tests_releases_R5_1_virtio_blk_so_SOURCES = tests/releases/virtio-blk.c tests/releases/variant.h
tests_releases_R5_1_virtio_blk_so_CPPFLAGS = $(release_cppflags) -DRELEASE=50100 -DGODWIT_PLUGIN_VERSION='"5.1"'
tests_releases_R5_1_virtio_blk_so_CFLAGS = $(PLUGIN_CFLAGS)
tests_releases_R5_1_virtio_blk_so_LDFLAGS = $(PLUGIN_LDFLAGS)
tests_releases_R5_1_virtio_blk_so_LDADD = $(release_blk)
check_PROGRAMS += tests/releases/R5.1/pcie.so
tests_releases_R5_1_pcie_so_SOURCES = tests/releases/pcie.c tests/releases/variant.h
tests_releases_R5_1_pcie_so_CPPFLAGS = $(release_cppflags) -DRELEASE=50100 -DGODWIT_PLUGIN_VERSION='"5.1"'
tests_releases_R5_1_pcie_so_CFLAGS = $(PLUGIN_CFLAGS)
tests_releases_R5_1_pcie_so_LDFLAGS = $(PLUGIN_LDFLAGS)
tests_releases_R5_1_pcie_so_LDADD = $(release_pcie)
check_PROGRAMS += tests/releases/R5.2/virtio-blk.so
tests_releases_R5_2_virtio_blk_so_SOURCES = tests/releases/virtio-blk.c tests/releases/variant.h
tests_releases_R5_2_virtio_blk_so_CPPFLAGS = $(release_cppflags) -DRELEASE=50200 -DGODWIT_PLUGIN_VERSION='"5.2"'
tests_releases_R5_2_virtio_blk_so_CFLAGS = $(PLUGIN_CFLAGS)
tests_releases_R5_2_virtio_blk_so_LDFLAGS = $(PLUGIN_LDFLAGS)
tests_releases_R5_2_virtio_blk_so_LDADD = $(release_blk)
check_PROGRAMS += tests/releases/R5.2/pcie.so
tests_releases_R5_2_pcie_so_SOURCES = tests/releases/pcie.c tests/releases/variant.h
tests_releases_R5_2_pcie_so_CPPFLAGS = $(release_cppflags) -DRELEASE=50200 -DGODWIT_PLUGIN_VERSION='"5.2"'
tests_releases_R5_2_pcie_so_CFLAGS = $(PLUGIN_CFLAGS)
tests_releases_R5_2_pcie_so_LDFLAGS = $(PLUGIN_LDFLAGS)
tests_releases_R5_2_pcie_so_LDADD = $(release_pcie)
check_PROGRAMS += tests/releases/R7.2/virtio-blk.so
tests_releases_R7_2_virtio_blk_so_SOURCES = tests/releases/virtio-blk.c tests/releases/variant.h
tests_releases_R7_2_virtio_blk_so_CPPFLAGS = $(release_cppflags) -DRELEASE=70200 -DGODWIT_PLUGIN_VERSION='"7.2"'
tests_releases_R7_2_virtio_blk_so_CFLAGS = $(PLUGIN_CFLAGS)
tests_releases_R7_2_virtio_blk_so_LDFLAGS = $(PLUGIN_LDFLAGS)
tests_releases_R7_2_virtio_blk_so_LDADD = $(release_blk)
check_PROGRAMS += tests/releases/R7.2/pcie.so
tests_releases_R7_2_pcie_so_SOURCES = tests/releases/pcie.c tests/releases/variant.h
tests_releases_R7_2_pcie_so_CPPFLAGS = $(release_cppflags) -DRELEASE=70200 -DGODWIT_PLUGIN_VERSION='"7.2"'
tests_releases_R7_2_pcie_so_CFLAGS = $(PLUGIN_CFLAGS)
tests_releases_R7_2_pcie_so_LDFLAGS = $(PLUGIN_LDFLAGS)
tests_releases_R7_2_pcie_so_LDADD = $(release_pcie)
check_PROGRAMS += tests/releases/R8.0/virtio-blk.so
tests_releases_R8_0_virtio_blk_so_SOURCES = tests/releases/virtio-blk.c tests/releases/variant.h
tests_releases_R8_0_virtio_blk_so_CPPFLAGS = $(release_cppflags) -DRELEASE=80000 -DGODWIT_PLUGIN_VERSION='"8.0"'
tests_releases_R8_0_virtio_blk_so_CFLAGS = $(PLUGIN_CFLAGS)
tests_releases_R8_0_virtio_blk_so_LDFLAGS = $(PLUGIN_LDFLAGS)
tests_releases_R8_0_virtio_blk_so_LDADD = $(release_blk)
check_PROGRAMS += tests/releases/R8.0/pcie.so
tests_releases_R8_0_pcie_so_SOURCES = tests/releases/pcie.c tests/releases/variant.h
tests_releases_R8_0_pcie_so_CPPFLAGS = $(release_cppflags) -DRELEASE=80000 -DGODWIT_PLUGIN_VERSION='"8.0"'
tests_releases_R8_0_pcie_so_CFLAGS = $(PLUGIN_CFLAGS)
tests_releases_R8_0_pcie_so_LDFLAGS = $(PLUGIN_LDFLAGS)
tests_releases_R8_0_pcie_so_LDADD = $(release_pcie)
check_PROGRAMS += tests/releases/R8.0.1/virtio-blk.so
tests_releases_R8_0_1_virtio_blk_so_SOURCES = tests/releases/virtio-blk.c tests/releases/variant.h
tests_releases_R8_0_1_virtio_blk_so_CPPFLAGS = $(release_cppflags) -DRELEASE=80001 -DGODWIT_PLUGIN_VERSION='"8.0.1"'
tests_releases_R8_0_1_virtio_blk_so_CFLAGS = $(PLUGIN_CFLAGS)
tests_releases_R8_0_1_virtio_blk_so_LDFLAGS = $(PLUGIN_LDFLAGS)
tests_releases_R8_0_1_virtio_blk_so_LDADD = $(release_blk)
check_PROGRAMS += tests/releases/R8.0.1/pcie.so
tests_releases_R8_0_1_pcie_so_SOURCES = tests/releases/pcie.c tests/releases/variant.h
tests_releases_R8_0_1_pcie_so_CPPFLAGS = $(release_cppflags) -DRELEASE=80001 -DGODWIT_PLUGIN_VERSION='"8.0.1"'
tests_releases_R8_0_1_pcie_so_CFLAGS = $(PLUGIN_CFLAGS)
tests_releases_R8_0_1_pcie_so_LDFLAGS = $(PLUGIN_LDFLAGS)
tests_releases_R8_0_1_pcie_so_LDADD = $(release_pcie)
check_PROGRAMS += tests/releases/R8.2/virtio-blk.so
tests_releases_R8_2_virtio_blk_so_SOURCES = tests/releases/virtio-blk.c tests/releases/variant.h
tests_releases_R8_2_virtio_blk_so_CPPFLAGS = $(release_cppflags) -DRELEASE=80200 -DGODWIT_PLUGIN_VERSION='"8.2"'
tests_releases_R8_2_virtio_blk_so_CFLAGS = $(PLUGIN_CFLAGS)
tests_releases_R8_2_virtio_blk_so_LDFLAGS = $(PLUGIN_LDFLAGS)
tests_releases_R8_2_virtio_blk_so_LDADD = $(release_blk)
check_PROGRAMS += tests/releases/R8.2/pcie.so
tests_releases_R8_2_pcie_so_SOURCES = tests/releases/pcie.c tests/releases/variant.h
tests_releases_R8_2_pcie_so_CPPFLAGS = $(release_cppflags) -DRELEASE=80200 -DGODWIT_PLUGIN_VERSION='"8.2"'
tests_releases_R8_2_pcie_so_CFLAGS = $(PLUGIN_CFLAGS)
tests_releases_R8_2_pcie_so_LDFLAGS = $(PLUGIN_LDFLAGS)
tests_releases_R8_2_pcie_so_LDADD = $(release_pcie)
check_PROGRAMS += tests/releases/forgetful/virtio-blk.so
tests_releases_forgetful_virtio_blk_so_SOURCES = tests/releases/virtio-blk.c tests/releases/variant.h
tests_releases_forgetful_virtio_blk_so_CPPFLAGS = $(release_cppflags) -DRELEASE=50200 -DFORGETFUL=1 \
	-DGODWIT_PLUGIN_VERSION='"5.2"'
tests_releases_forgetful_virtio_blk_so_CFLAGS = $(PLUGIN_CFLAGS)
tests_releases_forgetful_virtio_blk_so_LDFLAGS = $(PLUGIN_LDFLAGS)
tests_releases_forgetful_virtio_blk_so_LDADD = $(release_blk)
check_PROGRAMS += tests/releases/hostA/rv64-cpu.so
tests_releases_hostA_rv64_cpu_so_SOURCES = tests/releases/rv64-cpu.c tests/releases/variant.h
tests_releases_hostA_rv64_cpu_so_CPPFLAGS = $(release_cppflags) -DLACKS='"zbs"' \
	-DGODWIT_PLUGIN_VERSION='"$(PACKAGE_VERSION)"'
tests_releases_hostA_rv64_cpu_so_CFLAGS = $(PLUGIN_CFLAGS)
tests_releases_hostA_rv64_cpu_so_LDFLAGS = $(PLUGIN_LDFLAGS)
tests_releases_hostA_rv64_cpu_so_LDADD = $(release_cpu)
check_PROGRAMS += tests/releases/hostB/rv64-cpu.so
tests_releases_hostB_rv64_cpu_so_SOURCES = tests/releases/rv64-cpu.c tests/releases/variant.h
tests_releases_hostB_rv64_cpu_so_CPPFLAGS = $(release_cppflags) -DLACKS='"zba", "zbb"' \
	-DGODWIT_PLUGIN_VERSION='"$(PACKAGE_VERSION)"'
tests_releases_hostB_rv64_cpu_so_CFLAGS = $(PLUGIN_CFLAGS)
tests_releases_hostB_rv64_cpu_so_LDFLAGS = $(PLUGIN_LDFLAGS)
tests_releases_hostB_rv64_cpu_so_LDADD = $(release_cpu)
endif
endif
endif

# What old-release.py builds.
clean-local: clean-old-releases
clean-old-releases:
	rm -rf old-releases
.PHONY: clean-old-releases
