# Enqueues as the hand-written Python consumer wants it.
import redis
from peer import ENV, produce

db = redis.Redis(unix_socket_path=ENV['SOCK'])
NAMES = ('key', 'account', 'merchant', 'amount')


def many(rows):
    pipeline = db.pipeline(transaction=False)
    for row in rows:
        pipeline.xadd('intents', dict(zip(NAMES, row)))
    pipeline.execute()


produce(many, lambda row: db.xadd('intents', dict(zip(NAMES, row))))
