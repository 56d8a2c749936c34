#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# What the documents say of networks.json agrees with the program: the defaults,
# the samples, the messages and the options.

# shellcheck disable=SC2016,SC2317 # Markdown; functions called by check

set -u
cd "$(dirname "$0")/../.." || exit

. tests/tap.sh
. tests/unit/docs.sh

# Goal: the defaults that the manual names are the program's.
defaults() {
    linger=$(sed -n 's/^\t\.linger = \([0-9]*\),$/\1/p' broker/config.c)
    idle=$(sed -n 's/^\t\.idle = \([0-9]*\),$/\1/p' broker/config.c)
    users=$(limit MAX_PEERS_PER_USER)
    for page in broker/networks.json.5 docs/configuration.md; do
        tr '\n' ' ' <"$page" >"$tmp/page"
        holds "$tmp/page" "without a network; the default is $idle" &&
            holds "$tmp/page" "network is kept; the default is $linger" &&
            holds "$tmp/page" "of one user, other than root, 1 to 992; the default is $users" ||
            return 1
    done
}

# Goal: what documents say is shipped is what is shipped.
shipped() {
    sed -n '/^```json$/,/^```$/p; /^```$/q' docs/configuration.md |
        grep -v '^```' | diff - broker/networks.json
}

# Goal: each networks.json of the documents is good, but for those called wrong.
samples() {
    mkdir "$tmp/samples" && tests/unit/json-blocks "$tmp/samples" || return 1
    chmod go-w "$tmp/samples"/*
    for file in "$tmp/samples"/*.json; do
        $broker -n -c "$file" || return 1
    done
    for file in "$tmp/samples"/*.wrong; do
        ! $broker -n -c "$file" || return 1
    done
    [ "$(find "$tmp/samples" -name '*.json' | wc -l)" -ge 12 ]
}

# printed LINE...: what the broker prints for a file of these lines.
printed() {
    printf '%s\n' "$@" >"$tmp/networks.json"
    chmod go-w "$tmp/networks.json"
    (cd "$tmp" && "$OLDPWD/$broker" -n -c networks.json 2>&1) |
        grep -v 'the daemon would refuse it'
}

# Goal: the messages that the documents show, with lines and columns, are those
# that the broker prints.
messages() {
    {
        printed '{' '    "web": { "mode": "shared" }' \
            '    "lab": { "mode": "host" }' '}'
        printed '{' '    "web": { "mode": "shared" },' '    "lab": {' \
            '        "mode": 5,' '        "subent": "192.168.100.0/24"' \
            '    }' '}'
        printed '{' '    "web": {' '        "mode": "shared",' \
            '        "subnet": "192.168.100.0/33"' '    }' '}'
        printed '{' '    "default": {' '        "mode": "shared",' \
            '        "subnet": "192.168.100.0/33"' '    },' '    "lab": {' \
            '        "mode": "host",' '        "description": "",' \
            '        "subent": ""' '    }' '}'
        printed '{' '    "storage": {' '        "mode": "host",' \
            '        "mtu": 9000' '    }' '}'
    } >"$tmp/printed"
    {
        sed -n 's/^\.It \(networks\.json:[0-9]\)/\1/p' broker/networks.json.5 |
            sed 's/\\(dq/"/g'
        sed -n '/^networks\.json:[0-9]/{N;s/\n/ /p;}' "$manual"
        sed -n 's/^    \(networks\.json:[0-9].*\)/\1/p' docs/configuration.md |
            sed 's/…$//'
    } >"$tmp/shown"
    while read -r message; do
        holds "$tmp/printed" "$message" || return 1
    done <"$tmp/shown"
    [ "$(wc -l <"$tmp/shown")" -ge 7 ]
}

# Goal: each option that the broker reads is in the documents, in their samples, in
# the schema and in what the fuzzer begins with; and each option of a network, which
# are those before those of the broker, is among what a reload must notice.
options() {
    sed -n 's/.*\.name = "\([a-z0-9_]*\)".*/\1/p
            s/.*SWITCH("\([a-z0-9_]*\)".*/\1/p
            s/^\tOPTION(\([a-z_]*\),.*/\1/p' broker/config-*.c >"$tmp/options"
    [ "$(wc -l <"$tmp/options")" -ge 30 ] || return 1
    grep -E '^\.(It )?Cm ' broker/networks.json.5 >"$tmp/items.txt"
    grep -ho '"[a-z0-9_]*":' "$tmp/samples"/*.json >"$tmp/samples.txt"
    grep -ho '"[a-z0-9_]*":' tests/fuzz/corpus/config-fuzz/*.json \
        >"$tmp/corpus.txt"
    while read -r option; do
        holds docs/configuration.md "\`$option\`" || return 1
        holds broker/networks.schema.json "\"$option\": {" || return 1
        holds tests/fuzz/config-fuzz.dict "\\\"$option\\\"" || return 1
        for where in samples items corpus; do
            grep -qw "$option" "$tmp/$where.txt" && continue
            echo "not in the $where: $option"
            return 1
        done
    done <"$tmp/options"
    sed -n '/^ \* Options of the broker/q
        s/.*\.name = "\([a-z0-9_]*\)".*/\1/p
        s/.*SWITCH("\([a-z0-9_]*\)".*/\1/p' broker/config-network.c \
        >"$tmp/network"
    [ "$(wc -l <"$tmp/network")" -ge 17 ] || return 1
    while read -r option; do
        holds tests/unit/broker-reload-test.c "\\\"$option\\\":" || return 1
    done <"$tmp/network"
}

plan 5
check "configuration: the program's defaults" defaults
check "configuration.md: the networks.json that ships" shipped
check "configuration: what the documents show is good" samples
check "the messages that the documents show: what the broker prints" messages
check "configuration: each option is documented, shown and in the schema" options
finish
