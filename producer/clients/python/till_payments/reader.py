"""All answers of a source, from all partitions, for however many callers wait for theirs: by one connection, or, in a Redis Cluster, where
one read cannot have streams of several slots, by one for each partition."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Callable, Optional

import redis
from redis.exceptions import ClusterError, RedisClusterException

from .codes import Code

if TYPE_CHECKING:
    from .client import Answer, Till

# Away, for now. The last three: a cluster's client closes the connections of a node that one thread finds away under all that use them.
LOST = (redis.ConnectionError, redis.TimeoutError, ClusterError, RedisClusterException, OSError, ValueError, AttributeError)
_BLOCK_MS = 500
_PAUSE_S = (0.02, 1.0)


class Reader:
    """Reads in a thread of its own (in a Cluster: one for each partition) and gives each answer to whoever waits for it, and to `on_answer` if
    there is one, one after the other.

    `position` says where to go on after the last answer given out, as text for a file; give it back as `start`. Other starts: "$" for what
    comes from now on, "0" for everything that is kept."""

    def __init__(self, till: Till, source: str, start: str = "$", on_answer: Optional[Callable[[Answer], None]] = None) -> None:
        self._till, self._on_answer = till, on_answer
        self._keys = [till.responses_key(p, source) for p in range(till.partitions)]
        self._last = self._place(start)
        self._waiting: dict[tuple[str, str], list[_Slot]] = {}
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._asking, self._telling = threading.Lock(), threading.Lock()
        self._asked: set[int] = set()  # partitions whose server was looked for before
        partitions = range(till.partitions)
        groups = [[p] for p in partitions] if isinstance(till.redis, redis.RedisCluster) else [list(partitions)]
        self._threads = [threading.Thread(target=self._run, args=(group,), name=f"till-{source}", daemon=True) for group in groups]
        for thread in self._threads:
            thread.start()

    @property
    def position(self) -> str:
        with self._lock:
            return ",".join(self._last)

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _place(self, start: str) -> list[str]:
        if start == "$":  # a fixed place, so that nothing that comes between two reads is missed
            newest = [self._till.redis.xrevrange(key, count=1) for key in self._keys]
            return [entries[0][0].decode() if entries else "0-0" for entries in newest]
        ids = start.split(",")
        if len(ids) not in (1, len(self._keys)):
            raise ValueError(f"a position has one ID, or one for each of the {len(self._keys)} partitions")
        return ids * len(self._keys) if len(ids) == 1 else ids

    def expect(self, account: str, key: str) -> _Slot:
        """Before sending: the place where the answer to this intent will be."""
        slot = _Slot()
        with self._lock:
            self._waiting.setdefault((account, key), []).append(slot)
        return slot

    def forget(self, account: str, key: str, slot: _Slot) -> None:
        with self._lock:
            slots = self._waiting.get((account, key), [])
            if slot in slots:
                slots.remove(slot)
            if not slots:
                self._waiting.pop((account, key), None)

    def _run(self, group: list[int]) -> None:
        pause, server = _PAUSE_S[0], None
        while not self._stop.is_set():
            try:
                server = server or self._server_of(group)
                page = server.xread({self._keys[p]: self._last[p] for p in group}, count=1024, block=_BLOCK_MS)
                pause = _PAUSE_S[0]
            except (redis.RedisError, *LOST):  # away, failing over, moved: the place is kept
                server = None
                self._stop.wait(pause)
                pause = min(2 * pause, _PAUSE_S[1])
                continue
            for name, entries in page or []:
                self._take(self._keys.index(name.decode()), entries)

    def _server_of(self, group: list[int]) -> Any:
        client = self._till.redis
        if not isinstance(client, redis.RedisCluster):
            return client
        with self._asking:
            if group[0] in self._asked:
                client.nodes_manager.initialize()  # whoever had it is away, or it was moved
            self._asked.add(group[0])
            node = client.get_redis_connection(client.get_node_from_key(self._keys[group[0]]))
        if node is None:  # another thread has just found it away
            raise redis.ConnectionError("there is no connection")
        # Of its own: the cluster's client closes the connections of a node that another thread finds away, whoever reads there.
        kwargs = node.connection_pool.connection_kwargs
        return redis.Redis(connection_pool=redis.ConnectionPool(connection_class=node.connection_pool.connection_class, **kwargs))

    def _take(self, p: int, entries: list[tuple[bytes, dict[bytes, bytes]]]) -> None:
        for entry_id, fields in entries:
            for answer in self._till.answers_of(fields):  # until the last is given out, the place is before the entry
                self._give(answer)
            with self._lock:
                self._last[p] = entry_id.decode()

    def _give(self, answer: Answer) -> None:
        with self._lock:
            slots = list(self._waiting.get((answer.account, answer.key), []))
        for slot in slots:
            slot.give(answer)
        if self._on_answer:
            with self._telling:
                self._on_answer(answer)


class _Slot:
    """Where one caller waits for the answer to what it sent; others may have sent the same key, or used it for something else."""

    def __init__(self) -> None:
        self._answers: list[Answer] = []
        self._news = threading.Condition()

    def give(self, answer: Answer) -> None:
        with self._news:
            self._answers.append(answer)
            self._news.notify()

    def wait(self, entry: str, seconds: float) -> Optional[Answer]:
        with self._news:
            self._news.wait_for(lambda: self._told(entry, final=True), max(0.0, seconds))
            return self._told(entry, final=False)

    def _told(self, entry: str, final: bool) -> Optional[Answer]:
        """A repetition is told the first answer again. While that is not there yet it gets 20, and then the one answer is its, too."""
        found = None
        for answer in self._answers:
            if answer.entry == entry or answer.replayed or found:
                found = answer
                if answer.code != Code.IN_PROGRESS:
                    return answer
        return None if final else found
