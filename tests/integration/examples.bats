# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

load helper

@test "acquire: the transcript at its top is what it prints" {
    # Goal: the lesson tells the truth.
    tests/linux/run -- tests/integration/transcript examples/acquire.c
}

@test "ping: the transcript at its top is what it prints" {
    # Goal: the lesson tells the truth.
    tests/linux/run -- tests/integration/transcript examples/ping.c
}

@test "vmnet-run: the transcript at its top is what it prints" {
    # Goal: the lesson tells the truth.
    tests/linux/run -- tests/integration/transcript examples/vmnet-run.c
}

@test "acquire and ping: a network that is not there" {
    # Goal: a wrong name is an error that says so, not a hang.
    sandbox <<'SCRIPT'
for example in acquire ping; do
    start "$example" alice "$example" no-such-network
    wait_exit "$example"
    [ "$status" -ne 0 ] || fail "$example succeeded"
    wait_line "$example" "^$example: no-such-network: "
done
SCRIPT
}

@test "acquire and ping: usage" {
    # Goal: mistakes on the command line are told apart from failures.
    sandbox <<'SCRIPT'
usage() {
    start usage alice "$@"
    wait_exit usage
    [ "$status" -ne 0 ] || fail "$* succeeded"
    wait_line usage "^usage: $1 "
}
usage acquire
usage acquire one two
usage ping
usage ping -c many default
usage ping -c -1 default
usage ping -i 0 default
usage ping -W never default
usage ping -m 52:54:00:12:34 default
usage ping -m 01:00:5e:00:00:01 default
usage ping default 192.168.64.1 more
SCRIPT
}

@test "ping: its lease is given back" {
    # Goal: addresses do not run out when guests come and go.
    sandbox <<'SCRIPT'
start one alice ping -c 1 -m 52:54:00:00:00:01 default
wait_exit one
first=$(wait_line one '^ping: 52:54:' | cut -d ' ' -f 3)
start two bob ping -c 1 -m 52:54:00:00:00:02 default "${first%/*}"
wait_exit two
expect "exit status of a ping to an address that was given back" 1 "$status"
wait_line two "^no answer from ${first%/*}: icmp_seq=1"
SCRIPT
}

@test "ping: an interrupt ends it with a summary" {
    # Goal: Ctrl-C stops the interface and reports, as ping(8) does.
    sandbox <<'SCRIPT'
start ping alice ping -c 1000 default
wait_line ping 'icmp_seq=1 '
stop ping INT
expect "exit status" 0 "$status"
wait_line ping '^[0-9]+ packets? sent, [0-9]+ received$'
SCRIPT
}
