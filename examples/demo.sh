#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# Demonstrates the broker step by step. First, two unprivileged users request
# the network "default", get the same one, and reach each other, the gateway and
# an external host; then each boots a VM on two networks, and the VMs reach each
# other. `make demo` builds everything that it needs and runs it.
#
# On Linux it runs in the sandbox of tests/linux/run: the broker, the SDK and
# the examples are the sources that run on macOS, packets and VMs are real.
# There the broker keeps a network for 1 s after its last client, and runs for 2
# s after its last network; the defaults are 5 s and 120 s. On macOS it uses the
# installed broker, runs everything as the current user, and only demonstrates
# the VMs.

set -eu

broker_user=_vmnetbroker
cd "$(dirname "$0")/.."

if [ "$(uname)" = Darwin ]; then
    programs=build/macos/host/examples
    world=1.1.1.1
    output=$(mktemp -d)
else
    programs=build/linux/plain/examples
    world=203.0.113.1
    if [ "${1-}" != --inside ]; then
        exec tests/linux/run --config tests/integration/vm/networks.json \
            -- examples/demo.sh --inside
    fi
    output=$(mktemp -d /run/demo.XXXXXX)
fi
chmod 755 "$output"

# However the demo ends, no VM keeps running, and no file is left behind.
# shellcheck disable=SC2317 # called by trap
cleanup() {
    for pid in "$output"/vms-*/*/pid; do
        [ -e "$pid" ] || continue
        folder=${pid%/*/pid}
        name=${pid%/pid}
        vm "${folder##*/vms-}" stop "${name##*/}" >/dev/null 2>&1 || :
    done
    rm -rf "$output"
}
trap cleanup EXIT
trap 'exit 130' HUP INT TERM

# say WHO WHAT
say() {
    who=$1
    shift
    printf '%-8s %s\n' "$who" "$*"
}

fail() {
    say FAILED "$1"
    find "$output" -type f -exec cat {} + >&2
    exit 1
}

# as USER COMMAND...
as() {
    user=$1
    shift
    if [ "$(uname)" = Darwin ]; then
        "$@"
    else
        setpriv --reuid "$user" --regid "$user" --clear-groups -- "$@"
    fi
}

# join USER: starts a guest that keeps running. Sets pid to its process id and
# address to its address.
join() {
    : >"$output/$1"
    setpriv --reuid "$1" --regid "$1" --clear-groups -- \
        "$programs/ping" -H -c 0 default >"$output/$1" 2>&1 & # not as(): $!
    pid=$!
    timeout 20 tail -n +1 --pid=$pid -f "$output/$1" | grep -q '^holding' || # Linux
        fail "$1 got no address"
    address=$(sed -n 's/^holding \(.*\) until.*/\1/p' "$output/$1")
}

# reach USER TARGET NAME: sends one ping from another guest of the user.
reach() {
    # shellcheck disable=SC2086 # no target is the gateway
    as "$1" "$programs/ping" -c 1 default $2 >"$output/ping" 2>&1 ||
        fail "$1 does not reach $3"
    line=$(grep '^64 bytes' "$output/ping")
    say "$1" "reaches $3: ${line#* from }"
}

# leave PID: stops the guest and waits for its exit.
leave() {
    kill "$1"
    wait "$1" || fail "a guest did not stop cleanly"
}

running() {
    pgrep -x -u "$broker_user" vmnet-broker
}

bridge() {
    # It prints errors if interfaces appear and disappear at the same time.
    ip -o -4 addr show 2>/dev/null |
        sed -n 's/^[0-9]*: \(bridge[0-9]*\) *inet \([^ ]*\) .*/\1, \2/p'
}

# vm USER SCRIPT NAME...: runs a script of examples/test-vm for the user's VMs.
vm() {
    vm_user=$1 script=$2
    shift 2
    as "$vm_user" env "TEST_VM_RUN=$output/vms-$vm_user" \
        "examples/test-vm/$script" "$@"
}

# boot USER NAME: sets first and second to its addresses.
boot() {
    mkdir "$output/vms-$1"
    [ "$(uname)" = Darwin ] || chown "$1" "$output/vms-$1"
    began=$(date +%s)
    vm "$1" start "$2" --network default --network host \
        >"$output/$2" 2>&1 || fail "the VM $2 did not start"
    first=$(sed -n 's/^vm: eth0 [^ ]* \([0-9.]*\).*/\1/p' "$output/$2")
    second=$(sed -n 's/^vm: eth1 [^ ]* \([0-9.]*\).*/\1/p' "$output/$2")
    say "$1" "boots the VM \"$2\" in $(($(date +%s) - began)) s:" \
        "default $first, host $second"
}

# vm_reach USER NAME TARGET WHAT: sends three pings from the VM.
vm_reach() {
    vm "$1" exec "$2" "ping -c 3 -i 0.2 $3" >"$output/ping" 2>&1 ||
        fail "$2 does not reach $4"
    say "$2" "reaches $4, $3:$(sed -n 's/.*max = [^/]*.\([^/]*\).*/ \1 ms/p' \
        "$output/ping"),$(sed -n 's/.*received,//p' "$output/ping")"
}

# Two users, each with a program that is its own guest.
programs_meet() {
    running >/dev/null && fail "the broker is running before the first request"
    say broker "is not running"
    say alice "asks for the network \"default\""
    join alice
    alice=$address alice_pid=$pid
    broker_pid=$(running) || fail "the broker is not running"
    say broker "was started by launchd, process $broker_pid," \
        "as $broker_user"
    say vmnet "made $(bridge)"
    say alice "has $alice, by DHCP"
    join bob
    bob=$address bob_pid=$pid
    say bob "asks as well, and has $bob, by DHCP, on the same bridge"
    reach alice "$bob" bob
    reach bob "$alice" alice
    reach bob "" "the gateway"
    reach bob world.example "an external host"
    leave "$alice_pid"
    [ -n "$(bridge)" ] || fail "bob's network is gone"
    leave "$bob_pid"
    say both "leave"
}

vms_meet() {
    boot alice one
    boot bob two
    two_first=$first two_second=$second
    vm_reach alice one "$two_first" "two on default"
    vm_reach alice one "$two_second" "two on host"
    vm_reach alice one "$world" "an external host"
    vm alice stop one >/dev/null
    vm bob stop two >/dev/null
    say both "stop their VMs"
}

everything_goes() {
    tries=0
    while [ -n "$(bridge)" ]; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || fail "a bridge stays"
        sleep 0.1
    done
    say broker "released the networks, unused for 1 s"
    timeout 20 tail --pid="$broker_pid" -s 0.1 -f /dev/null || # Linux
        fail "the broker stays"
    say broker "exits, with no network for 2 s"
}

if [ "$(uname)" = Darwin ]; then
    vms_meet
else
    programs_meet
    vms_meet
    everything_goes
fi
