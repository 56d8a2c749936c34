# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
# shellcheck shell=bash
# shellcheck disable=SC2034 # the variables are for the tests
#
# For the tests of tests/linux/run: they start it in the background, and look at
# what it leaves behind.

load helper

# Built once: the tests are about what runs.
setup_file() {
    "$BATS_TEST_DIRNAME/../linux/run" --no-daemon true
    export STANDIN_NO_BUILD=1
}

# Processes left by a failed test would keep bats waiting forever.
teardown() {
    if [ -n "${runner-}" ]; then
        kill -KILL "$runner" 2>/dev/null || :
    fi
}

# start_runner COMMAND...: starts the runner in the background, its output in a fifo
# that is open as descriptor 7. The pid goes to the variable runner. All
# processes of the sandbox have the fifo open: it ends when the last one has.
start_runner() {
    mkfifo "$BATS_TEST_TMPDIR/fifo"
    tests/linux/run "$@" >"$BATS_TEST_TMPDIR/fifo" 2>&1 &
    runner=$!
    exec 7<"$BATS_TEST_TMPDIR/fifo"
}

# read_line: the next line that the sandbox prints.
read_line() {
    read -r -t 30 -u 7 line
}

# Prints everything that a sandbox could leave on the host.
state_of_host() {
    cat /proc/self/mountinfo
    ip -br link show type veth
    ip netns list || :
    ls -a /run /var/db /Library /Users /var/empty /dev/shm /etc 2>&1 || :
    cksum /etc/passwd /etc/group /etc/hosts /etc/hostname
    hostname
    ls "$PWD"
}

# How many processes are in one of the namespaces $1, "pid:[1]|net:[2]".
count_processes() {
    # Some end while we look.
    find /proc -maxdepth 3 -path '/proc/[0-9]*/ns/*' -printf '%l\n' \
        2>/dev/null | grep -c -E -x "$1" || :
}

# The first end of file on the fifo is not quite the end: who has it open is
# killed before those who have not.
wait_until_empty() {
    for _ in $(seq 100); do
        [ "$(count_processes "$1")" -ne 0 ] || return 0
    done
    return 1
}

# Prints the sandbox's own namespaces as count_processes wants them.
# shellcheck disable=SC2016 # the sandbox's shell expands it
print_namespaces='for n in mnt pid net ipc uts; do readlink /proc/self/ns/$n; done |
    paste -s -d "|" | sed "s/[][]/\\\\&/g"'
