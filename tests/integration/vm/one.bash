# shellcheck shell=bash disable=SC2154,SC2034 # variables of vm.bash, and for tests
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# For files that have a VM "one" from their first to their last test, and what
# they need to work on terminals and consoles. After vm.bash.

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

# boot: the launcher itself, on a console that is a file.
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

# ended PID: sets status to that of a child.
ended() {
    status=0
    wait "$1" || status=$?
}

# on_terminal COMMAND: in the background, on a terminal of its own. What it
# shows is in $T/screen, and descriptor 5 is the keyboard. The shell around it
# has Ctrl-C as well, and goes on, whichever shell it is.
on_terminal() {
    mkfifo "$T/keys"
    : >"$T/screen"
    if [ "$(uname)" = Darwin ]; then
        set -- script -q -F "$T/screen" sh -c "trap : INT; $1"
    else
        set -- env SHELL=/bin/sh script -q -f -c "trap : INT; $1" "$T/screen"
    fi
    # A command in the background is born deaf to Ctrl-C. The script(1) of macOS
    # does not take a fifo as standard input, but it takes a pipe.
    # shellcheck disable=SC2002
    cat "$T/keys" 3>&- | perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' "$@" \
        >"$T/script" 2>&1 3>&- &
    terminal=$!
    children="$children $terminal"
    # Both ends: nobody who types is killed when the reader has gone.
    exec 5<>"$T/keys"
}

# type_until KEYS PATTERN: again and again until the screen shows it. What is
# typed while the guest's terminal gets over a signal may be lost, and so may a
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

# vm_on_terminal: boots there, between two lines that tell the terminal's state.
vm_on_terminal() {
    on_terminal "echo before \$(stty -g); tty >'$T/tty'
        echo \$\$ >'$T/shell'
        '$programs/launcher' --kernel '$guest/kernel' --initrd '$guest/initrd' \
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
    pgrep -P "$(cat "$T/shell")" -x launcher
}
