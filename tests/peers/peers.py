# The peers: how each is started, the settings that `run --tune` found best on two cores, and what it does about a crash of a worker.
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SIDEKIQ = ['sidekiq', '-r', HERE + '/sidekiq_app.rb', '-q', 'pay', '-e', 'production', '-t', '2', '-c', '5']
CELERY = [sys.executable, '-m', 'celery', '-A', 'celery_app', 'worker', '-P', 'prefork', '--without-gossip', '--without-mingle',
          '--without-heartbeat', '-l', 'ERROR', '-c', '2']

PEERS = {
    'node': dict(
        title='Node, by hand (ioredis)', worker=['node', 'node_worker.js'], producer=['node', 'node_producer.js'],
        processes=1, concurrency=2, count=200000, grid=[(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)],
        crash='one effect while the record of its key lives (a day); what was in hand is claimed after 5 s, out of order, and may be '
              'answered again, as `repeated`'),
    'python': dict(
        title='Python, by hand (redis-py)', worker=[sys.executable, 'python_worker.py'], producer=[sys.executable, 'python_producer.py'],
        processes=2, concurrency=1, count=100000, grid=[(1, 1), (2, 1), (3, 1)],
        crash='as by hand in Node'),
    'sidekiq': dict(
        title='Sidekiq', worker=SIDEKIQ, producer=['ruby', 'sidekiq_producer.rb'],
        processes=2, concurrency=5, count=50000, grid=[(1, 5), (1, 10), (2, 3), (2, 5), (2, 10)],
        crash='jobs in the hands of a killed worker are lost (the free version has no other fetch); one effect as by hand; no order'),
    'bullmq': dict(
        title='BullMQ', worker=['node', 'bullmq_worker.js'], producer=['node', 'bullmq_producer.js'],
        processes=1, concurrency=100, count=50000, grid=[(1, 50), (1, 100), (1, 300), (2, 50), (2, 100)],
        crash='what was in hand is found stalled after 30 s and done again; one effect as by hand; no order'),
    'celery': dict(
        title='Celery', worker=CELERY, producer=[sys.executable, 'celery_producer.py'],
        processes=1, concurrency=2, count=10000, grid=[(1, 1), (1, 2), (1, 4), (2, 1)],
        crash='what was in hand, prefetched included, comes back after the visibility timeout of an hour; one effect as by hand; no order'),
    'postgres': dict(
        title='PostgreSQL, SKIP LOCKED', worker=['node', 'postgres_worker.js'], producer=['node', 'postgres_producer.js'],
        processes=1, concurrency=1, count=50000, grid=[(1, 1), (1, 2), (2, 1)],
        crash='all or nothing, at once, and on the disk before it is told; no order between workers'),
}
TILL_CRASH = ('one effect for ever, one answer, order per account; another worker takes over when the lease (3 s) is over. '
              'A crash of Redis takes what its log has not: `durability` for more')
