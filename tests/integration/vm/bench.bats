#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# `make bench-vms` with real VMs. The figures are not judged.

# shellcheck disable=SC2154 # the variables are vm.bash's

bats_require_minimum_version 1.5.0
load vm

@test "bench-vms: one run of two ways to attach a VM" {
    # Goal: each of them has a figure for everything that the report promises.
    for network in bench-native bench-run; do
        "$programs/vmnet-run" --network $network -- true ||
            skip "the broker has no network $network"
    done
    export BENCH_IN_SANDBOX=1
    unset TEST_VM_RUN
    run -0 tests/bench/vms --runs 1 --seconds 1 --only 'native run helper' \
        --out "$BATS_TEST_TMPDIR"
    echo "$output"
    for name in native vmnet-run; do
        for measure in vm_to_vm vm_to_host host_to_vm ping_vm ping_host \
            cpu_all start; do
            grep -qE "^$name,$measure,1,[0-9.e-]*[1-9]" \
                "$BATS_TEST_TMPDIR/vms.csv"
        done
        grep -q "^$name,retransmits,1,[0-9]" "$BATS_TEST_TMPDIR/vms.csv"
    done
    grep -qE '^vmnet-run,cpu_between,1,[0-9.e-]*[1-9]' \
        "$BATS_TEST_TMPDIR/vms.csv"
    grep -q '^TCP inside a VM' <<<"$output"
    grep -qE '^vmnet-helper(: not installed| +[0-9])' <<<"$output"
}
