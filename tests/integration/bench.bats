#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# Figures are not judged here: on a busy machine they mean nothing.

bats_require_minimum_version 1.5.0

@test "bench: measures everything that it promises" {
    # Goal: each row has a figure of the baseline, and of both brokers with its
    # ratio to it.
    run -0 tests/bench/run --quick --old build/linux/asan/bin/vmnet-broker
    echo "$output"
    grep -qE '^ +baseline +broker +ratio +old +ratio$' <<<"$output"
    figure='([1-9][0-9.]*|0\.[0-9]*[1-9][0-9]*)'
    for row in 'acquire' 'connect, acquire' 'start, acquire' '200 clients'; do
        grep -qE "^$row \([a-z ]+\) +$figure( +$figure +[0-9]+\.[0-9]{2}){2}$" \
            <<<"$output"
    done
    grep -qE '^threads +[1-9][0-9]*( +[1-9][0-9]* +[0-9.]+){2}$' <<<"$output"
    run ! grep -E '(^|[^a-z])(nan|inf)' <<<"$output"
}

@test "bench: an older broker that is not there" {
    # Goal: it is an error, and not a table without it.
    run -1 tests/bench/run --quick --old "$BATS_TEST_TMPDIR/absent"
    [[ $output == "bench: --old: not a program: "* ]]
}
