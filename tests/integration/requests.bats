# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# Requests with which a client can try to do harm. All are sent by alice to a
# broker under the sanitizers, with a linger of 0. After each test the broker is
# the same process, has no more descriptors than before and no network, and
# serves the next correct client.

load helper

hostile() {
    sanitized --config "$(options '"linger": 0')" <<SCRIPT
ask() {
    as alice "\$tools/ask" "\$@"
}

# What the first network leaves behind, such as the connection to vmnet, does
# not count.
ask command=string:acquire network_name=string:default >/dev/null
wait_log 'network default: released'
broker=\$(broker_pid)
descriptors=\$(descriptors "\$broker")

# refused WHAT STATUS REQUEST...
refused() {
    local what=\$1 wanted=\$2
    shift 2
    expect "\$what" "\$wanted" \
        "\$(ask "\$@" | sed -n 's/^error int64 //p')"
}

$(cat)

expect "the broker" "\$broker" "\$(broker_pid)"
settle peers 1
expect "descriptors" "\$descriptors" "\$(descriptors "\$broker")"
expect "networks" '' "\$(status | grep '^networks' || :)"
start honest bob acquire default
wait_line honest '^holding '
stop honest
SCRIPT
}

@test "S1: names with any bytes" {
    # Goal: no bytes in a name crash the broker or create anything.
    hostile <<'SCRIPT'
for name in '' ' ' A . - _ / .. ../../etc/passwd default/ 'default ' \
    Default %n%s%n $'default\r\n' $'a\001b' $'\377\377' $'\300\200' \
    $'\355\240\200' $'\360\237\222\251' $'\302' '"' "'" '\' '{}'; do
    refused "the name '$name'" 4 \
        command=string:acquire "network_name=string:$name"
done
for size in 1 63; do
    refused "a name of $size bytes" 5 \
        command=string:acquire "network_name=fill:$size"
done
for size in 64 65 255 256 4096 65536 16777216; do
    refused "a name of $size bytes" 4 \
        command=string:acquire "network_name=fill:$size"
done
SCRIPT
}

@test "S1: commands with any bytes" {
    # Goal: the same is true of the other field.
    hostile <<'SCRIPT'
for command in '' ACQUIRE 'acquire ' acquir acquires %n%s \
    $'\377\377' $'acquire\n'; do
    refused "the command '$command'" 4 \
        "command=string:$command" network_name=string:default
done
refused "a command of 16 MiB" 4 \
    command=fill:16777216 network_name=string:default
SCRIPT
}

@test "S2: values of the wrong type, and missing values" {
    # Goal: only a string is accepted as a string; anything else creates
    # nothing.
    hostile <<'SCRIPT'
for type in int64:1 uint64:1 double:1 bool:true date:1 data:default uuid null \
    array dictionary fd endpoint; do
    refused "a command of $type" 4 \
        "command=$type" network_name=string:default
    refused "a name of $type" 4 \
        command=string:acquire "network_name=$type"
done
refused "no command" 4 network_name=string:default
refused "no name" 4 command=string:acquire
refused "nothing" 4
SCRIPT
}

@test "S3: unknown keys change nothing" {
    # Goal: unknown keys cost little and change nothing.
    hostile <<'SCRIPT'
ask -k 100000 command=string:status | has '^stopping bool false$' ||
    fail "100,000 unknown keys"
ask -d 100 command=string:status | has '^stopping bool false$' ||
    fail "a value 100 deep"
refused "a name, and 100,000 unknown keys" 5 \
    -k 100000 command=string:acquire network_name=string:nowhere
SCRIPT
}

@test "S3: a value 10,000 deep" {
    # Goal: a deeply nested value is answered, or only that client is
    # disconnected.
    hostile <<'SCRIPT'
ask -d 10000 command=string:status >"$T/deep.out" || :
SCRIPT
}

@test "S4: descriptors that come with a request are closed" {
    # Goal: the broker closes everything that a client attaches.
    hostile <<'SCRIPT'
ask -n 10000 command=string:status attached=fd | has '^stopping bool false$' ||
    fail "no answer"
ask -n 1000 command=string:nothing attached=fd >/dev/null
ask -n 1000 command=fd network_name=fd >/dev/null
SCRIPT
}

@test "S5: a request that expects no reply" {
    # Goal: it creates nothing, and the client that sends it is disconnected.
    hostile <<'SCRIPT'
start mute alice "$tools/ask" -o command=string:acquire \
    network_name=string:default
wait_line mute '^event '
wait_exit mute
expect "holders" absent "$(holders default)"
SCRIPT
}

@test "S6: many requests on one connection" {
    # Goal: each gets exactly one reply; the stand-in aborts the broker at a
    # second.
    hostile <<'SCRIPT'
ask -n 10000 command=string:status | has '^stopping bool false$' ||
    fail "no answer"
ask -n 1000 command=string:acquire network_name=string:nowhere >/dev/null
ask -n 1000 command=string:acquire network_name=string:shared >/dev/null
wait_log 'network shared: released'
SCRIPT
}

