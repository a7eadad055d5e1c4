# Machine types as data.
compatdir = $(pkgdatadir)/compat
dist_compat_DATA = compat/virt-1.0.json
