#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# tests/run-tests: it builds what it runs, and says when it cannot.

set -u
cd "$(dirname "$0")/../.." || exit

. tests/tap.sh
# A variant that no other test has, so that no other test needs it meanwhile.
program=build/linux/plain/tests/common-test

run_tests() {
    env -u STANDIN_NO_BUILD RUN_TESTS_LOGS="$tmp" tests/run-tests "$@" \
        >"$tmp/log" 2>&1
}

plan 8

rm -f "$program"
run_tests "$program"
status=$?
[ $status -eq 0 ] && [ -x "$program" ] && grep -q '^[1-9][0-9]* passed, 0 failed' "$tmp/log"
tap_result $? "a program that is not there yet is built"

# Newer sources: what was built before them is not run.
touch -d '2000-01-01' "$program"
run_tests "$program" && [ -n "$(find "$program" -newer tests/linux/test/common-test.c)" ]
tap_result $? "a program that is older than its sources is built again"

run_tests build/linux/plain/tests/no-such-test
status=$?
[ $status -ne 0 ] && ! grep -q ' passed' "$tmp/log" &&
    grep -q '^run-tests: no test was run: .* build/linux/plain/tests/no-such-test' \
        "$tmp/log"
tap_result $? "a program that cannot be built is no test"

# Its tear-down would wait for ever, and the alarm end it without a word.
run_tests build/linux/plain/tests/failing-assertion
status=$?
[ $status -ne 0 ] && grep -q '"found" != "expected"' "$tmp/log" &&
    grep -q '^ *not ok 2 - fails$' "$tmp/log" &&
    grep -q '^1 passed, 2 failed, 0 skipped$' "$tmp/log"
tap_result $? "an assertion that fails ends its program at once, with its message"

ln -s $$ "$tmp/running"
run_tests "$program"
status=$?
[ $status -ne 0 ] && ! grep -q ' passed' "$tmp/log" &&
    grep -q "^run-tests: no test was run: process $$ runs tests" "$tmp/log" &&
    [ "$(readlink "$tmp/running")" = $$ ]
tap_result $? "a second run at once says so, and runs nothing"

run_tests --help
status=$?
[ $status -eq 0 ] && grep -q '^Usage: tests/run-tests ' "$tmp/log" &&
    grep -q '^  -j JOBS ' "$tmp/log" && ! grep -q '[0-9] passed' "$tmp/log"
tap_result $? "--help prints the usage"

refused() {
    for arguments in "" --verbose "-j $program" "-j 0 $program" -v; do
        # shellcheck disable=SC2086 # words
        run_tests $arguments
        [ $? -eq 2 ] && grep -q '^usage: ' "$tmp/log" || return 1
    done
}
refused
tap_result $? "a wrong option is no test"

# No process has this number; the one that was killed left it.
ln -sfn 999999999 "$tmp/running"
run_tests "$program"
status=$?
[ $status -eq 0 ] && grep -q '^[1-9][0-9]* passed, 0 failed' "$tmp/log" &&
    [ ! -L "$tmp/running" ]
tap_result $? "a run that was killed does not keep the next one from running"
finish
