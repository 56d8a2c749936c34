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
. tests/tap.sh
warnings="-Wall -Wextra -Werror"

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

# Goal: a client that asks for a reservation gets the address, or NULL.
c_reservation() {
    {
        snippet c | sed -n '/^#include </p'
        snippet c | sed -n '/^#include "protocol.h"/,$p'
        cat <<'EOF'
int main(int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		char *address = copy_reservation(argv[1], argv[i]);

		puts(address == NULL ? "none" : address);
		free(address);
	}
	return 0;
}
EOF
    } >"$tmp/reservation.c"
    # shellcheck disable=SC2086 # flags
    tests/linux/cc -std=gnu11 $warnings -Iclient -o "$tmp/reservation" \
        "$tmp/reservation.c" -framework vmnet -framework CoreFoundation ||
        return 1
    cat >"$tmp/networks.json" <<'EOF'
{ "lab": { "mode": "host", "subnet": "192.168.100.1/24",
    "dhcp_reservations": [ { "mac_address": "52:54:00:12:34:56",
        "ip_address": "192.168.100.10" } ] } }
EOF
    # shellcheck disable=SC2016 # the sandbox's shell expands it
    tests/linux/run --config "$tmp/networks.json" -- bash -c '
        . tests/integration/sandbox.bash
        cp "$1" /run/reservation
        expect "addresses" "192.168.100.10 none" "$(as alice /run/reservation \
            lab 52:54:00:12:34:56 52:54:00:12:34:57 | xargs)"
        expect "no network" none \
            "$(as alice /run/reservation nowhere 52:54:00:12:34:56)"
        settle "holders lab" 0
    ' c "$tmp/reservation"
}

# Goal: the package does what it says, in a program of Go. The runtime's own C
# is compiled for the system that the test runs on.
go_program() {
    command -v go || return 1
    mkdir -p "$tmp/go/network" "$tmp/home"
    snippet go >"$tmp/go/network/network.go"
    cp client/vmnet-broker.h client/vmnet-broker.c "$tmp/go/network"
    cp tests/unit/snippets.go "$tmp/go/main.go"
    printf 'module example\n\ngo 1.19\n' >"$tmp/go/go.mod"
    cat >"$tmp/cc" <<EOF
#!/bin/sh
case \$PWD in
*/runtime/cgo) exec clang "\$@" ;;
esac
exec "$PWD/tests/linux/cc" "\$@"
EOF
    chmod +x "$tmp/cc"
    (cd "$tmp/go" && HOME="$tmp/home" GOFLAGS=-mod=mod GOPROXY=off \
        CC="$tmp/cc" go build -o "$tmp/hold" .) || return 1
    # shellcheck disable=SC2016 # the sandbox's shell expands it
    tests/linux/run -- bash -c '
        . tests/integration/sandbox.bash
        cp "$1" /run/hold
        start refused alice /run/hold nowhere
        wait_exit refused
        expect "exit status" 1 "$status"
        wait_line refused "^nowhere: no such network: "
        start hold alice /run/hold default
        wait_line hold "^granted true"
        kill -9 "$(pgrep -x vmnet-broker)"
        wait_exit hold
        expect "exit status" 0 "$status"
        expect "what it prints" "granted true state 1 state 2 state 1 released" \
            "$(tr "\n" " " <"$T/hold.out" | sed "s/ $//")"
    ' go "$tmp/hold"
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
check "C asks for a reservation" c_reservation
check "Objective-C compiles" objc_function
check "Go compiles and runs" go_program
check "what ARC forbids is found" arc_finds
check "Objective-C is fit for ARC" arc_clean "$tmp/card.m"
for file in $(git ls-files -co --exclude-standard 'examples/*.m'); do
    check "$file is fit for ARC" arc_clean "$file"
done
finish
