#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What counts the long tests: it must not take a test that failed, broke off or was stopped for one
# that passed.
. "${abs_top_srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
run_long=$srcdir/tests/run-long

fake () { mkdir -p "$tmp/tests"; printf '%s\n' "${@:2}" >"$tmp/tests/long-$1.sh"; }
fake good 'echo 1..2' 'echo "ok 1 - one"' 'echo "ok 2 - two # SKIP no peer"'
fake bad 'echo 1..2' 'echo "ok 1 - one"' 'echo "not ok 2 - two"' 'echo "# because"' 'exit 1'
fake short 'echo 1..3' 'echo "ok 1 - one"'
fake silent 'exit 0'
fake slow 'echo 1..1' 'exec sleep 1000'
fake none 'echo "1..0 # SKIP no guest"'

long ()
{
  local files=() name
  for name in "${@:2}"; do files+=("$tmp/tests/long-$name.sh"); done
  out=$("$run_long" "$tmp/logs" "$1" "${files[@]}" 2>&1 </dev/null)
  status=$?
  last=${out##*$'\n'}
}

long '' good
equal "results are counted" "$last" "1 passed, 0 failed, 1 skipped"
equal "all is well: status 0" $status 0
contains "why something was skipped" "$out" "1 no peer"
check "the log is kept" grep -q '^ok 1 - one' "$tmp/logs/long-good.log"
long '' good bad
equal "a failure is counted" "$last" "2 passed, 1 failed, 1 skipped"
equal "a failure: status 1" $status 1
contains "a failure's diagnosis is shown" "$out" "| # because"
long '' short
contains "one that breaks off has failed" "$out" "long-short.sh broke off after 1 of 3 results"
equal "it is counted" "$last" "1 passed, 1 failed, 0 skipped"
long '' silent
contains "one that says nothing has failed" "$out" "broke off after 0 of an unknown number"
equal "it is counted as well" "$last" "0 passed, 1 failed, 0 skipped"
GODWIT_TEST_TIMEOUT=1 long '' slow
contains "one that is stopped says so" "$out" "ran for more than 1 s and was stopped"
equal "and has failed" "$last" "0 passed, 1 failed, 0 skipped"
long '' none
equal "nothing passed: no success" "$status $last" "1 0 passed, 0 failed, 1 skipped"
long bad good bad
equal "a word chooses" "$last" "1 passed, 1 failed, 0 skipped"
long nonesuch good bad
equal "a word that fits none: status 1" $status 1
contains "a word that fits none is an error" "$out" \
  "check-long: no test has 'nonesuch' in its name; there are:"
done_testing
