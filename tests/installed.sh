#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# `make installcheck`: what `make install` put in place works from there, with nothing of the source
# or build folder in sight.  It must not be run on the build tree; the ordinary tests do that.
# Usage: installed.sh BINDIR PLUGINSDIR INCLUDEDIR PKGCONFIGDIR VERSION
set -u
bindir=$1 pluginsdir=$2 includedir=$3 pkgconfigdir=$4 version=$5
unset GODWIT_PLUGIN_PATH GODWIT_MACHINE_PATH GODWIT_COMPAT_PATH
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0

wrong () { echo "installed.sh: $*" >&2; failed=1; }

"$bindir/godwit" -version | grep -q -F "$version" || wrong "godwit -version does not say $version"
"$bindir/godwit" -M help | grep -q '^virt' || wrong "godwit -M help does not list virt"
"$bindir/godwit-plugin" list >"$tmp/list" || wrong "godwit-plugin list failed"
for so in "$pluginsdir"/*.so; do
  name=$(basename "$so" .so)
  grep -q -w -e "$name" "$tmp/list" || wrong "godwit-plugin list does not list $name"
done
for tool in godwit-stream godwit-ctl godwit-machine; do
  "$bindir/$tool" --version | grep -q -F "$version" || wrong "$tool --version does not say $version"
done

# The tree may be moved as a whole, into a path with spaces too.
prefix=${bindir%/*}
mkdir -p "$tmp/else where"
cp -R "$bindir" "$tmp/else where/"
for folder in "$pluginsdir" "$prefix/share/godwit"; do
  mkdir -p "$tmp/else where/$(dirname "${folder#"$prefix"/}")"
  cp -R "$folder" "$tmp/else where/${folder#"$prefix"/}"
done
"$tmp/else where/bin/godwit" -M virt,dumpdtb="$tmp/dtb" -bios none -S -v 2>"$tmp/err" \
  || wrong "godwit does not find its files where it was moved: $(cat "$tmp/err")"
# Tools that ask the emulator beside them, about a machine type of the moved folder.
"$tmp/else where/bin/godwit" -M virt -bios none -dump-manifest "$tmp/manifest" \
  || wrong "godwit -dump-manifest fails where it was moved"
"$tmp/else where/bin/godwit-machine" check "$tmp/manifest" --here -M virt -bios none >"$tmp/out" 2>&1 \
  || wrong "godwit-machine check --here fails where it was moved: $(cat "$tmp/out")"
"$tmp/else where/bin/godwit-machine" diff virt virt-aia | grep -q "$tmp/else where/" \
  || wrong "godwit-machine does not look where it was moved"
GODWIT_PLUGIN_PATH='' "$tmp/else where/bin/godwit-plugin" list | grep -q "$tmp/else where/" \
  || wrong "godwit-plugin does not look where it was moved"

# An author of plugins has the headers and pkg-config, no more.
cat >"$tmp/p.c" <<'END'
#include <godwit/godwit.h>
int abi = GWT_ABI_MAJOR;
END
if command -v pkg-config >/dev/null; then
  export PKG_CONFIG_PATH=$pkgconfigdir
  # shellcheck disable=SC2046
  ${CC:-cc} -Werror -fPIC -shared -o "$tmp/p.so" "$tmp/p.c" $(pkg-config --cflags --libs godwit) \
    || wrong "a file that includes <godwit/godwit.h> does not compile with godwit.pc"
  [ "$(pkg-config --variable=plugindir godwit)" = "$pluginsdir" ] \
    || wrong "godwit.pc's plugindir is not $pluginsdir"
fi
[ -d "$includedir/godwit" ] || wrong "$includedir/godwit is missing"
[ $failed -eq 0 ] && echo "installed.sh: all well"
exit $failed
