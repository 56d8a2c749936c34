# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
# shellcheck shell=bash
#
# The broker's property list, for tests in which it dies more than once.

# unthrottled [FOLDER]: prints the path of a property list with which launchd
# restarts a broker at once, and not 10 s after the last start. It is in the
# folder, or in that of the test.
unthrottled() {
    local plist=${1-$BATS_TEST_TMPDIR}/broker.plist

    awk '
        { print }
        /<\/array>/ && !done {
            print "<key>ThrottleInterval</key><integer>0</integer>"
            done = 1
        }' broker/com.github.nirs.vmnet-broker.plist >"$plist"
    echo "$plist"
}
