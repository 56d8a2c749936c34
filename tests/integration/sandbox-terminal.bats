# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# A command of tests/linux/run on a terminal.

# shellcheck disable=SC2034 # the variables are used by runner.bash

load runner
bats_require_minimum_version 1.5.0

# terminal COMMAND: runs a shell command on a terminal; its output comes as
# lines, what is written to descriptor 8 is typed.
terminal() {
    mkfifo "$BATS_TEST_TMPDIR/fifo" "$BATS_TEST_TMPDIR/keys"
    script -q -e -c "$1" /dev/null <"$BATS_TEST_TMPDIR/keys" \
        >"$BATS_TEST_TMPDIR/fifo" 2>&1 &
    runner=$!
    exec 8>"$BATS_TEST_TMPDIR/keys" 7<"$BATS_TEST_TMPDIR/fifo"
}

# read_until TEXT: reads lines until one has the text.
read_until() {
    until [[ ${line-} == *"$1"* ]]; do
        read_line || return
    done
}

@test "on a terminal the command is in the foreground and gets Ctrl-C" {
    # Goal: the terminal behaves as if there were no sandbox.
    terminal "tests/linux/run sh -c 'ps -o stat= -p \$\$; read line
        echo typed \$line; trap \"echo interrupted; exit 6\" INT
        echo ready; sleep 1000 & wait'; echo status \$?"
    read_line
    [[ $line == *+* ]]
    echo word >&8
    read_until 'typed word'
    read_until ready
    printf '\003' >&8
    read_until interrupted
    read_until 'status 6'
    exec 8>&-
    wait "$runner"
}

@test "Ctrl-Z stops the command and gives the terminal back" {
    # Goal: a shell's job control works with the runner as the job.
    terminal 'PS1= bash --norc --noprofile --noediting -i'
    # It says when it goes on: then it has the terminal.
    cat >"$BATS_TEST_TMPDIR/command" <<'COMMAND'
trap 'echo continued' CONT
echo ready
while :; do
    sleep 1000 &
    wait
done
COMMAND
    echo "tests/linux/run sh $BATS_TEST_TMPDIR/command" >&8
    read_until ready
    printf '\032' >&8
    read_until Stopped
    echo 'echo in the sh""ell; fg; echo status $?' >&8
    read_until 'in the shell'
    read_until continued
    printf '\003' >&8
    read_until 'status 130'
    exec 8>&-
    wait "$runner" || :
}
