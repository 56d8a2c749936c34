# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# vmnet-brokerctl: each command in each situation. The files in ctl/ contain the
# commands, their output, standard error marked with "!", and the exit code if
# it is not 0. What differs between runs is replaced. (ctl-doctor.bats tests
# doctor; ctl-steer.bats tests watch where it does not fail.)

load ctl

# situation [OPTION]... <<'SCRIPT': like ctl_sandbox.
situation() {
    ctl_sandbox "$@" <<SCRIPT
$(
        cat <<'COMMON'
# answers NAME COMMAND...: runs each command of ctl/NAME.txt, using COMMAND.
answers() {
    local file=tests/integration/ctl/$1.txt line code
    shift
    grep -v '^#' "$file" | sed -n 's/^\$ vmnet-brokerctl //p' >"$T/commands"
    while IFS= read -r line; do
        code=0
        # shellcheck disable=SC2086 # words
        timeout "$guard" "$@" "$ctl" $line >"$T/stdout" 2>"$T/stderr" \
            </dev/null || code=$?
        [[ $line != *--json* ]] || [ ! -s "$T/stdout" ] ||
            python3 -m json.tool "$T/stdout" /dev/null || fail "$line: no JSON"
        echo
        echo "\$ vmnet-brokerctl $line"
        volatile <"$T/stdout"
        volatile <"$T/stderr" | sed 's/^/! /'
        [ $code -eq 0 ] || echo "exit $code"
    done <"$T/commands" >"$T/answers"
    expect "$file: some commands" true \
        "$([ "$(wc -l <"$T/commands")" -gt 30 ] && echo true)"
    grep -v '^#' "$file" | diff - "$T/answers" || fail "$file"
}
COMMON
        cat
    )
SCRIPT
}

# Two networks with a guest or a reservation, and one whose entry has an error.
networks() {
    cat >"$BATS_TEST_TMPDIR/networks.json" <<'JSON'
{
    "default": {"mode": "shared"},
    "lab": {"mode": "host", "subnet": "10.9.0.0/24", "dhcp_reservations": [
        {"mac_address": "02:00:00:00:00:09", "ip_address": "10.9.0.77"}]},
    "odd": {"mode": "hots"}
}
JSON
    echo "$BATS_TEST_TMPDIR/networks.json"
}

@test "root sees all clients, a user only his own" {
    # Goal: a user sees all networks, but only clients of his own.
    situation --config "$(networks)" <<'SCRIPT'
start guest alice ping -H -c 0 -m 52:54:00:00:00:0a default
wait_line guest '^holding'
start holder bob acquire lab
wait_line holder '^holding'
answers user $alice
answers root env
SCRIPT
}

@test "the commands of operations.md work" {
    # Goal: each command that is shown there works, in that order, whether in a
    # block or in a sentence. Those with sudo run as root and the others as a
    # user. (doctor is tested in ctl-doctor.bats, and the script with a VM in
    # vm/two-vms.bats.)
    # shellcheck disable=SC2016 # Markdown
    grep -oE '^    (sudo )?vmnet-brokerctl .*|`sudo vmnet-brokerctl [^`]*`' \
        docs/operations.md |
        sed 's/^ *//; s/`//g; s/  *#.*//; s/NAME/default/; s/make integration-test/true/' \
            >"$BATS_TEST_TMPDIR/commands"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/commands")" -ge 15 ]
    ctl_sandbox --plist "$(unthrottled)" <<SCRIPT
start guest bob ping -H -c 0 -m 52:54:00:12:34:56 default
wait_line guest '^holding'
while read -r line; do
    user=alice
    case \$line in
    *doctor) continue ;;
    sudo*) user=root ;;
    esac
    # shellcheck disable=SC2086 # words
    start command \$user $PWD/build/linux/plain/bin/\${line#sudo }
    case \$line in
    *watch)
        settle peers 3
        stop command
        continue
        ;;
    *drain*)
        wait_log 'asked to stop'
        stop guest
        ;;
    esac
    wait_exit command
    expect "\$line: \$(cat "\$T/command.out")" 0 "\$status"
    echo "\$line: \$status"
done <<'END'
$(cat "$BATS_TEST_TMPDIR/commands")
END
SCRIPT
}

@test "without a broker the commands exit with 3" {
    # Goal: the exit code is 3 for every command that needs a broker.
    situation --no-daemon <<'SCRIPT'
answers no-broker env
SCRIPT
}

@test "old brokers are supported" {
    # Goal: the tool reports what an old broker cannot do, and does the rest.
    situation --broker build/linux/plain/tools/old-broker <<'SCRIPT'
answers old-broker env
SCRIPT
    situation --broker build/linux/plain/tools/old-broker \
        --daemon-env OLDEST=1 <<'SCRIPT'
answers oldest-broker env
SCRIPT
}

@test "a broken configuration is shown" {
    # Goal: the built-in networks work, and the error is shown.
    echo '{"lab": }' >"$BATS_TEST_TMPDIR/networks.json"
    situation --plist "$(unthrottled)" --config "$BATS_TEST_TMPDIR/networks.json" <<'SCRIPT'
answers broken-configuration env
SCRIPT
}
