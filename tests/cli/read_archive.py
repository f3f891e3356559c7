#!/usr/bin/env python3
# Reads an archive of `till archive` with nothing but Python: checks it, and prints each entry as a line of JSON, bytes as hex.
import json, os, re, struct, subprocess, sys, zlib
from hashlib import blake2b

def records(data):  # (offset, body) of each whole record behind the header; a torn tail is left out, anything else that is wrong ends it
    at = 140
    while at + 12 <= len(data):
        size, crc, head_crc = struct.unpack_from("<III", data, at)
        if zlib.crc32(data[at:at + 8]) != head_crc: return sys.exit(f"bad head at {at}") if any(data[at:]) else None
        if at + 12 + size > len(data): return
        body = data[at + 12:at + 12 + size]
        if zlib.crc32(body) != crc: sys.exit(f"bad body at {at}")
        yield at, body
        at += 12 + size
def strings(body):
    at = 21
    for _ in range(struct.unpack_from("<I", body, 17)[0]):
        size, = struct.unpack_from("<I", body, at)
        yield body[at + 4:at + 4 + size].hex()
        at += 4 + size

for partition in sorted(name for name in os.listdir(sys.argv[1]) if re.fullmatch(r"\d{4}", name)):
    for stream in "intents", "ledger":
        digest, last, folder = bytes(32), (0, 0), os.path.join(sys.argv[1], partition)
        names = [name for name in os.listdir(folder) if re.fullmatch(stream + r"-\d{8,}\.seg(\.zst)?", name)]
        for name in sorted(name for name in names if not (name.endswith(".zst") and name[:-4] in names)):
            path = os.path.join(folder, name)  # a packed one needs the program zstd
            data = subprocess.check_output(["zstd", "-dcq", path]) if name.endswith(".zst") else open(path, "rb").read()
            if data[:8] != b"TILLSEG\n" or zlib.crc32(data[:136]) != struct.unpack_from("<I", data, 136)[0]: sys.exit(f"{name}: bad header")
            if data[104:136] != digest: sys.exit(f"{name}: does not follow the segment before")
            for at, body in records(data):
                if body[0] == 1:
                    ms, seq = struct.unpack_from("<QQ", body, 1)
                    if (ms, seq) <= last: sys.exit(f"{name}: out of order at {at}")
                    last = ms, seq
                    print(json.dumps({"partition": int(partition), "stream": stream, "id": f"{ms}-{seq}", "strings": list(strings(body))}))
                elif body[0] == 3:
                    digest = body[33:]
                    if blake2b(data[:at], digest_size=32).digest() != digest: sys.exit(f"{name}: bad digest at {at}")
