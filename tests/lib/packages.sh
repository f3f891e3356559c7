#!/bin/bash
# packages.sh BUILD: the Debian packages of this build: what is in them, what they need, what their scripts do. Called by tests/run.
# tests/packages installs, upgrades and removes them in a bare system.
set -u
cd "$(dirname "$0")/../.." || exit 100
command -v dpkg-shlibdeps >/dev/null || { echo "there is no dpkg-shlibdeps (package dpkg-dev)"; exit 77; }
command -v file >/dev/null || { echo "there is no file, which cpack wants"; exit 77; }
build=$1 bad=0 dir=$(mktemp -d "${TMPDIR:-/tmp}/tp-XXXXXX")
trap 'rm -rf "$dir"' EXIT

fail() {
    echo "FAILED: $1"
    bad=1
}

if ! cpack -G DEB --config "$build/CPackConfig.cmake" -B "$dir" -D CPACK_DEBIAN_COMPRESSION_TYPE=gzip >"$dir/log" 2>&1; then
    cat "$dir/log"
    exit 1
fi
for package in till till-worker libtill1 libtill-dev; do
    mkdir "$dir/$package"
    dpkg-deb -R "$dir/${package}"_*.deb "$dir/$package" || exit 1
    dpkg-deb -I "$dir/${package}"_*.deb
    dpkg-deb -c "$dir/${package}"_*.deb | awk '$2 != "root/root"' | grep . && fail "$package has files that are not root's"
done
field() { sed -n "s/^$2: //p" "$dir/$1/DEBIAN/control"; }
has() { [ -e "$dir/$1/$2" ] || fail "$1 lacks $2"; }
needs() { field "$1" Depends | grep -qE -- "$2" || fail "$1 does not depend on $2: $(field "$1" Depends)"; }

has till usr/bin/till
has till usr/share/man/man1/till-pay.1
has till usr/lib/systemd/system/till-gateway.socket
has till-worker usr/bin/till-worker
has till-worker usr/lib/systemd/system/till-worker@.service
has libtill-dev usr/include/till.h
for package in till till-worker libtill1 libtill-dev; do has $package usr/share/doc/$package/copyright; done
needs till 'libc6 \(>= .*libhiredis'
needs till-worker "till \(= $(field till Version)\).*libhiredis"
needs libtill1 libhiredis
needs libtill-dev "libtill1 \(= $(field libtill1 Version)\)"
libraries=usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)
has libtill1 "$libraries/libtill.so.1"
has libtill-dev "$libraries/libtill.a"
readelf -d "$dir/libtill1/$libraries/libtill.so.1" | grep -q 'SONAME.*\[libtill.so.1\]' || fail "libtill.so.1 has another soname"
readelf -d "$dir/till/usr/bin/till" | grep -E 'RPATH|RUNPATH' && fail "till looks for libraries where it was built"
[ "$(readlink "$dir/libtill-dev/$libraries/libtill.so")" = libtill.so.1 ] || fail "libtill.so leads nowhere"
grep -q "^libtill 1 libtill1 " "$dir/libtill1/DEBIAN/shlibs" || fail "libtill1 does not say who has libtill.so.1"

# Nothing but its settings below /etc, and those are the operator's: kept at an upgrade. Nothing is enabled.
[ "$(cd "$dir" && find ./*/etc -type f)" = ./till/etc/till/till.yaml ] || fail "other files below /etc"
[ "$(cat "$dir/till/DEBIAN/conffiles")" = /etc/till/till.yaml ] || fail "the settings are no conffile"
"$dir/till-worker/usr/bin/till-worker" -c "$dir/till/etc/till/till.yaml" --check-config || fail "the settings have faults"
for script in "$dir"/*/DEBIAN/{pre,post}{inst,rm}; do
    [ -e "$script" ] || continue
    sh -n "$script" || fail "$script"
    [ -x "$script" ] || fail "$script cannot be run"
    grep -nE 'systemctl.* (enable|start) ' "$script" && fail "$script enables or starts something"
done
[ -z "$(find "$dir" -path '*.wants/*')" ] || fail "a unit is enabled"
exit $bad
