// The bytes: partitions, intents, fingerprints, signatures. Pure; held to the golden vectors by the tests.
import { createHmac, randomBytes } from 'node:crypto';
import { encode as pack } from '@msgpack/msgpack';
import { argon2idAsync } from '@noble/hashes/argon2.js';
import { blake2b } from '@noble/hashes/blake2.js';

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n >>> 0;
});

/** The partition an account lies in. */
export function partition(account, partitions) {
  let crc = 0xffffffff;
  for (const byte of Buffer.from(account)) crc = crcTable[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return ((crc ^ 0xffffffff) >>> 0) % partitions;
}

/** The bytes of an intent. Keep them for a retry. */
export function encode(intent) {
  return pack(intent, { ignoreUndefined: true });
}

const unsaid = new Set(['v', 'at', 'of_at', 'note']); // what does not change what was meant
const restated = new Set(['to', 'currency']); // of these operations: the same whether said again or left out
const restates = new Set(['refund', 'capture', 'release']);

const sorted = (map) => Object.fromEntries(Object.entries(map).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));

function meant(intent) {
  const entries = Object.entries(intent).filter(
    ([name, value]) => value !== undefined && !unsaid.has(name) && !(restates.has(intent.op) && restated.has(name)),
  );
  return sorted(Object.fromEntries(entries));
}

/** What the client meant: two intents of one identity are the same when these are. */
export function fingerprint(intent) {
  const map = meant(intent);
  for (const name of ['guard', 'settings']) if (map[name]) map[name] = sorted(map[name]);
  if (map.steps) map.steps = map.steps.map(meant);
  return Buffer.from(blake2b(encode(map), { dkLen: 16 })).toString('hex', 0, 8);
}

/** The entry's `sig`: of the very bytes in `intent`, under the account's credential (or, for a policy, the book's secret). */
export function sign(secret, bytes) {
  return createHmac('sha256', secret).update(bytes).digest();
}

/** The key that signs an account's intents. Takes a moment and 64 MiB. */
export async function credential(password, account, book = 'till') {
  const salt = blake2b(Buffer.from(`${book}/${account}`), { dkLen: 32 }).subarray(0, 16);
  return argon2idAsync(password, salt, { t: 2, m: 65536, p: 1, dkLen: 32, version: 0x13 });
}

/** An idempotency key for whoever has none: a UUIDv7. */
export function key() {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
