#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# tests/run-tests: it builds what it runs, and says when it cannot.

set -u
cd "$(dirname "$0")/../.." || exit

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# The variant of no other test, so that nobody else needs it meanwhile.
program=build/linux/plain/tests/common-test
count=0

# result STATUS WHAT
result() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        sed 's/^/# /' "$tmp/out"
    fi
}

run_tests() {
    env -u STANDIN_NO_BUILD RUN_TESTS_LOGS="$tmp" tests/run-tests "$@" \
        >"$tmp/out" 2>&1
}

echo 1..4

rm -f "$program"
run_tests "$program"
status=$?
[ $status -eq 0 ] && [ -x "$program" ] && grep -q '^[1-9][0-9]* passed, 0 failed' "$tmp/out"
result $? "a program that is not there yet is built"

# Newer sources: what was built before them is not run.
touch -d '2000-01-01' "$program"
run_tests "$program" && [ -n "$(find "$program" -newer tests/linux/test/common-test.c)" ]
result $? "a program that is older than its sources is built again"

run_tests build/linux/plain/tests/no-such-test
status=$?
[ $status -ne 0 ] && ! grep -q ' passed' "$tmp/out" &&
    grep -q '^run-tests: no test was run: .* build/linux/plain/tests/no-such-test' \
        "$tmp/out"
result $? "a program that cannot be built is no test"

# Its tear-down would wait for ever, and the alarm end it without a word.
run_tests build/linux/plain/tests/failing-assertion
status=$?
[ $status -ne 0 ] && grep -q '"found" != "expected"' "$tmp/out" &&
    grep -q '^ *not ok 2 - fails$' "$tmp/out" &&
    grep -q '^1 passed, 2 failed, 0 skipped$' "$tmp/out"
result $? "an assertion that fails ends its program at once, with its message"
