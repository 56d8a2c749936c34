#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# tests/lint finds what only GNU's programs, bash 4 and make 4 know. And each script
# that ships is read by each shell.

set -u
cd "$(dirname "$0")/../.." || exit

. tests/tap.sh

cat >"$tmp/bad" <<'END'
sed -i s/a/b/ file
sed -n -r s/a/b/ file
sed -e '0,/a/s/a/b/' file
sed 0,/a/d file
size=$(stat -c %s file)
date -d @0
date --iso-8601
grep -oP 'a\d' file
cp --update a b
head -n -1 --quiet file
mv -f --no-clobber a b
mktemp --directory
ln -sT a b
cp -rT a b
    install -D a b
du -sb .
find . | xargs -d '\n' rm
base64 -w 0 file
find . -name a -printf '%p'
tar --sort=name -cf a .
timeout 5 true
x | timeout 5 cat
jobs=$(nproc --all)
    getent passwd root
awk '{ print gensub(/a/, "b", "g") }' file
declare -A table
    local -n other=$1
mapfile -t lines <file
echo "${name^^}"
echo "${name,}"
echo "${name@Q}"
echo $EPOCHSECONDS
make |& tee log
make &>>log
a) b ;;&
wait -n
shopt -s globstar
DATE != date
TEXT ::= a
ALL := $(file <list)
a b &: c
.ONESHELL:
undefine A
END
cat >"$tmp/good" <<'END'
# sed -i is not for here
sed -ne s/a/b/p file
sed 's|a|&b|' file
sed -e '1,/0,/d' -e '10,/a/d' file
stat -f %z file
tail -n +1 -f file
rm -rf "$a" "$b"
[ "$a" != "$b" ] && true
install -m 755 a b
launchctl print system/a >file 2>&1 &
local name=$1
cp -- "$a" b
echo "${name%,*}" "${name#^}"
a || b
A := $(shell uname)
timeout 5 true # Linux
the timeout of the broker
END

# shellcheck disable=SC2317 # called by check
# A Mac has bash 3.2 in the place of sh, and a guest busybox.
scripts_parse() {
    git ls-files -co --exclude-standard broker client examples packaging |
        while read -r file; do
            if head -n 1 "$file" | grep -q '^#!.*sh$'; then echo "$file"; fi
        done >"$tmp/scripts"
    [ "$(wc -l <"$tmp/scripts")" -ge 15 ] || return 1
    for shell in dash "bash --posix" "busybox sh"; do
        while read -r file; do
            # shellcheck disable=SC2086 # words
            $shell -n "$file" || return 1
        done <"$tmp/scripts"
    done
}

plan 3
check_same "each line that a Mac does not understand" \
    "$(tests/lint --gnu "$tmp/bad" | cut -d : -f 2 | tr '\n' ' ')" \
    "$(seq -s ' ' "$(wc -l <"$tmp/bad")") "
check "every script in dash, bash and busybox's shell" scripts_parse
check_same "nothing else" "$(tests/lint --gnu "$tmp/good")" ""
finish
