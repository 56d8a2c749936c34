# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# Which property lists the stand-in's launchd accepts.
# shellcheck disable=SC2154 # plist and job are from launchd.bash

load helper
load launchd

# refusals: prints CODE|TEXT|XML, bootstrap's reply to each property list.
refusals() {
    cat <<EOT
109|Label: is an integer, must be a string|$(key Label 1)
110|Label: missing|$(key Program /bin/true)
110|has a slash|$(key Label a/b)$(key Program /bin/true)
109|Label: is empty|<key>Label</key><string></string>
111|both missing|$(key Label a)
111|not an absolute path|$(key Label a)$(key Program bin/true)
109|ProgramArguments: is a string, must be an array|$(key ProgramArguments x)
109|item 1 is an integer|<key>ProgramArguments</key><array><string>a</string><integer>1</integer></array>
109|MachServices: is an array, must be a dictionary|<key>MachServices</key><array/>
109|not a service name|<key>MachServices</key><dict>$(key ../x true)</dict>
109|MachServices: a: is a string|<key>MachServices</key><dict>$(key a x)</dict>
109|EnableTransactions: is a string, must be a boolean|$(key EnableTransactions yes)
109|EnableTransactions: is an integer|$(key EnableTransactions 1)
109|ExitTimeOut: is a string, must be an integer|$(key ExitTimeOut x)
109|ExitTimeOut: is a real|<key>ExitTimeOut</key><real>1.5</real>
109|ExitTimeOut: -1 is out of range|<key>ExitTimeOut</key><integer>-1</integer>
109|ThrottleInterval: is a boolean|$(key ThrottleInterval true)
109|KeepAlive: is an integer, must be a boolean or a dict|$(key KeepAlive 1)
109|KeepAlive: Crashed: is a string|<key>KeepAlive</key><dict>$(key Crashed x)</dict>
109|Umask: must be from 0 to 0777|$(key Umask 512)
109|Umask: must be from 0 to 0777|$(key Umask 08x)
109|UserName: is an integer, must be a string|$(key UserName 300)
109|UserName: there is no user "nosuchuser"|$(key Label a)$(key Program /bin/true)$(key UserName nosuchuser)
109|EnvironmentVariables: A: is an integer|<key>EnvironmentVariables</key><dict>$(key A 1)</dict>
109|SoftResourceLimits: NumberOfFiles: must be an integer|<key>SoftResourceLimits</key><dict>$(key NumberOfFiles x)</dict>
109|RunAtLoad: is data|<key>RunAtLoad</key><data>AA==</data>
EOT
}

@test "plists with errors are refused, by the name of the key" {
    # Goal: every key's type is checked, and launchctl names the wrong one.
    mkdir "$BATS_TEST_TMPDIR/bad"
    refusals >"$BATS_TEST_TMPDIR/table"
    i=0
    while IFS='|' read -r code text xml; do
        i=$((i + 1))
        echo "<plist version=\"1.0\"><dict>$xml</dict></plist>" \
            >"$BATS_TEST_TMPDIR/bad/$i"
        printf '%s\n%s\n' "$code" "$text" >"$BATS_TEST_TMPDIR/bad/$i.want"
    done <"$BATS_TEST_TMPDIR/table"
    [ "$i" -eq 26 ]
    sandbox --no-daemon --env "bad=$BATS_TEST_TMPDIR/bad" <<'SCRIPT'
for want in "$bad"/*.want; do
    { read -r code; read -r text; } <"$want"
    cp "${want%.want}" /run/bad.plist
    got=0; output=$(launchctl bootstrap system /run/bad.plist 2>&1) || got=$?
    expect "status of '$text'" "$code" "$got"
    [[ $output == *"$text"* ]] || fail "'$text' is not in '$output'"
done
expect 'nothing loaded' 1 "$(launchctl list | wc -l)"
SCRIPT
}

@test "an invalid plist, or one not owned by root, is refused" {
    # Goal: the file's owner, mode, kind and content are checked.
    plist_text a "$(key Program /bin/true)" >"$BATS_TEST_TMPDIR/a.plist"
    sandbox --no-daemon --env "plist=$BATS_TEST_TMPDIR/a.plist" <<'SCRIPT'
refused() {
    code=0; output=$(launchctl bootstrap system "$2" 2>&1) || code=$?
    expect "$2" "$1" "$code"
    [[ $output == *"$3"* ]] || fail "'$3' is not in '$output'"
}
cp "$plist" /run/a.plist
chmod 664 /run/a.plist
refused 122 /run/a.plist 'bad ownership/permissions'
chmod 644 /run/a.plist
chown alice /run/a.plist
refused 122 /run/a.plist 'owner 501, mode 0644'
mkfifo /run/fifo
refused 5 /run/fifo 'not a regular file'
refused 5 /run 'not a regular file'
refused 5 /run/nothing 'No such file'
: >/run/empty
refused 109 /run/empty 'neither an XML nor a binary'
head -c -9 /run/a.plist >/run/cut
refused 109 /run/cut 'neither'
head -c 1100000 /dev/zero >/run/big
refused 109 /run/big 'larger than 1 MiB'
code=0; launchctl bootstrap nowhere /run/a.plist 2>/dev/null || code=$?
expect 'no domain' 112 "$code"
SCRIPT
}

@test "keys that launchd does not know are named and ignored" {
    # Goal: a misspelt key is reported.
    plist job "$(key Nonsense 1) $(key UserNaem alice) $(key machservices 1)
        <key>KeepAlive</key><dict>$(key PathState 1)</dict>
        <key>SoftResourceLimits</key><dict>$(key Files 1)</dict>"
    run with_job <<'SCRIPT'
ask id
SCRIPT
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'Nonsense: unknown key, ignored'* ]]
    [[ $output == *'UserNaem: unknown key, ignored'* ]]
    [[ $output == *'machservices: ignored: did you mean MachServices?'* ]]
    [[ $output == *'KeepAlive: PathState: unknown, ignored'* ]]
    [[ $output == *'SoftResourceLimits: Files: unknown, ignored'* ]]
}

@test "binary plists are read, too" {
    # Goal: launchd reads the output of plutil -convert binary1. Label b.b,
    # Program /bin/true.
    {
        printf 'bplist00\322\001\002\003\004\125Label\127Program\123b.b'
        printf '\131/bin/true\010\015\023\033\037'
        printf '\0\0\0\0\0\0\001\001\0\0\0\0\0\0\0\005\0\0\0\0\0\0\0\0'
        printf '\0\0\0\0\0\0\0\051'
    } >"$BATS_TEST_TMPDIR/b.b.plist"
    sandbox --plist "$BATS_TEST_TMPDIR/b.b.plist" <<'SCRIPT'
launchctl print system/b.b | has 'program = /bin/true'
SCRIPT
}

@test "launchd does not start with an invalid plist" {
    # Goal: a test must not run without the service that it tests.
    plist job "$(key ExitTimeOut soon)"
    run tests/linux/run --plist "$plist" true
    echo "$output"
    [ "$status" -eq 125 ]
    [[ $output == *'job.plist: ExitTimeOut: is a string, must be an integer'* ]]
}

@test "the shipped plist is valid" {
    # Goal: launchd reports nothing about the shipped plist.
    run tests/linux/run launchctl print system/com.github.nirs.vmnet-broker
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output != *ignored* ]]
    [[ $output == *'exit timeout = 20'* ]]
    [[ $output == *'username = _vmnetbroker'* ]]
}
