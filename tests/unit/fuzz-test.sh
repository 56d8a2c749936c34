#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# The fuzzers compile and survive a moment of noise. To find something they
# want hours, and the library compiled for them: see the top of each.

set -eu
cd "$(dirname "$0")/../.."

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

fuzz() {
    env -u MAKEFLAGS -u MFLAGS make -s standin-asan &&
        clang -g -O1 -std=gnu11 -fblocks -D_GNU_SOURCE -Itests/linux/include \
            -Itests/linux/system -isystem /usr/include/bsd -DLIBBSD_OVERLAY \
            -Wall -Wextra -Werror -fno-sanitize-recover=all \
            -fsanitize=fuzzer,address,undefined -o "$tmp/fuzz" \
            tests/fuzz/xpc-decode-fuzz.c \
            build/linux/asan/obj/tests/linux/xpc/*.o \
            build/linux/asan/obj/tests/linux/system/*.o \
            -lBlocksRuntime -lbsd -luuid -lpthread &&
        "$tmp/fuzz" -runs=20000 -max_len=4096
}

echo 1..1
if fuzz >"$tmp/log" 2>&1; then
    echo "ok 1 - xpc-decode-fuzz: 20,000 inputs"
else
    sed 's/^/# /' "$tmp/log"
    echo "not ok 1 - xpc-decode-fuzz: 20,000 inputs"
    exit 1
fi
