// Enqueues jobs for BullMQ.
'use strict';
const { Queue } = require('bullmq');
const { env, produce } = require('./peer');
const queue = new Queue('pay', { connection: { path: env.SOCK, maxRetriesPerRequest: null } });
const opts = { removeOnComplete: true, attempts: 3 };
queue.waitUntilReady().then(() => produce({
  many: (rows) => queue.addBulk(rows.map((data) => ({ name: 'pay', data, opts }))),
  one: (data) => queue.add('pay', data, opts),
  size: 1000,
  inFlight: 1,
}));
