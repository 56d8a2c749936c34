# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# What the scripts in this folder share; they set $here first.

# shellcheck disable=SC2154 # here is the caller's
vm_root=$(cd "$here/../.." && pwd)
# shellcheck disable=SC2034 # for who sources this
vm_build=$vm_root/build/test-vm

fail() {
    echo "test-vm: $*" >&2
    exit 1
}

machine_arch() {
    case $(uname -m) in
    x86_64) echo amd64 ;;
    arm64 | aarch64) echo arm64 ;;
    *) fail "no guest for this machine: $(uname -m)" ;;
    esac
}
