#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# What is written down more than once agrees: README, docs, manual pages, usage
# texts, protocol.h and the Makefile.

# shellcheck disable=SC2016,SC2317 # Markdown; functions called by check

set -u
cd "$(dirname "$0")/../.." || exit

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
broker=build/linux/plain/bin/vmnet-broker
manual=broker/vmnet-broker.8
protocol=docs/protocol.md
count=0
bad=0

check() {
    count=$((count + 1))
    if "$1" >"$tmp/log" 2>&1; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        sed 's/^/# /' "$tmp/log"
        bad=1
    fi
}

# same A B: two lists, neither of them empty.
same() {
    [ -s "$1" ] && [ -s "$2" ] && diff "$1" "$2"
}

# holds FILE TEXT
holds() {
    grep -qF -- "$2" "$1" && return
    echo "$1 does not have: $2"
    return 1
}

# limit NAME: the number of VMNET_BROKER_NAME, as people write it.
limit() {
    sed -n "s/^#define VMNET_BROKER_$1 \([0-9]*\).*/\1/p" client/protocol.h
}
commas() {
    limit "$1" | sed 's/^\([0-9]\)\([0-9]\{3\}\)$/\1,\2/'
}

# Goal: each status of the header is in the table, and no other.
statuses() {
    sed -n 's/^\t\(VMNET_BROKER_[A-Z_]*\) = \([0-9]*\),$/\2 \1/p' \
        client/vmnet-broker.h >"$tmp/header"
    sed -n 's/^| \([0-9]*\) | `\(VMNET_BROKER_[A-Z_]*\)` |.*/\1 \2/p' \
        "$protocol" >"$tmp/table"
    same "$tmp/header" "$tmp/table"
}

# Goal: each key and each command is described.
keys() {
    sed -n 's/^#define VMNET_BROKER_[A-Z]*_[A-Z0-9_]* "\([a-z0-9_]*\)".*/\1/p' \
        client/protocol.h >"$tmp/keys"
    [ "$(wc -l <"$tmp/keys")" -gt 15 ] || return 1
    while read -r key; do
        holds "$protocol" "\`$key\`" || return 1
    done <"$tmp/keys"
}

# Goal: each limit is documented with its number.
limits() {
    holds "$protocol" "| clients connected at once | $(commas MAX_PEERS) |" &&
        holds "$protocol" "| $(limit MAX_PEERS_PER_USER) | the same |" &&
        holds "$protocol" "holds | $(limit MAX_NETWORKS_PER_PEER) |" &&
        holds "$protocol" "connection | $(limit MAX_REQUESTS_PER_PEER) |" &&
        holds "$protocol" "for root only | $(limit PEERS_KEPT_FOR_ROOT) |" &&
        holds "$protocol" "make a network | $(limit VMNET_TIMEOUT) s |" &&
        holds "$protocol" "release a network | $(limit RELEASE_TIMEOUT) s |" &&
        holds "$protocol" "holds nothing | $(limit PEER_IDLE) s |" &&
        holds "$protocol" "SIGTERM stops the broker | $(limit STOP_TIMEOUT) s |"
}

# Goal: the manual has the same.
manual_limits() {
    holds "$manual" ".It \"clients at once\" Ta \"$(limit MAX_PEERS)\"" &&
        holds "$manual" "than root\" Ta \"$(limit MAX_PEERS_PER_USER)\"" &&
        holds "$manual" "of a client\" Ta \"$(limit MAX_NETWORKS_PER_PEER)\"" &&
        holds "$manual" "of a client\" Ta \"$(limit MAX_REQUESTS_PER_PEER)\"" &&
        holds "$manual" "root only\" Ta \"$(limit PEERS_KEPT_FOR_ROOT)\"" &&
        holds "$manual" "vmnet has $(limit VMNET_TIMEOUT) seconds" &&
        holds "$manual" "nothing for $(limit PEER_IDLE) seconds" &&
        holds "$manual" "Clients have $(limit STOP_TIMEOUT) seconds"
}

# Goal: the usage is the manual's synopsis, which describes each option.
usage() {
    $broker -h | sed 's/^usage: vmnet-broker //' >"$tmp/usage"
    sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' "$manual" |
        sed -n 's/^\.Op Fl \([^ ]*\)$/[-\1]/p
            s/^\.Op Fl \([^ ]*\) Ar \(.*\)/[-\1 \2]/p' |
        tr '\n' ' ' | sed 's/ $//' >"$tmp/synopsis"
    echo >>"$tmp/synopsis"
    same "$tmp/usage" "$tmp/synopsis" || return 1
    for option in $(tr -d '[]-' <"$tmp/synopsis" | awk '{ n = split($1, a, "")
        for (i = 1; i <= n; i++) print a[i]
        for (i = 2; i <= NF; i += 2) print $i }'); do
        grep -qE "^\.It Fl $option( |$)" "$manual" || return 1
    done
}

# Goal: the defaults that the manual names are the program's.
defaults() {
    linger=$(sed -n 's/^#define LINGER //p' broker/main.c)
    idle=$(sed -n 's/^#define IDLE //p' broker/main.c)
    holds "$manual" "at once; the default is $linger." &&
        holds "$manual" "a network; the default is $idle."
}

# Goal: `make help` and development.md have the same targets, which exist.
targets() {
    make help | sed -n "s/^\(make[ a-z-]*[a-z]\)  *.*/\1/p" |
        sed 's/  .*//' | grep -v 'clean' | sort >"$tmp/help"
    sed -n 's/^| `\(make[ a-z-]*\)` |.*/\1/p' docs/development.md |
        sort >"$tmp/table"
    same "$tmp/help" "$tmp/table" || return 1
    sed 's/^make//; s/^$/ all/' "$tmp/help" | while read -r target; do
        grep -q "^$target:" Makefile tests/*.mk tests/*/*.mk ||
            echo "no target: $target"
    done >"$tmp/missing"
    cat "$tmp/missing"
    [ ! -s "$tmp/missing" ]
}

# Goal: each rule of hardening.md is shown by tests that exist.
rules() {
    grep -c '^| S[0-9]' docs/hardening.md >"$tmp/count"
    [ "$(cat "$tmp/count")" -ge 24 ] || return 1
    sed -n 's/^| S[0-9]* |.*| \(`.*`\) |$/\1/p' docs/hardening.md |
        tr '`' '\n' | grep -v '^\(, *\)*$' >"$tmp/names"
    while read -r name; do
        grep -rqF -e "$name" tests/unit tests/integration tests/fuzz ||
            echo "no test: $name"
    done <"$tmp/names" >"$tmp/missing"
    cat "$tmp/missing"
    [ "$(wc -l <"$tmp/names")" -ge 40 ] && [ ! -s "$tmp/missing" ]
}

# Goal: what is linked is there.
links() {
    for page in README.md docs/*.md; do
        folder=$(dirname "$page")
        grep -o '](\([^)#:]*\))' "$page" | sed 's/^](//; s/)$//' |
            while read -r link; do
                [ -e "$folder/$link" ] || echo "$page: $link"
            done
    done >"$tmp/dead"
    cat "$tmp/dead"
    [ ! -s "$tmp/dead" ]
}

# Goal: what documents say is shipped is what is shipped.
shipped() {
    sed -n '/^```json$/,/^```$/p' docs/configuration.md | grep -v '^```' |
        diff - broker/networks.json
}

# Goal: README's lines of C are those of the header, which are compiled.
sample() {
    sed -n '/^```c$/,/^```$/p' README.md | grep -v '^```' |
        grep -v '^/\*' >"$tmp/readme"
    sed -n 's/^ \*\t\([^#].*\)/\1/p' client/vmnet-broker.h >"$tmp/header"
    grep -v '^$' "$tmp/readme" | diff - "$tmp/header"
}

echo 1..11
check statuses "protocol.md: the statuses of vmnet-broker.h"
check keys "protocol.md: the keys of protocol.h"
check limits "protocol.md: the limits of protocol.h"
check manual_limits "vmnet-broker(8): the limits of protocol.h"
check usage "vmnet-broker(8): the options of the usage text"
check defaults "vmnet-broker(8): the program's defaults"
check targets "make help and development.md: the same targets"
check rules "hardening.md: the tests of each rule"
check links "links lead somewhere"
check shipped "configuration.md: the networks.json that ships"
check sample "README.md: the lines of C of vmnet-broker.h"
exit $bad
