// BullMQ's worker: a job is one call of the script, over a connection that pipelines what is asked in the same tick.
'use strict';
const { Worker } = require('bullmq');
const Redis = require('ioredis');
const { env, ready } = require('./peer');
const redis = new Redis({ path: env.SOCK, enableAutoPipelining: true });
const worker = new Worker('pay', ({ data: [key, account, merchant, amount] }) =>
  redis.evalsha(env.SHA, 5, `done:${key}`, 'accounts', 'merchants', 'journal', 'answers', key, account, merchant, amount),
{ connection: { path: env.SOCK, maxRetriesPerRequest: null }, concurrency: Number(env.CONCURRENCY), removeOnComplete: { count: 0 } });
worker.on('error', (error) => console.error(error));
worker.waitUntilReady().then(ready);
