# shellcheck shell=sh disable=SC2034 # the variables are for who sources this
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# What the scripts in this folder share; they set $here first. Only what both
# Debian's and macOS's tools know is used.
#
# A VM is a folder, build/test-vm/run/NAME: pid (of its launcher; of `start`
# until there is one), vmm (the process id of QEMU, which is not the
# launcher's own), in (a fifo, the console's input), console (all that the
# console said), log (what the launcher said), lock (who speaks on the
# console). NAME.macs beside it has the MAC addresses that it keeps.

# A console speaks bytes: in another locale macOS's tools refuse some of them.
LC_ALL=C
export LC_ALL

# shellcheck disable=SC2154 # here is the caller's
vm_root=$(cd "$here/../.." && pwd)
vm_build=${TEST_VM_BUILD:-$vm_root/build/test-vm}
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

# Sets vm to the folder of the VM $1, which need not exist. The name is the
# guest's host name, too.
find_vm() {
    case ${1-} in
    '' | -* | *[!a-z0-9-]*)
        fail "not a name for a VM (a-z, 0-9 and -): '${1-}'"
        ;;
    esac
    [ ${#1} -le 63 ] || fail "a name for a VM has 63 letters at most: '$1'"
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

# start_dog SECONDS COMMAND...: it bites in so many seconds, unless stop_dog.
start_dog() {
    dog_command() {
        sleeping=
        trap 'kill $sleeping; exit 0' TERM
        sleep "$1" &
        sleeping=$!
        wait "$sleeping"
        shift
        "$@"
    }
    # Descriptor 3 may be the caller's, who would wait for its end.
    dog_command "$@" </dev/null >/dev/null 2>&1 3>&- &
    dog=$!
}

stop_dog() {
    kill "$dog" 2>/dev/null || :
    wait "$dog" 2>/dev/null || :
}
