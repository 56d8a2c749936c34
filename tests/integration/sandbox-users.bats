# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# The users for whom tests/linux/run makes a sandbox, and what each can do.

# shellcheck disable=SC2016 # $ is for the scripts in the sandbox

load runner
bats_require_minimum_version 1.5.0

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
    [ "$(id -u)" -eq 0 ] || skip "only root can become another user"
    as_nobody test -x "$PWD/tests/linux/run" ||
        skip "others cannot enter the folder of the repository"
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
