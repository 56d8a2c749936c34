#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# How a VM of launcher ends: signals, guests that do not react, errors; and vmnet-run
# with a VMM that becomes a daemon. The VM "one" is running all the time.

# The variables are vm.bash's and one.bash's, and $ in what is typed is the
# guest's.
# shellcheck disable=SC2154,SC2016,SC2030,SC2031

bats_require_minimum_version 1.5.0
load vm
load one

@test "launcher: SIGTERM, SIGHUP and SIGQUIT stop the guest" {
    # Goal: the guest is stopped in an orderly way by each of them.
    for signal in TERM HUP QUIT; do
        rm -f "$T/in"
        boot
        kill -$signal "$booted"
        ended "$booted"
        echo "$signal: $status"
        cat "$T/log"
        [ "$status" -eq 0 ]
        grep '^launcher: stopped' "$T/log"
    done
}

@test "launcher: SIGHUP does not stop the guest of a launcher that ignores it" {
    # Goal: nohup works. A later SIGTERM does stop the guest.
    trap '' HUP
    boot
    trap - HUP
    kill -HUP "$booted"
    echo 'echo still-$((40 + 2))' >&6
    wait_for_text "$T/console" '^still-42'
    kill -TERM "$booted"
    ended "$booted"
    [ "$status" -eq 0 ]
}

@test "launcher: a guest may stop while it is being stopped by force" {
    # Goal: it stopped, so this is not a failure.
    [ "$(uname)" != Darwin ] || skip "cannot be made to happen"
    export STANDIN_FAIL=guest_stops_first:1
    boot
    unset STANDIN_FAIL
    echo 'killall acpid; echo deaf' >&6
    wait_for_text "$T/console" '^deaf'
    kill -INT "$booted"
    wait_for_text "$T/log" '^launcher: stopping'
    kill -INT "$booted"
    ended "$booted"
    cat "$T/log"
    [ "$status" -eq 0 ]
    grep '^launcher: stopped' "$T/log"
}

@test "launcher: an unresponsive guest is stopped after ten seconds" {
    # Goal: SIGTERM is enough to stop any VM.
    boot
    echo 'killall acpid; echo deaf' >&6
    wait_for_text "$T/console" '^deaf'
    before=$(date +%s)
    kill -TERM "$booted"
    ended "$booted"
    took=$(($(date +%s) - before))
    echo "status $status after $took s"
    [ "$status" -eq 1 ]
    [ "$took" -ge 9 ]
    grep '^launcher: the guest did not stop when asked' "$T/log"
}

@test "launcher: a second Ctrl-C does not wait" {
    # Goal: a user can force the stop by pressing it twice.
    boot
    echo 'killall acpid; echo deaf' >&6
    wait_for_text "$T/console" '^deaf'
    before=$(date +%s)
    kill -INT "$booted"
    wait_for_text "$T/log" '^launcher: stopping'
    kill -INT "$booted"
    ended "$booted"
    [ "$status" -eq 1 ]
    [ $(($(date +%s) - before)) -lt 9 ]
}

@test "launcher: an error of the VM is reported" {
    # Goal: the delegate's error is printed, and the exit status is the one for
    # it.
    [ "$(uname)" != Darwin ] || skip "nothing to kill"
    boot
    kill -9 "$(pgrep -P "$booted" qemu)"
    ended "$booted"
    [ "$status" -eq 1 ]
    grep '^launcher: stopped by an error: ' "$T/log"
}

@test "launcher: the guest can power off" {
    # Goal: the exit status is 0.
    boot
    echo 'poweroff -f' >&6
    ended "$booted"
    [ "$status" -eq 0 ]
    grep '^launcher: stopped' "$T/log"
}

# --- vmnet-run: QEMU as a daemon --------------------------------------------

# start_daemon: starts vmnet-run with a QEMU that becomes a daemon; its process
# id goes to vmm and its guest's address to address. The number of its
# descriptor and its MAC address are chosen beforehand.
start_daemon() {
    local qemu=qemu-system-x86_64 machine=q35 cpu=max

    if [ "$(uname -m)" != x86_64 ]; then
        qemu=qemu-system-aarch64 machine=virt cpu=cortex-a57
    fi
    rm -f "$T/vmm"
    : >"$T/console"
    "$programs/vmnet-run" --network default,mac=52:54:00:00:00:0d --fd 20 -- \
        "$qemu" -M $machine -cpu $cpu -accel tcg -m 256 -nodefaults \
        -display none -kernel "$guest/kernel" -initrd "$guest/initrd" \
        -append 'console=hvc0 quiet' -device virtio-serial-pci \
        -chardev "file,id=console,path=$T/console" \
        -device virtconsole,chardev=console -device virtio-rng-pci \
        -netdev dgram,id=net0,local.type=fd,local.str=20 \
        -device 'virtio-net-pci,netdev=net0,mac={mac0}' \
        -pidfile "$T/vmm" -daemonize >"$T/log" 2>&1 3>&- &
    booted=$!
    children="$children $booted"
    wait_for_text "$T/console" '^vm: ready'
    vmm=$(cat "$T/vmm")
    children="$children $vmm"
    address=$(tr -d '\r' <"$T/console" |
        sed -n 's/^vm: eth0 52:54:00:00:00:0d \([0-9.]*\).*/\1/p')
}

@test "vmnet-run: QEMU may become a daemon" {
    # Goal: the guest stays online after the command has exited, also when the
    # broker dies. vmnet-run exits with the daemon, or on a signal, and then the
    # daemon continues.
    [ "$(uname)" != Darwin ] || skip "nobody has tried it on a Mac"
    start_daemon
    [ -n "$address" ]
    # It is not a child of vmnet-run, and not in its command's group.
    [ "$(ps -o ppid= -p "$vmm")" -ne "$booted" ]
    run -0 "$programs/ping" -c 2 default "$address"
    kill -9 "$(broker_pid)"
    wait_for_text "$T/log" '^vmnet-run: default: back'
    run -0 "$programs/ping" -c 2 default "$address"
    kill -9 "$vmm"
    ended "$booted"
    cat "$T/log"
    [ "$status" -eq 0 ]

    start_daemon
    kill -TERM "$booted"
    ended "$booted"
    [ "$status" -eq 0 ]
    kill -0 "$vmm"
}
