#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# examples/demo.sh as a Mac runs it, with fakes of examples/test-vm: however it
# ends, no VM and no file is left. (On Linux the sandbox would remove them.) Under
# each shell that is here.

# shellcheck disable=SC2317 # called by check

set -u
cd "$(dirname "$0")/../.." || exit

. tests/tap.sh
export FAKE="$tmp" TMPDIR="$tmp/tmp"
mkdir -p "$tmp/bin" "$tmp/tmp" "$tmp/tree/examples/test-vm"
cp examples/demo.sh "$tmp/tree/examples/"

# fake NAME: a program in the tree, or on the PATH; its text is standard input.
fake() {
    {
        echo "#!/bin/sh"
        cat
    } >"$tmp/$1"
    chmod +x "$tmp/$1"
}

fake bin/uname <<'EOF2'
echo Darwin
EOF2
fake tree/examples/test-vm/start <<'EOF2'
mkdir -p "$TEST_VM_RUN/$1"
echo $$ >"$TEST_VM_RUN/$1/pid"
echo "start $*" >>"$FAKE/calls"
case $(cat "$FAKE/second") in
fails) [ "$1" = one ] || exit 1 ;;
hangs) [ "$1" = one ] || cat "$FAKE/hanging" ;;
esac
echo "vm: eth0 92:c9:52:b7:6c:08 192.168.115.2/24"
echo "vm: eth1 92:c9:52:b7:6c:09 192.168.95.2/24"
EOF2
fake tree/examples/test-vm/stop <<'EOF2'
echo "stop $*" >>"$FAKE/calls"
rm -r "${TEST_VM_RUN:?}/$1"
EOF2
fake tree/examples/test-vm/exec <<'EOF2'
echo "3 packets transmitted, 3 packets received, 0% packet loss"
echo "round-trip min/avg/max = 0.5/1.0/1.5 ms"
EOF2
mkfifo "$tmp/hanging"
PATH=$tmp/bin:$PATH

# ended STATUS: the demo has, both VMs are stopped, and no file is left.
ended() {
    cat "$tmp/out"
    [ "$1" -eq "$2" ] && [ -z "$(ls -A "$TMPDIR")" ] &&
        [ "$(grep -c '^stop one' "$tmp/calls")" -eq 1 ] &&
        [ "$(grep -c '^stop two' "$tmp/calls")" -eq 1 ]
}

# demo SECOND: what happens to the second VM.
demo() {
    echo "$1" >"$tmp/second"
    : >"$tmp/calls"
    status=0
    # shellcheck disable=SC2086 # "busybox sh"
    $sh "$tmp/tree/examples/demo.sh" >"$tmp/out" 2>&1 || status=$?
}

works() {
    demo works
    ended "$status" 0 && grep '^alice *boots the VM "one"' "$tmp/out" &&
        grep '^one *reaches two on host, 192.168.95.2: 1.0 ms, 0% packet loss' \
            "$tmp/out" &&
        grep '^both *stop their VMs' "$tmp/out"
}

second_fails() {
    demo fails
    ended "$status" 1 && grep '^FAILED *the VM two did not start' "$tmp/out"
}

# interrupted SIGNAL: to all that the terminal has, while the second VM starts.
interrupted() {
    echo hangs >"$tmp/second"
    : >"$tmp/calls"
    # A command in the background ignores Ctrl-C, and so would its children.
    # shellcheck disable=SC2086
    perl -e 'setpgrp; $SIG{INT} = "DEFAULT"; exec @ARGV' $sh \
        "$tmp/tree/examples/demo.sh" >"$tmp/out" 2>&1 &
    demo=$!
    exec 8>"$tmp/hanging" # waits for the reader
    kill "-$1" "-$demo"
    status=0
    wait "$demo" || status=$?
    ended "$status" 130
}

for sh in dash "bash --posix" "busybox sh"; do
    tap_note=" ($sh)"
    check "make demo on a Mac: two VMs meet" works
    check "make demo on a Mac: the second VM fails" second_fails
    check "make demo on a Mac: Ctrl-C" interrupted INT
    check "make demo on a Mac: its terminal is closed" interrupted HUP
    check "make demo on a Mac: it is terminated" interrupted TERM
done
finish
