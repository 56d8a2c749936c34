# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# How the stand-in's launchd starts a job that does not use XPC, and its
# environment.
# shellcheck disable=SC2154 # plist and job are from launchd.bash

load helper
load launchd

@test "a job runs when a client connects, not before" {
    # Goal: jobs are launched on demand, and launchctl print shows it.
    plist job
    with_job <<'SCRIPT'
expect state 'not running' "$(field state)"
expect runs 0 "$(field runs)"
expect 'last exit' '(never exited)' "$(field 'last exit code')"
id=$(ask id)
expect state running "$(field state)"
expect runs 1 "$(field runs)"
expect pid "pid=$(field pid)" "${id%% *}"
expect 'same process' "${id%% *}" "$(ask id | cut -d' ' -f1)"
expect notes 'start ' "$(notes)"
SCRIPT
}

@test "a client that disconnects at once still starts the job" {
    # Goal: a message starts the daemon even if its sender has exited.
    plist job
    with_job <<'SCRIPT'
"$tools/standin-job" knock job
wait_for running
SCRIPT
}

@test "a job has launchd's defaults, unless the plist says otherwise" {
    # Goal: this covers user, groups, limits, umask, folder, session,
    # environment.
    plist job
    with_job --daemon-env TEST=given <<'SCRIPT'
id=$(ask id)
expect id "uid=0 gid=0 groups=0 umask=022 files=256/$(ulimit -Hn) \
cwd=/ session=1 HOME= TEST=given" "${id#* }"
expect stdio '/dev/null /dev/null /dev/null ' \
    "$(readlink "/proc/$(field pid)/fd/"[012] | tr '\n' ' ')"
# These are its two sockets, and the client's, which comes and goes.
expect descriptors 5 "$(ls "/proc/$(field pid)/fd" | wc -l)"
SCRIPT
}

@test "the plist sets user, group, limits, umask, folder and environment" {
    # Goal: each key does what launchd.plist(5) says.
    plist job "$(key UserName _vmnetbroker) $(key WorkingDirectory /tmp)
        $(key Umask 23) $(key Nice 5)
        <key>EnvironmentVariables</key><dict>$(key TEST set)</dict>
        <key>SoftResourceLimits</key><dict>$(key NumberOfFiles 300)</dict>
        <key>HardResourceLimits</key><dict>$(key NumberOfFiles 400)</dict>"
    with_job <<'SCRIPT'
id=$(ask id)
expect id "uid=300 gid=300 groups=1 umask=027 files=300/400 cwd=/tmp \
session=1 HOME=/var/empty TEST=set" "${id#* }"
expect nice 5 "$(ps -o ni= -p "$(field pid)" | tr -d ' ')"
SCRIPT
    # A string is octal; the group is the job's own; no supplementary groups.
    plist job "$(key UserName alice) $(key GroupName bob) $(key Umask 007)
        $(key InitGroups false)"
    with_job <<'SCRIPT'
id=$(ask id)
expect id 'uid=501 gid=502 groups=0 umask=007' \
    "$(echo "$id" | cut -d' ' -f2-5)"
SCRIPT
}

@test "a job whose user does not exist does not run" {
    # Goal: the job is refused and never runs as root, even if the user was
    # removed after the job was loaded.
    plist job "$(key UserName nosuchuser)"
    run with_job <<'SCRIPT'
echo 'the sandbox has started'
SCRIPT
    echo "$output"
    [ "$status" -ne 0 ]
    [[ $output != *'the sandbox has started'* ]]
    [[ $output == *'UserName: there is no user "nosuchuser"'* ]]

    plist job "$(key UserName alice)"
    run with_job <<'SCRIPT'
sed -i '/^alice:/d' /etc/passwd
"$tools/standin-job" knock job
wait_for exited
expect 'exit status' 78 "$(field 'last exit code' | cut -d: -f1)"
expect 'the job did nothing' '' "$(notes)"
SCRIPT
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'job: there is no user alice: not started'* ]]
}

@test "files for stdio are created for the job's user" {
    # Goal: this covers owner, mode and appending for StandardOutPath and
    # StandardErrorPath.
    plist job "$(key UserName alice) $(key Umask 027)
        $(key StandardOutPath /run/out) $(key StandardErrorPath /run/err)
        <key>Program</key><string>/bin/sh</string>
        <key>ProgramArguments</key><array><string>sh</string>
        <string>-c</string>
        <string>echo out; echo err >&amp;2; exit 3</string></array>
        $(key ThrottleInterval 0)"
    with_job <<'SCRIPT'
"$tools/standin-job" ask job id || : &
# The third starts when the second has exited.
launchctl standin-wait system/job runs=3 "$guard"
launchctl bootout system/job
launchctl standin-wait system/job gone "$guard"
expect owner 'alice alice 640' "$(stat -c '%U %G %a' /run/out)"
expect out 'out out' "$(head -n 2 /run/out | xargs)"
expect err 'err err' "$(head -n 2 /run/err | xargs)"
SCRIPT
}

@test "a program that cannot start leaves its clients waiting" {
    # Goal: this is what a client sees with a broken installation.
    plist job "$(key Program /nonexistent)"
    run with_job <<'SCRIPT'
(ask id >/run/answer || : >/run/failed) &
launchctl standin-wait system/job runs=1 "$guard"
wait_for exited
expect 'last exit' 78 "$(field 'last exit code')"
kill -0 $! || fail 'the client did not wait'
launchctl bootout system/job
wait $!
[ -e /run/failed ] || fail 'bootout did not end the wait'
SCRIPT
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'job: /nonexistent: No such file or directory'* ]]
}

@test "only the job that a name belongs to gets its listener" {
    # Goal: no other process can impersonate the daemon; a listener that is not
    # in the plist fails.
    plist job "<key>ProgramArguments</key><array>
        <string>$job</string><string>serve</string><string>other</string>
        </array>"
    run with_job <<'SCRIPT'
as alice "$tools/standin-job" serve job 2>/run/alice && fail 'alice serves'
grep -q 'error job: not this job' /run/alice || fail "$(cat /run/alice)"
"$tools/standin-job" knock job
launchctl standin-wait system/job runs=1 "$guard"
wait_for exited
expect 'last exit' 1 "$(field 'last exit code')"
SCRIPT
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'checks in for other: not in its MachServices'* ]]
}

@test "an agent belongs to one user, and so does its name" {
    # Goal: gui/UID is a separate domain (S6).
    plist job
    run sandbox --no-daemon --agent "501=$plist" <<'SCRIPT'
touch /run/notes; chmod 666 /run/notes
[ -S "$STANDIN_DIR/agents/501/job" ] || fail 'no socket'
[ ! -e "$STANDIN_DIR/services/job" ] || fail 'in the system domain'
launchctl kickstart gui/501/job
launchctl standin-wait gui/501/job running "$guard"
pid=$(launchctl print gui/501/job | sed -n 's/^\tpid = //p')
until grep -q start /run/notes; do :; done
expect user alice "$(stat -c %U "/proc/$pid")"
SCRIPT
    echo "$output"
    [ "$status" -eq 0 ]
}
