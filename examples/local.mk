# Projects of their own, to be copied: they are built by hand against an installed godwit, here by tests.
EXTRA_DIST += \
	examples/example1/Makefile examples/example1/example1.c \
	examples/example2/Makefile examples/example2/example2.c \
	examples/example3/Makefile examples/example3/example3.c

# Builds and loads them with what was installed (a staged install: the same DESTDIR as for install).
installcheck-examples:
	$(AM_V_at)abs_top_srcdir='$(abs_top_srcdir)' abs_top_builddir='$(abs_top_builddir)' CC='$(CC)' \
	  PYTHON3='$(PYTHON3)' GODWIT_INSTALLED='$(DESTDIR)$(bindir)' \
	  PKG_CONFIG_PATH='$(DESTDIR)$(pkgconfigdir)' $(if $(DESTDIR),PKG_CONFIG_SYSROOT_DIR='$(DESTDIR)') \
	  $(if $(DESTDIR),GODWIT_PLUGIN_PATH='$(DESTDIR)$(pluginsdir)' \
	    GODWIT_MACHINE_PATH='$(DESTDIR)$(pkgdatadir)/machines' GODWIT_COMPAT_PATH='$(DESTDIR)$(pkgdatadir)/compat') \
	  $(SHELL) $(top_srcdir)/tests/run-script $(top_srcdir)/tests/plugin/examples.py >installcheck-examples.log; \
	status=$$?; grep -v '^1\.\.' installcheck-examples.log; \
	test $$status -eq 0 && ! grep -q '^not ok' installcheck-examples.log
.PHONY: installcheck-examples
CLEANFILES += installcheck-examples.log
