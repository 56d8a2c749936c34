#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# examples/test-vm/build, with no VM and no network: a copy of its folder has
# packages of its own, tiny ones, and a PATH on which apt and curl are ours.

bats_require_minimum_version 1.5.0

kernel="linux-image-1-cloud"

# The packages are made once.
setup_file() {
    T=$BATS_FILE_TMPDIR
    packages=$T/packages.txt
    mkdir -p "$T/served" "$T/bin"
    for arch in amd64 arm64; do
        package "$kernel-$arch" 1.0 $arch
        package busybox-static 2:3 $arch
    done
    path
}

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return
    T=$BATS_TEST_TMPDIR
    mkdir -p "$T/tree/examples"
    cp -R examples/test-vm "$T/tree/examples/"
    cp -R "$BATS_FILE_TMPDIR/served" "$BATS_FILE_TMPDIR/bin" "$T/"
    build=$T/tree/examples/test-vm/build
    shell=() # /bin/sh
    guest=$T/tree/build/test-vm
    cache=$guest/packages
    packages=$T/tree/examples/test-vm/packages.txt
    cp "$BATS_FILE_TMPDIR/packages.txt" "$packages"
    tool uname 'echo x86_64'
    serve
}

# --- What is served ---------------------------------------------------------

# A file that is only what it begins with: kernel_of ARCH, busybox_of ARCH.
kernel_of() {
    head -c 4096 /dev/zero >"$T/kernel"
    case $1 in
    amd64) printf 'HdrS' | dd of="$T/kernel" bs=1 seek=514 conv=notrunc ;;
    arm64) printf 'ARMd' | dd of="$T/kernel" bs=1 seek=56 conv=notrunc ;;
    esac 2>"$T/dd"
}

busybox_of() {
    head -c 4096 /dev/zero >"$T/busybox"
    case $1 in
    amd64) machine='\076\000' ;;
    arm64) machine='\267\000' ;;
    esac
    {
        printf '\177ELF' | dd of="$T/busybox" bs=1 conv=notrunc
        # shellcheck disable=SC2059 # it is a format
        printf "$machine" | dd of="$T/busybox" bs=1 seek=18 conv=notrunc
    } 2>"$T/dd"
}

# package NAME VERSION ARCH: makes it, serves it by its SHA-1, and pins it.
package() {
    rm -rf "$T/package"
    mkdir -p "$T/package/root"
    case $1 in
    busybox*)
        busybox_of "$3"
        mkdir "$T/package/root/bin"
        cp "$T/busybox" "$T/package/root/bin/"
        ;;
    *)
        kernel_of "$3"
        drivers=$T/package/root/lib/modules/1/kernel/drivers
        mkdir -p "$T/package/root/boot" "$drivers/net" "$drivers/virtio"
        cp "$T/kernel" "$T/package/root/boot/vmlinuz-1"
        echo ring >"$drivers/virtio/virtio_ring.ko"
        echo net >"$drivers/net/virtio_net.ko"
        echo other >"$drivers/net/e1000.ko"
        ;;
    esac
    (
        cd "$T/package" || exit
        tar -C root -cJf data.tar.xz .
        echo 2.0 >debian-binary
        ar rc deb debian-binary data.tar.xz 2>ar.log
    )
    sha1=$(sha1sum "$T/package/deb" | cut -d ' ' -f 1)
    sha256=$(sha256sum "$T/package/deb" | cut -d ' ' -f 1)
    cp "$T/package/deb" "$T/served/$sha1"
    echo "$3 $1 $2 $sha1 $sha256" >>"$packages"
}

# --- The tools --------------------------------------------------------------

# tool NAME SCRIPT: on PATH, before all others.
tool() {
    rm -f "$T/bin/$1"
    printf '#!/bin/sh\n%s\n' "$2" >"$T/bin/$1"
    chmod 755 "$T/bin/$1"
}

# Nothing but these, which macOS has as well; tar, cpio and shasum are those of
# macOS, too.
path() {
    for name in sh awk cat chmod cp cut dirname find grep gzip head ln mkdir \
        mktemp mv od rm sed tail tr ar perl shasum; do
        ln -s "$(command -v $name)" "$T/bin/$name"
    done
    ln -s "$(command -v bsdtar)" "$T/bin/tar"
    ln -s "$(command -v bsdcpio)" "$T/bin/cpio"
}

# curl as the archive is there: serves a file by the last word of its address.
serve() {
    tool curl "
echo \"curl \$*\" >>'$T/calls'
while [ \$# -gt 1 ]; do
    if [ \"\$1\" = -o ]; then
        output=\$2
    fi
    shift
done
cp '$T/served/'\${1##*/} \"\$output\""
}

offline() {
    tool curl 'echo "curl: (6) Could not resolve host" >&2; exit 6'
}

# build_with [NAME=VALUE]... [ARCH]: with that PATH and nothing else.
build_with() {
    (exec_with "$@")
}

exec_with() {
    exec env -i PATH="$T/bin" HOME="$T" "${environment[@]}" \
        "${shell[@]}" "$build" "$@"
}

calls() {
    cat "$T/calls" 2>/dev/null || :
}

# --- The tests --------------------------------------------------------------

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
    [[ $output == *"is this machine offline?"*"KERNEL= and BUSYBOX="* ]]
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
    [[ $output == *"KERNEL=absent: cannot read it"* ]]
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

# apt as on Debian: with NAMES it has these words, and gives the file that is
# served under SHA1.
apt_has() {
    words=$1
    file=$2
    tool apt-cache "
for word; do :; done
case \" \$* \" in
*' depends '*) echo '  Depends: linux-image-9-cloud-amd64' ;;
*) case \" $words \" in *\" \$word \"*) ;; *) exit 100 ;; esac ;;
esac"
    tool apt-get "
echo \"apt-get \$*\" >>'$T/calls'
for word; do :; done
case \" \$* \" in
*' update '*) exit 0 ;;
esac
case \" $words \" in
*\" \$word \"*) cp '$file' \"\${word%%=*}_1_any.deb\" ;;
*) echo \"E: Unable to locate package \$word\" >&2; exit 100 ;;
esac"
}

served() {
    awk -v arch="$1" -v name="$2" '$1 == arch && $2 == name { print $4 }' \
        "$packages"
}

@test "Debian: apt fetches, also for the other architecture" {
    # Goal: curl is not needed, and apt is given the architecture.
    offline
    busybox=$T/served/$(served arm64 busybox-static)
    apt_has "busybox-static=2:3" "$busybox"
    kernel_of arm64
    environment=(KERNEL="$T/kernel")
    run -0 build_with arm64
    [[ $(calls) == *APT::Architecture=arm64*"download busybox-static=2:3"* ]]
}

@test "Debian: a package that apt no longer has comes from the archive" {
    # Goal: an old pin keeps working.
    apt_has none "$T/none"
    run -0 build_with amd64
    [[ $(calls) == *"apt-get"*" update"*"curl "* ]]
}

@test "Debian: offline from the archive, the newer kernel is used" {
    # Goal: an update of Debian's kernel breaks nothing, and the use is
    # reported.
    offline
    linux=$T/served/$(served amd64 "$kernel-amd64")
    apt_has "linux-image-9-cloud-amd64" "$linux"
    busybox_of amd64
    environment=(BUSYBOX="$T/busybox")
    run -0 build_with amd64
    [[ $output == *"using linux-image-9-cloud-amd64 as Debian has it now"* ]]
}

@test "Debian: a wrong package from apt is refused" {
    # Goal: the checksum decides, regardless of the source.
    offline
    echo something >"$T/else"
    apt_has "busybox-static=2:3" "$T/else"
    run -1 build_with amd64
    [[ $output == *"the file from apt-get does not match packages.txt"* ]]
    [ -z "$(ls -A "$cache")" ]
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
