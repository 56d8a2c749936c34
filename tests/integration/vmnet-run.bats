# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# examples/vmnet-run, with commands that do to it what VMMs may do.

load helper

# What the scripts here share, before the script.
run_sandbox() {
    sandbox <<SCRIPT
$(
        cat <<'COMMON'
PATH=$PWD/$tools:$PATH

# frames NAME NETWORK in|out WHAT: a number of the --stats line of what was
# started as NAME; WHAT is frames, bytes, dropped or unfit.
frames() {
    wait_line "$1" "^vmnet-run: $2 $3: " |
        sed -n "s/.* \([0-9]*\) $4.*/\1/p"
}

# interfaces PID: that the process has.
interfaces() {
    vmnetctl | grep -c "^interface .* pid=$1 " || :
}

# ticks PID: processor time of a process, 1/100 s.
ticks() {
    awk '{ print $14 + $15 }' "/proc/$1/stat"
}

# subnet NETWORK: its first three bytes.
subnet() {
    start subnet alice ping -c 0 -H "$1"
    wait_line subnet '^holding' | sed 's/^holding \(.*\)\.[0-9]* until.*/\1/'
    stop subnet
}

# still NAME ADDRESS: what was started as NAME, and has a guest that answers on
# default, works; and uses no processor time but for that. The pings take two
# seconds, of which a process that spins would use most.
still() {
    local pid before used
    pid=$(pid_of "$1")
    before=$(ticks "$pid")
    as bob ping -c 20 -i 0.1 default "$2" >"$T/ping.out" ||
        fail "no answer from $2"
    used=$(($(ticks "$pid") - before))
    [ "$used" -le 50 ] || fail "used $used ticks in two seconds"
}
COMMON
        cat
    )
SCRIPT
}

@test "vmnet-run: words in arguments and in the environment" {
    # Goal: the command learns its sockets, addresses and sizes, in any form.
    run_sandbox <<'SCRIPT'
start words alice env OPTIONS='{mtu1},{mac1}' \
    vmnet-run --network default --network host -- \
    sh -c 'env; echo "fds {fd0} {fd1} word {fd2} {fd} {{mac0}}";
        readlink /proc/self/fd/{fd0} /proc/self/fd/{fd1} | grep -c socket:'
wait_exit words
expect "exit status" 0 "$status"
value() {
    sed -n "s/^$1=//p" "$T/words.out"
}
for card in 0 1; do
    wait_line words "^VMNET_MAC$card=([0-9a-f]{2}:){5}[0-9a-f]{2}$"
    expect "MTU" 1500 "$(value "VMNET_MTU$card")"
done
[ "$(value VMNET_MAC0)" != "$(value VMNET_MAC1)" ] || fail "one MAC for both"
expect "a variable" "1500,$(value VMNET_MAC1)" "$(value OPTIONS)"
wait_line words "^fds $(value VMNET_FD0) $(value VMNET_FD1) \
word \{fd2\} \{fd\} \{$(value VMNET_MAC0)\}$"
wait_line words '^2$'
SCRIPT
}

@test "vmnet-run: what one command sends, another gets" {
    # Goal: frames arrive in order and unharmed, more than a socket's buffer
    # holds, and are counted.
    run_sandbox <<'SCRIPT'
start reader alice vmnet-run --stats --network default -- \
    vmm say up read {fd0} 500 1514
wait_line reader '^up$'
start writer bob vmnet-run --stats --network default -- \
    vmm send {fd0} 500 1514 wait
wait_exit reader
expect "reader" 0 "$status"
[ "$(frames reader default in frames)" -ge 500 ] || fail "too few were counted"
expect "dropped" 0 "$(frames reader default in dropped)"
stop writer
expect "writer" 0 "$status"
expect "frames out" 500 "$(frames writer default out frames)"
expect "bytes out" 757000 "$(frames writer default out bytes)"
expect "dropped" 0 "$(frames writer default out dropped)"
SCRIPT
}

@test "vmnet-run: frames that are too short or too long" {
    # Goal: they are dropped and counted, and harm nothing; also a datagram of
    # size 0, which is no end.
    run_sandbox <<'SCRIPT'
start reader alice vmnet-run --network default -- \
    vmm say up read {fd0} 1 14 read {fd0} 1 1514
wait_line reader '^up$'
start writer bob vmnet-run --stats --network default -- \
    vmm send {fd0} 1 0 send {fd0} 1 13 send {fd0} 1 14 send {fd0} 1 1515 \
    send {fd0} 1 9014 send {fd0} 1 65000 send {fd0} 1 1514 wait
wait_exit reader
expect "reader" 0 "$status"
stop writer
expect "writer" 0 "$status"
expect "frames" 2 "$(frames writer default out frames)"
expect "unfit" 5 "$(frames writer default out unfit)"
SCRIPT
}

@test "vmnet-run: a command that stops reading one network" {
    # Goal: a flood there is dropped, the other network goes on meanwhile,
    # nothing spins, and when the command reads again frames come again.
    run_sandbox <<'SCRIPT'
default=$(subnet default).200
host=$(subnet host).200
start guest alice vmnet-run --stats --network default --network host -- \
    vmm answer {fd0} {mac0} "$default" drain {fd1} answer {fd1} {mac1} "$host"
wait_line guest "^answering $default\$"
start flood bob vmnet-run --network host -- vmm send {fd0} 50000 1000
as bob ping -c 20 -i 0.02 default "$default" >"$T/ping.out" ||
    fail "no answer during the flood"
wait_exit flood
expect "flood" 0 "$status"
still guest "$default"

kill -TERM "$(pid_of guest)"
wait_line guest '^drained [1-9]'
wait_line guest "^answering $host\$"
as bob ping -c 3 -i 0.02 host "$host" >"$T/ping.out" ||
    fail "no answer after the flood"
stop guest
expect "guest" 0 "$status"
expect "dropped on default" 0 "$(frames guest default in dropped)"
[ "$(frames guest host in dropped)" -gt 0 ] || fail "nothing was dropped"
SCRIPT
}

@test "vmnet-run: a command that reads slowly" {
    # Goal: it is waited for without asking all the time, while the network has
    # more than it takes.
    run_sandbox <<'SCRIPT'
default=$(subnet default).200
start guest alice vmnet-run --network default --network host -- \
    sh -c "vmm crawl {fd1} 5 & exec vmm answer {fd0} {mac0} $default"
wait_line guest '^crawling$'
wait_line guest "^answering $default\$"
start writer bob vmnet-run --network host -- vmm send {fd0} 5000 1000
wait_exit writer
still guest "$default"
stop guest
expect "guest" 0 "$status"
SCRIPT
}

@test "vmnet-run: a command that closes one socket" {
    # Goal: that network is quiet, with no spin; the other and the command go
    # on.
    run_sandbox <<'SCRIPT'
default=$(subnet default).200
start guest alice vmnet-run --stats --network default --network host -- \
    vmm close {fd1} answer {fd0} {mac0} "$default"
wait_line guest "^answering $default\$"
start writer bob vmnet-run --network host -- vmm send {fd0} 5000 1000
wait_exit writer
still guest "$default"
stop guest
expect "guest" 0 "$status"
# What the network itself said before the socket was closed, and no more.
[ "$(frames guest host in frames)" -lt 100 ] || fail "frames went nowhere"
SCRIPT
}

@test "vmnet-run: a command that sends as fast as it can" {
    # Goal: a network card that floods does not keep out the other one.
    run_sandbox <<'SCRIPT'
default=$(subnet default).200
start guest alice vmnet-run --stats --network default --network host -- \
    sh -c "vmm answer {fd0} {mac0} $default &
        exec vmm send {fd1} 100000 0 send {fd1} 100000 60 wait exit 3"
wait_line guest "^answering $default\$"
as bob ping -c 20 -i 0.02 default "$default" >"$T/ping.out" ||
    fail "no answer during the flood"
stop guest
expect "guest" 3 "$status"
expect "unfit" 100000 "$(frames guest host out unfit)"
# What is under way when it ends may get lost.
[ "$(frames guest host out frames)" -gt 99000 ] || fail "frames were lost"
SCRIPT
}

@test "vmnet-run: exit status" {
    # Goal: it is the command's; mistakes are told apart.
    run_sandbox <<'SCRIPT'
ends() {
    local wanted=$1
    shift
    start run alice vmnet-run "$@"
    wait_exit run
    expect "exit status of $*" "$wanted" "$status"
}
ends 0 --network default -- vmm exit 0
ends 7 --network default -- vmm exit 7
ends 137 --network default -- vmm kill 9
ends 143 --network default -- vmm kill 15
ends 126 --network default -- /no/such/command
wait_line run '^vmnet-run: /no/such/command: No such file'
ends 126 --network no-such-network -- vmm exit 0
wait_line run '^vmnet-run: network no-such-network: no such network: networks are defined in networks.json'
ends 126 --network default --network no-such-network -- vmm exit 0
ends 2 -- vmm exit 0
wait_line run '^usage: vmnet-run '
ends 2 --network default
ends 2 --networks
ends 2 --network 1 --network 2 --network 3 --network 4 --network 5 \
    --network 6 --network 7 --network 8 --network 9 -- vmm exit 0
wait_line run '^vmnet-run: at most 8 networks$'
expect "interfaces" 0 "$(interfaces "$(pid_of run)")"
SCRIPT
}

@test "vmnet-run: signals" {
    # Goal: the command gets those that are for it, and an ignored one, as by
    # nohup, stays ignored.
    run_sandbox <<'SCRIPT'
start guest alice env --default-signal=INT,QUIT \
    vmnet-run --network default -- \
    vmm say up wait wait wait wait wait wait exit 5
wait_line guest '^up$'
for name in INT TERM HUP QUIT USR1 USR2; do
    kill "-$name" "$(pid_of guest)"
    wait_line guest "^$name\$"
done
wait_exit guest
expect "exit status" 5 "$status"

# The signal that ends it comes after the one that does not count.
start guest alice env --ignore-signal=HUP vmnet-run --network default -- \
    vmm say up wait exit 5
wait_line guest '^up$'
kill -HUP "$(pid_of guest)"
kill -TERM "$(pid_of guest)"
wait_exit guest
expect "exit status" 5 "$status"
! grep HUP "$T/guest.out" || fail "HUP was passed on"

# As they were, for a command that does not care.
start guest alice vmnet-run --network default -- sh -c 'echo up; exec sleep 60'
wait_line guest '^up$'
stop guest TERM
expect "exit status" 143 "$status"
SCRIPT
}

@test "vmnet-run: its interfaces end with it" {
    # Goal: nothing is left, also when it is killed.
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
left() {
    interfaces "$pid"
}
stop guest KILL
expect "exit status" 137 "$status"
settle left 0
SCRIPT
}
