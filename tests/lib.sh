# SPDX-License-Identifier: BSD-2-Clause
# Shell tests source this file: TAP results, a scratch folder, where the built programs are.
#
#   . "${abs_top_srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
#   check "the help names -kernel" grep -q -e -kernel help.txt
#   expect_error 1 "godwit: -M nonesuch" "$godwit" -M nonesuch
#   done_testing
#
# It must not know any one topic.  Functions:
#   plan N                  say the number of results beforehand (else done_testing says it)
#   ok NAME, not_ok NAME [DIAGNOSIS]
#   check NAME CMD...       ok when CMD succeeds; its output is shown when it does not
#   check_not NAME CMD...   ok when CMD fails
#   equal NAME GOT WANTED   compares two strings
#   contains NAME TEXT WANTED   WANTED is a fixed string somewhere in TEXT
#   skip NAME REASON        one result that could not be had here
#   skip_all REASON         nothing in this file can run here; ends the test
#   need PROGRAM...         skip_all unless each PROGRAM is installed
#   expect_error STATUS TEXT CMD...   CMD exits with STATUS, says exactly one line on stderr, and
#                           TEXT (a fixed string) is in it; stdout must be empty
#   cleanup CMD...          run CMD when the test ends, newest first
#   diag TEXT               a comment in the log
# Variables: $srcdir (top of the sources), $builddir (top of the build), $godwit, $godwit_plugin,
# $tmp (a scratch folder, gone at the end), $riscv_cc (empty: none).

set -u
: "${abs_top_srcdir:=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}"
if [ -z "${abs_top_builddir:-}" ]; then
  # Run by hand: the usual build folder, else a build in the source folder.
  abs_top_builddir=$abs_top_srcdir
  [ -x "$abs_top_srcdir/godwit" ] || [ ! -d "$abs_top_srcdir/build" ] \
    || abs_top_builddir=$abs_top_srcdir/build
fi
srcdir=$abs_top_srcdir
builddir=$abs_top_builddir
godwit=${GODWIT:-$builddir/godwit}
godwit_plugin=${GODWIT_PLUGIN:-$builddir/godwit-plugin}
riscv_cc=${RISCV_CC:-$(command -v riscv64-linux-gnu-gcc || echo no)}
[ "$riscv_cc" != no ] || riscv_cc=
LC_ALL=C
export LC_ALL abs_top_srcdir abs_top_builddir

tap_count=0
tap_failed=0
tap_plan=
tap_cleanups=()

tmp=$(mktemp -d "${TMPDIR:-/tmp}/godwit-test.XXXXXX") || {
  echo "Bail out! no scratch folder"
  exit 99
}

tap_at_exit ()
{
  local status=$? i
  for ((i = ${#tap_cleanups[@]} - 1; i >= 0; i--)); do eval "${tap_cleanups[i]}" || :; done
  rm -rf "$tmp"
  exit $status
}
trap tap_at_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cleanup () { tap_cleanups+=("$(printf '%q ' "$@")"); }
diag () { printf '%s\n' "$*" | sed 's/^/# /'; }
plan () { tap_plan=$1; echo "1..$1"; }
ok () { tap_count=$((tap_count + 1)); printf 'ok %d - %s\n' $tap_count "${1//#/}"; }

not_ok ()
{
  tap_count=$((tap_count + 1))
  tap_failed=$((tap_failed + 1))
  printf 'not ok %d - %s\n' $tap_count "${1//#/}"
  [ $# -lt 2 ] || diag "$2"
}

skip ()
{
  tap_count=$((tap_count + 1))
  printf 'ok %d - %s # SKIP %s\n' $tap_count "${1//#/}" "${2:?skip needs a reason}"
}

skip_all ()
{
  if [ -n "$tap_plan" ] || [ $tap_count -gt 0 ]; then
    echo "Bail out! skip_all after the first result"
    exit 99
  fi
  echo "1..0 # SKIP ${1:?skip_all needs a reason}"
  exit 0
}

need ()
{
  local p
  for p; do command -v "$p" >/dev/null || skip_all "$p is not installed"; done
}

check ()
{
  local name=$1 out status
  shift
  out=$("$@" 2>&1)
  status=$?
  if [ $status -eq 0 ]; then
    ok "$name"
  else
    not_ok "$name" "'$*' exited with status $status: $out"
  fi
}

check_not ()
{
  local name=$1 out
  shift
  if out=$("$@" 2>&1); then not_ok "$name" "'$*' succeeded: $out"; else ok "$name"; fi
}

equal ()
{
  if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got:    $2
wanted: $3"; fi
}

contains ()
{
  case $2 in
  *"$3"*) ok "$1" ;;
  *) not_ok "$1" "no '$3' in:
$2" ;;
  esac
}

expect_error ()
{
  local want=$1 text=$2 status lines name
  shift 2
  name="refuses: ${*##*/}"
  timeout -k 5 "${GODWIT_ERROR_TIMEOUT:-120}" "$@" >"$tmp/.stdout" 2>"$tmp/.stderr" </dev/null
  status=$?
  lines=$(wc -l <"$tmp/.stderr")
  if [ $status -ne "$want" ]; then
    not_ok "$name" "exit status $status, wanted $want; stderr: $(cat "$tmp/.stderr")"
  elif [ "$lines" -ne 1 ]; then
    not_ok "$name" "$lines lines on stderr, wanted one: $(cat "$tmp/.stderr")"
  elif ! grep -q -F -e "$text" "$tmp/.stderr"; then
    not_ok "$name" "no '$text' in: $(cat "$tmp/.stderr")"
  elif [ -s "$tmp/.stdout" ]; then
    not_ok "$name" "stdout is not empty: $(head -c 400 "$tmp/.stdout")"
  else
    ok "$name"
  fi
}

# The last line of every shell test.
done_testing ()
{
  [ -n "$tap_plan" ] || echo "1..$tap_count"
  [ $tap_failed -eq 0 ] || exit 1
  exit 0
}
