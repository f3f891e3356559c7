# Enqueues tasks for Celery: it has no way to add many at once, so one producer is kept.
from celery_app import app, pay
from peer import produce

with app.producer_pool.acquire(block=True) as producer:
    producer.connection.ensure_connection()
    produce(lambda rows: [pay.apply_async(row, producer=producer) for row in rows], lambda row: pay.apply_async(row, producer=producer))
