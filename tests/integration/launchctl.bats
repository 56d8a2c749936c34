# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# The commands of the stand-in's launchctl, and who may use them.
# shellcheck disable=SC2154 # plist and job are from launchd.bash

load helper
load launchd

@test "kickstart, kill and list" {
    # Goal: the commands that the documentation names work.
    plist job
    with_job <<'SCRIPT'
pid=$(launchctl kickstart -p system/job | sed 's/.*: //')
expect pid "$pid" "$(field pid)"
expect 'already there' "$pid" \
    "$(launchctl kickstart -p system/job | sed 's/.*: //')"
new=$(launchctl kickstart -k -p system/job | sed 's/.*: //')
[ "$new" != "$pid" ] || fail 'not killed'
expect list "$new"$'\t-15\tjob' "$(launchctl list | grep -w job |
    sed 's/\t0\t/\t-15\t/')"
ask id >/dev/null
launchctl kill SIGTERM system/job
wait_for exited
expect 'last exit' 0 "$(field 'last exit code')"
code=0; launchctl kill TERM system/job 2>/dev/null || code=$?
expect 'no process' 3 "$code"
code=0; launchctl kill NOSUCH system/job 2>/dev/null || code=$?
expect 'no signal' 64 "$code"
code=0; launchctl standin-wait system/job running 0.1 2>/dev/null || code=$?
expect 'timeout' 124 "$code"
SCRIPT
}

@test "a disabled job is not loaded" {
    # Goal: this is what System Settings does to a background item.
    plist job
    with_job <<'SCRIPT'
plist=/Library/LaunchDaemons/job.plist
launchctl bootout system/job
launchctl standin-wait system/job gone "$guard"
launchctl disable system/job
launchctl print-disabled system | has '"job" => disabled'
code=0; launchctl bootstrap system "$plist" 2>/dev/null || code=$?
expect 'disabled' 119 "$code"
launchctl enable system/job
launchctl bootstrap system "$plist"
SCRIPT
}

@test "only root changes anything" {
    # Goal: a user can look, but cannot change the daemon.
    plist job
    with_job <<'SCRIPT'
as alice launchctl print system/job >/dev/null
as alice launchctl list >/dev/null
for verb in 'bootout system/job' 'bootstrap system /x' 'kill 9 system/job' \
    'kickstart system/job' 'disable system/job' 'enable system/job'; do
    code=0
    # shellcheck disable=SC2086 # words
    as alice launchctl $verb 2>/dev/null || code=$?
    expect "$verb" 1 "$code"
done
SCRIPT
}
