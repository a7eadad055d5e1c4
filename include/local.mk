# The plugin ABI: the only headers a plugin includes.
godwitincludedir = $(includedir)/godwit
godwitinclude_HEADERS = $(wildcard $(top_srcdir)/include/godwit/*.h)
