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

# The same with a broker under the sanitizers, which must have nothing to say.
sanitized() {
    sandbox --broker build/linux/asan/bin/vmnet-broker \
        --daemon-env ASAN_OPTIONS=log_path=/run/report/asan \
        --daemon-env UBSAN_OPTIONS=log_path=/run/report/ubsan "$@" <<SCRIPT
install -d -m 777 /run/report
$(cat)
no_reports
SCRIPT
}

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return
}
