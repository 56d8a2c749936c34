# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
# shellcheck shell=bash
#
# For the .bats files: each test is a script that runs in a fresh sandbox.

load ../integration/plist

# sandbox [OPTION]... <<'SCRIPT': the options are those of tests/linux/run. The
# script's output is shown when the test fails.
sandbox() {
    tests/linux/run "$@" -- \
        bash -c ". tests/integration/sandbox.bash
$(cat)"
}

# options KEYS: prints a configuration with these keys of "$options", and with
# the built-in networks.
options() {
    # shellcheck disable=SC2016 # "$options" is a key
    printf '{"$options": {%s}, "default": {"mode": "shared"}}\n' "$1" \
        >"$BATS_TEST_TMPDIR/options.json"
    echo "$BATS_TEST_TMPDIR/options.json"
}

# Like sandbox, with a broker under the sanitizers, which must report nothing.
sanitized() {
    sandbox --broker build/linux/asan/bin/vmnet-broker \
        --daemon-env ASAN_OPTIONS=log_path=/run/report/asan \
        --daemon-env UBSAN_OPTIONS=log_path=/run/report/ubsan "$@" <<SCRIPT
install -d -m 777 /run/report
$(cat)
no_reports
SCRIPT
}

# The same for scripts whose guests use the kernel's own network stack
# (tools/guest): their common functions come first.
guests() {
    sandbox "$@" <<SCRIPT
guest=\$tools/guest
ping=/usr/bin/ping # not our example
outside=203.0.113.1 outside6=2001:db8:2::1

# within NAME COMMAND...: runs the command in the guest's namespace.
within() {
    local name=\$1
    shift
    nsenter -t "\$(pid_of "\$name")" -n -- "\$@"
}

reach() {
    within "\$1" \$ping -q -c 1 -W 5 "\$2" >"\$T/ping.out" 2>&1 ||
        fail "\$1 does not reach \$2"
}

# One second is ample: replies take less than a millisecond. A ping that could
# not be sent proves nothing; its status is 2.
no_reach() {
    local result=0
    within "\$1" \$ping -q -c 1 -W 1 "\$2" >"\$T/ping.out" 2>&1 || result=\$?
    expect "\$1 pings \$2" 1 \$result
}

# guest NAME OPTION...: starts a guest on the network and sets the variable to
# its address.
guest() {
    local name=\$1
    shift
    start "\$name" root "\$guest" "\$@"
    address=\$(wait_line "\$name" '^ready ' | cut -d' ' -f2)
}

address6() {
    wait_line "\$1" '^address6 ' | cut -d' ' -f2
}

world() {
    nsenter --net=/run/netns/world -- "\$@"
}

$(cat)
SCRIPT
}

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return
}
