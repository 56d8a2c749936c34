# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# The sandbox that tests/linux/run makes: what a command finds in it.

# shellcheck disable=SC2016 # $ is for the scripts in the sandbox

load runner
bats_require_minimum_version 1.5.0

@test "the exit status is the command's" {
    # Goal: this covers success, failure, signals, and commands that cannot be
    # run.
    tests/linux/run true
    run tests/linux/run -- sh -c 'exit 7'
    [ "$status" -eq 7 ]
    run tests/linux/run sh -c 'kill -9 $$'
    [ "$status" -eq 137 ]
    run tests/linux/run sh -c 'ulimit -c 0; kill -SEGV $$'
    [ "$status" -eq 139 ]
    run -127 tests/linux/run nosuchcommand
    [[ $output == *'nosuchcommand: No such file or directory'* ]]
    run tests/linux/run /etc
    [ "$status" -eq 126 ]
}

@test "errors of the runner are reported, with exit status 125" {
    # Goal: a test that could not run is not mistaken for one that failed.
    for wrong in '--bogus true' '' '--config /nonexistent true' \
        '--broker /nonexistent true' '--plist /nonexistent true' \
        '--user carol true' '--env x true' '--vmnetd-opt --bogus true'; do
        # shellcheck disable=SC2086 # words
        run tests/linux/run $wrong
        echo "$wrong: $status: $output"
        [ "$status" -eq 125 ]
        [ -n "$output" ]
    done
    run tests/linux/run --help
    [ "$status" -eq 0 ]
    [[ $output == usage:* ]]
}

@test "arguments, environment, folder and stdio reach the command" {
    # Goal: the command gets exactly what the caller passes.
    cd tests
    out=$(echo input | given=1 linux/run --env 'added=a b' -- sh -c '
        cat; pwd; echo "$given,$added,$1"; echo error >&2' sh '  two  words' \
        2>"$BATS_TEST_TMPDIR/err")
    echo "$out"
    [ "$out" = "input
$PWD
1,a b,  two  words" ]
    [ "$(cat "$BATS_TEST_TMPDIR/err")" = error ]
}

@test "the sandbox is a Mac with the broker installed" {
    # Goal: this covers users, folders, owners, host name, limits, launchctl and
    # vmnet-brokerctl in PATH, as installed, and the daemon not.
    sandbox <<'SCRIPT'
expect host mac "$(hostname)"
expect user '0 0' "$(id -u) $(id -g)"
expect alice 501:501:/Users/alice "$(getent passwd alice | cut -d: -f3,4,6)"
expect bob 502:502:/Users/bob "$(getent passwd bob | cut -d: -f3,4,6)"
expect role 300:300:/var/empty \
    "$(getent passwd _vmnetbroker | cut -d: -f3,4,6)"
expect groups 'alice bob _vmnetbroker' \
    "$(getent group 501 502 300 | cut -d: -f1 | xargs)"
support='/Library/Application Support/com.github.nirs.vmnet-broker'
expect broker 'root root 755' "$(stat -c '%U %G %a' "$support/vmnet-broker")"
cmp "$support/networks.json" broker/networks.json
plist=com.github.nirs.vmnet-broker.plist
expect plist 'root root 644' \
    "$(stat -c '%U %G %a' "/Library/LaunchDaemons/$plist")"
cmp "/Library/LaunchDaemons/$plist" "broker/$plist"
expect home 'alice 700' "$(stat -c '%U %a' /Users/alice)"
expect limit "$(ulimit -Hn)" "$(ulimit -Sn)"
expect init sandbox "$(cat /proc/1/comm)"
expect links 'en0 lo' "$(ls /sys/class/net | xargs)"
launchctl print system/com.github.nirs.vmnet-broker >/dev/null
# What the first shell got: this script has more in PATH.
PATH=$(tr '\0' '\n' </proc/$$/environ | sed -n 's/^PATH=//p')
as alice vmnet-brokerctl check
as alice launchctl print system/com.github.nirs.vmnet-broker >/dev/null
expect daemon '' "$(command -v vmnet-broker)"
SCRIPT
}

@test "options choose broker, configuration and daemons" {
    # Goal: the given files are the ones that are installed.
    echo '{}' >"$BATS_TEST_TMPDIR/config"
    sandbox --config "$BATS_TEST_TMPDIR/config" --broker /bin/true <<'SCRIPT'
support='/Library/Application Support/com.github.nirs.vmnet-broker'
expect config '{}' "$(cat "$support/networks.json")"
cmp "$support/vmnet-broker" /bin/true
SCRIPT
    sandbox --no-daemon <<'SCRIPT'
expect jobs 1 "$(launchctl list | wc -l)"
SCRIPT
    cat >"$BATS_TEST_TMPDIR/broker" <<'BROKER'
#!/bin/sh
echo "$VARIABLE $*" >/run/arguments/out
BROKER
    chmod 755 "$BATS_TEST_TMPDIR/broker"
    sandbox --broker "$BATS_TEST_TMPDIR/broker" --daemon-arg -x \
        --daemon-arg 'a b' --daemon-env VARIABLE=value <<'SCRIPT'
mkdir -m 777 /run/arguments
launchctl kickstart system/com.github.nirs.vmnet-broker
launchctl standin-wait system/com.github.nirs.vmnet-broker exited "$guard"
expect arguments 'value -x a b' "$(cat /run/arguments/out)"
expect owner _vmnetbroker "$(stat -c %U /run/arguments/out)"
SCRIPT
}

@test "the command can run as another user" {
    # Goal: --user changes ids, groups, home, and nothing can be taken back.
    run tests/linux/run --user alice sh -c '
        id -u; id -g; id -G; echo "$HOME $USER"; cd && touch file && pwd
        test -w /etc/passwd || echo no'
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(echo "$output" | xargs)" = \
        '501 501 501 /Users/alice alice /Users/alice no' ]
}

@test "the external network is ready at once" {
    # Goal: IPv4, IPv6 and names work from the first packet on.
    sandbox <<'SCRIPT'
for address in 198.51.100.1 203.0.113.1 2001:db8:1::1 2001:db8:2::1; do
    /bin/ping -n -q -c 1 -W 1 "$address" >/dev/null || fail "no $address"
done
expect A 203.0.113.1 \
    "$(getent ahostsv4 world.example | awk '{ print $1; exit }')"
expect AAAA 2001:db8:2::1 \
    "$(getent ahostsv6 world.example | awk '{ print $1; exit }')"
getent hosts nosuch.example && fail 'a name that is not there'
ip netns exec world /bin/ping -n -q -c 1 -W 1 198.51.100.2 >/dev/null
expect world 'lo mac0' "$(ip netns exec world ls /sys/class/net | xargs)"
as bob /bin/ping -n -q -c 1 -W 1 203.0.113.1 >/dev/null
SCRIPT
}

@test "a few messages do not fill a datagram socket" {
    # Goal: as on macOS, small messages to a socket that is not connected back
    # are limited by their bytes.
    sandbox --no-daemon <<'SCRIPT'
cat >"$T/send.pl" <<'PERL'
use strict;
use Socket;
socket(my $to, AF_UNIX, SOCK_DGRAM, 0) or die;
bind($to, pack_sockaddr_un($ARGV[0])) or die;
socket(my $from, AF_UNIX, SOCK_DGRAM, 0) or die;
connect($from, pack_sockaddr_un($ARGV[0])) or die;
$from->blocking(0);
for (1 .. 100) { defined send($from, "x", 0) or die "$_: $!\n"; }
PERL
perl -MIO::Handle "$T/send.pl" "$T/socket" || fail 'it is full'
SCRIPT
}
