# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# Processes of the sandbox that tests/linux/run makes: signals, the end, and that
# nothing is left behind.

# shellcheck disable=SC2016,SC2154 # $ is for the scripts in the sandbox; line is set by read_line

load runner
bats_require_minimum_version 1.5.0

@test "what the command writes stays in the sandbox, but in /tmp" {
    # Goal: the host's files are not touched; results can be handed out.
    before=$(state_of_host)
    sandbox --env "out=$BATS_TEST_TMPDIR/out" <<'SCRIPT'
for file in /etc/sandbox /run/sandbox /var/db/sandbox /Library/sandbox \
    /sandbox /dev/shm/sandbox /var/empty/sandbox; do
    echo x >"$file"
done
echo x >>/etc/passwd
rm /etc/hosts
hostname other
ip link add new0 type bridge
mount -t tmpfs none /mnt
echo result >"$out"
SCRIPT
    [ "$(cat "$BATS_TEST_TMPDIR/out")" = result ]
    diff <(echo "$before") <(state_of_host)
}

@test "processes that the command leaves running are killed with it" {
    # Goal: children, daemons and processes that ignore signals end within a
    # second or so.
    start_runner sh -c "$print_namespaces"'; sleep 1000 & setsid sleep 1001 &
        (trap "" TERM HUP INT; echo ready; while :; do sleep 1000; done) &
        read line </proc/self/fd/0; exit 3' </dev/null
    read_line
    namespaces=$line
    wait "$runner" && return 1
    [ "$(count_processes "$namespaces")" -eq 0 ]
}

@test "SIGINT and SIGTERM reach the command and its children" {
    # Goal: Ctrl-C ends it as it would without a sandbox.
    for signal in INT TERM HUP QUIT; do
        rm -f "$BATS_TEST_TMPDIR/fifo"
        start_runner sh -c "trap 'echo got $signal; exit 5' $signal
            echo ready; sleep 1000 & wait"
        read_line
        [ "$line" = ready ]
        kill -"$signal" "$runner"
        read_line
        [ "$line" = "got $signal" ]
        status=0
        wait "$runner" || status=$?
        [ "$status" -eq 5 ]
    done
    rm -f "$BATS_TEST_TMPDIR/fifo"
    start_runner sh -c 'echo ready; exec sleep 1000'
    read_line
    kill -TERM "$runner"
    status=0
    wait "$runner" || status=$?
    [ "$status" -eq 143 ]
}

@test "a command that ignores signals is killed" {
    # Goal: the time is bounded, and a second signal shortens it.
    for case in :9 INT:4; do
        second=${case%:*}
        rm -f "$BATS_TEST_TMPDIR/fifo"
        start_runner sh -c 'trap "" INT TERM; echo ready
            while :; do sleep 1000; done'
        read_line
        kill -TERM "$runner"
        [ -z "$second" ] || kill -"$second" "$runner"
        start=$SECONDS
        status=0
        wait "$runner" || status=$?
        echo "$status after $((SECONDS - start)) s"
        [ "$status" -eq 137 ]
        [ $((SECONDS - start)) -le "${case#*:}" ]
    done
}

@test "a killed runner leaves nothing behind" {
    # Goal: SIGKILL at rest, with a job, a bridge and background processes.
    before=$(state_of_host)
    start_runner sh -c "$print_namespaces"'
        build/linux/plain/examples/acquire default >/dev/null &
        launchctl standin-wait system/com.github.nirs.vmnet-broker running 30
        setsid sleep 1000 & echo ready; wait'
    read_line
    namespaces=$line
    read_line
    [ "$line" = ready ]
    [ "$(count_processes "$namespaces")" -gt 0 ]
    kill -KILL "$runner"
    # The fifo ends when the last process of the sandbox has exited.
    timeout 30 cat <&7
    wait "$runner" || :
    wait_until_empty "$namespaces"
    diff <(echo "$before") <(state_of_host)
}

@test "a runner killed while it starts leaves nothing behind" {
    # Goal: every stage of the start, as far as chance meets them.
    before=$(state_of_host)
    for i in $(seq 0 11); do
        rm -f "$BATS_TEST_TMPDIR/fifo"
        start_runner sh -c 'echo started; sleep 1000'
        # No time but a count of turns: on a slow machine both take longer.
        # shellcheck disable=SC2034
        for n in $(seq $((i * 4))); do /bin/true; done
        kill -KILL "$runner"
        timeout 30 cat <&7 >/dev/null
        wait "$runner" || :
    done
    diff <(echo "$before") <(state_of_host)
}

@test "two sandboxes at once are isolated" {
    # Goal: each has its own instance of the same names, addresses and files.
    start_runner sh -c "$print_namespaces"'; touch /run/first /Library/first
        launchctl disable system/first; nc -l 198.51.100.2 4000 &
        echo $$ >/run/pid; echo ready; exec sleep 1000'
    read_line
    first=$line
    read_line
    [ "$line" = ready ]
    out=$(tests/linux/run sh -c "$print_namespaces"'
        ls /run/first /Library/first 2>/dev/null
        launchctl print-disabled system | grep first
        nc -z -w 1 198.51.100.2 4000 && echo connected
        ps -e -o args | grep -c "[s]leep 1000"
        ping -n -q -c 1 -W 1 203.0.113.1 >/dev/null && echo world' || :)
    echo "$out"
    [ "$(echo "$out" | tail -n +2)" = "0
world" ]
    second=$(echo "$out" | head -n 1)
    common=$(comm -12 <(echo "$first" | tr '|' '\n' | sort) \
        <(echo "$second" | tr '|' '\n' | sort))
    echo "namespaces in common: $common"
    [ -z "$common" ]
    [ "$(count_processes "$first")" -gt 0 ]
    [ "$(count_processes "$second")" -eq 0 ]
    kill -TERM "$runner"
    wait "$runner" || :
}

@test "the command cannot signal processes outside" {
    # Goal: "kill 0" and "kill -1", as used at the end of scripts, stay inside.
    run tests/linux/run sh -c 'trap "" TERM; kill 0; kill -TERM -1; exit 4'
    [ "$status" -eq 4 ]
}
