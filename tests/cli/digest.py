#!/usr/bin/env python3
# The digest of a book, computed from Redis by what schema/README.md says alone: digest.py SOCKET PARTITIONS [code.def] prints a line per
# partition, then that of the book.
import hashlib, socket, sys

link = socket.socket(socket.AF_UNIX)
link.connect(sys.argv[1])
replies = link.makefile("rb")

def read():
    line = replies.readline()[:-2]
    if line[:1] == b"*": return [read() for _ in range(int(line[1:]))]
    if line[:1] == b"$": return replies.read(int(line[1:]) + 2)[:-2] if line != b"$-1" else None
    return line[1:]

def ask(*words):
    words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
    link.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
    return read()

def unpack(data, at=0): # as much of msgpack as Redis writes: the value, and where the next one begins
    first = data[at]
    if first < 0x80: return first, at + 1
    if first >= 0xe0: return first - 256, at + 1
    if 0x90 <= first < 0xa0 or first in (0xdc, 0xdd):
        count, at = (first & 15, at + 1) if first < 0xa0 else \
            (int.from_bytes(data[at + 1:at + (3 if first == 0xdc else 5)], "big"), at + (3 if first == 0xdc else 5))
        values = []
        for _ in range(count):
            value, at = unpack(data, at)
            values.append(value)
        return values, at
    if 0xa0 <= first < 0xc0: return data[at + 1:at + 1 + (first & 31)], at + 1 + (first & 31)
    if first in (0xcc, 0xcd, 0xce, 0xcf):
        size = 1 << (first - 0xcc)
        return int.from_bytes(data[at + 1:at + 1 + size], "big"), at + 1 + size
    if first in (0xd0, 0xd1, 0xd2, 0xd3):
        size = 1 << (first - 0xd0)
        return int.from_bytes(data[at + 1:at + 1 + size], "big", signed=True), at + 1 + size
    size = {0xd9: 1, 0xda: 2, 0xdb: 4}[first]
    length = int.from_bytes(data[at + 1:at + 1 + size], "big")
    return data[at + 1 + size:at + 1 + size + length], at + 1 + size + length

def blake(data): return hashlib.blake2b(data, digest_size=32).digest()
def text(value):
    value = value if isinstance(value, bytes) else str(value).encode()
    return len(value).to_bytes(4, "little") + value
def element(*texts): return blake(b"".join(text(t) for t in texts))
def a_set(hashes): return len(set(hashes)), blake(b"".join(sorted(set(hashes))))
def a_list(hashes): return len(hashes), blake(b"".join(hashes))
def a_bag(hashes): return len(hashes), (sum(int.from_bytes(h, "little") for h in hashes) % 2 ** 256).to_bytes(32, "little")
def pairs(flat): return sorted(zip(flat[::2], flat[1::2]))
def flat(list_of_pairs): return [x for pair in list_of_pairs for x in pair]

ANSWER = "key source op code reason account amount currency balance held bill at entry replayed detail".encode().split()
COLUMNS = "key op code reason account amount currency balance held bill replayed detail at entry".encode().split()
def answers_in(fields): # an entry of a stream of answers: one, or a line each
    if b"answers" not in fields: return [fields]
    columns = [line.split(b"\t") for line in fields[b"answers"].split(b"\n")]
    lines = [dict(zip(COLUMNS, line + [b""] * len(COLUMNS))) for line in columns]
    return [{**line, b"source": fields[b"source"], **{name: line[name] or fields[name] for name in (b"at", b"entry")}}
            for line in lines]
REASON = dict(line.split(b", ")[:2] for line in
              (l[2:] for l in open(sys.argv[3], "rb") if l.startswith(b"X("))) if len(sys.argv) > 3 else {}

def partition(p):
    def key(name): return b"{till:%d}:" % p + name
    keys = sorted(k[len(key(b"")):] for k in ask("KEYS", key(b"*")))
    def hashes(prefix, word):
        return a_set([element(word, k[len(prefix):], *flat(pairs(ask("HGETALL", key(k))))) for k in keys if k.startswith(prefix)])
    meta = [(f, v) for f, v in pairs(ask("HGETALL", key(b"meta"))) if f in (b"applied", b"bill") or f.startswith((b"from:", b"policy:"))]
    days, records = [], 0
    for k in keys:
        if k.startswith(b"bills:"):
            count, digest = a_set([element("bill", k[6:], f, v) for f, v in pairs(ask("HGETALL", key(k)))])
            days.append(element("day", k[6:], count, digest))
            records += count
    rows = [row for _, fields in ask("XRANGE", key(b"ledger"), "-", "+") for row in unpack(fields[1])[0]]
    answers = [element("answer", *(answer[name] for name in ANSWER))
               for k in keys if k.startswith(b"responses:") for _, f in ask("XRANGE", key(k), "-", "+") if b"again" not in f[::2]
               for answer in answers_in(dict(zip(f[::2], f[1::2])))]
    for kept in ask("HVALS", key(b"unanswered")):
        kept = unpack(kept)[0]
        for a in kept if isinstance(kept[0], list) else [kept]:
            if a[0] != 0: answers.append(element("answer", *a[1:5], REASON[b"%d" % a[4]], *a[5:15]))
    parts = [
        ("meta", a_set([element("meta", "", *flat(meta))])),
        ("accounts", hashes(b"account:", "account")),
        ("bills", (records, a_list(days)[1])),
        ("orders", hashes(b"order:", "order")),
        ("stock", hashes(b"sku:", "sku")),
        ("merchants", a_set([element("merchant", m) for m in ask("SMEMBERS", key(b"merchants"))])),
        ("due", a_set([element("due", m, int(s)) for m, s in zip(*[iter(ask("ZRANGE", key(b"due"), 0, -1, "WITHSCORES"))] * 2)])),
        ("scheduled", a_set([element("scheduled", f, v) for f, v in pairs(ask("HGETALL", key(b"scheduled")))])),
        ("ledger", a_list([element("row", *row) for row in rows])),
        ("answers", a_bag(answers)),
    ]
    return element("partition", *(x for name, (count, digest) in parts for x in (name, count, digest)))

digests = [partition(p) for p in range(int(sys.argv[2]))]
for digest in digests: print(digest.hex())
print(element("book", *(x for p, digest in enumerate(digests) for x in (p, digest))).hex())
