# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# Tests with large numbers, and one measurement. `make soak` runs them; `make test`
# does, too, with fewer cycles and rounds.
#
#	SOAK_CYCLES     clients that come and are killed (10000)
#	SOAK_SECONDS    after which no more are started (3600)
#	SOAK_PROCESSES  clients that come at once (2000)
#	SOAK_ROUNDS     in which ten networks are taken and given back, twice (10000)

load ../integration/helper

# The lines of the sandbox that begin with "# " are shown at once.
shown() {
    local -
    set -o pipefail
    "$@" | tee /dev/stderr | sed -nu '/^# /p' >&3
}

@test "S22: clients that acquire and are killed" {
    # Goal: the broker does not grow. The first clients create the heap and the
    # threads that later ones reuse.
    shown sandbox <<SCRIPT
cycles=${SOAK_CYCLES-10000}
"\$tools/crowd" cycle 1000 600 >/dev/null
settle peers 1
broker=\$(broker_pid)
descriptors=\$(descriptors "\$broker")
memory=\$(memory "\$broker")
result=\$("\$tools/crowd" cycle "\$cycles" ${SOAK_SECONDS-3600})
settle peers 1
grown=\$((\$(memory "\$broker") - memory))
echo "# \$result of \$cycles: memory \$memory KiB, \$grown KiB more afterwards"
expect "the broker" "\$broker" "\$(broker_pid)"
expect "descriptors" "\$descriptors" "\$(descriptors "\$broker")"
[ "\$grown" -le 64 ] || fail "grown by \$grown KiB"
SCRIPT
}

@test "S23: 2,000 processes that connect at once" {
    # Goal: all are served or refused by a limit, and then everything is as
    # before. Root's limit is the broker's; those of the others are a little
    # lower.
    shown sanitized <<SCRIPT
ask command=string:acquire network_name=string:default >/dev/null
settle peers 1
broker=\$(broker_pid)
descriptors=\$(descriptors "\$broker")
result=\$("\$tools/crowd" storm ${SOAK_PROCESSES-2000}) || fail "\$result"
echo "# \$result"
served=\${result%% *}
[ "\$served" -ge 992 ] && [ "\$served" -le 1024 ] || fail "\$served served"
settle peers 1
settle 'holders default' 0
expect "the broker" "\$broker" "\$(broker_pid)"
# The anchor may have started after the descriptors were counted.
no_more_descriptors() {
    [ "\$(descriptors "\$broker")" -gt \$((descriptors + 1)) ] || echo yes
}
settle no_more_descriptors yes
start honest bob acquire default
wait_line honest '^holding '
SCRIPT
}

@test "S7: the latency of a client beside one that floods" {
    # Goal: the client is served. How fast depends on the machine: the figures
    # are for people, who compare both parts of a line.
    shown sandbox <<'SCRIPT'
"$tools/crowd" latency 1000 >/dev/null
broker=$(broker_pid)
start flood alice "$tools/crowd" flood
wait_line flood '^flooding' >/dev/null
for round in 1 2 3 4 5; do
    kill -STOP "$(pid_of flood)"
    alone=$("$tools/crowd" latency 5000)
    kill -CONT "$(pid_of flood)"
    echo "# alone: $alone; beside a flood: $("$tools/crowd" latency 5000)"
done
kill -0 "$(pid_of flood)" || fail "the flood has ended"
expect "the broker" "$broker" "$(broker_pid)"
SCRIPT
}

@test "a manager that acquires and releases ten networks" {
    # Goal: neither the SDK nor the broker grows.
    rounds=${SOAK_ROUNDS-10000}
    {
        # shellcheck disable=SC2016 # a key of the file
        printf '{"$options": {"linger": 3600}, '
        for i in 0 1 2 3 4 5 6 7 8; do
            printf '"n%d": {"mode": "host"}, ' $i
        done
        printf '"n9": {"mode": "host"}}'
    } >"$BATS_TEST_TMPDIR/networks.json"
    shown sandbox --config "$BATS_TEST_TMPDIR/networks.json" <<SCRIPT
mkfifo "\$T/more"
exec 9<>"\$T/more"
# Both processes grow a little at first: by up to 88 KiB between rounds 500 and
# 1000, and by up to 40 after 5000. 100,000 more rounds grew by 24 and 4 KiB.
start manager alice sh -c 'exec "\$0" "\$1" "\$2" <"\$3"' \
    "\$tools/manager" $rounds $((rounds > 5000 ? rounds : 5000)) "\$T/more"
guard=3600
wait_line manager '^ready' >/dev/null
broker=\$(broker_pid)
memory=\$(memory "\$broker")
descriptors=\$(descriptors "\$broker")
echo more >&9
result=\$(wait_line manager 'KiB, ')
grown=\$((\$(memory "\$broker") - memory))
echo "# the manager: \$result; the broker: \$grown KiB"
wait_exit manager
expect "exit status" 0 "\$status"
expect "the manager's descriptors" "0" "\$(echo "\$result" | cut -d ' ' -f 3)"
settle peers 1
[ "\$(descriptors "\$broker")" -le "\$descriptors" ] ||
    fail "the broker has \$(descriptors "\$broker") descriptors, not \$descriptors"
[ "\${result%% *}" -le 64 ] || fail "the manager has grown by \$result"
[ "\$grown" -le 64 ] || fail "the broker has grown by \$grown KiB"
SCRIPT
}
