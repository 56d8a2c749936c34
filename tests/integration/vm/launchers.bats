#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# What examples/vm does besides attaching a VM, and the scripts that start VMs
# and speak with them. The VM "one" is there all the time.

# The variables are vm.bash's, and $ in what is typed is the guest's.
# shellcheck disable=SC2154,SC2016

bats_require_minimum_version 1.5.0
load vm

case $(uname -m) in
x86_64) guest=build/test-vm/amd64 ;;
*) guest=build/test-vm/arm64 ;;
esac

setup_file() {
    load vm
    export TEST_VM_RUN=$BATS_FILE_TMPDIR
    start one --network default --network host
}

teardown_file() {
    load vm
    for path in "$TEST_VM_RUN"/*/pid; do
        name=${path%/pid}
        "$vm/stop" "${name##*/}" 2>/dev/null || :
    done
}

setup() {
    T=$BATS_TEST_TMPDIR
    children=
}

# What is still there when a test has failed.
teardown() {
    # shellcheck disable=SC2086 # a list
    kill -9 $children 2>/dev/null || :
}

# --- Helpers ----------------------------------------------------------------

# wait_for_text FILE PATTERN: until it is there; a minute, or $seconds, is too
# long.
wait_for_text() {
    rm -f "$T/follow"
    mkfifo "$T/follow"
    tail -n +1 -f "$1" >"$T/follow" 2>/dev/null 3>&- &
    follower=$!
    found=0
    perl -e 'alarm shift; exec @ARGV' "${seconds:-60}" grep -q -E -m 1 "$2" <"$T/follow" ||
        found=$?
    kill "$follower" 2>/dev/null || :
    if [ $found -ne 0 ]; then
        echo "no '$2' in $1:"
        cat "$1"
    fi
    return $found
}

# boot: examples/vm itself, on a console that is a file.
boot() {
    mkfifo "$T/in"
    exec 6<>"$T/in"
    : >"$T/console"
    "$programs/vm" --kernel "$guest/kernel" --initrd "$guest/initrd" \
        --command-line 'console=hvc0 quiet' \
        <&6 >"$T/console" 2>"$T/log" 3>&- &
    booted=$!
    children="$children $booted"
    wait_for_text "$T/console" '^vm: ready'
}

# ended PID: sets status to that of a child.
ended() {
    status=0
    wait "$1" || status=$?
}

# on_terminal COMMAND: in the background, on a terminal of its own. What it
# shows is in $T/screen, and descriptor 5 is the keyboard.
on_terminal() {
    mkfifo "$T/keys"
    : >"$T/screen"
    if [ "$(uname)" = Darwin ]; then
        set -- script -q -F "$T/screen" sh -c "$1"
    else
        set -- script -q -f -c "$1" "$T/screen"
    fi
    # A command in the background is born deaf to Ctrl-C.
    perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' "$@" \
        <"$T/keys" >"$T/script" 2>&1 3>&- &
    terminal=$!
    children="$children $terminal"
    exec 5>"$T/keys"
}

# vm_on_terminal: boots there, between two lines that tell the terminal's state.
vm_on_terminal() {
    on_terminal "echo before \$(stty -g); tty >'$T/tty'
        echo \$\$ >'$T/shell'
        '$programs/vm' --kernel '$guest/kernel' --initrd '$guest/initrd' \
            --command-line 'console=hvc0 quiet'
        echo status \$?; echo after \$(stty -g)"
    wait_for_text "$T/screen" '^vm: ready'
    # While it runs, keys are the guest's.
    [[ $(stty -a <"$(cat "$T/tty")") == *-icanon*-echo* ]]
}

# The terminal is as it was before, and the exit status was $1.
expect_restored() {
    wait_for_text "$T/screen" '^after '
    exec 5>&-
    wait "$terminal" || :
    tr -d '\r' <"$T/screen" >"$T/shown"
    before=$(sed -n 's/^before //p' "$T/shown")
    after=$(sed -n 's/^after //p' "$T/shown")
    echo "before $before, after $after"
    [ -n "$before" ]
    [ "$before" = "$after" ]
    grep "^status $1\$" "$T/shown"
}

vm_pid() {
    pgrep -P "$(cat "$T/shell")" -x vm
}

# --- The scripts: QEMU's accelerator ----------------------------------------

# A QEMU that fails with KVM as it does in a VM without nested virtualization.
broken_kvm() {
    mkdir -p "$T/bin"
    for qemu in qemu-system-x86_64 qemu-system-aarch64; do
        cat >"$T/bin/$qemu" <<EOF
#!/bin/sh
case " \$* " in
*' -accel kvm '*)
    echo 'error: failed to set MSR 0x10a to 0x0' >&2
    kill -ABRT \$\$
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

@test "start: a /dev/kvm that does not work" {
    # Goal: it is tried before the VM needs it, and the VM starts without.
    [ "$(uname)" != Darwin ] || skip "macOS has no KVM"
    broken_kvm
    run -0 "$vm/start" two --launcher vmnet-run --network default
    [[ $output == *'test-vm: QEMU cannot use kvm, and emulates the guest, which is slower: '*'failed to set MSR 0x10a'* ]]
    [[ $output == *'vm: ready'* ]]
    "$vm/stop" two
    # Who asks for an accelerator gets that, or an error.
    TEST_VM_ACCELERATOR=tcg run -0 "$vm/start" two --launcher vmnet-run --network default
    [[ $output != *'cannot use'* ]]
    "$vm/stop" two
    run -1 "$vm/start" two --launcher vmnet-run \
        --network default --accelerator kvm
    [[ $output == *'failed to set MSR 0x10a'* ]]
    run -1 "$vm/start" two --accelerator fast
    [[ $output == *"not an accelerator: 'fast'"* ]]
}

# --- examples/vm: arguments -------------------------------------------------

@test "vm: wrong arguments" {
    # Goal: 2 for a mistake, with a word on it, before anything happens.
    mistake() {
        run -2 "$programs/vm" "${@:2}"
        [[ $output == *"$1"* ]]
    }
    mistake "usage: vm "
    mistake "usage: vm " --no-such-option
    mistake "usage: vm " --kernel "$guest/kernel" more
    mistake "usage: vm " --kernel
    mistake "not a number from 1: 0" --cpus 0 --kernel "$guest/kernel"
    mistake "not a number from 1: 1x" --memory 1x --kernel "$guest/kernel"
    mistake "--memory must be from" --memory 1 --kernel "$guest/kernel"
    mistake "--cpus must be from" --cpus 1000 --kernel "$guest/kernel"
    mistake "need a --kernel" --disk disk --initrd "$guest/initrd"
    mistake "not the MAC address of a card: 52:54" --kernel "$guest/kernel" \
        --network default,mac=52:54
    mistake "not the MAC address of a card: 01:00:5e:00:00:01" \
        --kernel "$guest/kernel" --network default,mac=01:00:5e:00:00:01
}

@test "vm: files that do not do" {
    # Goal: a reason, instead of a VM that says nothing.
    refused() {
        run -1 "$programs/vm" "${@:2}"
        [[ $output == *"$1"* ]]
    }
    gzip -c "$guest/kernel" >"$T/gzip"
    printf 'MZ\0\0zimg' >"$T/zboot"
    refused "cannot read $T/absent" --kernel "$T/absent"
    refused "cannot read $T/absent" --kernel "$guest/kernel" \
        --initrd "$T/absent"
    refused "$T/gzip is compressed: gunzip it first" --kernel "$T/gzip"
    refused "$T/zboot is compressed, for EFI only" --kernel "$T/zboot"
    echo odd >"$T/odd"
    refused "$T/odd: " --kernel "$guest/kernel" --disk "$T/odd"
}

@test "vm: a network that is not there" {
    # Goal: the broker's answer is shown.
    run -1 "$programs/vm" --kernel "$guest/kernel" --network no-such-network
    [[ $output == *"vm: network no-such-network: "* ]]
}

@test "vm: macOS 26.1" {
    # Goal: who cannot have a shared network is told, and when one can.
    [ "$(uname)" != Darwin ] || skip "this macOS is what it is"
    STANDIN_MACOS=26.1 run -1 "$programs/vm" --kernel "$guest/kernel" \
        --network no-such-network
    [[ $output == *"this macOS is older than 26.2: "*"update macOS"* ]]
    STANDIN_MACOS=26.2 run -1 "$programs/vm" --kernel "$guest/kernel" \
        --network no-such-network
    [[ $output != *"older than"* ]]
}

# --- examples/vm: MAC addresses ---------------------------------------------

@test "vm: a MAC address is given, and one is kept" {
    # Goal: a VM that is started again has its addresses, IP addresses too.
    "$vm/start" kept --launcher vm --network default \
        --network host,mac=52:54:00:12:34:56
    first=$("$vm/list" | grep '^kept: ')
    [[ $first == *"eth1 52:54:00:12:34:56 192.168."* ]]
    "$vm/stop" kept
    "$vm/start" kept --launcher vm --network default --network host
    second=$("$vm/list" | grep '^kept: ')
    "$vm/stop" kept
    echo "first: $first, second: $second"
    [ "$first" = "$second" ]
}

@test "vm: an identity that is none" {
    # Goal: never silently a new address.
    echo nonsense >"$T/identity"
    run -1 "$programs/vm" --kernel "$guest/kernel" --network default \
        --identity "$T/identity"
    [[ $output == *"$T/identity: holds no MAC addresses"* ]]
    [ "$(cat "$T/identity")" = nonsense ]
}

# --- examples/vm: its end ---------------------------------------------------

@test "vm: Ctrl-C stops the guest, and the terminal is as before" {
    # Goal: the way that a person takes.
    vm_on_terminal
    printf '\003' >&5
    expect_restored 0
    cat "$T/shown"
    # After the guest's prompt, perhaps.
    grep 'vm: stopping$' "$T/shown"
    grep 'vm: stopped$' "$T/shown"
}

@test "vm: other keys are the guest's, Ctrl-Z and Ctrl-\\ too" {
    # Goal: no key leaves a terminal that is raw.
    vm_on_terminal
    # Said by a program that has the terminal, not by the shell's echo.
    printf 'sh -c "echo slow-\$((40 + 2)); exec sleep 1000"\r' >&5
    wait_for_text "$T/screen" '^slow-42'
    printf '\034' >&5
    # What is typed while the guest's terminal gets over the signal may be lost.
    for _ in $(seq 20); do
        printf 'echo quick-$((40 + 2))\r' >&5
        if seconds=3 wait_for_text "$T/screen" '^quick-42'; then
            break
        fi
    done
    grep '^quick-42' "$T/screen"
    printf '\032poweroff -f\r' >&5
    expect_restored 0
}

@test "vm: SIGTERM, SIGHUP and SIGQUIT stop the guest" {
    # Goal: whoever ends it, it ends well.
    for signal in TERM HUP QUIT; do
        rm -f "$T/in"
        boot
        kill -$signal "$booted"
        ended "$booted"
        echo "$signal: $status"
        cat "$T/log"
        [ "$status" -eq 0 ]
        grep '^vm: stopped' "$T/log"
    done
}

@test "vm: a crash leaves the terminal as before" {
    # Goal: not even this needs a blind "reset".
    vm_on_terminal
    kill -SEGV "$(vm_pid)"
    expect_restored $((128 + 11))
}

@test "vm: a guest that does not listen is stopped after ten seconds" {
    # Goal: SIGTERM is enough to be rid of a VM.
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
    grep '^vm: the guest did not stop when asked' "$T/log"
}

@test "vm: a second Ctrl-C does not wait" {
    # Goal: who is in a hurry says so twice.
    boot
    echo 'killall acpid; echo deaf' >&6
    wait_for_text "$T/console" '^deaf'
    before=$(date +%s)
    kill -INT "$booted"
    wait_for_text "$T/log" '^vm: stopping'
    kill -INT "$booted"
    ended "$booted"
    [ "$status" -eq 1 ]
    [ $(($(date +%s) - before)) -lt 9 ]
}

@test "vm: a VM that fails" {
    # Goal: the delegate's error is told, with the status for it.
    [ "$(uname)" != Darwin ] || skip "nothing to kill"
    boot
    kill -9 "$(pgrep -P "$booted" qemu)"
    ended "$booted"
    [ "$status" -eq 1 ]
    grep '^vm: stopped by an error: ' "$T/log"
}

@test "vm: the guest powers off" {
    # Goal: 0, by the guest's own will.
    boot
    echo 'poweroff -f' >&6
    ended "$booted"
    [ "$status" -eq 0 ]
    grep '^vm: stopped' "$T/log"
}

# --- The other architecture -------------------------------------------------

@test "arm64: the guest of Apple silicon boots with vm" {
    # Goal: what Macs boot, up to its address, and its power button.
    "$vm/start" arm --launcher vm --arch arm64 --network default
    run -0 "$vm/exec" arm uname -m
    [ "$output" = aarch64 ]
    run -0 "$vm/exec" arm "ping -c 1 $(address one eth0)"
    # Not by force. The file's other name stays.
    ln "$TEST_VM_RUN/arm/log" "$T/log"
    "$vm/stop" arm
    cat "$T/log"
    grep '^vm: stopped' "$T/log"
}

@test "arm64: the guest of Apple silicon boots with vmnet-run" {
    # Goal: the same with QEMU on a socket.
    command -v qemu-system-aarch64 || skip "no QEMU"
    "$vm/start" arm --launcher vmnet-run --arch arm64 --network default
    run -0 "$vm/exec" arm "uname -m; ping -c 1 $(address one eth0)"
    [[ $output == aarch64* ]]
    "$vm/stop" arm
}

# --- start, stop, list ------------------------------------------------------

@test "start: mistakes" {
    # Goal: each is told, and starts nothing.
    mistake() {
        run -1 "$vm/start" "${@:2}"
        [[ $output == *"$1"* ]]
    }
    mistake "usage:"
    mistake "usage:" two --network
    mistake "usage:" two --launcher qemu
    mistake "usage:" two --arch riscv64
    mistake "usage:" two --memory much
    mistake "not a name for a VM" ../two
    mistake "not a name for a VM" Two
    mistake "not a network" two --network 'default; reboot'
    mistake "one runs already" one
    [ "$("$vm/list" | grep -c '^two')" -eq 0 ]
    for script in stop exec console; do
        run -1 "$vm/$script" two true
        [[ $output == *test-vm:* ]]
    done
}

@test "start: a launcher that fails" {
    # Goal: its reason is shown, and nothing is left that runs.
    run -1 start two --network no-such-network
    [[ $output == *"network no-such-network: "*"two did not start"* ]]
    run -1 "$vm/exec" two true
    [[ $output == *"two does not run"* ]]
}

@test "start: a guest that never becomes ready" {
    # Goal: a bounded wait, what it said, and no VM.
    mkdir -p "$T/guest/root/bin" "$T/guest/${guest##*/}"
    gzip -dc "$guest/initrd" | (cd "$T/guest/root" && cpio -id 2>/dev/null)
    sed '/^echo "vm: ready"/d' examples/test-vm/init >"$T/guest/root/init"
    (cd "$T/guest/root" && find . | cpio -o -H newc 2>/dev/null | gzip) \
        >"$T/guest/${guest##*/}/initrd"
    cp "$guest/kernel" "$T/guest/${guest##*/}/"
    TEST_VM_BUILD=$T/guest run -1 start two --network default --timeout 10
    [[ $output == *"vm: eth0 "*"two was not ready after 10 s"* ]]
    run -1 "$vm/stop" two
}

@test "start: two at once" {
    # Goal: they do not disturb each other; of one name there is one.
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
    grep -h -E 'runs already|is being started' "$T/first" "$T/second"
    [ "$("$vm/list" | grep -c '^two: no network')" -eq 1 ]
    "$vm/stop" two
}

@test "start: the VMM goes with a launcher that is killed" {
    # Goal: no QEMU that nobody knows of.
    command -v qemu-system-aarch64 || skip "no QEMU"
    "$vm/start" two --launcher vmnet-run --network default
    vmm=$(cat "$TEST_VM_RUN/two/vmm")
    kill -9 "$(cat "$TEST_VM_RUN/two/pid")"
    wait_for_end "$vmm"
    "$vm/start" two --launcher vmnet-run --network default
    "$vm/stop" two
}

# --- exec -------------------------------------------------------------------

@test "exec: output, errors and status are the command's" {
    # Goal: as if it ran here.
    run -7 --separate-stderr "$vm/exec" one 'echo out; echo err >&2; exit 7'
    [ "$output" = out ]
    # shellcheck disable=SC2154 # run sets it
    [ "$stderr" = err ]
    run -127 "$vm/exec" one no-such-command
    run -0 "$vm/exec" one printf '<%s>' "it's" 'two  words' '' '$HOME' '*'
    [ "$output" = "<it's><two  words><><\$HOME><*>" ]
    run -0 "$vm/exec" one 'cat; echo end'
    [ "$output" = end ]
}

@test "exec: every byte arrives" {
    # Goal: the console is text, its users' data is not.
    sum=$("$vm/exec" one \
        'head -c 300000 /dev/urandom >/tmp/bytes; sha256sum </tmp/bytes')
    "$vm/exec" one 'cat /tmp/bytes; rm /tmp/bytes' >"$T/bytes"
    [ "$(wc -c <"$T/bytes")" -eq 300000 ]
    [ "$(perl -MDigest::SHA -e 'print Digest::SHA->new(256)->addfile(shift)
        ->hexdigest' "$T/bytes")" = "${sum%% *}" ]
    # No newline is added or lost.
    "$vm/exec" one 'printf "a\n\n"' >"$T/newlines"
    [ "$(wc -c <"$T/newlines")" -eq 3 ]
}

@test "exec: a command longer than a line of the console" {
    # Goal: 20000 letters are no problem.
    long=$(printf '%020000d' 0)
    run -0 "$vm/exec" one "echo $long | wc -c"
    [ "$output" -eq 20001 ]
}

@test "exec: several at once" {
    # Goal: each gets its own answer.
    pids=
    for i in 1 2 3 4 5; do
        "$vm/exec" one "echo answer $i" >"$T/answer$i" 3>&- &
        pids="$pids $!"
    done
    for pid in $pids; do
        wait "$pid"
    done
    for i in 1 2 3 4 5; do
        [ "$(cat "$T/answer$i")" = "answer $i" ]
    done
}

@test "exec: one that was killed is in nobody's way" {
    # Goal: its lock is not for ever.
    "$vm/exec" one 'echo begun >/dev/hvc0; sleep 1' 3>&- &
    killed=$!
    wait_for_text "$TEST_VM_RUN/one/console" '^begun'
    kill -9 $killed
    run -0 "$vm/exec" one 'echo after'
    [ "$output" = after ]
}

@test "exec: a guest without vm-exec, and one that goes away" {
    # Goal: a reason, not a wait without end.
    start two
    run -1 "$vm/exec" two 'reboot -f'
    [[ $output == *"two: it went away while the command ran"* ]]
    "$vm/exec" two 'rm /bin/vm-exec'
    run -1 "$vm/exec" two true
    [[ $output == *"its guest is too old for this"* ]]
    "$vm/stop" two
}

# --- console ----------------------------------------------------------------

@test "console: keys go in, the screen shows, Ctrl-] leaves" {
    # Goal: a person logs in and out, and the VM does not mind.
    on_terminal "echo before \$(stty -g)
        $vm/console one; echo status \$?; echo after \$(stty -g)"
    wait_for_text "$T/screen" '^console of one; Control-\] leaves it'
    # Ctrl-C is the guest's.
    printf 'sh -c "echo slow-\$((40 + 2)); exec sleep 1000"\r' >&5
    wait_for_text "$T/screen" '^slow-42'
    printf '\003' >&5
    printf 'echo quick-$((40 + 2))\r' >&5
    wait_for_text "$T/screen" '^quick-42'
    printf '\035' >&5
    expect_restored 0
    run -0 "$vm/exec" one 'echo alive'
    [ "$output" = alive ]
}

@test "console: ends with the VM" {
    # Goal: nobody sits before a dead screen.
    start two
    on_terminal "echo before \$(stty -g)
        $vm/console two; echo status \$?; echo after \$(stty -g)"
    wait_for_text "$T/screen" '^console of two'
    "$vm/stop" two
    expect_restored 0
}
