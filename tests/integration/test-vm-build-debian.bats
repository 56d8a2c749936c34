#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# examples/test-vm/build on Debian, where apt has the packages, or not.

# shellcheck disable=SC2154,SC2034 # the variables are those of test-vm-build.bash

bats_require_minimum_version 1.5.0
load test-vm-build

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
    [[ $output == *"using Debian's current linux-image-9-cloud-amd64"* ]]
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
