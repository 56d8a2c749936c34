# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# vmnet-brokerctl: what each command prints, as a table and as JSON, and its
# exit code. What differs between runs is replaced before the comparison.

load ctl

@test "usage is printed, and a missing broker is reported" {
    # Goal: every command explains itself, wrong ones exit with 2, and without a
    # broker the tool prints a sentence and exits with 3.
    ctl_sandbox --no-daemon <<'SCRIPT'
$ctl help >"$T/help"
$ctl --help | diff - "$T/help"
commands=$(sed -n 's/^  \([a-z]*\) .*/\1/p' "$T/help")
expect commands 16 "$(echo "$commands" | wc -l)"
for command in $commands; do
    $ctl help "$command" >"$T/one"
    grep -q "^usage: vmnet-brokerctl $command" "$T/one" || fail "$command"
    $ctl "$command" -h | diff - "$T/one"
    $ctl "$command" --help | diff - "$T/one"
    exits 2 "unknown option: --nonsense" $ctl "$command" --nonsense
    exits 2 "^usage: vmnet-brokerctl $command" $ctl "$command" a b c d e f g h i
done
for command in info ip hold recreate "ip default"; do
    exits 2 "an argument is missing" $ctl $command
done
exits 2 'no such command: "lst"' $ctl lst
exits 2 'usage: vmnet-brokerctl COMMAND' $ctl
exits 2 'is not a network name' $ctl info ../passwd
exits 2 'is not a network name' $ctl hold default Default
for seconds in '' -1 1x nan inf 86401; do
    exits 2 '--wait must be 0 to 86400 seconds' $ctl drain --wait "$seconds"
done
exits 2 '--wait must be 0 to 86400 seconds' $ctl drain --wait
exits 2 'unknown option: --wait' $ctl list --wait 1
exits 2 'wrong argument: --' $ctl list -- true
exits 2 'wrong argument: --' $ctl hold default --

unreachable='vmnet-brokerctl: the broker cannot be reached: it is not installed or is disabled; run vmnet-brokerctl doctor to find out why'
for command in list "info default" clients "leases default" "ip default x" \
    "hold default" reload drain resume "recreate default" watch status; do
    prints 3 $ctl $command <<END
--
$unreachable
END
done
prints 3 $ctl status --json <<END
{
  "client_version": "VERSION",
  "running": false
}
--
$unreachable
END
prints 0 $ctl version <<END
vmnet-brokerctl VERSION
vmnet-broker cannot be reached
END
prints 0 $ctl leases <<END
ADDRESS  MAC  HOSTNAME  EXPIRES  KIND
END
mkdir /var/db/dhcpd_leases
exits 1 '/var/db/dhcpd_leases: Invalid argument' $ctl leases
exits 1 'cannot write to standard output' sh -c "$ctl help >/dev/full"
SCRIPT
}

@test "check prints what the daemon reports" {
    # Goal: the messages are those of the daemon itself.
    ctl_sandbox <<'SCRIPT'
prints 0 $ctl check </dev/null
echo '{"a": {"mode": "hots"}}' >"$T/bad"
"$support/vmnet-broker" -n -c "$T/bad" 2>"$T/wanted" && fail "it is good"
{ echo --; cat "$T/wanted"; } | prints 1 $ctl check "$T/bad"
cp "$T/bad" "$support/networks.json"
exits 1 'networks.json:1:16: a.mode: "hots" is not' $alice $ctl check
SCRIPT
}

@test "tables and JSON, as root and as a user" {
    # Goal: this compares every table and every JSON document, with a network
    # that is held, one that is not, a broken one, and reservations.
    cat >"$BATS_TEST_TMPDIR/networks.json" <<'JSON'
{
    "default": {"mode": "shared"},
    "lab": {"mode": "host", "subnet": "10.9.0.0/24", "dhcp_reservations": [
        {"mac_address": "02:00:00:00:00:09", "ip_address": "10.9.0.77"}]},
    "odd": {"mode": "hots"}
}
JSON
    ctl_sandbox --config "$BATS_TEST_TMPDIR/networks.json" <<'SCRIPT'
start guest alice ping -H -c 0 -m 52:54:00:00:00:0a default
wait_line guest '^holding'
start holder bob acquire lab
wait_line holder '^holding'
broken='networks.json:5:21: odd.mode: "hots" is not "shared" or "host": did you mean "host"?'

prints 0 $alice $ctl list <<END
NAME     MODE    STATE     SUBNET            GATEWAY        CLIENTS
default  shared  held      192.168.115.0/24  192.168.115.1  1
host     host    inactive  -                 -              0
lab      host    held      10.9.0.0/24       10.9.0.1       1
odd      -       broken    -                 -              0
shared   shared  inactive  -                 -              0
--
vmnet-brokerctl: odd: $broken
END
prints 0 $alice $ctl info lab <<END
name               lab
mode               host
state              held
clients            1
subnet             10.9.0.0/24
subnet source      configured
configured subnet  10.9.0.0/24
gateway            10.9.0.1
mask               255.255.255.0
dhcp range         10.9.0.2-10.9.0.254
ipv6 prefix        PREFIX
mtu                1500
generation         GENERATION
END
exits 5 'nosuch: no such network; vmnet-brokerctl list shows all networks, ' \
    $ctl info nosuch
json $alice $ctl info odd >"$T/got"
diff - "$T/got" <<END || fail "info --json"
{
  "network": {
    "error_message": $(python3 -c 'import json,sys; print(json.dumps(sys.argv[1]))' "$broken"),
    "holders": 0,
    "name": "odd",
    "state": "broken"
  }
}
END
json $ctl list >"$T/got"
expect "networks" "default host lab odd shared" \
    "$(sed -n 's/^      "name": "\(.*\)",/\1/p' "$T/got" | tr '\n' ' ' | sed 's/ $//')"

prints 0 $ctl status <<END
broker                running, version VERSION, process N
vmnet-brokerctl       VERSION
running for           N s
clients               3
networks              default held 1, lab held 1
configuration         $support/networks.json
acquires              2
creations             2
longest creation, ms  N
problem: $support/$broken
END
json $alice $ctl status >"$T/got"
for key in '"acquires": 2,' '"running": true,' '"draining": false,' \
    '"peers": 3,' '"problems": \[' '"client_version": "VERSION",' \
    '"uptime": N,' '"longest_creation": N,' '"refusals": {'; do
    grep -q "$key" "$T/got" || fail "status --json: no $key"
done

prints 0 $ctl clients <<END
USER   PID PROGRAM          SINCE                NETWORKS  WAITING FOR
$(printf '%s\n' 'alice  N ping             TIME  default   -' \
    'bob    N acquire          TIME  lab       -' \
    'root   N vmnet-brokerctl  TIME  -         -')
clients in total: 3; by network: default 1, lab 1
END
prints 0 $alice $ctl clients <<END
USER   PID PROGRAM          SINCE                NETWORKS  WAITING FOR
alice  N ping             TIME  default   -
alice  N vmnet-brokerctl  TIME  -         -
clients in total: 3; by network: default 1, lab 1
--
vmnet-brokerctl: clients of other users, shown to root only: 1
END
json $bob $ctl clients >"$T/got"
grep -v '^    }' "$T/got" | head -n 12 | diff - <(cat <<'END'
{
  "clients": [
    {
      "networks": [
        "lab"
      ],
      "pid": N,
      "program": "acquire",
      "since": N,
      "uid": 502,
      "user": "bob",
      "waiting": []
END
) || fail "clients --json"

prints 0 $alice $ctl leases <<END
ADDRESS        MAC                HOSTNAME  EXPIRES              KIND
10.9.0.77      02:00:00:00:00:09  host0     -                    reserved
192.168.115.2  52:54:00:00:00:0a  -         TIME  dynamic
END
prints 0 $alice $ctl leases default --json <<END
{
  "leases": [
    {
      "address": "192.168.115.2",
      "client_id": "1,52:54:0:0:0:a",
      "expires": N,
      "kind": "dynamic",
      "mac_address": "52:54:00:00:00:0a"
    }
  ]
}
END
exits 1 'shared: this network is not in use and has no configured subnet' \
    $ctl leases shared
expect ip 192.168.115.2 "$($alice $ctl ip default 52:54:0:0:0:a)"
expect ip 10.9.0.77 "$($ctl ip lab 02-00-00-00-00-09 --wait=0)"
exits 1 'lab: 52:54:0:0:0:a has no address; .*client identifier' \
    $ctl ip lab 52:54:0:0:0:a
exits 6 'lab: web has no address yet; .*not a MAC address' \
    $ctl ip --wait 0.3 lab web
exits 5 '^vmnet-brokerctl: nosuch: ' $ctl ip nosuch web
exits 5 '^vmnet-brokerctl: nosuch: ' $ctl ip nosuch web --wait 5
prints 0 $ctl version <<END
vmnet-brokerctl VERSION
vmnet-broker VERSION
END
json $ctl version >"$T/got"
grep -q '"client_version": "VERSION",' "$T/got" || fail "version --json"

# Colours are only for terminals, and users can turn them off.
bold=$(printf '\033[1mNAME')
script -q -e -c "TERM=xterm $ctl list" /dev/null </dev/null >"$T/coloured"
grep -qF "$bold" "$T/coloured" || fail "no colour on a terminal"
script -q -e -c "TERM=xterm NO_COLOR=1 $ctl list" /dev/null </dev/null >"$T/plain"
if grep -q "$(printf '\033')" "$T/plain"; then fail "NO_COLOR"; fi
SCRIPT
}

@test "ip --wait: a script that boots a guest" {
    # Goal: the command waits for the lease of a guest that starts later, by its
    # MAC address, and the network exists while it waits.
    ctl_sandbox <<'SCRIPT'
start waiter alice $ctl ip default 52:54:00:00:00:0a --wait "$guard"
wait_log 'network default: created|acquire default: granted'
start guest alice ping -H -c 0 -m 52:54:00:00:00:0a default
address=$(wait_line guest '^holding' | sed 's/holding \(.*\) until.*/\1/')
wait_exit waiter
expect "status" 0 "$status"
expect "address" "$address" "$(cat "$T/waiter.out")"
SCRIPT
}

@test "a broker older than vmnet-brokerctl is supported" {
    # Goal: the tool shows what the broker can answer and reports what it
    # cannot.
    ctl_sandbox --broker build/linux/plain/tools/old-broker <<'SCRIPT'
prints 0 $ctl list <<END
NAME     MODE    STATE  SUBNET            GATEWAY        CLIENTS
default  shared  held   192.168.115.0/24  192.168.115.1  2
--
vmnet-brokerctl: the running broker is older than this program: only networks in use are listed
END
prints 0 $ctl status <<END
broker           running, older than this program
vmnet-brokerctl  VERSION
clients          3
networks         default held 2
END
prints 0 $ctl version <<END
vmnet-brokerctl VERSION
vmnet-broker older than this program
END
for command in clients reload drain resume "recreate default" watch; do
    exits 1 "^vmnet-brokerctl: ${command% *}: the running broker is older than this program" \
        $ctl $command
done
exits 1 'too old to report the subnet' $ctl ip default web --wait 5
prints 3 $ctl hold default -- sh -c 'exit 3' </dev/null
SCRIPT
    ctl_sandbox --broker build/linux/plain/tools/old-broker \
        --daemon-env OLDEST=1 <<'SCRIPT'
exits 1 'status: the running broker is older than this program' $ctl status
exits 1 'list: the running broker is older than this program' $ctl list
prints 3 $ctl hold default -- sh -c 'exit 3' </dev/null
SCRIPT
}

@test "a configuration that is not JSON leaves the built-in networks" {
    # Goal: the built-in networks are listed, and why there are no others.
    echo '{"a": }' >"$BATS_TEST_TMPDIR/networks.json"
    ctl_sandbox --config "$BATS_TEST_TMPDIR/networks.json" <<'SCRIPT'
prints 0 $ctl list <<END
NAME    MODE    STATE     SUBNET  GATEWAY  CLIENTS
host    host    inactive  -       -        0
shared  shared  inactive  -       -        0
END
$ctl status | grep "^problem: $support/networks.json:1:7: " || fail "status"
SCRIPT
}
