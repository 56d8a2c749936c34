# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# The stand-in's launchd and launchctl, with a job that speaks no XPC.

load helper

# Built once: the tests are about what runs.
setup_file() {
    "$BATS_TEST_DIRNAME/../linux/run" --no-daemon true
    export STANDIN_NO_BUILD=1
}

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return
    job=$PWD/build/linux/plain/tools/standin-job
    # Jobs of several users write there.
    chmod 755 "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR"
}

# plist_text LABEL [XML]: a job that serves LABEL. "-": no program, as XML has
# another one.
plist_text() {
    cat <<XML
<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
<key>Label</key><string>$1</string>
<key>MachServices</key><dict><key>$1</key><true/></dict>
${2-}
XML
    case ${2-} in
    *Program*) ;;
    *)
        cat <<XML
<key>ProgramArguments</key>
<array><string>$job</string><string>serve</string><string>$1</string>
<string>/run/notes</string></array>
XML
        ;;
    esac
    echo '</dict></plist>'
}

# plist LABEL [XML]: the same as a file; its path goes to the variable plist.
plist() {
    plist=$BATS_TEST_TMPDIR/$1.plist
    plist_text "$@" >"$plist"
}

# key NAME VALUE: an integer, a boolean or a string.
key() {
    case $2 in
    true | false) echo "<key>$1</key><$2/>" ;;
    *[!0-9]* | '') echo "<key>$1</key><string>$2</string>" ;;
    *) echo "<key>$1</key><integer>$2</integer>" ;;
    esac
}

# with_job [OPTION]... <<SCRIPT: in a sandbox whose launchd has $plist.
# ask COMMAND, field NAME, wait_for STATE and notes are there; the job's label
# is "job".
with_job() {
    sandbox --plist "$plist" "$@" <<SCRIPT
$(cat <<'PRELUDE'
touch /run/notes
chmod 666 /run/notes
ask() { "$tools/standin-job" ask "${2-job}" "$1"; }
field() {
    launchctl print "${2-system/job}" | sed -n "s/^\t$1 = //p"
}
wait_for() { launchctl standin-wait system/job "$1" "$guard"; }
notes() { tr '\n' ' ' </run/notes; }
now() { awk '{ print int($1 * 1000) }' /proc/uptime; }
PRELUDE
cat)
SCRIPT
}

@test "a job runs when somebody connects, not before" {
    # Goal: launch on demand; what launchctl print says.
    plist job
    with_job <<'SCRIPT'
expect state 'not running' "$(field state)"
expect runs 0 "$(field runs)"
expect 'last exit' '(never exited)' "$(field 'last exit code')"
id=$(ask id)
expect state running "$(field state)"
expect runs 1 "$(field runs)"
expect pid "pid=$(field pid)" "${id%% *}"
expect 'same process' "${id%% *}" "$(ask id | cut -d' ' -f1)"
expect notes 'start ' "$(notes)"
SCRIPT
}

@test "whoever leaves at once has called the job all the same" {
    # Goal: a message starts the daemon, though its sender is gone.
    plist job
    with_job <<'SCRIPT'
"$tools/standin-job" knock job
wait_for running
SCRIPT
}

@test "a job is what launchd makes of it, unless the plist says otherwise" {
    # Goal: user, groups, limits, umask, folder, session, environment.
    plist job
    with_job --daemon-env TEST=given <<'SCRIPT'
id=$(ask id)
expect id "uid=0 gid=0 groups=0 umask=022 files=256/$(ulimit -Hn) \
cwd=/ session=1 HOME= TEST=given" "${id#* }"
expect stdio '/dev/null /dev/null /dev/null ' \
    "$(readlink "/proc/$(field pid)/fd/"[012] | tr '\n' ' ')"
# Its two sockets, and the client's that comes and goes.
expect descriptors 5 "$(ls "/proc/$(field pid)/fd" | wc -l)"
SCRIPT
}

@test "the plist's user, group, limits, umask, folder and environment" {
    # Goal: each key does what launchd.plist(5) says.
    plist job "$(key UserName _vmnetbroker) $(key WorkingDirectory /tmp)
        $(key Umask 23) $(key Nice 5)
        <key>EnvironmentVariables</key><dict>$(key TEST set)</dict>
        <key>SoftResourceLimits</key><dict>$(key NumberOfFiles 300)</dict>
        <key>HardResourceLimits</key><dict>$(key NumberOfFiles 400)</dict>"
    with_job <<'SCRIPT'
id=$(ask id)
expect id "uid=300 gid=300 groups=1 umask=027 files=300/400 cwd=/tmp \
session=1 HOME=/var/empty TEST=set" "${id#* }"
expect nice 5 "$(ps -o ni= -p "$(field pid)" | tr -d ' ')"
SCRIPT
    # A string is octal; a group of its own; no supplementary groups.
    plist job "$(key UserName alice) $(key GroupName bob) $(key Umask 007)
        $(key InitGroups false)"
    with_job <<'SCRIPT'
id=$(ask id)
expect id 'uid=501 gid=502 groups=0 umask=007' \
    "$(echo "$id" | cut -d' ' -f2-5)"
SCRIPT
}

@test "a job whose user does not exist does not run" {
    # Goal: it is refused and never runs as root, also when the user has gone
    # since it was loaded.
    plist job "$(key UserName nosuchuser)"
    run with_job <<'SCRIPT'
echo 'the sandbox has started'
SCRIPT
    echo "$output"
    [ "$status" -ne 0 ]
    [[ $output != *'the sandbox has started'* ]]
    [[ $output == *'UserName: there is no user "nosuchuser"'* ]]

    plist job "$(key UserName alice)"
    run with_job <<'SCRIPT'
sed -i '/^alice:/d' /etc/passwd
"$tools/standin-job" knock job
wait_for exited
expect 'exit status' 78 "$(field 'last exit code' | cut -d: -f1)"
expect 'the job did nothing' '' "$(notes)"
SCRIPT
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'job: there is no user alice: not started'* ]]
}

@test "files for stdio are made for the job's user" {
    # Goal: StandardOutPath and StandardErrorPath: owner, mode, append.
    plist job "$(key UserName alice) $(key Umask 027)
        $(key StandardOutPath /run/out) $(key StandardErrorPath /run/err)
        <key>Program</key><string>/bin/sh</string>
        <key>ProgramArguments</key><array><string>sh</string>
        <string>-c</string>
        <string>echo out; echo err >&amp;2; exit 3</string></array>
        $(key ThrottleInterval 0)"
    with_job <<'SCRIPT'
"$tools/standin-job" ask job id || : &
# The third starts when the second has ended.
launchctl standin-wait system/job runs=3 "$guard"
launchctl bootout system/job
launchctl standin-wait system/job gone "$guard"
expect owner 'alice alice 640' "$(stat -c '%U %G %a' /run/out)"
expect out 'out out' "$(head -n 2 /run/out | xargs)"
expect err 'err err' "$(head -n 2 /run/err | xargs)"
SCRIPT
}

@test "after a crash the next connection starts the job again" {
    # Goal: no KeepAlive, no restart; the throttle is 0 here.
    plist job "$(key ThrottleInterval 0)"
    with_job <<'SCRIPT'
ask crash || expect 'no answer' 5 $?
wait_for exited
expect state 'not running' "$(field state)"
expect signal 'Aborted: 6' "$(field 'last terminating signal')"
ask id >/dev/null
expect runs 2 "$(field runs)"
ask 'exit 7' || expect 'no answer' 5 $?
wait_for exited
expect 'last exit' 7 "$(field 'last exit code')"
expect list $'-\t7\tjob' "$(launchctl list | grep -w job)"
SCRIPT
}

@test "what waits for a job that died is served by the next one" {
    # Goal: connections wait in the backlog, as messages in a Mach port.
    plist job "$(key ThrottleInterval 0)
        <key>ProgramArguments</key><array><string>/bin/sh</string>
        <string>-c</string>
        <string>mkdir /run/first &amp;&amp; exit 1
            exec $job serve job /run/notes</string></array>"
    with_job <<'SCRIPT'
id=$(ask id)
expect runs 2 "$(field runs)"
expect pid "pid=$(field pid)" "${id%% *}"
SCRIPT
}

@test "starts are ThrottleInterval apart" {
    # Goal: a job that ends at once is not started in a loop (S19).
    plist job "$(key ThrottleInterval 1)"
    with_job <<'SCRIPT'
start=$(now)
ask crash || :
wait_for exited
ask id >/dev/null
expect runs 2 "$(field runs)"
[ $(($(now) - start)) -ge 990 ] ||
    fail "started again after $(($(now) - start)) ms"
SCRIPT
}

@test "a throttled job says so, and kickstart does not wait" {
    # Goal: the default is 10 s, and an administrator can override it.
    plist job
    with_job <<'SCRIPT'
ask crash || :
wait_for exited
ask id >/run/answer &
launchctl standin-wait system/job runs=2 0.2 2>/dev/null && fail 'started'
expect state 'spawn scheduled' "$(field state)"
expect interval 10 "$(field 'minimum runtime')"
launchctl kickstart system/job
wait $!
expect runs 2 "$(field runs)"
SCRIPT
}

@test "KeepAlive: always, after success or failure, after a crash" {
    # Goal: each form restarts exactly when it should, and starts at load.
    plist job "$(key ThrottleInterval 0) $(key KeepAlive true)"
    with_job <<'SCRIPT'
launchctl standin-wait system/job runs=1 "$guard"
ask 'exit 0' || :
launchctl standin-wait system/job runs=2 "$guard"
SCRIPT
    plist job "$(key ThrottleInterval 0)
        <key>KeepAlive</key><dict>$(key SuccessfulExit false)</dict>"
    with_job <<'SCRIPT'
launchctl standin-wait system/job runs=1 "$guard"
ask 'exit 1' || :
launchctl standin-wait system/job runs=2 "$guard"
ask 'exit 0' || :
wait_for exited
expect runs 2 "$(field runs)"
SCRIPT
    plist job "$(key ThrottleInterval 0)
        <key>KeepAlive</key><dict>$(key Crashed true)</dict>"
    with_job <<'SCRIPT'
ask crash || :
launchctl standin-wait system/job runs=2 "$guard"
ask 'exit 1' || :
wait_for exited
expect runs 2 "$(field runs)"
SCRIPT
}

@test "EnablePressuredExit: a job that dies with transactions is restarted" {
    # Goal: so it is with transactions open, and only then; and SIGTERM is
    # ignored until the job asks for it.
    plist job "$(key ThrottleInterval 0) $(key EnablePressuredExit true)
        $(key RunAtLoad true)"
    with_job <<'SCRIPT'
ask 'hold 1'
launchctl standin-wait system/job active=1 "$guard"
ask crash || :
launchctl standin-wait system/job runs=2 "$guard"
ask crash || :
wait_for exited
expect runs 2 "$(field runs)"
SCRIPT
    plist job "$(key EnablePressuredExit true) $(key RunAtLoad true)
        <key>ProgramArguments</key><array><string>/bin/sleep</string>
        <string>1000</string></array>"
    with_job <<'SCRIPT'
wait_for running
# The status of a child that has not reached exec yet is launchd's.
until [ "$(cat "/proc/$(field pid)/comm")" = sleep ]; do :; done
ignored=$(sed -n 's/^SigIgn:\t//p' "/proc/$(field pid)/status")
expect 'SIGTERM ignored' 1 $(((0x$ignored >> 14) & 1))
SCRIPT
}

@test "EnableTransactions and none open: SIGKILL at once" {
    # Goal: what must hold a network holds a transaction.
    plist job "$(key EnableTransactions true)"
    with_job <<'SCRIPT'
ask id >/dev/null
launchctl bootout system/job
launchctl standin-wait system/job gone "$guard"
expect notes 'start ' "$(notes)"
SCRIPT
}

@test "EnableTransactions and one open: SIGTERM" {
    # Goal: the job is told, and has its time.
    plist job "$(key EnableTransactions true) $(key ExitTimeOut 1)"
    with_job <<'SCRIPT'
ask 'hold 1'
launchctl standin-wait system/job active=1 "$guard"
expect 'active count' 1 "$(field 'active count')"
ask ignore
launchctl bootout system/job
grep -q -m 1 sigterm < <(follow /run/notes $$)
SCRIPT
    # A transaction that ended does not count.
    with_job <<'SCRIPT'
ask 'hold 1'
ask 'hold 0'
launchctl standin-wait system/job active=0 "$guard"
launchctl bootout system/job
launchctl standin-wait system/job gone "$guard"
expect notes 'start ' "$(notes)"
SCRIPT
}

@test "without EnableTransactions: always SIGTERM" {
    # Goal: the other choice that a daemon has.
    plist job
    with_job <<'SCRIPT'
ask id >/dev/null
launchctl bootout system/job
launchctl standin-wait system/job gone "$guard"
grep -q sigterm /run/notes || fail 'no SIGTERM'
SCRIPT
}

@test "ExitTimeOut: SIGKILL for who does not end, and not before" {
    # Goal: the key is read; ExitTimeout, as it is often spelt, is not.
    plist job "$(key ExitTimeOut 1)"
    with_job <<'SCRIPT'
ask ignore
start=$(now)
launchctl bootout system/job
launchctl standin-wait system/job gone "$guard"
[ $(($(now) - start)) -ge 990 ] || fail "after $(($(now) - start)) ms"
grep -q sigterm /run/notes || fail 'no SIGTERM'
SCRIPT
    plist job "$(key ExitTimeout 1)"
    run with_job <<'SCRIPT'
expect timeout 20 "$(field 'exit timeout')"
SCRIPT
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'ExitTimeout: ignored: did you mean ExitTimeOut?'* ]]
}

@test "the job's process group dies with it, unless it is abandoned" {
    # Goal: no helper process outlives the daemon.
    plist job "$(key ThrottleInterval 0)"
    with_job <<'SCRIPT'
child=$(ask child)
ask crash || :
wait_for exited
timeout "$guard" tail --pid="$child" -f /dev/null || fail 'still there'
SCRIPT
    plist job "$(key ThrottleInterval 0) $(key AbandonProcessGroup true)"
    with_job <<'SCRIPT'
child=$(ask child)
ask crash || :
wait_for exited
ask id >/dev/null
kill -0 "$child"
SCRIPT
}

@test "bootout returns before the job has ended" {
    # Goal: the errors of a script that does not wait.
    plist job "$(key ExitTimeOut 1)"
    with_job <<'SCRIPT'
plist=/Library/LaunchDaemons/job.plist
ask ignore
launchctl bootout system/job
expect state stopping "$(field state)"
ask id 2>/dev/null && fail 'the name is still there'
code=0; text=$(launchctl bootstrap system "$plist" 2>&1) || code=$?
expect 'too early' 37 "$code"
[[ $text == *'37: Operation already in progress'* ]] || fail "$text"
launchctl standin-wait system/job gone "$guard"
code=0; launchctl print system/job >/dev/null 2>&1 || code=$?
expect 'print' 113 "$code"
code=0; launchctl bootout system/job 2>/dev/null || code=$?
expect 'bootout again' 3 "$code"
launchctl bootstrap system "$plist"
code=0; text=$(launchctl bootstrap system "$plist" 2>&1) || code=$?
expect 'twice' 5 "$code"
[[ $text == *'5: Input/output error'* ]] || fail "$text"
ask id >/dev/null
SCRIPT
}

@test "kickstart, kill and list" {
    # Goal: the commands that the documentation names.
    plist job
    with_job <<'SCRIPT'
pid=$(launchctl kickstart -p system/job | sed 's/.*: //')
expect pid "$pid" "$(field pid)"
expect 'already there' "$pid" \
    "$(launchctl kickstart -p system/job | sed 's/.*: //')"
new=$(launchctl kickstart -k -p system/job | sed 's/.*: //')
[ "$new" != "$pid" ] || fail 'not killed'
expect list "$new"$'\t-15\tjob' "$(launchctl list | grep -w job |
    sed 's/\t0\t/\t-15\t/')"
ask id >/dev/null
launchctl kill SIGTERM system/job
wait_for exited
expect 'last exit' 0 "$(field 'last exit code')"
code=0; launchctl kill TERM system/job 2>/dev/null || code=$?
expect 'no process' 3 "$code"
code=0; launchctl kill NOSUCH system/job 2>/dev/null || code=$?
expect 'no signal' 64 "$code"
code=0; launchctl standin-wait system/job running 0.1 2>/dev/null || code=$?
expect 'timeout' 124 "$code"
SCRIPT
}

@test "a disabled job is not loaded" {
    # Goal: what System Settings does to a background item.
    plist job
    with_job <<'SCRIPT'
plist=/Library/LaunchDaemons/job.plist
launchctl bootout system/job
launchctl standin-wait system/job gone "$guard"
launchctl disable system/job
launchctl print-disabled system | has '"job" => disabled'
code=0; launchctl bootstrap system "$plist" 2>/dev/null || code=$?
expect 'disabled' 119 "$code"
launchctl enable system/job
launchctl bootstrap system "$plist"
SCRIPT
}

@test "only root changes anything" {
    # Goal: a user can look, and do nothing to the daemon.
    plist job
    with_job <<'SCRIPT'
as alice launchctl print system/job >/dev/null
as alice launchctl list >/dev/null
for verb in 'bootout system/job' 'bootstrap system /x' 'kill 9 system/job' \
    'kickstart system/job' 'disable system/job' 'enable system/job'; do
    code=0
    # shellcheck disable=SC2086 # words
    as alice launchctl $verb 2>/dev/null || code=$?
    expect "$verb" 1 "$code"
done
SCRIPT
}

@test "a name is handed only to the job that it belongs to" {
    # Goal: nobody can play the daemon; a listener not in the plist fails.
    plist job "<key>ProgramArguments</key><array>
        <string>$job</string><string>serve</string><string>other</string>
        </array>"
    run with_job <<'SCRIPT'
as alice "$tools/standin-job" serve job 2>/run/alice && fail 'alice serves'
grep -q 'error job: not this job' /run/alice || fail "$(cat /run/alice)"
"$tools/standin-job" knock job
launchctl standin-wait system/job runs=1 "$guard"
wait_for exited
expect 'last exit' 1 "$(field 'last exit code')"
SCRIPT
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'checks in for other: not in its MachServices'* ]]
}

@test "a program that cannot start leaves its clients waiting" {
    # Goal: what a client sees with a broken installation.
    plist job "$(key Program /nonexistent)"
    run with_job <<'SCRIPT'
(ask id >/run/answer || : >/run/failed) &
launchctl standin-wait system/job runs=1 "$guard"
wait_for exited
expect 'last exit' 78 "$(field 'last exit code')"
kill -0 $! || fail 'the client did not wait'
launchctl bootout system/job
wait $!
[ -e /run/failed ] || fail 'bootout did not end the wait'
SCRIPT
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'job: /nonexistent: No such file or directory'* ]]
}

@test "an agent is one user's, and its name only that user's" {
    # Goal: gui/UID is a domain of its own (S6).
    plist job
    run sandbox --no-daemon --agent "501=$plist" <<'SCRIPT'
touch /run/notes; chmod 666 /run/notes
[ -S "$STANDIN_DIR/agents/501/job" ] || fail 'no socket'
[ ! -e "$STANDIN_DIR/services/job" ] || fail 'in the system domain'
launchctl kickstart gui/501/job
launchctl standin-wait gui/501/job running "$guard"
pid=$(launchctl print gui/501/job | sed -n 's/^\tpid = //p')
until grep -q start /run/notes; do :; done
expect user alice "$(stat -c %U "/proc/$pid")"
SCRIPT
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "at shutdown the jobs are stopped as they should be" {
    # Goal: a broker with networks is asked, not killed, at the end.
    plist job "$(key EnableTransactions true)
        <key>ProgramArguments</key><array><string>$job</string>
        <string>serve</string><string>job</string>
        <string>$BATS_TEST_TMPDIR/notes</string></array>"
    with_job <<'SCRIPT'
ask 'hold 1'
launchctl standin-wait system/job active=1 "$guard"
SCRIPT
    grep -q sigterm "$BATS_TEST_TMPDIR/notes"
}

# refuse CODE TEXT XML: bootstrap must answer so.
refusals() {
    cat <<EOT
109|Label: is an integer, must be a string|$(key Label 1)
110|Label: missing|$(key Program /bin/true)
110|has a slash|$(key Label a/b)$(key Program /bin/true)
109|Label: is empty|<key>Label</key><string></string>
111|both missing|$(key Label a)
111|no absolute path|$(key Label a)$(key Program bin/true)
109|ProgramArguments: is a string, must be an array|$(key ProgramArguments x)
109|item 1 is an integer|<key>ProgramArguments</key><array><string>a</string><integer>1</integer></array>
109|MachServices: is an array, must be a dictionary|<key>MachServices</key><array/>
109|no name of a service|<key>MachServices</key><dict>$(key ../x true)</dict>
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
    # Goal: every key's type is checked, and launchctl says which is wrong.
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

@test "what is no plist, or not root's, is refused" {
    # Goal: owner, mode, kind and content of the file.
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
    # Goal: a misspelt key is not silence.
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

@test "binary plists are read too" {
    # Goal: what plutil -convert binary1 makes. Label b.b, Program /bin/true.
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

@test "launchd does not start with a plist that is wrong" {
    # Goal: a test must not run without the service that it is about.
    plist job "$(key ExitTimeOut soon)"
    run tests/linux/run --plist "$plist" true
    echo "$output"
    [ "$status" -eq 125 ]
    [[ $output == *'job.plist: ExitTimeOut: is a string, must be an integer'* ]]
}

@test "the plist that ships is clean" {
    # Goal: not one complaint about the shipped plist.
    run tests/linux/run launchctl print system/com.github.nirs.vmnet-broker
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output != *ignored* ]]
    [[ $output == *'exit timeout = 20'* ]]
    [[ $output == *'username = _vmnetbroker'* ]]
}
