# shellcheck shell=bash disable=SC2154,SC2034 # variables of vm.bash, and for tests
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# For files that keep a VM "one" running from their first to their last test,
# and helpers for terminals and consoles. Load it after vm.bash.

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

# Stop whatever is still running when a test has failed.
teardown() {
    # shellcheck disable=SC2086 # a list
    kill -9 $children 2>/dev/null || :
}

# --- Helpers ----------------------------------------------------------------

# wait_for_text FILE PATTERN: waits until it is there, a minute at most, or
# $seconds.
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

# boot: starts the launcher itself, on a console that is a file.
boot() {
    mkfifo "$T/in"
    exec 6<>"$T/in"
    : >"$T/console"
    "$programs/launcher" --kernel "$guest/kernel" --initrd "$guest/initrd" \
        --command-line 'console=hvc0 quiet' \
        <&6 >"$T/console" 2>"$T/log" 3>&- &
    booted=$!
    children="$children $booted"
    wait_for_text "$T/console" '^vm: ready'
}

# ended PID: sets status to the exit status of a child.
ended() {
    status=0
    wait "$1" || status=$?
}

# on_terminal COMMAND: runs it in the background, on a terminal of its own. Its
# output is in $T/screen, and descriptor 5 is the keyboard. The shell around it
# gets Ctrl-C as well, and continues, whichever shell it is.
on_terminal() {
    mkfifo "$T/keys"
    : >"$T/screen"
    if [ "$(uname)" = Darwin ]; then
        set -- script -q -F "$T/screen" sh -c "trap : INT; $1"
    else
        set -- env SHELL=/bin/sh script -q -f -c "trap : INT; $1" "$T/screen"
    fi
    # A background command ignores Ctrl-C from its start. The script(1) of macOS
    # does not accept a fifo as standard input, but it accepts a pipe.
    # shellcheck disable=SC2002
    cat "$T/keys" 3>&- | perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' "$@" \
        >"$T/script" 2>&1 3>&- &
    terminal=$!
    children="$children $terminal"
    # Open for both directions, so that a writer is not killed when the reader
    # exits.
    exec 5<>"$T/keys"
}

# type_until KEYS PATTERN: types again and again until the screen shows it.
# Input may be lost while the guest's terminal handles a signal, and so may a
# signal for a program that is just being executed.
type_until() {
    for _ in $(seq 20); do
        printf '%b' "$1" >&5
        if seconds=3 wait_for_text "$T/screen" "$2"; then
            return
        fi
    done
    return 1
}

# vm_on_terminal: boots there, between two lines with the terminal's state.
vm_on_terminal() {
    on_terminal "echo before \$(stty -g); tty >'$T/tty'
        echo \$\$ >'$T/shell'
        '$programs/launcher' --kernel '$guest/kernel' --initrd '$guest/initrd' \
            --command-line 'console=hvc0 quiet'
        echo status \$?; echo after \$(stty -g)"
    wait_for_text "$T/screen" '^vm: ready'
    # While it runs, keys go to the guest.
    [[ $(stty -a <"$(cat "$T/tty")") == *-icanon*-echo* ]]
}

# Checks that the terminal is as it was before, and the exit status was $1.
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
    pgrep -P "$(cat "$T/shell")" -x launcher
}
