# What the chaos sends: operations of every kind from a seed, kept until Redis has acknowledged them, and what is known of each.
import time
import wire
from resp import Lost, ReplyError, pairs

USERS, MERCHANTS, SOURCE = 40, 3, "chaos"
CHUNK = 250 # of a partition at once, so that there is an answer in time

class Plan:
    """Intents, one after the other: the first ones open the book."""
    def __init__(self, rng, name):
        self.rng, self.name, self.count = rng, name, 0
        self.paid, self.held, self.orders, self.last = [], [], [], None
        self.users = [f"u{n}" for n in range(USERS)]
        self.merchants = [f"m{n}" for n in range(MERCHANTS)]

    def intent(self, op, account, **fields):
        self.count += 1
        whole = {"v": 1, "op": op, "source": SOURCE, "key": f"{self.name}-{self.count}", "at": int(time.time() * 1000), "account": account}
        whole.update(fields)
        return whole

    def opening(self):
        for merchant in self.merchants:
            yield self.intent("open", merchant, kind="merchant", currency="CNY")
            yield self.intent("price", merchant, sku="x", amount=7)
            yield self.intent("stock", merchant, sku="x", quantity=1000000)
        for user in self.users:
            yield self.intent("open", user, kind="user", currency="CNY")
            yield self.intent("topup", user, amount=1000000, currency="CNY")

    def money(self, op, account, most, **fields):
        return self.intent(op, account, amount=self.rng.randint(1, most), currency="CNY", **fields)

    def remember(self, where, intent):
        where.append(intent)
        if len(where) > 50: where.pop(0)
        return intent

    def next(self):
        rng = self.rng
        user, merchant, dice = rng.choice(self.users), rng.choice(self.merchants), rng.random()
        if dice < 0.06 and self.last: return self.last  # the same bytes again
        self.last = self.one(user, merchant, dice, rng)
        return self.last

    def one(self, user, merchant, dice, rng):
        if dice < 0.40: return self.remember(self.paid, self.money("pay", user, 900, to=merchant))
        if dice < 0.52:
            to = rng.choice([u for u in self.users if u != user] + ["nobody"])
            return self.intent("transfer", user, to=to, amount=rng.randint(1, 900))
        if dice < 0.62:
            return self.remember(self.held, self.money("hold", user, 900, to=merchant, expires=rng.choice([300, 1500, 86400000])))
        if dice < 0.68 and self.held: return self.of(rng.choice(["capture", "release"]), rng.choice(self.held))
        if dice < 0.74 and self.paid: return self.of("refund", rng.choice(self.paid), amount=rng.randint(1, 300))
        if dice < 0.75 and self.paid: return self.of("rollback", rng.choice(self.paid))
        if dice < 0.79:
            return self.intent("group", user, steps=[{"op": "pay", "to": m, "amount": rng.randint(1, 90), "currency": "CNY"}
                                                     for m in rng.sample(self.merchants, 2)])
        if dice < 0.82: return self.money("topup", user, 900, not_before=int(time.time() * 1000) + rng.choice([300, 1500]))
        if dice < 0.86:
            order = self.intent("order", merchant, lines=[["x", rng.randint(1, 3)]], expires=rng.choice([800, 86400000]))
            order["order"] = "o" + order["key"]
            return self.remember(self.orders, order)
        if dice < 0.91 and self.orders:
            order = rng.choice(self.orders)
            return self.intent("pay", user, to=order["account"], order=order["order"], amount=7 * order["lines"][0][1], currency="CNY")
        if dice < 0.92 and self.orders: return self.intent("cancel", (order := self.orders.pop())["account"], order=order["order"])
        if dice < 0.94: return self.intent("lock", user, token="t", expires=rng.randint(1, 300))
        if dice < 0.95: return self.intent("open", f"side{rng.randint(0, 9)}", kind="merchant", currency="CNY")
        if dice < 0.96: return self.intent(rng.choice(["freeze", "thaw"]), f"side{rng.randint(0, 9)}")
        if dice < 0.97: return self.intent("pay", user, amount=1, currency="CNY")  # malformed: no payee
        if dice < 0.98: return self.money("withdraw", user, 900)
        return self.intent("inquire", user)

    def of(self, op, what, **fields): return self.intent(op, what["account"], of=what["key"], **fields)

class Sent:
    """An intent's life as its sender sees it."""
    __slots__ = ("raw", "account", "entries", "number", "shares")

    def __init__(self, intent, number):
        self.raw, self.account, self.shares = wire.encode(intent), intent["account"], wire.may_share(intent)
        self.entries, self.number = [], number

class Sender:
    """Sends; what is not acknowledged, by so many replicas too, is sent again until it is."""
    def __init__(self, stage, replicas=0):
        self.stage, self.book, self.partitions, self.replicas = stage, stage.book, stage.partitions, replicas
        self.sent, self.waiting, self.acknowledged, self.unsure, self.refused = {}, [], 0, 0, 0
        self.seen, self.from_id = {}, {}  # answers somebody has read: entry and identity -> code; where each stream goes on
        self.turn = 0

    def identity(self, intent): return intent["account"], intent["key"]

    def add(self, intent):
        who = self.identity(intent)
        if who not in self.sent: self.sent[who] = Sent(intent, len(self.sent))
        self.waiting.append(self.sent[who])

    def again(self, who): self.waiting.append(self.sent[who])

    def key(self, partition, what): return f"{{{self.book}:{partition}}}:{what}"

    def flush(self):
        """One attempt at what waits. True: nothing waits any more."""
        groups, left = {}, []
        for p, list_ in self.by_partition().items():
            left += list_[CHUNK:]
            list_ = list_[:CHUNK]
            try: groups.setdefault(self.stage.route(p), []).extend((p, some) for some in self.together(list_))
            except Lost: left += list_
        self.waiting = []
        for connection, list_ in groups.items():
            words = [("XADD", self.key(p, "intents"), "*", *self.fields(some)) for p, some in list_]
            try: replies = connection.pipeline(words + self.replicated())
            except Lost: replies = []
            sure = bool(replies) and (not self.replicas or self.is_replicated(replies.pop()))
            for (p, some), reply in zip(list_, replies or [None] * len(list_)):
                if sure and not isinstance(reply, ReplyError):
                    self.acknowledged += len(some)
                    for sent in some: sent.entries.append((p, reply.decode()))
                    continue
                left += some
                if isinstance(reply, ReplyError): self.refuse(reply)
                else: self.unsure += len(some)
        self.waiting = left + self.waiting
        self.turn += 1
        return not self.waiting

    def together(self, list_):
        """In turns each intent in an entry of its own, several in one, and those answered in one too; none twice in one."""
        groups, size = [], 0
        for sent in list_:
            last = groups[-1] if groups and self.turn % 3 > 0 else []
            joins = last and sent.shares and last[0].shares and sent not in last and len(last) < wire.SHARED_MOST
            size = size + len(sent.raw) if joins and size + len(sent.raw) < wire.SHARED_SIZE else 0
            if size: last.append(sent)
            else: groups.append([sent])
            size = size or len(sent.raw)
        return groups

    def fields(self, some):
        if len(some) == 1: return "intent", some[0].raw
        return ("intents", wire.encode_shared([sent.raw for sent in some])) + (("answers", "bulk") if self.turn % 3 == 2 else ())

    def by_partition(self):
        groups = {}
        for sent in self.waiting: groups.setdefault(wire.partition(sent.account, self.partitions), []).append(sent)
        return groups

    def replicated(self): return [("WAIT", self.replicas, 1000)] if self.replicas else []
    def is_replicated(self, reply): return not isinstance(reply, ReplyError) and reply >= self.replicas

    def refuse(self, error):
        self.refused += 1
        if str(error).startswith(("MOVED", "READONLY")): self.stage.lose_route()

    def observe(self):
        """Reads the answers that have come, as a checkout would act on them."""
        for p in range(self.partitions):
            key = self.key(p, f"responses:{SOURCE}")
            try: found = self.stage.route(p).call("XREAD", "COUNT", 1000, "STREAMS", key, self.from_id.get(p, "0"))
            except Lost: continue
            except ReplyError as error:
                self.refuse(error)
                continue
            for identifier, fields in found[0][1] if found else []:
                self.from_id[p] = identifier.decode()
                for answer in wire.answers_of(pairs(fields)):
                    who = answer["account"].decode(), answer["key"].decode()
                    self.seen[p, answer["entry"].decode(), who] = int(answer["code"])
