// Enqueues as the hand-written Node consumer wants it.
'use strict';
const Redis = require('ioredis');
const { env, produce } = require('./peer');
const redis = new Redis({ path: env.SOCK });
const words = ([key, account, merchant, amount]) => ['intents', '*', 'key', key, 'account', account, 'merchant', merchant, 'amount', amount];
redis.once('ready', () => produce({
  many: (rows) => rows.reduce((pipeline, row) => pipeline.xadd(...words(row)), redis.pipeline()).exec(),
  one: (row) => redis.xadd(...words(row)),
}));
