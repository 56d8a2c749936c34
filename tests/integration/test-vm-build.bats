#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# examples/test-vm/build with the tools of macOS, and its errors.

# shellcheck disable=SC2154,SC2034 # the variables are those of test-vm-build.bash

bats_require_minimum_version 1.5.0
load test-vm-build

@test "macOS: a guest of each architecture is built with curl and BSD tools" {
    # Goal: both guests are built without apt, with the tools of a Mac.
    run -0 build_with amd64
    run -0 build_with arm64
    [[ $output == *"fetching $kernel-arm64 1.0"* ]]
    [ "$(od -An -c -j 514 -N 4 "$guest/amd64/kernel" | tr -d ' ')" = HdrS ]
    [ "$(od -An -c -j 56 -N 4 "$guest/arm64/kernel" | tr -d ' ')" = ARMd ]
    [ "$(calls | wc -l)" -eq 4 ]
    [[ $(calls) == *https://snapshot.debian.org/file/* ]]
}

@test "the same works in bash and in busybox's shell" {
    # Goal: the result does not depend on which shell is /bin/sh.
    for words in "bash --posix" "busybox sh"; do
        read -ra shell <<<"$words"
        shell[0]=$(command -v "${shell[0]}")
        run -0 build_with arm64
        [ "$(od -An -c -j 56 -N 4 "$guest/arm64/kernel" | tr -d ' ')" = ARMd ]
        rm -r "$guest"
    done
}

@test "without an argument the guest has the machine's architecture" {
    # Goal: Apple silicon, whose uname prints arm64, gets an arm64 guest.
    tool uname 'echo arm64'
    run -0 build_with
    [ -e "$guest/arm64/initrd" ]
    [ ! -e "$guest/amd64/initrd" ]
}

@test "the initrd has what the guest needs, owned by root" {
    # Goal: the initrd has exactly the files of this list.
    run -0 build_with amd64
    list=$(gzip -dc "$guest/amd64/initrd" | cpio -itv --numeric-uid-gid \
        2>/dev/null)
    for name in init bin/busybox 'bin/sh -> busybox' bin/vm-exec etc/udhcpc \
        etc/acpi/PWRF/00000080 modules/order modules/virtio_net.ko; do
        grep -qE " (\./)?$name\$" <<<"$list"
    done
    # It has no file of another owner, and no module that was not requested.
    [ "$(awk '{ print $3 $4 }' <<<"$list" | sort -u)" = 00 ]
    [[ $list != *e1000* ]]
    gzip -dc "$guest/amd64/initrd" | (cd "$T" && cpio -i --quiet --to-stdout \
        '*modules/order') >"$T/order"
    [ "$(cat "$T/order")" = "$(printf 'virtio_ring.ko\nvirtio_net.ko')" ]
}

@test "a second build downloads nothing" {
    # Goal: the cache is used.
    run -0 build_with amd64
    offline
    run -0 build_with amd64
    [[ $output != *fetching* ]]
}

@test "offline: the error is clear, and nothing is left" {
    # Goal: a person learns what to do.
    offline
    run -1 build_with amd64
    [[ $output == *"Could not resolve host"* ]]
    [[ $output == *"is this machine offline?"*"set KERNEL and BUSYBOX"* ]]
    [ -z "$(find "$cache" "$guest/amd64" -mindepth 1)" ]
}

@test "wrong content is refused, and not kept" {
    # Goal: a file that does not match packages.txt never becomes a guest.
    for file in "$T/served"/*; do
        echo more >>"$file"
    done
    run -1 build_with amd64
    [[ $output == *"does not match packages.txt (SHA-256 "* ]]
    [ -z "$(ls -A "$cache")" ]
    [ ! -e "$guest/amd64/initrd" ]
}

@test "a download that is cut off is refused, and not kept" {
    # Goal: this works even if curl does not report the error.
    for file in "$T/served"/*; do
        head -c 100 "$file" >"$T/half"
        cp "$T/half" "$file"
    done
    run -1 build_with amd64
    [[ $output == *"does not match packages.txt"* ]]
    [ -z "$(ls -A "$cache")" ]
}

@test "a damaged file in the cache is fetched again" {
    # Goal: a truncated file on the disk does not lead to a broken guest.
    run -0 build_with amd64
    echo half >"$cache/busybox-static_amd64.deb"
    run -0 build_with amd64
    [[ $output == *"busybox-static_amd64.deb is damaged"*"fetching busybox"* ]]
    offline
    run -0 build_with amd64
}

@test "a build that is killed leaves no half file" {
    # Goal: kill -9 in the middle of a download does no harm.
    mkfifo "$T/begun" "$T/go"
    tool curl "
while [ \$# -gt 1 ]; do
    if [ \"\$1\" = -o ]; then
        output=\$2
    fi
    shift
done
head -c 50 '$T/served/'\${1##*/} >\"\$output\"
echo begun >'$T/begun'
read -r go <'$T/go'"
    exec_with amd64 >"$T/killed" 2>&1 3>&- &
    pid=$!
    read -r line <"$T/begun"
    [ "$line" = begun ]
    kill -9 $pid
    wait $pid || :
    echo go >"$T/go"
    [ -z "$(ls -A "$cache")" ]
    [ ! -e "$guest/amd64/kernel" ]
    serve
    run -0 build_with amd64
    # Its leftovers are removed when it is certain that no process uses them.
    [ "$(find "$guest/amd64" -name 'work.*' | wc -l)" -eq 1 ]
    touch -t 202001010000 "$guest/amd64"/work.*
    run -0 build_with amd64
    [ "$(ls "$guest/amd64")" = "$(printf 'initrd\nkernel')" ]
}

@test "KERNEL and BUSYBOX: own files are used, and nothing is downloaded" {
    # Goal: a guest can be built offline, also with relative paths.
    offline
    kernel_of arm64
    busybox_of arm64
    cd "$T"
    environment=(KERNEL=kernel BUSYBOX=busybox)
    run -0 build_with arm64
    cmp kernel "$guest/arm64/kernel"
    run -0 sh -c "gzip -dc '$guest/arm64/initrd' | cpio -it 2>/dev/null"
    [[ $output == *bin/busybox* ]]
    [[ $output != *.ko* ]]
}

@test "KERNEL and BUSYBOX: an invalid file is refused" {
    # Goal: the user gets a reason, and not a guest that hangs.
    offline
    kernel_of arm64
    busybox_of amd64
    cd "$T"
    environment=(KERNEL=kernel BUSYBOX=busybox)
    run -1 build_with arm64
    [[ $output == *"busybox is not a Linux program for arm64"* ]]
    run -1 build_with amd64
    [[ $output == *"kernel is not a kernel for amd64"* ]]
    gzip -c kernel >compressed
    environment=(KERNEL=compressed BUSYBOX=busybox)
    run -1 build_with arm64
    [[ $output == *"compressed is compressed: gunzip it first"* ]]
    environment=(KERNEL=absent BUSYBOX=busybox)
    run -1 build_with arm64
    [[ $output == *"KERNEL: cannot read \"absent\""* ]]
    [ ! -e "$guest/arm64/initrd" ]
}

@test "a package without the modules is refused" {
    # Goal: a guest without a network interface is useless.
    rm -rf "$T/root"
    mkdir -p "$T/root/boot"
    kernel_of amd64
    cp "$T/kernel" "$T/root/boot/vmlinuz-1"
    tar -C "$T/root" -cJf "$T/data.tar.xz" .
    (cd "$T" && ar rc deb data.tar.xz 2>ar.log)
    cp "$T/deb" "$T/served/1"
    sum=$(sha256sum "$T/deb" | cut -d ' ' -f 1)
    {
        grep ' busybox-static ' "$packages"
        echo "amd64 linux-image-2 2 1 $sum"
    } >"$T/packages"
    cp "$T/packages" "$packages"
    run -1 build_with amd64
    [[ $output == *"has no module virtio_net.ko"* ]]
}

@test "usage errors are explained" {
    # Goal: an unknown architecture is an error.
    run -2 build_with riscv64
    [[ $output == *"usage: examples/test-vm/build [amd64|arm64]"* ]]
    run -2 build_with amd64 arm64
    [[ $output == *"usage: "* ]]
}

@test "a folder with a space in its name" {
    # Goal: no path is split into words.
    mv "$T/tree" "$T/a tree"
    build=$T/a\ tree/examples/test-vm/build
    run -0 build_with amd64
    [ -e "$T/a tree/build/test-vm/amd64/initrd" ]
}
