#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# Two VMs, each on the networks "default" and "host", do everything that a
# person would try. The VMs of this file are started once.
#
# launchers: both

# shellcheck disable=SC2154,SC2016 # the variables are vm.bash's; Markdown, sh

bats_require_minimum_version 1.5.0
load vm

setup_file() {
    load vm
    export TEST_VM_RUN=$BATS_FILE_TMPDIR
    start one --network default --network host
    start two --network default --network host
}

teardown_file() {
    load vm
    for name in one two three web; do
        "$vm/stop" "$name" 2>/dev/null || :
    done
}

@test "$launcher: each interface of each VM has an address" {
    # Goal: DHCP works on both networks, for both VMs, with four addresses.
    addresses=$(for name in one two; do
        address "$name" eth0
        address "$name" eth1
    done)
    [ "$(echo "$addresses" | sort -u | grep -c '^192\.168\.')" -eq 4 ]
}

@test "$launcher: vmnet-brokerctl ip finds each VM by its MAC address" {
    # Goal: a script gets the addresses that the guest has.
    ctl=${programs%/examples}/bin/vmnet-brokerctl
    for name in one two; do
        mac=$("$vm/exec" $name "cat /sys/class/net/eth0/address" | tr -d '\r')
        run -0 "$ctl" ip default "$mac" --wait 30
        [ "$output" = "$(address $name eth0)" ]
    done
}

@test "$launcher: the script of operations.md waits for the address of a VM" {
    # Goal: the lines that are printed there work, with the launcher filled in.
    # The VM starts while the script waits.
    sed -n '/^```sh$/,/^```$/{/^```/d;p;}' docs/operations.md |
        sed "s|test-vm/start web|& --launcher $launcher|" \
            >"$BATS_TEST_TMPDIR/script"
    grep -q "start web --launcher $launcher --network" "$BATS_TEST_TMPDIR/script"
    run -0 env "PATH=${programs%/examples}/bin:$PATH" \
        sh -c '. "$0"; wait; echo "address $address"' "$BATS_TEST_TMPDIR/script"
    [[ $output == *"address $(address web eth0)" ]]
    "$vm/stop" web
}

@test "$launcher: the VMs reach each other on both networks" {
    # Goal: ping by address, on each network.
    run -0 "$vm/exec" one "ping -c 3 -I eth0 $(address two eth0)"
    [[ $output == *" 0% packet loss"* ]]
    run -0 "$vm/exec" one "ping -c 3 -I eth1 $(address two eth1)"
    [[ $output == *" 0% packet loss"* ]]
}

@test "$launcher: the VMs reach each other by IPv6" {
    # Goal: both have a SLAAC address in the same prefix.
    six=$("$vm/exec" two "ip -6 -o addr show dev eth0 scope global" |
        awk '{ sub("/.*", "", $4); print $4; exit }')
    [ -n "$six" ]
    run -0 "$vm/exec" one "ping -6 -c 2 $six"
    [[ $output == *" 0% packet loss"* ]]
}

@test "$launcher: a VM reaches the gateway" {
    # Goal: the host has the first address of the network.
    run -0 "$vm/exec" one "ping -c 1 $(gateway one eth0)"
}

@test "$launcher: a VM resolves names" {
    # Goal: the DNS server from DHCP answers.
    run -0 "$vm/exec" one "nslookup $world_name"
}

@test "$launcher: the external network answers on default" {
    # Goal: NAT works.
    run -0 "$vm/exec" one "ping -c 1 -I eth0 $world"
}

@test "$launcher: the external network does not answer on host" {
    # Goal: a host network leads nowhere, even with a route set by hand.
    host_gateway=$(address one eth1 | sed 's/[0-9]*$/1/')
    "$vm/exec" one "ip route add $world via $host_gateway dev eth1"
    run ! "$vm/exec" one "ping -c 2 -W 1 -I eth1 $world"
    "$vm/exec" one "ip route del $world"
}

@test "$launcher: a VM and a program are on one network" {
    # Goal: examples/ping, which is not a VM, reaches a VM on default.
    run -0 "$programs/ping" -c 2 default "$(address one eth0)"
}

@test "$launcher: a third VM starts and stops without harm" {
    # Goal: a running ping loses nothing meanwhile.
    "$vm/exec" one "ping -c 60 -i 0.3 $(address two eth0)" \
        >"$BATS_TEST_TMPDIR/ping" &
    ping=$!
    start three --network default
    run -0 "$vm/exec" three "ping -c 1 $(address two eth0)"
    "$vm/stop" three
    wait $ping
    grep ' 0% packet loss' "$BATS_TEST_TMPDIR/ping"
}

@test "$launcher: VMs of both launchers are on one network" {
    # Goal: Virtualization and a VMM on a socket reach each other.
    qemu="qemu-system-aarch64"
    [ "$(uname -m)" != x86_64 ] || qemu="qemu-system-x86_64"
    command -v "$qemu" || skip "no $qemu: on a Mac, brew install qemu"
    other=launcher
    [ "$launcher" != launcher ] || other=vmnet-run
    "$vm/start" three --launcher "$other" --network default
    run -0 "$vm/exec" three "ping -c 2 $(address one eth0)"
    "$vm/stop" three
}

@test "$launcher: a VM on host cannot be reached from default" {
    # Goal: networks are isolated, even when a route is set by hand.
    start three --network host
    three=$(address three eth0)
    host_route="ip route add $three via $(gateway one eth0) dev eth0"
    "$vm/exec" one "ip link set eth1 down; $host_route"
    run ! "$vm/exec" one "ping -c 2 -W 1 $three"
    run -0 "$vm/exec" two "ping -c 1 $three"
    "$vm/stop" three
    "$vm/exec" one "ip route del $three; ip link set eth1 up"
}

@test "$launcher: 100 MB by TCP arrive as they were sent" {
    # Goal: no byte is lost or changed.
    "$vm/exec" one "dd if=/dev/urandom of=/tmp/sent bs=1M count=100 &&
        httpd -p 7000 -h /tmp"
    run -0 "$vm/exec" two \
        "wget -q -O - http://$(address one eth0):7000/sent | sha256sum"
    received=$output
    run -0 "$vm/exec" one "sha256sum </tmp/sent; rm /tmp/sent; killall httpd"
    [ "$output" = "$received" ]
}

@test "$launcher: a VM reboots and keeps working" {
    # Goal: the network comes back with the same address.
    before=$(address one eth0)
    echo "reboot -f" >"$TEST_VM_RUN/one/in"
    wait_for_console one 2 '^vm: ready'
    run -0 "$vm/exec" one "ip -4 -o addr show dev eth0"
    [[ $output == *"$before"* ]]
    run -0 "$vm/exec" one "ping -c 1 $(address two eth0)"
}

@test "$launcher: SIGTERM to the broker changes nothing for VMs" {
    # Goal: the broker stays while its networks are held.
    pid=$(broker_pid)
    sudo -n kill -TERM "$pid" 2>/dev/null || kill -TERM "$pid" 2>/dev/null ||
        skip "needs root, or sudo without a password"
    run -0 "$vm/exec" one "ping -c 2 $(address two eth0)"
    [ "$(broker_pid)" = "$pid" ]
}

@test "$launcher: killing a launcher affects no other VM" {
    # Goal: the other VM keeps its network, which outlives its first holder.
    kill -9 "$(cat "$TEST_VM_RUN/one/pid")"
    run -0 "$vm/exec" two "ping -c 2 $(gateway two eth0)"
    [[ $output == *" 0% packet loss"* ]]
}

@test "$launcher: when the last VM exits, broker and bridge disappear" {
    # Goal: no broker and no bridge are left.
    pid=$(broker_pid)
    "$vm/stop" two
    wait_for_end "$pid"
    if [ "$(uname)" != Darwin ]; then
        run -0 ip -o link show type bridge
        [ -z "$output" ]
    fi
}
