# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
# shellcheck shell=sh
#
# The releases of packaging/dist, for tests/macos/check: built from a copy of the
# tree with the real compiler, linker, llvm-lipo, libtool and BSD's tar. codesign
# does nothing here: programs for arm64 have the ad hoc signature of the linker,
# and those for x86_64 have none. jansson is a stub, as everywhere in check.

dist=$PWD/$out/dist

# dist_tool NAME COMMAND: what a Mac calls NAME.
dist_tool() {
    printf '#!/bin/sh\nexec %s "$@"\n' "$2" >"$dist/bin/$1" &&
        chmod +x "$dist/bin/$1"
}

dist_set_up() {
    rm -rf "$dist"
    mkdir -p "$dist/bin" "$dist/first"
    dist_tool cc "$PWD/tests/macos/cc" &&
        dist_tool libtool "$(clang -print-prog-name=llvm-libtool-darwin)" &&
        dist_tool tar bsdtar && dist_tool codesign true &&
        "$dist/bin/libtool" -static -o "$dist/libjansson.a" \
            "$out/arm64/jansson.o" "$out/x86_64/jansson.o" || return 1
    git ls-files --cached --others --exclude-standard | while read -r file; do
        if [ -e "$file" ]; then echo "$file"; fi
    done | cpio -pdm --quiet "$dist/first"
    (cd "$dist/first" && git init -q . && git add -A &&
        git -c user.name=t -c user.email=t -c commit.gpgsign=false \
            commit -q -m t)
}

# dist_build FOLDER: nothing is taken from another build.
dist_build() {
    rm -rf "$dist/cache"
    PATH=$dist/bin:$PATH ZIG_LOCAL_CACHE_DIR=$dist/cache make -C "$dist/$1" \
        UNAME=Darwin JANSSON="$dist/libjansson.a" \
        JANSSON_CFLAGS="-I$PWD/$out/jansson" dist
}

# Another folder, and files of another time.
dist_twice() {
    dist_build first && cp -R "$dist/first" "$dist/other folder" &&
        rm -rf "$dist/other folder/build" && dist_build "other folder" &&
        diff "$dist/first/build/dist/SHA256SUMS" \
            "$dist/other folder/build/dist/SHA256SUMS" &&
        [ "$(wc -l <"$dist/first/build/dist/SHA256SUMS")" -eq 4 ]
}

# dist_release NAME ARCH...: what is in the tarball.
dist_release() {
    name=$1
    shift
    lipo=$(clang -print-prog-name=llvm-lipo)
    release=$dist/$name
    mkdir -p "$release" && bsdtar -xf \
        "$dist"/first/build/dist/vmnet-broker-*-macos-"$name".tar.gz \
        -C "$release" --strip-components=1 || return 1
    for program in vmnet-broker prefix/bin/vmnet-brokerctl; do
        if grep -aqF "$PWD" "$release/$program"; then
            echo "$PWD is in $program"
            return 1
        fi
        if [ "$("$lipo" -archs "$release/$program" | wc -w)" -ne $# ]; then
            "$lipo" -info "$release/$program"
            return 1
        fi
        for arch; do
            slice=$release/${program##*/}.$arch
            case $# in
            1) cp "$release/$program" "$slice" ;;
            *) "$lipo" "$release/$program" -thin "$arch" -output "$slice" ;;
            esac
            executable "$arch" "$slice" || return 1
        done
    done
    llvm-nm --extern-only --defined-only --format=just-symbols \
        "$release/prefix/lib/libvmnet-broker.a" >"$release/exports"
    grep -q '^_vmnet_broker_acquire_network$' "$release/exports" &&
        ! grep -v -e '^_vmnet_broker_' -e ':$' -e '^$' "$release/exports"
}

# The universal programs are those of the two other releases.
dist_universal() {
    for arch in arm64 x86_64; do
        for program in vmnet-broker vmnet-brokerctl; do
            cmp "$dist/$arch/$program.$arch" \
                "$dist/universal/$program.$arch" || return 1
        done
    done
}
