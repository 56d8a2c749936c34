# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# Limits on what one client may use, so that there is enough for the others.

load helper

@test "S8: a client may have four unanswered requests" {
    # Goal: a client that asks without waiting is refused; its requests are not
    # queued without limit.
    sandbox --daemon-env STANDIN_HANG=vmnet_network_create:1 \
        --daemon-env STANDIN_CLOCK=/run/standin/clock <<'SCRIPT'
clock_create
start eager alice "$tools/ask" -a -n 20 command=string:acquire \
    network_name=string:default
refused=$(grep -m 16 -c '^error int64 8' < <(follow "$T/eager.out" "$pid"))
expect "refused" 16 "$refused"
# The four waiting requests are answered when vmnet has responded.
advance 31s
wait_exit eager
expect "failed" 4 "$(grep -c '^error int64 6' "$T/eager.out")"
expect "refused" 16 "$(grep -c '^error int64 8' "$T/eager.out")"
SCRIPT
}

@test "S8: a client that never stops asking costs no memory" {
    # Goal: it is answered or disconnected, and the broker's memory does not
    # grow.
    # One heap for all threads, since scheduling decides how many of them run.
    sandbox --daemon-env MALLOC_ARENA_MAX=1 <<'SCRIPT'
flood() {
    local i
    for i in $(seq 10); do
        as alice "$tools/ask" -a -n 10000 command=string:status \
            >"$T/flood.out" || :
        settle peers 1
    done
}
# The first rounds create the threads that later rounds reuse, and scheduling
# decides how many. If messages that are not read were kept, every round would
# grow.
flood
broker=$(broker_pid)
for round in $(seq 5); do
    memory=$(memory "$broker")
    flood
    grown=$(($(memory "$broker") - memory))
    [ "$grown" -gt 64 ] || break
done
expect "the broker" "$broker" "$(broker_pid)"
[ "$grown" -le 64 ] || fail "grown by $grown KiB in round $round"
SCRIPT
}

@test "S10: a client may hold eight networks" {
    # Goal: the ninth is refused with a message that names the limit, and the
    # eight remain.
    {
        echo '{'
        for i in 1 2 3 4 5 6 7 8; do
            echo "\"n$i\": {\"mode\": \"host\"},"
        done
        echo '"n9": {"mode": "host"}}'
    } >"$BATS_TEST_TMPDIR/networks.json"
    sanitized --config "$BATS_TEST_TMPDIR/networks.json" <<'SCRIPT'
acquire=command=string:acquire
start greedy alice "$tools/ask" -H \
    $acquire network_name=string:n1 + $acquire network_name=string:n2 + \
    $acquire network_name=string:n3 + $acquire network_name=string:n4 + \
    $acquire network_name=string:n5 + $acquire network_name=string:n6 + \
    $acquire network_name=string:n7 + $acquire network_name=string:n8 + \
    $acquire network_name=string:n9 + $acquire network_name=string:n8
wait_line greedy '^holding'
expect "networks" 9 "$(grep -c '^network dictionary' "$T/greedy.out")"
expect "refused" 1 "$(grep -c '^error int64 8' "$T/greedy.out")"
wait_line greedy '^error_message string .*8'
for i in 1 8; do
    expect "holders of n$i" 1 "$(holders "n$i")"
done
expect "holders of n9" absent "$(holders n9)"
start other bob acquire n9
wait_line other '^holding '
SCRIPT
}

@test "S10: a user may have 256 clients" {
    # Goal: one user cannot lock out others; root is exempt.
    sanitized <<'SCRIPT'
ulimit -n 4096
start hog alice "$tools/ask" -H -c 256 command=string:status
wait_line hog '^holding'
as alice "$tools/ask" command=string:status >"$T/refused.out"
grep -q '^error int64 8' "$T/refused.out" || fail "the 257th was served"
grep -q '^error_message string .*256' "$T/refused.out" || fail "no limit named"
as bob "$tools/ask" command=string:status >/dev/null ||
    fail "another user is not served"
expect "clients" 257 "$(peers)"
stop hog KILL
settle peers 1
as alice "$tools/ask" command=string:status >/dev/null ||
    fail "not served after the others have left"
SCRIPT
}

@test "S10: the broker serves 1,024 clients" {
    # Goal: the number of clients is limited, for root as well.
    sanitized <<'SCRIPT'
ulimit -n 4096
start hog root "$tools/ask" -H -c 1024 command=string:status
wait_line hog '^holding'
ask command=string:status >"$T/refused.out"
grep -q '^error int64 8' "$T/refused.out" || fail "the 1,025th was served"
stop hog KILL
settle peers 1
SCRIPT
}

@test "S13: the process id in a request is ignored" {
    # Goal: a wrong process id changes nothing.
    sanitized --daemon-env STANDIN_PID=1 <<'SCRIPT'
start alice alice ping -H -c 1 default
start bob bob ping -H -c 1 default
wait_line alice '^holding '
wait_line bob '^holding '
expect "holders" 2 "$(holders default)"
stop alice KILL
settle 'holders default' 1
stop bob KILL
settle 'holders default' 0
SCRIPT
}

@test "S16: what a client sends is escaped, cut and limited in the log" {
    # Goal: no client can flood the log or forge lines in it. The clock stands
    # still, so all lines belong to one second.
    sanitized --daemon-env STANDIN_CLOCK=/run/standin/clock <<'SCRIPT'
clock_create
as alice "$tools/ask" -n 5000 $'command=string:\033[31m\r\nfake: line\377' \
    >/dev/null
as alice "$tools/ask" command=string:acquire network_name=fill:100000 \
    >/dev/null
log=$STANDIN_DIR/log
lines=$(wc -l <"$log")
[ "$lines" -le 20 ] || fail "$lines lines"
longest=$(wc -L <"$log")
[ "$longest" -le 400 ] || fail "a line of $longest"
! LC_ALL=C grep -q '[^ -~]' "$log" || fail "control bytes in the log"
! grep -q '^fake' "$log" || fail "a line of the client's"
SCRIPT
}

@test "S20: a vmnet call that hangs affects only its network" {
    # Goal: clients that wait for it fail after 30 s, later ones fail at once,
    # and all others are unaffected.
    sandbox --daemon-env STANDIN_HANG=vmnet_network_create:1 \
        --daemon-env STANDIN_CLOCK=/run/standin/clock <<'SCRIPT'
clock_create
start first alice "$tools/ask" command=string:acquire \
    network_name=string:default
start second bob "$tools/ask" command=string:acquire \
    network_name=string:default
two() {
    status | grep -c '^networks\[0\].holders uint64 2' || :
}
settle two 1
start other bob ping -c 1 host
wait_exit other
expect "another network" 0 "$status"
expect "first" '' "$(cat "$T/first.out")"
advance 31s
wait_exit first
wait_line first '^error int64 6'
wait_exit second
wait_line second '^error int64 6'
start again alice ping -c 1 default
wait_exit again
wait_line again '^ping: default: vmnet has not answered for this network since '
ask command=string:status | has '^networks.*state string stuck' ||
    fail "not stuck"
start other bob ping -c 1 host
wait_exit other
expect "another network, still" 0 "$status"
SCRIPT
}

@test "a broker without clients is small" {
    # Goal: less than 170 KiB of program, including jansson, and 512 KiB of
    # private memory, part of which is the stand-in's.
    broker=build/linux/plain/bin/vmnet-broker
    strip -o "$BATS_TEST_TMPDIR/stripped" "$broker"
    size=$(wc -c <"$BATS_TEST_TMPDIR/stripped")
    echo "$size bytes"
    [ "$size" -lt $((170 * 1024)) ]
    sandbox --config "$(options '"linger": 0')" <<'SCRIPT'
ask command=string:acquire network_name=string:default >/dev/null
wait_log 'network default: released'
settle peers 1
memory=$(memory "$(broker_pid)")
echo "$memory KiB"
[ "$memory" -lt 512 ] || fail "$memory KiB"
SCRIPT
}
