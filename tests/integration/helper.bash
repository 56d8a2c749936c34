# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
# shellcheck shell=bash
#
# For the .bats files: each test is a script that runs in a fresh sandbox.

# sandbox [OPTION]... <<'SCRIPT': options are those of tests/linux/run. What the
# script prints is shown when the test fails.
sandbox() {
    tests/linux/run "$@" -- \
        bash -c ". tests/integration/sandbox.bash
$(cat)"
}

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return
}
