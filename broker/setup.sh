# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# Functions shared by install, uninstall and install --check: where everything
# is, which paths are safe, and how to control launchd and the running broker.
# They need only tools that are part of macOS.
#
# DESTDIR, for tests, is a prefix of each path.

# shellcheck disable=SC2034,SC2154 # used by the scripts that include this

label=com.github.nirs.vmnet-broker
user=_vmnetbroker
real_name=com.github.nirs.vmnet-broker
service=system/$label

root=${DESTDIR-}
folder="/Library/Application Support/$label"
program=$folder/vmnet-broker
plist=/Library/LaunchDaemons/$label.plist
config=$folder/networks.json

# Everything that was installed: one line "file PATH" or "dir PATH" for each.
files=$folder/files
# A copy of the installation that is being replaced, until the new broker
# answers.
old=$root$folder/.old
# The files to be installed. This is on the same volume, in a folder that only
# root can write: from there the files are moved to their final places.
new=$root$folder/.new

umask 022
if [ -z "$root" ]; then
    # Use only the system's tools, because this runs as root.
    PATH=/usr/bin:/bin:/usr/sbin:/sbin
    export PATH
fi

say() {
    echo "vmnet-broker: $*"
}

fail() {
    say "$*" >&2
    exit 1
}

need_root() {
    [ "$(id -u)" -eq 0 ] || fail "$1 must run as root: run it with sudo"
}

# --- Paths -------------------------------------------------------------------

# above: reads paths, prints each folder above them once, from / on.
above() {
    awk -F / '{ path = ""
        print "/"
        for (i = 2; i < NF; i++) { path = path "/" $i; print path } }' |
        LC_ALL=C sort -u
}

# writable_by_list PATH: whether its access control list, which macOS shows with
# -e, lets other users change it.
writable_by_list() {
    # shellcheck disable=SC2012 # all systems have ls
    ls -lde "$root$1" |
        awk '/ allow .*(write|append|add_|delete|chown)/ { open = 1 }
            END { exit !open }'
}

# describe: reads paths; prints "TYPE OWNER private PATH" for each one that
# exists, or "TYPE OWNER writable PATH" if users other than the owner can write
# to it.
describe() {
    set --
    while read -r path; do
        set -- "$@" "$root$path"
    done
    # shellcheck disable=SC2012
    ls -ldn "$@" 2>/dev/null | awk -v root="$root" '{
        type = substr($1, 1, 1)
        mode = $1 ~ /^.....w|^........w/ ? "writable" \
            : $1 ~ /\+$/ ? "list" : "private"
        owner = $3
        for (i = 1; i <= 8; i++) { sub(/^[^ ]+ +/, "") }
        if (type == "l") { sub(/ -> .*/, "") }
        print type, owner, mode, substr($0, length(root) + 1) }' |
        while read -r type owner mode path; do
            if [ "$mode" = list ]; then
                mode=private
                ! writable_by_list "$path" || mode=writable
            fi
            echo "$type $owner $mode $path"
        done
}

# why_unsafe PATH...: prints how a user other than root could replace one of
# them, or nothing.
why_unsafe() {
    {
        printf '%s\n' "$@"
        printf '%s\n' "$@" | above
    } | describe | while read -r type owner mode path; do
        if [ "$type" = l ]; then
            echo "$path is a symbolic link"
        elif [ "$owner" != 0 ]; then
            echo "$path does not belong to root"
        elif [ "$mode" = writable ]; then
            echo "$path is writable by users other than root"
        fi
    done | head -n 1
}

# need_safe PATH...: exits if one of them is unsafe.
need_safe() {
    reason=$(why_unsafe "$@")
    [ -z "$reason" ] || fail "not installed: $reason. Root runs" \
        "what is installed there, so only root may be able to change it."
}

# need_no_links: reads paths; exits unless everything above them is a folder.
need_no_links() {
    link=$(above | describe | sed -n 's/^[^d] [0-9]* [a-z]* //p' | head -n 1)
    [ -z "$link" ] || fail "not installed: $link is not a folder (perhaps a" \
        "symbolic link); choose another --prefix"
}

# place SOURCE PATH MODE: installs atomically; a link at PATH is replaced, not
# followed. Attributes of the source, such as quarantine, are not copied.
place() {
    [ ! -d "$root$2" ] || fail "$2 is a folder: remove it, and run this again"
    cat "$1" >"$new/file"
    chmod "$3" "$new/file"
    mv -f "$new/file" "$root$2"
}

# make_folder PATH: owned by root, regardless of its parent folder.
make_folder() {
    if [ ! -d "$root$1" ]; then
        mkdir -m 755 "$root$1"
    fi
    chown 0:0 "$root$1"
}

# --- What is installed -------------------------------------------------------

# installed KIND [FILE]: the paths of that kind, "file" or "dir".
installed() {
    if [ -e "${2-$root$files}" ]; then
        sed -n "s/^$1 //p" "${2-$root$files}"
    fi
}

# installed_program: the program in the installed plist, of this or another
# project; nothing if there is no plist.
installed_program() {
    if [ -e "$root$plist" ]; then
        plutil -extract Program raw -o - "$root$plist" 2>/dev/null ||
            plutil -extract ProgramArguments.0 raw -o - "$root$plist" ||
            echo unknown
    fi
}

# remove_folders: reads folders, removes those that are empty, deepest first.
remove_folders() {
    sort -r | while read -r path; do
        rmdir "$root$path" 2>/dev/null || :
    done
}

# --- launchd -----------------------------------------------------------------

loaded() {
    launchctl print "$service" >/dev/null 2>&1
}

broker_pid() {
    launchctl print "$service" 2>/dev/null |
        sed -n 's/^[[:space:]]*pid = \([0-9]*\)$/\1/p'
}

# A disabled service does not start.
disabled() {
    launchctl print-disabled system 2>/dev/null |
        grep -qE "\"$label\" => (true|disabled)"
}

# Returns when launchd has removed the service: bootout itself does not wait.
# The broker exits within 20 seconds, the ExitTimeOut of its plist.
unload() {
    loaded || return 0
    launchctl bootout "$service" >/dev/null 2>&1 || :
    tries=0
    while loaded; do
        tries=$((tries + 1))
        [ $tries -lt 40 ] || fail "launchd has not stopped $label after 40" \
            "seconds: see 'launchctl print $service', and run this again"
        sleep 1
    done
}

load() {
    if disabled; then
        launchctl enable "$service"
    fi
    tries=0
    until launchctl bootstrap system "$root$plist" >"$new/answer" 2>&1; do
        tries=$((tries + 1))
        # launchd may not have finished removing the previous one.
        if [ $tries -eq 10 ]; then
            cat "$new/answer" >&2
            return 1
        fi
        sleep 1
    done
}

# --- The broker that runs ----------------------------------------------------

# check_holders CTL HOW: returns when the broker may be stopped, HOW being
# "", "when-idle" or "force". Sets drains: the broker knows how to drain.
check_holders() {
    drains=no
    loaded || return 0
    if answer=$("$1" clients --json 2>&1); then
        drains=yes
        case $(echo "$answer" | tr -d '[:space:]' |
            sed -n 's/.*"holders":{\([^}]*\)}.*/held \1/p') in
        "held "*:[1-9]*) ;;
        "held "*) return 0 ;;
        esac
        [ -z "$2" ] || return 0
        "$1" clients >&2 || :
        fail "these programs use the broker's networks, which would be lost" \
            "without it. Stop their VMs; or use --when-idle, which waits" \
            "until they stop, or --force."
    fi
    if [ "$2" != force ] && [ -n "$(broker_pid)" ]; then
        fail "the running broker (process $(broker_pid)) cannot report who uses" \
            "its networks ($answer). Stop all VMs that use it; or use --force."
    fi
}

# drained CTL HOW: whether the broker has exited. Also waits for clients that
# connected in the meantime: for a moment, or with when-idle without a limit.
drained() {
    until "$1" drain --wait 10 >"$root$folder/.answer" 2>&1; do
        if [ "$2" != when-idle ] || ! "$1" clients >/dev/null 2>&1; then
            cat "$root$folder/.answer" >&2
            rm -f "$root$folder/.answer"
            return 1
        fi
    done
    rm -f "$root$folder/.answer"
}

# stop_broker CTL HOW: call it after check_holders.
stop_broker() {
    if [ "$drains" = yes ] && [ "$2" != force ]; then
        ctl=$1
        trap '"$ctl" resume >/dev/null 2>&1 || :; exit 130' HUP INT TERM
        [ "$2" != when-idle ] || say "waiting until no network is in use"
        if ! drained "$1" "$2"; then
            "$1" resume >/dev/null || :
            fail "the broker is still in use and keeps running: run this again"
        fi
        trap - HUP INT TERM
    fi
    unload
}
