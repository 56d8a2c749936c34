# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# How the options of networks.json affect the packets of guests.

load helper

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return
    file=$BATS_TEST_TMPDIR/networks.json
}

@test "reservations and forwarded ports outlive all guests with an anchor" {
    # Goal: reservations lapse with the last interface, as on macOS; the anchor
    # keeps them, and without an anchor they are lost.
    cat >"$file" <<'JSON'
{
    "web": {
        "mode": "shared", "subnet": "10.11.12.1/24", "linger": 3600,
        "dhcp_reservations": [
            { "mac_address": "52:54:00:12:34:56",
              "ip_address": "10.11.12.77", "name": "www" },
            { "mac_address": "52:54:00:12:34:59",
              "ip_address": "10.11.12.99" }
        ],
        "port_forwarding_rules": [
            { "protocol": "tcp", "external_port": 8080,
              "internal_address": "www", "internal_port": 80 },
            { "protocol": "udp", "external_port": 5353,
              "internal_address": "www", "internal_port": 53 }
        ]
    },
    "bare": {
        "mode": "shared", "subnet": "10.11.13.0/24", "linger": 3600,
        "anchor": false,
        "dhcp_reservations": [
            { "mac_address": "52:54:00:12:34:57",
              "ip_address": "10.11.13.77", "name": "www" },
            { "mac_address": "52:54:00:12:34:58",
              "ip_address": "10.11.13.99" }
        ],
        "port_forwarding_rules": [
            { "protocol": "tcp", "external_port": 8081,
              "internal_address": "www", "internal_port": 80 }
        ]
    }
}
JSON
    guests --config "$file" --vmnetd-opt --quirk \
        --vmnetd-opt lapse-reservations <<'SCRIPT'
# expect_tcp NAME PORT: TCP from another machine reaches the guest.
expect_tcp() {
    start "$1-tcp" root nsenter -t "$(pid_of "$1")" -n -- \
        sh -c 'echo hello | nc -v -n -l -N 80'
    wait_line "$1-tcp" '^Listening on'
    expect "TCP to port $2" hello "$(world nc -n -d -w 5 198.51.100.2 "$2")"
    wait_exit "$1-tcp"
}
# The guest leaves; the network lingers, with its anchor or without.
release() {
    stop "$1"
    settle "holders $2" 0
}
for time in first second; do
    guest www --network web --mac 52:54:00:12:34:56
    expect "the $time address" 10.11.12.77 "$address"
    expect "the $time answer to a client that asks" "string $address" \
        "$(ask command=string:acquire network_name=string:web \
            mac_address=string:52:54:00:12:34:56 |
            sed -n 's/^info\.reservation //p')"
    wait_line www '^ready 10\.11\.12\.77 10\.11\.12\.1$'
    reach www 10.11.12.1
    expect_tcp www 8080
    start udp root nsenter -t "$(pid_of www)" -n -- nc -v -n -u -l 53
    wait_line udp '^Bound on'
    world nc -n -u -w 1 198.51.100.2 5353 <<<"by UDP"
    wait_line udp '^by UDP$'
    stop udp
    release www web
done
# This guest had no lease that could have kept its address.
guest late --network web --mac 52:54:00:12:34:59
expect "the reserved address after all have gone" 10.11.12.99 "$address"
guest bare --network bare --mac 52:54:00:12:34:57
expect "the address without an anchor" 10.11.13.77 "$address"
expect_tcp bare 8081
release bare bare
# The first guest has its address from its lease; the other had no lease.
guest again --network bare --mac 52:54:00:12:34:57
expect "the address by a lease" 10.11.13.77 "$address"
guest other --network bare --mac 52:54:00:12:34:58
[ "$address" != 10.11.13.99 ] || fail "the reservation is still there"
start lost root nsenter -t "$(pid_of again)" -n -- \
    sh -c 'echo hello | nc -v -n -l -N 80'
wait_line lost '^Listening on'
if world nc -n -d -w 2 198.51.100.2 8081; then
    fail "the rule is still there"
fi
SCRIPT
}

@test "external_interface: the packets of that network leave there" {
    # Goal: of two external interfaces, each network uses its own, in both
    # protocols and for forwarded ports. Nothing is left when the networks are
    # gone.
    cat >"$file" <<'JSON'
{
    "usual": { "mode": "shared", "subnet": "10.11.12.0/24", "linger": 0 },
    "lte": { "mode": "shared", "subnet": "10.11.13.0/24", "linger": 0,
        "external_interface": "en1",
        "dhcp_reservations": [
            { "mac_address": "52:54:00:12:34:56",
              "ip_address": "10.11.13.77", "name": "www" }
        ],
        "port_forwarding_rules": [
            { "protocol": "tcp", "external_port": 8080,
              "internal_address": "www", "internal_port": 80 }
        ] },
    "dead": { "mode": "shared", "subnet": "10.11.14.0/24", "linger": 0,
              "external_interface": "en2" }
}
JSON
    guests --config "$file" <<'SCRIPT'
# connect_to_external INTERFACE IPV4 IPV6: connects the Mac to the external
# network, without a route through that interface.
connect_to_external() {
    ip link add "$1" type veth peer name "mac-$1" netns world
    ip address add "$2.2/24" dev "$1"
    ip address add "$3::2/64" dev "$1" nodad
    ip link set "$1" up
    world ip address add "$2.1/24" dev "mac-$1"
    world ip address add "$3::1/64" dev "mac-$1" nodad
    world ip link set "mac-$1" up
}
# expect_source NAME TO FROM: the guest's packets to this address of the external
# network have that source address.
expect_source() {
    start server root nsenter --net=/run/netns/world -- nc -v -n -l -N "$2" 81
    wait_line server '^Listening on'
    within "$1" nc -n -N -w 5 "$2" 81 </dev/null >/dev/null || :
    expect "$1 comes to $2 from" "$3" \
        "$(wait_line server '^Connection received' | cut -d' ' -f4)"
    wait_exit server
}
connect_to_external en1 198.18.1 2001:db8:11
connect_to_external en2 198.18.2 2001:db8:12
ip route add default via 198.18.1.1 dev en1 metric 200
ip -6 route add default via 2001:db8:11::1 dev en1 metric 2048
rules=$(ip rule; ip -6 rule)

guest usual --network usual
guest lte --network lte --mac 52:54:00:12:34:56
expect "the address" 10.11.13.77 "$address"
expect_source usual "$outside" 198.51.100.2
expect_source lte "$outside" 198.18.1.2
address6 usual
address6 lte
expect_source usual "$outside6" 2001:db8:1::2
expect_source lte "$outside6" 2001:db8:11::2
# The Mac's own routes are unchanged, and the other network is still
# unreachable.
reach lte 10.11.13.1
no_reach lte 10.11.12.1

start served root nsenter -t "$(pid_of lte)" -n -- \
    sh -c 'echo hello | nc -v -n -l -N 80'
wait_line served '^Listening on'
! world nc -n -d -w 2 198.51.100.2 8080 || fail "the port on en0"
expect "the port on en1" hello "$(world nc -n -d -w 5 198.18.1.2 8080)"

# An interface without a default route does not lead outside.
guest dead --network dead
reach dead 10.11.14.1
no_reach dead "$outside"

for name in usual lte dead; do
    stop "$name"
    wait_log "network $name: released"
done
expect "rules" "$rules" "$(ip rule; ip -6 rule)"
expect "routes" 0 "$(ip route show table all | grep -c 'table 1[0-9][0-9]')"
SCRIPT
}

@test "each switch turns off what it names, and nothing else" {
    # Goal: this covers NAT for each protocol, DHCP, DNS and router
    # advertisements. All are on by default.
    cat >"$file" <<'JSON'
{
    "all": { "mode": "shared", "subnet": "10.11.10.0/24" },
    "nat44": { "mode": "shared", "subnet": "10.11.11.0/24", "nat44": false },
    "nat66": { "mode": "shared", "subnet": "10.11.12.0/24", "nat66": false },
    "dhcp": { "mode": "shared", "subnet": "10.11.13.0/24", "dhcp": false },
    "dns": { "mode": "shared", "subnet": "10.11.14.0/24", "dns_proxy": false },
    "ra": { "mode": "shared", "subnet": "10.11.15.0/24",
            "router_advertisement": false }
}
JSON
    guests --config "$file" <<'SCRIPT'
# gets_lease NAME: a DHCP server offers an address. Two seconds are ample.
gets_lease() {
    within "$1" busybox udhcpc -i eth0 -n -q -f -t 2 -T 1 -s /bin/true \
        >"$T/udhcpc.out" 2>&1
}
# resolves NAME GATEWAY
resolves() {
    within "$1" timeout 5 busybox nslookup -type=a world.example "$2" \
        >"$T/dns.out" 2>&1
}
snmp6_counter() {
    within "$1" awk -v name="$2" '$1 == name { print $2 }' /proc/self/net/snmp6
}
guest all --network all
reach all "$outside"
all6=$(address6 all)
reach all "$outside6"
gets_lease all || fail "no lease by default"
resolves all 10.11.10.1 || fail "no DNS by default"

guest nat44 --network nat44
nat44=$(address6 nat44)
no_reach nat44 "$outside"
reach nat44 "$outside6"

guest nat66 --network nat66
within nat66 ip -6 route add default \
    via "$(address6 nat66 | cut -d: -f1-4)::1"
reach nat66 "$outside"
no_reach nat66 "$outside6"

guest dhcp --network dhcp --address 10.11.13.9/24
reach dhcp "$outside"
! gets_lease dhcp || fail "a lease without DHCP"
resolves dhcp 10.11.13.1 || fail "DNS went with DHCP"

guest dns --network dns
reach dns "$outside"
! resolves dns 10.11.14.1 || fail "DNS without a proxy"

guest ra --network ra
for _ in $(seq 300); do
    [ "$(snmp6_counter ra Icmp6OutRouterSolicits)" = 0 ] || break
done
[ "$(snmp6_counter ra Icmp6OutRouterSolicits)" -gt 0 ] || fail "nobody asked"
# One server answers both clients, so its reply to the first precedes these.
resolves ra 10.11.15.1
resolves ra 10.11.15.1
expect "advertisements" 0 "$(snmp6_counter ra Icmp6InRouterAdvertisements)"
expect "IPv6 of ra" "" "$(within ra ip -6 -o addr show dev eth0 scope global)"
SCRIPT
}

@test "guests get the configured MTU and IPv6 prefix" {
    # Goal: the guest receives both, and a packet one byte larger than the MTU
    # is not delivered.
    cat >"$file" <<'JSON'
{
    "small": { "mode": "shared", "subnet": "10.11.12.0/24", "mtu": 1400,
               "ipv6_prefix": "fd12:3456:789a:1::/64" },
    "usual": { "mode": "shared", "subnet": "10.11.13.0/24" }
}
JSON
    guests --config "$file" <<'SCRIPT'
# passes_whole NAME ADDRESS SIZE: one packet of this size, not in fragments.
passes_whole() {
    within "$1" $ping -q -c 1 -W "${4-5}" -M "do" -s $(($3 - 28)) "$2" \
        >"$T/ping.out" 2>&1
}
guest small --network small
[[ $(address6 small) == fd12:3456:789a:1:* ]] || fail "another prefix"
reach small fd12:3456:789a:1::1
expect "advertised" 1400 "$(within small cat /proc/sys/net/ipv6/conf/eth0/mtu)"
passes_whole small 10.11.12.1 1400 || fail "1400 bytes do not pass"
! passes_whole small 10.11.12.1 1401 1 || fail "1401 bytes pass"
guest usual --network usual
[[ $(address6 usual) != fd12:3456:789a:1:* ]] || fail "the same prefix"
expect "advertised" 1500 "$(within usual cat /proc/sys/net/ipv6/conf/eth0/mtu)"
passes_whole usual 10.11.13.1 1500 || fail "1500 bytes do not pass"
SCRIPT
}
