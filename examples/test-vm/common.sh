# shellcheck shell=sh disable=SC2034 # the variables are for who sources this
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# What the scripts in this folder share; they set $here first.
#
# A VM is a folder, build/test-vm/run/NAME: pid (of its launcher), in (a fifo,
# the console's input), console (all that the console said), log (what the
# launcher said).

# shellcheck disable=SC2154 # here is the caller's
vm_root=$(cd "$here/../.." && pwd)
vm_build=$vm_root/build/test-vm
vm_run=${TEST_VM_RUN:-$vm_build/run}

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

# Sets vm to the folder of the VM $1, which need not exist.
find_vm() {
    case ${1-} in
    '' | -* | *[!a-z0-9-]*)
        fail "not a name for a VM (a-z, 0-9 and -): '${1-}'"
        ;;
    esac
    vm=$vm_run/$1
}

# True while the launcher of $vm lives.
is_running() {
    [ -s "$vm/pid" ] && kill -0 "$(cat "$vm/pid")" 2>/dev/null
}

# Sets vm, and fails unless it runs.
running_vm() {
    find_vm "${1-}"
    is_running || fail "$1 does not run"
}
