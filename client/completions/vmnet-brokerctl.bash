# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
# shellcheck shell=bash
#
# Completion for bash, 3.2 or later: source it, or put it where
# bash-completion looks.

_vmnet_brokerctl() {
    local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words=''
    local IFS=$' \t\n'

    if [ "$COMP_CWORD" -eq 1 ]; then
        words=$(vmnet-brokerctl help | sed -n 's/^  \([a-z]*\) .*/\1/p')
    elif [[ $word == -* ]]; then
        words=$(vmnet-brokerctl "$command" --help 2>/dev/null |
            sed -n -e 's/^  -h, \(--help\) .*/\1/p' -e 's/^  \(--[a-z]*\) .*/\1/p')
    else
        case $command in
        info | ip | leases | hold | recreate)
            words=$(vmnet-brokerctl list 2>/dev/null | sed -e 1d -e 's/ .*//')
            ;;
        help) words=$(vmnet-brokerctl help | sed -n 's/^  \([a-z]*\) .*/\1/p') ;;
        check)
            # shellcheck disable=SC2207 # mapfile is not in bash 3.2
            COMPREPLY=($(compgen -f -- "$word"))
            return
            ;;
        esac
    fi
    # shellcheck disable=SC2207
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}

complete -F _vmnet_brokerctl vmnet-brokerctl
