#!/bin/bash
# Ten seconds of tests/chaos on one Redis: that it runs, and that what it does now and then is survived.
set -u
: "${TILL:?is the program to be tested}" "${TILL_WORKER:?is the worker to test it with}"
root=$(cd "$(dirname "$0")/../.." && pwd)
out=$("$root/tests/chaos" --minutes 0.15 --length 0.3 --seed "${SEED:-$RANDOM}") || { echo "$out"; echo "FAILED: tests/chaos"; exit 1; }
echo "$out"
echo "$out" | grep -q '^Everything adds up' && echo "$out" | grep -q ' 0 lost, 0 doubled, 0 stuck'
