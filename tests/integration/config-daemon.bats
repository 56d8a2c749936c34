# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# networks.json as the daemon reads it: the valid parts take effect, and errors
# affect only what they must.

load helper

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return
    file=$BATS_TEST_TMPDIR/networks.json
    umask 022
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
    run build/linux/plain/bin/vmnet-broker -n -c "$file"
    [ "${#lines[@]}" -eq 41 ]
    sandbox --config "$file" <<'SCRIPT'
ask command=string:status >"$T/status.out"
wait_log 'config: .*networks.json:[0-9]*:[0-9]*: ' 32
wait_log 'config: 9 more errors: run vmnet-brokerctl check to see them all'
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
