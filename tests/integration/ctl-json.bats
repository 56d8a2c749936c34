# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# vmnet-brokerctl --json prints exactly the keys that vmnet-brokerctl(8) and
# docs/protocol.md describe.

load ctl
load protocol

# manual COMMAND: prints the keys that the manual page has for it; the values of a
# key are in parentheses.
manual() {
    awk -v command="$1" '
        /^\.Ss JSON/ { json = 1 }
        /^\.Sh/ { json = 0 }
        /^\.It Cm / { here = $3 == command }
        /^\.P[oc]/ { values = /^\.Po/ }
        json && here && !values && /^\.Dq [a-z_]* ?/ { print command, $2 }
    ' client/vmnet-brokerctl.8
}

# reply COMMAND KIND...: prints the keys of a reply in the protocol.
reply() {
    local command=$1 kind
    shift
    for kind; do
        documented | sed -n "s/^$kind: \(.*\): .*/$command \1/p"
    done
}

# Networks in list, info and status have no reservation: only the reply to an
# acquire with a MAC address has one.
written_down() {
    local command
    for command in list info status clients leases drain doctor version; do
        manual $command
    done
    manual leases | grep -v ' leases$' | sed 's/^leases/ip/'
    for command in list info; do
        reply $command 'configured network' info | grep -v ' reservation$'
    done
    reply status status 'network in use' info configuration counters |
        grep -v ' reservation$'
    reply clients clients client
    reply reload reload
    reply resume 'drain and resume' | grep -v ' holders$'
    reply recreate recreate
    reply version hello
    reply watch event
}

@test "the keys of --json are documented, and what is documented is printed" {
    # Goal: the comparison goes both ways, for each command, with networks of
    # each kind, clients that hold and wait, leases, errors, and a watcher that
    # did not read.
    cat >"$BATS_TEST_TMPDIR/networks.json" <<'JSON'
{
    "$options": {"linger": 0},
    "default": {"mode": "shared", "description": "For everybody"},
    "fixed": {"mode": "host", "subnet": "10.9.0.0/24", "dhcp_reservations": [
        {"mac_address": "02:00:00:00:00:09", "ip_address": "10.9.0.77"}]},
    "other": {"mode": "shared", "subnet": "10.20.0.0/24", "subnet_policy": "prefer"}
}
JSON
    ctl_sandbox --config "$BATS_TEST_TMPDIR/networks.json" \
        --daemon-env STANDIN_FAIL=vmnet_network_create:1=1001 <<'SCRIPT' >"$BATS_TEST_TMPDIR/printed"
exec 3>&1 1>&2
ip address add 10.20.0.9/24 dev en0 # an interface of the Mac uses this subnet
# keys NAME: prints the keys of the JSON on standard input, except for names
# that are used as keys.
cat >"$T/keys" <<'END'
import json, sys
def walk(value):
    if isinstance(value, list):
        for item in value:
            walk(item)
    elif isinstance(value, dict):
        for key, inner in value.items():
            print(sys.argv[1], key)
            if key not in ("holders", "refusals", "creation_failures"):
                walk(inner)
decoder = json.JSONDecoder()
text = sys.stdin.read().strip()
while text:
    value, end = decoder.raw_decode(text)
    walk(value)
    text = text[end:].strip()
END
keys() {
    python3 "$T/keys" "$1" >>"$T/printed"
}
# print COMMAND...
print() {
    "$plain" "$@" --json | keys "$1"
}
ask command=string:acquire network_name=string:default >/dev/null || :
start watch root $plain watch --json
settle peers 2
kill -STOP "$(pid_of watch)"
ask -n 5000 command=string:nonsense >/dev/null
kill -CONT "$(pid_of watch)"
dropped() {
    ask command=string:nonsense >/dev/null
    sed -n 's/.*"dropped".*/yes/p' "$T/watch.out" | head -n 1
}
settle dropped yes
start guest alice ping -H -c 0 -m 52:54:00:00:00:0a default
wait_line guest '^holding'
start holder bob $plain hold fixed other
wait_line holder '^holding fixed'
wait_line holder '^holding other'
for command in list status clients leases version doctor; do
    print $command || [ $command = doctor ]
done
for name in default fixed other; do
    print info $name
done
print ip default 52:54:00:00:00:0a
print ip fixed host0
print recreate fixed
{
    echo '{"default": {"mode": "host"}, "new": {"mode": "host"}, "fixed": {"mode": "hots"},'
    for i in $(seq 101); do
        echo "\"w$i\": {\"mode\": \"hots\"},"
    done
    echo '"last": {"mode": "host"}}'
} >"$support/networks.json"
print reload || :
print status
print list
print info default
print info fixed
print drain
print resume
grep '^{' "$T/watch.out" | keys watch
sort -u "$T/printed" >&3
SCRIPT
    written_down | sort -u | diff - "$BATS_TEST_TMPDIR/printed"
}
