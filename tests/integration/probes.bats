#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# The probes on the stand-in: what they print when an assumption holds, and when
# it does not.

load helper

probes() {
    sandbox --user root "$@" <<SCRIPT
# probe [NAME]...: prints the table for an ordinary user.
probe() {
    as alice env PROBES_ALL=1 tests/integration/probes/run \
        build/linux/plain/probes 1.2.3 "\$@" >"\$T/table" ||
        fail "\$(cat "\$T/table")"
}

# verdict NAME TEXT: the result of the probe begins with TEXT.
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
settle peers 2 # the probe and this request
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

@test "probes: an assumption that does not hold is detected" {
    # Goal: with the reported bugs of macOS these verdicts differ, even when
    # macOS kills the probe, and the text says what the product does in that
    # case.
    probes --env STANDIN_MACOS=26.1 --daemon-env STANDIN_PID=1 \
        --daemon-env STANDIN_FAIL=vmnet_interface_start_with_network=1001 \
        --vmnetd-opt --quirk=orphan-exits \
        --vmnetd-opt --quirk=lapse-reservations \
        --vmnetd-opt --no-loopback-forwarding <<'SCRIPT'
probe anchor-of-broker killed-owner exited-owner reservation-stays reservation-works \
    loopback-forwarding other-executable client-identity
verdict killed-owner 'does not hold: .* status 1001 '
verdict exited-owner 'does not hold: .* status 1001 '
verdict reservation-stays 'does not hold: 172\.[0-9.]* .* own interface on each network'
verdict reservation-works 'holds: '
verdict loopback-forwarding 'does not hold: 127.0.0.1: Connection refused '
verdict other-executable 'does not hold: the process was ended by signal 5 '
verdict client-identity 'does not hold: the broker sees another process '
verdict anchor-of-broker 'does not hold: no bridge appeared '

# These are cases that vmnet refuses.
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

@test "probes: each of the other assumptions is broken by its own fault" {
    # Goal: no probe holds regardless of what happens.
    probes --daemon-env STANDIN_CLOCK=/run/standin/clock <<'SCRIPT'
clock_create
start table alice env STANDIN_FAIL=interruption:1 \
    tests/integration/probes/run build/linux/plain/probes 1.2.3 cancelled-client
settle peers 2 # the probe and this request
advance 60s
wait_exit table
cp "$T/table.out" "$T/table"
verdict cancelled-client 'does not hold: Connection invalid'

# broken NAME FAULT DETAIL: a call fails, or does something wrong.
broken() {
    STANDIN_FAIL=$2 probe "$1"
    verdict "$1" "does not hold: $3"
}
broken copy-is-local vmnet_network_create_with_serialization=1001 \
    'no reference to a network that was released'
broken reservation-works vmnet_network_configuration_add_dhcp_reservation=1001 \
    '172\.[0-9]*\.[0-9]*\.2 '
broken sigterm-follows signal:1+ 'the dispatch source does not see SIGTERM'
broken subnet-is-exclusive vmnet_network_create:2=1003 \
    'refused with status 1003 instead of 1001'
broken subnet-is-gateway vmnet_network_configuration_set_ipv4_subnet=1001 \
    'asked for 172\..*, and got 192\.168\.128\.1, mask 0xffffff00'
broken unread-interface vmnet_write:51+=1001 'no frame arrived after 50'
STANDIN_FAIL=termination:1+ probe sigterm-follows
verdict sigterm-follows 'cannot tell: SIGTERM came, but no event'

# The uplink exists, and another interface of the Mac has the address.
ip link add none99 type bridge
probe unknown-uplink
verdict unknown-uplink 'does not hold: a network with the external interface "none99"'
ip address add 192.168.128.1/32 dev lo
probe no-bridge-unused
verdict no-bridge-unused 'does not hold: .* exists before an interface does'
SCRIPT
}

@test "probes: each probe can fail" {
    # Goal: every new probe comes with such a test.
    for file in tests/integration/probes/*.c; do
        name=$(basename "$file" .c)
        case $name in
        probe | port) continue ;;
        esac
        grep -qE -e "^verdict $name 'does not hold|^broken $name " \
            -e "^for name in .*\b$name\b" \
            "$BATS_TEST_FILENAME" || echo "no test breaks $name"
    done >"$BATS_TEST_TMPDIR/missing"
    cat "$BATS_TEST_TMPDIR/missing"
    [ ! -s "$BATS_TEST_TMPDIR/missing" ]
}

@test "probes: what cannot be tested is reported with the reason" {
    # Goal: the reason is printed: no entitlement, no broker, run as root, or a
    # probe that might do harm.
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
