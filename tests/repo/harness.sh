#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The test helpers themselves: what is wrong is told as wrong, by each of the three.
. "${abs_top_srcdir:-$(dirname "$0")/../..}/tests/lib.sh"

# shell_test BODY: output and status of a test whose body is that
shell_test ()
{
  printf '. "$abs_top_srcdir/tests/lib.sh"\n%s\ndone_testing\n' "$1" >"$tmp/t.sh"
  env -u GODWIT_UNDER_DRIVER "$srcdir/tests/run-script" "$tmp/t.sh" 2>&1
  echo "status $?"
}

refuse='sh -c "echo godwit: bad >&2; exit 1"'
contains "lib.sh: a good refusal" "$(shell_test "expect_error 1 'godwit: bad' $refuse")" "status 0"
for wrong in "expect_error 2 'godwit: bad' $refuse" "expect_error 1 'godwit: worse' $refuse" \
             "expect_error 1 bad sh -c 'echo bad >&2; echo bad >&2; exit 1'" \
             "expect_error 1 bad sh -c 'echo out; echo bad >&2; exit 1'" \
             "check x false" "check_not x true" "equal x a b" "contains x abc d" "not_ok x"; do
  out=$(shell_test "$wrong")
  contains "lib.sh tells: $wrong" "$out" "not ok 1 - "
  contains "lib.sh ends with 1: $wrong" "$out" "status 1"
done
contains "lib.sh: a skip has its reason" "$(shell_test 'skip x because')" "ok 1 - x # SKIP because"
contains "lib.sh: all skipped" "$(shell_test 'skip_all because')" "1..0 # SKIP because"
contains "lib.sh: a test that breaks off has no plan" "$(shell_test 'ok a; exit 0')" "ok 1 - a
status 0"
shell_test 'mkdir "$tmp/x"; ok a; echo "$tmp"' \
  | grep '^/' >"$tmp/where"
check_not "lib.sh: the scratch folder is gone" test -e "$(cat "$tmp/where")"

export GODWIT_TEST_TIMEOUT=1
contains "a test that hangs is stopped and told" "$(shell_test 'sleep 100')" "Bail out! "
unset GODWIT_TEST_TIMEOUT

# python_test BODY: of one test function with the context t
python_test ()
{
  printf 'import gwttest\n@gwttest.test("x")\ndef x(t):\n    %s\ngwttest.main()\n' "$1" >"$tmp/t.py"
  env -u GODWIT_UNDER_DRIVER "$srcdir/tests/run-script" "$tmp/t.py" 2>&1
  echo "status $?"
}

if ! command -v "${PYTHON3:-python3}" >/dev/null; then
  skip "gwttest.py" "python3 is not installed"
else
  contains "gwttest: what holds" "$(python_test 't.equal(1, 1)')" "ok 1 - x
status 0"
  for wrong in 't.equal(1, 2)' 't.ok(False, "no")' 't.contains("abc", "d")' 'raise KeyError("k")' \
               't.raises("X", lambda: 1)' \
               't.start_program("sh", "-c", "exit 3").wait() == 0 or t.ok(0, "3")' \
               't.start_program("echo", "a").expect("b")' \
               't.start_program("cat").expect("b", timeout=0.01)'; do
    out=$(python_test "$wrong")
    contains "gwttest tells: $wrong" "$out" "not ok 1 - x"
    contains "gwttest ends with 1: $wrong" "$out" "status 1"
  done
  contains "gwttest: a skip has its reason" "$(python_test 't.skip("because")')" \
    "ok 1 - x # SKIP because"
  # What a test starts does not outlive it.
  python_test 'open("'"$tmp"'/pid", "w").write(str(t.start_program("sleep", "1000").pid))' >"$tmp/out"
  check_not "gwttest: what was started is ended" kill -0 "$(cat "$tmp/pid")"
fi

# A unit test that crashes after its last result would look complete without run-unit's word.
printf '#!/bin/sh\necho 1..1\necho ok 1 a\nkill -SEGV $$\n' >"$tmp/crash"
chmod +x "$tmp/crash"
contains "run-unit tells a crash" "$("$srcdir/tests/run-unit" "$tmp/crash" 2>/dev/null)" \
  "Bail out! $tmp/crash died of signal 11"
done_testing
