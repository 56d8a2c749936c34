#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# What docs/writing-a-client.md shows compiles, and the Objective-C of the tree
# is as ARC wants it, though nothing here runs with ARC.

# shellcheck disable=SC2317 # functions called by check

set -u
cd "$(dirname "$0")/../.." || exit

page=docs/writing-a-client.md
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
warnings="-Wall -Wextra -Werror"
count=0
bad=0

# check NAME COMMAND...
check() {
    name=$1
    shift
    count=$((count + 1))
    if "$@" >"$tmp/log" 2>&1; then
        echo "ok $count - $name"
    else
        echo "not ok $count - $name"
        sed 's/^/# /' "$tmp/log"
        bad=1
    fi
}

# snippet LANGUAGE: what the page has in that language.
snippet() {
    awk -v start="\`\`\`$1" '
        $0 == "```" { inside = 0 }
        inside
        $0 == start { inside = 1 }' "$page"
}

# Goal: the program is whole: it links against the SDK.
c_program() {
    snippet c >"$tmp/attach.c"
    # shellcheck disable=SC2086 # flags
    tests/linux/cc -std=gnu11 $warnings -Iclient -o "$tmp/attach" \
        "$tmp/attach.c" client/vmnet-broker.c -framework vmnet \
        -framework CoreFoundation
}

objc_function() {
    snippet objc >"$tmp/card.m"
    # shellcheck disable=SC2086 # flags
    tests/linux/cc $warnings -Iclient -c -o "$tmp/card.o" "$tmp/card.m"
}

# Goal: the C that cgo compiles.
go_preamble() {
    snippet go | awk '
        /^\*\/$/ { exit }
        inside && !/^#cgo/
        /^\/\*$/ { inside = 1 }' >"$tmp/go.c"
    grep -q acquire_network "$tmp/go.c" || return 1
    # Go's own code is what calls the function.
    # shellcheck disable=SC2086 # flags
    tests/linux/cc $warnings -Wno-unused-function -Iclient -c \
        -o "$tmp/go.o" "$tmp/go.c"
}

# arc FILE: what clang says of the file when it compiles for ARC on macOS. The
# headers of the GNU runtime are not made for that, and are left alone.
arc() {
    tests/linux/cc -fsyntax-only -Xclang -fobjc-arc \
        -fobjc-runtime=macosx-26.0 -Wall -Wextra -Iclient "$1" 2>&1 |
        grep -F "$1:" | grep -E ': (error|warning|fatal error):'
}

arc_clean() {
    [ -s "$1" ] && ! arc "$1"
}

# Goal: the check can fail.
arc_finds() {
    printf '%s\n' '#import <Foundation/Foundation.h>' \
        'void drop(NSString *s);' 'void drop(NSString *s) { [s release]; }' \
        >"$tmp/wrong.m"
    arc "$tmp/wrong.m" | grep 'automatic reference counting'
}

check "C compiles and links" c_program
check "Objective-C compiles" objc_function
check "the C in Go compiles" go_preamble
check "what ARC forbids is found" arc_finds
check "Objective-C is fit for ARC" arc_clean "$tmp/card.m"
check "examples/vm.m is fit for ARC" arc_clean examples/vm.m
echo "1..$count"
exit $bad
