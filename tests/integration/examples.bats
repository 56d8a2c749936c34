# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

load helper

@test "acquire: the transcript at its top is what it prints" {
    # Goal: the transcript is correct.
    tests/linux/run -- tests/integration/transcript examples/acquire.c
}

@test "attach: the transcript at its top is what it prints" {
    # Goal: the transcript is correct.
    tests/linux/run -- tests/integration/transcript examples/attach.c
}

# The guest of this machine's architecture, for vm.
guest() {
    case $(uname -m) in
    x86_64) guest=build/test-vm/amd64 ;;
    *) guest=build/test-vm/arm64 ;;
    esac
    [ -e "$guest/initrd" ] || skip "no guest: run examples/test-vm/build"
}

@test "vm: the transcript at its top is what it prints" {
    # Goal: the transcript is correct.
    guest
    tests/linux/run -- tests/integration/transcript examples/vm.m "$guest"
}

@test "vm: the guest survives the death of the broker" {
    # Goal: the guest keeps its addresses and reaches both networks again.
    guest
    sandbox --env "GUEST=$guest" <<'SCRIPT'
mkfifo "$T/in"
exec 5<>"$T/in"
start vm root sh -c 'exec vm "$0/kernel" "$0/initrd" default host <"$1"' \
    "$GUEST" "$T/in"
wait_line vm '^vm: ready' >/dev/null
address=$(wait_line vm '^vm: eth0 ' | cut -d ' ' -f 4)
kill -9 "$(pgrep -x vmnet-broker)"
# The prompt of the guest's shell may come first on the line.
wait_line vm 'vm: (default|host): attached again' 2 >/dev/null
echo 'echo again $(until ping -c 1 -w 1 192.168.115.1 >/dev/null; do :; done
    ip -4 -o addr show dev eth0 | awk "{ print \$4 }")' >&5
expect "address" "$address" "$(wait_line vm '^again ' | tr -d '\r' |
    cut -d ' ' -f 2)"
stop vm INT
expect "exit status" 0 "$status"
SCRIPT
}

@test "vm: a network may be refused before the start and after a loss" {
    # Goal: without its networks no VM starts, but a running one continues,
    # because its user has more to lose than a network.
    guest
    sandbox --env "GUEST=$guest" <<'SCRIPT'
start vm root vm "$GUEST/kernel" "$GUEST/initrd" default no-such-network
wait_exit vm
expect "exit status" 1 "$status"
wait_line vm '^vm: no-such-network: no such network' >/dev/null

mkfifo "$T/in"
exec 5<>"$T/in"
start vm root sh -c 'exec vm "$0/kernel" "$0/initrd" default host <"$1"' \
    "$GUEST" "$T/in"
wait_line vm '^vm: ready' >/dev/null
echo '{ "default": { "mode": "wrong" } }' \
    >"/Library/Application Support/com.github.nirs.vmnet-broker/networks.json"
kill -9 "$(pgrep -x vmnet-broker)"
# The prompt of the guest's shell may come first on the line.
wait_line vm 'vm: default: networks.json:1:.*; the VM continues without it' >/dev/null
wait_line vm 'vm: host: attached again' >/dev/null
echo 'echo host $(until ping -c 1 -w 1 192.168.95.1 >/dev/null; do :; done
    echo answers)' >&5
wait_line vm '^host answers' >/dev/null
stop vm INT
expect "exit status" 0 "$status"
SCRIPT
}

@test "vm: an interrupt ends it while it waits for a network" {
    # Goal: nothing has to be stopped yet. A broker that drains keeps it waiting.
    sandbox <<'SCRIPT'
start holder alice acquire default
wait_line holder '^holding default' >/dev/null
kill -INT "$(broker_pid)"
start vm bob env --default-signal=INT vm /dev/null /dev/null default
wait_log 'acquire default: .*drain'
kill -INT "$(pid_of vm)"
wait_gone "$(pid_of vm)"
wait_exit vm
expect "exit status" 130 "$status"
SCRIPT
}

@test "the build lines at the top of the examples compile them" {
    # Goal: the lines that people copy work, in bash as on a Mac.
    for source in examples/*.[cm] examples/programs/*.[cm]; do
        program=$(basename "${source%.*}")
        line=$(sed -e '/\*\//q' "$source" |
            sed -n '/^ \*\tcc /,/^ \*\tcodesign /{s/^ \*//; /codesign/!p}')
        echo "$source: $line"
        [[ $line == *"cc "*"-o $program "* ]]
        (
            # shellcheck disable=SC2317 # the line calls it
            cc() {
                "$BATS_TEST_DIRNAME/../linux/cc" "$@"
            }
            cd "$(dirname "$source")"
            eval "${line/-o $program /-o $BATS_TEST_TMPDIR/$program }"
            # The path in the line that signs is correct, too.
            [ -e "$(sed -n 's/^ \*.*--entitlements \([^ ]*\) .*/\1/p' \
                "$(basename "$source")")" ]
        )
        [ -x "$BATS_TEST_TMPDIR/$program" ]
    done
}

@test "all programs have help, and explain macOS 26.1" {
    # Goal: -h and --help succeed on standard output and name each option. With
    # an older macOS the program prints the reason instead of dying of SIGTRAP.
    sandbox <<'SCRIPT'
help() {
    local program=$1 option
    shift
    for option in -h --help; do
        "$program" "$option" >"$T/help.out" 2>&1 || fail "$program $option: $?"
        grep -q "usage: $program " "$T/help.out" || fail "$program $option"
    done
    for option; do
        grep -q -e "^  $option" "$T/help.out" || fail "$program: no $option"
    done
}
help acquire
help attach
help vm
help ping -c -H -i -m -W '-h, --help'
help vmnet-run --network --fd --offload --stats '-h, --help'
help launcher --network --identity --kernel --initrd --command-line --disk \
    --cpus --memory '-h, --help'
old() {
    local wanted=$1
    shift
    start old alice env STANDIN_MACOS=26.1 "$@"
    wait_exit old
    expect "exit status of $1" "$wanted" "$status"
    wait_line old "^$1: .*macOS 26.2 or later is needed"
}
old 1 attach default
old 2 ping default
old 126 vmnet-run --network default -- true
old 1 launcher --network default --kernel /dev/null
old 1 vm /dev/null /dev/null default
start new alice env STANDIN_MACOS=26.10 attach default
wait_line new '^attach: default: attached$'
SCRIPT
}

@test "acquire and attach: they recover when the broker is killed" {
    # Goal: both report it and get the next network; attach is connected to it.
    sandbox <<'SCRIPT'
start acquire alice acquire default
start attach alice attach default
wait_line acquire '^holding default'
wait_line attach '^attach: default: attached$'
kill -9 "$(pgrep -x vmnet-broker)"
wait_line acquire '^acquire: default: lost, asking again$'
wait_line attach '^attach: default: lost, asking again$'
wait_line acquire '^holding default' 2
wait_line attach '^attach: default: attached$' 2
start ping bob ping -c 3 default
wait_exit ping
expect "exit status of the ping" 0 "$status"
stop attach INT
expect "exit status of attach" 0 "$status"
wait_line attach '^attach: default: [1-9][0-9]* frames$'
stop acquire INT
expect "exit status of acquire" 0 "$status"
SCRIPT
}

@test "acquire, vmnet-run and launcher: they wait for a missing broker" {
    # Goal: they print what they wait for, and get the network in the end.
    sandbox <<'SCRIPT'
launchctl bootout system/com.github.nirs.vmnet-broker
start acquire alice acquire default
start run alice vmnet-run --network default -- true
start launcher bob launcher --network default --kernel /dev/null
wait_line acquire '^acquire: default: cannot reach vmnet-broker'
wait_line run '^vmnet-run: default: cannot reach vmnet-broker; waiting$'
wait_line launcher '^launcher: default: cannot reach vmnet-broker; waiting$'
launchctl bootstrap system \
    /Library/LaunchDaemons/com.github.nirs.vmnet-broker.plist
wait_line acquire '^holding default'
wait_log 'uid 502, .*: acquire default: granted'
wait_exit run
expect "exit status of vmnet-run" 0 "$status"
stop acquire INT
expect "exit status of acquire" 0 "$status"
SCRIPT
}

@test "ping: the transcript at its top is what it prints" {
    # Goal: the transcript is correct.
    tests/linux/run -- tests/integration/transcript examples/programs/ping.c
}

@test "vmnet-run: the transcript at its top is what it prints" {
    # Goal: the transcript is correct.
    tests/linux/run -- tests/integration/transcript examples/programs/vmnet-run.c
}

@test "acquire, attach and ping: an unknown network is an error" {
    # Goal: a wrong name is reported, instead of a program that hangs.
    sandbox <<'SCRIPT'
for example in acquire attach ping; do
    start "$example" alice "$example" no-such-network
    wait_exit "$example"
    [ "$status" -ne 0 ] || fail "$example succeeded"
    wait_line "$example" "^$example: no-such-network: "
done
SCRIPT
}

@test "acquire, attach, vm and ping: usage errors are explained" {
    # Goal: wrong arguments exit with 2, and a wrong value is printed with what
    # is allowed.
    sandbox <<'SCRIPT'
expect_usage_error() {
    start usage alice "${@:2}"
    wait_exit usage
    expect "exit status of ${*:2}" 2 "$status"
    wait_line usage "$1"
}
expect_usage_error '^acquire: usage: acquire ' acquire
expect_usage_error '^acquire: usage: acquire ' acquire one two
expect_usage_error '^attach: usage: attach ' attach
expect_usage_error '^attach: usage: attach ' attach one two
expect_usage_error '^vm: usage: vm ' vm
expect_usage_error '^vm: usage: vm ' vm kernel initrd
expect_usage_error '^usage: ping ' ping
expect_usage_error '^usage: ping ' ping --no-such-option default
expect_usage_error '^usage: ping ' ping default 192.168.64.1 more
expect_usage_error '^ping: -c: must be 0 to 65535 \(got "many"\)' ping -c many default
expect_usage_error '^ping: -c: must be 0 to 65535 \(got "-1"\)' ping -c -1 default
expect_usage_error '^ping: -i: must be 0.001 to 3600 \(got "0"\)' ping -i 0 default
expect_usage_error '^ping: -W: must be 0.001 to 3600 \(got "never"\)' \
    ping -W never default
expect_usage_error '^ping: -m: must be a unicast address, .*\(got "52:54:00:12:34"\)' \
    ping -m 52:54:00:12:34 default
expect_usage_error '^ping: -m: .*\(got "01:00:5e:00:00:01"\)' \
    ping -m 01:00:5e:00:00:01 default
SCRIPT
}

@test "ping: it releases its DHCP lease" {
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

@test "ping: 60 guests that start at once have 60 addresses" {
    # Goal: a server that offers one address to many guests refuses all but one,
    # and the others ask again.
    sandbox <<'SCRIPT'
for i in $(seq 60); do
    start "guest$i" alice ping -H -c 0 default
done
for i in $(seq 60); do
    wait_line "guest$i" '^holding '
done >"$T/holding"
expect addresses 60 "$(sort -u "$T/holding" | grep -c '^holding 192\.168\.')"
SCRIPT
}

@test "ping: a network without a free address" {
    # Goal: ping distinguishes it from a network without a DHCP server.
    config=$BATS_TEST_TMPDIR/networks.json
    echo '{ "tiny": { "mode": "shared", "subnet": "10.11.12.0/29" } }' \
        >"$config"
    sandbox --config "$config" <<'SCRIPT'
# Of 8 addresses, two are not for guests, and one is the gateway's.
for i in 1 2 3 4 5; do
    start "guest$i" alice ping -H -c 0 tiny
    wait_line "guest$i" '^holding '
done
start late bob ping -c 1 tiny
wait_exit late
expect "exit status" 2 "$status"
wait_line late '^ping: tiny: no free address: '
stop guest3
start next bob ping -c 1 tiny
wait_exit next
expect "exit status with an address that was given back" 0 "$status"
SCRIPT
}

@test "ping: an interrupt ends it with a summary" {
    # Goal: Ctrl-C stops the interface and prints the summary, as ping(8) does.
    sandbox <<'SCRIPT'
start ping alice ping -c 1000 default
wait_line ping 'icmp_seq=1 '
stop ping INT
expect "exit status" 0 "$status"
wait_line ping '^[0-9]+ packets? sent, [0-9]+ received$'
SCRIPT
}
