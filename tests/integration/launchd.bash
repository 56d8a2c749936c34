# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
# shellcheck shell=bash
#
# For the .bats files about the stand-in's launchd: jobs that do not use XPC.
# Load it after helper.

# Built once, because the tests are about what runs.
setup_file() {
    "$BATS_TEST_DIRNAME/../linux/run" --no-daemon true
    export STANDIN_NO_BUILD=1
}

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return
    job=$PWD/build/linux/plain/tools/standin-job
    # Jobs of several users write there.
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR"
}

# plist_text LABEL [XML]: a job that serves LABEL. "-" means without a program,
# because XML has another one.
plist_text() {
    cat <<XML
<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
<key>Label</key><string>$1</string>
<key>MachServices</key><dict><key>$1</key><true/></dict>
${2-}
XML
    case ${2-} in
    *Program*) ;;
    *)
        cat <<XML
<key>ProgramArguments</key>
<array><string>$job</string><string>serve</string><string>$1</string>
<string>/run/notes</string></array>
XML
        ;;
    esac
    echo '</dict></plist>'
}

# plist LABEL [XML]: the same as a file; its path goes to the variable plist.
plist() {
    plist=$BATS_TEST_TMPDIR/$1.plist
    plist_text "$@" >"$plist"
}

# key NAME VALUE: VALUE is an integer, a boolean or a string.
key() {
    case $2 in
    true | false) echo "<key>$1</key><$2/>" ;;
    *[!0-9]* | '') echo "<key>$1</key><string>$2</string>" ;;
    *) echo "<key>$1</key><integer>$2</integer>" ;;
    esac
}

# with_job [OPTION]... <<SCRIPT: runs in a sandbox whose launchd has $plist. The
# script can use ask COMMAND, field NAME, wait_for STATE and notes; the job's
# label is "job".
with_job() {
    sandbox --plist "$plist" "$@" <<SCRIPT
$(cat <<'PRELUDE'
touch /run/notes
chmod 666 /run/notes
ask() { "$tools/standin-job" ask "${2-job}" "$1"; }
field() {
    launchctl print "${2-system/job}" | sed -n "s/^\t$1 = //p"
}
wait_for() { launchctl standin-wait system/job "$1" "$guard"; }
notes() { tr '\n' ' ' </run/notes; }
now() { awk '{ print int($1 * 1000) }' /proc/uptime; }
PRELUDE
cat)
SCRIPT
}
