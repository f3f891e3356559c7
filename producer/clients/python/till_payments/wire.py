"""The bytes: partitions, intents, fingerprints, signatures. Pure; held to the golden vectors by the tests."""

from __future__ import annotations

import hashlib
import hmac
import os
import time
import zlib
from typing import Any, Mapping

import msgpack

Intent = Mapping[str, Any]

_UNSAID = {"v", "at", "of_at", "note"}  # what does not change what was meant
_RESTATED = {"to", "currency"}  # of these operations: the same whether said again or left out
_RESTATES = {"refund", "capture", "release"}


def partition(account: str, partitions: int) -> int:
    """The partition an account lies in."""
    return zlib.crc32(account.encode()) % partitions


def encode(intent: Intent) -> bytes:
    """The bytes of an intent. Keep them for a retry."""
    return bytes(msgpack.packb(dict(intent), use_bin_type=True))


def _meant(value: Mapping[str, Any]) -> dict[str, Any]:
    left_out = _UNSAID | (_RESTATED if value.get("op") in _RESTATES else set())
    return {name: value[name] for name in sorted(value, key=str.encode) if name not in left_out}


def fingerprint(intent: Intent) -> str:
    """What the client meant: two intents of one identity are the same when these are."""
    meant = _meant(intent)
    for name in ("guard", "settings"):
        if name in meant:
            meant[name] = dict(sorted(meant[name].items(), key=lambda item: bytes(item[0].encode())))
    if "steps" in meant:
        meant["steps"] = [_meant(step) for step in meant["steps"]]
    return hashlib.blake2b(encode(meant), digest_size=16).hexdigest()[:16]


def sign(secret: bytes, intent: bytes) -> bytes:
    """The entry's `sig`: of the very bytes in `intent`, under the account's credential (or, for a policy, the book's secret)."""
    return hmac.new(secret, intent, hashlib.sha256).digest()


def credential(password: bytes, account: str, book: str = "till") -> bytes:
    """The key that signs an account's intents. Takes some 0.1 s and 64 MiB; needs argon2-cffi (the extra `password`)."""
    from argon2.low_level import Type, hash_secret_raw

    salt = hashlib.blake2b(f"{book}/{account}".encode(), digest_size=32).digest()[:16]
    return bytes(hash_secret_raw(password, salt, time_cost=2, memory_cost=65536, parallelism=1, hash_len=32, type=Type.ID, version=19))


def key() -> str:
    """An idempotency key for whoever has none: a UUIDv7."""
    ms, random = time.time_ns() // 1_000_000, int.from_bytes(os.urandom(10), "big")
    number = ms << 80 | 7 << 76 | (random >> 68) << 64 | 2 << 62 | random & (1 << 62) - 1
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
