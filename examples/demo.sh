#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# The main job, told as it happens: two unprivileged users ask the broker for
# the network "default", get the same one, and reach each other, the gateway and
# the world. `make demo` builds what it needs and runs it, on Linux in the
# sandbox of tests/linux/run: the broker, the SDK and examples/ping.c are the
# sources that run on macOS; the packets are real.
#
# The broker keeps a network for 1 s after its last user, and itself for 2 s
# after its last network. The defaults are 5 s and 120 s.

set -eu

broker_user=_vmnetbroker
programs=build/linux/plain/examples

if [ "${1-}" != --inside ]; then
    cd "$(dirname "$0")/.."
    exec tests/linux/run --daemon-arg -l --daemon-arg 1 \
        --daemon-arg -t --daemon-arg 2 -- examples/demo.sh --inside
fi

output=$(mktemp -d /run/demo.XXXXXX)
chmod 755 "$output"

# say WHO WHAT
say() {
    printf '%-8s %s\n' "$1" "$2"
}

fail() {
    say FAILED "$1"
    cat "$output"/* >&2
    exit 1
}

# join USER: a guest that stays. Its process id goes to pid, its address to
# address.
join() {
    : >"$output/$1"
    setpriv --reuid "$1" --regid "$1" --clear-groups -- \
        "$programs/ping" -H -c 0 default >"$output/$1" 2>&1 &
    pid=$!
    timeout 20 tail -n +1 --pid=$pid -f "$output/$1" | grep -q '^holding' ||
        fail "$1 got no address"
    address=$(sed -n 's/^holding \(.*\) until.*/\1/p' "$output/$1")
}

# reach USER TARGET NAME: one ping by another guest of the user.
reach() {
    # shellcheck disable=SC2086 # no target is the gateway
    setpriv --reuid "$1" --regid "$1" --clear-groups -- \
        "$programs/ping" -c 1 default $2 >"$output/ping" 2>&1 ||
        fail "$1 does not reach $3"
    line=$(grep '^64 bytes' "$output/ping")
    say "$1" "reaches $3: ${line#* from }"
}

# leave PID: and wait for the end.
leave() {
    kill "$1"
    wait "$1" || fail "a guest did not stop well"
}

running() {
    pgrep -x -u "$broker_user" vmnet-broker
}

bridge() {
    ip -o -4 addr show |
        sed -n 's/^[0-9]*: \(bridge[0-9]*\) *inet \([^ ]*\) .*/\1, \2/p'
}

running >/dev/null && fail "the broker is running before anybody asked"
say broker "is not running"

say alice "asks for the network \"default\""
join alice
alice=$address alice_pid=$pid
broker_pid=$(running) || fail "the broker is not running"
say broker "was started by launchd, process $broker_pid, as $broker_user"
say vmnet "made $(bridge)"
say alice "has $alice, by DHCP"

say bob "asks for \"default\" as well"
join bob
bob=$address bob_pid=$pid
say bob "has $bob, by DHCP, on the same bridge"

reach alice "$bob" bob
reach bob "$alice" alice
reach bob "" "the gateway"
reach bob world.example "the world"

say alice "leaves"
leave "$alice_pid"
[ -n "$(bridge)" ] || fail "bob's network is gone"
say vmnet "keeps $(bridge) for bob"
say bob "leaves"
leave "$bob_pid"

timeout 20 tail -n +1 -f "$STANDIN_DIR/log" |
    grep -q 'network default: released' || fail "the network stays"
[ -z "$(bridge)" ] || fail "the bridge stays"
say broker "let go of the network, nobody has used it for 1 s"

timeout 20 tail --pid="$broker_pid" -s 0.1 -f /dev/null ||
    fail "the broker stays"
say broker "exits, with no network for 2 s"
