#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# Networks that heal under running VMs of examples/vm: the broker is killed, and
# its networks die with it; the launchers attach their VMs to the new ones. Two
# VMs ping each other all the time on two networks. Nobody touches a guest.
#
# On macOS the subnets of an owner that was killed stay taken until a reboot.
# There this is to be tried by hand.

# shellcheck disable=SC2154 # the variables are vm.bash's

bats_require_minimum_version 1.5.0
load vm

# Seconds between two pings of one kind.
interval=0.5

# So many rounds, or as many as there are in so many seconds.
rounds=20
budget=180

setup_file() {
    load vm
    [ "$(uname)" != Darwin ] || skip "it would leave taken subnets behind"
    export TEST_VM_RUN=$BATS_FILE_TMPDIR
    start one --network default --network host
    start two --network default --network host
    ping_each_other
}

teardown_file() {
    load vm
    for name in one two three; do
        "$vm/stop" "$name" 2>/dev/null || :
    done
}

# --- Helpers ----------------------------------------------------------------

# The replies are lines on the consoles, as long as the VMs live:
# "one eth0: 64 bytes from 192.168.115.3: seq=0 ttl=64 time=1.2 ms"
ping_each_other() {
    for pair in one:two two:one; do
        from=${pair%:*}
        for card in eth0 eth1; do
            "$vm/exec" "$from" "ping -i $interval -I $card \
                $(address "${pair#*:}" $card) 2>&1 |
                while read -r line; do
                    echo \"$from $card: \$line\" >/dev/hvc0
                done >/dev/null 2>&1 &"
        done
    done
}

# follow FILE FIRST: its bytes from FIRST on, and what comes; two minutes are
# too long. A Mac has no timeout(1).
follow() {
    perl -e 'alarm shift; exec @ARGV' 120 tail -c "+$2" -f "$1" 2>/dev/null 3>&-
}

# after FILE: where the next byte goes.
after() {
    echo $(($(wc -c <"$1") + 1))
}

# wait_for_ping NAME CARD: until a reply comes from now on.
wait_for_ping() {
    file=$TEST_VM_RUN/$1/console
    grep -q -m 1 "$1 $2: 64 bytes" < <(follow "$file" "$(after "$file")") || {
        echo "$1 pings no more on $2:"
        tail -n 20 "$file" "$TEST_VM_RUN/$1/log"
        return 1
    }
}

wait_for_pings() {
    for name in one two; do
        for card in eth0 eth1; do
            wait_for_ping $name $card
        done
    done
}

# wait_for_words NAME FIRST COUNT TEXT: lines in the launcher's log.
wait_for_words() {
    [ "$(grep -c -m "$3" "$4" \
        < <(follow "$TEST_VM_RUN/$1/log" "$2"))" -eq "$3" ] || {
        echo "no $3 lines '$4':"
        cat "$TEST_VM_RUN/$1/log"
        return 1
    }
}

# sequence_numbers NAME CARD: of the replies in a console.
sequence_numbers() {
    tr -d '\r' | sed -n "s/.*$1 $2: 64 bytes.* seq=\([0-9]*\) .*/\1/p"
}

# gap NAME CARD FIRST: seconds of the longest break in the replies from FIRST
# on; it may begin with the reply before.
gap() {
    file=$TEST_VM_RUN/$1/console
    {
        head -c "$(($3 - 1))" "$file" | sequence_numbers "$1" "$2" | tail -n 1
        tail -c "+$3" "$file" | sequence_numbers "$1" "$2"
    } | awk -v interval=$interval '
        NR > 1 && $1 - last > longest { longest = $1 - last }
        { last = $1 }
        END { printf "%.1f", longest * interval }'
}

# runs: how often launchd has started the broker.
runs() {
    launchctl print "system/$label" | sed -n 's/^[[:space:]]*runs = //p'
}

# What a guest has: addresses and routes, and how often a link came up.
guest_addresses() {
    "$vm/exec" "$1" "ip -4 -o addr; ip route"
}

links() {
    "$vm/exec" "$1" "cat /sys/class/net/eth$2/carrier_up_count"
}

# guest_waits NAME CONDITION: until it holds in the guest; 100 s are too long.
guest_waits() {
    "$vm/exec" "$1" "i=0
        until $2; do
            i=\$((i + 1)); [ \$i -lt 1000 ] || exit 1; usleep 100000
        done"
}

# kill_broker: returns when the VMs are attached to the next one's networks. Sets
# absent to the seconds after which launchd started that: its starts of a job are
# ten seconds apart.
kill_broker() {
    one_log=$(after "$TEST_VM_RUN/one/log")
    two_log=$(after "$TEST_VM_RUN/two/log")
    one_console=$(after "$TEST_VM_RUN/one/console")
    two_console=$(after "$TEST_VM_RUN/two/console")
    next=$(($(runs) + 1))
    killed=$(date +%s%N)
    kill -9 "$(broker_pid)"
    launchctl standin-wait "system/$label" "runs=$next" 60
    absent=$(awk -v ns="$(($(date +%s%N) - killed))" \
        'BEGIN { printf "%.1f", ns / 1e9 }')
    for text in 'lost, asking again' 'back$'; do
        wait_for_words one "$one_log" 2 "$text"
        wait_for_words two "$two_log" 2 "$text"
    done
}

# --- Tests ------------------------------------------------------------------

@test "kill -9 of the broker: the pings go on, with the same addresses" {
    # Goal: networks heal under running VMs, as often as need be.
    wait_for_pings
    before=$(guest_addresses one; guest_addresses two)
    start=$(date +%s)
    round=0
    while [ $round -lt $rounds ] &&
        [ $(($(date +%s) - start)) -lt $budget ]; do
        round=$((round + 1))
        kill_broker
        wait_for_pings
        echo "# round $round: gaps of" \
            "$(gap one eth0 "$one_console")" "$(gap one eth1 "$one_console")" \
            "$(gap two eth0 "$two_console")" "$(gap two eth1 "$two_console")" \
            "s, of which launchd let $absent s pass before it" \
            "started the broker" >&3
    done
    echo "# healed $round times in $(($(date +%s) - start)) s" >&3
    [ $round -ge 1 ]
    now=$(guest_addresses one; guest_addresses two)
    echo "before: $before"
    echo "now: $now"
    [ "$now" = "$before" ]
}

@test "recreate: the pings go on, with the same addresses" {
    # Goal: one network is created again under two VMs; the other, and the
    # broker, are not touched.
    wait_for_pings
    before=$(guest_addresses one; guest_addresses two)
    pid=$(broker_pid)
    one_log=$(after "$TEST_VM_RUN/one/log")
    two_log=$(after "$TEST_VM_RUN/two/log")
    build/linux/plain/bin/vmnet-brokerctl recreate default
    wait_for_words one "$one_log" 1 '^launcher: default: back$'
    wait_for_words two "$two_log" 1 '^launcher: default: back$'
    wait_for_pings
    [ "$(guest_addresses one; guest_addresses two)" = "$before" ]
    [ "$(broker_pid)" = "$pid" ]
}

@test "the guest sees its link go down and up, and asks DHCP again" {
    # Goal: a network that came back with other addresses would be noticed.
    before=$(links one 0)
    "$vm/exec" one "rm /run/eth0.server /run/eth1.server"
    kill_broker
    wait_for_pings
    # By udhcpc, when the server has answered.
    guest_waits one "[ -e /run/eth0.server ] && [ -e /run/eth1.server ]"
    now=$(links one 0)
    echo "links came up $before times before, and $now times now"
    [ "$now" -gt "$before" ]
}

@test "a running VM is attached to no network, and to another one" {
    # Goal: the stand-in's VZNetworkDevice.attachment does what Apple's does:
    # the guest keeps its MAC address, and gets an address of the new network.
    ln -s "$PWD/build/linux/plain/tools/replug" "$BATS_TEST_TMPDIR/launcher"
    PATH_EXAMPLES=$BATS_TEST_TMPDIR "$vm/start" three --launcher launcher \
        --network default --network host
    launcher_pid=$(cat "$TEST_VM_RUN/three/pid")
    mac=$("$vm/exec" three "cat /sys/class/net/eth0/address")
    "$vm/exec" three "ping -c 1 $(address one eth0)"

    kill -USR2 "$launcher_pid"
    guest_waits three "grep -q 0 /sys/class/net/eth0/carrier"
    run ! "$vm/exec" three "ping -c 1 -W 1 $(address one eth0)"

    kill -USR1 "$launcher_pid"
    host=$(address one eth1)
    guest_waits three "ip -4 addr show dev eth0 | grep -q ' ${host%.*}\.'"
    "$vm/exec" three "ping -c 1 $host"
    [ "$("$vm/exec" three "cat /sys/class/net/eth0/address")" = "$mac" ]
}

@test "a network that is refused after the loss: the VM goes on without it" {
    # Goal: the broker's reason is told, and the other network heals. The last
    # test: this one does not heal after it.
    first=$(after "$TEST_VM_RUN/one/log")
    echo '{ "default": { "mode": "wrong" } }' \
        >"/Library/Application Support/$label/networks.json"
    kill -9 "$(broker_pid)"
    wait_for_words one "$first" 1 '^launcher: host: back$'
    wait_for_words one "$first" 1 '^launcher: default: .*; the VM goes on'
    tail -c "+$first" "$TEST_VM_RUN/one/log" |
        grep '^launcher: default: networks.json:1:.*default.mode'
    wait_for_ping one eth1
}
