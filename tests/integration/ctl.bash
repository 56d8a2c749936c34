# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
# shellcheck shell=bash
#
# For the tests of vmnet-brokerctl.

load helper

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return
    umask 022
}

# What the scripts share; it comes before each script. The tool runs under the
# sanitizers; the programs that it starts do not.
ctl_sandbox() {
    sandbox "$@" <<SCRIPT
$(
        cat <<'COMMON'
PATH=$PWD/build/linux/asan/bin:$PATH
ctl=$PWD/build/linux/asan/bin/vmnet-brokerctl
plain=$PWD/build/linux/plain/bin/vmnet-brokerctl
support='/Library/Application Support/com.github.nirs.vmnet-broker'
export TZ=UTC ASAN_OPTIONS=detect_leaks=0 # leaks at exit do not matter
alice='setpriv --reuid alice --regid alice --clear-groups --'
bob='setpriv --reuid bob --regid bob --clear-groups --'

# volatile: replaces process ids, times, versions and values that vmnet chose.
volatile() {
    sed -E -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}/TIME/' \
        -e 's/("(pid|since|uptime|expires|longest_creation|generation|time|sequence)": )[0-9]+/\1N/' \
        -e 's/process [0-9]+/process N/' -e 's/^(vmnet-broker(ctl)? +)[0-9]+\.[0-9]+\.[0-9]+$/\1VERSION/' \
        -e 's/version [0-9]+\.[0-9]+\.[0-9]+/version VERSION/' \
        -e 's/("(client_)?version": ")[^"]*/\1VERSION/' \
        -e 's/^((alice|bob|root) +)[0-9]+ +/\1N /' -e 's/PID +PROGRAM/PID PROGRAM/' \
        -e 's/fd[0-9a-f:]+\/64/PREFIX/' -e 's/[0-9a-f]{16}$/GENERATION/' \
        -e 's/^(running for +)[0-9]+ s$/\1N s/' \
        -e 's/^(longest creation, ms +)[0-9]+$/\1N/' \
        -e '/^persistent /d' -e '/"(pending|persistent)": false/d'
}

# prints CODE COMMAND...: runs the command and compares its standard output with
# standard input and, after a line of "--", its standard error.
prints() {
    local wanted=$1 code=0
    shift
    timeout "$guard" "$@" >"$T/stdout" 2>"$T/stderr" || code=$?
    expect "$*: code" "$wanted" "$code"
    {
        volatile <"$T/stdout"
        [ ! -s "$T/stderr" ] || { echo --; volatile <"$T/stderr"; }
    } >"$T/printed"
    diff - "$T/printed" || fail "$*"
}

# exits CODE PATTERN COMMAND...: the message is one line that matches the
# pattern.
exits() {
    local wanted=$1 pattern=$2 code=0
    shift 2
    timeout "$guard" "$@" >"$T/stdout" 2>"$T/stderr" || code=$?
    expect "$*: code" "$wanted" "$code"
    [ -z "$pattern" ] || grep -qE -- "$pattern" "$T/stderr" ||
        fail "$*: '$(cat "$T/stderr")' does not have '$pattern'"
}

# json COMMAND...: prints valid JSON, with changing values replaced.
json() {
    "$@" --json >"$T/json" || fail "$*"
    python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$T/json" ||
        fail "$*: no JSON: $(cat "$T/json")"
    volatile <"$T/json"
}
COMMON
        cat
    )
SCRIPT
}
