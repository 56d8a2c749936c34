# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# The JSON of tests/bench/report.

function quote(text) {
    gsub(/[\\"]/, "\\\\&", text)
    return "\"" text "\""
}

# Prints the figures of one attachment.
function object(who, what,    i, text) {
    for (i = 1; i <= count[who, what]; i++) {
        text = text (i > 1 ? ", " : "") (figure[who, what, i] + 0)
    }
    return quote(who) ": { \"median\": " (median + 0) ", \"smallest\": " \
        (least + 0) ", \"largest\": " (most + 0) ", \"runs\": [" text "] }"
}

END {
    CONVFMT = "%.6g"
    attachment[0] = "ceiling"
    print "{"
    print "    \"measures\": {"
    for (m = 1; m <= measures; m++) {
        print "        " quote(measure[m]) ": {"
        printf "            \"title\": %s", quote(title[measure[m]])
        for (a = 0; a <= attachments; a++) {
            if (summarize(attachment[a], measure[m])) {
                printf ",\n            %s", object(attachment[a], measure[m])
            }
        }
        print "\n        }" (m < measures ? "," : "")
    }
    print "    },"
    printf "    \"not_measured\": {"
    for (a = 1; a <= attachments; a++) {
        if (attachment[a] in missing) {
            printf "%s\n        %s: %s", comma, quote(attachment[a]),
                quote(missing[attachment[a]])
            comma = ","
        }
    }
    print (comma == "" ? "" : "\n    ") "}"
    print "}"
}
