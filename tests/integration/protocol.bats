# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# docs/protocol.md, compared with what the daemon sends: each key with its type,
# each state and event. What else is promised there is shown by
#
#	who may send what, the errors, the limits		protocol-requests.bats
#	the service, and what the death of a broker is		heal.bats, stop.bats
#	the connection is the hold				clients.bats
#	the values of a request, unknown keys, no reply		requests.bats
#	one creation for all who wait, and vmnet's 30 s		limits.bats
#	clients, networks and requests: the limits		limits.bats
#	who sees which client, and hello's values		control.bats
#	drain, resume, recreate, reload, watch: what they do	ctl-steer.bats
#	the order of list, what status counts			ctl.bats
#	clients have 10 s after SIGTERM				stop.bats
#
# and what no client can bring about by unit tests: INTERNAL_ERROR by
# any_allocation_or_descriptor_may_fail, and a resume after SIGTERM, when macOS
# hands over no more messages, by resume_does_not_take_back_sigterm.

# shellcheck disable=SC2016 # Markdown and JSON

load helper
load protocol

# rows HEADING: prints the first cells of the table under this heading.
rows() {
    sed -n "/^| $1\$/,/^\$/s/^| \(.*\`\) | .*/\1/p" docs/protocol.md | tail -n +2 |
        tr -d '`,' | tr ' ' '\n' | sort
}

# sent FILE: prints the same as documented for what was sent: "COMMAND PATH TYPE
# VALUE".
sent() {
    documented >"$BATS_TEST_TMPDIR/documented"
    awk '
        FILENAME == ARGV[1] { split($0, part, ": "); known[part[1], part[2]]; next }
        function put(kind, key, type) {
            if (kind ~ / network|network / && !((kind, key) in known)) { kind = "info" }
            print kind ": " key ": " type
        }
        BEGIN {
            inner["acquire", "info"] = "info"
            inner["status", "networks"] = "network in use"
            inner["list", "networks"] = "configured network"
            inner["status", "configuration"] = "configuration"
            inner["status", "counters"] = "counters"
            inner["clients", "clients"] = "client"
            inner["watch", "event"] = "event"
        }
        NF < 3 || $2 == "event" { next }
        {
            kind = $1 ~ /^(drain|resume)$/ ? "drain and resume" : $1
            if ($2 ~ /^(error|error_message|vmnet_status)$/) { kind = "errors" }
            count = split($2, part, ".")
            for (i = 1; i <= count; i++) {
                list = sub(/\[[0-9]+\]$/, "", part[i])
                type = i == count ? $3 : "dictionary"
                if (list) { type = "array of " (i == count ? type "s" : "dictionaries") }
                if (kind part[i] != "watchevent") { put(kind, part[i], type) }
                if (!((kind, part[i]) in inner)) { break } # its keys are names
                kind = inner[kind, part[i]]
            }
        }' "$BATS_TEST_TMPDIR/documented" "$1" | sort -u
}

# recorded [OPTION]... <<'SCRIPT': like sandbox, and prints what was recorded.
# The first client of each script watches.
recorded() {
    sandbox "$@" <<SCRIPT
exec 3>&1 1>&2
# note USER COMMAND [ARGUMENT]...: sends the request and records the reply.
note() {
    local user=\$1 command=\$2
    shift 2
    as "\$user" "\$tools/ask" "command=string:\$command" "\$@" >"\$T/answer" || :
    keep "\$command" <"\$T/answer"
}
keep() {
    sed "s/^/\$1 /" >>"\$T/noted"
}
clock_create
start watcher root "\$tools/ask" -H command=string:watch
wait_line watcher '^watching bool true'
$(cat)
keep watch <"\$T/watcher.out"
cat "\$T/noted" >&3
SCRIPT
}

# Networks of each kind, and a reload that causes every possible change.
situation() {
    cat >"$BATS_TEST_TMPDIR/networks.json" <<'JSON'
{
    "$options": {"linger": 0},
    "default": {"mode": "shared", "description": "For everybody"},
    "fixed": {"mode": "host", "subnet": "10.9.0.0/24", "dhcp_reservations": [
        {"mac_address": "52:54:00:00:00:0a", "ip_address": "10.9.0.77"}]},
    "gone": {"mode": "host"},
    "other": {"mode": "shared", "subnet": "10.20.0.0/24", "subnet_policy": "prefer"},
    "quiet": {"mode": "host"},
    "wrong": {"mode": "hots"}
}
JSON
    recorded --config "$BATS_TEST_TMPDIR/networks.json" <<'SCRIPT'
support='/Library/Application Support/com.github.nirs.vmnet-broker'
ip address add 10.20.0.9/24 dev en0 # an interface of the Mac uses this subnet
acquire=command=string:acquire
start holder alice "$tools/ask" -H $acquire network_name=string:default + \
    $acquire network_name=string:fixed mac_address=string:52:54:00:00:00:0A + \
    $acquire network_name=string:other
wait_line holder '^holding'
sed '/^holding/d' "$T/holder.out" | keep acquire
for command in hello status list; do
    note bob $command
done
note root clients
note root nonsense
note bob acquire network_name=string:wrong
note root drain
note root resume
note root recreate network_name=string:fixed
{
    echo '{"$options": {"linger": 0}, "default": {"mode": "host"}, "new": {"mode": "host"},'
    echo '"fixed": {"mode": "hots"}, "quiet": {"mode": "shared"},'
    for i in $(seq 101); do
        echo "\"w$i\": {\"mode\": \"hots\"},"
    done
    echo '"other": {"mode": "shared", "subnet": "10.20.0.0/24", "subnet_policy": "prefer"}}'
} >"$support/networks.json"
start holder alice "$tools/ask" -H $acquire network_name=string:default
wait_line holder '^holding'
note root reload
note root status
note root list
expect "problems" 100 "$(grep -c '^reload problems\[' "$T/noted")"
expect "left out" 2 "$(sed -n 's/^reload problems_left_out uint64 //p' "$T/noted")"
expect "in status" 100 "$(grep -c '^status configuration.problems\[.*w[0-9]*.mode\|^status configuration.problems\[.*fixed' "$T/noted")"
broker=$(broker_pid)
kill -TERM "$broker"
wait_line watcher '^event.event string stopping'
wait_line watcher '^event.holders uint64 1'
stop holder
wait_line watcher '^event interrupted'
SCRIPT
}

# A network that vmnet cannot create, and one that it neither creates nor
# releases.
slow_vmnet() {
    recorded --daemon-env STANDIN_FAIL=vmnet_network_create:1=1002 \
        --daemon-env STANDIN_HANG=vmnet_network_create:2 \
        --daemon-env STANDIN_CLOCK=/run/standin/clock <<'SCRIPT'
note bob acquire network_name=string:default
start waiting alice "$tools/ask" command=string:acquire network_name=string:host
wait_line watcher '^event.network_name string host'
note root list
note root clients
start recreating root "$tools/ask" command=string:recreate network_name=string:host
wait_line watcher '^event.event string releasing'
note root list
advance 8s
wait_exit waiting
wait_exit recreating
keep recreate <"$T/recreating.out"
keep acquire <"$T/waiting.out"
note root list
note root status
note bob acquire network_name=string:shared
wait_line watcher '^event.event string lingering'
note root list
SCRIPT
}

# A watcher that does not read, and the events that it then loses.
slow_watcher() {
    recorded <<'SCRIPT'
kill -STOP "$(pid_of watcher)"
ask -n 5000 command=string:nonsense >/dev/null
kill -CONT "$(pid_of watcher)"
dropped() {
    ask command=string:nonsense >/dev/null
    sed -n 's/^event.dropped uint64 [1-9].*/yes/p' "$T/watcher.out" | head -n 1
}
settle dropped yes
events=$(grep -c '^event.event ' "$T/watcher.out")
dropped=$(sed -n 's/^event.dropped uint64 //p' "$T/watcher.out")
last=$(sed -n 's/^event.sequence uint64 //p' "$T/watcher.out" | tail -n 1)
expect "the number of the last event" $((events + dropped)) "$last"
[ "$events" -ge 65 ] || fail "$events events"
SCRIPT
}

# A Mac whose own networks use every subnet that the broker chooses from.
no_subnet() {
    recorded <<'SCRIPT'
for route in 192.168.72.0/21 192.168.80.0/20 192.168.96.0/19 10.0.0.0/8; do
    ip route add "$route" dev en0
done
note bob acquire network_name=string:shared
SCRIPT
}

@test "each key, state, event and source of a subnet is as in protocol.md" {
    # Goal: what is documented is sent, with its type, and nothing else is.
    sent=$BATS_TEST_TMPDIR/sent
    {
        situation
        slow_vmnet
        slow_watcher
        no_subnet
    } >"$sent"
    sent "$sent" | diff <(documented) -
    sed -n 's/^watch event.event string //p' "$sent" | sort -u |
        diff <(rows '`event` | |') -
    sed -n 's/^list networks.*\.state string //p' "$sent" | sort -u |
        diff <({ rows '`state` | |'; printf 'broken\ninactive\n'; } | sort) -
    sed -n 's/^.*\.subnet_source string //p' "$sent" | sort -u |
        diff <(printf '%s\n' alternative assigned configured system) -
    sed -n 's/^.*\.mode string //p' "$sent" | sort -u |
        diff <(printf '%s\n' host shared) -
    sed -n 's/^hello capabilities.* string //p' "$sent" | sort -u |
        diff <(sed -n 's/^| \[`\([a-z]*\)`\](#.*/\1/p' docs/protocol.md | sort) -
}
