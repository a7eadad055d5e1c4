# SPDX-License-Identifier: BSD-2-Clause
# godwit-plugin's command line: what it lists and shows, and how it refuses.
. "${abs_top_srcdir:-$(dirname "$0")/../..}/tests/lib.sh"

expect_error 1 "godwit-plugin: no command is given; use list, show or check, or try --help" "$godwit_plugin"
expect_error 1 "godwit-plugin: 'dump' is no command; use list, show or check" "$godwit_plugin" dump
expect_error 1 "godwit-plugin: show: what to look at is missing; name a plugin or a file" "$godwit_plugin" show
expect_error 1 "godwit-plugin: show: too many arguments; name one plugin or file" "$godwit_plugin" show a b
expect_error 1 "godwit-plugin: list: '--jsn' is not understood; only --json can follow" "$godwit_plugin" list --jsn
expect_error 1 "godwit-plugin: option '--x' is not understood; try --help" "$godwit_plugin" --x list
expect_error 1 "godwit-plugin: option '--plugin-dir' needs a folder behind it" "$godwit_plugin" --plugin-dir
expect_error 1 "godwit-plugin: --plugin-dir: plugin folder '/absent' cannot be read" \
  "$godwit_plugin" --plugin-dir /absent list
expect_error 1 "godwit-plugin: show: no plugin 'sifive-tst' was found; did you mean 'sifive-test'?" \
  "$godwit_plugin" show sifive-tst
expect_error 1 "'godwit-plugin list' shows what there is, a file is named by path" "$godwit_plugin" show zzz

contains "--help shows the commands" "$("$godwit_plugin" --help)" "show NAME|FILE"
contains "--version says which ABI" "$("$godwit_plugin" --version)" "plugin ABI 1."
contains "-help is --help" "$("$godwit_plugin" -help)" "usage: godwit-plugin"

mkdir "$tmp/empty"
GODWIT_PLUGIN_PATH="$tmp/empty" "$builddir/tools/godwit-plugin" list >"$tmp/none"
contains "a folder without plugins is no error" "$(cat "$tmp/none")" "no plugins found"

list=$("$godwit_plugin" list --json)
contains "list --json has ids" "$list" '"id": "sifive-test"'
contains "list --json has paths" "$list" '"path": "'"$builddir"'/plugins/sifive-test.so"'

for so in "$builddir"/plugins/*.so; do
  check "check passes $(basename "$so")" "$godwit_plugin" check "$so"
done
if [ -c /dev/full ]; then
  "$godwit_plugin" show sifive-test >/dev/full 2>"$tmp/full"
  equal "a full disk is an error" $? 1
  contains "... that is told" "$(cat "$tmp/full")" "standard output cannot be written"
else
  skip "a full disk is an error" "there is no /dev/full"
fi
done_testing
