"""The client against a running worker. `python3 tests/worker.py SOCKET`"""

import sys
import threading
import time

import msgpack
import redis

from till_payments import Code, Reader, Till, TillError, fingerprint, partition, sign
from till_payments.wire import encode

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SECRET = bytes(range(32))


def main():
    server = redis.Redis(unix_socket_path=sys.argv[1])
    try:
        Till(server, "py", book="nowhere")
        raise AssertionError("a book that is not there")
    except TillError:
        pass
    with Till(server, "py") as till:
        assert till.call("open", "anna", kind="user", currency="CNY").ok
        assert till.call("open", "bakery", kind="merchant", currency="CNY").ok
        assert till.call("topup", "anna", amount=10000, currency="CNY").balance == 10000
        first = till.call("pay", "anna", to="bakery", amount=1999, currency="CNY", key="order-1", traceparent=TRACE)
        assert first.ok and first.amount == 1999 and first.balance == 8001 and first.traceparent == TRACE, first
        again = till.call("pay", "anna", to="bakery", amount=1999, currency="CNY", key="order-1")
        assert again.replayed and again.bill == first.bill and again.entry == first.entry and not again.traceparent, again
        other = till.call("pay", "anna", to="bakery", amount=2000, currency="CNY", key="order-1")
        assert other.code == Code.KEY_REUSED and other.detail == "amount", other
        refused = till.call("pay", "anna", to="bakery", amount=99999, currency="CNY")
        assert refused.code == Code.INSUFFICIENT_FUNDS and refused.reason == "insufficient_funds", refused
        assert till.call("refund", "anna", of="order-1").amount == 1999
        check_fingerprint(server, till)
        check_signature(till)
        check_many(till)
        check_together(server, till)
        check_lost(server, till)
        check_position(server, till)
    print("good")


def check_fingerprint(server, till):
    """The worker's fingerprint of what we sent is ours."""
    intent = {"v": 1, "op": "topup", "source": "py", "key": "print", "at": time.time_ns() // 1_000_000, "account": "anna", "amount": 1,
              "currency": "CNY", "note": "not part of it"}
    slot = till.reader.expect("anna", "print")
    sent = till.send_bytes(intent, encode(intent))
    answer = slot.wait(sent.entry, 10)
    p, day = int(answer.bill.split("-")[0]), time.strftime("%Y%m%d", time.gmtime(answer.at / 1000))
    bill = server.hget(f"{{till:{p}}}:bills:{day}", "anna/py/print").decode()
    assert bill.split("|")[0] == fingerprint(intent), bill


def check_signature(till):
    assert till.call("open", "carl", kind="user", currency="CNY").ok
    assert till.call("topup", "carl", amount=500, currency="CNY").ok
    changed = till.send_bytes(*signed_change(till))
    assert changed.code == Code.OK
    assert till.call("inquire", "carl").ok
    pay = {"to": "bakery", "amount": 100, "currency": "CNY"}
    assert till.call("pay", "carl", **pay).code == Code.NOT_PERMITTED
    assert till.call("pay", "carl", credential=bytes(32), **pay).code == Code.NOT_PERMITTED
    assert till.call("pay", "carl", credential=SECRET, **pay).ok
    assert len(sign(SECRET, b"x")) == 32


def signed_change(till):
    intent = {"v": 1, "op": "credential", "source": "py", "key": "change", "at": time.time_ns() // 1_000_000, "account": "carl",
              "credential": SECRET}
    return intent, encode(intent)


def check_many(till):
    """Many callers, one reader, one connection of it."""
    answers = [None] * 20

    def pay(n):
        answers[n] = till.call("pay", "anna", to="bakery", amount=n + 1, currency="CNY", key=f"many-{n}")

    threads = [threading.Thread(target=pay, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(a.code, a.amount) for a in answers] == [(0, n + 1) for n in range(20)], answers


def check_together(server, till):
    """What shares an entry and is answered in one: each gets its own, and who stops among them goes on without losing any."""
    keys = [f"together-{n}" for n in range(3)]
    places, more = {}, []
    reader = Reader(till, "py", start=till.reader.position,
                    on_answer=lambda a: a.key in keys and places.update({a.key: reader.position}))
    slots = [till.reader.expect("anna", key) for key in keys]
    intents = [{"v": 1, "op": "topup", "source": "py", "key": key, "at": time.time_ns() // 1_000_000, "account": "anna", "amount": n + 1,
                "currency": "CNY"} for n, key in enumerate(keys)]
    entry = server.xadd(till.intents_key(partition("anna", till.partitions)),
                        {"intents": msgpack.packb(intents), "answers": "bulk"}).decode()
    assert [slot.wait(entry, 10).amount for slot in slots] == [1, 2, 3]
    wait_until(lambda: keys[2] in places)
    reader.close()
    assert reader.position != places[keys[0]] == places[keys[1]], places
    reader = Reader(till, "py", start=places[keys[1]], on_answer=lambda a: more.append(a.key))
    wait_until(lambda: keys[2] in more)
    reader.close()
    assert more == keys, more


def check_lost(server, till):
    """A connection that breaks between sending and reply: sent again with the same bytes, and paid once."""
    before = till.call("inquire", "anna").balance
    connection, tried = server.connection_pool.connection_class, []

    class Breaking(connection):
        def read_response(self, *args, **kwargs):
            response = super().read_response(*args, **kwargs)
            if isinstance(response, bytes) and b"-" in response and not tried and threading.current_thread() is threading.main_thread():
                tried.append(response)
                self.disconnect()
                raise redis.ConnectionError("broken by the test")
            return response

    pool = redis.ConnectionPool(connection_class=Breaking, path=sys.argv[1])
    with Till(redis.Redis(connection_pool=pool), "py") as broken:
        broken.reader  # its place is found before anything breaks
        tried.clear()
        answer = broken.call("pay", "anna", to="bakery", amount=7, currency="CNY", key="broken")
    assert tried and answer.ok and answer.amount == 7, (tried, answer)
    assert till.call("inquire", "anna").balance == before - 7
    copies = sum(server.xlen(till.responses_key(p, "py")) for p in range(till.partitions))
    assert copies > 0
    server.client_kill_filter(_type="normal", skipme=True)  # the reader's too
    assert till.call("inquire", "anna").ok


def check_position(server, till):
    """A reader goes on where one before it was closed."""
    seen = []
    reader = Reader(till, "py", start="0", on_answer=seen.append)
    wait_until(lambda: any(a.key == "broken" for a in seen))
    reader.close()
    position, count = reader.position, len(seen)
    late = till.call("inquire", "anna")
    more = []
    reader = Reader(till, "py", start=position, on_answer=more.append)
    wait_until(lambda: any(a.key == late.key for a in more))
    reader.close()
    assert not {(a.key, a.entry, a.replayed) for a in more} & {(a.key, a.entry, a.replayed) for a in seen[:count]}, "some came twice"


def wait_until(there, seconds=10):
    deadline = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


main()
