# Macros of this project's configure.ac.

# GWT_ABI: the plugin ABI's version, read from the one place that defines it.
AC_DEFUN([GWT_ABI], [
GWT_ABI_MAJOR=`sed -n 's/^#define GWT_ABI_MAJOR *//p' "$srcdir/include/godwit/abi.h"`
GWT_ABI_MINOR=`sed -n 's/^#define GWT_ABI_MINOR *//p' "$srcdir/include/godwit/abi.h"`
AC_SUBST([GWT_ABI_MAJOR])
AC_SUBST([GWT_ABI_MINOR])
])

# GWT_CHECK_FDT: libfdt has no pkg-config file in older releases, so look for header and library.
AC_DEFUN([GWT_CHECK_FDT], [
PKG_CHECK_MODULES([FDT], [libfdt], [], [
  AC_CHECK_HEADER([libfdt.h], [],
    [AC_MSG_ERROR([libfdt.h is missing; install the package libfdt-dev])])
  AC_CHECK_LIB([fdt], [fdt_setprop], [FDT_LIBS=-lfdt],
    [AC_MSG_ERROR([libfdt is missing; install the package libfdt-dev])])
  AC_SUBST([FDT_CFLAGS])
  AC_SUBST([FDT_LIBS])
])
])

# GWT_CHECK_SLIRP: the user network needs libslirp; without it there are the other back ends.
AC_DEFUN([GWT_CHECK_SLIRP], [
AC_ARG_WITH([slirp],
  [AS_HELP_STRING([--without-slirp], [leave out -netdev user, which needs libslirp 4.7])],
  [], [with_slirp=auto])
have_slirp=no
AS_IF([test "x$with_slirp" != xno],
  [PKG_CHECK_MODULES([SLIRP], [slirp >= 4.7], [have_slirp=yes],
    [AS_IF([test "x$with_slirp" = xyes],
      [AC_MSG_ERROR([libslirp 4.7 is missing; install the package libslirp-dev])])])])
AS_IF([test $have_slirp = yes],
  [AC_DEFINE([HAVE_SLIRP], [1], [Define to 1 where libslirp is there: -netdev user.])])
AM_CONDITIONAL([HAVE_SLIRP], [test $have_slirp = yes])
])

# GWT_CC_FLAG(VARIABLE, FLAG): append FLAG to VARIABLE where the compiler takes it.
AC_DEFUN([GWT_CC_FLAG], [
gwt_save_CFLAGS=$CFLAGS
CFLAGS="$CFLAGS $2 -Werror"
AC_MSG_CHECKING([whether $CC takes $2])
AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
  [AC_MSG_RESULT([yes]); $1="$$1 $2"], [AC_MSG_RESULT([no])])
CFLAGS=$gwt_save_CFLAGS
])

# GWT_COMPILER_FLAGS: warnings, --enable-werror, --enable-sanitizers.
AC_DEFUN([GWT_COMPILER_FLAGS], [
WARN_CFLAGS="-Wall -Wextra"
m4_foreach_w([gwt_flag], [-Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
  -Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 -Wno-format-nonliteral -Wundef
  -Wimplicit-fallthrough -Wno-unused-parameter -Wno-missing-field-initializers],
  [GWT_CC_FLAG([WARN_CFLAGS], gwt_flag)])
AC_ARG_ENABLE([werror],
  [AS_HELP_STRING([--enable-werror], [make compiler warnings errors (continuous integration does)])],
  [], [enable_werror=no])
AS_IF([test "x$enable_werror" = xyes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
AC_ARG_ENABLE([sanitizers],
  [AS_HELP_STRING([--enable-sanitizers], [build with address and undefined-behaviour sanitizers])],
  [], [enable_sanitizers=no])
SAN_CFLAGS=
AS_IF([test "x$enable_sanitizers" = xyes], [
  SAN_CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
  gwt_save_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS $SAN_CFLAGS"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [],
    [AC_MSG_ERROR([--enable-sanitizers was asked for but $CC cannot link with $SAN_CFLAGS])])
  CFLAGS=$gwt_save_CFLAGS
  AC_DEFINE([GODWIT_SANITIZERS], [1], [Built with sanitizers])
])
AM_CONDITIONAL([SANITIZERS], [test "x$enable_sanitizers" = xyes])
AC_SUBST([WARN_CFLAGS])
AC_SUBST([SAN_CFLAGS])
])

# GWT_PLUGIN(NAME, [NEEDS]): --disable-NAME, the conditional PLUGIN_NAME, a line in the summary.
# NEEDS is shell code that sets gwt_why to a reason where the plugin cannot be built.
AC_DEFUN([GWT_PLUGIN], [
m4_pushdef([gwt_var], m4_bpatsubst([$1], [-], [_]))
AC_ARG_ENABLE([$1], [AS_HELP_STRING([--disable-$1], [do not build the plugin $1])],
  [gwt_enable=$enableval], [gwt_enable=yes])
gwt_why=
AS_IF([test "x$gwt_enable" = xno], [gwt_why="disabled on the command line"])
$2
AM_CONDITIONAL([PLUGIN_]m4_toupper(gwt_var), [test -z "$gwt_why"])
AS_IF([test -z "$gwt_why"], [gwt_plugin_[]gwt_var=yes], [gwt_plugin_[]gwt_var="no ($gwt_why)"])
gwt_all_plugins="$gwt_all_plugins $1"
AS_IF([test -n "$gwt_why"], [ABSENT_PLUGINS="$ABSENT_PLUGINS $1"])
AC_SUBST([ABSENT_PLUGINS])
m4_popdef([gwt_var])
])

# GWT_PROG_RISCV: a compiler for what runs inside the guest; tests that need it skip without.
AC_DEFUN([GWT_PROG_RISCV], [
AC_ARG_VAR([RISCV_CC], [compiler for riscv64 guest programs])
AC_PATH_PROG([RISCV_CC], [riscv64-linux-gnu-gcc], [no])
AM_CONDITIONAL([HAVE_RISCV_CC], [test "$RISCV_CC" != no])
])

# GWT_BLOCK_LIBRARIES: what disks can use where it is there; gwt_liburing and gwt_libnbd say it.
AC_DEFUN([GWT_BLOCK_LIBRARIES], [
GWT_OPTIONAL_LIBRARY([liburing], [liburing >= 2.3], [URING], [threads do its work])
GWT_OPTIONAL_LIBRARY([libnbd], [libnbd >= 1.12], [NBD], [no driver nbd])
])

# GWT_OPTIONAL_LIBRARY(NAME, PKG-CONFIG'S WORDS, PREFIX, WITHOUT IT): --without-NAME, HAVE_NAME,
# and gwt_NAME for the summary.
AC_DEFUN([GWT_OPTIONAL_LIBRARY], [
AC_ARG_WITH([$1], [AS_HELP_STRING([--without-$1], [do without $1: $4])], [], [with_$1=check])
gwt_$1="no (disabled on the command line; $4)"
AS_IF([test "x$with_$1" != xno], [
  PKG_CHECK_MODULES([$3], [$2], [
    gwt_$1="yes (`$PKG_CONFIG --modversion $1`)"
    AC_DEFINE([HAVE_]m4_toupper($1), [1], [Define where $1 is used])
  ], [
    gwt_$1="no ($2 not found; $4)"
    AS_IF([test "x$with_$1" = xyes], [AC_MSG_ERROR([--with-$1 was asked for but $2 was not found])])
  ])
])
AC_SUBST([$3_CFLAGS])
AC_SUBST([$3_LIBS])
])

# GWT_SUMMARY: what was found and what will be built, with the reason where the answer is no.
AC_DEFUN([GWT_SUMMARY], [
gwt_line () { printf '    %-24s %s\n' "$[]1" "$[]2"; }
gwt_prog () { if test "$[]2" = no; then gwt_line "$[]1" "no ($[]3 not found)"; else gwt_line "$[]1" "yes ($[]2)"; fi; }
echo
echo "$PACKAGE_NAME $PACKAGE_VERSION"
echo "  core"
gwt_line "compiler" "$CC $CFLAGS"
gwt_line "plugin ABI" "$GWT_ABI_MAJOR.$GWT_ABI_MINOR"
gwt_line "warnings are errors" "$enable_werror"
gwt_line "sanitizers" "$enable_sanitizers"
gwt_line "liburing" "$gwt_liburing"
gwt_line "libnbd" "$gwt_libnbd"
echo "  plugins"
for gwt_p in $gwt_all_plugins; do
  gwt_v=`echo "$gwt_p" | sed 's/-/_/g'`
  eval "gwt_line \"\$gwt_p\" \"\$gwt_plugin_$gwt_v\""
done
echo "  tests"
gwt_prog "guest programs" "$RISCV_CC" "riscv64-linux-gnu-gcc"
gwt_prog "python tests" "$PYTHON3" "python3"
gwt_prog "peer for benchmarks" "$QEMU_RISCV64" "qemu-system-riscv64"
gwt_prog "ABI comparison" "$ABIDIFF" "abidiff"
echo
echo "Where this says no and you expected yes, read the messages above."
])
