#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# What launcher accepts and refuses, the MAC addresses that it keeps, and guests for
# the other architecture. The VM "one" is running all the time.

# The variables are vm.bash's and one.bash's.
# shellcheck disable=SC2154,SC2030,SC2031

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
