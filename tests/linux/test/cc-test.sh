#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# tests/linux/cc takes what cc takes on macOS, and the stand-in's headers
# compile alone, in any language.

# shellcheck disable=SC2317 # the functions are called by check_steps

set -u
cd "$(dirname "$0")/../../.." || exit
. tests/tap.sh

root=$PWD
cc=$root/tests/linux/cc

cat >"$tmp/prog.c" <<'END'
#include <CoreFoundation/CoreFoundation.h>
#include <TargetConditionals.h>
#include <dispatch/dispatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vmnet/vmnet.h>
#include <xpc/xpc.h>

#ifndef __APPLE__
#error "not a Mac"
#endif
#if defined(__linux__) || defined(__linux) || defined(linux) || \
    defined(__unix__) || defined(__unix) || defined(unix)
#error "a Mac and Linux"
#endif
#if __MAC_OS_X_VERSION_MAX_ALLOWED < 260000
#error "an old SDK"
#endif

int main(int argc, char **argv)
{
	char name[8];
	xpc_object_t object = xpc_dictionary_create(NULL, NULL, 0);

	(void)argc;
	xpc_release(object);
	strlcpy(name, getprogname(), sizeof name);
	dispatch_sync(dispatch_get_global_queue(0, 0), ^{
		printf("%s %d\n", argv[1], VMNET_SUCCESS);
	});
	return 0;
}
END

runs() {
    "$tmp/prog" works >"$tmp/out"
    grep -x 'works 1000' "$tmp/out"
}

# Goal: everything at once, from another directory.
all_at_once() {
    cd /
    "$cc" -Wall -Wextra -Werror -g -O2 -arch arm64 -arch x86_64 \
        -mmacosx-version-min=26.0 -isysroot /nowhere -Wl,-dead_strip \
        -o "$tmp/prog" "$tmp/prog.c" \
        -framework vmnet -framework CoreFoundation -lSystem
    runs
}

# Goal: vmnet.h alone brings errno, assert() and CFRelease(), stdlib.h brings
# waitpid() and the macros of its status, and limits.h UID_MAX.
brought_along() {
    cat >"$tmp/brought.c" <<'END'
#include <limits.h>
#include <stdlib.h>
#include <vmnet/vmnet.h>
int main(void)
{
	vmnet_network_configuration_ref config =
	    vmnet_network_configuration_create(VMNET_HOST_MODE, NULL);
	int status = 0;

	assert(config != NULL);
	CFRelease(config);
	assert(waitpid(-1, &status, 0) == -1 && errno == ECHILD);
	return WIFEXITED(status) && !WCOREDUMP(status) && UID_MAX == INT_MAX
	    ? WEXITSTATUS(status)
	    : 1;
}
END
    "$cc" -Wall -Werror -std=gnu11 -o "$tmp/brought" "$tmp/brought.c" \
        -framework vmnet -framework CoreFoundation
    "$tmp/brought"
}

# Goal: strings are equal when their text is.
equal_strings() {
    cat >"$tmp/equal.c" <<'END'
#include <CoreFoundation/CoreFoundation.h>
int main(void)
{
	CFStringRef a = CFStringCreateWithCString(
	    kCFAllocatorDefault, "text", kCFStringEncodingUTF8);
	CFStringRef b = CFStringCreateWithCString(
	    kCFAllocatorDefault, "text", kCFStringEncodingASCII);
	CFStringRef c = CFStringCreateWithCString(
	    kCFAllocatorDefault, "texts", kCFStringEncodingUTF8);
	bool right = CFEqual(a, b) && CFEqual(c, c) && !CFEqual(a, c);

	CFRelease(a);
	CFRelease(b);
	CFRelease(c);
	return right ? 0 : 1;
}
END
    "$cc" -Wall -Werror -o "$tmp/equal" "$tmp/equal.c" \
        -framework CoreFoundation
    "$tmp/equal"
}

# Goal: objects, then the program from them.
in_two_steps() {
    "$cc" -Werror -c -o "$tmp/prog.o" "$tmp/prog.c"
    "$cc" -o "$tmp/prog" "$tmp/prog.o" -framework vmnet
    runs
}

# Goal: a sanitizer chooses the libraries that are made for it.
sanitized() {
    "$cc" "-fsanitize=$1" -g -o "$tmp/prog" "$tmp/prog.c" -framework vmnet
    runs
    ldd "$tmp/prog" | grep "/build/linux/$2/lib/libSystem.so"
}

# Goal: the same source as C++.
as_cpp() {
    cp "$tmp/prog.c" "$tmp/prog.cc"
    "$cc" -std=c++17 -Wall -Werror -o "$tmp/prog" "$tmp/prog.cc" \
        -framework vmnet
    runs
}

# Goal: our types are the C++ library's, too.
cpp_library() {
    cat >"$tmp/lib.cc" <<'END'
#include <cstdint>
#include <future>
#include <random>
#include <vmnet/vmnet.h>
int main()
{
	std::mt19937_64 random(1);
	std::promise<std::uint64_t> promise;
	std::promise<std::uint64_t> *p = &promise;

	dispatch_async(dispatch_get_global_queue(0, 0), ^{
		p->set_value(7);
	});
	return random() == 0 || promise.get_future().get() != 7;
}
END
    "$cc" -std=c++17 -Wall -Werror -o "$tmp/lib" "$tmp/lib.cc" \
        -framework vmnet
    "$tmp/lib"
}

# Goal: Objective-C, without Foundation, also in two steps.
objc_alone() {
    cp "$tmp/prog.c" "$tmp/prog.m"
    "$cc" -o "$tmp/prog" "$tmp/prog.m" -framework vmnet
    runs
    "$cc" -c -o "$tmp/prog.o" "$tmp/prog.m"
    "$cc" -o "$tmp/prog" "$tmp/prog.o" -framework vmnet
    runs
}

# Goal: what Apple's linker alone knows is dropped.
linker_options() {
    "$cc" -Wl,-no_uuid -Wl,-map,prog.map -Wl,-stack_size,0x100000 \
        -Wl,-undefined,dynamic_lookup -undefined dynamic_lookup \
        -Xlinker -dead_strip -Wl,-exported_symbols_list,prog.exp \
        -o "$tmp/prog" "$tmp/prog.c" -framework vmnet
    runs
}

# Goal: a library is found beside its program.
own_library() {
    mkdir -p "$tmp/a b/lib"
    echo 'int seven(void) { return 7; }' >"$tmp/seven.c"
    echo 'int seven(void); int main(void) { return seven() - 7; }' \
        >"$tmp/main.c"
    "$cc" -dynamiclib -install_name @rpath/libseven.so \
        -current_version 1.0 -o "$tmp/a b/lib/libseven.so" "$tmp/seven.c"
    "$cc" -o "$tmp/a b/main" "$tmp/main.c" -L"$tmp/a b/lib" -lseven \
        -Wl,-rpath,@executable_path/lib
    cd /
    "$tmp/a b/main"
}

# Goal: a framework that is not there is an error, and says so.
unknown_framework() {
    ! "$cc" -o "$tmp/x" "$tmp/prog.c" -framework Nonsense 2>"$tmp/err" ||
        exit 1
    grep -x 'cc: framework not found: Nonsense' "$tmp/err"
}

# Goal: an error of the compiler's is an error of ours.
compile_error() {
    echo 'int main(void) { return nothing; }' >"$tmp/bad.c"
    ! "$cc" -o "$tmp/bad" "$tmp/bad.c" 2>/dev/null
}

# Goal: the minimum version is known to the program.
minimum() {
    printf '%s\n' '#include <Availability.h>' \
        '_Static_assert(__MAC_OS_X_VERSION_MIN_REQUIRED == 130500, "");' \
        >"$tmp/min.c"
    "$cc" -mmacosx-version-min=13.5 -fsyntax-only "$tmp/min.c"
}

# Goal: a program's names do not meet the libraries' own.
own_names() {
    cat >"$tmp/names.c" <<'END'
#include <dispatch/dispatch.h>
#include <stdlib.h>
void queue_async(void);
void queue_async(void) { abort(); }
void object_create(void);
void object_create(void) { abort(); }
int main(void)
{
	dispatch_queue_t queue = dispatch_queue_create("q", NULL);

	dispatch_sync(queue, ^{
	});
	dispatch_release(queue);
	return 0;
}
END
    "$cc" -rdynamic -o "$tmp/names" "$tmp/names.c"
    "$tmp/names"
}

# Goal: each header compiles alone in language $1, with nothing to say.
headers() {
    find tests/linux/include -name '*.h' | sort >"$tmp/list"
    failed=0
    while read -r header; do
        name=${header#tests/linux/include/}
        case $name in
        Foundation/* | Virtualization/* | objc/*) continue ;; # not C
        xpc/xpc.h) ;;
        xpc/*) continue ;; # only by way of xpc.h, as Apple's
        esac
        echo "#include <$name>" >"$tmp/header.$1"
        "$cc" -Wall -Wextra -Werror -fsyntax-only "$tmp/header.$1" ||
            failed=1
    done <"$tmp/list"
    return "$failed"
}

plan 18
check_steps 'everything at once' all_at_once
check_steps 'what headers bring along' brought_along
check_steps 'equal strings' equal_strings
check_steps 'in two steps' in_two_steps
check_steps 'address and undefined' sanitized address,undefined asan
check_steps 'undefined alone' sanitized undefined asan
check_steps 'thread' sanitized thread tsan
check_steps 'C++' as_cpp
check_steps 'C++ library' cpp_library
check_steps 'Objective-C alone' objc_alone
check_steps 'options of Apple'"'"'s linker' linker_options
check_steps 'own library' own_library
check_steps 'unknown framework' unknown_framework
check_steps 'compile error' compile_error
check_steps 'minimum version' minimum
check_steps 'own names' own_names
check_steps 'headers as C' headers c
check_steps 'headers as C++' headers cc
finish
