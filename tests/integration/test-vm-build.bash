# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
# shellcheck shell=bash
# shellcheck disable=SC2034 # the variables are for the tests
#
# For the tests of examples/test-vm/build, with no VM and no network: a copy of its
# folder has packages of its own, tiny ones, and a PATH on which apt and curl are
# ours.

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
    # shellcheck disable=SC2154 # the tests set environment
    exec env -i PATH="$T/bin" HOME="$T" "${environment[@]}" \
        "${shell[@]}" "$build" "$@"
}

calls() {
    cat "$T/calls" 2>/dev/null || :
}
