#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# shellcheck disable=SC2016 # programs of other languages

# The figures are not judged here: on a busy machine they mean nothing.

bats_require_minimum_version 1.5.0

@test "bench: it measures everything that it promises" {
    # Goal: each row has a figure for the baseline, and one for each broker with
    # its ratio to the baseline.
    run -0 tests/bench/run --quick --old build/linux/asan/bin/vmnet-broker
    echo "$output"
    grep -qE '^ +baseline +broker +ratio +old +ratio$' <<<"$output"
    figure='([1-9][0-9.]*|0\.[0-9]*[1-9][0-9]*)'
    for row in 'acquire' 'connect, acquire' 'start, acquire' '200 clients'; do
        grep -qE "^$row \([a-z ]+\) +$figure( +$figure +[0-9]+\.[0-9]{2}){2}$" \
            <<<"$output"
    done
    grep -qE '^threads +[1-9][0-9]*( +[1-9][0-9]* +[0-9.]+){2}$' <<<"$output"
    run ! grep -E '(^|[^a-z])(nan|inf)' <<<"$output"
}

@test "bench: a missing older broker is an error" {
    # Goal: bench fails, instead of printing a table without that broker.
    run -1 tests/bench/run --quick --old "$BATS_TEST_TMPDIR/absent"
    [[ $output == "bench: --old: not a program: "* ]]
}

# --- bench-vms ---------------------------------------------------------------

figures=tests/integration/bench/vms.csv

@test "bench-vms: it prints the table of recorded figures" {
    # Goal: the table has the median, the spread, and the median of the ratios
    # within each run, which is not the ratio of the medians.
    run -0 tests/bench/report $figures
    echo "$output"
    expect=(
        'VM to VM, TCP (Mbit/s)'
        '  native                         200       100       400    1.00    1.05'
        '  vmnet-run                      190        90       300    0.90    0.97'
        '  relay                          190       100       310    0.95    1.00'
        '  vmnet-run                    0.085     0.085     0.085       -       -'
        '  loopback                       900       900       900'
        'vmnet-helper: not installed'
    )
    for line in "${expect[@]}"; do
        grep -xF -e "$line" <<<"$output"
    done
}

@test "bench-vms: it prints recorded figures as JSON and as a plot" {
    # Goal: a parser accepts both, and they contain everything that was
    # measured.
    tests/bench/report --json $figures >"$BATS_TEST_TMPDIR/vms.json"
    run -0 python3 - "$BATS_TEST_TMPDIR/vms.json" <<'PYTHON'
import json, sys
data = json.load(open(sys.argv[1]))
tcp = data["measures"]["vm_to_vm"]
print(tcp["vmnet-run"]["median"], tcp["vmnet-run"]["runs"], tcp["title"])
print(data["measures"]["loopback"]["ceiling"]["largest"])
print(data["not_measured"])
PYTHON
    [ "${lines[0]}" = '190 [90, 300, 190] VM to VM, TCP (Mbit/s)' ]
    [ "${lines[1]}" = 900.5 ]
    [ "${lines[2]}" = "{'vmnet-helper': 'not installed'}" ]

    tests/bench/report --svg $figures >"$BATS_TEST_TMPDIR/vms.svg"
    run -0 python3 - "$BATS_TEST_TMPDIR/vms.svg" <<'PYTHON'
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
name = "{http://www.w3.org/2000/svg}"
print([text.text for text in root.iter(name + "text")])
width = float(root.get("width"))
bars = root.findall(name + "rect")[1:]
print(len(bars), all(float(bar.get("x")) + float(bar.get("width")) < width
    for bar in bars))
PYTHON
    [[ ${lines[0]} == *"'VM to VM, TCP (Mbit/s)', 'native', '200'"* ]]
    [ "${lines[1]}" = '5 True' ]
}

@test "bench-vms: every awk produces the same report" {
    # Goal: the report does not depend on Debian's awk, since a Mac has another.
    for format in table json svg; do
        for awk in mawk 'busybox awk'; do
            LC_ALL=C $awk -F , -f tests/bench/report-read.awk \
                -f tests/bench/report-$format.awk $figures \
                >"$BATS_TEST_TMPDIR/$format.${awk%% *}"
        done
        cmp "$BATS_TEST_TMPDIR/$format".*
    done
}

@test "bench-vms: a file that is not a measurement is refused" {
    # Goal: bench-vms prints the reason and no table.
    run -1 tests/bench/report tests/bench/networks.json
    [ "$output" = \
        "bench: tests/bench/networks.json: not a file of tests/bench/vms" ]
    sed '4s/.*/native,vm_to_vm,2,fast/' $figures >"$BATS_TEST_TMPDIR/vms.csv"
    run -1 tests/bench/report "$BATS_TEST_TMPDIR/vms.csv"
    [ "$output" = \
        "bench: line 4 is not a figure: native,vm_to_vm,2,fast" ]
    run -2 tests/bench/report
    [[ $output == usage:* ]]
}

@test "bench-vms: wrong arguments are refused" {
    # Goal: each one is named before anything is started.
    run -2 tests/bench/vms --fast
    [ "$output" = 'bench: unknown argument "--fast": see --help' ]
    run -2 tests/bench/vms --runs 0
    [ "$output" = 'bench: --runs must be 1 to 999 (got "0")' ]
    run -2 tests/bench/vms --seconds
    [ "$output" = 'bench: --seconds needs a value' ]
    run -2 tests/bench/vms --only 'native wifi'
    [ "$output" = 'bench: --only: no such way to attach a VM: "wifi"' ]
    run -0 tests/bench/vms --help
    [[ $output == 'Usage: tests/bench/vms'* ]]
}

# copy: a tree with nothing but the scripts, and a Mac's uname in PATH.
copy() {
    mkdir -p "$BATS_TEST_TMPDIR/tree/tests" "$BATS_TEST_TMPDIR/bin"
    cp -R tests/bench "$BATS_TEST_TMPDIR/tree/tests"
    vms=$BATS_TEST_TMPDIR/tree/tests/bench/vms
    printf '#!/bin/sh\n[ "$1" = -m ] && echo arm64 || echo Darwin\n' \
        >"$BATS_TEST_TMPDIR/bin/uname"
    printf '#!/bin/sh\nexit "${BROKER:-1}"\n' \
        >"$BATS_TEST_TMPDIR/bin/launchctl"
    chmod 755 "$BATS_TEST_TMPDIR"/bin/*
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

@test "bench-vms: it measures the frames of a program without a VM" {
    # Goal: the smallest run works, from the sandbox to the files.
    run -0 tests/bench/vms --no-vms --runs 2 --only 'run relay helper' \
        --out "$BATS_TEST_TMPDIR"
    echo "$output"
    for name in vmnet-run relay; do
        for run in 1 2; do
            grep -qE "^$name,frames,$run,[1-9][0-9.]*$" \
                "$BATS_TEST_TMPDIR/vms.csv"
        done
        grep -qE "^  $name +[1-9][0-9.]*( +[0-9.]+){2} +- +[0-9.]+$" \
            "$BATS_TEST_TMPDIR/vms.txt"
    done
    grep -xF 'vmnet-helper: not installed' "$BATS_TEST_TMPDIR/vms.txt"
    for file in vms.json vms.svg; do
        [ -s "$BATS_TEST_TMPDIR/$file" ]
    done
}

@test "bench-vms: missing prerequisites on a Mac are reported" {
    # Goal: bench-vms names what is missing and measures nothing.
    copy
    run -1 "$vms"
    [ "$output" = 'bench: there is no guest: run examples/test-vm/build' ]

    mkdir -p "$BATS_TEST_TMPDIR/tree/build/test-vm/arm64"
    touch "$BATS_TEST_TMPDIR/tree/build/test-vm/arm64/initrd"
    run -1 "$vms"
    [ "$output" = 'bench: the broker is not installed: see README.md' ]

    BROKER=0 run -1 "$vms" --only 'offload relay helper socket'
    [ "$output" = \
        'bench: none of "offload relay helper socket" can be measured here' ]
    run -0 cat "$BATS_TEST_TMPDIR/tree/build/bench/vms.csv"
    [ "$output" = 'attachment,measure,run,value
vmnet-run --offload,missing,0,not measured: Virtualization supports no offload here
relay,missing,0,not measured: relay needs Linux
vmnet-helper,missing,0,not installed
socket_vmnet,missing,0,not installed' ]
}

@test "bench-vms: a broker without the needed networks is reported" {
    # Goal: bench-vms prints the broker's reason and what to do.
    copy
    mkdir -p "$BATS_TEST_TMPDIR/tree/build/test-vm/arm64" \
        "$BATS_TEST_TMPDIR/tree/build/macos/host/examples"
    touch "$BATS_TEST_TMPDIR/tree/build/test-vm/arm64/initrd"
    run=$BATS_TEST_TMPDIR/tree/build/macos/host/examples/vmnet-run
    printf '#!/bin/sh\necho "vmnet-run: $2: no such network" >&2\nexit 126\n' \
        >"$run"
    chmod 755 "$run"
    BROKER=0 run -1 "$vms"
    [ "$output" = "bench: bench-native: no such network: the networks of \
tests/bench/networks.json must be in the broker's configuration" ]
}

@test "bench-vms: plug gives a program the network of a helper" {
    # Goal: each side receives what the other sends, and the exit status is the
    # command's.
    plug=build/linux/plain/bench/plug
    run -7 $plug 9 "$BATS_TEST_TMPDIR/pid" --helper perl -e '
        open(S, "+<&=", shift); sysread(S, $x, 99); print "heard $x\n";
        syswrite(S, "pong")' '{fd}' -- perl -e '
        open(S, "+<&=", 9); syswrite(S, "ping"); sysread(S, $x, 99);
        print "answer $x\n"; exit 7'
    # "heard" goes to stderr, so that it is not part of a guest's console.
    [[ $output == *'answer pong'* ]]
    [[ $output == *'heard ping'* ]]
    [[ $(<"$BATS_TEST_TMPDIR/pid") =~ ^[0-9]+$ ]]
}

@test "bench-vms: plug converts the frames of a stream" {
    # Goal: the frames of socket_vmnet, each preceded by its length, become
    # datagrams. The server is running before plug starts, because it listens
    # first and then starts plug.
    export SOCKET=$BATS_TEST_TMPDIR/socket PIDS=$BATS_TEST_TMPDIR/pid
    run -0 perl -MIO::Socket::UNIX -e '
        $l = IO::Socket::UNIX->new(Local => $ENV{SOCKET}, Listen => 1);
        if (!fork) {
            exec "build/linux/plain/bench/plug", 9, $ENV{PIDS}, "--stream",
                $ENV{SOCKET}, "--", "perl", "-e", q{
                open(S, "+<&=", 9); syswrite(S, "one"); syswrite(S, "three");
                sysread(S, $x, 99); print "$x\n"; sysread(S, $x, 99);
                print "$x\n"};
        }
        $s = $l->accept;
        read($s, $x, 16); print unpack("H*", $x), "\n"; STDOUT->flush;
        syswrite($s, pack("N/a N/a", "first", "second"));
        wait; exit($? >> 8)'
    echo "$output"
    [ "${lines[0]}" = 000000036f6e65000000057468726565 ]
    [ "${lines[1]}" = first ]
    [ "${lines[2]}" = second ]
}

@test "bench-size: every row has a figure, also for another project" {
    # Goal: the output has what docs/validation.md shows.
    mkdir -p "$BATS_TEST_TMPDIR/other/tests"
    printf '/* a comment\n * more */\n\nint x;\n// no\n' \
        >"$BATS_TEST_TMPDIR/other/main.c"
    echo 'int y;' >"$BATS_TEST_TMPDIR/other/tests/test.c"
    run -0 tests/bench/size theirs="$BATS_TEST_TMPDIR/other"
    echo "$output"
    for row in 'daemon' 'SDK, two files' 'vmnet-run \(no root' \
        'run as root'; do
        grep -qE "^  $row.* [1-9][0-9]* +[1-9][0-9]*$" <<<"$output"
    done
    grep -qE '^  theirs +1 +5$' <<<"$output"
    for row in 'vmnet-broker' 'SDK, libvmnet-broker.a' 'vmnet-run' \
        'vmnet-broker, 121 clients' 'each further client \(bytes\)' \
        'a client, the whole process' 'vmnet-run, 1 network'; do
        grep -qE "^  $row +[1-9][0-9]*$" <<<"$output"
    done
    grep -q '^  com.apple.security.virtualization$' <<<"$output"
    run -1 tests/bench/size theirs="$BATS_TEST_TMPDIR/absent"
    [[ $output == *"bench: theirs: no folder $BATS_TEST_TMPDIR/absent"* ]]
}
