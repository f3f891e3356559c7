#!/bin/bash
# Entries and lines beyond every limit: each ends as it should, answered or dead, and none of them stops what comes after.
set -u
. "$(dirname "$0")/private.sh"
start_redis
start_worker

# Writes entries as no library of ours would. Says for each: its name, what must become of it (a code, or dead) and its ID.
cat >hostile.py <<'END_OF_PYTHON'
import socket, struct, sys, time, zlib
link = socket.socket(socket.AF_UNIX)
link.connect(sys.argv[1])
replies = link.makefile("rb")
now = int(time.time() * 1000)

def ask(*words):
    words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
    link.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
    head = replies.readline()[:-2]
    return replies.read(int(head[1:]) + 2)[:-2].decode() if head[:1] == b"$" else head.decode()

def text(s): s = s if isinstance(s, bytes) else s.encode(); return b"\xdb" + struct.pack(">I", len(s)) + s
def uint(n): return b"\xcf" + struct.pack(">Q", n)
def double(x): return b"\xcb" + struct.pack(">d", x)
def packed(fields): return b"\xdf" + struct.pack(">I", len(fields)) + b"".join(text(k) + v for k, v in fields)

def pay(own_key, **other):
    fields = {"v": uint(1), "op": text("pay"), "source": text("limits"), "key": text(own_key), "at": uint(now), "account": text("alice"),
              "to": text("coffee"), "amount": uint(1), "currency": text("CNY")}
    return packed({**fields, **other}.items())

def send(name, wanted, *fields):
    stream = "{till:%d}:intents" % (zlib.crc32(b"alice") % 4)
    print(name, wanted, ask("XADD", stream, "*", *fields))

def note_of(size): # makes a map of this many bytes
    return pay("size-%d" % size, zz=text("x" * (size - len(pay("size-%d" % size, zz=text(""))))))

send("16KiB", "6", "intent", note_of(16384))
send("16KiB+1", "6", "intent", note_of(16385))
send("1MiB", "6", "intent", note_of(1 << 20))
send("2MiB", "dead", "intent", note_of(2 << 20))
send("deep", "dead", "intent", pay("deep", guard=b"\x91" * 5000 + b"\x01"))
send("deep-maps", "dead", "intent", pay("deep-maps", guard=b"\x81\xa1a" * 4000 + b"\x01"))
send("10000-fields", "6", "intent", pay("many", **{"f%05d" % n: b"\x01" for n in range(1200)}))
send("10000-short-fields", "6", "intent", pay("short", **{"%x" % n: b"\x01" for n in range(10000)}))
send("10000-fields-of-the-entry", "dead", *[w for n in range(10000) for w in ("f%d" % n, "x")])
for name, value in {"nan": double(float("nan")), "infinite": double(float("inf")), "half": double(0.5), "whole-float": double(5.0),
                    "minus-zero": double(-0.0), "negative": b"\xff", "least": b"\xd3" + struct.pack(">q", -2 ** 63), "zero": uint(0),
                    "2^53": uint(2 ** 53), "2^63": uint(2 ** 63), "2^64-1": uint(2 ** 64 - 1), "digits": text("5"), "nothing": b"\xc0",
                    "ext": b"\xd4\x01\x05", "bin": b"\xc4\x01\x05"}.items():
    send("amount-" + name, "6", "intent", pay("amount-" + name, amount=value))
for name, value in {"ff": b"\xff", "surrogate": b"\xed\xa0\x80", "overlong": b"\xc0\xaf", "cut": b"a\xe4\xb8", "nul": b"a\x00b"}.items():
    send("note-" + name, "6", "intent", pay("note-" + name, note=text(value)))
    send("key-" + name, "6", "intent", pay("x", key=text(value)))
    send("source-" + name, "dead", "intent", pay("source-" + name, source=text(value)))
send("huge-text", "dead", "intent", b"\xdb\xff\xff\xff\xff")
send("huge-map", "dead", "intent", b"\xdf\xff\xff\xff\xff\x01\x01")
send("huge-array", "dead", "intents", b"\xdd\xff\xff\xff\xff\x01")
send("empty", "dead", "intent", b"")
send("nobody", "dead", "neither", "nor")
send("well", "0", "intent", pay("well"))
END_OF_PYTHON

printf '{"op":"open","account":"%s","kind":"%s","currency":"CNY"}\n' alice user coffee merchant >open.jsonl
echo '{"op":"topup","account":"alice","amount":10,"currency":"CNY"}' >>open.jsonl
expect 0 "" "$TILL" send open.jsonl --source shop --wait
python3 hostile.py "$socket" >sent || fail "sending"
well=$(tail -n 1 sent | cut -d ' ' -f 3)
answered() {
    for p in 0 1 2 3; do cli --raw xrange "{till:$p}:responses:limits" - +; done >answers
    grep -q "^$well\$" answers
}
wait_for 60 answered
wait_for 20 eval '"$TILL" audit --json | jq -e ".undelivered + .pending == 0"'
"$TILL" watch --source limits --from 0 --limit "$(grep -c '^limits$' answers)" --json >watched
for p in 0 1 2 3; do cli --raw xrange "{till:$p}:dead" - +; done >dead
while read -r name wanted id; do
    got=$(jq -r --arg id "$id" 'select(.entry == $id) | .code' watched)
    [ -n "$got" ] || ! grep -qaxF "$id" dead || got=dead
    [ "$got" = "$wanted" ] || fail "$name: wanted $wanted, got '$got'"
done <sent
json 0 '.[0] | .sound and .dead > 10' "$TILL" audit --json
json 0 '.[0].balance == 9' "$TILL" account alice --json

# And all of it as segment files: archived, checked, and the book rebuilt from them.
expect 0 "" "$TILL" archive hostile
expect 0 "sound: 4 of 4 partitions" "$TILL" archive verify hostile
expect 0 "" "$TILL" digest --save hostile --answers
stop_worker
cli flushall >/dev/null
expect 0 "digests compared with hostile/digest.json: 4 partitions" "$TILL" replay --from-archive hostile --compare
start_worker
json 0 '.[0] | .sound and .dead > 10' "$TILL" audit --json

# The same from a file: told line by line, with what would be right, and nothing of it is sent.
python3 - >lines.jsonl <<'END_OF_PYTHON'
pay = '{"op":"pay","account":"alice","to":"coffee","currency":"CNY","amount":%s}'
for amount in "NaN", "Infinity", "-1", "0", "0.5", "1e3", "1e400", "9007199254740992", "18446744073709551616", '"5"', "null", "[1]", "true":
    print(pay % amount)
print(pay % ("[" * 20000))
print('{"op":"pay","note":"' + "x" * 70000 + '"}')
print('{' + ",".join('"f%d":1' % n for n in range(5000)) + '}')
print('{"op":"pay","account":"alice","note":"\\ud800"}')
print('[]')
END_OF_PYTHON
printf '{"op":"pay","account":"alice","note":"\xff\xfe"}\n' >>lines.jsonl
"$TILL" send lines.jsonl --source limits >out 2>err
got=$?
[ $got = 100 ] || [ $got = 1 ] || fail "send ended with $got"
for line in $(seq 19); do grep -qE "lines.jsonl:$line:|line $line\b" err || fail "nothing is said of line $line: $(head -c 600 err)"; done
json 0 '.[0].balance == 9' "$TILL" account alice --json
finish
