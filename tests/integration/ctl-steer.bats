# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# vmnet-brokerctl: the commands that change something, and their effect on
# clients.

load ctl

@test "hold keeps networks while a command runs" {
    # Goal: networks are held while a command runs, or until a signal arrives.
    # The exit status is the command's.
    ctl_sandbox --plist "$(unthrottled)" <<'SCRIPT'
prints 7 $alice $plain hold default host -- sh -c \
    "$plain list | awk '{ print \$1, \$NF }'; exit 7" <<END
NAME CLIENTS
default 1
host 1
shared 0
END
settle 'holders host' 0
exits 143 '' $ctl hold default -- sh -c 'kill -TERM $$'
exits 127 'nosuch-program: No such file' $ctl hold default -- nosuch-program
exits 126 "$T: Permission denied" $ctl hold default -- "$T"
exits 5 '^vmnet-brokerctl: nosuch: no such network' \
    $ctl hold default nosuch -- true
mkfifo "$T/fifo"
start command bob $ctl hold default -- sh -c "echo started; read line <$T/fifo"
wait_line command '^started$'
stop command
expect "status after TERM" 143 "$status"
start holder bob $ctl hold default host
wait_line holder '^holding default, subnet 192.168.115.0/24, gateway 192.168.115.1$'
wait_line holder '^holding host'
expect "holders" 1 "$(holders host)"
kill -KILL "$(broker_pid)"
wait_line holder 'vmnet-brokerctl: host: the network was lost; requesting it again'
wait_line holder '^holding host' 2
stop holder INT
expect "status after INT" 0 "$status"
SCRIPT
}

@test "recreate, drain, resume and watch work with clients connected" {
    # Goal: holders get LOST and GRANTED and hold a new network. A drain
    # interrupts no client. Events are printed as they happen.
    ctl_sandbox --config "$(options '"linger": 0')" <<'SCRIPT'
start watch alice $ctl watch
start lines alice $ctl watch --json
settle peers 3
start one alice $ctl hold default
start two bob acquire default
wait_line one '^holding default'
wait_line two '^holding default'
only='only root and the broker.s own user may do that'
for command in drain resume reload "recreate default"; do
    exits 4 "$only" $alice $ctl $command
done
prints 0 $ctl recreate default <<END
default: released; its clients (2) were disconnected and get a new network when they reconnect
END
wait_line one 'default: the network was lost'
wait_line one '^holding default' 2
wait_line two '^holding default' 2
prints 0 $ctl recreate host <<END
host: not in use; the next client gets a new network
END
exits 5 'recreate nosuch: no such network' $ctl recreate nosuch

prints 0 $ctl drain <<END
draining: 2 clients use networks; the broker exits when the last one disconnects
END
$ctl status | has '^broker .*draining, version' || fail "not draining"
start late bob $ctl hold default
wait_line late 'vmnet-brokerctl: default: waiting: .*drain'
expect "holders" 2 "$(holders default)"
prints 0 $ctl resume <<END
the broker accepts new clients again
END
wait_line late '^holding default'
exits 6 'drain: clients still use networks after 0.2 seconds' \
    $ctl drain --wait 0.2
broker=$(broker_pid)
start drain root $ctl drain --wait "$guard"
wait_log 'drain' 1
stop one INT
stop late
settle 'holders default' 1
prints 0 $ctl drain <<END
draining: 1 client uses networks; the broker exits when the last one disconnects
END
expect "the broker, while one holds" "$broker" "$(broker_pid)"
stop two INT
wait_exit drain
expect "drain --wait" 0 "$status"
wait_line drain '^the broker exited' || fail "drain"
wait_gone "$broker"
wait_exit watch
expect "watch" 0 "$status"
wait_exit lines
for event in creating held acquired released releasing refused draining resumed; do
    grep -qE "^[0-9:.]{12}  $event " "$T/watch.out" || fail "watch: no $event"
    grep -q "\"event\": \"$event\"" "$T/lines.out" ||
        fail "watch --json: no $event"
done
grep '^{' "$T/lines.out" | python3 -c 'import json, sys
last = 0
for line in sys.stdin:
    event = json.loads(line)
    assert event["sequence"] > last, line
    last = event["sequence"]
' || fail "watch --json"
SCRIPT
}

@test "watch: a network is created, held and released; the broker crashes" {
    # Goal: each event is printed as it happens. After a crash watch continues
    # with the next broker, and after an exit it ends. A drain then counts as a
    # failure.
    ctl_sandbox --plist "$(unthrottled)" --config "$(options '"linger": 0')" <<'SCRIPT'
start watch alice $ctl watch
start lines alice $ctl watch --json
settle peers 3
start one alice $ctl hold default
wait_line one '^holding default'
event='^[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}  '
wait_line watch "${event}creating    default  clients 1"
wait_line watch "${event}created     default  clients 1"
wait_line watch "${event}held        default  clients 1"
wait_line watch "${event}acquired    default  clients 1  by alice, process $(pid_of one)\$"
stop one INT
wait_line watch "${event}released    default  clients 0  by alice, process $(pid_of one)\$"
wait_line watch "${event}inactive    default  clients 0"
start two bob $ctl hold default
wait_line two '^holding default'
$ctl drain >"$T/drained"
start drain root $ctl drain --wait "$guard"
settle peers 5
kill -KILL "$(broker_pid)"
wait_line watch "${event}crashed     -  the broker died without shutting down; "
wait_exit drain
expect "drain --wait" 1 "$status"
wait_line drain 'drain: the broker died before its last client disconnected'
wait_line two '^holding default' 2
settle peers 4 # both watchers have reconnected
start three alice $ctl hold default
wait_line watch "${event}acquired    default  clients 2  by alice, process $(pid_of three)\$"
wait_line lines '"event": "acquired".*"holders": 2' # from the second broker
stop two INT
stop three INT
kill -TERM "$(broker_pid)"
for name in watch lines; do
    wait_line $name '^vmnet-brokerctl: the broker exited'
    wait_exit $name
    expect "$name" 0 "$status"
done
grep '^{' "$T/lines.out" | python3 -c 'import json, sys
events = [json.loads(line) for line in sys.stdin]
crash = [event["event"] for event in events].index("crashed")
assert set(events[crash]) == {"event", "time", "error_message"}, events[crash]
numbers = [event["sequence"] for event in events[crash + 1:]]
assert numbers == sorted(numbers) and numbers[0] < events[crash - 1]["sequence"]
assert "stopping" in [event["event"] for event in events[crash:]]
' || fail "watch --json"
SCRIPT
}

@test "drain --wait: the broker is shut down meanwhile" {
    # Goal: the command succeeds if the last client leaves in time, and fails if
    # a network is taken from its client.
    ctl_sandbox --plist "$(unthrottled)" \
        --daemon-env STANDIN_CLOCK=/run/standin/clock <<'SCRIPT'
clock_create
for leaves in yes no; do
    start one alice $ctl hold default
    start two bob $ctl hold default host
    wait_line one '^holding default'
    wait_line two '^holding default'
    wait_line two '^holding host'
    start watch bob $ctl watch --json
    settle peers 5
    start drain root $ctl drain --wait "$guard"
    wait_line watch '"event": "draining"'
    broker=$(broker_pid)
    kill -TERM "$broker"
    wait_line watch '"event": "stopping".*"holders": 3'
    stop one
    wait_line watch '"event": "released".*"holders": 1'
    [ $leaves = no ] || stop two
    [ $leaves = yes ] || advance 10s
    wait_gone "$broker"
    wait_exit drain
    wait_exit watch
    expect "watch" 0 "$status"
    wait_exit drain
    if [ $leaves = yes ]; then
        expect "drain" 0 "$status"
        wait_line drain '^the broker exited'
    else
        expect "drain" 1 "$status"
        wait_line drain 'was shut down before .* 2 clients lost their networks'
        stop two
    fi
done
SCRIPT
}

@test "watch: a broker that is already exiting does not reply" {
    # Goal: a broker that exits replies to nobody, and watch does not report a
    # crash.
    ctl_sandbox --plist "$(unthrottled)" \
        --daemon-env STANDIN_HANG=vmnet_network_create:1 \
        --daemon-env STANDIN_CLOCK=/run/standin/clock <<'SCRIPT'
clock_create
start waiting bob "$tools/ask" -H command=string:acquire network_name=string:default
settle 'holders default' 1
settle peers 2
broker=$(broker_pid)
ask command=string:drain >"$T/drained"
wait_log 'stopping: '
open=$(descriptors "$broker") # maybe including the last request's
start watch alice $ctl watch
start lines alice $ctl watch --json
until [ "$(descriptors "$broker")" -gt "$open" ]; do
    [ $SECONDS -lt "$guard" ] || fail "watch did not connect"
done
advance 8s
wait_gone "$broker"
settle peers 3
kill -TERM "$(broker_pid)"
wait_line watch '  stopping '
wait_line lines '"event": "stopping"'
wait_exit watch
expect "watch" 0 "$status"
! grep crashed "$T/watch.out" "$T/lines.out" || fail "watch: a crash"
SCRIPT
}

@test "reload reports what changes" {
    # Goal: the changes in the file are printed. Changes to a network in use are
    # pending until it is created again, and an error takes nothing away.
    echo '{"a": {"mode": "host"}, "b": {"mode": "host"}, "d": {"mode": "host"}}' \
        >"$BATS_TEST_TMPDIR/networks.json"
    ctl_sandbox --config "$BATS_TEST_TMPDIR/networks.json" <<'SCRIPT'
start holder bob $ctl hold a
wait_line holder '^holding a'
echo '{"a": {"mode": "shared"}, "c": {"mode": "shared"}, "d": {"mode": "shared"}}' \
    >"$support/networks.json"
prints 0 $ctl reload <<END
added:   c
changed: d
removed: b
pending: a
END
$ctl list >"$T/list"
grep -qE '^a +host +held, pending ' "$T/list" || fail "$(cat "$T/list")"
prints 0 $ctl recreate a <<END
a: released; its clients (1) were disconnected and get a new network when they reconnect
END
wait_line holder '^holding a' 2
$ctl list >"$T/list"
grep -qE '^a +shared +held ' "$T/list" || fail "$(cat "$T/list")"
json $ctl reload >"$T/got"
diff - "$T/got" <<END || fail "reload --json"
{
  "added": [],
  "changed": [],
  "pending": [],
  "problems": [],
  "removed": []
}
END
echo '{"a": {"mode": "hots"}}' >"$support/networks.json"
exits 1 'networks.json:1:16: a.mode: "hots" is not' $ctl reload
expect "holders" 1 "$(holders a)"
echo '{"a": }' >"$support/networks.json"
exits 1 'reload: .*networks.json:1:7: ' $ctl reload
SCRIPT
}

@test "1,000 clients are listed" {
    # Goal: all of them are listed and counted.
    ctl_sandbox <<'SCRIPT'
start few alice "$tools/ask" -H -c 15 command=string:acquire \
    network_name=string:default
wait_line few '^holding'
start crowd root "$tools/ask" -H -c 985 command=string:acquire \
    network_name=string:default
wait_line crowd '^holding'
expect "rows" 1001 "$($ctl clients | grep -cE '^(root|alice) .*(default|-) +-$')"
$ctl clients >"$T/clients"
grep -q '^clients in total: 1001; by network: default 1000$' "$T/clients" ||
    fail "$(tail -n 1 "$T/clients")"
json $ctl clients >"$T/got"
expect "JSON" 1001 "$(grep -c '"pid": N' "$T/got")"
SCRIPT
}
