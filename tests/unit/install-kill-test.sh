#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# install and uninstall, killed at each step and run again; under each shell that
# is here.

# shellcheck disable=SC2317,SC2030,SC2031 # called by check, in a subshell

set -u
cd "$(dirname "$0")/../.." || exit
. tests/unit/install-fixture.sh

# wrap: puts a wrapper around each tool that changes something. Before the tool
# runs, the wrapper counts, and at step $KILL_AT kills everything, and itself. If
# the tool before it has changed something outside of .new, it copies the Mac as
# a kill would leave it now. (The scripts begin with the removal of .new.)
wrap() {
    mkdir -p "$T/wrapped"
    for tool in cat chmod chown cp dscl launchctl mkdir mv rm rmdir; do
        cat >"$T/wrapped/$tool" <<EOF
#!/bin/dash
PATH=$fakes:$real_path
read -r step <"$T/step"
echo \$((step + 1)) >"$T/step"
if [ "\$step" = "\$KILL_AT" ]; then
    kill -9 0
elif [ -z "\$KILL_AT" ] && [ -e "$T/changed" ]; then
    rm "$T/changed"
    cp -a "$DESTDIR" "$T/steps/\$step"
fi
for last; do :; done
case "$tool \$*" in
cat*|chmod*|launchctl\ print*|dscl*-read*|dscl*-list*|dscl*-search*) ;;
*) case \$last in */.new/*) ;; *) : >"$T/changed" ;; esac ;;
esac
exec $(PATH=$fakes:$real_path command -v $tool) "\$@"
EOF
        chmod +x "$T/wrapped/$tool"
    done
}

# wrapped COMMAND...: runs it with the wrappers, in a process group of its own.
wrapped() {
    echo 0 >"$T/step"
    rm -f "$T/changed"
    # shellcheck disable=SC2086 # "busybox sh"
    PATH=$T/wrapped:$PATH setsid -w $sh "$@" >"$T/out" 2>&1
}

# killed_at STEP BEFORE COMMAND...: kills it for real, which must leave the copy of
# that step.
killed_at() {
    step=$1
    put "$2"
    shift 2
    if KILL_AT=$step wrapped "$@"; then
        echo "not killed at step $step"
        return 1
    fi
    same "steps/$step"
}

# killed BEFORE AFTER COMMAND...: the command is interrupted at each step; run
# again, it leads from the Mac BEFORE to the Mac AFTER. Under dash each step is
# killed for real; under the others, which run the same commands, one in the
# middle, and for the other steps the copies stand in.
killed() {
    before=$1 after=$2
    shift 2
    rm -rf "$T/steps"
    mkdir "$T/steps"
    put "$before"
    KILL_AT='' wrapped "$@" && same "$after" || return 1
    steps=$(cd "$T/steps" && echo *)
    middle=$(echo "$steps" | awk '{ print $int(NF / 2) }')
    (DESTDIR=$T/$after && tree) >"$T/end"
    for step in $steps; do
        case "$sh $step" in
        dash\ * | *" $middle") killed_at "$step" "$before" "$@" || return 1 ;;
        *) put "steps/$step" ;;
        esac
        if ! run "$@" >"$T/out" 2>&1; then
            echo "killed at step $step, and not run again:"
            cat "$T/out"
            return 1
        fi
        tree >"$T/now"
        if ! diff "$T/end" "$T/now"; then
            echo "killed at step $step, and another result"
            return 1
        fi
    done
    echo "$steps" | wc -w
}

kill_install() { killed empty installed "$T/1.0/install"; }
kill_upgrade() { killed installed upgraded "$T/2.0/install"; }
kill_uninstall() { killed installed empty "$T/1.0/uninstall" --purge; }

wrap

all() {
    (fresh && keep empty && install 1.0 && keep installed &&
        install 2.0 && keep upgraded) >/dev/null 2>&1
    check "S25: install, killed at each step" kill_install
    check "S25: upgrade, killed at each step" kill_upgrade
    check "S25: uninstall, killed at each step" kill_uninstall
}

each_shell all
finish
