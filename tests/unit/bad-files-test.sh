#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# Files that vmnet-broker -n refuses, each with all that it prints. They are in
# bad-files/, and have this form:
#
#   == TITLE
#   the text of the file, of any number of lines
#   => :LINE:COLUMN: MESSAGE
#
# with one line "=> " for each line that is printed, without the name of the
# file. "escaped: " before a title means that the text has escapes as printf's
# %b has, and that no newline ends it. "broker: " means that the JSON schema
# cannot tell that the file is wrong; schema-test.sh compares that.
#
# Usage: tests/unit/bad-files-test.sh [FOLDER]
#
# BROKER in the environment is another vmnet-broker, such as one on a Mac.
# With FOLDER the files are only written there, as NUMBER.json, with "NUMBER KIND
# TITLE" of each in FOLDER/titles.

# shellcheck disable=SC2317 # functions called through a pipe

set -u
cd "$(dirname "$0")/../.." || exit

broker=${BROKER:-build/linux/asan/bin/vmnet-broker}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
umask 022

# write FOLDER
write() {
    awk -v folder="$1" '
        /^== / {
            kind = /^== escaped: / ? "escaped" : /^== broker: / ? "broker" : "-"
            file = folder "/" ++count ".json"
            printf "" >file
            print count, kind, substr($0, 4)
            next
        }
        /^=> / && file != "" { close(file); file = "" }
        file != "" { print >file }' tests/unit/bad-files/* >"$1/titles"
    while read -r number kind _; do
        if [ "$kind" = escaped ]; then
            printf %b "$(cat "$1/$number.json")" >"$1/bytes"
            mv "$1/bytes" "$1/$number.json"
        fi
    done <"$1/titles"
}

# Print what the broker says of each file, in the form of bad-files/. A user who
# is not root also gets a warning that the daemon would not read the file.
ask() {
    while read -r number _ title; do
        echo "== $title"
        $broker -n -c "$tmp/$number.json" 2>&1
        [ $? -eq 1 ] || echo "it was not refused"
    done <"$tmp/titles" |
        sed "/: warning: the daemon would refuse it: /d
            s|^$tmp/[0-9]*\.json|=> |"
}

# Compare what bad-files/ expects with what the broker says.
compare() {
    cat tests/unit/bad-files/* >"$tmp/expected"
    ask >"$tmp/printed"
    awk '
        FNR == 1 { part++ }
        /^== / { titles[part, ++count[part]] = substr($0, 4); next }
        /^=> / || part == 2 { lines[part, count[part]] = \
            lines[part, count[part]] "\n# " $0 }
        END {
            print "1.." count[1]
            for (i = 1; i <= count[1]; i++) {
                good = lines[1, i] == lines[2, i] && lines[1, i] != ""
                print (good ? "ok " : "not ok ") i " - " titles[1, i]
                if (good) continue
                print "# expected:" lines[1, i] "\n# printed:" lines[2, i]
                failed = 1
            }
            exit failed
        }' "$tmp/expected" "$tmp/printed"
}

if [ $# -eq 1 ]; then
    write "$1"
else
    write "$tmp"
    compare
fi
