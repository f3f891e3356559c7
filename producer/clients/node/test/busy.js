// Nobody works: above the backlog's limit nothing is sent. `node test/busy.js SOCKET`
import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { Code, Till } from '../src/index.js';

const redis = new Redis(process.argv[2]);
const intent = { op: 'inquire', account: 'nina' };
const open = () => Till.open({ redis, source: 'node', backlogMax: 5 });

const till = await open();
for (let n = 0; n < 5; n++) assert.equal((await till.send(intent)).code, Code.OK, `intent ${n}`);
for (const one of [till, await open()]) {
  const refused = await one.call(intent);
  assert.deepEqual([refused.code, refused.entry, refused.reason], [Code.BUSY, '', 'busy']);
  await one.close();
}
redis.disconnect();
console.log('good');
