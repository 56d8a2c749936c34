#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# Networks that recover under running VMs: the broker is killed, and its
# networks disappear with it; launcher attaches its VM to the new ones, and
# vmnet-run starts new interfaces for its own. The two VMs ping each other all
# the time on two networks. No guest is changed.
#
# launchd restarts a broker at once here, because it dies twenty times.
# ../heal.bats tests it with launchd's pauses.
#
# On macOS the subnets of an owner that was killed stay in use until a reboot.
# Test this by hand there.

# shellcheck disable=SC2154 # the variables are vm.bash's

bats_require_minimum_version 1.5.0
load vm
load ../plist

# Seconds between two pings of one kind.
interval=0.2

# Deaths of the broker in a row.
rounds=20

setup_file() {
    load vm
    [ "$(uname)" != Darwin ] || skip "it would leave taken subnets behind"
    export TEST_VM_RUN=$BATS_FILE_TMPDIR
    launchctl bootout "system/$label"
    launchctl bootstrap system "$(unthrottled "$BATS_FILE_TMPDIR")"
    "$vm/start" one --launcher launcher --network default --network host
    "$vm/start" two --launcher vmnet-run --network default --network host
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

# follow FILE FIRST: prints its bytes from FIRST on, and what is appended, for
# two minutes at most. A Mac has no timeout(1).
follow() {
    perl -e 'alarm shift; exec @ARGV' 120 tail -c "+$2" -f "$1" 2>/dev/null 3>&-
}

# after FILE: prints the position of the next byte.
after() {
    echo $(($(wc -c <"$1") + 1))
}

# reply NAME INTERFACE: prints a pattern for the line of a reply. Two lines
# written at once may be mixed up and do not match.
reply() {
    echo "^$1 $2: 64 bytes from [0-9.]*: seq=\([0-9]*\) ttl=[0-9]* time=[0-9.]* ms"
}

# wait_for_ping NAME INTERFACE: waits for a reply that comes from now on.
wait_for_ping() {
    file=$TEST_VM_RUN/$1/console
    grep -q -m 1 "$(reply "$1" "$2")" < <(follow "$file" "$(after "$file")") || {
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

# wait_for_words NAME FIRST COUNT TEXT: waits for lines in the launcher's log.
wait_for_words() {
    [ "$(grep -c -m "$3" "$4" \
        < <(follow "$TEST_VM_RUN/$1/log" "$2"))" -eq "$3" ] || {
        echo "no $3 lines '$4':"
        cat "$TEST_VM_RUN/$1/log"
        return 1
    }
}

# sequence_numbers NAME INTERFACE: prints those of the replies on a console.
sequence_numbers() {
    tr -d '\r' | sed -n "s/$(reply "$1" "$2")$/\1/p"
}

# gap NAME INTERFACE FIRST: prints the longest interval between replies from
# FIRST on, in seconds; it may begin with the reply before.
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

# runs: prints how often launchd has started the broker.
runs() {
    launchctl print "system/$label" | sed -n 's/^[[:space:]]*runs = //p'
}

# Prints the guest's addresses and routes, and how often a link came up.
guest_addresses() {
    "$vm/exec" "$1" "ip -4 -o addr; ip route"
}

links() {
    "$vm/exec" "$1" "cat /sys/class/net/eth$2/carrier_up_count"
}

# guest_waits NAME CONDITION: waits until it is true in the guest, for 100 s at
# most.
guest_waits() {
    "$vm/exec" "$1" "i=0
        until $2; do
            i=\$((i + 1)); [ \$i -lt 1000 ] || exit 1; usleep 100000
        done"
}

# kill_broker: returns when launchd has started the next one and both VMs are
# attached to its networks.
kill_broker() {
    one_log=$(after "$TEST_VM_RUN/one/log")
    two_log=$(after "$TEST_VM_RUN/two/log")
    one_console=$(after "$TEST_VM_RUN/one/console")
    two_console=$(after "$TEST_VM_RUN/two/console")
    next=$(($(runs) + 1))
    kill -9 "$(broker_pid)"
    launchctl standin-wait "system/$label" "runs=$next" 60
    for text in 'lost, asking again' ': back'; do
        wait_for_words one "$one_log" 2 "$text"
        wait_for_words two "$two_log" 2 "$text"
    done
}

# gaps: prints those since kill_broker, of each VM on each network.
gaps() {
    echo "$(gap one eth0 "$one_console") $(gap one eth1 "$one_console")" \
        "$(gap two eth0 "$two_console") $(gap two eth1 "$two_console")"
}

# --- Tests ------------------------------------------------------------------

@test "kill -9 of the broker, 20 times: the pings go on, with the same addresses" {
    # Goal: networks recover under running VMs of both launchers, every time.
    # The gaps are printed; their length decides nothing.
    wait_for_pings
    before=$(guest_addresses one; guest_addresses two)
    begin=$(date +%s)
    for round in $(seq $rounds); do
        broker=$(broker_pid)
        kill_broker
        wait_for_pings
        [ "$(broker_pid)" != "$broker" ]
        gaps >>"$BATS_TEST_TMPDIR/gaps"
        echo "# round $round: gaps of $(tail -n 1 "$BATS_TEST_TMPDIR/gaps") s" >&3
    done
    now=$(guest_addresses one; guest_addresses two)
    echo "before: $before"
    echo "now: $now"
    [ "$now" = "$before" ]
    tr ' ' '\n' <"$BATS_TEST_TMPDIR/gaps" | sort -n | awk -v rounds=$rounds \
        -v seconds=$(($(date +%s) - begin)) '
        { gap[NR] = $1 }
        END { print "# healed " rounds " times in " seconds " s; gaps " \
            gap[1] " to " gap[NR] " s, median " gap[int((NR + 1) / 2)] " s" }' >&3
}

@test "recreate: the pings go on, with the same addresses" {
    # Goal: one network is created again under two VMs; the other network and
    # the broker are unaffected.
    wait_for_pings
    before=$(guest_addresses one; guest_addresses two)
    pid=$(broker_pid)
    one_log=$(after "$TEST_VM_RUN/one/log")
    two_log=$(after "$TEST_VM_RUN/two/log")
    build/linux/plain/bin/vmnet-brokerctl recreate default
    wait_for_words one "$one_log" 1 ': default: back'
    wait_for_words two "$two_log" 1 ': default: back'
    wait_for_pings
    [ "$(guest_addresses one; guest_addresses two)" = "$before" ]
    [ "$(broker_pid)" = "$pid" ]
}

@test "the guest of launcher sees its link go down and up, and asks DHCP again" {
    # Goal: the guest would notice a network that came back with other
    # addresses.
    before=$(links one 0)
    "$vm/exec" one "rm /run/eth0.server /run/eth1.server"
    kill_broker
    wait_for_pings
    # udhcpc writes this when the server has replied.
    guest_waits one "[ -e /run/eth0.server ] && [ -e /run/eth1.server ]"
    now=$(links one 0)
    echo "links came up $before times before, and $now times now"
    [ "$now" -gt "$before" ]
}

@test "a running VM can be attached to no network, and to another one" {
    # Goal: the stand-in's VZNetworkDevice.attachment behaves like Apple's: the
    # guest keeps its MAC address and gets an address of the new network.
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

@test "a network that is refused after the loss: the VMs go on without it" {
    # Goal: the broker's reason is printed, and the other network recovers. This
    # is the last test, because this network does not recover after it.
    first=$(after "$TEST_VM_RUN/one/log")
    second=$(after "$TEST_VM_RUN/two/log")
    echo '{ "default": { "mode": "wrong" } }' \
        >"/Library/Application Support/$label/networks.json"
    kill -9 "$(broker_pid)"
    wait_for_words one "$first" 1 '^launcher: host: back$'
    wait_for_words one "$first" 1 '^launcher: default: .*; the VM continues'
    tail -c "+$first" "$TEST_VM_RUN/one/log" |
        grep '^launcher: default: networks.json:1:.*default.mode'
    wait_for_words two "$second" 1 '^vmnet-run: host: back'
    wait_for_words two "$second" 1 \
        '^vmnet-run: default: no longer available: networks.json:1:'
    wait_for_ping one eth1
    wait_for_ping two eth1
}
