# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# What becomes of guests behind vmnet-run when the broker dies.

load helper

# What the scripts here share, before the script: two guests on two networks,
# of which one pings the other.
heal() {
    local out=$BATS_TEST_TMPDIR/out status=0

    sandbox "$@" <<SCRIPT >"$out" 2>&1 || status=$?
$(
        cat <<'COMMON'
PATH=$PWD/$tools:$PATH

# subnet NETWORK: its first three bytes.
subnet() {
    start subnet alice ping -c 0 -H "$1"
    wait_line subnet '^holding' | sed 's/^holding \(.*\)\.[0-9]* until.*/\1/'
    stop subnet
}

# count NAME PATTERN: lines that what was started as NAME has printed.
count() {
    grep -c -E -- "$2" "$T/$1.out" || :
}

# wait_count NAME PATTERN COUNT: until it has printed so many.
wait_count() {
    grep -m "$3" -E -- "$2" < <(follow "$T/$1.out" "$(pid_of "$1")") \
        >"$T/matches" || :
    [ "$(wc -l <"$T/matches")" -eq "$3" ] || fail "$1 did not print '$2' $3 times"
}

# pings: goes on, with answers to requests that were sent from now on, on both
# networks. Five may have been under way.
pings() {
    local address
    for address in "$default.201" "$host.201"; do
        wait_count pinger "^$address answers " \
            $(($(count pinger "^$address answers ") + 5))
    done
}

default=$(subnet default)
host=$(subnet host)
a=52:54:00:00:00:0a
b=52:54:00:00:00:0b
start answerer alice vmnet-run --stats --network default --network host -- sh -c "
    vmm answer {fd0} $b $default.201 & exec vmm answer {fd1} $b $host.201"
wait_line answerer "^answering $default.201"
wait_line answerer "^answering $host.201"
start pinger bob vmnet-run --stats --network default --network host -- sh -c "
    vmm ping {fd0} $a $default.200 $b $default.201 &
    exec vmm ping {fd1} $a $host.200 $b $host.201"
pings

# kill_broker TIMES: one death of the broker after the other. Both guests are
# back on both networks each time, and their pings go on.
kill_broker() {
    local i broker guest network
    for i in $(seq "$1"); do
        broker=$(broker_pid)
        kill -KILL "$broker"
        for guest in pinger answerer; do
            for network in default host; do
                wait_count "$guest" \
                    "^vmnet-run: $network: back after [0-9]+ ms" "$i"
                expect "$guest lost $network" "$i" \
                    "$(count "$guest" "$network: lost, asking again")"
            done
        done
        pings
        [ "$(broker_pid)" != "$broker" ] || fail "the same broker"
    done
    sed -n 's/.*: back after \([0-9]*\) ms/\1/p' "$T/pinger.out" | sort -n |
        awk '{ gap[NR] = $1 }
            END { print NR " gaps: " gap[1] " to " gap[NR] " ms, median " \
                gap[int((NR + 1) / 2)] " ms" }'
}
COMMON
        cat
    )
SCRIPT
    cat "$out"
    sed -n '/ gaps: /s/^/# /p' "$out" >&3
    return $status
}

@test "kill -9 of the broker: guests go on by themselves" {
    # Goal: the same command, socket and addresses, however often it happens.
    # launchd starts a job every 10 s at the most; that is switched off here,
    # for the sake of twenty deaths.
    heal --plist "$(unthrottled)" <<'SCRIPT'
answerer=$(pid_of answerer)
guests=$(pgrep -P "$answerer")
kill_broker 20
expect "the command" "$guests" "$(pgrep -P "$answerer")"
expect "interfaces" 2 "$(vmnetctl | grep -c "^interface .* pid=$answerer ")"
stop pinger
# What was sent while there was no network is counted.
[ "$(wait_line pinger '^vmnet-run: default out:' |
    sed 's/.* \([0-9]*\) dropped.*/\1/')" -gt 0 ] || fail "nothing was dropped"
stop answerer
SCRIPT
}

@test "kill -9 of the broker: with launchd's pauses" {
    # Goal: the same with the job as it ships. The gap is what launchd makes it:
    # up to 10 s after the last start.
    heal <<'SCRIPT'
kill_broker 3
SCRIPT
}

@test "vmnet-brokerctl recreate: guests go on by themselves" {
    # Goal: a network is created again under two guests that ping each other:
    # they heal, and the other network is not touched.
    heal <<'SCRIPT'
broker=$(broker_pid)
vmnet-brokerctl recreate default
for guest in pinger answerer; do
    wait_count "$guest" '^vmnet-run: default: back after [0-9]+ ms' 1
    expect "$guest lost host" 0 "$(count "$guest" 'host: lost')"
done
pings
expect "the broker" "$broker" "$(broker_pid)"
SCRIPT
}
