# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# The table of tests/bench/report.

function row(who, name, what,    format, text) {
    format = "%." decimals[what] "f"
    text = sprintf("  %-24s %9s %9s %9s %7s %7s", name,
        sprintf(format, median), sprintf(format, least), sprintf(format, most),
        (who == "ceiling") ? "" : ratio(who, "native", what),
        (who == "ceiling") ? "" : ratio(who, "relay", what))
    sub(/ +$/, "", text)
    print text
}

END {
    printf "%-26s %9s %9s %9s %7s %7s\n", runs (runs == 1 ? " run" : " runs"),
        "median", "smallest", "largest", "/native", "/relay"
    for (m = 1; m <= measures; m++) {
        print title[measure[m]]
        if (summarize("ceiling", measure[m])) {
            row("ceiling", "loopback", measure[m])
        }
        for (a = 1; a <= attachments; a++) {
            if (summarize(attachment[a], measure[m])) {
                row(attachment[a], attachment[a], measure[m])
            }
        }
    }
    for (a = 1; a <= attachments; a++) {
        if (attachment[a] in missing) {
            print attachment[a] ": " missing[attachment[a]]
        }
    }
}
