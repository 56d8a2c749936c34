# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# Clients that die at any moment, and many clients at once.

load helper

@test "kill -9 of a client leaves exact counts" {
    # Goal: whatever a client was doing, the broker knows that it is gone and
    # which clients are left.
    sandbox <<'SCRIPT'
start keeper alice acquire default
wait_line keeper '^holding '
broker=$(broker_pid)
expect "holders before" 1 "$(holders default)"

# The client dies after each of the lines that ping prints, one for each state.
for line in '^ping: ' '^ping: gateway' '^PING ' 'icmp_seq=1 ' 'icmp_seq=3 '; do
    start victim bob ping -i 0.05 -c 1000 default
    wait_line victim "$line"
    expect "holders with the victim" 2 "$(holders default)"
    stop victim KILL
    settle 'holders default' 1
done

# By now the anchor has its descriptors, too.
descriptors=$(descriptors "$broker")

# It also dies at 60 moments in between, from before it starts to after its
# first ping.
for ms in $(seq 1 60); do
    as bob timeout -s KILL "$(printf 0.%03d "$ms")" \
        ping -i 0.01 -c 1000 default >/dev/null 2>&1 || :
done
settle 'holders default' 1
settle peers 2
expect "descriptors" "$descriptors" "$(descriptors "$broker")"
expect "the broker" "$broker" "$(broker_pid)"

start check alice ping -c 1 default
wait_exit check
expect "ping" 0 "$status"
SCRIPT
}

@test "kill -9 of all clients at once removes the network" {
    # Goal: the network is released when all its holders die together.
    sandbox <<'SCRIPT'
victims=
for i in $(seq 20); do
    start "victim-$i" bob acquire default
    victims="$victims $pid"
done
for i in $(seq 20); do
    wait_line "victim-$i" '^holding '
done
expect "holders" 20 "$(holders default)"
# shellcheck disable=SC2086 # process ids
kill -KILL $victims
wait_log 'network default: released'
expect "holders" absent "$(holders default)"
settle peers 1
SCRIPT
}

@test "a client may die while its network is being created" {
    # Goal: the network has no holder then and is released; other clients are
    # not disturbed.
    sandbox <<'SCRIPT'
for i in $(seq 10); do
    start "short-$i" bob acquire default
    kill -KILL "$pid"
    wait_exit "short-$i"
done
start survivor alice acquire default
wait_line survivor '^holding '
settle 'holders default' 1
settle peers 2
SCRIPT
}

# 16 processes acquire and exit 1,000 times in total; nothing that could grow
# may have grown afterwards. The baseline is what was alive after one cycle in
# each process.
# shellcheck disable=SC2016 # expanded in the sandbox
cycles='
cycle() {
    local i
    for i in $(seq "$1"); do
        "$tools/ask" command=string:acquire network_name=string:default
    done
}

storm() {
    local pids= i
    for i in $(seq 16); do
        cycle "$1" >"$T/cycle-$i.out" &
        pids="$pids $!"
    done
    for i in $pids; do
        wait "$i" || fail "an acquire failed"
    done
    expect "networks acquired" $((16 * $1)) \
        "$(cat "$T"/cycle-*.out | grep -c "^network dictionary")"
}

ask command=string:acquire network_name=string:default >/dev/null
broker=$(broker_pid)
'

@test "1,000 acquires and exits from 16 processes at once leave nothing" {
    # Goal: the broker's memory and descriptors do not grow. One heap for all
    # threads, since scheduling decides how many of them run.
    sandbox --daemon-env MALLOC_ARENA_MAX=1 <<SCRIPT
$cycles
storm 10
settle peers 1
descriptors=\$(descriptors "\$broker")
# The number of threads depends on how many ran at the same time, so the first
# round may create some. A leak makes every round grow.
for round in 1 2 3; do
    memory=\$(memory "\$broker")
    storm 63
    settle peers 1
    grown=\$((\$(memory "\$broker") - memory))
    echo "anonymous memory: \$memory KiB, \$grown KiB more after 1,008 cycles"
    [ "\$grown" -gt 64 ] || break
done
expect "the broker" "\$broker" "\$(broker_pid)"
expect "descriptors" "\$descriptors" "\$(descriptors "\$broker")"
[ "\$grown" -le 64 ] || fail "grown by \$grown KiB in round \$round"
SCRIPT
}

# Prints what was alive when the broker exited after $1 cycles in each of 16
# processes, under the sanitizers.
objects_after() {
    sanitized --daemon-env STANDIN_COUNT=/run/report/objects <<SCRIPT
$cycles
storm $1 >&2
settle peers 1 >&2
expect "the broker" "\$broker" "\$(broker_pid)" >&2
kill -TERM "\$broker"
wait_gone "\$broker" >&2
sort /run/report/objects
SCRIPT
}

@test "1,000 acquires and exits are clean under the sanitizers" {
    # Goal: there are no memory errors, and no object is left over.
    few=$(objects_after 1)
    many=$(objects_after 63)
    [ -n "$few" ]
    echo "alive after 16 cycles: $few"
    echo "alive after 1,008 cycles: $many"
    [ "$few" = "$many" ]
}

@test "promise 7: the oldest client and one newer than the broker are served" {
    # Goal: the oldest client sends a command and a name, and reads `network` or
    # `error`. The additional keys of a newer client change nothing.
    sanitized <<'SCRIPT'
for more in '' '-k 100' 'version=int64:99' 'network=dictionary'; do
    case $more in
    -*) before=$more after= ;;
    *) before= after=$more ;;
    esac
    # shellcheck disable=SC2086 # words, or none
    acquire() {
        as alice "$tools/ask" $before command=string:acquire \
            "network_name=string:$1" $after >"$T/acquire.out"
    }
    acquire default
    expect "networks with '$more'" 1 \
        "$(grep -c '^network dictionary$' "$T/acquire.out")"
    expect "errors with '$more'" 0 "$(grep -c '^error ' "$T/acquire.out")"
    acquire nowhere
    expect "an unknown name with '$more'" 'error int64 5' \
        "$(grep '^error ' "$T/acquire.out")"
    acquire Default
    expect "an invalid name with '$more'" 'error int64 4' \
        "$(grep '^error ' "$T/acquire.out")"
done
SCRIPT
}
