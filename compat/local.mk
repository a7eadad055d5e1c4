# Machine types as data.
compatdir = $(pkgdatadir)/compat
dist_compat_DATA = compat/virt-1.0.json
EXTRA_DIST += compat/abi/HISTORY compat/abi/layout-1.txt compat/abi/x86_64.abi
