# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# vmnet-brokerctl doctor, with fake tools of macOS: on a healthy machine, and
# with one fault at a time.

load helper

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return
    umask 022
}

doctor_sandbox() {
    sandbox --config "$BATS_TEST_TMPDIR/networks.json" <<SCRIPT
$(
        cat <<'COMMON'
support='/Library/Application Support/com.github.nirs.vmnet-broker'
plist=/Library/LaunchDaemons/com.github.nirs.vmnet-broker.plist
alice='setpriv --reuid alice --regid alice --clear-groups --'
label=com.github.nirs.vmnet-broker
mkdir "$T/fake" "$T/bin" "$T/share" "$T/share/vmnet-broker"
export TERM_PROGRAM=Apple_Terminal
export VMNET_BROKER_DOCTOR_TIMEOUT=60 # a busy machine is not a fault
cp build/linux/plain/bin/vmnet-brokerctl build/linux/plain/bin/vmnet-broker-doctor "$T/bin"
cp broker/$label.plist "$T/share/vmnet-broker"
# A copied program does not find its libraries by itself.
export LD_LIBRARY_PATH=$PWD/build/linux/plain/lib
ctl=$T/bin/vmnet-brokerctl
PATH=$T/fake:$PATH

# fake NAME BODY: creates a tool of that name, a shell script.
fake() {
    printf '#!/bin/sh\n%s\n' "$2" >"$T/fake/$1"
    chmod 755 "$T/fake/$1"
}

fake_launchd() {
    fake launchctl "case \$1 in
    print) [ -n '$1' ] || exit 113
        printf '%s = {\n\tstate = running\n\tprogram = %s\n\tlast exit code = %s\n}\n' \
            \"\$2\" '$1' '${2-(never exited)}' ;;
    print-disabled) printf 'disabled services = {\n%s\n}\n' '${3-}' ;;
    *) exit 64 ;;
    esac"
}

fake_netstat() {
    fake netstat "printf '%s\n' 'Routing tables' '' 'Internet:' \
        'Destination        Gateway            Flags  Netif Expire' \
        'default            192.0.2.1          UGScg  en0' \
        '127                127.0.0.1          UCS    lo0' \
        '192.168.1          link#12            UCS    en0' \
        '192.168.1.7        0:1:2:3:4:5        UHLWI  en0' \
        '224.0.0/4          link#12            UmCS   en0' ${1+"'$1'"}"
}

# fake_ctl VERSION: the version of the running broker, as the tool prints it.
fake_ctl() {
    fake vmnet-brokerctl "echo vmnet-brokerctl 0; echo vmnet-broker $1"
    doctor="env VMNET_BROKERCTL=$T/fake/vmnet-brokerctl $T/bin/vmnet-broker-doctor"
}

healthy() {
    doctor="$ctl doctor"
    rm -f "$T/fake/id"
    fake sw_vers 'echo 26.4'
    fake codesign 'case $1 in
    -d) echo "[Key] com.apple.security.virtualization" ;; esac'
    fake socketfilterfw 'case $1 in
    --getblockall) echo "Firewall has block all state set to disabled." ;;
    --getappblocked) echo "Incoming connection to the application is permitted." ;;
    esac'
    fake lsof 'echo "COMMAND    PID USER"; echo "mDNSRespo  300 _mdns 5u IPv4 0t0 UDP *:53"'
    fake ps 'echo /sbin/launchd; echo /usr/libexec/InternetSharing'
    fake_launchd "$support/vmnet-broker"
    fake_netstat
}
healthy
COMMON
        cat
    )
SCRIPT
}

@test "doctor: a healthy machine has no findings" {
    # Goal: nothing is found, as root and as a user, in text and in JSON.
    cp broker/networks.json "$BATS_TEST_TMPDIR/networks.json"
    doctor_sandbox <<'SCRIPT'
version=$($ctl --version | sed 's/.* //')
as alice $ctl doctor >"$T/doctor.out" || fail "doctor of alice"
diff - "$T/doctor.out" <<END || fail "doctor"
ok       macos: macOS 26.4
ok       installed: $support/vmnet-broker
ok       permissions: only root can change the broker's files and folders
ok       user: _vmnetbroker exists
ok       signature: is valid
ok       entitlement: is present
ok       configuration: $support/networks.json has no errors
ok       launchd: knows the broker
ok       plist: is the shipped file
ok       running: version $version answers
ok       subnets: no configured subnet is in use
ok       owners: no other program with vmnet networks is known
ok       firewall: does not block bootpd
ok       bootpd: is enabled
ok       dns: no other program was found on port 53
ok       local-network: programs started from this shell may reach guests
0 problems, 0 notes
END
$ctl doctor --json >"$T/json" || fail "doctor --json"
python3 - "$T/json" <<'END' || fail "$(cat "$T/json")"
import json, sys
document = json.load(open(sys.argv[1]))
assert document["problems"] == 0 and document["notes"] == 0
assert len(document["findings"]) == 16
assert all(set(f) == {"state", "check", "text"} for f in document["findings"])
END
fake sw_vers 'echo 27.0'
$ctl doctor >"$T/doctor.out" || fail "doctor of macOS 27"
grep -q '^ok  .*macOS 27.0; arp does not show guests' "$T/doctor.out" ||
    fail "doctor of macOS 27"
healthy
printf 'a "b" \\ \t\033\n' >"$T/words"
fake codesign "cat '$T/words' >&2; exit 1"
$ctl doctor --json >"$T/json" && fail "no problem with the signature"
python3 - "$T/json" <<'END' || fail "$(cat "$T/json")"
import json, sys
document = json.load(open(sys.argv[1]))
first = document["findings"][4]
assert document["problems"] == 1 and first["state"] == "problem", first
assert set(first) == {"state", "check", "text", "why", "fix"}, first
assert first["text"].endswith('no valid signature: a "b" \\  '), first
END
$ctl doctor >"$T/doctor.out" && fail "no problem with the signature, in text"
grep -q '^1 problem, 0 notes$' "$T/doctor.out" || fail "more than one problem"
SCRIPT
}

@test "doctor: each fault is found by itself" {
    # Goal: each fault is named, without others, with its reason and what to do.
    # A line of the table has the state, the check, words of the finding, and
    # the command that breaks it.
    cat >"$BATS_TEST_TMPDIR/networks.json" <<'JSON'
{"lab": {"mode": "host", "subnet": "10.9.0.0/24"}}
JSON
    doctor_sandbox <<'SCRIPT'
cp -a /Library "$T/kept"

# fault STATE CHECK PATTERN COMMAND: COMMAND leads to this finding.
fault() {
    local code=0 wanted=1
    eval "$4"
    [ "$1" = problem ] || wanted=0
    timeout 120 $doctor >"$T/doctor.out" 2>&1 || code=$?
    grep -vE '^(ok  |  )' "$T/doctor.out" | sed '$d' >"$T/found" || :
    expect "$4: code" "$wanted" "$code"
    expect "$4: findings" 1 "$(wc -l <"$T/found")"
    grep -qE "^$1 +$2: .*$3" "$T/found" || fail "$4: $(cat "$T/found")"
    expect "$4: explained" 2 "$(grep -cE '^         (why|fix): .' "$T/doctor.out")"
    healthy
    cp -a --remove-destination "$T/kept/." /Library
}

fault problem macos 'macOS 15.7' "fake sw_vers 'echo 15.7'"
fault problem macos 'macOS 26.0' "fake sw_vers 'echo 26.0'"
fault problem macos 'macOS 26.1.2' "fake sw_vers 'echo 26.1.2'"
fault note macos 'macOS 28.0 is newer' "fake sw_vers 'echo 28.0'"
fault problem user '_vmnetbroker is missing' "fake id 'exit 1'"
fault problem permissions 'vmnet-broker is a symbolic link' \
    'mv "$support/vmnet-broker" "$T/moved"; ln -s "$T/moved" "$support/vmnet-broker"'
fault problem installed 'vmnet-broker is missing' 'rm "$support/vmnet-broker"'
fault problem installed 'plist is missing' 'rm "$plist"'
fault problem installed 'cannot be executed' 'chmod 644 "$support/vmnet-broker"'
fault problem permissions "$label is writable" 'chmod g+w "$support"'
fault problem permissions 'vmnet-broker is writable' \
    'chmod o+w "$support/vmnet-broker"'
fault problem permissions 'plist belongs to user 501' 'chown alice "$plist"'
fault problem configuration 'networks.json: .*owner' \
    'chown bob "$support/networks.json"'
fault problem permissions '/Library/LaunchDaemons is writable' \
    'chmod 777 /Library/LaunchDaemons'
fault problem signature 'no valid signature: it was altered' \
    "fake codesign 'case \$1 in --verify) echo it was altered >&2; exit 1 ;; esac'"
fault problem entitlement 'lacks com.apple.security.virtualization' \
    "fake codesign 'true'"
fault problem plist 'differs from the shipped file' 'echo >>"$plist"'
fault problem launchd 'does not know the broker' 'fake_launchd ""'
fault problem launchd 'is disabled' \
    'fake_launchd "$support/vmnet-broker" 0 "\"$label\" => disabled"'
fault problem foreign 'starts /opt/vmnet-broker' 'fake_launchd /opt/vmnet-broker'
fault note crash 'last terminated by exit code 78' \
    'fake_launchd "$support/vmnet-broker" 78'
fault problem bootpd 'is disabled' \
    'fake_launchd "$support/vmnet-broker" 0 "\"com.apple.bootpd\" => disabled"'
fault problem running 'does not answer' 'fake_ctl "cannot be reached"'
fault problem older 'older than this program answers' 'fake_ctl "older than this program"'
fault problem stale 'version 0.0.1 runs' 'fake_ctl 0.0.1'
fault problem configuration 'networks.json:1:1: ' \
    'echo "[]" >"$support/networks.json"'
fault problem subnets 'lab: 10.9.0.0/24 overlaps .* 10.9.0/25 by en7$' \
    'fake_netstat "10.9.0/25          link#9             UCS    en7"'
fault problem subnets 'route to 10/8 by utun4, a VPN' \
    'fake_netstat "10/8               utun4              USc    utun4"'
fault problem subnets 'route to 10.9.0.200 by en0' \
    'fake_netstat "10.9.0.200         link#9             UHLWI  en0"'
fault note owners 'container-network-vmnet socket_vmnet' \
    "fake ps 'echo /opt/a/socket_vmnet; echo container-network-vmnet'"
fault problem firewall 'blocks all incoming' \
    "fake socketfilterfw 'echo Firewall has block all state set to enabled.'"
fault problem firewall 'blocks all incoming' \
    "fake socketfilterfw 'echo Firewall is set to block all non-essential incoming connections'"
fault problem firewall 'blocks /usr/libexec/bootpd' \
    "fake socketfilterfw 'case \$1 in --getblockall) echo Block all DISABLED!;;
    *) echo Incoming connection to the application is blocked;; esac'"
fault problem dns 'dnsmasq, process 99' \
    "fake lsof 'echo COMMAND PID USER; echo dnsmasq 99 root'"
fault problem sw_vers 'did not finish within 5 seconds' \
    "fake sw_vers 'exec sleep 1000'; export VMNET_BROKER_DOCTOR_TIMEOUT=5"
export VMNET_BROKER_DOCTOR_TIMEOUT=60
fault note local-network 'started by iTerm.app' \
    'doctor="$alice env TERM_PROGRAM=iTerm.app $ctl doctor"'
SCRIPT
}
