# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# The installer with the real broker, vmnet-brokerctl and the stand-in's launchd;
# tests/unit/install-test.sh has all that needs none of them.

load helper

@test "install, check, upgrade beside a holder, uninstall: nothing is left" {
    # Goal: a release, from its folder to its last file.
    sandbox --no-daemon <<'SCRIPT'
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
# The tools of macOS are not where root looks for them.
sed -i 's/^    PATH=.*/    :/' "$T/release/setup.sh"
rm -rf "$folder" /Library/LaunchDaemons/com.github.nirs.vmnet-broker.plist
tree() {
    find /Library "$T/ds" /run/opt -printf '%p %y %m %U:%G %l\n' 2>/dev/null |
        LC_ALL=C sort || :
}
install() {
    "$T/release/install" --prefix /run/opt/broker "$@"
}
tree >"$T/before"
install
install --check >"$T/check.out" || fail "the check: $(cat "$T/check.out")"
vmnet-brokerctl hold default -- true
install

# A network that is held: refused, and waited for.
mkfifo "$T/end"
vmnet-brokerctl hold default -- cat "$T/end" &
exec 9>"$T/end" # waits until cat runs, and so until the network is held
! install >"$T/refused.out" 2>&1 || fail "an upgrade with a holder"
grep -q 'these programs use networks' "$T/refused.out" || fail "no reason"
! "$folder/uninstall" >"$T/uninstall.out" 2>&1 || fail "uninstalled"
install --when-idle >"$T/idle.out" 2>&1 9>&- &
idle=$!
grep -q -m 1 waiting < <(follow "$T/idle.out" $idle) || fail "does not wait"
exec 9>&-
wait $idle || fail "--when-idle"
"$folder/uninstall" --purge
tree >"$T/after"
diff "$T/before" "$T/after"
! launchctl print system/com.github.nirs.vmnet-broker 2>/dev/null ||
    fail "launchd still has it"
SCRIPT
}
