#!/bin/bash
# That tests/tidy finds what it is there to find: each line below breaks one rule in a scratch tree, and must be named.
set -u
root=$PWD dir=$(mktemp -d) bad=0
trap 'rm -rf "$dir"' EXIT

# expect NAME FILE TEXT...: tidy over a tree with this file says TEXT; the file is stdin.
expect() {
    local name=$1 file=$2 text=$3 said
    rm -rf "$dir"/*
    mkdir -p "$dir"/{schema/lua,config,producer/cli,worker,tests,.ci}
    cp "$root/tests/tidy" "$dir/tests/tidy"
    printf '#!/bin/bash\n# Starts it.\n' | tee "$dir/run" >"$dir/.ci/run"
    mkdir -p "$dir/$(dirname "$file")"
    cat >"$dir/$file"
    said=$("$dir/tests/tidy")
    case $said in
    *"$text"*) [ -n "$text" ] || [ -z "$said" ] || { echo "$name: said '$said'"; bad=1; } ;;
    *) echo "$name: wanted '$text', got '$said'" && bad=1 ;;
    esac
}

top='/* A purpose. */'
expect "clean" worker/a.c "" <<<"$top"
expect "no purpose" worker/a.c "worker/a.c:1: does not begin" <<<'int a;'
expect "long line" worker/a.c "worker/a.c:2: 150 columns" <<<"$top"$'\n'"$(printf '%150s' x)"
expect "long file" worker/a.c "worker/a.c:451: more than" <<<"$top$(printf '\nint a;%.0s' {1..460})"
expect "long lua" schema/lua/a.lua "schema/lua/a.lua:101: more than" <<<"-- A purpose.$(printf '\nlocal a%.0s' {1..110})"
far="static int far(void) {$(printf '\n    a();%.0s' {1..71})"$'\n}'
expect "long function" worker/a.c "worker/a.c:2: far has 73 lines" <<<"$top"$'\n'"$far"
expect "arrow" schema/a.c "schema/a.c:2: schema/ must not include config/" <<<"$top"$'\n#include "config/a.h"'
expect "nobody includes worker" producer/a.c "producer/ must not include worker/" <<<"$top"$'\n#include "worker/a.h"'
expect "msgpack" worker/a.c "worker/a.c:2: <msgpack.h> is included" <<<"$top"$'\n#include <msgpack.h>'
expect "yaml" config/a.c "config/a.c:2: <yaml.h> is included" <<<"$top"$'\n#include <yaml.h>'
expect "hiredis" producer/till.c "<hiredis/hiredis.h> is included" <<<"$top"$'\n#include <hiredis/hiredis.h>'
expect "hiredis in its place" producer/redis_a.c "" <<<"$top"$'\n#include <hiredis/hiredis.h>'
expect "banned" worker/a.c "worker/a.c:2: banned: strcpy" <<<"$top"$'\nvoid a(void) { strcpy(b, c); }'
expect "banned inside a call" worker/a.c "banned: atoi" <<<"$top"$'\nint a(char *b) { return f(atoi(b)); }'
expect "library speaks" schema/a.c "schema/a.c:2: libraries do not" <<<"$top"$'\nvoid a(void) { fprintf(b, c); }'
expect "programs may" producer/cli/a.c "" <<<"$top"$'\nvoid a(void) { fprintf(b, c); }'
expect "snprintf is fine" schema/a.c "" <<<"$top"$'\nvoid a(void) { snprintf(b, 1, "c"); }'
expect "leftover" worker/a.c "worker/a.c:2: leftover" <<<"$top"$'\n/* TO''DO: more */'
expect "a machine's path" worker/a.c "worker/a.c:2: a path of one machine" <<<"$top"$'\nchar *a = "/home''/me";'
expect "trailing space" worker/a.c "worker/a.c:2: space at the end" <<<"$top"$'\nint a; '
expect "no guard" worker/a.h "worker/a.h:1: no include guard" <<<"$top"
exit $bad
