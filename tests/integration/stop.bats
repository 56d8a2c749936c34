# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# How the broker stops, and what happens to its clients.

load helper

# Prints "true" while the broker only waits for the last holder.
stopping='stopping() {
    status | sed -n "s/^stopping bool //p"
}'

@test "SIGTERM with nothing held: exits at once" {
    # Goal: clients that hold nothing do not keep the broker running (S11).
    sandbox <<'SCRIPT'
start idle alice "$tools/ask" -H command=string:status
wait_line idle '^holding'
broker=$(broker_pid)
kill -TERM "$broker"
wait_gone "$broker"
wait_line idle '^event interrupted'
SCRIPT
}

@test "SIGTERM while a network lingers: released, and exits at once" {
    # Goal: an unused network does not delay the exit.
    sandbox --config "$(options '"linger": 3600')" <<'SCRIPT'
ask command=string:acquire network_name=string:default >/dev/null
settle 'holders default' 0
broker=$(broker_pid)
kill -TERM "$broker"
wait_gone "$broker"
wait_log 'network default: released'
SCRIPT
}

@test "SIGINT with a client: drains, without a time limit" {
    # Goal: a held network delays the exit (S12), and its client is unaffected.
    sandbox <<SCRIPT
$stopping
$(cat <<'HOLDER'
start holder alice ping -i 0.05 -c 10000 default
wait_line holder 'icmp_seq=2 '
start late bob "$tools/ask" -H command=string:status
wait_line late '^holding'
broker=$(broker_pid)
kill -INT "$broker"
settle "stopping" true
expect "holders" 1 "$(holders default)"

# New clients are refused with the reason, and the next broker serves them.
start new bob acquire default
wait_line new '^acquire: default: the broker is draining'
expect "holders" 1 "$(holders default)"

sent=$(wc -l <"$T/holder.out")
wait_line holder "icmp_seq=$((sent + 20)) "
expect "the broker" "$broker" "$(broker_pid)"
stop holder INT
expect "the holder" 0 "$status"
wait_gone "$broker"
wait_line new '^holding default'
[ "$(broker_pid)" != "$broker" ] || fail "the same broker"
HOLDER
    )
SCRIPT
}

@test "launchctl bootout: waits for the holders; the broker is not restarted" {
    # Goal: an upgrade disconnects nobody.
    sandbox <<'SCRIPT'
start holder alice ping -i 0.05 -c 10000 default
wait_line holder 'icmp_seq=2 '
broker=$(broker_pid)
start bootout root launchctl bootout \
    system/com.github.nirs.vmnet-broker
wait_log 'asked to stop'
sent=$(wc -l <"$T/holder.out")
wait_line holder "icmp_seq=$((sent + 5)) "
stop holder INT
expect "the holder" 0 "$status"
wait_gone "$broker"
wait_exit bootout
expect "bootout" 0 "$status"
start new bob acquire default
wait_line new '^acquire: default: cannot reach vmnet-broker'
SCRIPT
}

@test "kill -9 of the broker: clients hold their networks again" {
    # Goal: after a crash the SDK asks again by itself, and programs that start
    # later join those that were running.
    sandbox <<'SCRIPT'
for i in 1 2 3; do
    start "client-$i" alice acquire default
    wait_line "client-$i" '^holding '
done
start host bob acquire host
wait_line host '^holding '
broker=$(broker_pid)
kill -KILL "$broker"
wait_gone "$broker"
settle 'holders default' 3
settle 'holders host' 1
[ "$(broker_pid)" != "$broker" ] || fail "the same broker"
for i in 1 2 3; do
    stop "client-$i"
done
settle 'holders default' 0
expect "holders of host" 1 "$(holders host)"
SCRIPT
}

@test "kill -9 of the broker when its subnets become unusable" {
    # Goal: a network whose fixed subnet became unusable is reported; one
    # without a fixed subnet gets another one, and works.
    printf '{"default": {"mode": "shared"}, "fixed": {"mode": "host",
        "subnet": "10.9.8.0/24"}}' >"$BATS_TEST_TMPDIR/networks.json"
    sandbox --config "$BATS_TEST_TMPDIR/networks.json" \
        --vmnetd-opt --quirk=orphan-subnets <<'SCRIPT'
start default alice acquire default
start fixed alice acquire fixed
wait_line default '^subnet   192\.168\.115\.0/24'
wait_line fixed '^holding '
kill -KILL "$(broker_pid)"
settle 'holders default' 1

start again bob ping -c 1 default
wait_exit again
expect "default" 0 "$status"
again=$(wait_line again '^ping: .*/24$')
case $again in
*" 192.168.116."*) ;;
*) fail "not the next subnet: $again" ;;
esac
wait_log 'network default: the subnet 192.168.115.0/24 is used by'

ask command=string:acquire network_name=string:fixed >"$T/refused.out"
grep -q '^error int64 6$' "$T/refused.out" || fail "fixed"
grep -q '^vmnet_status int64 1001$' "$T/refused.out" || fail "its status"
grep -q '^error_message string .*restart the Mac' "$T/refused.out" ||
    fail "it is not said what to do"
SCRIPT
}

@test "SIGTERM by hand and bootout: clients keep their networks for 10 s" {
    # Goal: the broker cannot tell who sent SIGTERM, and by default launchd
    # kills it after 20 s. By then it has released the networks and exited.
    # shellcheck disable=SC2016 # for the sandbox's shell
    for how in 'kill -TERM "$broker"' \
        'start bootout root launchctl bootout system/com.github.nirs.vmnet-broker'
    do
        sandbox --daemon-env STANDIN_CLOCK=/run/standin/clock <<SCRIPT
clock_create
start holder alice acquire default
wait_line holder '^holding '
broker=\$(broker_pid)
$how
wait_log 'shutting down: clients have 10 seconds to leave'
advance 9s
expect "the broker" "\$broker" "\$(broker_pid)"
advance 1s
wait_gone "\$broker"
wait_log 'stopping: the time limit for clients to leave has passed'
wait_log 'exit: all networks are released'
SCRIPT
    done
}

@test "SIGHUP and SIGQUIT do not stop the broker" {
    # Goal: closing a terminal, or a reload, must not take networks away.
    sandbox <<'SCRIPT'
start holder alice acquire default
wait_line holder '^holding '
broker=$(broker_pid)
kill -HUP "$broker"
kill -QUIT "$broker"
start other bob ping -c 1 default
wait_exit other
expect "another client" 0 "$status"
expect "the broker" "$broker" "$(broker_pid)"
SCRIPT
}
