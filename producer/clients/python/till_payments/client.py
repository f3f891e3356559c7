"""Sending intents and waiting for their answers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Union

import redis

from .codes import CODES, Code
from .reader import LOST, Reader
from .wire import encode, key as new_key, partition, sign

_BELIEVED_S = 0.25
_PAUSE_S = (0.005, 0.2)


class TillError(Exception):
    """The book cannot be used: not there, closed, of another version or number of partitions, or Redis refuses us."""


@dataclass(frozen=True)
class Result:
    """What became of sending: code OK, BUSY, READ_FAILED or WRITE_FAILED (unknown: send the same again, it is safe)."""

    code: int
    key: str
    at: int
    entry: str = ""
    detail: str = ""
    intent: bytes = b""  # the bytes, for a retry from elsewhere


@dataclass(frozen=True)
class Answer:
    """What was answered to an intent. Amounts are minor units, None where the wire has nothing."""

    key: str
    source: str
    op: str
    code: int
    reason: str
    account: str
    amount: Optional[int] = None
    currency: str = ""
    balance: Optional[int] = None
    held: Optional[int] = None
    bill: str = ""
    at: int = 0
    entry: str = ""
    replayed: bool = False
    detail: str = ""
    durable: str = "memory"
    traceparent: str = ""

    @property
    def ok(self) -> bool:
        return self.code == 0


_NUMBERS = ("amount", "balance", "held")
_FIELDS = tuple(Answer.__dataclass_fields__)
_COLUMNS = b"key op code reason account amount currency balance held bill replayed detail at entry traceparent".split()
_CODE, _REPLAYED, _LINE_MIN, _LINES_MAX = 2, 10, 11, 64


class Till:
    """A book on a Redis. `client` is yours (redis.Redis, a Sentinel's master_for, or redis.RedisCluster), without decode_responses, and with a
    socket_timeout above 0.5 s: with none a server that falls silent is waited for. A Till may be used by many threads; `source` is the
    upstream's name."""

    def __init__(self, client: Union[redis.Redis, redis.RedisCluster], source: str, book: str = "till", *, start: str = "$", backlog_max: int = 1_000_000) -> None:
        self.redis: Any = client  # redis-py's own types say that each of its methods might have to be awaited
        self.source, self.book, self.backlog_max = source, book, backlog_max
        self.partitions = self._read_book()
        self._backlog: dict[int, tuple[float, int]] = {}
        self._start = start
        self._reader: Optional[Reader] = None

    def __enter__(self) -> Till:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._reader:
            self._reader.close()
            self._reader = None

    @property
    def reader(self) -> Reader:
        """The one that all callers of `call` wait with."""
        if self._reader is None:
            self._reader = Reader(self, self.source, self._start)
        return self._reader

    def intents_key(self, p: int) -> str:
        return f"{{{self.book}:{p}}}:intents"

    def responses_key(self, p: int, source: str) -> str:
        return f"{{{self.book}:{p}}}:responses:{source}"

    def send(self, op: str, account: str, *, credential: Optional[bytes] = None, traceparent: str = "", timeout: float = 10.0,
             **fields: Any) -> Result:
        """Enqueues an intent: `fields` are the wire's. `key` and `at` are made where they are missing; give both for a retry. `credential`
        signs it. Tries until `timeout` seconds are over; what was under way when a connection broke is sent again with the same bytes."""
        intent = {"v": 1, "op": op, "source": self.source, "key": fields.pop("key", None) or new_key(),
                  "at": fields.pop("at", None) or time.time_ns() // 1_000_000, "account": account,
                  **{name: value for name, value in fields.items() if value is not None}}
        return self.send_bytes(intent, encode(intent), credential, traceparent, timeout)

    def send_bytes(self, intent: Mapping[str, Any], data: bytes, credential: Optional[bytes] = None, traceparent: str = "",
                   timeout: float = 10.0) -> Result:
        entry: dict[str, bytes | str] = {"intent": data}
        if credential:
            entry["sig"] = sign(credential, data)
        if traceparent:
            entry["traceparent"] = traceparent
        p, deadline, pause = partition(intent["account"], self.partitions), time.monotonic() + timeout, _PAUSE_S[0]
        tries = 0  # those after which it may have been enqueued

        def result(code: int, **more: str) -> Result:
            return Result(code=code, key=intent["key"], at=intent["at"], intent=data, **more)

        while True:
            try:
                waiting = self._waiting_in(p)
                if waiting >= self.backlog_max and tries == 0:
                    return result(Code.BUSY, detail=f"{waiting} intents wait in partition {p}")
                tries += 1
                entry_id = self.redis.xadd(self.intents_key(p), entry)
                return result(Code.OK, entry=entry_id.decode())
            except LOST as error:
                if time.monotonic() + pause >= deadline:
                    return result(Code.WRITE_FAILED if tries else Code.READ_FAILED, detail=str(error))
            except redis.ResponseError as error:  # it says no: nothing was enqueued by this try
                allowed = not isinstance(error, redis.exceptions.NoPermissionError)
                return result(Code.WRITE_FAILED if tries > 1 else Code.BUSY if allowed else Code.READ_FAILED, detail=str(error))
            time.sleep(pause)
            pause = min(2 * pause, _PAUSE_S[1])

    def call(self, op: str, account: str, *, timeout: float = 10.0, **fields: Any) -> Answer:
        """Sends an intent and waits for its answer. The codes below 0 come from here; with WRITE_FAILED and an `entry` it was enqueued and
        is not answered yet: the same call with the same `key` and `at` waits for that answer."""
        deadline = time.monotonic() + timeout
        key = fields.pop("key", None) or new_key()
        slot = self.reader.expect(account, key)
        try:
            sent = self.send(op, account, key=key, timeout=timeout, **fields)
            answer = slot.wait(sent.entry, deadline - time.monotonic()) if sent.code == Code.OK else None
        finally:
            self.reader.forget(account, key, slot)
        if answer:
            return answer
        code = sent.code if sent.code != Code.OK else Code.WRITE_FAILED
        return Answer(key=key, source=self.source, op=op, code=int(code), reason=CODES[int(code)], account=account, at=sent.at,
                      entry=sent.entry, detail=sent.detail or "not answered yet")

    @classmethod
    def answers_of(cls, fields: Mapping[bytes, bytes]) -> list[Answer]:
        """The answers in an entry of a response stream: one, or, in the field `answers`, a line each. What is none is left out."""
        if b"answers" not in fields:
            answer = cls.answer_of(fields)
            return [answer] if answer else []
        shared = {name: fields.get(name, b"") for name in (b"source", b"at", b"entry")}
        found: list[Answer] = []
        for line in fields[b"answers"].split(b"\n")[:_LINES_MAX]:
            values = line.split(b"\t")
            if not all(shared.values()) or len(values) < _LINE_MIN or not values[_CODE] or not values[_REPLAYED]:
                break  # what follows is anybody's guess
            own = {name: value for name, value in zip(_COLUMNS, values) if value}
            answer = cls.answer_of({**dict.fromkeys(_COLUMNS, b""), **shared, b"durable": fields.get(b"durable", b"memory"), **own})
            found += [answer] if answer else []
        return found

    @staticmethod
    def answer_of(fields: Mapping[bytes, bytes]) -> Optional[Answer]:
        """A plain entry of a response stream, which has one answer; None when it is no response."""
        texts = {name.decode(): value.decode() for name, value in fields.items()}
        values: dict[str, Any] = {name: texts[name] for name in _FIELDS if name in texts}
        try:
            for name in _NUMBERS:
                values[name] = int(values[name]) if values[name] else None
            values.update(code=int(values["code"]), at=int(values["at"]), replayed=values["replayed"] == "1")
            return Answer(**values)
        except (KeyError, TypeError, ValueError):
            return None

    def _read_book(self) -> int:
        try:
            version, partitions = self.redis.hmget(f"{{{self.book}}}:book", "version", "partitions")
        except redis.ResponseError as error:
            raise TillError(f"the book {self.book} cannot be read: {error}") from error
        if version is None:
            raise TillError(f"there is no book {self.book}: no worker has created it yet")
        if version != b"1":
            raise TillError(f"the book {self.book} has version {version.decode()}: closed, or for a later client")
        return int(partitions)

    def _waiting_in(self, p: int) -> int:
        """How many intents wait, as was said a moment ago. Who may not ask, or cannot be told, is not refused."""
        now = time.monotonic()
        until, waiting = self._backlog.get(p, (0.0, 0))
        if now >= until:
            try:
                groups = self.redis.xinfo_groups(self.intents_key(p))
                waiting = next((g["lag"] + g["pending"] for g in groups if g["name"] == b"workers" and g.get("lag") is not None), 0)
            except redis.ResponseError:
                waiting = 0
        self._backlog[p] = (until if now < until else now + _BELIEVED_S, waiting + 1)
        return waiting
