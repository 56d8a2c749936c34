# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors

# vmnet-brokerctl: shell completion.

load ctl

@test "completion works in zsh" {
    # Goal: zsh offers the same as bash. The function is called as zsh calls it;
    # compadd prints.
    ctl_sandbox <<'SCRIPT'
cat >"$T/complete" <<'END'
fpath=($PWD/client/completions $fpath)
autoload -Uz _vmnet-brokerctl
compadd() { print -r -- ${(M)candidates:#$PREFIX*} }
_files() { print files }
words=("${@}") CURRENT=$# PREFIX=${@[-1]}
_vmnet-brokerctl
END
# completes WANTED WORD...
completes() {
    local wanted=$1
    shift
    expect "$*" "$wanted" "$(zsh -f "$T/complete" vmnet-brokerctl "$@")"
}
completes 'drain doctor' d
completes 'reload resume recreate' re
completes 'default host shared' info ''
completes shared ip s
completes '--json --wait --help' drain -
completes '--json' list --j
completes watch help wa
completes files check ''
# The shell's own completion finds the function and calls it for the command.
zsh -f -c "fpath=($PWD/client/completions \$fpath); autoload -Uz compinit
    compinit -u -d '$T/dump'; print -r -- \$_comps[vmnet-brokerctl]" >"$T/found"
expect "compinit" _vmnet-brokerctl "$(cat "$T/found")"
SCRIPT
}

@test "completion works in bash" {
    # Goal: commands, their options and the names of networks are offered.
    ctl_sandbox <<'SCRIPT'
. client/completions/vmnet-brokerctl.bash
# completes WORDS WANTED: the last word may be empty.
completes() {
    local IFS=' '
    # shellcheck disable=SC2206 # words
    COMP_WORDS=($1)
    [[ $1 != *' ' ]] || COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _vmnet_brokerctl || : # nothing matches
    expect "$1" "$2" "${COMPREPLY[*]}"
}
completes 'vmnet-brokerctl d' 'drain doctor'
completes 'vmnet-brokerctl re' 'reload resume recreate'
completes 'vmnet-brokerctl info ' 'default host shared'
completes 'vmnet-brokerctl ip s' shared
completes 'vmnet-brokerctl drain -' '--json --wait --help'
completes 'vmnet-brokerctl list --j' --json
completes 'vmnet-brokerctl help wa' watch
completes "vmnet-brokerctl check $T/nothing" ''
SCRIPT
}
