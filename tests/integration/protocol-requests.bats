# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# docs/protocol.md, compared with how the daemon treats requests: who may send
# what, each error, and the limits that are in no other test; see protocol.bats.

# shellcheck disable=SC2016 # JSON

load helper

@test "the permitted commands of each user are as in protocol.md" {
    # Goal: the table of commands is right for a user, root and the broker's own
    # user.
    sed -n 's/^| \[`\([a-z]*\)`\](#[^|]*| \([a-z]*\) | .*/\1 \2/p' \
        docs/protocol.md >"$BATS_TEST_TMPDIR/may"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/may")" -eq 10 ]
    sandbox <<SCRIPT
may() {
    as "\$1" "\$tools/ask" command=string:\$2 network_name=string:default |
        sed -n 's/^error int64 3$/no/p'
}
while read -r command who; do
    wanted=no
    [ \$who != everybody ] || wanted=
    expect "\$command of alice" "\$wanted" "\$(may alice \$command)"
    expect "\$command of root" "" "\$(may root \$command)"
    expect "\$command of the broker's user" "" "\$(may _vmnetbroker \$command)"
done <<'END'
$(cat "$BATS_TEST_TMPDIR/may")
END
SCRIPT
}

@test "a known key of a wrong type is refused, in each command" {
    # Goal: the error is INVALID_REQUEST. (requests.bats tests command and
    # network_name of acquire.)
    sandbox <<'SCRIPT'
for type in int64:1 bool:true array dictionary data:x null fd; do
    expect "mac_address of $type" 'error int64 4' "$(ask command=string:acquire \
        network_name=string:default "mac_address=$type" | grep '^error ')"
    expect "network_name of $type" 'error int64 4' "$(ask command=string:recreate \
        "network_name=$type" | grep '^error ')"
done
for mac in '' x 52:54:00:12:34 01:00:5e:00:00:01 ff:ff:ff:ff:ff:ff; do
    expect "mac_address $mac" 'error int64 4' "$(ask command=string:acquire \
        network_name=string:default "mac_address=string:$mac" | grep '^error ')"
done
expect "holders" absent "$(holders default)"
SCRIPT
}

@test "8 clients may watch, of which 2 are for root and the broker's user" {
    # Goal: the next one is refused with BUSY until one has left.
    sandbox <<'SCRIPT'
watch() {
    as "$1" "$tools/ask" command=string:watch | sed -n 's/^error int64 //p'
}
for i in 1 2 3 4 5 6; do
    start "user-$i" alice "$tools/ask" -H command=string:watch
    wait_line "user-$i" '^watching bool true'
done
expect "the seventh of users" 8 "$(watch bob)"
for user in root _vmnetbroker; do
    start "kept-$user" $user "$tools/ask" -H command=string:watch
    wait_line "kept-$user" '^watching bool true'
done
expect "the ninth" 8 "$(watch root)"
stop user-1
settle peers 8
expect "of root, when one has left" '' "$(watch root)"
SCRIPT
}

@test "a client that looks the service up with flags of 0 is served" {
    # Goal: it is served like one that passes
    # XPC_CONNECTION_MACH_SERVICE_PRIVILEGED.
    sandbox <<'SCRIPT'
expect "networks" 1 "$(ask -z command=string:acquire network_name=string:default |
    grep -c '^network dictionary')"
SCRIPT
}

@test "an idle client has 60 s, unless it holds or watches" {
    # Goal: its connection is closed then, and not before.
    sandbox --daemon-env STANDIN_CLOCK=/run/standin/clock <<'SCRIPT'
clock_create
start holder alice "$tools/ask" -H command=string:acquire network_name=string:default
start watcher alice "$tools/ask" -H command=string:watch
start idle alice "$tools/ask" -H command=string:status
for name in holder watcher idle; do
    wait_line $name '^holding'
done
settle peers 4
advance 59s
expect "clients after 59 s" 4 "$(peers)"
advance 1s
wait_line idle '^event interrupted'
expect "clients after 60 s" 3 "$(peers)"
SCRIPT
}

@test "of 1,024 clients, 32 are reserved for root" {
    # Goal: users share the others, and root can still connect.
    sandbox <<'SCRIPT'
ulimit -n 4096
start many root "$tools/ask" -H -c 992 command=string:hello
wait_line many '^holding'
status=0
as alice "$tools/ask" command=string:hello >"$T/refused.out" || status=$?
expect "the next of a user" 'error int64 8' "$(grep '^error ' "$T/refused.out")"
ask -c 31 command=string:hello >"$T/served.out"
expect "errors of root" 0 "$(grep -c '^error ' "$T/served.out" || :)"
SCRIPT
}

@test "each error of the table is sent" {
    # Goal: the broker sends each of them, and no others.
    printf '{"$options": {"linger": 0}, "default": {"mode": "shared"}, "wrong": {"mode": "hots"},
        "mine": {"mode": "host", "allow": {"users": ["bob"]}}}' \
        >"$BATS_TEST_TMPDIR/networks.json"
    sandbox --config "$BATS_TEST_TMPDIR/networks.json" \
        --daemon-env STANDIN_FAIL=vmnet_network_create:1=1002 <<'SCRIPT' >"$BATS_TEST_TMPDIR/errors"
exec 3>&1 1>&2
refused() {
    as alice "$tools/ask" "command=string:$1" "network_name=string:$2" |
        sed -n 's/^error int64 //p' >&3
}
refused acquire default
refused acquire mine
refused drain default
refused acquire No
refused acquire nowhere
refused acquire wrong
refused nothing default
start holder bob acquire default
wait_line holder '^holding'
ask command=string:drain
refused acquire default
# of ERROR COMMAND NAME: root's request gets this error.
of() {
    expect "$2 $3" "error int64 $1" \
        "$(ask "command=string:$2" "network_name=string:$3" | grep '^error ')"
}
of 5 recreate nowhere
of 9 recreate wrong
of 8 recreate default
echo '{' >'/Library/Application Support/com.github.nirs.vmnet-broker/networks.json'
of 9 reload ''
SCRIPT
    sort -u "$BATS_TEST_TMPDIR/errors" |
        diff <(sed -n 's/^| \([3-9]\) | `VMNET.*/\1/p' docs/protocol.md | grep -v 7) -
}
