# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# vmnet-run, with commands that treat it as VMMs may.

load helper

# What the scripts share; it comes before each script.
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

# interfaces PID: prints how many interfaces the process has.
interfaces() {
    vmnetctl | grep -c "^interface .* pid=$1 " || :
}

# ticks PID: prints the processor time of a process, in 1/100 s.
ticks() {
    awk '{ print $14 + $15 }' "/proc/$1/stat"
}

# subnet NETWORK: prints its first three bytes.
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
for card in 0 1; do
    wait_line words "^VMNET_MAC$card=([0-9a-f]{2}:){5}[0-9a-f]{2}$"
    expect "MTU" 1500 "$(value "VMNET_MTU$card")"
done
[ "$(value VMNET_MAC0)" != "$(value VMNET_MAC1)" ] || fail "one MAC for both"
expect "a variable" "1500,$(value VMNET_MAC1)" "$(value OPTIONS)"
wait_line words "^fds $(value VMNET_FD0) $(value VMNET_FD1) \
word \{fd\} \{fd01x\} \{$(value VMNET_MAC0)\}$"
wait_line words '^2$'
SCRIPT
}

@test "vmnet-run: frames that one command sends reach another" {
    # Goal: frames arrive in order and unchanged, more of them than a socket's
    # buffer holds, and are counted.
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

@test "vmnet-run: frames that are too short or too long are dropped" {
    # Goal: they are dropped, counted and harmless, including a datagram of size
    # 0, which does not mean the end.
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

@test "vmnet-run: a command may stop reading one network" {
    # Goal: a flood there is dropped, the other network is unaffected, and
    # nothing spins. When the command reads again, it gets frames again.
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

@test "vmnet-run: a command may read slowly" {
    # Goal: vmnet-run waits for it without polling while the network has more
    # than the command reads.
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

@test "vmnet-run: a command's socket may be full for a while" {
    # Goal: frames that do not fit (ENOBUFS) are sent again, in order, and none
    # is lost. The clock of vmnet-run stands still until the command reads.
    run_sandbox <<'SCRIPT'
clock_create
start guest alice env STANDIN_CLOCK="$clock" \
    vmnet-run --stats --network default -- \
    vmm say up wait read {fd0} 2000 1514 say complete wait
wait_line guest '^up$'
card=$(vmnetctl | sed -n "s/^interface name=\([^ ]*\) .* \
pid=$(pid_of guest) .*/\1/p")
# The network keeps what vmnet-run does not read; the socket holds less.
ip link set "$card" txqueuelen 5000
start writer bob vmnet-run --network default -- \
    vmm send {fd0} 2000 1514 say sent wait
wait_line writer '^sent$'
# Until all are in the network: what the socket has when its other end is closed
# is discarded by Linux if a frame arrives for the command.
writer_card=$(vmnetctl | sed -n "s/^interface name=\([^ ]*\) .* \
pid=$(pid_of writer) .*/\1/p")
until [ "$(cat "/sys/class/net/$writer_card/statistics/rx_packets")" -ge 2000 ]
do
    :
done
stop writer
before=
while [ "$before" != "$(cat "/sys/class/net/$card/statistics/tx_packets")" ]; do
    before=$(cat "/sys/class/net/$card/statistics/tx_packets")
done
[ "$before" -lt 2000 ] || fail "the socket was not full"
kill -USR1 "$(pid_of guest)"
wait_line guest '^USR1$'
for _ in $(seq 500); do
    ! grep -qx complete "$T/guest.out" || break
    advance 13ms
done
wait_line guest '^complete$'
stop guest
expect "dropped" 0 "$(frames guest default in dropped)"
SCRIPT
}

@test "vmnet-run: a command may close one socket" {
    # Goal: that network becomes quiet without spinning; the other network and
    # the command continue.
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

@test "vmnet-run: a command may send as fast as it can" {
    # Goal: a flood on one network interface does not block the other one.
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
# Frames under way when it exits may be lost.
[ "$(frames guest host out frames)" -gt 99000 ] || fail "frames were lost"
SCRIPT
}

@test "vmnet-run: the exit status is the command's" {
    # Goal: errors of vmnet-run itself have other statuses.
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
wait_line run '^vmnet-run: no-such-network: no such network: networks are defined in networks.json'
ends 126 --network default --network no-such-network -- vmm exit 0
ends 2 -- vmm exit 0
wait_line run '^usage: vmnet-run '
ends 2 --network default
ends 2 --networks
ends 2 --network 1 --network 2 --network 3 --network 4 --network 5 \
    --network 6 --network 7 --network 8 --network 9 -- vmm exit 0
wait_line run '^vmnet-run: --network: at most 8 networks$'
mistake() {
    ends 2 "${@:2}" -- vmm exit 0
    wait_line run "^vmnet-run: $1"
}
for mac in 52:54:00:12:34 52:54:00:12:34:5g 52:54:0:12:34:56 01:00:5e:00:00:01 \
    00:00:00:00:00:00 52:54:00:12:34:56:78 ''; do
    mistake "--network default: mac must be a unicast address, .* \(got \"$mac\"\)" \
        --network "default,mac=$mac"
done
mistake '--fd: must be 3 to 63 \(got "2"\)' --fd 2 --network default
mistake '--fd: must be 3 to 63 \(got "x"\)' --fd x --network default
mistake '--fd: 4 is given twice' --fd 4 --network default --fd 4 --network host
mistake '--fd: must be given once for each --network, or not at all \(got 1 for 2\)' \
    --network default --network host --fd 4
ends 2 --network default -- vmm close '{fd1}'
wait_line run '^vmnet-run: \{fd1\}: there is no network 1: the last one is \{fd0\}$'
start run alice env OPTIONS='mac={mac7}' vmnet-run --network default -- vmm exit 0
wait_exit run
expect "exit status" 2 "$status"
wait_line run '^vmnet-run: \{mac7\}: there is no network 7: the last one is \{mac0\}$'
expect "interfaces" 0 "$(interfaces "$(pid_of run)")"
SCRIPT
}

@test "vmnet-run: signals are passed to the command" {
    # Goal: the command gets the signals that are meant for it, and one that is
    # ignored, as by nohup, stays ignored.
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
left() {
    interfaces "$pid"
}
stop guest KILL
expect "exit status" 137 "$status"
settle left 0
SCRIPT
}

@test "vmnet-run: a VMM may outlive the command" {
    # Goal: the guest stays online as long as a process has its socket. Then the
    # exit status is the command's.
    run_sandbox <<'SCRIPT'
default=$(subnet default).200
# A daemon, as of QEMU's -daemonize.
daemon() {
    start guest alice vmnet-run --network default --network host -- sh -c "
        setsid vmm answer {fd0} {mac0} $default & exit 3"
    wait_line guest "^answering $default\$"
    still guest "$default"
    vmm=$(pgrep -x vmm)
}
daemon
kill -KILL "$vmm"
wait_exit guest
expect "exit status" 3 "$status"

# The command's group is empty: the signal is for vmnet-run itself.
daemon
stop guest
expect "exit status" 3 "$status"
expect "the daemon" "$vmm" "$(pgrep -x vmm)"
kill -KILL "$vmm"

# The command's group is not empty.
start guest alice vmnet-run --network default -- sh -c "
    vmm answer {fd0} {mac0} $default wait & exit 4"
wait_line guest "^answering $default\$"
still guest "$default"
kill -TERM "$(pid_of guest)"
as bob ping -c 1 default "$default" >"$T/ping.out" && fail "it answers"
kill -USR1 "$(pgrep -x vmm)"
wait_line guest '^USR1$'
wait_exit guest
expect "exit status" 4 "$status"
SCRIPT
}

@test "vmnet-run: it behaves well in the foreground of a terminal" {
    # Goal: Ctrl-C reaches the command, once; Ctrl-Z stops both, fg continues
    # both; a script with vmnet-run in it ends by Ctrl-C, and keeps the terminal
    # when it starts vmnet-run in the background.
    run_sandbox <<'SCRIPT'
mkfifo "$T/keys"
: >"$T/screen.out"
# A background command ignores Ctrl-C from its start. The shell has job control.
env --default-signal=INT,QUIT,TSTP script -q -f \
    -c "stty -echo; echo ready; PS1= bash --norc --noediting -i" "$T/typescript" \
    <"$T/keys" >"$T/screen.out" 2>&1 &
echo "$!" >"$T/screen.pid"
exec 5>"$T/keys"
wait_line screen '^ready'
type() {
    printf '%b' "$1" >&5
}
run="vmnet-run --network default --"

type "$run vmm say up wait say one-more wait exit 4; echo status-\$?\n"
wait_line screen '^up'
type '\003'
wait_line screen '^INT'
wait_line screen '^one-more'
type '\034'
wait_line screen '^QUIT'
wait_line screen '^status-4'

reader="echo up-2; read line; echo line-\$line; exec sleep 1000"
type "$run sh -c '$reader'; echo stopped-\$?\n"
wait_line screen '^up-2'
type '\032'
wait_line screen '^stopped-148'
expect "state of the command" T "$(ps -o state= -C sh | tail -n 1)"
expect "state of vmnet-run" T "$(ps -o state= -C vmnet-run)"
# It reads what is typed, so that it has the terminal again.
type 'fg\n'
type 'x\n'
wait_line screen '^line-x'
type '\003echo ended-$?\n'
wait_line screen '^ended-130'

script="$run sh -c 'echo up-3; exec sleep 1000'; echo never"
type "bash -c \"$script\"\n"
wait_line screen '^up-3'
type '\003echo after-$?\n'
wait_line screen '^after-130'
! grep '^never' "$T/screen.out" || fail "the script went on"

# One that a script starts in the background leaves the terminal to the script.
type "bash -c \"$run sh -c 'echo up-4; exec sleep 1000' & read -r line; echo got-\\\$line\"\n"
wait_line screen '^up-4'
type 'x\n'
wait_line screen '^got-x'
kill "$(pgrep -x vmnet-run)"
type 'exit\n'
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
still guest "$default"
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
