# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# How the broker stops, and what becomes of those who hold something.

load helper

@test "SIGTERM with nothing held: exits at once" {
    # Goal: clients that hold nothing do not keep the broker (S11).
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
    # Goal: what nobody holds does not defer the end.
    sandbox --daemon-arg -l --daemon-arg 3600 <<'SCRIPT'
ask command=string:acquire network_name=string:default >/dev/null
settle 'holders default' 0
broker=$(broker_pid)
kill -TERM "$broker"
wait_gone "$broker"
wait_log 'network default: released'
SCRIPT
}

@test "SIGTERM with a holder: waits for it, and for nothing else" {
    # Goal: a held network defers the end (S12); who holds it goes on.
    sandbox <<'SCRIPT'
start holder alice ping -i 0.05 -c 10000 default
wait_line holder 'icmp_seq=2 '
start late bob "$tools/ask" -H command=string:status
wait_line late '^holding'
broker=$(broker_pid)
kill -TERM "$broker"
settle "stopping" true
expect "holders" 1 "$(holders default)"

# Nobody new; the message says why.
start new bob acquire default
wait_exit new
[ "$status" -ne 0 ] || fail "a stopping broker took a new holder"

sent=$(wc -l <"$T/holder.out")
wait_line holder "icmp_seq=$((sent + 20)) "
expect "the broker" "$broker" "$(broker_pid)"
stop holder INT
expect "the holder" 0 "$status"
wait_gone "$broker"

# The next acquire starts it again.
start next bob ping -c 1 default
wait_exit next
expect "the next" 0 "$status"
[ "$(broker_pid)" != "$broker" ] || fail "the same broker"
SCRIPT
}
