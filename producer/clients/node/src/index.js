// Till from Node: hand payment intents to a book on Redis Streams, and wait for their answers.
import { setTimeout as sleep } from 'node:timers/promises';
import { Code, codeWord } from './codes.js';
import { Reader } from './reader.js';
import { encode, key as newKey, partition, sign } from './wire.js';
import { within } from './within.js';

export { Code, codeWord } from './codes.js';
export { Reader } from './reader.js';
export { credential, encode, fingerprint, key, partition, sign } from './wire.js';

const believedMs = 250;
const pauseMs = { first: 5, last: 200 };

/** The book cannot be used: not there, closed, of another version, or Redis refuses us. */
export class TillError extends Error {}

const isRefusal = (error) => error?.name === 'ReplyError';

export class Till {
  #backlog = new Map();
  #start;
  #reader;

  constructor({ redis, source, book, partitions, start, backlogMax }) {
    Object.assign(this, { redis, source, book, partitions, backlogMax });
    this.#start = start;
  }

  static async open({ redis, source, book = 'till', start = '$', backlogMax = 1_000_000 }) {
    let version, partitions;
    try {
      [version, partitions] = await redis.hmget(`{${book}}:book`, 'version', 'partitions');
    } catch (error) {
      throw new TillError(`the book ${book} cannot be read: ${error.message}`, { cause: error });
    }
    if (version === null) throw new TillError(`there is no book ${book}: no worker has created it yet`);
    if (version !== '1') throw new TillError(`the book ${book} has version ${version}: closed, or for a later client`);
    return new Till({ redis, source, book, partitions: Number(partitions), start, backlogMax });
  }

  /** The one that all callers of `call` wait with. */
  reader() {
    this.#reader ??= Reader.open(this, { start: this.#start });
    return this.#reader;
  }

  async close() {
    await (await this.#reader)?.close();
  }

  intentsKey(p) {
    return `{${this.book}:${p}}:intents`;
  }

  responsesKey(p, source) {
    return `{${this.book}:${p}}:responses:${source}`;
  }

  /** Enqueues an intent. What was under way when a connection broke is sent again, with the same bytes, until the time is over. */
  async send(fields, { credential, traceparent, timeoutMs = 10_000 } = {}) {
    const intent = { v: 1, source: this.source, ...fields, key: fields.key ?? newKey(), at: fields.at ?? Date.now() };
    const bytes = Buffer.from(encode(intent));
    const entry = ['intent', bytes];
    if (credential) entry.push('sig', sign(credential, bytes));
    if (traceparent) entry.push('traceparent', traceparent);
    const sent = await this.#add(partition(intent.account, this.partitions), entry, Date.now() + timeoutMs);
    return { entry: '', detail: '', ...sent, key: intent.key, at: intent.at, bytes };
  }

  /** Sends an intent and waits for its answer. With WRITE_FAILED and an `entry` it is enqueued and not answered yet: the same call with the
   * same `key` and `at` waits for that answer. */
  async call(fields, { timeoutMs = 10_000, ...options } = {}) {
    const deadline = Date.now() + timeoutMs;
    const intent = { ...fields, key: fields.key ?? newKey() };
    const slot = (await this.reader()).expect(intent.account, intent.key);
    try {
      const sent = await this.send(intent, { timeoutMs, ...options });
      const answer = sent.code === Code.OK ? await slot.wait(sent.entry, deadline - Date.now()) : undefined;
      return answer ?? this.#unanswered(intent, sent);
    } finally {
      slot.close();
    }
  }

  #unanswered({ op, account }, { code, key, at, entry, detail }) {
    const shown = code === Code.OK ? Code.WRITE_FAILED : code;
    const nothing = { amount: null, balance: null, held: null, currency: '', bill: '', replayed: false, durable: 'memory', traceparent: '' };
    return { ...nothing, key, source: this.source, op, account, at, entry, code: shown, reason: codeWord(shown), detail: detail || 'not answered yet' };
  }

  async #add(p, entry, deadline) {
    let tries = 0; // those after which it may have been enqueued
    for (let pause = pauseMs.first; ; pause = Math.min(2 * pause, pauseMs.last)) {
      try {
        const waiting = await within(this.#waitingIn(p), deadline - Date.now());
        if (waiting >= this.backlogMax && tries === 0) return { code: Code.BUSY, detail: `${waiting} intents wait in partition ${p}` };
        tries++;
        return { code: Code.OK, entry: await within(this.redis.xadd(this.intentsKey(p), '*', ...entry), deadline - Date.now()) };
      } catch (error) {
        const detail = error.message;
        const refused = detail.startsWith('NOPERM') ? Code.READ_FAILED : Code.BUSY;
        if (isRefusal(error)) return { code: tries > 1 ? Code.WRITE_FAILED : refused, detail }; // nothing was enqueued by this try
        if (Date.now() + pause >= deadline) return { code: tries ? Code.WRITE_FAILED : Code.READ_FAILED, detail };
      }
      await sleep(pause);
    }
  }

  // How many intents wait, as was said a moment ago. Who may not ask, or cannot be told, is not refused.
  async #waitingIn(p) {
    let known = this.#backlog.get(p);
    if (!known || Date.now() >= known.until) {
      known = { until: Date.now() + believedMs, waiting: 0 };
      this.#backlog.set(p, known);
      const groups = await this.redis.xinfo('GROUPS', this.intentsKey(p)).catch((error) => {
        if (isRefusal(error)) return [];
        throw error;
      });
      for (const flat of groups) {
        const group = Object.fromEntries(Array.from({ length: flat.length / 2 }, (_, n) => [flat[2 * n], flat[2 * n + 1]]));
        if (group.name === 'workers' && group.lag !== null) known.waiting += Number(group.lag) + Number(group.pending);
      }
    }
    return known.waiting++;
  }
}
