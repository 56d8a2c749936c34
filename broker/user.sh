# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# The hidden user and group that the broker runs as. Existing ones are kept, and
# missing attributes are added, so this can be interrupted anywhere and run
# again.

# shellcheck disable=SC2154 # setup.sh sets them

first_id=200
last_id=400

newline='
'

# ds_read RECORD: stores its attributes in $attributes. 1: no such record.
ds_read() {
    attributes=
    if ! text=$(dscl . -read "$1" 2>/dev/null); then
        return 1
    fi
    attributes=$newline$(echo "$text" | sed 's/^dsAttrType[A-Za-z]*://')
}

# ds_get KEY: stores the attribute of the last read record, or nothing, in
# $value. dscl prints a value with spaces on a separate line.
ds_get() {
    value=
    case $attributes in
    *"$newline$1:"*)
        value=${attributes#*"$newline$1:"}
        value=${value#[ "$newline"]}
        value=${value# }
        value=${value%%"$newline"*}
        ;;
    esac
}

# ds_complete KEY VALUE: adds the attribute to the last read record if it is
# missing.
ds_complete() {
    ds_get "$1"
    if [ -z "$value" ]; then
        dscl . -create "$record" "$1" "$2"
    fi
}

# ids: "NAME ID" of all users and groups of this Mac.
ids() {
    dscl . -list /Users UniqueID
    dscl . -list /Groups PrimaryGroupID
}

# id_is_free ID: also checks the directories that this Mac is bound to.
id_is_free() {
    [ -z "$(dscl /Search -search /Users UniqueID "$1")" ] &&
        [ -z "$(dscl /Search -search /Groups PrimaryGroupID "$1")" ]
}

# free_id: prints an ID that no user and no group has.
free_id() {
    taken=" $(ids | awk '{ print $NF }' | tr '\n' ' ')"
    id=$first_id
    while [ $id -le $last_id ]; do
        case $taken in
        *" $id "*) ;;
        *)
            if id_is_free $id; then
                echo $id
                return
            fi
            ;;
        esac
        id=$((id + 1))
    done
    fail "all user and group ids from $first_id to $last_id are in use:" \
        "remove a user or group that is not needed, and run this again"
}

# shared ID: whether another user or group also has it.
shared() {
    ids | awk -v id="$1" -v name="$user" '$NF == id && $1 != name' | grep -q .
}

# ds_give_id KEY [ID]: gives the last read record this ID, or a free one, unless
# it has one. If another installer takes the same ID at the same time, this
# takes the next one. Stores the ID in $id.
ds_give_id() {
    ds_get "$1"
    id=$value
    [ -z "$id" ] || return 0
    id=${2-}
    tries=0
    while [ $tries -lt 10 ]; do
        tries=$((tries + 1))
        if [ -z "$id" ] || shared "$id"; then
            id=$(free_id)
        fi
        dscl . -create "$record" "$1" "$id"
        if ! shared "$id"; then
            return 0
        fi
        dscl . -delete "$record" "$1"
        id=
    done
    fail "other processes keep taking the ids for $user: run this again"
}

# check_id RECORD KEY: refuses the ID 0.
check_id() {
    ds_read "$1" || :
    ds_get "$2"
    [ "$value" != 0 ] || fail "not installed: $1 has the id 0, which is" \
        "root's. Remove it ('sudo dscl . -delete $1')."
}

# check_user: also checks that an ID is free, if one is needed.
check_user() {
    check_id "/Users/$user" UniqueID
    uid=$value
    check_id "/Groups/$user" PrimaryGroupID
    if [ -z "$uid" ] || [ -z "$value" ]; then
        free_id >/dev/null
    fi
}

# make_record RECORD: creates it if it does not exist, and reads it.
make_record() {
    record=$1
    ds_read "$record" || dscl . -create "$record"
}

make_user() {
    make_record "/Groups/$user"
    ds_give_id PrimaryGroupID
    gid=$id
    ds_complete RealName "$real_name"
    ds_complete Password '*'
    make_record "/Users/$user"
    ds_complete Password '*'
    ds_complete UserShell /usr/bin/false
    ds_complete IsHidden 1
    ds_complete RealName "$real_name"
    ds_complete NFSHomeDirectory /var/empty
    ds_complete PrimaryGroupID "$gid"
    ds_give_id UniqueID "$gid"
}

remove_user() {
    for record in "/Users/$user" "/Groups/$user"; do
        if ds_read "$record"; then
            dscl . -delete "$record"
        fi
    done
}
