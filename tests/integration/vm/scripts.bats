#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# The scripts of examples/test-vm that start, stop and list VMs. The VM "one" is
# running all the time.

# The variables are vm.bash's and one.bash's, and $ in what is typed is the
# guest's.
# shellcheck disable=SC2154,SC2016

bats_require_minimum_version 1.5.0
load vm
load one

# --- The scripts: QEMU's accelerator ----------------------------------------

# fake_kvm COMMANDS: a QEMU that runs these instead of a guest with KVM.
fake_kvm() {
    mkdir -p "$T/bin"
    for qemu in qemu-system-x86_64 qemu-system-aarch64; do
        cat >"$T/bin/$qemu" <<EOF
#!/bin/sh
case " \$* " in
*' -accel kvm '*)
    $1
    ;;
esac
exec $(command -v $qemu) "\$@"
EOF
        chmod +x "$T/bin/$qemu"
    done
    : >"$T/kvm"
    PATH=$T/bin:$PATH
    export TEST_VM_KVM=$T/kvm
}

@test "start: a /dev/kvm that does not work is not used" {
    # Goal: it is tried before the VM needs it, and the VM starts without it.
    [ "$(uname)" != Darwin ] || skip "macOS has no KVM"
    # This is as in a VM without nested virtualization.
    fake_kvm "echo 'error: failed to set MSR 0x10a to 0x0' >&2
        echo 'kvm.c:3183: kvm_buf_set_msrs: Assertion failed.' >&2
        kill -ABRT \$\$"
    run -0 "$vm/start" two --launcher vmnet-run --network default
    [[ $output == *'test-vm: kvm does not work here (error: failed to set MSR 0x10a'*'TEST_VM_ACCELERATOR=tcg skips this check'* ]]
    [[ $output == *'vm: ready'* ]]
    # The shell must not report that QEMU was aborted.
    [[ $output != *Abort* ]]
    "$vm/stop" two
    # A user who requests an accelerator gets it or an error.
    TEST_VM_ACCELERATOR=tcg run -0 "$vm/start" two --launcher vmnet-run --network default
    [[ $output != *'does not work'* ]]
    "$vm/stop" two
    run -1 "$vm/start" two --launcher vmnet-run \
        --network default --accelerator kvm
    [[ $output == *'failed to set MSR 0x10a'* ]]
    run -2 "$vm/start" two --accelerator fast
    [[ $output == *"--accelerator must be kvm, hvf or tcg (got \"fast\")"* ]]
}

@test "start: a /dev/kvm that does not run guests is not used" {
    # Goal: nested virtualization may start a VM without running it. The VM then
    # starts without KVM, and the QEMU that was tried has exited.
    [ "$(uname)" != Darwin ] || skip "macOS has no KVM"
    fake_kvm "echo \$\$ >$T/tried
        exec tail -f /dev/null"
    run -0 "$vm/start" two --launcher vmnet-run --network default
    [[ $output == *"test-vm: kvm does not work here (no guest started within 5 s): the guest is emulated"* ]]
    [[ $output == *'vm: ready'* ]]
    [[ $output != *Killed* ]]
    run -1 kill -0 "$(cat "$T/tried")"
    "$vm/stop" two
}

@test "start: a /dev/kvm that works" {
    # Goal: it is tried, found to work, and used for the VM. This QEMU has no
    # KVM either: it emulates the VM, and the kernel of the trial ends at once.
    [ "$(uname)" != Darwin ] || skip "macOS has no KVM"
    fake_kvm "echo kvm >>$T/used
        case \" \$* \" in
        *' -initrd '*) ;;
        *) exit 0 ;;
        esac
        for word; do
            shift
            case \$word in
            kvm) word=tcg ;;
            host) word=max ;;
            esac
            set -- \"\$@\" \"\$word\"
        done"
    run -0 "$vm/start" two --launcher vmnet-run --network default
    [[ $output != *'does not work'* ]]
    [[ $output == *'vm: ready'* ]]
    # Once for the trial, once for the VM.
    [ "$(wc -l <"$T/used")" = 2 ]
    "$vm/stop" two
}

# --- start, stop, list ------------------------------------------------------

@test "start: errors are reported" {
    # Goal: each is reported, and starts nothing.
    mistake() {
        run "-$1" "$vm/start" "${@:3}"
        [[ $output == *"$2"* ]]
    }
    run -0 "$vm/start" --help
    [[ $output == "Usage: examples/test-vm/start NAME "*"(default: 256)"* ]]
    mistake 2 "usage:"
    mistake 2 "usage:" two --network
    mistake 2 '--launcher must be launcher or vmnet-run (got "qemu")' two \
        --launcher qemu
    mistake 2 '--arch must be amd64 or arm64 (got "riscv64")' two \
        --arch riscv64
    mistake 2 '--memory must be 1 to 9999999 (got "much")' two --memory much
    mistake 2 'invalid VM name "../two"' ../two
    mistake 2 'invalid VM name "Two"' Two
    mistake 2 'invalid network "default; reboot"' two \
        --network 'default; reboot'
    mistake 1 'VM "one" is already running' one
    [ "$("$vm/list" | grep -c '^two')" -eq 0 ]
    run -2 "$vm/stop" two true
    for command in 'stop two' 'exec two true' 'console two'; do
        # shellcheck disable=SC2086 # words
        run -1 "$vm/"$command
        [[ $output == *test-vm:* ]]
    done
}

@test "start: the failure of a launcher is reported" {
    # Goal: its reason is shown, and nothing is left running.
    run -1 start two --network no-such-network
    [[ $output == *"launcher: no-such-network: "*"two did not start"* ]]
    run -1 "$vm/exec" two true
    [[ $output == *'VM "two" is not running'* ]]
}

# Makes such a guest, for TEST_VM_BUILD=$T/guest.
make_never_ready() {
    mkdir -p "$T/guest/root/bin" "$T/guest/${guest##*/}"
    gzip -dc "$guest/initrd" | (cd "$T/guest/root" && cpio -id 2>/dev/null)
    sed '/^echo "vm: ready"/d' examples/test-vm/init >"$T/guest/root/init"
    (cd "$T/guest/root" && find . | cpio -o -H newc 2>/dev/null | gzip) \
        >"$T/guest/${guest##*/}/initrd"
    cp "$guest/kernel" "$T/guest/${guest##*/}/"
}

@test "start: a guest that never becomes ready is stopped" {
    # Goal: the wait is bounded, the guest's output is shown, and no VM is left.
    make_never_ready
    TEST_VM_BUILD=$T/guest run -1 start two --network default --timeout 30
    [[ $output == *"vm: eth0 "*"two was not ready after 30 s"* ]]
    run -1 "$vm/stop" two
}

# interrupted SIGNAL STATUS GROUP: start gets the signal while it waits, and exits
# with this status. GROUP is "-" if its whole process group gets the signal.
interrupted() {
    TEST_VM_BUILD=$T/guest perl -e \
        '$SIG{INT} = "DEFAULT"; setpgrp; exec @ARGV' \
        "$vm/start" two --launcher "$launcher" --network default 3>&- &
    child=$!
    children="$children $child"
    until [ -e "$TEST_VM_RUN/two/console" ]; do
        kill -0 "$child"
    done
    wait_for_text "$TEST_VM_RUN/two/console" '^vm: eth0'
    pid=$(cat "$TEST_VM_RUN/two/pid")
    kill "-$1" -- "$3$child"
    code=0
    wait "$child" || code=$?
    [ "$code" -eq "$2" ]
    run -1 kill -0 "$pid"
    [ ! -e "$TEST_VM_RUN/two" ]
}

@test "start: a signal stops the VM" {
    # Goal: no process and no folder is left. Ctrl-C and timeout(1) reach the whole
    # process group.
    make_never_ready
    interrupted INT 130 -
    interrupted TERM 143 -
    interrupted TERM 143 ""
}

@test "start: a VM without a network, with QEMU" {
    # Goal: it is as without QEMU: vmnet-run, which needs a network, is not used. The
    # usual end of a VM prints nothing.
    command -v qemu-system-aarch64 || skip "no QEMU"
    run -0 "$vm/start" two --launcher vmnet-run
    [ "${lines[-1]}" = 'vm: ready' ]
    "$vm/list" | grep '^two: no network$'
    run -0 "$vm/exec" two 'echo alive'
    [ "$output" = alive ]
    run -0 "$vm/stop" two
    [ -z "$output" ]
}

@test "start: two VMs can start at once" {
    # Goal: they do not disturb each other, and of the same name only one
    # starts.
    start two --network default >"$T/two" 2>&1 3>&- &
    two=$!
    start three --network default >"$T/three" 2>&1 3>&- &
    three=$!
    wait $two
    wait $three
    [ "$("$vm/list" | grep -c -E '^(two|three): eth0 .* 192\.168\.')" -eq 2 ]
    "$vm/stop" two
    "$vm/stop" three

    start two >"$T/first" 2>&1 3>&- &
    two=$!
    start two >"$T/second" 2>&1 3>&- &
    three=$!
    ended $two
    first=$status
    ended $three
    echo "first $first, second $status"
    [ $((first + status)) -eq 1 ]
    grep -h -E 'is already running|is being started' "$T/first" "$T/second"
    [ "$("$vm/list" | grep -c '^two: no network')" -eq 1 ]
    "$vm/stop" two
}

@test "start: the VMM exits with a launcher that is killed" {
    # Goal: no unknown QEMU is left running.
    command -v qemu-system-aarch64 || skip "no QEMU"
    "$vm/start" two --launcher vmnet-run --network default
    vmm=$(cat "$TEST_VM_RUN/two/vmm")
    kill -9 "$(cat "$TEST_VM_RUN/two/pid")"
    wait_for_end "$vmm"
    "$vm/start" two --launcher vmnet-run --network default
    run -0 "$vm/stop" two
    [ -z "$output" ]
}
