# shellcheck shell=bash disable=SC2154 # variables of vms
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# The measurements of tests/bench/vms; each one adds a line to the file $csv.

work=$(mktemp -d)
holders=()

export TEST_VM_RUN=$work/vms PATH_EXAMPLES=$PWD/tests/bench/guest
export BENCH_PIDS=$work/pids BENCH_BUILT=$PWD/$built/bench
export BENCH_VMNET_RUN=$PWD/$built/examples/vmnet-run
export BENCH_VMNET_HELPER=$helper BENCH_SOCKET
mkdir "$BENCH_PIDS"

# shellcheck disable=SC2317 # trap calls it
leave() {
    for name in one two three; do
        "$vm/stop" "$name" >/dev/null 2>&1 || :
    done
    [ ${#holders[@]} -eq 0 ] || kill "${holders[@]}" 2>/dev/null || :
    rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' HUP INT TERM

# record ATTACHMENT MEASURE RUN VALUE
record() {
    echo "$(title "$1"),$2,$3,$4" >>"$csv"
}

# Prints the time in seconds, with fractions.
now() {
    perl -MTime::HiRes=time -e 'printf "%.3f\n", time'
}

# --- The VMs -----------------------------------------------------------------

# Creates the baseline's network and adds a tap for each VM to its bridge, which
# exists as long as it has an interface. The interface of vmnet-run does nothing
# else: the command closes its socket.
add_relay_taps() {
    local before bridge line=''
    before=$(ip -o link show type bridge | cut -d : -f 2)
    mkfifo "$work/held"
    # shellcheck disable=SC2016 # for the sh that it starts
    "$BENCH_VMNET_RUN" --offload --network bench-relay --fd 9 -- sh -c '
        exec 9<&- && echo held && exec sleep 86400' >"$work/held" &
    holders+=($!)
    read -r line <"$work/held" || :
    [ "$line" = held ] || fail "no interface on bench-relay"
    bridge=$(ip -o link show type bridge | cut -d : -f 2 |
        grep -vxF -e none -e "$before" | tr -d ' ') || :
    [ -n "$bridge" ] || fail "bench-relay has no bridge"
    for name in one two three; do
        ip tuntap add dev "$name-relay" mode tap
        ip link set "$name-relay" master "$bridge" up
    done
}

# Prints the processes of Virtualization; each VM has one.
machines() {
    if mac; then
        pgrep -f com.apple.Virtualization.VirtualMachine | sort || :
    else
        for path in "$BENCH_PIDS"/*.machine; do
            [ ! -e "$path" ] || pgrep -P "$(cat "$path")" || :
        done | sort
    fi
}

# start NAME NUMBER ATTACHMENT...: starts a VM; its output is in NAME.start.
start() {
    local name=$1 number=$2 before
    shift 2
    before=$(machines)
    BENCH_VM=$name BENCH_NUMBER=$number BENCH_WAYS=$* \
        "$vm/start" "$name" --launcher launcher >"$work/$name.start" ||
        fail "$name did not start"
    machines | grep -vxF -e none -e "$before" >"$BENCH_PIDS/$name.vmm" || :
}

# eth0 belongs to the first attachment, and so on.
interface() {
    local number=0 way
    for way in $ways; do
        [ "$way" != "$1" ] || echo eth$number
        number=$((number + 1))
    done
}

# address NAME ATTACHMENT, gateway NAME ATTACHMENT
address() {
    sed -n "s|^vm: $(interface "$2") [^ ]* \([0-9.]*\)/.*|\1|p" \
        "$work/$1.start"
}

gateway() {
    sed -n "s|^vm: $(interface "$2") .* gw \([0-9.]*\) .*|\1|p" \
        "$work/$1.start"
}

# --- Clocks ------------------------------------------------------------------

# cpu_seconds PID...: user and system time.
cpu_seconds() {
    local list
    list=$(echo "$@" | tr ' ' ,)
    if mac; then
        ps -o cputime= -p "$list" | awk '
            { n = split($1, part, ":"); for (i = t = 0; ++i <= n;)
                t = t * 60 + part[i]; sum += t } END { print sum + 0 }'
    else
        for pid; do
            cat "/proc/$pid/stat"
        done | awk -v ticks="$(getconf CLK_TCK)" '
            { sub(/^.*\) /, ""); sum += $12 + $13 }
            END { print sum / ticks }'
    fi
}

# cpu ATTACHMENT: prints the processor time of the programs between the two VMs,
# and that of these programs and the VMs together.
cpu() {
    local between=0
    if [ "$1" != native ]; then
        # shellcheck disable=SC2046 # words
        between=$(cpu_seconds $(cat "$BENCH_PIDS/one.$1" "$BENCH_PIDS/two.$1"))
    fi
    # shellcheck disable=SC2046 # words
    echo "$between" \
        "$(cpu_seconds $(cat "$BENCH_PIDS/one.vmm" "$BENCH_PIDS/two.vmm"))"
}

# Prints the number of TCP segments that the VM $1 has retransmitted.
retransmits() {
    "$vm/exec" "$1" "awk '/^Tcp:/ { text = \$13 } END { print text }' \
        /proc/net/snmp"
}

# timed NAME COMMAND: prints how many seconds it took, by the guest's clock.
timed() {
    "$vm/exec" "$1" "t=\$(cut -d ' ' -f 1 /proc/uptime)
        { $2; } >/dev/null || exit
        echo \"\$t \$(cut -d ' ' -f 1 /proc/uptime)\"" |
        awk '{ print $2 - $1 }'
}

# --- Measurements ------------------------------------------------------------

# guest_fetches NAME URL COUNT: prints how many seconds it took.
guest_fetches() {
    timed "$1" "i=0; while [ \$i -lt $3 ]; do wget -q -O /dev/null $2 || exit
        i=\$((i + 1)); done"
}

# host_fetches URL COUNT: prints how many seconds it took.
host_fetches() {
    # Each fetch has its own connection, as in the guest.
    curl -s -f -0 -o /dev/null -w '%{time_total}\n' "$1?[1-$2]" |
        awk '{ sum += $1 } END { print sum }'
}

# rate COUNT SECONDS: prints Mbit/s.
rate() {
    awk -v bits=$((megabytes * 8 * 1024 * 1024)) -v count="$1" -v time="$2" \
        'BEGIN { print bits * count / time / 1000000 }'
}

# Prints how many fetches take $seconds; the slower of two attempts decides.
calibrate() {
    local first second
    first=$(guest_fetches one "$1" 1)
    second=$(guest_fetches one "$1" 1)
    printf '%s\n' "$first" "$second" | awk -v seconds="$seconds" '
        $1 > most { most = $1 }
        END { count = int(seconds / (most > .01 ? most : .01))
            print count < 1 ? 1 : count }'
}

# between_vms ATTACHMENT RUN: measures the rate and the processor time.
between_vms() {
    local before after sent time count
    count=$(cat "$work/$1.count")
    before=$(cpu "$1")
    sent=$(retransmits two)
    time=$(guest_fetches one "http://$(address two "$1"):7000/file" "$count")
    sent=$(($(retransmits two) - sent))
    after=$(cpu "$1")
    record "$1" vm_to_vm "$2" "$(rate "$count" "$time")"
    record "$1" retransmits "$2" "$sent"
    echo "$before $after" |
        awk -v bits=$((megabytes * 8 * 1024 * 1024)) -v count="$count" '
            { print ($3 - $1) / (bits * count / 1e9)
                print ($3 + $4 - $1 - $2) / (bits * count / 1e9) }' >"$work/cpu"
    record "$1" cpu_between "$2" "$(sed -n 1p "$work/cpu")"
    record "$1" cpu_all "$2" "$(sed -n 2p "$work/cpu")"
}

# with_host ATTACHMENT RUN
with_host() {
    local count port server
    count=$(cat "$work/$1.count")
    record "$1" vm_to_host "$2" "$(rate "$count" \
        "$(host_fetches "http://$(address two "$1"):7000/file" "$count")")"
    rm -f "$work/port"
    mkfifo "$work/port"
    "$built/bench/serve" "$(gateway two "$1")" \
        $((megabytes * 1024 * 1024)) >"$work/port" &
    server=$!
    holders+=("$server")
    read -r port <"$work/port" || fail "no server on $(gateway two "$1")"
    record "$1" host_to_vm "$2" "$(rate "$count" \
        "$(guest_fetches two "http://$(gateway two "$1"):$port/" "$count")")"
    kill "$server"
    wait "$server" 2>/dev/null || :
    unset "holders[${#holders[@]}-1]" # its process ID may be reused
}

# average TARGET: prints the mean milliseconds of pings, each of which is sent
# when the previous one has been answered.
average() {
    "$vm/exec" one "ping -q -A -c $pings $1" |
        sed -n 's|^round-trip .* = [0-9.]*/\([0-9.]*\)/.*|\1|p'
}

# start_up ATTACHMENT RUN: the time until a new guest has an address.
start_up() {
    local begin
    begin=$(now)
    start three 03 "$1"
    record "$1" start "$2" "$(echo "$begin $(now)" | awk '{ print $2 - $1 }')"
    "$vm/stop" three >/dev/null
}

# send_frames ATTACHMENT RUN: measures frames without a VM.
send_frames() {
    [ "$1" != native ] || return 0
    record "$1" frames "$2" "$(
        BENCH_VM=three BENCH_NUMBER=03 BENCH_WAYS=$1 \
            BENCH_COMMAND="$BENCH_BUILT/frames 10 $frames" \
            tests/bench/guest/launcher 2>"$work/log" || cat "$work/log" >&2
    )"
}

# Measures the speed of the guest's own tools, without a network interface.
record_ceiling() {
    local count
    count=$(calibrate http://127.0.0.1:7000/file)
    echo "ceiling,loopback,$1,$(rate "$count" \
        "$(guest_fetches one http://127.0.0.1:7000/file "$count")")" >>"$csv"
}

# --- All measurements --------------------------------------------------------

start_vms() {
    local way
    # shellcheck disable=SC2086 # words
    {
        start one 01 $ways
        start two 02 $ways
    }
    for name in one two; do
        "$vm/exec" $name "dd if=/dev/zero of=/tmp/file bs=1M \
            count=$megabytes 2>/dev/null; httpd -p 7000 -h /tmp"
    done
    for way in $ways; do
        [ -n "$(address two "$way")" ] || fail "$(title "$way"): no address"
        calibrate "http://$(address two "$way"):7000/file" \
            >"$work/$way.count"
    done
}

# measure_way ATTACHMENT RUN
measure_way() {
    between_vms "$1" "$2"
    with_host "$1" "$2"
    record "$1" ping_vm "$2" "$(average "$(address two "$1")")"
    record "$1" ping_host "$2" "$(average "$(gateway one "$1")")"
}

# in_turn COMMAND: runs it for each attachment in each run. Each run begins with a
# different attachment, so that none always follows the same one.
in_turn() {
    local command=$1 run way first=''
    for ((run = 1; run <= runs; run++)); do
        # shellcheck disable=SC2086 # words
        set -- $ways
        while [ "$1" != "${first:-$1}" ]; do
            set -- "${@:2}" "$1"
        done
        first=${2:-$1}
        for way; do
            "$command" "$way" $run
        done
    done
}

measure_all() {
    local run
    case $ways in
    *relay*) add_relay_taps ;;
    esac
    if [ -n "$no_vms" ]; then
        in_turn send_frames
        return
    fi
    start_vms
    for ((run = 1; run <= runs; run++)); do
        record_ceiling $run
    done
    in_turn measure_way
    for name in one two; do
        "$vm/stop" $name >/dev/null
    done
    in_turn start_up
    in_turn send_frames
}
