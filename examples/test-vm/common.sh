# shellcheck shell=sh disable=SC2034 # scripts that source this use them
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# Functions shared by the scripts in this folder, which set $here first. Only
# features that both Debian's and macOS's tools have are used.
#
# A VM is a folder, build/test-vm/run/NAME: pid (of its launcher; of `start`
# until there is one), vmm (the process id of QEMU, which is not the launcher's
# own), in (a fifo, the console's input), console (the output of the console),
# log (the output of the launcher), lock (the process that uses the console).
# NAME.macs next to it contains its persistent MAC addresses.

# A console transfers bytes: in other locales macOS's tools reject some of them.
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

# For wrong arguments.
usage_error() {
    echo "test-vm: $*" >&2
    exit 2
}

# The comment at the top of each script is its help.
case ${1-} in
-h | --help)
    sed -n '/^# Usage: /,/^$/s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac

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
        usage_error "invalid VM name \"${1-}\": use a-z, 0-9 and -"
        ;;
    esac
    [ ${#1} -le 63 ] || usage_error "invalid VM name \"$1\": at most 63 letters"
    vm=$vm_run/$1
}

# True while the launcher of $vm runs.
is_running() {
    [ -s "$vm/pid" ] && kill -0 "$(cat "$vm/pid")" 2>/dev/null
}

# Sets vm, and fails unless it is running.
running_vm() {
    find_vm "${1-}"
    is_running || fail "VM \"$1\" is not running"
}

# start_watchdog SECONDS COMMAND...: runs the command after this time, unless
# stop_watchdog is called first.
start_watchdog() {
    watchdog_command() {
        sleeping=
        trap 'kill $sleeping; exit 0' TERM
        sleep "$1" &
        sleeping=$!
        wait "$sleeping"
        shift
        "$@"
    }
    # Descriptor 3 may belong to the caller, which would wait until it is
    # closed.
    watchdog_command "$@" </dev/null >/dev/null 2>&1 3>&- &
    watchdog=$!
}

stop_watchdog() {
    kill "$watchdog" 2>/dev/null || :
    wait "$watchdog" 2>/dev/null || :
}
