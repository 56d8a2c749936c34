#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# What launcher does besides attaching a VM, and vmnet-run with a VMM that
# becomes a daemon. The VM "one" is running all the time.

# The variables are vm.bash's and one.bash's, and $ in what is typed is the
# guest's.
# shellcheck disable=SC2154,SC2016,SC2030,SC2031

bats_require_minimum_version 1.5.0
load vm
load one

# --- launcher: arguments ----------------------------------------------------

@test "launcher: wrong arguments are explained" {
    # Goal: the exit status is 2, and the message has the option and what it
    # allows.
    mistake() {
        run -2 "$programs/launcher" "${@:2}"
        [[ $output == *"$1"* ]]
    }
    run -0 "$programs/launcher" -h
    [[ $output == "usage: launcher "*"--memory MIB "*"(default: 512)"* ]]
    run -0 "$programs/launcher" --help
    mistake "usage: launcher "
    mistake "usage: launcher " --no-such-option
    mistake "usage: launcher " --kernel "$guest/kernel" more
    mistake "usage: launcher " --kernel
    mistake '--cpus: must be 1 to 1048576 (got "0")' --cpus 0 \
        --kernel "$guest/kernel"
    mistake '--memory: must be 1 to 1048576 (got "1x")' --memory 1x \
        --kernel "$guest/kernel"
    mistake "--memory: must be " --memory 1 --kernel "$guest/kernel"
    mistake " MiB on this Mac (got 99999)" --memory 99999 \
        --kernel "$guest/kernel"
    mistake "--cpus: must be " --cpus 1000 --kernel "$guest/kernel"
    mistake "need --kernel" --disk disk --initrd "$guest/initrd"
    mistake "--network default: mac must be a unicast address" --kernel "$guest/kernel" \
        --network default,mac=52:54
    mistake '(got "01:00:5e:00:00:01")' \
        --kernel "$guest/kernel" --network default,mac=01:00:5e:00:00:01
}

@test "launcher: unusable files are explained" {
    # Goal: the reason is printed, instead of starting a VM that shows nothing.
    refused() {
        run -1 "$programs/launcher" "${@:2}"
        [[ $output == *"$1"* ]]
    }
    gzip -c "$guest/kernel" >"$T/gzip"
    printf 'MZ\0\0zimg' >"$T/zboot"
    refused "cannot read $T/absent" --kernel "$T/absent"
    refused "cannot read $T/absent" --kernel "$guest/kernel" \
        --initrd "$T/absent"
    refused "$T/gzip is compressed: gunzip it first" --kernel "$T/gzip"
    refused "$T/zboot is compressed and for EFI only" --kernel "$T/zboot"
    echo odd >"$T/odd"
    refused "$T/odd: " --kernel "$guest/kernel" --disk "$T/odd"
}

@test "launcher: an unknown network is an error" {
    # Goal: the broker's message is shown.
    run -1 "$programs/launcher" --kernel "$guest/kernel" --network no-such-network
    [[ $output == *"launcher: no-such-network: "* ]]
}

@test "launcher: macOS 26.1 is too old" {
    # Goal: a user who cannot have a shared network learns why, and which macOS
    # can.
    [ "$(uname)" != Darwin ] || skip "this macOS is what it is"
    STANDIN_MACOS=26.1 run -1 "$programs/launcher" --kernel "$guest/kernel" \
        --network no-such-network
    [[ $output == *"launcher: macOS 26.2 or later is needed"* ]]
    STANDIN_MACOS=26.2 run -1 "$programs/launcher" --kernel "$guest/kernel" \
        --network no-such-network
    [[ $output == *"launcher: no-such-network: "* ]]
}

@test "launcher: its network devices leave TSO on" {
    # Goal: as on macOS, a VM does not slow down other VMs on its bridges.
    [ "$(uname)" != Darwin ] || skip "nothing tells of it"
    networks=$(build/linux/plain/bin/vmnetctl)
    [ "$(grep -c '^network .* tso=on$' <<<"$networks")" -eq 2 ]
    ! grep -E ' tso=off$|^interface .* offload=0 ' <<<"$networks" || false
}

# --- launcher: MAC addresses ------------------------------------------------

@test "launcher: a MAC address is generated and kept" {
    # Goal: a VM that is started again has its addresses, including its IP
    # addresses.
    "$vm/start" kept --launcher launcher --network default \
        --network host,mac=52:54:00:12:34:56
    first=$("$vm/list" | grep '^kept: ')
    [[ $first == *"eth1 52:54:00:12:34:56 192.168."* ]]
    "$vm/stop" kept
    "$vm/start" kept --launcher launcher --network default --network host
    second=$("$vm/list" | grep '^kept: ')
    "$vm/stop" kept
    echo "first: $first, second: $second"
    [ "$first" = "$second" ]
}

@test "launcher: an identity in use by another VM is refused" {
    # Goal: no two VMs have the same addresses. The file is free again when the
    # VM has exited, even if its launcher was killed.
    second() {
        perl -e 'alarm 60; exec @ARGV' "$programs/launcher" --network default \
            --kernel "$guest/kernel" --identity "$TEST_VM_RUN/kept.macs" \
            </dev/null
    }
    "$vm/start" kept --launcher launcher --network default
    run -1 second
    [[ $output == *"kept.macs is in use by another VM, "*"stop that VM"* ]]
    killed=$(cat "$TEST_VM_RUN/kept/pid")
    kill -9 "$killed"
    wait_for_end "$killed"
    "$vm/start" kept --launcher launcher --network default
    "$vm/stop" kept
}

@test "launcher: an invalid identity is refused" {
    # Goal: the VM never silently gets a new address.
    echo nonsense >"$T/identity"
    run -1 "$programs/launcher" --kernel "$guest/kernel" --network default \
        --identity "$T/identity"
    [[ $output == *"$T/identity: contains no MAC addresses"* ]]
    [ "$(cat "$T/identity")" = nonsense ]
}

# --- launcher: its end ------------------------------------------------------

@test "launcher: Ctrl-C stops the guest and restores the terminal" {
    # Goal: this is how a person stops it.
    vm_on_terminal
    printf '\003' >&5
    expect_restored 0
    cat "$T/shown"
    # It may come after the guest's prompt.
    grep 'launcher: stopping$' "$T/shown"
    grep 'launcher: stopped$' "$T/shown"
}

@test "launcher: other keys go to the guest, also Ctrl-Z and Ctrl-\\" {
    # Goal: no key exits and leaves a terminal that is raw.
    vm_on_terminal
    # This is printed by a program that has the terminal, not by the shell's
    # echo.
    printf 'sh -c "echo slow-\$((40 + 2)); exec sleep 1000"\r' >&5
    wait_for_text "$T/screen" '^slow-42'
    type_until '\034echo quick-$((40 + 2))\r' '^quick-42'
    type_until '\032poweroff -f\r' '^after '
    expect_restored 0
}

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

@test "launcher: a closed standard input is like an empty one" {
    # Goal: no file that is opened takes its place.
    : >"$T/console"
    "$programs/launcher" --kernel "$guest/kernel" --initrd "$guest/initrd" \
        --command-line 'console=hvc0 quiet' --identity "$T/identity" \
        <&- >"$T/console" 2>"$T/log" 3>&- &
    booted=$!
    children="$children $booted"
    wait_for_text "$T/console" '^vm: ready'
    kill -TERM "$booted"
    ended "$booted"
    cat "$T/log"
    [ "$status" -eq 0 ]
}

# keys_of_the_shell COMMAND: runs a launcher in the background of a shell that
# reads what is typed.
keys_of_the_shell() {
    : >"$T/console"
    on_terminal "set -m
        $1 >'$T/console' 2>&1 &
        while read -r line; do
            echo shell-\"\$line\"
            [ \"\$line\" != end ] || break
        done
        kill -INT %1; wait %1; echo status \$?"
    wait_for_text "$T/console" '^vm: ready'
    for i in 1 2 3 4 5 6 7 8 9; do
        printf 'line %s\r' $i >&5
    done
    printf 'end\r' >&5
    wait_for_text "$T/screen" '^status 0'
    [ "$(grep -c 'shell-line [1-9]' "$T/screen")" -eq 9 ]
    exec 5>&-
}

@test "launcher: in the background the keys go to the shell" {
    # Goal: the guest receives none of them.
    keys_of_the_shell "'$programs/launcher' --kernel '$guest/kernel' \
        --initrd '$guest/initrd' --command-line 'console=hvc0 quiet'"
}

@test "vm: in the background the keys go to the shell" {
    # Goal: the same for the example.
    keys_of_the_shell "'$programs/vm' '$guest/kernel' '$guest/initrd' default"
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

@test "launcher: a crash restores the terminal" {
    # Goal: the user need not type "reset" blindly.
    vm_on_terminal
    kill -SEGV "$(vm_pid)"
    expect_restored $((128 + 11))
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

# --- The other architecture -------------------------------------------------

@test "arm64: the guest of Apple silicon boots with launcher" {
    # Goal: the guest for Macs boots, gets its address, and reacts to the power
    # button.
    [ "$(uname -sm)" != "Darwin x86_64" ] ||
        skip "a Mac with an Intel processor runs no guests for arm64"
    "$vm/start" arm --launcher launcher --arch arm64 --network default
    run -0 "$vm/exec" arm uname -m
    [ "$output" = aarch64 ]
    run -0 "$vm/exec" arm "ping -c 1 $(address one eth0)"
    # It was not stopped by force. The file's other name remains.
    ln "$TEST_VM_RUN/arm/log" "$T/log"
    "$vm/stop" arm
    cat "$T/log"
    grep '^launcher: stopped' "$T/log"
}

@test "arm64: the guest of Apple silicon boots with vmnet-run" {
    # Goal: the same works with QEMU on a socket.
    command -v qemu-system-aarch64 || skip "no QEMU"
    "$vm/start" arm --launcher vmnet-run --arch arm64 --network default
    run -0 "$vm/exec" arm "uname -m; ping -c 1 $(address one eth0)"
    [[ $output == aarch64* ]]
    "$vm/stop" arm
}
