# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
# shellcheck shell=bash
#
# Common functions of the scripts that run in a sandbox. Nothing here waits by
# sleeping: the scripts wait for lines that programs print.

set -eu -o pipefail

tools=build/linux/plain/tools
PATH=$PWD/build/linux/plain/examples:$PWD/build/linux/plain/bin:$PATH
clock=$STANDIN_DIR/clock
T=$(mktemp -d /run/test.XXXXXX)
chmod 755 "$T"

# A wait lasts this long only if the test is going to fail anyway.
guard=30

# On standard error: the output of what failed may be redirected.
fail() {
    exec >&2
    echo "FAIL: $*"
    for file in "$T"/*.out; do
        [ -e "$file" ] || continue
        echo "--- $(basename "$file")"
        tail -n 20 "$file"
    done
    echo "--- log"
    tail -n 40 "$STANDIN_DIR/log"
    # Shows what each process waits for, and how far frames have come.
    echo "--- processes"
    ps -eo pid,ppid,stat,wchan:20,args
    echo "--- interfaces"
    vmnetctl || :
    ip -s -o link || :
    exit 1
}

# expect WHAT WANTED GOT
expect() {
    [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}

# has PATTERN: a line of standard input matches. It reads everything, because a
# program that still prints after "grep -q" has exited dies of SIGPIPE.
has() {
    [ "$(grep -c -- "$1")" -gt 0 ]
}

# as USER COMMAND...
as() {
    local user=$1
    shift
    setpriv --reuid "$user" --regid "$user" --clear-groups -- "$@"
}

# start NAME USER COMMAND...: starts it in the background; its output goes to a
# file, the process id to the variable pid.
start() {
    local name=$1 user=$2
    shift 2
    : >"$T/$name.out"
    setpriv --reuid "$user" --regid "$user" --clear-groups -- "$@" \
        >"$T/$name.out" 2>&1 &
    pid=$!
    echo "$pid" >"$T/$name.pid"
}

pid_of() {
    cat "$T/$1.pid"
}

# follow FILE PID: prints the file and what is appended while the process lives.
follow() {
    timeout "$guard" tail -n +1 --pid="$2" -s 0.1 -f "$1" 2>/dev/null
}

# wait_line NAME PATTERN [COUNT]: waits until the program started as NAME has
# printed it COUNT times. Prints the last match.
wait_line() {
    grep -m "${3-1}" -E -- "$2" < <(follow "$T/$1.out" "$(pid_of "$1")") \
        >"$T/lines" || :
    [ "$(wc -l <"$T/lines")" -eq "${3-1}" ] ||
        fail "$1 did not print '$2' ${3+$3 times}"
    tail -n 1 "$T/lines"
}

# wait_log PATTERN [COUNT]: waits until the log contains it COUNT times.
wait_log() {
    grep -m "${2-1}" -E -- "$1" < <(follow "$STANDIN_DIR/log" $$) \
        >"$T/matches" || :
    expect "log lines of '$1'" "${2-1}" "$(wc -l <"$T/matches")"
}

# stop NAME [SIGNAL]: stops it and waits; its exit status goes to status.
stop() {
    kill "-${2-TERM}" "$(pid_of "$1")"
    wait_exit "$1"
}

wait_exit() {
    # shellcheck disable=SC2034 # for the scripts
    status=0
    # shellcheck disable=SC2034
    wait "$(pid_of "$1")" || status=$?
}

ask() {
    "$tools/ask" "$@"
}

# Prints what the broker has, sorted. Starts the broker if it is not running.
status() {
    ask command=string:status | sort
}

# Prints the number of connected clients, including the one that asks.
peers() {
    status | sed -n 's/^peers uint64 //p'
}

# holders NETWORK: prints "absent", or how many clients hold it.
holders() {
    status | awk -v name="$1" '
        { path = $1; sub(/\.[a-z0-9_]*$/, "", path) }
        $1 ~ /\.name$/ && $3 == name { found = path }
        $1 ~ /\.holders$/ { holders[path] = $3 }
        END { print found == "" ? "absent" : holders[found] }'
}

# settle COMMAND WANTED: waits until the broker has noticed that clients have
# exited. Each request goes through the broker's queue and back, so a few are
# enough.
settle() {
    local command=$1 got='' i
    for i in $(seq 100); do
        got=$($command)
        [ "$got" != "$2" ] || return 0
    done
    fail "$command: expected '$2', got '$got' after $i questions"
}

# Prints the process id of the broker, or nothing if it is not running.
broker_pid() {
    pgrep -x -u _vmnetbroker vmnet-broker || :
}

# Waits until the process has exited.
wait_gone() {
    timeout "$guard" tail --pid="$1" -s 0.05 -f /dev/null ||
        fail "process $1 is still there"
}

bridges() {
    ip -o link show type bridge | wc -l
}

# Print the descriptors and the KiB of anonymous memory of a process.
descriptors() {
    find "/proc/$1/fd" -mindepth 1 | wc -l
}

memory() {
    awk '/^Anonymous:/ { kib += $2 } END { print kib }' "/proc/$1/smaps"
}

# The clock of a broker that is started with
# --daemon-env STANDIN_CLOCK=/run/standin/clock.
clock_create() {
    standin-clock "$clock" create
    chmod 644 "$clock"
}

# advance TIME: TIME is like 90s or 100ms.
advance() {
    standin-clock "$clock" "$1"
}

# Stops everything, the broker last, and looks for reports of the sanitizers; a
# leak is reported when the broker exits.
no_reports() {
    local broker file

    for file in "$T"/*.pid; do
        [ ! -e "$file" ] || kill -KILL "$(cat "$file")" 2>/dev/null || :
    done
    broker=$(broker_pid)
    if [ -n "$broker" ]; then
        settle peers 1
        kill -TERM "$broker"
        wait_gone "$broker"
    fi
    for file in /run/report/*san.*; do
        [ ! -e "$file" ] || fail "$(cat "$file")"
    done
}
