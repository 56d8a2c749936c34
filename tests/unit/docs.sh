# shellcheck shell=sh disable=SC2034,SC2154 # variables for tests, and of tap.sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# What the tests of the documents share. Source it after tests/tap.sh.

broker=build/linux/plain/bin/vmnet-broker
manual=broker/vmnet-broker.8

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
