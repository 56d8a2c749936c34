# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# vmnet-run with signals, on a terminal, and when a VMM outlives its command.

load vmnet-run

@test "vmnet-run: signals are passed to the command" {
    # Goal: the command gets the signals that are meant for it, and one that is
    # ignored, as by nohup, stays ignored.
    run_sandbox <<'SCRIPT'
start guest alice env --default-signal=INT,QUIT \
    vmnet-run --network default -- \
    vmm say up wait wait wait wait wait wait exit 5
wait_line guest '^up$'
for name in INT TERM HUP QUIT USR1 USR2; do
    kill "-$name" "$(pid_of guest)"
    wait_line guest "^$name\$"
done
wait_exit guest
expect "exit status" 5 "$status"

# The signal that ends it comes after the one that does not count.
start guest alice env --ignore-signal=HUP vmnet-run --network default -- \
    vmm say up wait exit 5
wait_line guest '^up$'
kill -HUP "$(pid_of guest)"
kill -TERM "$(pid_of guest)"
wait_exit guest
expect "exit status" 5 "$status"
! grep HUP "$T/guest.out" || fail "HUP was passed on"

# As they were, for a command that does not care.
start guest alice vmnet-run --network default -- sh -c 'echo up; exec sleep 60'
wait_line guest '^up$'
stop guest TERM
expect "exit status" 143 "$status"
SCRIPT
}

@test "vmnet-run: a VMM may outlive the command" {
    # Goal: the guest stays online as long as a process has its socket. Then the
    # exit status is the command's.
    run_sandbox <<'SCRIPT'
default=$(subnet default).200
# A daemon, as of QEMU's -daemonize.
daemon() {
    start guest alice vmnet-run --network default --network host -- sh -c "
        setsid vmm answer {fd0} {mac0} $default & exit 3"
    wait_line guest "^answering $default\$"
    expect_idle guest "$default"
    vmm=$(pgrep -x vmm)
}
daemon
kill -KILL "$vmm"
wait_exit guest
expect "exit status" 3 "$status"

# The command's group is empty: the signal is for vmnet-run itself.
daemon
stop guest
expect "exit status" 3 "$status"
expect "the daemon" "$vmm" "$(pgrep -x vmm)"
kill -KILL "$vmm"

# The command's group is not empty.
start guest alice vmnet-run --network default -- sh -c "
    vmm answer {fd0} {mac0} $default wait & exit 4"
wait_line guest "^answering $default\$"
expect_idle guest "$default"
kill -TERM "$(pid_of guest)"
as bob ping -c 1 default "$default" >"$T/ping.out" && fail "it answers"
kill -USR1 "$(pgrep -x vmm)"
wait_line guest '^USR1$'
wait_exit guest
expect "exit status" 4 "$status"
SCRIPT
}

@test "vmnet-run: it behaves well in the foreground of a terminal" {
    # Goal: Ctrl-C reaches the command, once; Ctrl-Z stops both, fg continues
    # both; a script with vmnet-run in it ends by Ctrl-C, and keeps the terminal
    # when it starts vmnet-run in the background.
    run_sandbox <<'SCRIPT'
mkfifo "$T/keys"
: >"$T/screen.out"
# A background command ignores Ctrl-C from its start. The shell has job control.
env --default-signal=INT,QUIT,TSTP script -q -f \
    -c "stty -echo; echo ready; PS1= bash --norc --noediting -i" "$T/typescript" \
    <"$T/keys" >"$T/screen.out" 2>&1 &
echo "$!" >"$T/screen.pid"
exec 5>"$T/keys"
wait_line screen '^ready'
type() {
    printf '%b' "$1" >&5
}
run="vmnet-run --network default --"

type "$run vmm say up wait say one-more wait exit 4; echo status-\$?\n"
wait_line screen '^up'
type '\003'
wait_line screen '^INT'
wait_line screen '^one-more'
type '\034'
wait_line screen '^QUIT'
wait_line screen '^status-4'

reader="echo up-2; read line; echo line-\$line; exec sleep 1000"
type "$run sh -c '$reader'; echo stopped-\$?\n"
wait_line screen '^up-2'
type '\032'
wait_line screen '^stopped-148'
expect "state of the command" T "$(ps -o state= -C sh | tail -n 1)"
expect "state of vmnet-run" T "$(ps -o state= -C vmnet-run)"
# It reads what is typed, so that it has the terminal again.
type 'fg\n'
type 'x\n'
wait_line screen '^line-x'
type '\003echo ended-$?\n'
wait_line screen '^ended-130'

script="$run sh -c 'echo up-3; exec sleep 1000'; echo never"
type "bash -c \"$script\"\n"
wait_line screen '^up-3'
type '\003echo after-$?\n'
wait_line screen '^after-130'
! grep '^never' "$T/screen.out" || fail "the script went on"

# Ctrl-C before the command has the terminal goes to the script and vmnet-run.
type "bash -c \"${script/up-3/up-5}\"\n"
wait_line screen '^up-5'
kill -INT -- "-$(ps -o pgid= -C vmnet-run | tr -d ' ')"
type 'echo early-$?\n'
wait_line screen '^early-130'
! grep '^never' "$T/screen.out" || fail "the script went on"

# One that a script starts in the background leaves the terminal to the script.
type "bash -c \"$run sh -c 'echo up-4; exec sleep 1000' & read -r line; echo got-\\\$line\"\n"
wait_line screen '^up-4'
type 'x\n'
wait_line screen '^got-x'
kill "$(pgrep -x vmnet-run)"
type 'exit\n'
SCRIPT
}
