# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

load helper

# Two users on the network $1 ping each other and the gateway.
meet() {
    sandbox <<SCRIPT
network=$1
$(
        cat <<'MEET'
start alice alice ping -H -c 1 "$network"
wait_line alice '^holding '
alice=$(sed -n 's/^holding \(.*\) until.*/\1/p' "$T/alice.out")

start bob bob ping -H -c 2 "$network" "$alice"
wait_line bob '^holding '
bob=$(sed -n 's/^holding \(.*\) until.*/\1/p' "$T/bob.out")
wait_line bob "^64 bytes from $alice: icmp_seq=2 "

start carol alice ping -c 2 "$network" "$bob"
wait_exit carol
expect "alice's second guest pings bob" 0 "$status"

[ "$alice" != "$bob" ] || fail "both have $alice"
expect "the same subnet" "${alice%.*}" "${bob%.*}"
expect "one bridge" 1 "$(bridges)"

stop alice
expect "alice" 0 "$status"
stop bob
expect "bob" 0 "$status"
MEET
    )
SCRIPT
}

@test "default: two users ping each other and the gateway" {
    # Goal: programs of different users that request the same name are on one
    # network.
    meet default
}

@test "host: two users ping each other and the gateway" {
    # Goal: the same works without a route to the external network.
    meet host
}

@test "default and host do not reach each other" {
    # Goal: networks are isolated from each other, in both directions.
    sandbox <<'SCRIPT'
start inside alice ping -H -c 1 default
start outside bob ping -H -c 1 host
wait_line inside '^holding '
wait_line outside '^holding '
inside=$(sed -n 's/^holding \(.*\) until.*/\1/p' "$T/inside.out")
outside=$(sed -n 's/^holding \(.*\) until.*/\1/p' "$T/outside.out")
[ "${inside%.*}" != "${outside%.*}" ] || fail "both are on ${inside%.*}"

start from-default alice ping -c 2 -i 0.1 -W 0.5 default "$outside"
start from-host bob ping -c 2 -i 0.1 -W 0.5 host "$inside"
wait_exit from-default
[ "$status" -ne 0 ] || fail "default reaches host"
wait_exit from-host
[ "$status" -ne 0 ] || fail "host reaches default"

# Both guests are up, each on its own network.
start check alice ping -c 1 default "$inside"
wait_exit check
expect "on default" 0 "$status"
start check bob ping -c 1 host "$outside"
wait_exit check
expect "on host" 0 "$status"
SCRIPT
}

@test "the external network answers on default" {
    # Goal: shared networks reach the external network, by address and by name.
    sandbox <<'SCRIPT'
start address alice ping -c 2 -i 0.1 default 203.0.113.1
wait_exit address
expect "by address" 0 "$status"
start name alice ping -c 2 -i 0.1 default world.example
wait_exit name
expect "by name" 0 "$status"
wait_line name '^64 bytes from 203\.0\.113\.1: icmp_seq=2 '
start nothing alice ping -c 1 default no-such-name.example
wait_exit nothing
expect "a name that is none" 2 "$status"
wait_line nothing 'no such name'
SCRIPT
}

@test "the external network does not answer on host" {
    # Goal: host networks end at the Mac.
    sandbox <<'SCRIPT'
start address alice ping -c 2 -i 0.1 -W 0.5 host 203.0.113.1
wait_exit address
[ "$status" -ne 0 ] || fail "host reaches the world"
! grep '^64 bytes' "$T/address.out" || fail "host reaches the world"
start gateway alice ping -c 1 host
wait_exit gateway
expect "the gateway" 0 "$status"
SCRIPT
}
