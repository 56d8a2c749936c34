#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# Figures are not judged here: on a busy machine they mean nothing.

bats_require_minimum_version 1.5.0

@test "bench: measures everything that it promises" {
    run tests/bench/run --quick
    echo "$output"
    [ "$status" -eq 0 ]
    # Each row ends in a ratio; a broker that is cheaper than its floor, or
    # free, was not measured.
    for row in "acquire" "connect, acquire" "start, acquire" "200 peers"; do
        grep -qE "^ *$row +[1-9][0-9. -]*$" <<<"$output"
    done
    run ! grep -E "nan|inf" <<<"$output"
}
