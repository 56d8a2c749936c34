# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# Shared by the VM tests. They are the same on macOS and on Linux, where they
# run inside tests/linux/run; TEST_LAUNCHER is launcher or vmnet-run.
#
# shellcheck disable=SC2034 # the tests use the variables

cd "$BATS_TEST_DIRNAME/../../.." || exit

vm=examples/test-vm
launcher=${TEST_LAUNCHER:-launcher}
label=com.github.nirs.vmnet-broker

if [ "$(uname)" = Darwin ]; then
    programs=build/macos/host/examples
    world=${WORLD:-1.1.1.1}
    world_name=${WORLD_NAME:-one.one.one.one}
else
    programs=build/linux/plain/examples
    world=203.0.113.1
    world_name=world.example
fi

# An accelerator that does not work is tried once per file, since that takes
# seconds.
start() {
    name=$1
    shift
    [ ! -e "$BATS_FILE_TMPDIR/emulate" ] || export TEST_VM_ACCELERATOR=tcg
    "$vm/start" "$name" --launcher "$launcher" "$@" \
        2> >(tee "$BATS_FILE_TMPDIR/start" >&2) || return
    ! grep -q 'does not work here' "$BATS_FILE_TMPDIR/start" ||
        : >"$BATS_FILE_TMPDIR/emulate"
}

# address NAME INTERFACE: prints its IPv4 address, as the guest reported it when
# ready.
address() {
    "$vm/list" | sed -n "s|^$1: $2 [^ ]* \([0-9.]*\)/.*|\1|p"
}

# gateway NAME INTERFACE: prints the gateway's address.
gateway() {
    "$vm/exec" "$1" "cat /run/$2.gateway /run/$2.server 2>/dev/null" | head -n 1
}

broker_pid() {
    launchctl print "system/$label" | sed -n 's/^[[:space:]]*pid = //p'
}

# Waits until the process $1, which is not our child, has exited.
wait_for_end() {
    if [ "$(uname)" = Darwin ]; then
        # An idle broker exits after two minutes.
        caffeinate -t 300 -w "$1"
        ! ps -p "$1" >/dev/null
    else
        timeout 60 tail --pid="$1" -f /dev/null # Linux
    fi
}

# wait_for_console NAME COUNT TEXT: waits until TEXT is on the console COUNT
# times. (grep counts no further than 1 with -q, or when nobody reads its
# output.)
wait_for_console() {
    [ "$(grep -c -m "$2" "$3" \
        < <(tail -n +1 -f "$TEST_VM_RUN/$1/console" 2>/dev/null))" -eq "$2" ]
}
