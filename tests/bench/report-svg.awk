# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# The plot of tests/bench/report: it has a panel for each measure, two per row,
# with a bar for each attachment. The bar shows the median, and the line on it
# the range from the smallest to the largest figure.

function escape(text) {
    gsub(/&/, "\\&amp;", text)
    gsub(/</, "\\&lt;", text)
    gsub(/>/, "\\&gt;", text)
    return text
}

function write(x, y, anchor, class, text) {
    printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">" \
        "%s</text>\n", x, y, anchor, class, escape(text)
}

function line(x1, y1, x2, y2) {
    printf "<path d=\"M%.1f %.1fL%.1f %.1f\"/>\n", x1, y1, x2, y2
}

# Draws the bar of one attachment; x and y are the top left corner of its row.
function bar(x, y, who, what, scale, color,    end, format) {
    end = x + names + median * scale
    write(x + names - 6, y + bar_height - 4, "end", "name", who)
    printf "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" " \
        "fill=\"%s\"/>\n", x + names, y, median * scale, bar_height, color
    line(x + names + least * scale, y + bar_height / 2,
        x + names + most * scale, y + bar_height / 2)
    line(x + names + least * scale, y + 4, x + names + least * scale,
        y + bar_height - 4)
    line(x + names + most * scale, y + 4, x + names + most * scale,
        y + bar_height - 4)
    format = "%." decimals[what] "f"
    write(x + names + most * scale + 6, y + bar_height - 4, "start", "value",
        sprintf(format, median))
}

function panel(x, y, what,    a, bars, greatest, scale) {
    write(x, y + 14, "start", "title", title[what])
    y += 24
    for (a = 1; a <= attachments; a++) {
        if (summarize(attachment[a], what)) {
            bars++
            if (most > greatest) {
                greatest = most
            }
        }
    }
    scale = greatest > 0 ? (panel_width - names - values) / greatest : 0
    line(x + names, y - 2, x + names, y + bars * (bar_height + gap))
    for (a = 1; a <= attachments; a++) {
        if (summarize(attachment[a], what)) {
            bar(x, y, attachment[a], what, scale, color[a])
            y += bar_height + gap
        }
    }
}

END {
    split("#4477aa #ee6677 #228833 #ccbb44 #66ccee #aa3377", color, " ")
    panel_width = 450
    names = 140
    values = 60
    bar_height = 16
    gap = 6
    for (a = 1; a <= attachments; a++) {
        shown += !(attachment[a] in missing)
    }
    panel_height = 24 + shown * (bar_height + gap) + 20
    for (m = 1; m <= measures; m++) {
        if (measure[m] != "loopback" && measure[m] != "retransmits") {
            plotted[++plots] = measure[m]
        }
    }
    height = 60 + int((plots + 1) / 2) * panel_height
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" " \
        "height=\"%d\" viewBox=\"0 0 %d %d\">\n", 2 * panel_width + 60, height,
        2 * panel_width + 60, height
    print "<style>text { font-family: sans-serif; fill: #222 }" \
        " .heading { font-size: 16px; font-weight: bold }" \
        " .title { font-size: 13px; font-weight: bold }" \
        " .name, .value { font-size: 12px }" \
        " path { stroke: #222; stroke-width: 1.2; fill: none }</style>"
    print "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
    write(20, 28, "start", "heading", "Ways to attach a VM: median of " runs \
        (runs == 1 ? " run" : " runs") ", smallest to largest")
    for (m = 1; m <= plots; m++) {
        panel(20 + (m - 1) % 2 * (panel_width + 20),
            50 + int((m - 1) / 2) * panel_height, plotted[m])
    }
    print "</svg>"
}
