#!/bin/bash
# installed.sh PREFIX: what `cmake --install` put beside the programs: a man page for each command, completion, hardened units. Called by
# tests/run. What a tool is missing for is left out, and said.
set -u
cd "$(dirname "$0")/../.." || exit 100
prefix=$1 bad=0 scratch=$(mktemp -d "${TMPDIR:-/tmp}/ti-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
man=$prefix/share/man units=$prefix/lib/systemd/system

fail() {
    echo "FAILED: $1"
    bad=1
}

# Every command, and nothing else, has its page; every option of it is named there, every setting in till.yaml(5).
commands=$("$prefix/bin/till" --help | sed -nE 's/^  ([a-z][a-z-]*) .*/\1/p' | grep -v '^till$')
(for command in $commands; do echo "till-$command.1"; done; echo till.1) | sort >"$scratch/wanted"
ls "$man/man1" | sort | diff "$scratch/wanted" - || fail "pages and commands differ"
for command in $commands; do
    for option in $("$prefix/bin/till" "$command" --help | sed -nE 's/^  .{4}(--[a-z-]+).*/\1/p'); do
        grep -qF -- "${option//-/\\-}" "$man/man1/till-$command.1" || fail "till-$command(1) does not name $option"
    done
done
for setting in $("$prefix/bin/till" config --json | jq -r '.settings | keys[]'); do
    grep -qF "fB$setting" "$man/man5/till.yaml.5" || fail "till.yaml(5) does not name $setting"
done
if command -v groff >/dev/null; then
    for page in "$man"/man?/*; do
        groff -man -Tascii -P-cbu -ww "$page" 2>&1 >"$scratch/page" | head -n 5 >"$scratch/warnings"
        [ ! -s "$scratch/warnings" ] || fail "$page: $(cat "$scratch/warnings")"
        grep -q 'SEE ALSO' "$scratch/page" || fail "$page does not end as it should"
    done
else
    echo "left out: how the man pages are set (there is no groff)"
fi

# Completion is what the program prints; test_completion.sh has the rest.
for file in bash-completion/completions/till zsh/vendor-completions/_till fish/vendor_completions.d/till.fish; do
    cmp "$prefix/share/$file" <("$prefix/bin/till" completion "${file%%[-/]*}") || fail "$file is not what is printed"
done

# Units: each knows its programs and pages, and has as few rights as can be.
if command -v systemd-analyze >/dev/null; then
    mkdir -p "$scratch/root/usr/lib/systemd"
    cp -r "$units" "$scratch/root/usr/lib/systemd/"
    for unit in "$units"/*.service; do
        name=$(basename "${unit/@./@1.}")
        systemd-analyze security --offline=true --root="$scratch/root" --threshold=20 "$name" >"$scratch/security" 2>&1 ||
            fail "$name: $(tail -n 1 "$scratch/security")"
    done
    for unit in "$units"/*.timer; do
        when=$(sed -n 's/^OnCalendar=//p' "$unit")
        systemd-analyze calendar "$when" >/dev/null 2>&1 || fail "$unit: $when is no time"
    done
else
    echo "left out: how much the units may do (there is no systemd-analyze)"
fi
for page in $(sed -n 's/^Documentation=//p' "$units"/*.{service,timer} | sed -E 's/man:([a-z.-]*)\((.)\)/\1.\2/g' | sort -u); do
    [ -e "$man/man${page##*.}/$page" ] || fail "a unit names the page $page, which there is not"
done
for command in $(sed -nE "s/.*[ =']till ([a-z]+) .*/\1/p" "$units"/*.service); do
    echo "$commands" | grep -qx "$command" || fail "a unit runs till $command, which there is not"
done
exit $bad
