#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# The scripts of examples/test-vm that talk to a running VM: exec and console. The VM
# "one" is running all the time.

# The variables are vm.bash's and one.bash's, and $ in what is typed is the
# guest's.
# shellcheck disable=SC2154,SC2016

bats_require_minimum_version 1.5.0
load vm
load one

# --- exec -------------------------------------------------------------------

@test "exec: output, errors and status are the command's" {
    # Goal: it is as if the command ran here.
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
    # Goal: the console is text, but any data can be sent through it.
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

@test "exec: a command may be longer than a line of the console" {
    # Goal: 20000 letters work.
    long=$(printf '%020000d' 0)
    run -0 "$vm/exec" one "echo $long | wc -c"
    [ "$output" -eq 20001 ]
}

@test "exec: several can run at once" {
    # Goal: each gets its own output.
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

@test "exec: one that was killed does not block others" {
    # Goal: its lock does not last forever.
    "$vm/exec" one 'echo begun >/dev/hvc0; sleep 1' 3>&- &
    killed=$!
    wait_for_text "$TEST_VM_RUN/one/console" '^begun'
    kill -9 $killed
    run -0 "$vm/exec" one 'echo after'
    [ "$output" = after ]
}

@test "exec: a guest without vm-exec, or one that exits, is an error" {
    # Goal: the reason is printed, instead of waiting forever.
    start two
    run -1 "$vm/exec" two 'reboot -f'
    [[ $output == *"two: it rebooted or stopped while the command ran"* ]]
    "$vm/exec" two 'rm /bin/vm-exec'
    run -1 "$vm/exec" two true
    [[ $output == *"its guest has no vm-exec"* ]]
    "$vm/stop" two
}

# --- console ----------------------------------------------------------------

@test "console: keys go in, the screen shows, Ctrl-] leaves" {
    # Goal: a person can log in and out, and the VM is unaffected.
    on_terminal "echo before \$(stty -g)
        $vm/console one; echo status \$?; echo after \$(stty -g)"
    wait_for_text "$T/screen" '^console of one; Control-\] leaves it'
    # Ctrl-C goes to the guest.
    printf 'sh -c "echo slow-\$((40 + 2)); exec sleep 1000"\r' >&5
    wait_for_text "$T/screen" '^slow-42'
    type_until '\003echo quick-$((40 + 2))\r' '^quick-42'
    printf '\035' >&5
    expect_restored 0
    run -0 "$vm/exec" one 'echo alive'
    [ "$output" = alive ]
}

@test "console: it exits with the VM" {
    # Goal: console ends, so that no user waits in front of a dead screen.
    start two
    on_terminal "echo before \$(stty -g)
        $vm/console two; echo status \$?; echo after \$(stty -g)"
    wait_for_text "$T/screen" '^console of two'
    "$vm/stop" two
    expect_restored 0
}
