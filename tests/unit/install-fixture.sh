#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# For the tests of install and uninstall: a folder with releases and with fakes of
# the tools that macOS has and Linux has not (tests/install/fake). The fakes have
# their state in files, so that what is left after each run is compared as a whole.
#
#     . tests/unit/install-fixture.sh

# shellcheck disable=SC2034,SC2317 # for the scripts that include this

if [ "$(id -u)" -ne 0 ]; then
    if unshare -r true 2>/dev/null; then
        exec unshare -r "$0"
    fi
    echo "1..0 # SKIP needs root, or user namespaces"
    exit 0
fi

label=com.github.nirs.vmnet-broker
. tests/tap.sh
T=$tmp
export DESTDIR="$T/root" FAKE="$T/root/fake"
folder="$DESTDIR/Library/Application Support/$label"
plist=$DESTDIR/Library/LaunchDaemons/$label.plist
real_path=$PATH
fakes=$PWD/tests/install/fake
PATH=$fakes:$PATH

# release VERSION [FILE...]: makes $T/VERSION, with FILEs more in its prefix.
release() {
    version=$1
    r=$T/$version
    shift
    mkdir -p "$r/prefix/bin" "$r/prefix/share/man/man8"
    cp broker/install broker/uninstall broker/*.sh "broker/$label.plist" \
        broker/networks.json "$r/"
    sed "s/@VERSION@/$version/" tests/install/release/vmnet-broker \
        >"$r/vmnet-broker"
    chmod +x "$r/vmnet-broker"
    codesign --sign - --entitlements broker/vmnet-broker.entitlements \
        "$r/vmnet-broker"
    cp tests/install/release/vmnet-brokerctl "$r/prefix/bin/"
    for file in share/man/man8/vmnet-broker.8 "$@"; do
        mkdir -p "$r/prefix/${file%/*}"
        echo "$file of $version" >"$r/prefix/$file"
    done
}

# A Mac without a broker.
fresh() {
    rm -rf "$DESTDIR"
    mkdir -p "$DESTDIR/Library/Application Support/Other" "$FAKE" \
        "$DESTDIR/Library/LaunchDaemons" "$DESTDIR/usr/local/bin"
    echo other >"$DESTDIR/usr/local/bin/other"
    for record in Users/root:UniqueID:0 Users/_www:UniqueID:201 \
        Groups/wheel:PrimaryGroupID:0 Groups/_ces:PrimaryGroupID:200; do
        name=${record%%:*} rest=${record#*:}
        mkdir -p "$FAKE/ds/$name"
        echo "${rest#*:}" >"$FAKE/ds/$name/${rest%:*}"
    done
    : >"$FAKE/log"
}

# tree: all that there is, but what the fakes logged.
tree() {
    (cd "$DESTDIR" && rm -f fake/log fake/step &&
        find . -printf '%p %y %m %U:%G %l\n' | LC_ALL=C sort &&
        find . -type f -exec cksum {} + | LC_ALL=C sort -k 3)
}

# keep NAME, put NAME: the whole Mac.
keep() { rm -rf "${T:?}/$1" && cp -a "$DESTDIR" "$T/$1"; }
put() { rm -rf "$DESTDIR" && cp -a "$T/$1" "$DESTDIR"; }

run() {
    # shellcheck disable=SC2086 # "busybox sh"
    $sh "$@"
}

install() {
    version=$1
    shift
    run "$T/$version/install" "$@"
}

# refused PATTERN COMMAND...: fails, says so, and changes nothing.
refused() {
    pattern=$1
    shift
    tree >"$T/before"
    if "$@" >"$T/out" 2>&1; then
        echo "not refused: $*"
        return 1
    fi
    tree >"$T/after"
    if ! grep -qE -- "$pattern" "$T/out"; then
        echo "not said: $pattern"
        cat "$T/out"
        return 1
    fi
    diff "$T/before" "$T/after"
}

# same NAME: the Mac is as the one that was kept.
same() {
    tree >"$T/now"
    (DESTDIR=$T/$1 && tree) >"$T/then"
    diff "$T/then" "$T/now"
}

value() {
    cat "$FAKE/ds/$1"
}

release 1.0 share/bash-completion/completions/ctl
release 2.0 share/zsh/site-functions/_ctl
echo 1.0 >"$T/version"

# each_shell FUNCTION: calls it for each shell that is here, which is then $sh.
each_shell() {
    for sh in dash "bash --posix" "busybox sh"; do
        # shellcheck disable=SC2086 # "busybox sh"
        if ! $sh -c : 2>/dev/null; then
            echo "# no $sh"
            continue
        fi
        tap_note=" ($sh)"
        "$1"
    done
}
