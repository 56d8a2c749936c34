# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# The frames that vmnet-run carries, for commands that read and send as VMMs may.

load vmnet-run

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
expect_idle guest "$default"

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
expect_idle guest "$default"
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
interface=$(vmnetctl | sed -n "s/^interface name=\([^ ]*\) .* \
pid=$(pid_of guest) .*/\1/p")
# The network keeps what vmnet-run does not read; the socket holds less.
ip link set "$interface" txqueuelen 5000
start writer bob vmnet-run --network default -- \
    vmm send {fd0} 2000 1514 say sent wait
wait_line writer '^sent$'
# Until all are in the network: what the socket has when its other end is closed
# is discarded by Linux if a frame arrives for the command.
writer_interface=$(vmnetctl | sed -n "s/^interface name=\([^ ]*\) .* \
pid=$(pid_of writer) .*/\1/p")
until [ "$(cat "/sys/class/net/$writer_interface/statistics/rx_packets")" -ge 2000 ]
do
    :
done
stop writer
before=
while [ "$before" != "$(cat "/sys/class/net/$interface/statistics/tx_packets")" ]; do
    before=$(cat "/sys/class/net/$interface/statistics/tx_packets")
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
expect_idle guest "$default"
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
