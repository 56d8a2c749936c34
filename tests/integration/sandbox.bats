# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# The sandbox that tests/linux/run makes, and that it leaves nothing behind.

# shellcheck disable=SC2016 # $ is for the scripts in the sandbox

load helper
bats_require_minimum_version 1.5.0

# Built once: the tests are about what runs.
setup_file() {
    "$BATS_TEST_DIRNAME/../linux/run" --no-daemon true
    export STANDIN_NO_BUILD=1
}

# Runs its arguments as an ordinary user who may open a tun device of ours, in
# a mount namespace where that lies on the real one. $ranges: content for
# /etc/subuid and /etc/subgid.
as_ordinary_user() {
    mknod -m 666 "$BATS_TEST_TMPDIR/tun" c 10 200
    printf '%s' "${ranges-}" >"$BATS_TEST_TMPDIR/ranges"
    unshare -m sh -c 'mount --bind "$1/tun" /dev/net/tun
        for file in /etc/subuid /etc/subgid; do
            mount --bind "$1/ranges" $file || exit
        done
        shift
        exec setpriv --reuid 65534 --regid 65534 --clear-groups -- "$@"' \
        sh "$BATS_TEST_TMPDIR" "$@"
}

as_nobody() {
    setpriv --reuid 65534 --regid 65534 --clear-groups -- "$@"
}

# Skips where no other user is available, or the repository is closed to that
# user. A relative path would work for a process that is in the folder already.
need_ordinary_user() {
    [ "$(id -u)" -eq 0 ] || skip "only root can become somebody else"
    as_nobody test -x "$PWD/tests/linux/run" ||
        skip "others cannot enter the folder of the repository"
}

# Processes left by a failed test would keep bats waiting forever.
teardown() {
    if [ -n "${runner-}" ]; then
        kill -KILL "$runner" 2>/dev/null || :
    fi
}

# begin COMMAND...: starts the runner in the background, its output in a fifo
# that is open as descriptor 7. The pid goes to the variable runner. All
# processes of the sandbox have the fifo open: it ends when the last one has.
begin() {
    mkfifo "$BATS_TEST_TMPDIR/fifo"
    tests/linux/run "$@" >"$BATS_TEST_TMPDIR/fifo" 2>&1 &
    runner=$!
    exec 7<"$BATS_TEST_TMPDIR/fifo"
}

# next: the next line that the sandbox prints.
next() {
    read -r -t 30 -u 7 line
}

# Prints everything that a sandbox could leave on the host.
host() {
    cat /proc/self/mountinfo
    ip -br link show type veth
    ip netns list || :
    ls -a /run /var/db /Library /Users /var/empty /dev/shm /etc 2>&1 || :
    cksum /etc/passwd /etc/group /etc/hosts /etc/hostname
    hostname
    ls "$PWD"
}

# How many processes are in one of the namespaces $1, "pid:[1]|net:[2]".
inhabitants() {
    # Some end while we look.
    find /proc -maxdepth 3 -path '/proc/[0-9]*/ns/*' -printf '%l\n' \
        2>/dev/null | grep -c -E -x "$1" || :
}

# The first end of file on the fifo is not quite the end: who has it open is
# killed before those who have not.
until_empty() {
    for _ in $(seq 100); do
        [ "$(inhabitants "$1")" -ne 0 ] || return 0
    done
    return 1
}

# Prints the sandbox's own namespaces as inhabitants wants them.
own='for n in mnt pid net ipc uts; do readlink /proc/self/ns/$n; done |
    paste -s -d "|" | sed "s/[][]/\\\\&/g"'

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

@test "what the command writes stays in the sandbox, but in /tmp" {
    # Goal: the host's files are not touched; results can be handed out.
    before=$(host)
    sandbox --env "out=$BATS_TEST_TMPDIR/out" <<'SCRIPT'
for file in /etc/sandbox /run/sandbox /var/db/sandbox /Library/sandbox \
    /sandbox /dev/shm/sandbox /var/empty/sandbox; do
    echo x >"$file"
done
echo x >>/etc/passwd
rm /etc/hosts
hostname other
ip link add new0 type bridge
mount -t tmpfs none /mnt
echo result >"$out"
SCRIPT
    [ "$(cat "$BATS_TEST_TMPDIR/out")" = result ]
    diff <(echo "$before") <(host)
}

@test "processes that the command leaves running are killed with it" {
    # Goal: children, daemons and processes that ignore signals end within a
    # second or so.
    begin sh -c "$own"'; sleep 1000 & setsid sleep 1001 &
        (trap "" TERM HUP INT; echo ready; while :; do sleep 1000; done) &
        read line </proc/self/fd/0; exit 3' </dev/null
    next
    namespaces=$line
    wait "$runner" && return 1
    [ "$(inhabitants "$namespaces")" -eq 0 ]
}

@test "SIGINT and SIGTERM reach the command and its children" {
    # Goal: Ctrl-C ends it as it would without a sandbox.
    for signal in INT TERM HUP QUIT; do
        rm -f "$BATS_TEST_TMPDIR/fifo"
        begin sh -c "trap 'echo got $signal; exit 5' $signal
            echo ready; sleep 1000 & wait"
        next
        [ "$line" = ready ]
        kill -"$signal" "$runner"
        next
        [ "$line" = "got $signal" ]
        status=0
        wait "$runner" || status=$?
        [ "$status" -eq 5 ]
    done
    rm -f "$BATS_TEST_TMPDIR/fifo"
    begin sh -c 'echo ready; exec sleep 1000'
    next
    kill -TERM "$runner"
    status=0
    wait "$runner" || status=$?
    [ "$status" -eq 143 ]
}

@test "a command that ignores signals is killed" {
    # Goal: the time is bounded, and a second signal shortens it.
    for case in :9 INT:4; do
        second=${case%:*}
        rm -f "$BATS_TEST_TMPDIR/fifo"
        begin sh -c 'trap "" INT TERM; echo ready
            while :; do sleep 1000; done'
        next
        kill -TERM "$runner"
        [ -z "$second" ] || kill -"$second" "$runner"
        start=$SECONDS
        status=0
        wait "$runner" || status=$?
        echo "$status after $((SECONDS - start)) s"
        [ "$status" -eq 137 ]
        [ $((SECONDS - start)) -le "${case#*:}" ]
    done
}

@test "a killed runner leaves nothing behind" {
    # Goal: SIGKILL at rest, with a job, a bridge and background processes.
    before=$(host)
    begin sh -c "$own"'
        build/linux/plain/examples/acquire default >/dev/null &
        launchctl standin-wait system/com.github.nirs.vmnet-broker running 30
        setsid sleep 1000 & echo ready; wait'
    next
    namespaces=$line
    next
    [ "$line" = ready ]
    [ "$(inhabitants "$namespaces")" -gt 0 ]
    kill -KILL "$runner"
    # The fifo ends when the last process of the sandbox has exited.
    timeout 30 cat <&7
    wait "$runner" || :
    until_empty "$namespaces"
    diff <(echo "$before") <(host)
}

@test "a runner killed while it starts leaves nothing behind" {
    # Goal: every stage of the start, as far as chance meets them.
    before=$(host)
    for i in $(seq 0 11); do
        rm -f "$BATS_TEST_TMPDIR/fifo"
        begin sh -c 'echo started; sleep 1000'
        # No time but a count of turns: on a slow machine both take longer.
        # shellcheck disable=SC2034
        for n in $(seq $((i * 4))); do /bin/true; done
        kill -KILL "$runner"
        timeout 30 cat <&7 >/dev/null
        wait "$runner" || :
    done
    diff <(echo "$before") <(host)
}

@test "two sandboxes at once are isolated" {
    # Goal: each has its own instance of the same names, addresses and files.
    begin sh -c "$own"'; touch /run/first /Library/first
        launchctl disable system/first; nc -l 198.51.100.2 4000 &
        echo $$ >/run/pid; echo ready; exec sleep 1000'
    next
    first=$line
    next
    [ "$line" = ready ]
    out=$(tests/linux/run sh -c "$own"'
        ls /run/first /Library/first 2>/dev/null
        launchctl print-disabled system | grep first
        nc -z -w 1 198.51.100.2 4000 && echo connected
        ps -e -o args | grep -c "[s]leep 1000"
        ping -n -q -c 1 -W 1 203.0.113.1 >/dev/null && echo world' || :)
    echo "$out"
    [ "$(echo "$out" | tail -n +2)" = "0
world" ]
    second=$(echo "$out" | head -n 1)
    common=$(comm -12 <(echo "$first" | tr '|' '\n' | sort) \
        <(echo "$second" | tr '|' '\n' | sort))
    echo "namespaces in common: $common"
    [ -z "$common" ]
    [ "$(inhabitants "$first")" -gt 0 ]
    [ "$(inhabitants "$second")" -eq 0 ]
    kill -TERM "$runner"
    wait "$runner" || :
}

@test "the command cannot signal processes outside" {
    # Goal: "kill 0" and "kill -1", as used at the end of scripts, stay inside.
    run tests/linux/run sh -c 'trap "" TERM; kill 0; kill -TERM -1; exit 4'
    [ "$status" -eq 4 ]
}

@test "programs in a folder that only root may enter run as any user" {
    # Goal: a clone in root's home folder, or in one of mktemp's.
    [ "$(id -u)" -eq 0 ] || skip "needs a second user"
    repository=$BATS_TEST_TMPDIR/private/repository
    plain=$repository/build/linux/plain
    mkdir -p "$plain" "$repository/broker"
    cp -r build/linux/plain/bin build/linux/plain/lib "$plain"
    cp broker/*.plist broker/*.json "$repository/broker"
    chmod 700 "$BATS_TEST_TMPDIR/private"
    touch "$BATS_TEST_TMPDIR/private/sibling"
    run "$plain/bin/sandbox" --user alice sh -c "
        launchctl list >/dev/null && echo runs
        ls '$BATS_TEST_TMPDIR/private' 2>/dev/null || echo hidden"
    echo "$output"
    [ "$output" = "runs
hidden" ]
    # What cannot be kept is not taken.
    run "$plain/bin/sandbox" touch "$BATS_TEST_TMPDIR/private/new"
    [[ $output == *'Read-only file system'* ]]
    "$plain/bin/sandbox" touch "$repository/new"
    [ -e "$repository/new" ]
    [ "$(stat -c %a "$BATS_TEST_TMPDIR/private")" = 700 ]
}

@test "an ordinary user learns what is missing" {
    # Goal: without permission for the tun device, one line says what to do.
    need_ordinary_user
    mknod -m 600 "$BATS_TEST_TMPDIR/tun" c 10 200
    run unshare -m sh -c '
        mount --bind "$1" /dev/net/tun
        exec setpriv --reuid 65534 --regid 65534 --clear-groups \
            tests/linux/run true' sh "$BATS_TEST_TMPDIR/tun"
    echo "$output"
    [ "$status" -eq 125 ]
    [[ $output == *'/dev/net/tun: no permission'* ]]
}

@test "an ordinary user has a sandbox with a single user" {
    # Goal: in a user namespace with one id everything works except other users.
    need_ordinary_user
    run as_ordinary_user tests/linux/run sh -ec '
        id -u
        ip tuntap add mode tap tap0
        ip netns exec world ip -br link show mac0 >/dev/null
        ping -n -q -c 1 -W 1 203.0.113.1 >/dev/null
        getent hosts world.example
        launchctl list | grep -c vmnet-broker
        build/linux/plain/examples/ping -c 1 default >/dev/null && echo works'
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'alice, bob and _vmnetbroker do not exist'* ]]
    [ "$(echo "$output" | grep -c 'do not exist')" -eq 1 ]
    [[ $output == *works ]]
}

@test "an ordinary user with subordinate ids has all users" {
    # Goal: newuidmap and /etc/subuid: alice, bob and the daemon's user.
    need_ordinary_user
    command -v newuidmap >/dev/null || skip "no newuidmap"
    export ranges='65534:200000:65536
'
    run as_ordinary_user tests/linux/run sh -ec '
        id -u
        setpriv --reuid alice --regid alice --init-groups id -un
        setpriv --reuid bob --regid bob --init-groups \
            build/linux/plain/examples/ping -c 1 default >/dev/null
        ps -o user:20= -C vmnet-broker'
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(echo "$output" | xargs)" = '0 alice _vmnetbroker' ]
}

# terminal COMMAND: runs a shell command on a terminal; its output comes as
# lines, what is written to descriptor 8 is typed.
terminal() {
    mkfifo "$BATS_TEST_TMPDIR/fifo" "$BATS_TEST_TMPDIR/keys"
    script -q -e -c "$1" /dev/null <"$BATS_TEST_TMPDIR/keys" \
        >"$BATS_TEST_TMPDIR/fifo" 2>&1 &
    runner=$!
    exec 8>"$BATS_TEST_TMPDIR/keys" 7<"$BATS_TEST_TMPDIR/fifo"
}

# until_line TEXT: reads lines until one has the text.
until_line() {
    until [[ ${line-} == *"$1"* ]]; do
        next || return
    done
}

@test "on a terminal the command is in the foreground and gets Ctrl-C" {
    # Goal: the terminal behaves as if there were no sandbox.
    terminal "tests/linux/run sh -c 'ps -o stat= -p \$\$; read line
        echo typed \$line; trap \"echo interrupted; exit 6\" INT
        echo ready; sleep 1000 & wait'; echo status \$?"
    next
    [[ $line == *+* ]]
    echo word >&8
    until_line 'typed word'
    until_line ready
    printf '\003' >&8
    until_line interrupted
    until_line 'status 6'
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
    until_line ready
    printf '\032' >&8
    until_line Stopped
    echo 'echo in the sh""ell; fg; echo status $?' >&8
    until_line 'in the shell'
    until_line continued
    printf '\003' >&8
    until_line 'status 130'
    exec 8>&-
    wait "$runner" || :
}
