#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# make dist, make pkg, packaging/get and packaging/jansson, with fakes of what a
# Mac has: the compiler writes down its arguments. `make macos` compiles for
# real. And what other programs read is read by a parser of theirs.

# shellcheck disable=SC2317 # called by check

set -u
cd "$(dirname "$0")/../.." || exit

. tests/tap.sh
T=$tmp
export FAKE="$T"
version=$(sed -n 's/^VERSION := //p' Makefile)

# fake NAME: a tool whose text is on standard input.
mkdir "$T/bin"
fake() {
    {
        echo "#!/bin/sh"
        cat
    } >"$T/bin/$1"
    chmod +x "$T/bin/$1"
}

fake cc <<'EOF'
for word; do
    [ "${last-}" != -o ] || out=$word
    last=$word
done
echo "cc $*" | sed "s|$PWD||g" >"$out"
# Xcode's linker puts the debugging symbols beside a program.
case " $* " in
*" -c "*) ;;
*" -g "*) mkdir -p "$out.dSYM/Contents" ;;
esac
EOF
fake libtool <<'EOF'
cat "$@" >"$3" 2>/dev/null || [ -e "$3" ]
EOF
fake tar <<'EOF'
exec bsdtar "$@"
EOF
fake curl <<'EOF'
for word; do
    [ "${last-}" != --output ] || out=$word
    last=$word
done
echo "curl $last" >>"$FAKE/calls"
cp "$FAKE/served/${last##*/}" "$out"
EOF
fake sudo <<'EOF'
echo "sudo ${1##*/} $2" >>"$FAKE/calls"
EOF
for tool in pkgbuild xcrun ditto; do
    fake $tool <<EOF
echo "$tool \$*" >>"\$FAKE/calls"
for last; do :; done
echo "$tool" >"\$last" 2>/dev/null || :
EOF
done
cp tests/install/fake/codesign "$T/bin/"
export PATH="$T/bin:$PATH"

# The tree as it is, elsewhere: what is built for this machine stays.
copy() {
    mkdir "$T/tree"
    git ls-files --cached --others --exclude-standard | while read -r file; do
        if [ -e "$file" ]; then echo "$file"; fi
    done | cpio -pdm --quiet "$T/tree"
    cd "$T/tree" && git init -q . && git add -A &&
        git -c user.name=t -c user.email=t -c commit.gpgsign=false \
            commit -q -m t --date '2026-01-02T03:04:05Z'
}

mac_make() {
    make -C "$T/tree" UNAME=Darwin JANSSON=/dev/null JANSSON_CFLAGS= "$@"
}

# Goal: the same bytes, also at another time.
same_bytes() {
    export SOURCE_DATE_EPOCH=1767323045
    mac_make dist && cp "$T/tree/build/dist/SHA256SUMS" "$T/first" || return 1
    touch "$T/tree/broker/main.c"
    mac_make dist && diff "$T/first" "$T/tree/build/dist/SHA256SUMS" &&
        [ "$(wc -l <"$T/first")" -eq 4 ] &&
        (cd "$T/tree/build/dist" && sha256sum -c SHA256SUMS)
}

# Goal: what is in a tarball, whose it is and when, and for which processors.
contents() {
    cd "$T/tree/build/dist" || return 1
    for name in arm64 x86_64 universal; do
        folder=vmnet-broker-$version-macos-$name
        bsdtar -tvf "$folder.tar.gz" >"$T/list" || return 1
        ! grep -v ' 0 root   wheel .* Jan  2  *[0-9:]* ' "$T/list" || return 1
        for file in install uninstall setup.sh vmnet-broker networks.json \
            prefix/bin/vmnet-brokerctl prefix/share/man/man8/vmnet-broker.8 \
            prefix/share/vmnet-broker/networks.schema.json \
            prefix/lib/libvmnet-broker.a prefix/include/vmnet-broker/vmnet-broker.h
        do
            grep -q "$folder/$file\$" "$T/list" || return 1
        done
        bsdtar -xOf "$folder.tar.gz" "$folder/vmnet-broker" >"$T/program"
        archs=$(grep -o -e '-arch [a-z0-9_]*' "$T/program" | tr '\n' ' ')
        case $name in
        universal) [ "$archs" = "-arch arm64 -arch x86_64 " ] || return 1 ;;
        *) [ "$archs" = "-arch $name " ] || return 1 ;;
        esac
        # Signed after it was linked, with the one entitlement.
        codesign --verify --strict "$T/program" &&
            grep -q 'options runtime.*com.apple.security.virtualization' \
                "$T/program" && ! grep -q ' -g ' "$T/program" || return 1
    done
}

# Goal: a Developer ID signs with a time stamp, and Apple sees the result.
developer_id() {
    : >"$T/calls"
    rm -rf "$T/tree/build"
    SIGN_IDENTITY='Developer ID Application: x' NOTARY_PROFILE=p \
        mac_make dist || return 1
    bsdtar -xOf "$T/tree/build/dist/vmnet-broker-$version-macos-arm64.tar.gz" \
        "vmnet-broker-$version-macos-arm64/vmnet-broker" |
        grep -e '--sign Developer ID Application: x --timestamp' || return 1
    [ "$(grep -c '^xcrun notarytool submit .* --wait' "$T/calls")" -eq 3 ] ||
        return 1
    if NOTARY_PROFILE=p mac_make dist >"$T/out" 2>&1; then return 1; fi
    grep 'NOTARY_PROFILE needs SIGN_IDENTITY' "$T/out"
}

# Goal: the package's script is the release's install.
package() {
    : >"$T/calls"
    INSTALLER_IDENTITY=x NOTARY_PROFILE=p mac_make pkg &&
        grep -q '^pkgbuild --nopayload --scripts .* --sign x ' "$T/calls" &&
        grep -q '^xcrun stapler staple ' "$T/calls"
}

# Goal: nothing whose checksum is wrong is unpacked.
download() {
    rm -rf "$T/served" && cp -R "$T/tree/build/dist" "$T/served" || return 1
    : >"$T/calls"
    if packaging/get "$version" >"$T/out" 2>&1; then return 1; fi
    grep 'set RELEASES' "$T/out" || return 1
    export RELEASES=https://example.org
    packaging/get "$version" --force || return 1
    grep '^sudo install --force$' "$T/calls" || return 1
    echo more >>"$T/served/vmnet-broker-$version-macos-universal.tar.gz"
    : >"$T/calls"
    if packaging/get "$version" >"$T/out" 2>&1; then return 1; fi
    ! grep sudo "$T/calls" && grep 'checksum .* is wrong' "$T/out" || return 1
    echo >"$T/served/v2.14.tar.gz"
    cd "$T" || return 1
    if CC=cc "$T/tree/packaging/jansson" "$T/jansson" >"$T/out" 2>&1; then
        return 1
    fi
    [ ! -e "$T/jansson" ] && [ -z "$(ls build)" ] &&
        grep 'the download does not have the checksum' "$T/out" &&
        [ "$(grep -c 'curl .*jansson' "$T/calls")" -eq 1 ]
}

# Goal: what others parse.
formula() {
    ruby -c packaging/vmnet-broker.rb && ruby -c "$T/tree/build/dist/vmnet-broker.rb" &&
        ! grep -F @ "$T/tree/build/dist/vmnet-broker.rb"
}

# Goal: least permissions, and each action is pinned by its commit.
workflows() {
    for file in .github/workflows/*.yml; do
        # shellcheck disable=SC2016 # Ruby
        ruby -ryaml -e '
            workflow = YAML.load_file(ARGV[0], aliases: true)
            abort "permissions" if workflow["permissions"] != { "contents" => "read" }
            workflow["jobs"].each do |name, job|
              abort "#{name}: no limit" unless job["timeout-minutes"]
              job["steps"].each do |step|
                # sh -e ignores the failure of a negated command.
                step["run"].to_s.lines.grep(/\A\s*! /) { |line| abort line }
                uses = step["uses"] or next
                abort uses unless uses =~ /@[0-9a-f]{40}\z/
              end
            end' "$file" || return 1
    done
}

# Goal: the weekly run skips an image whose macOS is too old, and says so.
images() {
    # shellcheck disable=SC2016 # Ruby
    ruby -ryaml -e '
        steps = YAML.load_file(ARGV[0], aliases: true)["jobs"]["latest"]["steps"]
        puts steps[0]["run"]' .github/workflows/macos.yml >"$T/images" || return 1
    export GITHUB_OUTPUT="$T/output"
    fake sw_vers <<'EOF'
echo "$FAKE_MACOS"
EOF
    : >"$T/output"
    FAKE_MACOS=15.7.1 sh -e "$T/images" | grep '^::notice::.* is macOS 15.7.1' &&
        FAKE_MACOS=26.4 sh -e "$T/images" >"$T/out" && [ ! -s "$T/out" ] &&
        FAKE_MACOS=27.0 sh -e "$T/images" || return 1
    printf 'images=[%s]\n' '"macos-26"' '"macos-26", "macos-latest"' \
        '"macos-26", "macos-latest"' | diff - "$T/output"
}

# Goal: README's commands, as far as there is no Mac: the first one builds all, and
# leaves nothing half made; the second one runs the release's installer, and the
# third one the demo.
first_vm() {
    sed -n '/^## Install, and your first VM/,/^## /p' README.md |
        sed -n 's/^    //p' >"$T/commands"
    printf 'make\nsudo make install\nmake demo\n' | diff - "$T/commands" &&
        mac_make && mac_make examples || return 1
    cd "$T/tree/build/macos/host" || return 1
    for program in bin/vmnet-broker bin/vmnet-brokerctl examples/vm \
        examples/launcher examples/vmnet-run; do
        [ -e "$program" ] || return 1
    done
    # Debugging symbols lie beside their program, or nowhere.
    find . -name '*.new*' >"$T/half"
    find . -name '*.dSYM' | while read -r symbols; do
        [ -e "${symbols%.dSYM}" ] || echo "$symbols"
    done >>"$T/half"
    cat "$T/half"
    [ ! -s "$T/half" ] && grep -- '-fobjc-arc' examples/vm || return 1
    mac_make -n install >"$T/install" && mac_make -n demo >"$T/demo" &&
        grep 'release/install' "$T/install" && grep 'examples/demo.sh' "$T/demo"
}

# Goal: a Mac without pkg-config or without Homebrew gets no needless complaint.
no_noise() {
    # The make that runs the tests is none of this one's business.
    unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
    make UNAME=Darwin help >"$T/help" 2>&1 && ! grep -v '^make ' "$T/help" &&
        make -n UNAME=Darwin demo >/dev/null &&
        ! make UNAME=Darwin bench 2>"$T/help" && grep 'on Linux' "$T/help"
}

plan 10
copy
check "make dist: the same bytes twice" same_bytes
check "make dist: the contents of the tarballs" contents
check "packaging: the formula, by Ruby" formula
check "packaging: a download whose checksum is wrong" download
check "make dist: a Developer ID" developer_id
check "make pkg" package
check "the workflows, by a YAML parser" workflows
check "the weekly workflow: images" images
check "README.md: your first VM on a Mac" first_vm
check "make on a Mac: help, demo and bench" no_noise
finish
