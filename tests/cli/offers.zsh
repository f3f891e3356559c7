# offers.zsh DIR: for each command line on stdin, on a line each, what zsh offers at its end: an interactive shell with compinit, and DIR in its
# fpath, in a terminal of its own, in which the line is typed and Tab is pressed.
zmodload zsh/zpty || exit 1
own=$(mktemp -d ${TMPDIR:-/tmp}/oz-XXXXXX)
trap 'rm -rf $own' EXIT
mkfifo $own/said
cat >$own/.zshrc <<END
PS1= HISTFILE=
fpath=($1 \$fpath)
exec 9>$own/said
END
cat >>$own/.zshrc <<'END'
autoload -Uz compinit
compinit -u -D
zstyle ':completion:*' insert-tab false
compadd() { # what would be shown is told; questions that the completion asks itself (-O, -A, -D) are not
    local -a hits
    [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]] || { builtin compadd -A hits "$@"; print -rn -u 9 -- "$hits " }
    builtin compadd "$@"
}
tell() { print -u 9 }
ask() {
    comppostfuncs=(tell)
    zle complete-word
    zle kill-whole-line
}
zle -N ask
bindkey '^I' ask
END
export ZDOTDIR=$own TERM=dumb
zpty asked 'zsh -d -i'
exec 8<>$own/said
while IFS= read -r line; do
    zpty -w -n asked $line$'\t'
    IFS= read -r -t 30 -u 8 got || { print "does not answer"; exit 1 }
    print -r -- $got
    while zpty -r -t asked shown; do :; done # or the terminal is full some day
done
zpty -d asked
