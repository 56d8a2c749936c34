#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# The SDK as people build it: the header in any language and under any warning,
# the two files alone, the protocol they speak, the library, the module, the
# example in the manual.

# shellcheck disable=SC2317 # functions called by check_steps

set -u
cd "$(dirname "$0")/../.." || exit

. tests/tap.sh
cc="${STANDIN_CLANG:-clang} -fblocks -isystem tests/linux/include"

# Goal: clean in language $1 with all the warnings there are.
header() {
    # shellcheck disable=SC2086 # a list of words
    $cc $1 -Weverything -Werror -Iclient -fsyntax-only tests/unit/sdk-header.c
}

# Goal: what programs were promised is what the header has, also in C++.
contract() {
    for language in 'c -std=c11' 'c++ -std=c++17'; do
        # shellcheck disable=SC2086 # a list of words
        $cc -x $language -Wall -Wextra -Werror -Wno-nullability-completeness \
            -Iclient -fsyntax-only tests/unit/sdk-contract.c
    done
    # It would see a difference.
    sed 's/double seconds/float seconds/' tests/unit/sdk-contract.c \
        >"$tmp/contract.c"
    ! $cc -Iclient -fsyntax-only "$tmp/contract.c"
}

# Goal: the results are declared to be the caller's, as ARC and Swift must know.
retained() {
    echo '#include "vmnet-broker.h"' |
        $cc -Iclient -DXPC_RETURNS_RETAINED=RETAINED -E -P -x c - |
        tr '\n' ' ' >"$tmp/text"
    for name in acquire_network hold_copy_network hold_copy_info; do
        grep "vmnet_broker_$name([^()]*) *RETAINED *;" "$tmp/text"
    done
}

macros_of() {
    echo "#include $1" | $cc -Iclient -dM -E -x c - | sort
}

# Goal: no macro gets into people's programs but ours.
macros() {
    macros_of '<xpc/xpc.h>' >"$tmp/before"
    macros_of '"vmnet-broker.h"' >"$tmp/after"
    comm -13 "$tmp/before" "$tmp/after" >"$tmp/ours"
    cat "$tmp/ours"
    [ -s "$tmp/ours" ]
    if grep -v '^#define VMNET_BROKER_' "$tmp/ours"; then
        return 1
    fi
}

# Goal: two files are enough.
embed() {
    mkdir -p "$tmp/embed"
    cp client/vmnet-broker.h client/vmnet-broker.c "$tmp/embed"
    $cc -std=c11 -Wall -Wextra -Wpedantic -Wshadow \
        -Wconversion -Werror -c -o "$tmp/embed/sdk.o" \
        "$tmp/embed/vmnet-broker.c"
}

# The macros that the SDK has in common with protocol.h.
protocol_names() {
    sed -n 's/^#define \(VMNET_BROKER_[A-Z_]*\) .*/\1/p' \
        client/vmnet-broker.c
}

# Goal: the SDK speaks the protocol. The compiler refuses to define a macro as
# something else; that it sees each of them is shown by changing each.
protocol() {
    both="$cc -Werror -Iclient -include client/protocol.h -fsyntax-only -x c -"
    [ "$(protocol_names | wc -l)" -ge 7 ]
    $both <client/vmnet-broker.c
    for name in $(protocol_names); do
        sed "s/^#define $name .*/#define $name \"other\"/" \
            client/vmnet-broker.c >"$tmp/other.c"
        if $both <"$tmp/other.c"; then
            echo "$name is not that of protocol.h"
            return 1
        fi
    done
}

# Goal: what the library exports begins with vmnet_broker_, and is the API.
symbols() {
    nm -g --defined-only "$tmp/embed/sdk.o" | awk '{ print $3 }' |
        sort >"$tmp/symbols"
    printf 'vmnet_broker_%s\n' acquire_network hold_copy_info \
        hold_copy_network hold_create hold_get_reason hold_release hold_wait \
        last_reason strerror |
        diff - "$tmp/symbols"
}

# Goal: LICENSE names the files that may be embedded under the MIT licence, and
# these files say so.
licence() {
    sed -n '/^   The SDK, which/,/^   MIT License/p' LICENSE |
        grep -oE '[a-z-]+\.[a-z][a-z.]*' | sort >"$tmp/named"
    cat "$tmp/named"
    grep -l -d skip 'SPDX-License-Identifier: Apache-2.0 OR MIT$' client/* |
        sed 's|.*/||' | sort | diff - "$tmp/named"
    [ "$(wc -l <"$tmp/named")" -eq 5 ]
    grep '^   Permission is hereby granted, free of charge' LICENSE
}

# Goal: `import VmnetBroker` gives the API.
module() {
    {
        echo '#pragma clang module import VmnetBroker'
        grep -v '^#include' tests/unit/sdk-header.c
    } >"$tmp/module.c"
    $cc -fmodules -fmodules-cache-path="$tmp/cache" -fsyntax-only \
        -fmodule-map-file=client/module.modulemap "$tmp/module.c"
}

# Goal: what make leaves in lib/ and include/ is an SDK, also where it was
# copied to: a program finds header, library and module by pkg-config.
package() {
    built=build/linux/plain
    env -u MAKEFLAGS -u MFLAGS make -s all
    prefix="$tmp/prefix"
    mkdir -p "$prefix/lib"
    cp -R "$built/lib/pkgconfig" "$built/lib/libvmnet-broker.a" "$prefix/lib"
    cp -R "$built/include" "$prefix"
    export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
    pkg-config --validate vmnet-broker
    [ "$(pkg-config --modversion vmnet-broker)" = \
        "$(sed -n 's/^VERSION := //p' Makefile)" ]
    # shellcheck disable=SC2046 # flags
    tests/linux/cc -o "$tmp/acquire" examples/acquire.c \
        $(pkg-config --cflags --libs vmnet-broker) \
        -framework vmnet -framework CoreFoundation
    # The header is the copy, not the one beside the sources.
    # shellcheck disable=SC2046 # flags
    tests/linux/cc -M $(pkg-config --cflags vmnet-broker) examples/acquire.c |
        grep "$prefix/.*/vmnet-broker.h"
    cmp client/module.modulemap \
        "$prefix/include/vmnet-broker/module.modulemap"
}

# The code in the comments of the header, up to and from the line $1.
code() {
    sed -n "$1s/^ \*\t\(.*\)/\1/p" client/vmnet-broker.h
}

# Goal: the examples in the header compile.
examples() {
    {
        echo '#include <err.h>'
        code '1,/^#ifndef/' | grep '^#include'
        echo 'vmnet_network_ref example(void);'
        echo 'vmnet_network_ref example(void) {'
        code '1,/^#ifndef/' | grep -v '^#include'
        echo 'return network; }'
        echo 'struct vm { vmnet_broker_hold_t hold; };'
        echo 'void vm_attach(struct vm *vm, xpc_object_t serialization);'
        echo 'void vm_show_error(struct vm *vm, const char *reason);'
        code '/^#ifndef/,$'
        echo 'void (*use)(struct vm *vm) = start;'
    } >"$tmp/example.c"
    $cc -Wall -Wextra -Werror -Iclient -fsyntax-only "$tmp/example.c"
}

plan 16
check_steps 'header: C11' header '-x c -std=c11'
check_steps 'header: C17' header '-x c -std=c17'
check_steps 'header: C++17' header '-x c++ -std=c++17'
check_steps 'header: Objective-C without ARC' header '-x objective-c'
check_steps 'header: Objective-C with ARC' \
    header '-x objective-c -fobjc-arc -fobjc-runtime=macosx'
check_steps 'header: Objective-C++ with ARC' \
    header '-x objective-c++ -std=c++17 -fobjc-arc -fobjc-runtime=macosx'
check_steps 'header: the API is the one that was promised' contract
check_steps 'header: the results are returned retained' retained
check_steps 'header: macros begin with VMNET_BROKER_' macros
check_steps 'two files are enough' embed
check_steps 'the protocol is that of protocol.h' protocol
check_steps 'symbols: vmnet_broker_ only' symbols
check_steps 'module map' module
check_steps 'pkg-config, in the folder of make and copied elsewhere' package
check_steps 'the examples of the manual compile' examples
check_steps 'LICENSE names the files under the MIT licence' licence
finish
