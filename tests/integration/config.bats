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

# What -n and the daemon report about the same files: as root, as a user
# checking a draft of his own, and about the installed file.
@test "a file that passes the check is accepted by the daemon" {
    # Goal: the check judges owner, mode and links as the daemon does (S15).
    sandbox <<'SCRIPT'
installed='/Library/Application Support/com.github.nirs.vmnet-broker/networks.json'
status=0
check() {
    status=0
    setpriv --reuid "$1" --regid "$1" --clear-groups -- \
        build/linux/plain/bin/vmnet-broker -n "${@:2}" >"$T/check.out" 2>&1 ||
        status=$?
}
# judged STATUS LINE: the last check printed this line, or nothing.
judged() {
    expect "exit status" "$1" "$status"
    expect "message" "${2-}" "$(cat "$T/check.out")"
}
# both LINE: it is an error for root and for the installed file, and a warning
# for a draft of alice's.
both() {
    check root -c "$draft"
    judged 1 "$draft: the daemon would refuse it: ${1//FILE/$draft}"
    check alice -c "$draft"
    judged 0 "$draft: warning: the daemon would refuse it: ${1//FILE/$draft}"
    rm -f "$installed"
    cp -P --preserve=all "$draft" "$installed"
    for user in root alice; do
        check "$user"
        judged 1 "$installed: the daemon would refuse it: ${1//FILE/$installed}"
    done
}
draft=$T/draft.json
echo '{}' >"$draft"
chmod 644 "$draft"
check root -c "$draft"
judged 0
check alice -c "$draft"
judged 0
check alice
judged 0

chmod 664 "$draft"
both 'writable by group or others: run `sudo chmod go-w "FILE"`'
chmod 644 "$draft"
chown alice "$draft"
both 'its owner is alice, not root: run `sudo chown root "FILE"`'
# The daemon agrees.
ask command=string:status >"$T/status.out"
wait_log 'config: .*networks.json: its owner is alice, not root: run'
chown root "$draft"
mv "$draft" "$draft.right"
ln -s "$draft.right" "$draft"
both 'a symbolic link: put the file itself in its place'
rm "$draft"
mv "$draft.right" "$draft"
chown root:alice "$draft"
chmod 640 "$draft"
both 'the user _vmnetbroker may not read it: run `sudo chmod a+r "FILE"`'
chmod 600 "$draft"
check alice -c "$draft"
expect "unreadable" 1 "$status"
grep -q "^$draft: Permission denied" "$T/check.out"
# An error in the text of a draft is an error, whichever user owns it.
echo '{' >"$draft"
chmod 644 "$draft"
chown alice "$draft"
check alice -c "$draft"
expect "status" 1 "$status"
expect "lines" 2 "$(wc -l <"$T/check.out")"
SCRIPT
}

@test "a syntax error leaves the built-in networks working" {
    # Goal: only the networks of the file are lost, and a client that requests
    # one of them gets the place of the error.
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

@test "an error affects only its own network" {
    # Goal: the other networks of the file work as configured, a client that
    # requests the broken one gets the line and the reason, and the log has all
    # errors.
    cat >"$file" <<'JSON'
{
    "lab": { "mode": "host", "subnet": "10.11.12.0/24" },
    "web": { "mode": "shared", "mtu": "big",
             "subent": "10.11.13.0/24" },
    "host": { "mode": "host", "subnet": "10.11.12.128/29" }
}
JSON
    sandbox --config "$file" <<'SCRIPT'
start lab alice acquire lab
wait_line lab '^subnet   10\.11\.12\.0/24$'
start shared alice ping -c 1 shared
wait_exit shared
expect "shared" 0 "$status"
for name in web host; do
    start "$name" alice "$tools/ask" command=string:acquire \
        network_name=string:$name
    wait_line "$name" '^error int64 9'
done
wait_line host '^error_message string .*networks.json:5:41: host.subnet: .* overlaps lab.subnet, 10.11.12.0/24'
wait_log 'config: .*networks.json:4:14: web: unknown key "subent": did you mean "subnet"'
SCRIPT
}

@test "the log does not list too many errors" {
    # Goal: the log has a limited number of errors and says how to see the rest.
    {
        printf '{"a": {"mode": "none"}'
        for i in $(seq 40); do
            printf ',\n"n%d": 1' "$i"
        done
        printf '}\n'
    } >"$file"
    check
    [ "${#lines[@]}" -eq 41 ]
    sandbox --config "$file" <<'SCRIPT'
ask command=string:status >"$T/status.out"
wait_log 'config: .*networks.json:[0-9]*:[0-9]*: ' 32
wait_log 'config: 9 more errors: run vmnet-broker -n to see them all'
SCRIPT
}

@test "a network has the configured subnet" {
    # Goal: the network is created as the file defines it.
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

@test "reservations, rules and switches take effect as configured" {
    # Goal: vmnet creates what the file defines for a network, and guests get
    # it.
    cat >"$file" <<'JSON'
{
    "web": {
        "description": "all that there is",
        "mode": "shared",
        "subnet": "10.11.12.0/24",
        "ipv6_prefix": "fd12:3456:789a:1::/64",
        "external_interface": "en0",
        "nat66": false,
        "mtu": 1400,
        "dhcp_reservations": [
            { "mac_address": "52:54:00:12:34:56",
              "ip_address": "10.11.12.77", "name": "www" }
        ],
        "port_forwarding_rules": [
            { "protocol": "tcp", "external_port": 8080,
              "internal_address": "www", "internal_port": 80 },
            { "protocol": "udp", "external_port": 5353,
              "internal_address": "10.11.12.78", "internal_port": 53 }
        ]
    },
    "quiet": { "mode": "host", "dhcp": false, "anchor": false, "linger": 0 }
}
JSON
    sandbox --config "$file" <<'SCRIPT'
start www alice ping -c 0 -H -m 52:54:00:12:34:56 web
wait_line www '^holding 10\.11\.12\.77 '
build/linux/plain/bin/vmnetctl >"$T/networks.out"
grep -q '^network .* subnet=10\.11\.12\.1/24 prefix=fd12:3456:789a:1::/64 mtu=1400 .* external=en0 reservations=1 rules=2 ' \
    "$T/networks.out" || fail "another network"
nft list ruleset >"$T/nft.out"
grep -q 'tcp dport 8080 .*10\.11\.12\.77:80' "$T/nft.out" || fail "no rule for 8080"
grep -q 'udp dport 5353 .*10\.11\.12\.78:53' "$T/nft.out" || fail "no rule for 5353"
# Without an anchor, only the guest is on the network, which is released at
# once.
start quiet bob acquire quiet
wait_line quiet '^holding '
build/linux/plain/bin/vmnetctl >"$T/networks.out"
grep -q '^network .*mode=host .* reservations=0 rules=0 interfaces=0' \
    "$T/networks.out" || fail "an anchor"
stop quiet INT
wait_log 'network quiet: released'
SCRIPT
}

@test "two users, one of them allowed, and a reload while a network is held" {
    # Goal: "allow" is applied on each acquire. SIGHUP takes no network from its
    # holders, and an invalid edit changes nothing.
    cat >"$file" <<'JSON'
{
    "lab": { "mode": "host", "subnet": "10.11.12.0/24",
             "allow": { "users": ["alice"] } },
    "team": { "mode": "host", "allow": { "groups": ["bob"] } }
}
JSON
    sandbox --config "$file" <<'SCRIPT'
installed='/Library/Application Support/com.github.nirs.vmnet-broker/networks.json'
# refused USER NETWORK
refused() {
    as "$1" "$tools/ask" command=string:acquire "network_name=string:$2" \
        >"$T/refused.out"
    grep -q '^error int64 3$' "$T/refused.out" || fail "$1 may use $2"
    grep -q "may not use the network $2: its \"allow\" in networks.json" \
        "$T/refused.out" || fail "no sentence"
}
start guest alice ping -i 0.2 -c 10000 lab 10.11.12.1
wait_line guest 'icmp_seq=2 '
refused bob lab
refused alice team
start team bob acquire team
wait_line team '^holding '
start root root acquire lab
wait_line root '^subnet   10\.11\.12\.0/24$'
stop root INT

sed 's/10.11.12.0/10.11.13.0/; s/alice/bob/' "$installed" >"$T/new.json"
cat "$T/new.json" >"$installed"
kill -HUP "$(broker_pid)"
wait_log 'network lab: changes when it is no longer in use'
seen=$(grep -c icmp_seq "$T/guest.out")
wait_line guest 'icmp_seq=' $((seen + 3))
refused alice lab
echo '{' >"$installed"
ask command=string:reload | has '^error int64 9$' || fail "taken"
stop guest INT
wait_log 'network lab: released'
start guest bob ping -c 1 lab 10.11.13.1
wait_exit guest
expect "the new subnet" 0 "$status"
SCRIPT
}
