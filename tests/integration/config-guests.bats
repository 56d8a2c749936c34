# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# The network of a guest: when it exists, and what happens if its subnet is in use.

load helper

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return
    file=$BATS_TEST_TMPDIR/networks.json
}

@test "a subnet in use is refused if required, avoided if preferred" {
    # Goal: the error names the conflicting interface, route, or bridge of
    # another vmnet network.
    cat >"$file" <<'JSON'
{
    "address": { "mode": "shared", "subnet": "10.11.12.0/24" },
    "route": { "mode": "shared", "subnet": "10.11.13.0/24",
               "subnet_policy": "require" },
    "around": { "mode": "shared", "subnet": "10.11.14.0/24",
                "subnet_policy": "prefer" },
    "taken": { "mode": "shared", "subnet": "10.11.15.0/24" },
    "within": { "mode": "host", "subnet": "10.11.16.128/25" },
    "beside": { "mode": "shared", "subnet": "10.11.17.0/24",
                "subnet_policy": "prefer" }
}
JSON
    guests --config "$file" <<'SCRIPT'
ip address add 10.11.12.9/24 dev en0
ip route add 10.11.13.0/25 via 198.51.100.1 dev en0
ip address add 10.11.14.9/24 dev en0
# refused NETWORK REASON
refused() {
    start "$1" root "$guest" --network "$1"
    wait_exit "$1"
    expect "$1" 1 "$status"
    expect "the reason" "guest: $1: $2" "$(cat "$T/$1.out")"
}
own="overlaps the Mac's own"
choose="choose another subnet in networks.json"
refused address \
    "the subnet 10.11.12.0/24 $own interface en0 (10.11.12.9/24): $choose"
refused route \
    "the subnet 10.11.13.0/24 $own route to 10.11.13.0/25 through en0: $choose"

# Networks of a program that does not use the broker conflict, too.
start_other() {
    guest "$1" --subnet "$2"
    bridge=$(ip -o route show "$3" | grep -o 'bridge[0-9]*')
}
vmnet="vmnet_network_create: VMNET_FAILURE (1001): the subnet is used by another network, that of the interface"
advice="choose another subnet, or stop what uses that network"
start_other other1 10.11.15.1/24 10.11.15.0/24
refused taken "$vmnet $bridge (10.11.15.1/24): $advice"
start_other other2 10.11.16.1/24 10.11.16.0/24
refused within "$vmnet $bridge (10.11.16.1/24): $advice"
start_other other3 10.11.17.1/24 10.11.17.0/24
guest beside --network beside
[[ $address != 10.11.17.* ]] || fail "$address is in use"
expect "what differs" \
    "subnet 10.11.17.0/24 is in use; using ${address%.*}.0/24" \
    "$(ask command=string:acquire network_name=string:beside |
        sed -n 's/^info\.differs[^ ]* string //p')"
reach beside "$outside"
reach other3 "$outside"
# The subnet is free again.
stop other1
guest taken --network taken
[[ $address == 10.11.15.* ]] || fail "$address is not of the subnet"

guest around --network around
[[ $address != 10.11.1[234].* ]] || fail "$address is in use"
wait_log 'network around: the subnet 10\.11\.14\.0/24 is used by the Mac'
reach around "${address%.*}.1"
reach around "$outside"
SCRIPT
}

@test "linger 0, persistent, and a reload with a guest running" {
    # Goal: a network exists as long as its entry says, on a clock that stands
    # still. New rules apply when the network is created again.
    cat >"$file" <<'JSON'
{
    "brief": { "mode": "shared", "subnet": "10.11.12.0/24", "linger": 0,
        "dhcp_reservations": [
            { "mac_address": "52:54:00:12:34:56",
              "ip_address": "10.11.12.77", "name": "www" }
        ],
        "port_forwarding_rules": [
            { "protocol": "tcp", "external_port": 8080,
              "internal_address": "www", "internal_port": 80 }
        ] },
    "usual": { "mode": "shared", "subnet": "10.11.13.0/24" },
    "kept": { "mode": "shared", "subnet": "10.11.14.0/24", "linger": 0,
              "persistent": true }
}
JSON
    guests --config "$file" --daemon-env STANDIN_CLOCK=/run/standin/clock \
        <<'SCRIPT'
installed='/Library/Application Support/com.github.nirs.vmnet-broker/networks.json'
# network_exists SUBNET: a bridge has the gateway's address of this subnet.
network_exists() {
    ip -4 -o address show | has " $1\.1/24 .*bridge1"
}
# port_answers PORT
port_answers() {
    [ "$(world nc -n -d -w 2 198.51.100.2 "$1")" = hello ]
}
serve() {
    start tcp root nsenter -t "$(pid_of www)" -n -- \
        sh -c 'echo hello | nc -v -n -l -N 80'
    wait_line tcp '^Listening on'
}
clock_create
status >/dev/null
for _ in $(seq 300); do
    ! network_exists '10\.11\.14' || break
done
network_exists '10\.11\.14' || fail "kept is not there before its first client"
guest kept --network kept
reach kept 10.11.14.1
stop kept
settle 'holders kept' 0

guest usual --network usual
guest www --network brief --mac 52:54:00:12:34:56
sed 's/8080/8090/; s/"persistent": true/"persistent": false/' "$installed" \
    >"$T/new.json"
network_exists '10\.11\.14' || fail "kept went with its client"
cat "$T/new.json" >"$installed"
kill -HUP "$(broker_pid)"
wait_log 'network brief: changes when it is no longer in use'
wait_log 'network kept: released'
! network_exists '10\.11\.14' || fail "kept is still there"
serve
! port_answers 8090 || fail "the new port before its time"
port_answers 8080 || fail "the old port has gone"
wait_exit tcp
stop usual
stop www
wait_log 'network brief: released'
! network_exists '10\.11\.12' || fail "brief is still there"
network_exists '10\.11\.13' || fail "usual has no linger"
guest www --network brief --mac 52:54:00:12:34:56
serve
! port_answers 8080 || fail "the old port"
port_answers 8090 || fail "the new port does not answer"
SCRIPT
}
