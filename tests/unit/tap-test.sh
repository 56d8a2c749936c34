#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# tests/tap.sh: a check that fails is seen, and what it printed.

# shellcheck disable=SC2317 # functions called by check

set -u
cd "$(dirname "$0")/../.." || exit

. tests/tap.sh

# A script with the checks of standard input prints what is in $tmp/expected, and
# exits with the status $1.
prints() {
    {
        echo '. tests/tap.sh'
        cat
        # shellcheck disable=SC2016 # for the script
        echo 'echo "$tmp" >"$1"; finish'
    } >"$tmp/script"
    status=0
    sh "$tmp/script" "$tmp/folder" >"$tmp/printed" 2>&1 || status=$?
    diff "$tmp/expected" "$tmp/printed" && [ "$status" -eq "$1" ] &&
        [ ! -e "$(cat "$tmp/folder")" ]
}

passes() {
    cat >"$tmp/expected" <<'EOF'
1..2
ok 1 - a
ok 2 - b
EOF
    prints 0 <<'EOF'
plan 2
check a true
check_same b "1 2" "1 2"
EOF
}

fails() {
    cat >"$tmp/expected" <<'EOF'
not ok 1 - a (x)
# why
ok 2 - b (x)
not ok 3 - c (x)
# found:    1
# expected: 2
1..3
EOF
    prints 1 <<'EOF'
why() { echo why; exit 3; }
tap_note=" (x)"
check a why
check b true
check_same c 1 2
EOF
}

steps() {
    cat >"$tmp/expected" <<'EOF'
1..2
ok 1 - the last command decides
not ok 2 - each command decides
# first
EOF
    prints 1 <<'EOF'
two() { echo first; false; echo second; }
plan 2
check "the last command decides" two
check_steps "each command decides" two
EOF
}

plan 3
check "checks that pass" passes
check "checks that fail, what they printed, and the exit status" fails
check "a step that fails" steps
finish
