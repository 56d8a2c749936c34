# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# How the stand-in's launchd stops a job.
# shellcheck disable=SC2154 # plist and job are from launchd.bash

load helper
load launchd

@test "EnableTransactions without a transaction: SIGKILL at once" {
    # Goal: a job that must keep a network opens a transaction.
    plist job "$(key EnableTransactions true)"
    with_job <<'SCRIPT'
ask id >/dev/null
launchctl bootout system/job
launchctl standin-wait system/job gone "$guard"
expect notes 'start ' "$(notes)"
SCRIPT
}

@test "EnableTransactions with a transaction: SIGTERM" {
    # Goal: the job gets the signal and the time to react.
    plist job "$(key EnableTransactions true) $(key ExitTimeOut 1)"
    with_job <<'SCRIPT'
ask 'hold 1'
launchctl standin-wait system/job active=1 "$guard"
expect 'active count' 1 "$(field 'active count')"
ask ignore
launchctl bootout system/job
grep -q -m 1 sigterm < <(follow /run/notes $$)
SCRIPT
    # A transaction that has ended does not count.
    with_job <<'SCRIPT'
ask 'hold 1'
ask 'hold 0'
launchctl standin-wait system/job active=0 "$guard"
launchctl bootout system/job
launchctl standin-wait system/job gone "$guard"
expect notes 'start ' "$(notes)"
SCRIPT
}

@test "without EnableTransactions: always SIGTERM" {
    # Goal: this is the other choice that a daemon has.
    plist job
    with_job <<'SCRIPT'
ask id >/dev/null
launchctl bootout system/job
launchctl standin-wait system/job gone "$guard"
grep -q sigterm /run/notes || fail 'no SIGTERM'
SCRIPT
}

@test "ExitTimeOut: a job that does not exit gets SIGKILL, but not before" {
    # Goal: the key is read; ExitTimeout, a common misspelling, is not.
    plist job "$(key ExitTimeOut 1)"
    with_job <<'SCRIPT'
ask ignore
start=$(now)
launchctl bootout system/job
launchctl standin-wait system/job gone "$guard"
[ $(($(now) - start)) -ge 990 ] || fail "after $(($(now) - start)) ms"
grep -q sigterm /run/notes || fail 'no SIGTERM'
SCRIPT
    plist job "$(key ExitTimeout 1)"
    run with_job <<'SCRIPT'
expect timeout 20 "$(field 'exit timeout')"
SCRIPT
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'ExitTimeout: ignored: did you mean ExitTimeOut?'* ]]
}

@test "the job's process group dies with it, unless it is abandoned" {
    # Goal: no helper process outlives the daemon.
    plist job "$(key ThrottleInterval 0)"
    with_job <<'SCRIPT'
child=$(ask child)
ask crash || :
wait_for exited
timeout "$guard" tail --pid="$child" -f /dev/null || fail 'still there'
SCRIPT
    plist job "$(key ThrottleInterval 0) $(key AbandonProcessGroup true)"
    with_job <<'SCRIPT'
child=$(ask child)
ask crash || :
wait_for exited
ask id >/dev/null
kill -0 "$child"
SCRIPT
}

@test "bootout returns before the job has ended" {
    # Goal: a script that does not wait gets the same errors as on macOS.
    plist job "$(key ExitTimeOut 1)"
    with_job <<'SCRIPT'
plist=/Library/LaunchDaemons/job.plist
ask ignore
launchctl bootout system/job
expect state stopping "$(field state)"
ask id 2>/dev/null && fail 'the name is still there'
code=0; text=$(launchctl bootstrap system "$plist" 2>&1) || code=$?
expect 'too early' 37 "$code"
[[ $text == *'37: Operation already in progress'* ]] || fail "$text"
launchctl standin-wait system/job gone "$guard"
code=0; launchctl print system/job >/dev/null 2>&1 || code=$?
expect 'print' 113 "$code"
code=0; launchctl bootout system/job 2>/dev/null || code=$?
expect 'bootout again' 3 "$code"
launchctl bootstrap system "$plist"
code=0; text=$(launchctl bootstrap system "$plist" 2>&1) || code=$?
expect 'twice' 5 "$code"
[[ $text == *'5: Input/output error'* ]] || fail "$text"
ask id >/dev/null
SCRIPT
}

@test "at shutdown the jobs are stopped in an orderly way" {
    # Goal: a broker with networks gets SIGTERM, not SIGKILL.
    plist job "$(key EnableTransactions true)
        <key>ProgramArguments</key><array><string>$job</string>
        <string>serve</string><string>job</string>
        <string>$BATS_TEST_TMPDIR/notes</string></array>"
    with_job <<'SCRIPT'
ask 'hold 1'
launchctl standin-wait system/job active=1 "$guard"
SCRIPT
    grep -q sigterm "$BATS_TEST_TMPDIR/notes"
}
