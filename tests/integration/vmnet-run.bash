# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
# shellcheck shell=bash
#
# For the tests of vmnet-run, with commands that treat it as VMMs may.

load helper

# run_sandbox [OPTION]...: what the scripts share comes before each script.
run_sandbox() {
    sandbox "$@" <<SCRIPT
$(
        cat <<'COMMON'
PATH=$PWD/$tools:$PATH

# frames NAME NETWORK in|out WHAT: a number of the --stats line of what was
# started as NAME; WHAT is frames, bytes, dropped or unfit.
frames() {
    wait_line "$1" "^vmnet-run: $2 $3: " |
        sed -n "s/.* \([0-9]*\) $4.*/\1/p"
}

# interfaces PID: prints how many interfaces the process has.
interfaces() {
    vmnetctl | grep -c "^interface .* pid=$1 " || :
}

# ticks PID: prints the processor time of a process, in 1/100 s.
ticks() {
    awk '{ print $14 + $15 }' "/proc/$1/stat"
}

# subnet NETWORK: prints its first three bytes.
subnet() {
    start subnet alice ping -c 0 -H "$1"
    wait_line subnet '^holding' | sed 's/^holding \(.*\)\.[0-9]* until.*/\1/'
    stop subnet
}

# expect_idle NAME ADDRESS: what was started as NAME, and has a guest that answers on
# default, works; and uses no processor time but for that. The pings take two
# seconds, of which a process that spins would use most.
expect_idle() {
    local pid before used
    pid=$(pid_of "$1")
    before=$(ticks "$pid")
    as bob ping -c 20 -i 0.1 default "$2" >"$T/ping.out" ||
        fail "no answer from $2"
    used=$(($(ticks "$pid") - before))
    [ "$used" -le 50 ] || fail "used $used ticks in two seconds"
}
COMMON
        cat
    )
SCRIPT
}
