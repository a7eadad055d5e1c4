#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Making the guest: what is said where it cannot be made, and that packages are fetched once.
. "${abs_top_srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
make_guest=$srcdir/tools/guest/make-guest
PATH=$PATH:/usr/sbin:/sbin
for tool in flock cpio dpkg-deb xz riscv64-linux-gnu-gcc mke2fs debugfs e2fsck; do need "$tool"; done
[ -r /usr/share/keyrings/debian-archive-keyring.gpg ] \
  || skip_all "debian-archive-keyring is not installed"

# An apt whose archive is out of reach, wherever this machine's own would be.
mkdir "$tmp/bin"
cat >"$tmp/bin/apt-get" <<'END'
#!/bin/sh
case "$*" in
*--print-uris*) echo "'http://archive.invalid/debian/dists/stable/InRelease' x 0" ;;
*) echo "E: archive.invalid cannot be resolved"; exit 100 ;;
esac
END
chmod +x "$tmp/bin/apt-get"
PATH=$tmp/bin:$PATH

expect_error 1 "make-guest: '--frob': unknown option; see tools/guest/make-guest --help" \
  "$make_guest" --frob
: >"$tmp/file"
expect_error 1 "make-guest: $tmp/file/guest: cannot make the guest folder; set GODWIT_GUEST_DIR" \
  env GODWIT_GUEST_DIR="$tmp/file/guest" "$make_guest"
contains "--help names the folder" "$("$make_guest" --help)" "GODWIT_GUEST_DIR"

out=$(GODWIT_GUEST_DIR=$tmp/none "$make_guest" 2>&1)
equal "no network: status 3" $? 3
contains "no network: says what to do" "$out" \
  "connect it to the network and run tools/guest/make-guest again"
contains "no network: says what apt said" "$out" "archive.invalid cannot be resolved"
equal "no network: nothing is left behind" "$(ls -A "$tmp/none")" ".lock"

guest=${GODWIT_GUEST_DIR:-$srcdir/guest}
if [ ! -d "$guest/debs/userland" ]; then
  skip "packages are fetched once" "no Linux guest; run tools/guest/make-guest"
else
  # Hard links, so that nothing is copied; the script replaces files and never changes them.
  cp -al "$guest" "$tmp/cached" 2>/dev/null || cp -a "$guest" "$tmp/cached"
  rm -f "$tmp/cached/Image" "$tmp/cached/.stamp"
  check "packages are fetched once" env GODWIT_GUEST_DIR="$tmp/cached" "$make_guest"
  for file in Image initrd.cpio root.img; do
    if cmp -s "$guest/.stamp" "$tmp/cached/.stamp"; then
      check "$file is the same again" cmp "$guest/$file" "$tmp/cached/$file"
    else
      skip "$file is the same again" "the guest is of other sources; run tools/guest/make-guest"
    fi
  done
  check "the root disk is sound" e2fsck -fn "$tmp/cached/root.img"
  equal "nothing to do, nothing said" "$(GODWIT_GUEST_DIR=$tmp/cached "$make_guest" 2>&1)" ""
  printf 'not a package' >"$tmp/broken.deb"
  mv "$tmp/broken.deb" "$(ls "$tmp"/cached/debs/busybox-static*.deb)"
  rm "$tmp/cached/.stamp"
  out=$(GODWIT_GUEST_DIR=$tmp/cached "$make_guest" 2>&1)
  equal "a broken package: status 1" $? 1
  contains "a broken package: says what to do" "$out" "remove the folder '$tmp/cached/debs'"
fi
done_testing
