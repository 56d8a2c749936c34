# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# A vmnet that is slow, does not respond or refuses, under the real daemon. At
# the end nothing of a network is left, and the last line of the log is correct.

load helper

# What vmnetd has; and vmnetd, which does not answer while it is stopped.
# shellcheck disable=SC2016 # for the sandbox's shell
slow='
nothing_left() {
    wait_gone "$1"
    wait_log "exit: all networks are released"
    expect "what vmnet has left" "" "$(vmnetctl)"
}
creating() {
    status | grep -c "^networks.*state string creating" || :
}
vmnetd() {
    pkill "-$1" -x vmnetd
}'

@test "SIGTERM while a network is being created" {
    # Goal: the waiting client is interrupted, which makes the SDK ask again,
    # and the network is released as soon as it exists.
    sandbox <<SCRIPT
$slow
$(cat <<'MAKING'
start asker alice "$tools/ask" command=string:status
wait_exit asker
vmnetd STOP
start first alice "$tools/ask" command=string:acquire \
    network_name=string:default
settle creating 1
broker=$(broker_pid)
kill -TERM "$broker"
wait_exit first
wait_line first '^error interrupted'
vmnetd CONT
nothing_left "$broker"
MAKING
)
SCRIPT
}

@test "a network that hangs does not delay others" {
    # Goal: not by a millisecond: the clocks of the broker and its clients stand
    # still. (For two holds of one client: sdk-wait-test.c.)
    sandbox --daemon-env STANDIN_CLOCK=/run/standin/clock \
        --daemon-env STANDIN_HANG=vmnet_network_create:1 <<SCRIPT
$slow
$(cat <<'HANGS'
clock_create
export STANDIN_CLOCK="$clock"
start hung alice acquire default
settle creating 1
start other bob acquire host
wait_line other '^holding host'
expect "networks that are being made" 1 "$(creating)"
kill -KILL "$(broker_pid)"
HANGS
)
SCRIPT
}

@test "a network that is created after its 30 s is released" {
    # Goal: it is released, and created again for the next client that asks.
    sandbox --daemon-env STANDIN_CLOCK=/run/standin/clock <<SCRIPT
$slow
$(cat <<'LATE'
clock_create
start asker alice "$tools/ask" command=string:status
wait_exit asker
vmnetd STOP
start first alice "$tools/ask" command=string:acquire \
    network_name=string:default
settle creating 1
advance 31s
wait_exit first
wait_line first '^error int64 6'
vmnetd CONT
wait_log 'network default: vmnet finished a call that had timed out'
start again bob "$tools/ask" -H command=string:acquire \
    network_name=string:default
wait_line again '^holding'
expect "networks" 1 "$(vmnetctl | grep -c '^network ')"
stop again
broker=$(broker_pid)
kill -TERM "$broker"
nothing_left "$broker"
LATE
)
SCRIPT
}

@test "a network works without an anchor that cannot be started" {
    # Goal: no client is refused because of it, and the log states the effect.
    sandbox --daemon-env \
        STANDIN_FAIL=vmnet_interface_start_with_network:1=1001 <<SCRIPT
$slow
$(cat <<'FAILS'
start ping alice ping -c 2 default
wait_exit ping
expect "the ping" 0 "$status"
wait_log 'network default: no anchor interface: vmnet could not start it'
broker=$(broker_pid)
kill -TERM "$broker"
nothing_left "$broker"
FAILS
)
SCRIPT
}

@test "a network works while the start of its anchor is not answered" {
    # Goal: the network is granted at once, and released in the end.
    sandbox --daemon-env \
        STANDIN_HANG=vmnet_interface_start_with_network:1 <<SCRIPT
$slow
$(cat <<'SILENT'
start ping alice ping -c 2 default
wait_exit ping
expect "the ping" 0 "$status"
broker=$(broker_pid)
kill -TERM "$broker"
wait_log 'network default: vmnet did not stop the anchor interface'
nothing_left "$broker"
SILENT
)
SCRIPT
}
