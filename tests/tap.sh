#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# For tests that are shell scripts, which print TAP:
#
#     . tests/tap.sh
#     plan 2
#     check "the sum is right" [ $((1 + 1)) -eq 2 ]
#     check_steps "it compiles and runs" compile_and_run
#     finish
#
# $tmp is a folder for the script, removed when that exits. What a check printed is
# in $tmp/log, and shown when it failed.

tmp=$(mktemp -d) || exit
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
tap_count=0
tap_failed=0
tap_plan=
# Stands behind each name.
tap_note=

# plan NUMBER: of checks. Without it finish prints how many there were.
plan() {
    tap_plan=$1
    echo "1..$1"
}

# tap_result STATUS NAME
tap_result() {
    tap_count=$((tap_count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $tap_count - $2$tap_note"
    else
        echo "not ok $tap_count - $2$tap_note"
        sed 's/^/# /' "$tmp/log"
        tap_failed=1
    fi
}

# check NAME COMMAND...: the command succeeds. It has a shell of its own.
check() {
    tap_name=$1
    shift
    ("$@") >"$tmp/log" 2>&1
    tap_result $? "$tap_name"
}

# check_steps NAME FUNCTION...: each command in the function succeeds. (Not in
# "if", where a shell goes on after a step that failed.)
check_steps() {
    tap_name=$1
    shift
    (
        set -e
        "$@"
    ) >"$tmp/log" 2>&1
    tap_result $? "$tap_name"
}

# check_same NAME FOUND EXPECTED
check_same() {
    printf 'found:    %s\nexpected: %s\n' "$2" "$3" >"$tmp/log"
    [ "$2" = "$3" ]
    tap_result $? "$1"
}

# The end of the script.
finish() {
    [ -n "$tap_plan" ] || echo "1..$tap_count"
    exit "$tap_failed"
}
