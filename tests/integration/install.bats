# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# The installer with the real broker, vmnet-brokerctl and the stand-in's
# launchd; tests/unit/install-test.sh has the tests that need none of them.

load helper

# A Mac without a broker, and a release. The tools of macOS are fakes, except
# for launchctl, and are not in their usual places.
mac() {
    sandbox --no-daemon <<SCRIPT
$(
        cat <<'MAC'
folder='/Library/Application Support/com.github.nirs.vmnet-broker'
export FAKE=$T
mkdir -p "$T/bin" "$T/ds/Users" "$T/ds/Groups" /Library/LaunchDaemons
cp tests/install/fake/dscl tests/install/fake/sw_vers tests/install/fake/plutil \
    "$T/bin/"
printf '#!/bin/sh\n[ "$1" != -d ] || echo com.apple.security.virtualization\n' \
    >"$T/bin/codesign"
chmod +x "$T/bin/codesign"
PATH=$T/bin:$PATH
cp -R build/linux/plain/release "$T/release"
sed -i 's/^    PATH=.*/    :/' "$T/release/setup.sh"
rm -rf "$folder" /Library/LaunchDaemons/com.github.nirs.vmnet-broker.plist

# Prints everything in the places where an installer may write: names, modes,
# owners, contents. The DHCP server's lease files are excluded.
tree() {
    for root in /Library "$T/ds" /run/opt /usr/local /etc /var/db; do
        [ -e "$root" ] || continue
        find "$root" -printf '%p %y %m %U:%G %l\n'
        find "$root" -type f -exec cksum {} +
    done | grep -vE '/etc/bootptab|/var/db/dhcpd_leases' | LC_ALL=C sort
}

install() {
    "$T/release/install" --prefix /run/opt/broker "$@"
}

# same FILE: the Mac is in the same state as then.
same() {
    tree >"$T/after"
    diff "$1" "$T/after" || fail "there is a difference"
    ! launchctl print system/com.github.nirs.vmnet-broker 2>/dev/null ||
        fail "launchd still has it"
}

tree >"$T/before"
MAC
        cat
    )
SCRIPT
}

@test "install, check, upgrade beside a holder, uninstall: nothing is left" {
    # Goal: this covers a release, from its folder to its last file.
    mac <<'SCRIPT'
install
install --check >"$T/check.out" || fail "the check: $(cat "$T/check.out")"
vmnet-brokerctl hold default -- true
install

# While a network is held, the installer refuses to upgrade, or waits.
mkfifo "$T/end"
vmnet-brokerctl hold default -- cat "$T/end" &
exec 9>"$T/end" # waits until cat runs, and so until the network is held
! install >"$T/refused.out" 2>&1 || fail "an upgrade with a holder"
grep -q "these programs use the broker's networks" "$T/refused.out" || fail "no reason"
! "$folder/uninstall" >"$T/uninstall.out" 2>&1 || fail "uninstalled"
install --when-idle >"$T/idle.out" 2>&1 9>&- &
idle=$!
grep -q -m 1 waiting < <(follow "$T/idle.out" $idle) || fail "does not wait"
exec 9>&-
wait $idle || fail "--when-idle"
"$folder/uninstall" --purge
same "$T/before"
SCRIPT
}

@test "an older version is upgraded" {
    # Goal: this is what a Mac runs before each change: see tests/install/upgrade.
    # The older one differs in its version only.
    mac <<'SCRIPT'
cp -R "$T/release" "$T/older"
version=$("$T/release/vmnet-broker" -V | sed 's/.* //')
older=$(echo "$version" | sed 's/./0/g') # of the same length
sed -i "s/${version//./\\.}/$older/g" "$T/older/vmnet-broker" \
    "$T/older/prefix/bin/vmnet-brokerctl"
expect "the older version" "vmnet-broker $older" "$("$T/older/vmnet-broker" -V)"
export PREFIX=/run/opt/broker
tests/install/upgrade "$T/older" "$T/release" --prefix $PREFIX >"$T/upgrade.out"
expect "the versions" "installed: $older
after the refusal: $older
while it waits: $older
upgraded: $version" "$(grep ": [0-9.]*$" "$T/upgrade.out")"
! tests/install/upgrade "$T/release" "$T/release" 2>"$T/same.out" ||
    fail "an upgrade to the same version"
grep -q 'both releases have the same version' "$T/same.out" || fail "no reason"
"$folder/uninstall" --purge
same "$T/before"
SCRIPT
}

@test "install, two users meet, uninstall: only the configuration is left" {
    # Goal: README's three commands work, without VMs: once leaving nothing, and
    # once leaving the configuration that the user has changed.
    mac <<'SCRIPT'
# Two guests of two users ping each other on the network "default".
demo() {
    start alice alice ping -H -c 1 default
    wait_line alice '^holding '
    alice=$(sed -n 's/^holding \(.*\) until.*/\1/p' "$T/alice.out")
    start bob bob ping -c 2 default "$alice"
    wait_exit bob
    expect "bob pings alice" 0 "$status"
    stop alice
    expect "alice" 0 "$status"
}

install
demo
"$folder/uninstall" --purge
same "$T/before"

# The folder still has this one file, with the user's changes.
install
mine='{ "default": { "mode": "shared", "subnet": "192.168.77.0/24" } }'
echo "$mine" >"$folder/networks.json"
vmnet-brokerctl reload
demo
expect "the configured subnet" 192.168.77 "${alice%.*}"
"$folder/uninstall"
expect "what is left" networks.json "$(ls -A "$folder")"
expect "the configuration" "$mine" "$(cat "$folder/networks.json")"

# It is used again, and removed with the rest.
install
demo
expect "the configured subnet again" 192.168.77 "${alice%.*}"
"$folder/uninstall" --purge
same "$T/before"
SCRIPT
}
