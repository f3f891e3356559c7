"""The client on a Redis Cluster, or with sentinels, while a master dies. `python3 tests/failover.py URL COMMAND`: the command kills it."""

import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import redis
from redis.sentinel import Sentinel

from till_payments import Code, Till

USERS = [f"py-{n}" for n in range(8)]  # in partitions of each master


def connect(url):
    kind, _, rest = url.partition("://")
    seeds, _, name = rest.partition("/")
    nodes = [(seed.split(":")[0], int(seed.split(":")[1])) for seed in seeds.split(",")]
    if kind == "cluster":
        return redis.RedisCluster(startup_nodes=[redis.cluster.ClusterNode(*node) for node in nodes], socket_timeout=5)
    return Sentinel(nodes, socket_timeout=5).master_for(name, socket_timeout=5)


def main(url, kill):
    logging.getLogger("redis.cluster").disabled = True  # tells of each try
    with Till(connect(url), "py") as till, ThreadPoolExecutor(len(USERS)) as pool:

        def call(op, account, **fields):
            return till.call(op, account, currency="CNY", timeout=40, **fields)

        def pay(key):
            return list(pool.map(lambda user: call("pay", user, to="kiosk", amount=10, key=key), USERS))

        assert call("open", "kiosk", kind="merchant").code in (Code.OK, Code.ALREADY_EXISTS)
        for user in USERS:
            assert call("open", user, kind="user").ok
            assert call("topup", user, amount=100).balance == 100
        first = pay("first")
        assert [(a.code, a.balance) for a in first] == [(0, 90)] * len(USERS), first
        subprocess.run(kill, shell=True, check=True)
        second = pay("second")
        assert [(a.code, a.balance) for a in second] == [(0, 80)] * len(USERS), second
        again = pay("first")
        assert [(a.replayed, a.bill) for a in again] == [(True, a.bill) for a in first], again
    print("good")


main(*sys.argv[1:])
