#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# install, uninstall and install --check, in a folder and with fakes; under each
# shell that is here.

# shellcheck disable=SC2317,SC2030,SC2031 # called by check, in a subshell

set -u
cd "$(dirname "$0")/../.." || exit
. tests/unit/install-fixture.sh

# --- Installing --------------------------------------------------------------

# Goal: all of it, as documented, and again without a difference.
fresh_install() {
    fresh
    keep empty
    install 1.0 || return 1
    [ "$(cd "$folder" && echo .* *)" = ". .. check.sh files install \
networks.json setup.sh uninstall user.sh vmnet-broker" ] || return 1
    cmp "$plist" "$FAKE/loaded" &&
        cmp broker/networks.json "$folder/networks.json" &&
        [ -x "$DESTDIR/usr/local/bin/vmnet-brokerctl" ] &&
        [ "$(value Users/_vmnetbroker/UniqueID)" = 202 ] &&
        [ "$(value Users/_vmnetbroker/PrimaryGroupID)" = 202 ] &&
        [ "$(value Users/_vmnetbroker/UserShell)" = /usr/bin/false ] &&
        [ "$(value Users/_vmnetbroker/RealName)" = "$label" ] &&
        [ "$(value Users/_vmnetbroker/NFSHomeDirectory)" = /var/empty ] &&
        [ "$(value Users/_vmnetbroker/IsHidden)" = 1 ] &&
        [ "$(value Groups/_vmnetbroker/PrimaryGroupID)" = 202 ] || return 1
    # Nothing of it can be written by others.
    ! find "$folder" "$plist" -perm /022 | grep . || return 1
    keep installed
    install 1.0 && same installed && install 1.0 --check
}

# Goal: nothing is left, and the configuration only if it is to stay.
whole_uninstall() {
    put installed
    run "$folder/uninstall" --purge && same empty || return 1
    put installed
    echo '{}' >"$folder/networks.json"
    run "$T/1.0/uninstall" || return 1
    [ "$(cd "$folder" && echo .* *)" = ". .. networks.json" ] || return 1
    rm -r "$folder"
    same empty
}

# Goal: files that the new release lacks go, those that it has come, and the
# user's configuration stays as it is.
upgrade() {
    put installed
    echo '{ "mine": {} }' >"$folder/networks.json"
    install 2.0 || return 1
    grep mine "$folder/networks.json" &&
        cmp broker/networks.json "$folder/networks.json.default" &&
        grep 2.0 "$DESTDIR/usr/local/share/man/man8/vmnet-broker.8" &&
        [ -e "$DESTDIR/usr/local/share/zsh/site-functions/_ctl" ] || return 1
    cp "$folder/networks.json" "$T/mine"
    install 1.0 && rm "$folder/networks.json.default" || return 1
    put_back=$(cat "$T/mine")
    [ "$put_back" = "$(cat "$folder/networks.json")" ] || return 1
    cp broker/networks.json "$folder/networks.json"
    same installed
}

# Goal: another prefix; the old one is left as it was before.
other_prefix() {
    put installed
    install 1.0 --prefix /opt/broker &&
        [ -x "$DESTDIR/opt/broker/bin/vmnet-brokerctl" ] &&
        [ "$(find "$DESTDIR/usr" -type f)" = "$DESTDIR/usr/local/bin/other" ] &&
        [ ! -e "$DESTDIR/usr/local/share" ] && install 1.0 --check &&
        run "$folder/uninstall" --purge && same empty
}

# Goal: an upgrade that does not answer leaves the old version at work.
put_back() {
    put installed
    echo 2.0 >"$FAKE/broken"
    keep broken
    if install 2.0; then return 1; fi
    grep -q 'does not answer' "$T/log" && same broken || return 1
    # The first one has nothing to go back to: it is not loaded.
    fresh
    echo 1.0 >"$FAKE/broken"
    if install 1.0; then return 1; fi
    [ ! -e "$FAKE/loaded" ] || return 1
    rm "$FAKE/broken"
    install 1.0 && same installed
}

# Goal: VMs keep their networks.
holders() {
    put installed
    echo 500 >"$FAKE/pid"
    echo 3 >"$FAKE/holders"
    refused 'NETWORK default: 3' install 2.0 &&
        refused 'these programs use the broker.s networks' run "$folder/uninstall" ||
        return 1
    : >"$FAKE/log"
    install 2.0 --when-idle && grep -q 'drain --wait' "$FAKE/log" || return 1
    echo 3 >"$FAKE/holders"
    : >"$FAKE/log"
    install 1.0 --force && ! grep drain "$FAKE/log" || return 1
    # A broker that cannot tell, and runs.
    : >"$FAKE/old"
    echo 500 >"$FAKE/pid"
    refused 'cannot report who uses' install 2.0 || return 1
    rm "$FAKE/pid"
    install 2.0
}

# Goal: upstream's broker, which has our label, is named and not replaced
# without being asked to; and put back when ours does not answer.
other_maker() {
    fresh
    program='/Library/Application Support/vmnet-broker/vmnet-broker'
    sed "s|/Library/Application Support/$label/vmnet-broker|$program|" \
        "broker/$label.plist" >"$plist"
    cp "$plist" "$FAKE/loaded"
    : >"$FAKE/old"
    keep upstream
    refused "its program is $program. .*--replace" install 1.0 &&
        refused "another broker, whose program is $program" \
            run "$T/1.0/uninstall" || return 1
    echo 1.0 >"$FAKE/broken"
    if install 1.0 --replace; then return 1; fi
    grep -q "$program" "$FAKE/loaded" && grep -q "$program" "$plist" || return 1
    rm "$FAKE/broken"
    install 1.0 --replace && cmp "broker/$label.plist" "$FAKE/loaded"
}

# --- Refusals ----------------------------------------------------------------

# Goal: only root can change what root runs.
unsafe_paths() {
    fresh
    chmod g+w "$DESTDIR/Library"
    refused '/Library is writable by users other than root' install 1.0 || return 1
    chmod g-w "$DESTDIR/Library"
    mv "$DESTDIR/Library/LaunchDaemons" "$DESTDIR/elsewhere"
    ln -s ../elsewhere "$DESTDIR/Library/LaunchDaemons"
    refused 'LaunchDaemons is a symbolic link' install 1.0 || return 1
    fresh
    ln -s /tmp "$folder"
    refused 'is a symbolic link' install 1.0 || return 1
    fresh
    mv "$DESTDIR/usr/local/bin" "$DESTDIR/bin"
    ln -s ../../bin "$DESTDIR/usr/local/bin"
    refused '/usr/local/bin is not a folder' install 1.0 || return 1
    if chown 12345 "$DESTDIR/Library" 2>/dev/null; then
        refused '/Library does not belong to root' install 1.0 || return 1
    fi
    # A link at a file's place is replaced, and what it points to stays.
    fresh
    echo mine >"$DESTDIR/mine"
    ln -s "$DESTDIR/mine" "$DESTDIR/usr/local/bin/vmnet-brokerctl"
    install 1.0 && [ "$(cat "$DESTDIR/mine")" = mine ] &&
        [ ! -h "$DESTDIR/usr/local/bin/vmnet-brokerctl" ]
}

# Goal: each says why, and nothing has happened.
refusals() {
    fresh
    FAKE_MACOS=15.5 refused 'needs macOS 26.2 or later .this is 15.5' \
        install 1.0 &&
        refused 'usage: install' install 1.0 --no-such-option &&
        refused 'must be an absolute path' install 1.0 --prefix usr &&
        refused 'exclude each other' install 1.0 --force --when-idle ||
        return 1
    mkdir -p "$FAKE/ds/Users/_vmnetbroker"
    echo 0 >"$FAKE/ds/Users/_vmnetbroker/UniqueID"
    refused "has the id 0, which is root's" install 1.0 || return 1
    rm -rf "$T/spoiled"
    cp -R "$T/1.0" "$T/spoiled"
    sed -i 's/invalid JSON/valid JSON/' "$T/spoiled/vmnet-broker"
    refused 'signature of vmnet-broker is invalid' install spoiled || return 1
    codesign --sign - "$T/spoiled/vmnet-broker"
    refused 'signed without the entitlement' install spoiled || return 1
    rm "$T/spoiled/networks.json"
    refused 'lacks networks.json' install spoiled || return 1
    put installed
    refused 'run install from a release' run "$folder/install"
}

# --- The user ----------------------------------------------------------------

# Goal: an unused id, among users and groups, here and in a directory.
ids() {
    fresh
    printf '/Users 202\n/Groups 203\n' >"$FAKE/server"
    install 1.0 && [ "$(value Users/_vmnetbroker/UniqueID)" = 204 ] || return 1
    # Another installer takes the same one at that moment.
    fresh
    echo yes >"$FAKE/rival"
    install 1.0 && [ "$(value Groups/_rival/PrimaryGroupID)" = 202 ] &&
        [ "$(value Groups/_vmnetbroker/PrimaryGroupID)" = 203 ] &&
        [ "$(value Users/_vmnetbroker/UniqueID)" = 203 ] || return 1
    # One that is there is kept, with its group; what it lacks is added.
    fresh
    mkdir -p "$FAKE/ds/Users/_vmnetbroker" "$FAKE/ds/Groups/_vmnetbroker"
    echo 333 >"$FAKE/ds/Users/_vmnetbroker/UniqueID"
    echo "vmnet broker daemon" >"$FAKE/ds/Users/_vmnetbroker/RealName"
    install 1.0 && [ "$(value Users/_vmnetbroker/UniqueID)" = 333 ] &&
        [ "$(value Users/_vmnetbroker/RealName)" = "vmnet broker daemon" ] &&
        [ "$(value Groups/_vmnetbroker/PrimaryGroupID)" = 202 ] &&
        [ "$(value Users/_vmnetbroker/PrimaryGroupID)" = 202 ] || return 1
    # None is free.
    fresh
    seq 200 400 | sed 's/.*/_user& &/' >"$FAKE/ds/Users.more"
    refused 'ids from 200 to 400 are in use' install 1.0
}

# --- install --check ---------------------------------------------------------

# spoilt PATTERN COMMAND...: after that the check says so.
spoilt() {
    pattern=$1
    shift
    put installed
    "$@" || return 1
    refused "^BAD .*$pattern" run "$T/1.0/install" --check
}

# Goal: what is wrong, and what helps.
finds() {
    spoilt 'not installed: run install' put empty &&
        spoilt 'an installation was interrupted' mkdir "$folder/.new" &&
        spoilt 'vmnet-broker.8 is missing' \
            rm "$DESTDIR/usr/local/share/man/man8/vmnet-broker.8" &&
        spoilt 'is writable by' chmod o+w "$folder/vmnet-broker" &&
        spoilt 'does not run on this Mac' chmod -x "$folder/vmnet-broker" &&
        spoilt 'signature is invalid' \
            sed -i 's/invalid JSON/valid JSON/' "$folder/vmnet-broker" &&
        spoilt 'without com.apple.security.virtualization' \
            codesign --sign - "$folder/vmnet-broker" &&
        spoilt 'its program is /other' \
            sed -i 's|<string>/.*<|<string>/other<|' "$plist" &&
        spoilt 'group .*: missing' rm -r "$FAKE/ds/Groups/_vmnetbroker" &&
        spoilt 'user .*: has no NFSHomeDirectory' \
            rm "$FAKE/ds/Users/_vmnetbroker/NFSHomeDirectory" &&
        spoilt 'its UserShell is /bin/zsh' \
            sed -i 's|.*|/bin/zsh|' "$FAKE/ds/Users/_vmnetbroker/UserShell" &&
        spoilt 'also has the id 202' \
            sed -i 's|.*|202|' "$FAKE/ds/Users/_www/UniqueID" &&
        spoilt 'invalid JSON' sed -i 's|{|broken|' "$folder/networks.json" &&
        spoilt 'disabled' touch "$FAKE/disabled" &&
        spoilt 'launchd does not know it' rm "$FAKE/loaded" &&
        spoilt 'does not answer' cp "$T/version" "$FAKE/broken" || return 1
    # And an installation cures what it can.
    put installed
    touch "$FAKE/disabled"
    rm "$FAKE/loaded" "$folder/vmnet-broker" \
        "$FAKE/ds/Users/_vmnetbroker/NFSHomeDirectory"
    install 1.0 && same installed
}

all() {
    check "install, and again" fresh_install
    check "uninstall" whole_uninstall
    check "upgrade, and back" upgrade
    check "another prefix" other_prefix
    check "a new version that does not answer" put_back
    check "holders of networks" holders
    check "a broker of another make" other_maker
    check "paths that others can change" unsafe_paths
    check "what is refused" refusals
    check "ids" ids
    check "install --check" finds
}

each_shell all
finish
