# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# The networks of the stand-in, with guests that have the kernel's own network
# stack (tools/guest): what macOS's vmnet does for a VM.

load helper

@test "vmnet shared: guests of two processes reach the external network" {
    # Goal: several processes use one network, with NAT for both protocols.
    guests <<'SCRIPT'
guest a --subnet 10.1.1.1/24 --export "$T/network"
expect "a's address" 10.1.1.2 "$address"
guest b --import "$T/network"
expect "b's address" 10.1.1.3 "$address"
reach a 10.1.1.1
reach a 10.1.1.3
reach b 10.1.1.2
reach b "$outside"
b6=$(address6 b)
a6=$(address6 a)
reach a "$outside6"
reach a "$b6"
reach b "$a6"
expect "bridges" 1 "$(bridges)"
stop b
expect "b" 0 "$status"
reach a "$outside"
stop a
expect "a" 0 "$status"
expect "bridges" 0 "$(bridges)"
expect "vmnetd" "" "$(vmnetctl)"
SCRIPT
}

@test "vmnet host: guests reach the gateway and nothing beyond" {
    # Goal: no router is announced, and none would forward packets.
    guests <<'SCRIPT'
guest a --mode host
expect "router" none "$(wait_line a '^ready ' | cut -d' ' -f3)"
gateway=${address%.*}.1
reach a "$gateway"
gateway6=$(address6 a | cut -d: -f1-4)::1
reach a "$gateway6"
# This is so even for a guest that sets a route.
within a ip route add default via "$gateway"
within a ip -6 route add default via "$gateway6"
no_reach a "$outside"
no_reach a "$outside6"
SCRIPT
}

@test "vmnet: networks are isolated from each other" {
    # Goal: neither the guests nor the host's address on the other network are
    # reachable.
    guests <<'SCRIPT'
guest a --subnet 10.1.1.1/24
guest b --subnet 10.1.2.1/24
guest c --mode host --subnet 10.1.3.1/24
within c ip route add default via 10.1.3.1
for other in 10.1.2.2 10.1.2.1 10.1.3.2 10.1.3.1; do
    no_reach a "$other"
done
no_reach b 10.1.1.2
no_reach c 10.1.1.2
no_reach c 10.1.1.1
no_reach a "$(address6 b)"
reach a "$outside"
reach b "$outside"
SCRIPT
}

@test "vmnet: port forwarding from outside and from the host itself" {
    # Goal: TCP and UDP reach a guest with a reserved address.
    guests <<'SCRIPT'
mac=52:54:00:00:00:01
guest a --subnet 10.1.1.1/24 --reserve $mac=10.1.1.50 --mac $mac \
    --forward tcp:8080:10.1.1.50:80 --forward udp:5353:10.1.1.50:53
expect "reserved" 10.1.1.50 "$address"
# answer NAME ARGUMENT...: serves one connection, with nc.
answer() {
    local name=$1
    shift
    start "$name" root nsenter -t "$(pid_of a)" -n -- \
        sh -c 'echo hello | nc -v -n "$@"' sh "$@"
    wait_line "$name" '^(Listening|Bound) on'
}
answer tcp -l -N 80
expect "from the world" hello \
    "$(world nc -n -d -w 5 198.51.100.2 8080)"
wait_exit tcp
answer tcp -l -N 80
expect "from the host" hello "$(nc -n -d -w 5 127.0.0.1 8080)"
wait_exit tcp
answer udp -u -l 53
world nc -n -u -w 1 198.51.100.2 5353 <<<"by UDP"
wait_line udp '^by UDP$'
SCRIPT
}

@test "vmnet: before macOS 27 the host cannot reach a forwarded port" {
    # Goal: with --no-loopback-forwarding only other machines reach it.
    guests --vmnetd-opt --no-loopback-forwarding <<'SCRIPT'
mac=52:54:00:00:00:01
guest a --subnet 10.1.1.1/24 --reserve $mac=10.1.1.50 --mac $mac \
    --forward tcp:8080:10.1.1.50:80
start tcp root nsenter -t "$(pid_of a)" -n -- \
    sh -c 'echo hello | nc -v -n -l -N 80'
wait_line tcp '^Listening on'
if nc -n -d -w 5 127.0.0.1 8080; then
    fail "the host reaches it"
fi
expect "from the world" hello \
    "$(world nc -n -d -w 5 198.51.100.2 8080)"
SCRIPT
}

@test "vmnet: disabled features are off" {
    # Goal: this covers NAT of one protocol, DHCP and advertisements.
    guests <<'SCRIPT'
guest a --subnet 10.1.1.1/24 --no nat44
address6 a >"$T/address6"
no_reach a "$outside"
reach a "$outside6"
guest b --subnet 10.1.2.1/24 --no nat66
within b ip -6 route add default via "$(address6 b | cut -d: -f1-4)::1"
reach b "$outside"
no_reach b "$outside6"
guest c --subnet 10.1.3.1/24 --no dhcp --no ra --no dns \
    --address 10.1.3.9/24
reach c "$outside"
expect "IPv6 of c" "" "$(within c ip -6 -o addr show dev eth0 scope global)"
expect "servers" 2 "$(pgrep -c -P "$(pgrep -x vmnetd)" dnsmasq)"
SCRIPT
}

@test "vmnet: the network of a killed owner disappears" {
    # Goal: its guests lose the link, and the subnet can be used again.
    guests <<'SCRIPT'
guest a --subnet 10.1.1.1/24 --export "$T/network"
guest b --import "$T/network"
stop a KILL
wait_line b '^the network is gone'
wait_exit b
expect "b" 3 "$status"
# vmnetd tells the guests first: its answer comes when it is done.
build/linux/plain/bin/vmnetctl >"$T/networks"
expect "bridges" 0 "$(bridges)"
start c root "$guest" --import "$T/network"
wait_line c 'no interface: 1001'
guest d --subnet 10.1.1.1/24
SCRIPT
}

@test "vmnet: with the quirk a killed owner's subnet stays in use" {
    # Goal: only this subnet does, and until vmnetd starts again.
    guests --vmnetd-opt --quirk --vmnetd-opt orphan-subnets <<'SCRIPT'
guest a --subnet 10.1.1.1/24
stop a KILL
start b root "$guest" --subnet 10.1.1.1/24
wait_line b 'no network: 1001'
guest c --subnet 10.1.2.1/24
stop c
guest c --subnet 10.1.2.1/24
vmnetctl | has '^network .* state=orphaned .* subnet=10.1.1.1/24 ' ||
    fail "no orphan: $(vmnetctl)"
SCRIPT
}

@test "vmnet: TSO of a bridge" {
    # Goal: the broker's anchor keeps it on; one interface without offload takes
    # it from all that are on the bridge, as long as it is there.
    sandbox <<'SCRIPT'
tso() {
    vmnetctl | sed -n 's/^network .* bridge=bridge100 tso=//p'
}
start holder alice acquire default
wait_line holder '^holding '
for _ in $(seq 1000); do
    [ "$(tso)" = "" ] || break
done
expect "TSO with the anchor" on "$(tso)"
start without bob ping -H -c 0 default
wait_line without '^holding '
expect "TSO with an interface without offload" off "$(tso)"
expect "interfaces with offload" 1 "$(vmnetctl | grep -c ' offload=1 ')"
stop without
expect "without" 0 "$status"
expect "TSO when it has gone" on "$(tso)"
SCRIPT
}

@test "vmnet: a network of another executable on macOS 26.0 and 26.1" {
    # Goal: an interface on it ends the process with SIGTRAP there, one of the
    # same executable does not; from 26.2 on both work.
    guests <<'SCRIPT'
install -m 755 "$guest" "$T/other"
guest a --subnet 10.1.1.1/24 --export "$T/network"
for version in 26.0 26.1; do
    start other root env STANDIN_MACOS=$version "$T/other" \
        --import "$T/network"
    wait_exit other
    expect "another executable on $version" $((128 + 5)) "$status"
    wait_line other 'another executable created'
    start same root env STANDIN_MACOS=$version "$guest" --import "$T/network"
    wait_line same '^ready '
    stop same
    expect "the same executable on $version" 0 "$status"
done
start other root env STANDIN_MACOS=26.2 "$T/other" --import "$T/network"
wait_line other '^ready '
SCRIPT
}

@test "vmnetd: SIGTERM removes everything that it created" {
    # Goal: links, rules, settings, processes and files are gone, with guests
    # connected.
    guests <<'SCRIPT'
mkdir "$T/other"
export STANDIN_DIR=$T/other
cat >"$T/script" <<'INNER'
set -eu
ip link set lo up
nft list ruleset >"$1/rules"
sysctl -a 2>/dev/null | grep forwarding >"$1/settings"
touch "$1/vmnetd" "$1/guest" # before tail opens them
vmnetd >"$1/vmnetd" & vmnetd=$!
timeout 30 tail --pid=$vmnetd -s 0.05 -f "$1/vmnetd" | grep -q ready
"$2" --subnet 10.1.1.1/24 >"$1/guest" & guest=$!
timeout 30 tail --pid=$guest -s 0.05 -f "$1/guest" | grep -q ready
[ "$(pgrep -c -P $vmnetd dnsmasq)" = 1 ]
[ "$(nft list ruleset)" != "$(cat "$1/rules")" ]
kill $vmnetd
wait $vmnetd
wait $guest || [ $? = 3 ]
ip -o link | grep -v ' lo:' && exit 1
nft list ruleset | cmp - "$1/rules"
sysctl -a 2>/dev/null | grep forwarding | cmp - "$1/settings"
[ -z "$(ls "$STANDIN_DIR")" ]
INNER
unshare --net bash "$T/script" "$T" "$guest" || fail "something is left"
SCRIPT
}
