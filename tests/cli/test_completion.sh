#!/bin/bash
# Completion: what bash offers at each place; the other shells at least read what is printed for them.
set -u
. "$(dirname "$0")/private.sh"

"$TILL" completion bash >bash || fail "nothing for bash"
. ./bash
touch a.csv

# offers WANTED WORD...: behind these words, the last of which is being typed, bash offers this (of many: what begins so).
offers() {
    local wanted=$1 got
    shift
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _till
    got=${COMPREPLY[*]}
    case $got in "$wanted" | "$wanted "*) [ -n "$wanted" ] || [ -z "$got" ] || fail "offers '$got' behind: $*" ;;
    *) fail "offers '$got', not '$wanted', behind: $*" ;; esac
}
offers "help open" till ""
offers "pay pause" till pa
offers "pay" till help pay
offers "--version --config" till --
offers "--at --account --amount --allow-duplicate" till pay --a
offers "--key --kind" till -c x.yaml open --k
offers "user merchant app" till open --kind ""
offers "merchant" till open --account coffee --kind m
offers "" till open --account ""
offers "" till pay --amount --n
offers "a.csv" till pay --password-file a
offers "a.csv" till status -c a
offers "a.csv" till reconcile a
offers "verify" till archive ver
offers "list show requeue discard" till dead ""
offers "bash zsh fish" till completion ""
offers "--json" till completion --j
for command in $commands; do
    for option in $("$TILL" "$command" --help | sed -nE 's/^  .{4}(--[a-z-]+).*/\1/p'); do offers "$option" till "$command" "$option"; done
done

for shell in zsh fish; do
    "$TILL" completion $shell >$shell || fail "nothing for $shell"
    for command in $commands; do grep -qw -- "$command" $shell || fail "$shell is not told of $command"; done
    ! command -v $shell >/dev/null || $shell -n ./$shell 2>err || fail "$shell cannot read it: $(cat err)"
done
expect 100 "there is completion for bash, zsh and fish" "$TILL" completion csh
finish
