# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# The broker's commands across processes and users; broker-commands-test,
# broker-steer-test and broker-watch-test check the complete replies.

load helper

@test "who may run which command: root, the broker's user, and others" {
    # Goal: root and the broker's user may change things, and everybody may
    # look; watch reports that a client connects, that it is killed, and that
    # the network is released.
    sandbox <<'SCRIPT'
# as USER COMMAND: prints the broker's reply.
as() {
    setpriv --reuid "$1" --regid "$1" --clear-groups \
        "$tools/ask" command=string:"$2" network_name=string:default
}
start watcher bob "$tools/ask" -H command=string:watch
wait_line watcher '^watching bool true'
for command in drain recreate resume; do
    expect "$command of alice" "error int64 3" \
        "$(as alice "$command" | grep '^error ')"
done
expect "recreate of the broker's user" "holders uint64 0" \
    "$(as _vmnetbroker recreate)"
expect "version" "version string $(vmnet-broker -V | sed 's/.* //')" \
    "$(as alice hello | grep '^version ')"
expect "pid" "pid int64 $(broker_pid)" "$(as alice hello | grep '^pid ')"

start holder alice ping -c 0 -H default
wait_line holder '^holding'
wait_line watcher '^event.event string acquired'
expect "holders" "holders.default uint64 1" \
    "$(as bob clients | grep '^holders')"
expect "uids that bob is shown" 502 \
    "$(as bob clients | sed -n 's/^clients.*\.uid uint64 //p' | sort -u)"
as _vmnetbroker clients | has '^clients.*\.uid uint64 501' ||
    fail "the broker's user is not shown alice"
kill -KILL "$(pid_of holder)"
for event in released lingering releasing inactive; do
    wait_line watcher "^event.event string $event"
done
SCRIPT
}

@test "drain under load interrupts no client" {
    # Goal: a manager acquires and releases ten networks all the time, and a
    # client pings, while root drains and resumes, and then drains for good. The
    # manager succeeds, served by two brokers, and no ping is lost.
    {
        printf '{'
        for i in 0 1 2 3 4 5 6 7 8; do
            printf '"n%d": {"mode": "host"},' "$i"
        done
        printf '"n9": {"mode": "host"}}'
    } >"$BATS_TEST_TMPDIR/networks.json"
    sandbox --config "$BATS_TEST_TMPDIR/networks.json" <<'SCRIPT'
start pinger alice ping -i 0.05 -c 10000 shared
wait_line pinger 'icmp_seq=2 '
broker=$(broker_pid)
mkfifo "$T/go"
exec 3<>"$T/go"
start manager bob sh -c "exec '$tools/manager' 20 <'$T/go'"
wait_log 'network n9: created'
for i in 1 2 3 4 5; do
    expect "drain $i" 1 "$(ask command=string:drain | grep -c '^holders uint64 ')"
    expect "resume $i" "draining bool false" "$(ask command=string:resume)"
done
ask command=string:drain >"$T/drained"
sent=$(wc -l <"$T/pinger.out")
wait_line pinger "icmp_seq=$((sent + 20)) "
expect "the broker" "$broker" "$(broker_pid)"
stop pinger INT
expect "the pinger" 0 "$status"
! grep -q 'no answer\|lost' "$T/pinger.out" || fail "$(cat "$T/pinger.out")"
wait_gone "$broker"
wait_line manager '^ready'
[ "$(broker_pid)" != "$broker" ] || fail "the same broker"
echo >&3
wait_exit manager
expect "the manager" 0 "$status"
SCRIPT
}
