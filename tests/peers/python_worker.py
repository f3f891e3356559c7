# A good consumer by hand, one process: a batch is one pipeline of scripts and one XACK. What a dead consumer left is claimed once it is old.
import os
import time
import redis
from peer import ENV, SHA, keys, ready

COUNT, OLD_MS, LOOK_S = 100, 5000, 2.5
db = redis.Redis(unix_socket_path=ENV['SOCK'], decode_responses=True)
name, looked = 'worker-%d' % os.getpid(), 0


def apply(entries):
    pipeline = db.pipeline(transaction=False)
    for _, f in entries:
        pipeline.evalsha(SHA, 5, *keys(f['key']), f['key'], f['account'], f['merchant'], f['amount'])
    pipeline.xack('intents', 'workers', *[entry for entry, _ in entries])
    pipeline.execute()


ready()
while True:
    if time.monotonic() - looked > LOOK_S:
        left = db.xautoclaim('intents', 'workers', name, OLD_MS, '0-0', count=COUNT)[1]
        if left:
            apply(left)
        else:
            looked = time.monotonic()
    read = db.xreadgroup('workers', name, {'intents': '>'}, count=COUNT, block=1000)
    if read:
        apply(read[0][1])
