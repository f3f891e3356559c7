#!/bin/bash
# Completion: what bash, zsh and fish offer at each place; zsh and fish where they are there.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$(dirname "$0")/private.sh"

"$TILL" completion bash >bash || fail "nothing for bash"
. ./bash
touch a.csv

# bash_offers WANTED WORD...: behind these words, the last of which is being typed, bash offers this (of many: what begins so).
bash_offers() {
    local wanted=$1 got
    shift
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _till
    got=${COMPREPLY[*]}
    case $got in "$wanted" | "$wanted "*) [ -n "$wanted" ] || [ -z "$got" ] || fail "offers '$got' behind: $*" ;;
    *) fail "offers '$got', not '$wanted', behind: $*" ;; esac
}
offers() { # and the others are asked the same later
    bash_offers "$@"
    printf '%s\t%s\n' "$1" "${*:2}" >>lines
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
    options=$("$TILL" "$command" --help | sed -nE 's/^  .{4}(--[a-z-]+).*/\1/p' | tr '\n' ' ')
    for option in $options; do bash_offers "$option" till "$command" "$option"; done
    printf '%s\ttill %s --\n' "$options" "$command" >>lines
done

for shell in zsh fish; do
    "$TILL" completion $shell >$shell || fail "nothing for $shell"
    for command in $commands; do grep -qw -- "$command" $shell || fail "$shell is not told of $command"; done
    ! command -v $shell >/dev/null || $shell -n ./$shell 2>err || fail "$shell cannot read it: $(cat err)"
done

# compare SHELL: each wanted word is in SHELL.said, where each line answers one of `lines`, and nothing where nothing is wanted.
compare() {
    local wanted line word
    [ "$(wc -l <$1.said)" = "$(wc -l <lines)" ] || fail "$1 answered $(wc -l <$1.said) of $(wc -l <lines): $(tail -n 1 $1.said)"
    while IFS=$'\t' read -r wanted line <&3 && read -r got <&4; do
        [ -n "$wanted" ] || [ -z "${got// /}" ] || fail "$1 offers '$got' behind: $line"
        for word in $wanted; do
            case " $got " in *" $word "*) ;; *) fail "$1 offers '$got', not '$word', behind: $line" ;; esac
        done
    done 3< <(sed 's/^\t/ \t/' lines) 4<$1.said
}
left=""
if command -v zsh >/dev/null; then
    mkdir zsh.d
    mv zsh zsh.d/_till
    cut -f 2 lines | timeout 100 zsh -f "$root/tests/cli/offers.zsh" "$dir/zsh.d" >zsh.said
    compare zsh
else left="zsh"; fi
if command -v fish >/dev/null; then
    mkdir home
    sed -i '/--amount --n$/d' lines # an option where a value must be: fish offers options all the same
    cut -f 2 lines | HOME=$dir/home timeout 100 fish --no-config -c \
        'source ./fish; while read -l line; echo (complete -C $line | cut -f 1); end' >fish.said
    compare fish
else left="${left:+$left and }fish"; fi
expect 100 "there is completion for bash, zsh and fish" "$TILL" completion csh
[ -z "$left" ] || [ $bad != 0 ] || { echo "what $left would offer is left out: not here"; exit 77; }
finish
