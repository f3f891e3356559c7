// A good consumer by hand: loops with a connection each, so that Redis and Node work at the same time; a batch is one pipeline of scripts
// and one XACK. What a dead consumer left is claimed once it is old.
'use strict';
const Redis = require('ioredis');
const { env, ready } = require('./peer');
const COUNT = 100, OLD_MS = 5000, LOOK_MS = 2500;

async function apply(redis, entries) {
  const pipeline = redis.pipeline();
  for (const [, f] of entries)
    if (f) pipeline.evalsha(env.SHA, 5, `done:${f[1]}`, 'accounts', 'merchants', 'journal', 'answers', f[1], f[3], f[5], f[7]);
  pipeline.xack('intents', 'workers', ...entries.map(([id]) => id));
  const failed = (await pipeline.exec()).find(([error]) => error);
  if (failed) throw failed[0];
}

async function loop(name) {
  const redis = new Redis({ path: env.SOCK });
  let looked = 0;
  for (;;) {
    if (Date.now() - looked > LOOK_MS) {
      const [, left] = await redis.xautoclaim('intents', 'workers', name, OLD_MS, '0-0', 'COUNT', COUNT);
      if (left.length) await apply(redis, left);
      else looked = Date.now();
    }
    const read = await redis.xreadgroup('GROUP', 'workers', name, 'COUNT', COUNT, 'BLOCK', 1000, 'STREAMS', 'intents', '>');
    if (read) await apply(redis, read[0][1]);
  }
}

for (let n = 0; n < Number(env.CONCURRENCY); n++) loop(`${process.pid}-${n}`).catch((error) => { console.error(error); process.exit(1); });
ready();
