# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# How vmnet-run starts a command, and what is left when it exits.

load vmnet-run

@test "vmnet-run: arguments and environment are filled in" {
    # Goal: the command gets its sockets, addresses and sizes in any form.
    run_sandbox <<'SCRIPT'
start words alice env OPTIONS='{mtu1},{mac1}' \
    vmnet-run --network default --network host -- \
    sh -c 'env; echo "fds {fd0} {fd1} word {fd} {fd01x} {{mac0}}";
        readlink /proc/self/fd/{fd0} /proc/self/fd/{fd1} | grep -c socket:'
wait_exit words
expect "exit status" 0 "$status"
value() {
    sed -n "s/^$1=//p" "$T/words.out"
}
for number in 0 1; do
    wait_line words "^VMNET_MAC$number=([0-9a-f]{2}:){5}[0-9a-f]{2}$"
    expect "MTU" 1500 "$(value "VMNET_MTU$number")"
done
[ "$(value VMNET_MAC0)" != "$(value VMNET_MAC1)" ] || fail "one MAC for both"
expect "a variable" "1500,$(value VMNET_MAC1)" "$(value OPTIONS)"
wait_line words "^fds $(value VMNET_FD0) $(value VMNET_FD1) \
word \{fd\} \{fd01x\} \{$(value VMNET_MAC0)\}$"
wait_line words '^2$'
SCRIPT
}

@test "vmnet-run: the exit status is the command's" {
    # Goal: errors of vmnet-run itself have other statuses.
    run_sandbox <<'SCRIPT'
expect_status() {
    local wanted=$1
    shift
    start run alice vmnet-run "$@"
    wait_exit run
    expect "exit status of $*" "$wanted" "$status"
}
expect_status 0 --network default -- vmm exit 0
expect_status 7 --network default -- vmm exit 7
expect_status 137 --network default -- vmm kill 9
expect_status 143 --network default -- vmm kill 15
expect_status 126 --network default -- /no/such/command
wait_line run '^vmnet-run: /no/such/command: No such file'
expect_status 126 --network no-such-network -- vmm exit 0
wait_line run '^vmnet-run: no-such-network: no such network: networks are defined in networks.json'
expect_status 126 --network default --network no-such-network -- vmm exit 0
expect_status 2 -- vmm exit 0
wait_line run '^usage: vmnet-run '
expect_status 2 --network default
expect_status 2 --networks
expect_status 2 --network 1 --network 2 --network 3 --network 4 --network 5 \
    --network 6 --network 7 --network 8 --network 9 -- vmm exit 0
wait_line run '^vmnet-run: --network: at most 8 networks$'
refused() {
    expect_status 2 "${@:2}" -- vmm exit 0
    wait_line run "^vmnet-run: $1"
}
for mac in 52:54:00:12:34 52:54:00:12:34:5g 52:54:0:12:34:56 01:00:5e:00:00:01 \
    00:00:00:00:00:00 52:54:00:12:34:56:78 ''; do
    refused "--network default: mac must be a unicast address, .* \(got \"$mac\"\)" \
        --network "default,mac=$mac"
done
refused '--fd: must be 3 to 63 \(got "2"\)' --fd 2 --network default
refused '--fd: must be 3 to 63 \(got "x"\)' --fd x --network default
refused '--fd: 4 is given twice' --fd 4 --network default --fd 4 --network host
refused '--fd: must be given once for each --network, or not at all \(got 1 for 2\)' \
    --network default --network host --fd 4
expect_status 2 --network default -- vmm close '{fd1}'
wait_line run '^vmnet-run: \{fd1\}: there is no network 1: the last one is \{fd0\}$'
start run alice env OPTIONS='mac={mac7}' vmnet-run --network default -- vmm exit 0
wait_exit run
expect "exit status" 2 "$status"
wait_line run '^vmnet-run: \{mac7\}: there is no network 7: the last one is \{mac0\}$'
expect "interfaces" 0 "$(interfaces "$(pid_of run)")"
SCRIPT
}

@test "vmnet-run: it waits for the interface of a network that it did not need" {
    # Goal: when another network cannot be had, an interface that has started
    # meanwhile is stopped, and vmnet-run waits for that. Here the stop hangs, so
    # that it reports it.
    run_sandbox --daemon-env STANDIN_HANG=vmnet_network_create:1 <<'SCRIPT'
start first alice acquire host
until status | grep -q "^networks.*state string creating"; do
    :
done
clock_create
start run alice env STANDIN_CLOCK="$clock" STANDIN_HANG=vmnet_stop_interface:1 \
    vmnet-run --network host --network default -- vmm exit 0
until vmnetctl | grep -q "^interface .* pid=$(pid_of run) "; do
    :
done
until ! kill -0 "$(pid_of run)" 2>/dev/null; do
    advance 11s
done
wait_exit run
wait_line run '^vmnet-run: host: no answer from the broker$'
wait_line run '^vmnet-run: default: vmnet did not stop the interface in 10 s$'
expect "exit status" 126 "$status"
kill -KILL "$(broker_pid)"
SCRIPT
}

@test "vmnet-run: its interfaces disappear with it" {
    # Goal: nothing is left, even when it is killed.
    run_sandbox <<'SCRIPT'
run=(vmnet-run --network default --network host -- vmm say up wait)
start guest alice "${run[@]}"
wait_line guest '^up$'
expect "interfaces" 2 "$(interfaces "$pid")"
stop guest
expect "exit status" 0 "$status"
expect "interfaces at the end" 0 "$(interfaces "$pid")"

start guest alice "${run[@]}"
wait_line guest '^up$'
expect "interfaces" 2 "$(interfaces "$pid")"
interfaces_left() {
    interfaces "$pid"
}
stop guest KILL
expect "exit status" 137 "$status"
settle interfaces_left 0
SCRIPT
}

@test "vmnet-run: an address and a descriptor can be requested" {
    # Goal: any unicast address works; a VMM that has its number of a descriptor
    # built in gets that one, and no other beside it.
    run_sandbox <<'SCRIPT'
default=$(subnet default).200
mac=52:54:00:00:00:0c
start guest alice vmnet-run --fd 20 --network "default,mac=$mac" \
    --network host --fd 10 -- \
    sh -c "echo fds {fd0} {fd1} \$VMNET_FD1 mac {mac0} \$VMNET_MAC0
        echo sockets: \$(find /proc/self/fd -lname 'socket:*' | sort)
        exec vmm close 10 answer 20 {mac0} $default"
wait_line guest "^fds 20 10 10 mac $mac $mac\$"
wait_line guest '^sockets: /proc/self/fd/10 /proc/self/fd/20$'
wait_line guest "^answering $default\$"
! vmnetctl | grep "^interface .* mac=$mac " || fail "vmnet has chosen it, too"
expect_idle guest "$default"
stop guest
expect "exit status" 0 "$status"
SCRIPT
}

@test "vmnet-run: offload is requested where possible" {
    # Goal: it is requested if the VMM supports it; otherwise its cost is
    # reported.
    run_sandbox <<'SCRIPT'
warning='^vmnet-run: without --offload it slows down every VM'
offload() {
    vmnetctl | grep "^interface .* pid=$(pid_of guest) " | grep -o ' offload=.'
}
start guest alice vmnet-run --network default --network host -- vmm say up wait
wait_line guest '^up$'
expect "lines that warn" 1 "$(grep -c "$warning" "$T/guest.out")"
expect "interfaces" " offload=0 offload=0" "$(offload | tr -d '\n')"
stop guest
start guest alice vmnet-run --offload --network default --network host -- \
    vmm say up wait
wait_line guest '^up$'
expect "interfaces" " offload=1 offload=1" "$(offload | tr -d '\n')"
stop guest
expect "exit status" 0 "$status"
! grep "$warning" "$T/guest.out" || fail "a needless warning"
SCRIPT
}

@test "vmnet-run: a network that is granted before the hold is stored" {
    # Goal: the interface starts at once, even if the handler of the hold runs
    # before vmnet_broker_hold_create() returns.
    run_sandbox <<'SCRIPT'
default=$(subnet default).200
start guest alice early-run --network default --network host -- \
    vmm answer {fd0} {mac0} "$default"
wait_line guest "^answering $default\$"
as bob ping -c 3 -i 0.02 default "$default" >"$T/ping.out" ||
    fail "no answer from $default"
stop guest
SCRIPT
}
