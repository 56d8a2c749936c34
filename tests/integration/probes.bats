#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# The probes on the stand-in: what they print when an assumption holds, and when
# it does not.

load helper

probes() {
    sandbox --user root "$@" <<SCRIPT
# probe [NAME]...: the table, of an ordinary user.
probe() {
    as alice env PROBES_ALL=1 tests/integration/probes/run \
        build/linux/plain/probes 1.2.3 "\$@" >"\$T/table" ||
        fail "\$(cat "\$T/table")"
}

# verdict NAME TEXT: the result of the probe begins with that.
verdict() {
    has "^| \$1 | \$2" <"\$T/table" ||
        fail "\$1: expected '\$2': \$(cat "\$T/table")"
}

$(cat)
SCRIPT
}

@test "probes: all hold on the stand-in" {
    # Goal: the stand-in behaves as the product assumes; the table has a row for
    # each probe, and every column is filled.
    probes --daemon-env STANDIN_CLOCK=/run/standin/clock <<'SCRIPT'
clock_create
start table alice env PROBES_ALL=1 tests/integration/probes/run \
    build/linux/plain/probes 1.2.3 cancelled-client
settle peers 2 # the probe and the question
advance 60s
wait_exit table
has '^| cancelled-client | holds: ' <"$T/table.out" || fail "no verdict"

names=$(ls build/linux/plain/probes | grep -vx cancelled-client)
# shellcheck disable=SC2086 # words
probe $names
has '^vmnet-broker: 1.2.3$' <"$T/table" || fail "no version"
expect "the rows that hold" "$(wc -w <<<"$names")" \
    "$(grep -cE '^\| [a-z0-9-]+ \| holds: [^|]+ \| [^|]+ \| [^|]+ \|$' "$T/table")"
SCRIPT
}

@test "probes: an assumption that does not hold" {
    # Goal: with the reported errors of macOS these verdicts differ, also when
    # macOS ends the probe; and the product's part is that of the verdict.
    probes --env STANDIN_MACOS=26.1 --daemon-env STANDIN_PID=1 \
        --daemon-env STANDIN_FAIL=vmnet_interface_start_with_network=1001 \
        --vmnetd-opt --quirk=orphan-subnets \
        --vmnetd-opt --quirk=lapse-reservations \
        --vmnetd-opt --no-loopback-forwarding <<'SCRIPT'
probe anchor-of-broker killed-owner reservation-stays reservation-works \
    loopback-forwarding other-executable client-identity
verdict killed-owner 'does not hold: .* status 1001 '
verdict reservation-stays 'does not hold: 172.31.* own interface on each network'
verdict reservation-works 'holds: '
verdict loopback-forwarding 'does not hold: 127.0.0.1: Connection refused '
verdict other-executable 'does not hold: the process was ended by signal 5 '
verdict client-identity 'does not hold: the broker sees another process '
verdict anchor-of-broker 'does not hold: no bridge appeared '

# What vmnet refuses.
export STANDIN_FAIL=vmnet_network_create=1001
probe create-as-user subnet-sizes mtu-range ipv6-prefix without-nat44
for name in create-as-user subnet-sizes mtu-range ipv6-prefix without-nat44; do
    verdict "$name" 'does not hold: .*status 1001'
done
export STANDIN_FAIL=vmnet_network_create:2=1001
probe subnet-is-free-again
verdict subnet-is-free-again 'does not hold: vmnet status 1001'
SCRIPT
}

@test "probes: what cannot be told" {
    # Goal: the reason is said: no entitlement, no broker, root, and what might
    # do harm.
    probes --no-daemon <<'SCRIPT'
export STANDIN_FAIL=vmnet_network_create=1002
probe subnet-is-gateway create-as-user
verdict subnet-is-gateway 'cannot tell: vmnet status 1002: .* not signed'
verdict create-as-user 'does not hold: vmnet status 1002'
unset STANDIN_FAIL
probe other-executable client-identity
verdict other-executable 'cannot tell: the broker: '
verdict client-identity 'cannot tell: the broker is not installed'
build/linux/plain/probes/create-as-user >"$T/root"
has '^cannot tell: this is root' <"$T/root" || fail "$(cat "$T/root")"
env -u PROBES_ALL build/linux/plain/probes/killed-owner >"$T/harm"
has '^cannot tell: not tried: ' <"$T/harm" || fail "$(cat "$T/harm")"
SCRIPT
}
