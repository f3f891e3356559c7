// The client on a Redis Cluster, or with sentinels, while a master dies. `node test/failover.js URL COMMAND`: the command kills it.
import assert from 'node:assert/strict';
import { execSync } from 'node:child_process';
import { Cluster, Redis } from 'ioredis';
import { Code, Till } from '../src/index.js';

const [url, kill] = process.argv.slice(2);
const [, kind, seeds, name] = /^(\w+):\/\/([^/]+)\/?(.*)$/.exec(url);
const nodes = seeds.split(',').map((seed) => ({ host: seed.split(':')[0], port: Number(seed.split(':')[1]) }));
const redis = kind === 'cluster' ? new Cluster(nodes) : new Redis({ sentinels: nodes, name });
redis.on('error', () => {}); // while the master is away
const till = await Till.open({ redis, source: 'node' });
const call = (op, account, fields) => till.call({ op, account, currency: 'CNY', ...fields }, { timeoutMs: 40_000 });
const pay = (account, key) => call('pay', account, { to: 'kiosk', amount: 10, key });
const users = Array.from({ length: 8 }, (_, n) => `node-${n}`); // in partitions of each master

assert.ok([Code.OK, Code.ALREADY_EXISTS].includes((await call('open', 'kiosk', { kind: 'merchant' })).code));
for (const user of users) assert.equal((await call('open', user, { kind: 'user' })).code, Code.OK);
for (const user of users) assert.equal((await call('topup', user, { amount: 100 })).balance, 100);
const first = await Promise.all(users.map((user) => pay(user, 'first')));
assert.deepEqual(first.map(({ code, balance }) => [code, balance]), users.map(() => [0, 90]));

execSync(kill);
const second = await Promise.all(users.map((user) => pay(user, 'second')));
assert.deepEqual(second.map(({ code, reason, detail, balance }) => [code, reason, detail, balance]), users.map(() => [0, 'ok', '', 80]));
const again = await Promise.all(users.map((user) => pay(user, 'first')));
assert.deepEqual(again.map(({ replayed, bill }) => [replayed, bill]), first.map(({ bill }) => [true, bill]));

await till.close();
redis.disconnect();
console.log('good');
