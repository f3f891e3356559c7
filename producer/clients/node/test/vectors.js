// The golden vectors. `node test/vectors.js VECTORS`
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { decode } from '@msgpack/msgpack';
import { answersOf } from '../src/answer.js';
import { credential, encode, fingerprint, partition, sign } from '../src/index.js';

const folder = process.argv[2];
const load = (name) => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8'));
const hex = (text) => new Uint8Array(Buffer.from(text, 'hex'));

// The bytes among the fields stand as hex:...
const revive = (_, value) => (typeof value === 'string' && value.startsWith('hex:') ? hex(value.slice(4)) : value);
const plain = (fields) => JSON.parse(JSON.stringify(fields, (_, value) => (value instanceof Uint8Array ? [...value] : value)));

let count = 0;
for (const file of readdirSync(folder).filter((name) => /^intents-v1.*\.json$/.test(name))) {
  for (const vector of JSON.parse(readFileSync(`${folder}/${file}`, 'utf8'), revive)) {
    const fields = decode(hex(vector.hex));
    assert.equal(fingerprint(fields), vector.fingerprint, vector.name);
    assert.deepEqual(plain(fields), plain(vector.fields), vector.name);
    assert.deepEqual(decode(encode(fields)), fields, vector.name);
    assert.equal(partition(fields.account, 16), vector.partition_of_16, vector.name);
    count++;
  }
}
for (const { account, of } of load('partitions.json'))
  for (const [partitions, wanted] of Object.entries(of)) assert.equal(partition(account, Number(partitions)), wanted, account);
for (const vector of load('signatures.json')) assert.equal(sign(hex(vector.secret), hex(vector.hex)).toString('hex'), vector.sig, vector.name);
// As on the wire; what is empty there is left out.
const textsOf = (answer) => {
  const shown = Object.entries({ ...answer, replayed: answer.replayed ? 1 : 0 }).filter(([, value]) => value !== '' && value !== null);
  return Object.fromEntries(shown.map(([name, value]) => [name, String(value)]));
};
for (const vector of load('bulk-answers-v1.json')) assert.deepEqual(answersOf(vector.entry).map(textsOf), vector.answers, vector.name);
for (const vector of load('credentials.json').slice(0, 1)) {
  const made = await credential(hex(vector.password_hex), vector.account, vector.book);
  assert.equal(Buffer.from(made).toString('hex'), vector.credential, vector.name);
}
console.log(`${count} intents`);
