# The contract as another implementation sees it: intents as msgpack, the partition of an account, codes.
import struct, zlib

DECIDED = {0, 1, 3, 4, 9, 10, 11, 12, 13, 15, 16}  # answers after which nothing more may happen under the same key

SHARED = set("inquire lock unlock limit topup withdraw pay refund rollback hold capture release group".split())
SHARED_MOST, SHARED_SIZE = 64, 16000
COLUMNS = "key op code reason account amount currency balance held bill replayed detail at entry traceparent".split()

def partition(account, partitions): return zlib.crc32(account.encode()) % partitions

def encode(value):
    if value is True or value is False: return b"\xc3" if value else b"\xc2"
    if isinstance(value, int): return encode_int(value)
    if isinstance(value, str): return encode_text(value.encode())
    if isinstance(value, (list, tuple)): return struct.pack(">BH", 0xdc, len(value)) + b"".join(encode(v) for v in value)
    return struct.pack(">BH", 0xde, len(value)) + b"".join(encode(k) + encode(v) for k, v in value.items())

def may_share(intent):
    """May it stand in an entry with others?"""
    return intent["op"] in SHARED and "not_before" not in intent and "order" not in intent

def encode_shared(raws):
    """Encoded intents, as the value of the field `intents`."""
    return struct.pack(">BH", 0xdc, len(raws)) + b"".join(raws)

def encode_int(value):
    if value < 0: return struct.pack(">Bq", 0xd3, value)
    if value < 128: return bytes([value])
    return struct.pack(">BQ", 0xcf, value)

def encode_text(raw):
    if len(raw) < 32: return bytes([0xa0 | len(raw)]) + raw
    return struct.pack(">BB", 0xd9, len(raw)) + raw if len(raw) < 256 else struct.pack(">BH", 0xda, len(raw)) + raw

class Decoder:
    FIXED = {0xcc: ">B", 0xcd: ">H", 0xce: ">I", 0xcf: ">Q", 0xd0: ">b", 0xd1: ">h", 0xd2: ">i", 0xd3: ">q"}
    SIZED = {0xc4: ">B", 0xc5: ">H", 0xc6: ">I", 0xd9: ">B", 0xda: ">H", 0xdb: ">I"}
    MANY = {0xdc: ">H", 0xdd: ">I", 0xde: ">H", 0xdf: ">I"}

    def __init__(self, raw): self.raw, self.at = raw, 0

    def take(self, size):
        if self.at + size > len(self.raw): raise ValueError("cut short")
        self.at += size
        return self.raw[self.at - size:self.at]

    def number(self, form): return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def value(self):
        head = self.take(1)[0]
        if head < 0x80: return head
        if head < 0x90: return self.map(head & 15)
        if head < 0xa0: return [self.value() for _ in range(head & 15)]
        if head < 0xc0: return self.take(head & 31).decode("utf-8", "replace")
        if head >= 0xe0: return head - 256
        if head in (0xc2, 0xc3): return head == 0xc3
        if head in self.FIXED: return self.number(self.FIXED[head])
        if head in self.SIZED: return self.take(self.number(self.SIZED[head])).decode("utf-8", "replace")
        if head in self.MANY:
            count = self.number(self.MANY[head])
            return self.map(count) if head >= 0xde else [self.value() for _ in range(count)]
        raise ValueError("no such type")

    def map(self, count): return {self.value(): self.value() for _ in range(count)}

def decode(raw):
    """An intent, or an array of them; None if nobody can read it."""
    try: return Decoder(raw).value()
    except (ValueError, TypeError): return None

def intents_of(fields):
    """Those of an entry, one or several, that can be read."""
    value = decode(fields.get("intent", fields.get("intents", b"")))
    return [intent for intent in (value if isinstance(value, list) else [value]) if isinstance(intent, dict)]

def answers_of(fields):
    """Those of an entry, one or several."""
    if "answers" not in fields: return [fields]
    lines = [line.split(b"\t") for line in fields["answers"].split(b"\n")]
    return [{**dict.fromkeys(COLUMNS, b""), **fields, **{name: value for name, value in zip(COLUMNS, line) if value}} for line in lines]
