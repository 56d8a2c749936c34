# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# install --check: prints one line for each problem of an installation, and what
# to do. It changes nothing, and does not need root.

# shellcheck disable=SC2154 # setup.sh and user.sh set them

# result NAME REASON: an empty reason means that there is no problem.
result() {
    if [ -z "$2" ]; then
        printf 'good  %s\n' "$1"
    else
        printf 'BAD   %s: %s\n' "$1" "$2"
        wrong=1
    fi
}

why_system() {
    version=$(sw_vers -productVersion 2>/dev/null) || version=0
    case $version in
    26.0* | 26.1* | ? | 1[0-9]* | 2[0-5]*)
        echo "this is macOS $version; VMs require macOS 26.2 or later"
        ;;
    esac
}

why_files() {
    if [ ! -e "$root$files" ]; then
        echo "not installed: run install"
        return
    fi
    if [ -e "$new" ] || [ -e "$old" ]; then
        echo "an installation was interrupted: run install again"
        return
    fi
    installed file | while read -r path; do
        if [ ! -f "$root$path" ]; then
            echo "$path is missing: run install again"
        fi
    done | head -n 1
}

# Checks only files that root or the broker runs or reads.
why_paths() {
    why_unsafe "$program" "$plist" "$config" "$folder/uninstall"
}

why_program() {
    if ! "$root$program" -V >/dev/null 2>&1; then
        echo "it does not run on this Mac: install a release for $(uname -m)"
    elif ! codesign --verify --strict "$root$program" 2>/dev/null; then
        echo "its signature is invalid: run install again"
    elif ! codesign -d --entitlements - "$root$program" 2>/dev/null |
        grep -q com.apple.security.virtualization; then
        echo "it is signed without com.apple.security.virtualization, so" \
            "macOS does not let it create networks: run install again"
    fi
}

why_plist() {
    found=$(installed_program)
    if [ "$found" != "$program" ]; then
        echo "its program is ${found:-missing}: run install --replace"
    fi
}

# why_record RECORD KEY=VALUE...
why_record() {
    if ! ds_read "$1"; then
        echo "missing: run install again"
        return
    fi
    shift
    for wanted; do
        ds_get "${wanted%%=*}"
        if [ -z "$value" ]; then
            echo "has no ${wanted%%=*}: run install again"
        elif [ -n "${wanted#*=}" ] && [ "$value" != "${wanted#*=}" ]; then
            echo "its ${wanted%%=*} is $value, not ${wanted#*=}: correct it" \
                "with dscl"
        fi
    done | head -n 1
}

# why_id RECORD KEY
why_id() {
    ds_read "$1" || :
    ds_get "$2"
    if [ -n "$value" ] && shared "$value"; then
        echo "another user or group also has the id $value: run uninstall," \
            "then install"
    fi
}

why_config() {
    if ! answer=$("$root$program" -n 2>&1); then
        echo "$answer" | tr '\n' ' '
    fi
}

why_service() {
    if disabled; then
        echo "disabled: enable it in System Settings, Login Items &" \
            "Extensions, or run install again"
    elif ! loaded; then
        echo "launchd does not know it: run install again"
    fi
}

why_answer() {
    found=$(installed file | grep '/bin/vmnet-brokerctl$' | head -n 1)
    if ! answer=$("$root${found:-/vmnet-brokerctl}" status 2>&1); then
        echo "$answer" | tr '\n' ' '
    fi
}

check_installation() {
    wrong=0
    result "macOS" "$(why_system)"
    result "files" "$(why_files)"
    [ $wrong -eq 0 ] || [ -e "$root$files" ] || return 1
    result "owners and modes" "$(why_paths)"
    result "$program" "$(why_program)"
    result "$plist" "$(why_plist)"
    result "group $user" \
        "$(why_record "/Groups/$user" PrimaryGroupID=)"
    ds_read "/Groups/$user" || :
    ds_get PrimaryGroupID
    gid=$value
    result "user $user" "$(why_record "/Users/$user" UniqueID= \
        PrimaryGroupID="$gid" UserShell=/usr/bin/false \
        NFSHomeDirectory=/var/empty)"
    result "user id of $user" "$(why_id "/Users/$user" UniqueID)"
    result "group id of $user" "$(why_id "/Groups/$user" PrimaryGroupID)"
    result "$config" "$(why_config)"
    result "service $label" "$(why_service)"
    result "a request to the broker" "$(why_answer)"
    return $wrong
}
