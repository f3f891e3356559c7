#!/usr/bin/env python3
# Intents of every kind as JSON lines for `till send`, from a seed: random_traffic.py SEED COUNT PREFIX [plain]. The one with PREFIX "a"
# opens the accounts, the others only use them. Some are refused, some wait, some fall due while the test runs. plain: no shop.
import json, random, sys, time

seed, count, prefix = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
rng = random.Random(f"{seed} {prefix}")
users, merchants = [f"u{n}" for n in range(12)], ["coffee", "tea", "books"]
now, shop = int(time.time() * 1000), len(sys.argv) < 5

def say(op, **fields): print(json.dumps({"op": op, "currency": "CNY", **fields}))
def bare(op, **fields): print(json.dumps({"op": op, **fields}))

if prefix == "a":
    for m in merchants: say("open", key=f"open-{m}", account=m, kind="merchant")
    for u in users: say("open", key=f"open-{u}", account=u, kind="user")
    for u in users: say("topup", key=f"first-{u}", account=u, amount=100000)
    for m in merchants if shop else []:
        say("price", key=f"price-{m}", account=m, sku="x", amount=7)
        bare("stock", key=f"stock-{m}", account=m, sku="x", quantity=100000)
paid, held, orders = [], [], []
for n in range(count):
    key, user, merchant = f"{prefix}{n}", rng.choice(users), rng.choice(merchants)
    kind = rng.random()
    if kind < 0.3:
        say("pay", key=key, account=user, to=merchant, amount=rng.randint(1, 90))
        paid.append((key, user))
    elif kind < 0.5:
        to = rng.choice([u for u in users if u != user] + ["nobody"])
        say("transfer", key=key, account=user, to=to, amount=rng.randint(1, 90))
    elif kind < 0.6:
        say("hold", key=key, account=user, to=merchant, amount=rng.randint(1, 90), expires=rng.choice([300, 1500, 86400000]))
        held.append((key, user))
    elif kind < 0.65 and held:
        of, user = rng.choice(held)
        bare(rng.choice(["capture", "release"]), key=key, account=user, of=of)
    elif kind < 0.7 and paid:
        of, user = rng.choice(paid)
        bare("refund", key=key, account=user, of=of, amount=rng.randint(1, 40))
    elif kind < 0.75:
        steps = [{"op": "pay", "to": m, "amount": rng.randint(1, 9), "currency": "CNY"} for m in rng.sample(merchants, 2)]
        bare("group", key=key, account=user, steps=steps)
    elif kind < 0.8: say("topup", key=key, account=user, amount=rng.randint(1, 50), not_before=now + rng.choice([500, 3000, 86400000]))
    elif kind < 0.85 and shop:
        bare("order", key=key, account=merchant, order=key, lines=[["x", rng.randint(1, 3)]], expires=rng.choice([800, 86400000]))
        orders.append((key, merchant))
    elif kind < 0.92 and orders:
        order, merchant = rng.choice(orders)
        say("pay", key=key, account=user, to=merchant, order=order, amount=7)
    elif kind < 0.94 and orders:
        order, merchant = orders.pop()
        bare("cancel", key=key, account=merchant, order=order)
    elif kind < 0.96: bare("limit", key=key, account=user, payments=50, per=1000)
    elif kind < 0.97: say("open", key=key, account=f"m-{key}", kind="merchant")
    elif kind < 0.98: bare(rng.choice(["freeze", "thaw"]), key=key, account=merchant)
    else: bare("inquire", key=key, account=user)
