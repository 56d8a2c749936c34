#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# launcher on a terminal: which keys go where, and the state of the terminal
# afterwards. The VM "one" is running all the time.

# The variables are vm.bash's and one.bash's, and $ in what is typed is the
# guest's.
# shellcheck disable=SC2154,SC2016

bats_require_minimum_version 1.5.0
load vm
load one

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

@test "launcher: a crash restores the terminal" {
    # Goal: the user need not type "reset" blindly.
    vm_on_terminal
    kill -SEGV "$(vm_pid)"
    expect_restored $((128 + 11))
}
