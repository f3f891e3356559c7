// The client against a running worker. `node test/worker.js SOCKET`
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { Code, Reader, Till, TillError, fingerprint } from '../src/index.js';

const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const secret = Uint8Array.from({ length: 32 }, (_, n) => n);
const redis = new Redis(process.argv[2]);
const till = await Till.open({ redis, source: 'node' });
const call = (op, account, fields = {}, options) => till.call({ op, account, ...fields }, options);
const pay = (amount, key, options) => call('pay', 'nina', { to: 'kiosk', amount, currency: 'CNY', key }, options);

async function waitUntil(there) {
  for (const deadline = Date.now() + 10_000; !there(); await sleep(10)) assert.ok(Date.now() < deadline, 'waited in vain');
}

await assert.rejects(Till.open({ redis, source: 'node', book: 'nowhere' }), TillError);

// --- sent, answered, repeated, refused
assert.equal((await call('open', 'nina', { kind: 'user', currency: 'CNY' })).code, Code.OK);
assert.equal((await call('open', 'kiosk', { kind: 'merchant', currency: 'CNY' })).code, Code.OK);
assert.equal((await call('topup', 'nina', { amount: 10_000, currency: 'CNY' })).balance, 10_000);
const first = await pay(1999, 'order-1', { traceparent: trace });
assert.deepEqual([first.code, first.amount, first.balance, first.traceparent], [0, 1999, 8001, trace]);
const again = await pay(1999, 'order-1');
assert.deepEqual([again.replayed, again.bill, again.entry, again.traceparent], [true, first.bill, first.entry, '']);
const other = await pay(2000, 'order-1');
assert.deepEqual([other.code, other.detail], [Code.KEY_REUSED, 'amount']);
assert.equal((await pay(99_999)).reason, 'insufficient_funds');
assert.equal((await call('refund', 'nina', { of: 'order-1' })).amount, 1999);

// --- the worker's fingerprint is ours
const sent = await till.send({ op: 'topup', account: 'nina', amount: 1, currency: 'CNY', key: 'print' });
const copy = await call('topup', 'nina', { amount: 1, currency: 'CNY', key: 'print', at: sent.at, note: 'not part of it' });
const day = new Date(copy.at).toISOString().slice(0, 10).replaceAll('-', '');
const bill = await redis.hget(`{till:${copy.bill.split('-')[0]}}:bills:${day}`, 'nina/node/print');
const meant = { op: 'topup', source: 'node', key: 'print', account: 'nina', amount: 1, currency: 'CNY' };
assert.equal(bill.split('|')[0], fingerprint(meant));

// --- signed
assert.equal((await call('open', 'nils', { kind: 'user', currency: 'CNY', credential: secret })).code, Code.OK);
assert.equal((await call('topup', 'nils', { amount: 500, currency: 'CNY' })).code, Code.OK);
const debit = { to: 'kiosk', amount: 100, currency: 'CNY' };
assert.equal((await call('pay', 'nils', debit)).code, Code.NOT_PERMITTED);
assert.equal((await call('pay', 'nils', debit, { credential: new Uint8Array(32) })).code, Code.NOT_PERMITTED);
assert.equal((await call('pay', 'nils', debit, { credential: secret })).code, Code.OK);

// --- many callers, one reader
const many = await Promise.all(Array.from({ length: 20 }, (_, n) => pay(n + 1, `many-${n}`)));
assert.deepEqual(many.map(({ code, amount }) => [code, amount]), many.map((_, n) => [0, n + 1]));

// --- a connection that breaks between sending and reply: sent again with the same bytes, paid once
const before = (await call('inquire', 'nina')).balance;
const breaking = new Redis(process.argv[2], { maxRetriesPerRequest: 0 });
breaking.on('error', () => {});
const xadd = breaking.xadd.bind(breaking);
let broken = 0;
breaking.xadd = async (...words) => {
  const entry = await xadd(...words);
  if (broken++) return entry;
  throw new Error('Connection is closed.');
};
const fragile = await Till.open({ redis: breaking, source: 'node' });
const paid = await fragile.call({ op: 'pay', account: 'nina', to: 'kiosk', amount: 7, currency: 'CNY', key: 'broken' });
assert.deepEqual([broken, paid.code, paid.amount], [2, 0, 7]);
await fragile.close();
breaking.disconnect();
assert.equal((await call('inquire', 'nina')).balance, before - 7);
await redis.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes'); // the reader's connection too
assert.equal((await call('inquire', 'nina')).code, Code.OK);

// --- a reader goes on where one before it was closed
const seen = [];
const early = await Reader.open(till, { start: '0', onAnswer: (answer) => seen.push(answer) });
await waitUntil(() => seen.some(({ key }) => key === 'broken'));
await early.close();
const count = seen.length;
const late = await call('inquire', 'nina');
const more = [];
const next = await Reader.open(till, { start: early.position, onAnswer: (answer) => more.push(answer) });
await waitUntil(() => more.some(({ key }) => key === late.key));
await next.close();
const name = ({ key, entry, replayed }) => `${key} ${entry} ${replayed}`;
const known = new Set(seen.slice(0, count).map(name));
assert.deepEqual(more.filter((answer) => known.has(name(answer))), []);

await till.close();
redis.disconnect();
console.log('good');
