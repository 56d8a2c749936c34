# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# networks.json as people get it wrong: one line, with the exact place, and what
# was right goes on working.

load helper

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return
    file=$BATS_TEST_TMPDIR/networks.json
}

# check [FILE]: sets status and output, as the caller sees them.
check() {
    run build/linux/plain/bin/vmnet-broker -n -c "${1-$file}"
}

# refused PLACE WORDS: one line that names the file, the place and the reason.
refused() {
    check
    echo "$output"
    [ "$status" -eq 1 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == *"$file$1: "* ]]
    [[ $output == *"$2"* ]]
}

@test "the shipped file is right" {
    # Goal: nobody installs a file that the broker refuses.
    check broker/networks.json
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

@test "a good file, on a terminal" {
    # Goal: a person is told that it is good, and a script is not disturbed.
    run script -q -e -c "build/linux/plain/bin/vmnet-broker -n \
        -c broker/networks.json" /dev/null </dev/null
    [ "$status" -eq 0 ]
    [[ $output == "ok: 3 networks"* ]]
}

@test "the broker, started by hand" {
    # Goal: whoever tries it is told how it is used.
    sandbox --no-daemon <<'SCRIPT'
status=0
build/linux/plain/bin/vmnet-broker 2>"$T/broker.out" || status=$?
expect "status" 1 "$status"
grep '^vmnet-broker: launchd starts this program' "$T/broker.out"
grep 'launchctl print system/com.github.nirs.vmnet-broker$' "$T/broker.out"
SCRIPT
}

@test "no file" {
    # Goal: it says which file is missing.
    check "$BATS_TEST_TMPDIR/missing.json"
    [ "$status" -eq 1 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == *"missing.json"*"no such file"* ]]
}

@test "a comma is missing" {
    # Goal: the most frequent mistake is found where it is.
    printf '{\n  "a": {"mode": "shared"}\n  "b": {"mode": "host"}\n}\n' >"$file"
    refused :3:5 ''
}

@test "an empty file, and one with text behind the end" {
    # Goal: both are not JSON.
    : >"$file"
    refused :1:1 ''
    printf '{"a": {"mode": "host"}} x\n' >"$file"
    refused :1:25 ''
}

@test "a number for a string" {
    # Goal: a type is not guessed.
    printf '{\n  "a": {\n    "mode": 1\n  }\n}\n' >"$file"
    refused :3:13 a.mode
    printf '{\n  "a": {"mode": "host", "subnet": 192}\n}\n' >"$file"
    refused :2:35 a.subnet
}

@test "an unknown key" {
    # Goal: a misspelt key is not ignored; its name is told.
    printf '{\n  "a": {"mode": "host",\n    "subnets": "10.0.0.0/24"}\n}\n' \
        >"$file"
    refused :3:5 subnets
}

@test "a key twice" {
    # Goal: of two contradictions none is silently preferred.
    printf '{\n  "a": {"mode": "host",\n    "mode": "shared"}\n}\n' >"$file"
    refused :3:5 mode
    printf '{\n  "a": {"mode": "host"},\n  "a": {"mode": "host"}\n}\n' >"$file"
    refused :3:3 a
}

@test "an unknown mode" {
    # Goal: what there is to choose from is said.
    printf '{"a": {"mode": "bridged"}}\n' >"$file"
    refused :1:16 bridged
}

@test "bad subnets" {
    # Goal: what vmnet would refuse, or do wrong, does not get that far.
    for subnet in '' 10.0.0.0 10.0.0.0/ 10.0.0/24 10.0.0.0/24/ 10.0.0.0/33 \
        10.0.0.0/-1 10.0.0.0/024x 10.0.0.0/15 10.0.0.0/30 256.0.0.0/24 \
        8.8.8.0/24 172.32.0.0/24 192.169.0.0/24 10.0.0.5/24 fd00::/64; do
        printf '{"a": {"mode": "host", "subnet": "%s"}}\n' "$subnet" >"$file"
        refused :1:34 a.subnet
    done
}

@test "bad names" {
    # Goal: a network that nobody could ask for is not defined.
    for name in '' A a/b '-a' 'a b' "$(printf 'a%.0s' $(seq 64))"; do
        printf '{"%s": {"mode": "host"}}\n' "$name" >"$file"
        refused :1:2 ''
    done
}

@test "a built-in network with another mode" {
    # Goal: "host" is always what it says.
    printf '{"host": {"mode": "shared"}}\n' >"$file"
    refused :1:19 host.mode
}

@test "files that are not ours to read" {
    # Goal: nothing but a regular file that only its owner writes (S15), and
    # no waiting for what is not one.
    mkdir "$file"
    refused '' 'a directory'
    rmdir "$file"
    mkfifo "$file"
    refused '' 'not a regular file'
    rm "$file"
    truncate -s 1G "$file"
    refused '' '64 KiB'
    rm "$file"
    echo '{}' >"$file.right"
    ln -s "$file.right" "$file"
    refused '' 'a symbolic link'
    rm "$file"
    echo '{}' >"$file"
    for mode in 666 664 646; do
        chmod "$mode" "$file"
        refused '' 'writable by group or others'
    done
    chmod 644 "$file"
    check
    [ "$status" -eq 0 ]
    check /dev/zero
    [ "$status" -eq 1 ]
    [ "$output" = '/dev/zero: not a regular file' ]
}

@test "files of others" {
    # Goal: who may write the file decides what the broker does, so it must be
    # root's, or the caller's.
    sandbox <<'SCRIPT'
check() {
    setpriv --reuid "$1" --regid "$1" --clear-groups -- \
        build/linux/plain/bin/vmnet-broker -n -c "$T/networks.json" 2>&1 || :
}
echo '{}' >"$T/networks.json"
expect "root's, root" '' "$(check root)"
expect "root's, alice" '' "$(check alice)"
chown alice "$T/networks.json"
expect "alice's, alice" '' "$(check alice)"
for user in root bob; do
    case $(check "$user") in
    *networks.json:*'not owned by'*) ;;
    *) fail "alice's, $user" ;;
    esac
done
chown root "$T/networks.json"
chmod 600 "$T/networks.json"
case $(check alice) in
*networks.json:*denied*) ;;
*) fail "unreadable" ;;
esac
SCRIPT
}

@test "what was right goes on working" {
    # Goal: a mistake costs the networks of the file; who asks for one of them
    # is told the place.
    printf '{\n  "default": {"mode": "shared"\n}\n' >"$file"
    sandbox --config "$file" <<'SCRIPT'
start default alice "$tools/ask" command=string:acquire \
    network_name=string:default
wait_line default '^error_message string .*networks.json:4:'
start shared alice ping -c 1 shared
wait_exit shared
expect "shared" 0 "$status"
start host alice ping -c 1 host
wait_exit host
expect "host" 0 "$status"
SCRIPT
}

@test "subnets as configured" {
    # Goal: what the file says is what the network is.
    printf '{"lab": {"mode": "host", "subnet": "10.11.12.0/24"}}\n' >"$file"
    sandbox --config "$file" <<'SCRIPT'
start lab alice acquire lab
wait_line lab '^holding '
wait_line lab '^subnet   10\.11\.12\.0/24$'
wait_line lab '^gateway  10\.11\.12\.1$'
start guest bob ping -c 1 lab 10.11.12.1
wait_exit guest
expect "ping" 0 "$status"
SCRIPT
}
