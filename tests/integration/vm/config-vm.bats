#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# What networks.json guarantees to a VM: the address that is reserved for it,
# and the MTU. Reservations lapse with the last interface here, as they do on
# macOS.
#
# On macOS the broker has the Mac's own configuration. Test this by hand there.
#
# sandbox: --vmnetd-opt --quirk=lapse-reservations

# shellcheck disable=SC2154 # the variables are vm.bash's

bats_require_minimum_version 1.5.0
load vm

ctl=${programs%/examples}/bin/vmnet-brokerctl

# Has the reservation for this VM in networks.json.
fixed=fixed,mac=52:54:00:5e:20:0

setup_file() {
    [ "$(uname)" != Darwin ] || skip "it needs a configuration of its own"
    export TEST_VM_RUN=$BATS_FILE_TMPDIR
}

teardown_file() {
    load vm
    for name in one two three four small; do
        "$vm/stop" "$name" 2>/dev/null || :
    done
}

# stop_all NAME...: stops the VMs and waits until their network has no client.
stop_all() {
    for name in "$@"; do
        "$vm/stop" "$name"
    done
    for _ in $(seq 100); do
        ! "$ctl" list | grep -E '^fixed +shared +(lingering|inactive)' ||
            return 0
    done
    "$ctl" list
    return 1
}

@test "a reserved address is its VM's, whichever VM was there before" {
    # Goal: all VMs stop and start in another order, together with one that has
    # never had a lease. The anchor keeps the reservations.
    start one --network "${fixed}1"
    start two --network "${fixed}2"
    [ "$(address one eth0)" = 192.168.200.77 ]
    [ "$(address two eth0)" = 192.168.200.66 ]
    run -0 "$vm/exec" one "ping -c 1 192.168.200.66"
    pid=$(broker_pid)
    stop_all one two

    start three --network "${fixed}3"
    start two --network "${fixed}2"
    start one --network "${fixed}1"
    [ "$(address one eth0)" = 192.168.200.77 ]
    [ "$(address two eth0)" = 192.168.200.66 ]
    [ "$(address three eth0)" = 192.168.200.55 ]
    run -0 "$vm/exec" one "ping -c 1 192.168.200.66"
    [ "$(broker_pid)" = "$pid" ]
}

@test "a reserved address survives when the network is created again" {
    # Goal: the same works with a broker that has nothing from the one before.
    stop_all one two three
    pid=$(broker_pid)
    kill -TERM "$pid"
    wait_for_end "$pid"
    run -0 ip -o link show type bridge
    [ -z "$output" ]
    # The first guest without a lease would get the lowest address.
    start four --network "${fixed}4"
    start one --network "${fixed}1"
    [ "$(address four eth0)" = 192.168.200.44 ]
    [ "$(address one eth0)" = 192.168.200.77 ]
}

@test "reload: a running VM is unaffected, the next network is the new one" {
    # Goal: a change waits until all VMs have stopped, and an invalid edit never
    # takes effect.
    installed="/Library/Application Support/$label/networks.json"
    cp "$installed" "$BATS_TEST_TMPDIR/old.json"
    "$vm/exec" one "ping -c 20 -i 0.2 192.168.200.44" \
        >"$BATS_TEST_TMPDIR/ping" &
    ping=$!
    sed 's/200\.77/200.78/' "$BATS_TEST_TMPDIR/old.json" >"$installed"
    run -0 "$ctl" reload
    [[ $output == *pending*fixed* ]]
    echo "{" >"$installed"
    run -1 "$ctl" reload
    sed 's/200\.77/200.78/' "$BATS_TEST_TMPDIR/old.json" >"$installed"
    run -0 "$ctl" reload
    wait $ping
    grep ' 0% packet loss' "$BATS_TEST_TMPDIR/ping"
    stop_all one four
    start one --network "${fixed}1"
    [ "$(address one eth0)" = 192.168.200.78 ]
    "$vm/stop" one
    cat "$BATS_TEST_TMPDIR/old.json" >"$installed"
    run -0 "$ctl" reload
}

# passes SIZE ADDRESS: a packet from the Mac, and the reply, pass unfragmented.
passes() {
    ping -q -c 1 -W "${3-5}" -M "do" -s $(($1 - 28)) "$2"
}

# guest_mtu: prints the IPv6 MTU, as the router announces it.
guest_mtu() {
    "$vm/exec" small "i=0
        until grep -qx 1400 /proc/sys/net/ipv6/conf/eth0/mtu; do
            i=\$((i + 1)); [ \$i -lt 300 ] || break; usleep 100000
        done
        cat /proc/sys/net/ipv6/conf/eth0/mtu"
}

# guest_fragments: prints how many fragments it has sent.
guest_fragments() {
    "$vm/exec" small "awk '/^Ip:/ {
        if (!named) named = split(\$0, names)
        else for (i in names) if (names[i] == \"FragCreates\") print \$i
    }' /proc/net/snmp"
}

@test "mtu: what the guest sees, and the largest packet that passes" {
    # Goal: packets of 1400 bytes pass unfragmented, and one more byte does not.
    for launcher in launcher vmnet-run; do
        start small --network small
        small=$(address small eth0)
        [ "$(guest_mtu)" = 1400 ]
        run -0 passes 1400 "$small"
        run -1 passes 1401 "$small" 1
        # From the guest, which does not fragment what fits.
        "$vm/exec" small "ping -c 1 -s 1372 192.168.201.1"
        [ "$(guest_fragments)" = 0 ]
        # QEMU tells the guest; Virtualization has no option for it.
        [ "$launcher" = launcher ] ||
            [ "$("$vm/exec" small "cat /sys/class/net/eth0/mtu")" = 1400 ]
        "$vm/stop" small
    done
}
