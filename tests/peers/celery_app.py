# Celery over Redis: acknowledged late, so that what a dead worker had in hand comes back; results go to the answers, not to its backend.
import functools

import redis
from celery import Celery
from celery.signals import worker_ready
from peer import ENV, SHA, keys, ready

app = Celery('celery_app', broker='redis+socket://' + ENV['SOCK'])
app.conf.update(task_ignore_result=True, task_acks_late=True, task_reject_on_worker_lost=True, worker_prefetch_multiplier=64,
                worker_send_task_events=False, worker_enable_remote_control=False, worker_disable_rate_limits=True,
                worker_redirect_stdouts=False, task_default_queue='pay', task_serializer='json', accept_content=['json'])


@functools.lru_cache
def connection():  # of each process of the pool
    return redis.Redis(unix_socket_path=ENV['SOCK'])


@app.task(name='pay')
def pay(key, account, merchant, amount):
    connection().evalsha(SHA, 5, *keys(key), key, account, merchant, amount)


worker_ready.connect(lambda **_: ready(), weak=False)
