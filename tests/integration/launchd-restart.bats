# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# When the stand-in's launchd starts a job again.
# shellcheck disable=SC2154 # plist and job are from launchd.bash

load helper
load launchd

@test "after a crash the next connection starts the job again" {
    # Goal: without KeepAlive there is no restart; the throttle is 0 here.
    plist job "$(key ThrottleInterval 0)"
    with_job <<'SCRIPT'
ask crash || expect 'no answer' 5 $?
wait_for exited
expect state 'not running' "$(field state)"
expect signal 'Aborted: 6' "$(field 'last terminating signal')"
ask id >/dev/null
expect runs 2 "$(field runs)"
ask 'exit 7' || expect 'no answer' 5 $?
wait_for exited
expect 'last exit' 7 "$(field 'last exit code')"
expect list $'-\t7\tjob' "$(launchctl list | grep -w job)"
SCRIPT
}

@test "connections to a job that died are served by the next one" {
    # Goal: connections wait in the backlog, as messages wait in a Mach port.
    plist job "$(key ThrottleInterval 0)
        <key>ProgramArguments</key><array><string>/bin/sh</string>
        <string>-c</string>
        <string>mkdir /run/first &amp;&amp; exit 1
            exec $job serve job /run/notes</string></array>"
    with_job <<'SCRIPT'
id=$(ask id)
expect runs 2 "$(field runs)"
expect pid "pid=$(field pid)" "${id%% *}"
SCRIPT
}

@test "starts are ThrottleInterval apart" {
    # Goal: a job that exits at once is not started in a loop (S19).
    plist job "$(key ThrottleInterval 1)"
    with_job <<'SCRIPT'
start=$(now)
ask crash || :
wait_for exited
ask id >/dev/null
expect runs 2 "$(field runs)"
[ $(($(now) - start)) -ge 990 ] ||
    fail "started again after $(($(now) - start)) ms"
SCRIPT
}

@test "launchctl shows that a job is throttled, and kickstart does not wait" {
    # Goal: the default is 10 s, and an administrator can override it.
    plist job
    with_job <<'SCRIPT'
ask crash || :
wait_for exited
ask id >/run/answer &
launchctl standin-wait system/job runs=2 0.2 2>/dev/null && fail 'started'
expect state 'spawn scheduled' "$(field state)"
expect interval 10 "$(field 'minimum runtime')"
launchctl kickstart system/job
wait $!
expect runs 2 "$(field runs)"
SCRIPT
}

@test "KeepAlive restarts always, after success or failure, or after a crash" {
    # Goal: each form restarts exactly when it should, and starts at load.
    plist job "$(key ThrottleInterval 0) $(key KeepAlive true)"
    with_job <<'SCRIPT'
launchctl standin-wait system/job runs=1 "$guard"
ask 'exit 0' || :
launchctl standin-wait system/job runs=2 "$guard"
SCRIPT
    plist job "$(key ThrottleInterval 0)
        <key>KeepAlive</key><dict>$(key SuccessfulExit false)</dict>"
    with_job <<'SCRIPT'
launchctl standin-wait system/job runs=1 "$guard"
ask 'exit 1' || :
launchctl standin-wait system/job runs=2 "$guard"
ask 'exit 0' || :
wait_for exited
expect runs 2 "$(field runs)"
SCRIPT
    plist job "$(key ThrottleInterval 0)
        <key>KeepAlive</key><dict>$(key Crashed true)</dict>"
    with_job <<'SCRIPT'
ask crash || :
launchctl standin-wait system/job runs=2 "$guard"
ask 'exit 1' || :
wait_for exited
expect runs 2 "$(field runs)"
SCRIPT
}

@test "EnablePressuredExit: a job that dies with transactions is restarted" {
    # Goal: the job is restarted only if it died with transactions open, and
    # SIGTERM is ignored until the job asks for it.
    plist job "$(key ThrottleInterval 0) $(key EnablePressuredExit true)
        $(key RunAtLoad true)"
    with_job <<'SCRIPT'
ask 'hold 1'
launchctl standin-wait system/job active=1 "$guard"
ask crash || :
launchctl standin-wait system/job runs=2 "$guard"
ask crash || :
wait_for exited
expect runs 2 "$(field runs)"
SCRIPT
    plist job "$(key EnablePressuredExit true) $(key RunAtLoad true)
        <key>ProgramArguments</key><array><string>/bin/sleep</string>
        <string>1000</string></array>"
    with_job <<'SCRIPT'
wait_for running
# The status of a child that has not reached exec yet is launchd's own.
until [ "$(cat "/proc/$(field pid)/comm")" = sleep ]; do :; done
ignored=$(sed -n 's/^SigIgn:\t//p' "/proc/$(field pid)/status")
expect 'SIGTERM ignored' 1 $(((0x$ignored >> 14) & 1))
SCRIPT
}
