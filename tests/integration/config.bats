# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# Errors that people make in networks.json: each is one line with the exact
# place, and the valid parts stay in effect.

load helper

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return
    file=$BATS_TEST_TMPDIR/networks.json
    umask 022
}

# check [FILE]: sets status and output, as the caller sees them.
check() {
    run build/linux/plain/bin/vmnet-broker -n -c "${1-$file}"
}

# all LINE...: the output is exactly these lines, each without the file's name.
all() {
    check
    echo "$output"
    [ "$status" -eq 1 ]
    [ "$output" = "$(printf "$file%s\n" "$@")" ]
}

# refused PLACE WORDS: the output is one line with the file, the place and the
# reason.
refused() {
    check
    echo "$output"
    [ "$status" -eq 1 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == *"$file$1: "* ]]
    [[ $output == *"$2"* ]]
}

@test "the shipped file is valid" {
    # Goal: the broker accepts the file that it is installed with.
    cat broker/networks.json >"$file"
    check
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

@test "a valid file is confirmed on a terminal" {
    # Goal: a person sees that the file is valid, and a script gets no output.
    cat broker/networks.json >"$file"
    run script -q -e -c "build/linux/plain/bin/vmnet-broker -n \
        -c $file" /dev/null </dev/null
    [ "$status" -eq 0 ]
    [[ $output == "ok: 3 networks"* ]]
}

@test "the broker explains itself when started by hand" {
    # Goal: a person who runs it sees how it is used.
    sandbox --no-daemon <<'SCRIPT'
status=0
build/linux/plain/bin/vmnet-broker 2>"$T/broker.out" || status=$?
expect "status" 1 "$status"
grep '^vmnet-broker: launchd starts this program' "$T/broker.out"
grep 'launchctl print system/com.github.nirs.vmnet-broker$' "$T/broker.out"
SCRIPT
}

@test "a file that is given without its option is not ignored" {
    # Goal: the message names the option; -n alone would check another file.
    run build/linux/plain/bin/vmnet-broker -n "$file"
    [ "$status" -eq 2 ]
    [ "${lines[0]}" = "vmnet-broker: unexpected argument \"$file\": the option for a configuration is -c file" ]
    [[ ${lines[1]} == 'usage: vmnet-broker '* ]]
}

@test "a missing file is named" {
    # Goal: the message says which file is missing.
    check "$BATS_TEST_TMPDIR/missing.json"
    [ "$status" -eq 1 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == *"missing.json"*"no such file"* ]]
}

@test "a missing comma is reported at its place" {
    # Goal: the most frequent error is located exactly.
    printf '{\n  "a": {"mode": "shared"}\n  "b": {"mode": "host"}\n}\n' >"$file"
    refused :3:3 "write a comma before it"
}

@test "an empty file and one with trailing text are refused" {
    # Goal: neither is valid JSON.
    : >"$file"
    refused :1:1 "the file is empty"
    printf '{"a": {"mode": "host"}} x\n' >"$file"
    refused :1:25 "nothing may follow"
}

@test "all errors are reported at once" {
    # Goal: one run of the check reports all errors.
    cat >"$file" <<'JSON'
{
    "Web": {},
    "lab": {
        "mode": "hots",
        "subent": "10.1.2.0/24"
    },
    "net": {
        "subnet": "10.1.2.3/24",
        "mode": null
    }
}
JSON
    all ':2:5: "Web" is not a network name: [a-z0-9][a-z0-9._-]{0,62}' \
        ':4:17: lab.mode: "hots" is not "shared" or "host": did you mean "host"?' \
        ':5:9: lab: unknown key "subent": did you mean "subnet"?' \
        ":8:19: net.subnet: \"10.1.2.3/24\" is not a subnet: the address is neither the network's nor the gateway's; did you mean 10.1.2.0/24?" \
        ':9:17: net.mode: must be a string, not null'
}

@test "a number in place of a string is refused" {
    # Goal: types are not converted.
    printf '{\n  "a": {\n    "mode": 1\n  }\n}\n' >"$file"
    refused :3:13 a.mode
    printf '{\n  "a": {"mode": "host", "subnet": 192}\n}\n' >"$file"
    refused :2:35 a.subnet
}

@test "an unknown key is an error" {
    # Goal: a misspelt key is not ignored; its name is printed.
    printf '{\n  "a": {"mode": "host",\n    "subnets": "10.0.0.0/24"}\n}\n' \
        >"$file"
    refused :3:5 subnets
}

@test "a duplicate key is an error" {
    # Goal: of two contradicting values, neither is silently preferred.
    printf '{\n  "a": {"mode": "host",\n    "mode": "shared"}\n}\n' >"$file"
    refused :3:5 mode
    printf '{\n  "a": {"mode": "host"},\n  "a": {"mode": "host"}\n}\n' >"$file"
    refused :3:3 a
}

@test "an unknown mode is refused" {
    # Goal: the message lists the valid modes.
    printf '{"a": {"mode": "bridged"}}\n' >"$file"
    refused :1:16 bridged
}

@test "invalid subnets are refused" {
    # Goal: the broker refuses subnets that vmnet would refuse or handle
    # wrongly.
    for subnet in '' 10.0.0.0 10.0.0.0/ 10.0.0/24 10.0.0.0/24/ 10.0.0.0/33 \
        10.0.0.0/-1 10.0.0.0/024x 10.0.0.0/15 10.0.0.0/30 256.0.0.0/24 \
        8.8.8.0/24 172.32.0.0/24 192.169.0.0/24 10.0.0.5/24 fd00::/64; do
        printf '{"a": {"mode": "host", "subnet": "%s"}}\n' "$subnet" >"$file"
        refused :1:34 a.subnet
    done
}

@test "invalid names are refused" {
    # Goal: a network that no client could request is not defined.
    for name in '' A a/b '-a' 'a b' "$(printf 'a%.0s' $(seq 64))"; do
        printf '{"%s": {"mode": "host"}}\n' "$name" >"$file"
        refused :1:2 ''
    done
}

@test "a built-in network cannot have another mode" {
    # Goal: "host" is always a host network.
    printf '{"host": {"mode": "shared"}}\n' >"$file"
    refused :1:19 host.mode
}

@test "a path that is not a regular file is refused" {
    # Goal: only regular files are read (S15), and the broker does not block on
    # anything else.
    mkdir "$file"
    check
    [ "$status" -eq 1 ]
    [[ ${lines[0]} == "$file: Is a directory" ]]
    rmdir "$file"
    mkfifo "$file"
    refused '' 'not a regular file'
    rm "$file"
    truncate -s 1G "$file"
    refused '' '64 KiB'
    check /dev/zero
    [ "$status" -eq 1 ]
    [[ ${lines[0]} == '/dev/zero: not a regular file' ]]
}
