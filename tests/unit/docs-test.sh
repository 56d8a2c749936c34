#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# What is written down more than once agrees: README, docs, manual pages, usage
# texts, protocol.h and the Makefile. The configuration is in docs-config-test.sh.

# shellcheck disable=SC2016,SC2317 # Markdown; functions called by check

set -u
cd "$(dirname "$0")/../.." || exit

. tests/tap.sh
. tests/unit/docs.sh
protocol=docs/protocol.md

# Goal: each status of the header is in the table, and no other.
statuses() {
    sed -n 's/^\t\(VMNET_BROKER_[A-Z_]*\) = \([0-9]*\),$/\2 \1/p' \
        client/vmnet-broker.h | grep -v _HOLD_ >"$tmp/header"
    sed -n 's/^| \([0-9]*\) | `\(VMNET_BROKER_[A-Z_]*\)` |.*/\1 \2/p' \
        "$protocol" >"$tmp/table"
    same "$tmp/header" "$tmp/table"
}

# Goal: the table of assumptions names each probe, and no other.
probes() {
    for file in tests/integration/probes/*.c; do
        basename "$file" .c
    done | grep -vx -e probe -e port | sort >"$tmp/probes"
    sed -n 's/^| [^|]* | \(`[a-z0-9`, -]*`\) | .*/\1/p' docs/development.md |
        tr -d '`,' | tr ' ' '\n' | sort >"$tmp/named"
    same "$tmp/probes" "$tmp/named"
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
        holds "$protocol" "create a network | $(limit VMNET_TIMEOUT) s |" &&
        holds "$protocol" "release a network | $(limit RELEASE_TIMEOUT) s |" &&
        holds "$protocol" "holds nothing | $(limit PEER_IDLE) s |" &&
        holds "$protocol" "configuration in \`status\` | $(limit MAX_PROBLEMS) |" &&
        holds "$protocol" "| clients that watch | $(limit MAX_WATCHERS) |" &&
        holds "$protocol" "user only | $(limit WATCHERS_KEPT_FOR_ROOT) |" &&
        holds "$protocol" "client that watches | $(limit MAX_EVENTS) |" &&
        holds "$protocol" "broker exits | $(limit FAREWELL_TIMEOUT) s |" &&
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
        holds "$manual" "Clients have $(limit STOP_TIMEOUT) seconds" &&
        holds client/vmnet-brokerctl.8 "after the $(limit STOP_TIMEOUT) seconds"
}

# Goal: the usage is the manual's synopsis, which describes each option.
usage() {
    $broker -h | sed -n 's/^usage: vmnet-broker //p' >"$tmp/usage"
    sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' "$manual" |
        sed -n 's/^\.Op Fl \([^ ]*\)$/[-\1]/p
            s/^\.Op Fl \([^ ]*\) Ar \(.*\)/[-\1 \2]/p' |
        tr '\n' ' ' | sed 's/ $//' >"$tmp/synopsis"
    echo >>"$tmp/synopsis"
    same "$tmp/usage" "$tmp/synopsis" || return 1
    for option in $(tr -d '[]-' <"$tmp/synopsis" | awk '{ n = split($1, a, "")
        for (i = 1; i <= n; i++) print a[i]
        for (i = 2; i <= NF; i += 2) print $i }'); do
        grep -qE "^\.It Fl $option( |$)" "$manual" &&
            $broker -h | grep -qE "^  -$option " || return 1
    done
}

# Goal: `make help` and development.md have the same targets, which exist.
targets() {
    make help | sed -n "s/^\(make[ a-z-]*[a-z]\)  *.*/\1/p" |
        sed 's/  .*//' | grep -v 'clean' | sort >"$tmp/help"
    sed -n 's/^| `\(make[ a-z-]*\)` |.*/\1/p' docs/development.md |
        sort >"$tmp/table"
    same "$tmp/help" "$tmp/table" || return 1
    sed 's/^make//; s/^$/ all/' "$tmp/help" | while read -r target; do
        grep -q "^$target:" Makefile packaging/*.mk tests/*.mk tests/*/*.mk \
            tests/*/*/*.mk ||
            echo "no target: $target"
    done >"$tmp/missing"
    cat "$tmp/missing"
    [ ! -s "$tmp/missing" ]
}

# Goal: each rule of hardening.md is shown by tests that exist.
rules() {
    grep -c '^| S[0-9]' docs/hardening.md >"$tmp/count"
    [ "$(cat "$tmp/count")" -ge 24 ] || return 1
    sed -n 's/^| S[0-9]* |.*| \([^|]*\) |$/\1/p' docs/hardening.md |
        grep -o '`[^`]*`' | tr -d '`' | grep -v '^make ' >"$tmp/names"
    [ "$(grep -c "^| S[0-9]* |.*\`[^|]* |$" docs/hardening.md)" -eq \
        "$(cat "$tmp/count")" ] || return 1
    while read -r name; do
        grep -rqF -e "$name" tests/unit tests/linux/test tests/integration \
            tests/soak ||
            [ -e "tests/fuzz/$name.c" ] || echo "no test: $name"
    done <"$tmp/names" >"$tmp/missing"
    cat "$tmp/missing"
    [ "$(wc -l <"$tmp/names")" -ge 40 ] && [ ! -s "$tmp/missing" ]
}

# Goal: what is linked is there.
links() {
    git ls-files -co --exclude-standard '*.md' | while read -r page; do
        folder=$(dirname "$page")
        grep -o '](\([^)#:]*\))' "$page" | sed 's/^](//; s/)$//' |
            while read -r link; do
                [ -e "$folder/$link" ] || echo "$page: $link"
            done
    done >"$tmp/dead"
    cat "$tmp/dead"
    [ ! -s "$tmp/dead" ]
}

# Goal: each call of the SDK is in the table of examples/README.md, and the files
# beside a call use it.
calls() {
    sed -n 's/^| `\([^`]*\)` | \(.*\) |$/\1 \2/p' examples/README.md >"$tmp/rows"
    grep -o 'vmnet_broker_[a-z_]*(' client/vmnet-broker.h | sort -u | tr -d '(' |
        grep -v strerror | while read -r call; do
        holds "$tmp/rows" "$call "
    done >"$tmp/missing"
    while read -r call row; do
        echo "$row" | grep -o '](\([^)]*\))' | sed 's/^](//; s/)$//' |
            while read -r file; do
                grep -qF "$call" "examples/$file" || echo "$file: no $call"
            done
    done <"$tmp/rows" >>"$tmp/missing"
    cat "$tmp/missing"
    [ "$(wc -l <"$tmp/rows")" -ge 12 ] && [ ! -s "$tmp/missing" ]
}

# Goal: architecture.md names each source, and only functions that exist; its
# picture is what the script draws.
architecture() {
    for file in broker/*.c client/*.[ch] client/ctl/*.c; do
        name=${file#*/}
        grep -qF "\`$name\`" docs/architecture.md ||
            echo "not in architecture.md: $file"
    done >"$tmp/missing"
    grep -o '`[a-z_]*()`' docs/architecture.md | tr -d '`()' | sort -u |
        while read -r name; do
            cat broker/*.[ch] client/*.[ch] | grep -q "\b$name(" ||
                echo "no function: $name"
        done >>"$tmp/missing"
    cat "$tmp/missing"
    [ ! -s "$tmp/missing" ] && docs/architecture-svg | diff - docs/architecture.svg
}

# Goal: README's lines of C are those of the header, which are compiled.
sample() {
    sed -n '/^```c$/,/^```$/p' README.md | grep -v '^```' |
        grep -v '^/\*' >"$tmp/readme"
    sed -n '1,/^#ifndef/s/^ \*\t\([^#].*\)/\1/p' client/vmnet-broker.h \
        >"$tmp/header"
    grep -v '^$' "$tmp/readme" | diff - "$tmp/header"
}

# Goal: vmnet-brokerctl's usage, manual page and exit codes are the same.
ctl() {
    build/linux/plain/bin/vmnet-brokerctl help |
        sed -n 's/^  \([a-z]*\) .*/\1/p' >"$tmp/usage"
    sed -n 's/^\.It Cm \([a-z]*\)\( .*\)*$/\1/p' client/vmnet-brokerctl.8 |
        awk '!seen[$0]++' >"$tmp/manual"
    same "$tmp/usage" "$tmp/manual" || return 1
    sed -n 's/^\tCTL_[A-Z_]* = \([0-9]*\),$/\1/p' client/ctl/ctl.h >"$tmp/codes"
    sed -n '/^\.Sh EXIT STATUS/,/^\.El/s/^\.It //p' client/vmnet-brokerctl.8 \
        >"$tmp/manual"
    same "$tmp/codes" "$tmp/manual" &&
        holds docs/operations.md "4 not allowed, 5 no such network, 6 timeout"
}

# Goal: the commands that show the log ask for the broker's subsystem, and the
# category that is named is the only one.
log_lines() {
    service=$(sed -n 's/^#define VMNET_BROKER_SERVICE "\(.*\)".*/\1/p' \
        client/protocol.h)
    grep -rhoE 'os_log_create\([^)]*\)' broker client >"$tmp/logs"
    [ "$(sed 's/.*VMNET_BROKER_SERVICE, "\(.*\)")/\1/' "$tmp/logs")" = broker ] ||
        return 1
    holds docs/operations.md "have the category \`broker\`" || return 1
    for page in docs/operations.md docs/troubleshooting.md "$manual"; do
        holds "$page" "log show --last 1h --info --predicate" &&
            holds "$page" "subsystem == \"$service\"" || return 1
        [ "$(grep -o 'subsystem == "[^"]*"' "$page" | sort -u | wc -l)" -eq 1 ] ||
            return 1
    done
}

# Goal: the first screen of README says which version this is, what has run where, and
# how it relates to the project whose label it shares.
status() {
    head -n 40 README.md | sed -n '/^## Status$/,/^## Why$/p' >"$tmp/status"
    holds "$tmp/status" "Version $(sed -n 's/^VERSION := //p' Makefile)." &&
        holds CHANGELOG.md "$(sed -n 's/^VERSION := //p' Makefile)" &&
        holds "$tmp/status" "has run on a Mac" &&
        holds "$tmp/status" "(https://github.com/nirs/vmnet-broker)" &&
        holds "$tmp/status" "label and protocol" && holds "$tmp/status" "## Why"
}

plan 15
check "protocol.md: the statuses of vmnet-broker.h" statuses
check "protocol.md: the keys of protocol.h" keys
check "protocol.md: the limits of protocol.h" limits
check "vmnet-broker(8): the limits of protocol.h" manual_limits
check "vmnet-broker(8): the options of the usage text" usage
check "development.md: the probes that there are" probes
check "make help and development.md: the same targets" targets
check "hardening.md: the tests of each rule" rules
check "links lead somewhere" links
check "examples/README.md: where each call is shown" calls
check "architecture.md: the files and functions that there are" architecture
check "vmnet-brokerctl(8): the commands and exit codes of the program" ctl
check "the commands that show the log: the broker's subsystem and category" log_lines
check "README.md: the lines of C of vmnet-broker.h" sample
check "README.md: the status on the first screen" status
finish
