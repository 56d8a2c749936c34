# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
# shellcheck shell=bash
#
# What docs/protocol.md has in its tables, for the tests that compare it.

# documented: prints "KIND: KEY: TYPE" for each key of a reply or an event. KIND
# is a command, or what the heading of the table calls it.
documented() {
    awk '
        /^##+ / { section = tolower($0); sub(/^#+ /, "", section); kind = "" }
        match($0, /[Tt]he reply has `[a-z_]*` \([a-z0-9 ]*\)/) {
            split(substr($0, RSTART, RLENGTH), part, /`|\(|\)/)
            print section ": " part[2] ": " part[4]
        }
        /^\| Key/ {
            kind = $0
            gsub(/^\| Key( of (an? )?)?|`| \| Type .*/, "", kind)
            if (kind == "the reply" || kind == "") { kind = section }
        }
        !/^\|/ { kind = "" }
        kind != "" && kind != "requests" && /^\| `/ {
            split($0, part, / *\| */)
            gsub(/`/, "", part[2])
            print kind ": " part[2] ": " part[3]
        }' docs/protocol.md | sort -u
}
