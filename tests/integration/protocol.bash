# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
# shellcheck shell=bash
#
# The contents of the tables in docs/protocol.md, for the tests that compare
# them.

# documented: prints "KIND: KEY: TYPE" for each key of a reply or an event. KIND
# is a command, or a name from the heading of the table.
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
