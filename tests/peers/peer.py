# What the Python programs of tests/peers share: the intents, and a producer's two ways of sending them.
import os
import signal
import sys
import time

ENV = os.environ
SHA = ENV.get('SHA', '')
RATE = int(ENV.get('RATE', '0'))


def intents():
    return [line.rstrip('\n').split('\t') for line in open(ENV['INTENTS'])]


def ready():
    open('%s/ready.%d' % (ENV['RUN'], os.getpid()), 'w').close()


def keep_rate(rows, one):
    step, began = 1e9 / RATE, time.monotonic_ns() + 1000000
    print(began, flush=True)
    for n, row in enumerate(rows):
        early = began + n * step - time.monotonic_ns()
        if early > 0:
            time.sleep(early / 1e9)
        one(row)


def produce(many, one, size=1000):
    rows = intents()
    ready()
    sys.stdin.readline()
    if RATE:
        return keep_rate(rows, one)
    print(time.monotonic_ns(), flush=True)
    for place in range(0, len(rows), size):
        many(rows[place:place + size])


def keys(key):
    return ['done:' + key, 'accounts', 'merchants', 'journal', 'answers']


if ENV.get('PEER') == 'python':
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
