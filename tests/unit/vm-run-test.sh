#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# What `make integration-test` says on a Mac that lacks something, with fakes of
# what a Mac has.

# shellcheck disable=SC2317 # called by check

set -u
cd "$(dirname "$0")/../.." || exit

. tests/tap.sh
T=$tmp
export FAKE="$T"

# fake NAME COMMAND
fake() {
    printf '#!/bin/sh\n%s\n' "$2" >"$T/bin/$1"
    chmod +x "$T/bin/$1"
}

mkdir "$T/bin"
# shellcheck disable=SC2016 # of the fakes
{
    fake uname 'echo Darwin'
    fake sysctl 'cat "$FAKE/hv"'
    fake launchctl 'test -e "$FAKE/broker"'
    fake bats 'echo "$TEST_LAUNCHER $2" >>"$FAKE/ran"; echo "ok 1 test"'
}
export PATH="$T/bin:$PATH"

# refused TEXT
refused() {
    if tests/integration/vm/run >"$T/out" 2>&1; then return 1; fi
    cat "$T/out"
    grep -q "^Bail out! .*$1" "$T/out" && [ ! -e "$T/ran" ]
}

no_hypervisor() {
    echo 0 >"$T/hv"
    touch "$T/broker"
    refused 'this Mac cannot run VMs'
}

no_broker() {
    echo 1 >"$T/hv"
    rm "$T/broker"
    refused 'not installed: run sudo make install'
}

# Goal: each file, with launcher alone: its VMs are Virtualization's.
runs() {
    touch "$T/broker"
    tests/integration/vm/run || return 1
    [ "$(sort "$T/ran")" = "$(printf 'launcher %s\n' \
        tests/integration/vm/*.bats | sort)" ]
}

# Goal: nothing that runs on a Mac needs a password, or waits for one.
sudo_asks_nobody() {
    ! git ls-files -co --exclude-standard tests/integration/vm \
        tests/integration/probes examples | grep -v '\.md$' |
        xargs grep -nw 'sudo' |
        grep -vE 'sudo -n |run sudo make install|without a password|password for sudo'
}

plan 4
check "VM tests: a Mac without a hypervisor" no_hypervisor
check "VM tests: a Mac without the broker" no_broker
check "VM tests: each file, with launcher" runs
check "VM tests: no program waits for a password" sudo_asks_nobody
finish
