# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# How long networks and the broker exist. The broker runs on a clock that the
# tests advance.

load helper

timed() {
    sandbox --daemon-env STANDIN_CLOCK=/run/standin/clock "$@" <<SCRIPT
clock_create
# Prints the state of the network default.
state() {
    status | awk '
        { path = \$1; sub(/\.[a-z0-9_]*\$/, "", path) }
        \$1 ~ /\.name\$/ && \$3 == "default" { found = path }
        \$1 ~ /\.state\$/ { state[path] = \$3 }
        END { print found == "" ? "absent" : state[found] }'
}
generation() {
    as alice "\$tools/ask" command=string:acquire \
        network_name=string:default | sed -n 's/^info.generation uint64 //p'
}
$(cat)
SCRIPT
}

@test "a network exists until 5 s after its last holder has left" {
    # Goal: the bridge and the network are released after the linger, not
    # before.
    timed <<'SCRIPT'
start alice alice ping -H -c 1 default
start bob bob ping -H -c 1 default
wait_line alice '^holding '
wait_line bob '^holding '
expect "bridges" 1 "$(bridges)"
expect "state" held "$(state)"
advance 3600s
expect "state, an hour later" held "$(state)"

stop alice
settle 'holders default' 1
expect "state, without alice" held "$(state)"
stop bob
settle 'holders default' 0
expect "state, without bob" lingering "$(state)"
advance 4900ms
expect "state, 4.9 s later" lingering "$(state)"
advance 200ms
wait_log 'network default: released'
expect "state, 5.1 s later" absent "$(state)"
expect "bridges" 0 "$(bridges)"
SCRIPT
}

@test "a network that lingers is reused" {
    # Goal: a client that returns within the linger gets the same network.
    timed <<'SCRIPT'
first=$(generation)
settle state lingering
advance 4s
again=$(generation)
expect "generation" "$first" "$again"
settle state lingering
advance 4s
expect "state, 4 s after the second" lingering "$(state)"
advance 2s
wait_log 'network default: released'
new=$(generation)
[ "$new" != "$first" ] || fail "a new network is not told from the old"
SCRIPT
}

@test "a linger of 0 releases the network at once" {
    # Goal: the value is valid, and the network is released with its last
    # holder.
    timed --config "$(options '"linger": 0')" <<'SCRIPT'
generation >/dev/null
wait_log 'network default: released'
SCRIPT
}

@test "the broker exits when it has had no network for 120 s" {
    # Goal: an unused broker uses no resources, and the next acquire starts it
    # again.
    timed <<'SCRIPT'
generation >/dev/null
broker=$(broker_pid)
settle state lingering
advance 6s
wait_log 'network default: released'
advance 100s
expect "the broker, after 100 s" "$broker" "$(broker_pid)"
expect "state" absent "$(state)"
advance 30s
wait_gone "$broker"

start next alice ping -c 1 default
wait_exit next
expect "the next" 0 "$status"
[ "$(broker_pid)" != "$broker" ] || fail "the same process"
SCRIPT
}

@test "a broker that is only asked for its status exits, too" {
    # Goal: status requests alone do not keep it running.
    timed <<'SCRIPT'
status >/dev/null
broker=$(broker_pid)
advance 121s
wait_gone "$broker"
SCRIPT
}

@test "a client that holds nothing is dropped after 60 s" {
    # Goal: idle connections do not use resources forever (S11); holders are not
    # idle.
    timed <<'SCRIPT'
start holder alice "$tools/ask" -H command=string:acquire \
    network_name=string:default
start idle bob "$tools/ask" -H command=string:status
wait_line holder '^holding'
wait_line idle '^holding'
advance 59s
expect "clients, after 59 s" 3 "$(peers)"
advance 2s
wait_line idle '^event '
settle peers 2
expect "holders" 1 "$(holders default)"
SCRIPT
}
