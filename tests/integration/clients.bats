# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# Clients that die, at any moment; and many of them.

load helper

@test "kill -9 of a client leaves exact counts" {
    # Goal: whatever a client was doing, the broker knows that it is gone, and
    # who is left.
    sandbox <<'SCRIPT'
start keeper alice acquire default
wait_line keeper '^holding '
broker=$(broker_pid)
expect "holders before" 1 "$(holders default)"

# After each of the lines that ping prints, which are its states.
for line in '^ping: ' '^ping: gateway' '^PING ' 'icmp_seq=1 ' 'icmp_seq=3 '; do
    start victim bob ping -i 0.05 -c 1000 default
    wait_line victim "$line"
    expect "holders with the victim" 2 "$(holders default)"
    stop victim KILL
    settle 'holders default' 1
done

# By now the anchor interface, too, has its descriptors.
descriptors=$(descriptors "$broker")

# And at 60 moments in between, from before it starts to after its first ping.
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

@test "kill -9 of everybody at once" {
    # Goal: the network goes when all its holders die together.
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

@test "a client that dies while the network is being made" {
    # Goal: nobody is left to hold it, so it goes; others are not disturbed.
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

# 1,000 acquire and exit in 16 processes at once; then all that grows must not
# have grown. What is alive at the end is what was alive after one cycle.
# shellcheck disable=SC2016 # it is expanded in the sandbox
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

@test "1,000 acquire and exit, from 16 processes at once" {
    # Goal: the broker does not grow: memory, descriptors.
    sandbox <<SCRIPT
$cycles
storm 10
settle peers 1
descriptors=\$(descriptors "\$broker")
# How many threads met decides how much heap there is, so that the first round
# may make some; a leak makes each of them grow.
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

@test "1,000 acquire and exit, under the sanitizers" {
    # Goal: no error of memory, and no object left over.
    few=$(objects_after 1)
    many=$(objects_after 63)
    [ -n "$few" ]
    echo "alive after 16 cycles: $few"
    echo "alive after 1,008 cycles: $many"
    [ "$few" = "$many" ]
}

@test "promise 7: the oldest client, and one that is newer than the broker" {
    # Goal: the oldest sends a command and a name, and reads `network` or
    # `error`; what a newer one sends beside it changes nothing.
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
