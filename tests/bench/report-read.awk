# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# Reads the results of tests/bench/vms for the three report-*.awk:
#
#   attachments, attachment[i]     in the order of the file
#   measures, measure[i]           those that have figures, in a fixed order
#   title[measure], decimals[measure]
#   count[attachment, measure]     its figures are figure[attachment, measure, i]
#   missing[attachment]            why it has no figures

BEGIN {
    define("vm_to_vm", "VM to VM, TCP (Mbit/s)", 0)
    define("vm_to_host", "VM to host, TCP (Mbit/s)", 0)
    define("host_to_vm", "host to VM, TCP (Mbit/s)", 0)
    define("ping_vm", "ping VM to VM (ms, less is better)", 3)
    define("ping_host", "ping VM to host (ms, less is better)", 3)
    define("cpu_between", "CPU time between VMs (s/Gbit, less is better)", 3)
    define("cpu_all", "CPU time, VMs included (s/Gbit, less is better)", 3)
    define("retransmits", "TCP segments sent again, VM to VM", 0)
    define("start", "start until the VM has an address (s, less is better)", 1)
    define("frames", "frames sent by a program, no VM (1000/s)", 1)
    define("loopback", "TCP inside a VM, no interface (Mbit/s)", 0)
}

function define(name, text, digits) {
    known[++knowns] = name
    title[name] = text
    decimals[name] = digits
}

FNR == 1 { next }

!($1 in seen) && $1 != "ceiling" {
    seen[$1] = 1
    attachment[++attachments] = $1
}

$2 == "missing" {
    missing[$1] = $4
    next
}

{
    if (!($2 in title) || NF != 4 || $4 !~ /^[0-9.]+(e[-+]?[0-9]+)?$/) {
        print "bench: line " FNR " is not a figure: " $0 >"/dev/stderr"
        failed = 1
        exit 1
    }
    figure[$1, $2, ++count[$1, $2]] = $4 + 0
    run[$1, $2, $3] = $4 + 0
    if ($3 > runs) {
        runs = $3 + 0
    }
    found[$2] = 1
}

# Returns the median of value[1] to value[n], which it sorts.
function median_of(value, n,    i, j, other) {
    for (i = 2; i <= n; i++) {
        other = value[i]
        for (j = i - 1; j > 0 && value[j] > other; j--) {
            value[j + 1] = value[j]
        }
        value[j + 1] = other
    }
    return n % 2 ? value[(n + 1) / 2] : (value[n / 2] + value[n / 2 + 1]) / 2
}

# Sets median, least and most; returns false if there is no figure.
function summarize(who, what,    i, n, value) {
    n = count[who, what] + 0
    for (i = 1; i <= n; i++) {
        value[i] = figure[who, what, i]
    }
    if (n == 0) {
        return 0
    }
    median = median_of(value, n)
    least = value[1]
    most = value[n]
    return 1
}

# Returns the median of who / base within each run, or "-".
function ratio(who, base, what,    i, n, value) {
    for (i = 1; i <= runs; i++) {
        if ((who, what, i) in run && run[base, what, i] > 0) {
            value[++n] = run[who, what, i] / run[base, what, i]
        }
    }
    return n == 0 ? "-" : sprintf("%.2f", median_of(value, n))
}

END {
    if (failed) {
        exit 1
    }
    for (i = 1; i <= knowns; i++) {
        if (known[i] in found) {
            measure[++measures] = known[i]
        }
    }
}
