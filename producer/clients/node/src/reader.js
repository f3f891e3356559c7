// All answers of a source, from all partitions, for however many callers wait for theirs: by one connection, or, in a Redis Cluster, where one
// read cannot have streams of several slots, by one for each partition.
import { setTimeout as sleep } from 'node:timers/promises';
import { answersOf } from './answer.js';
import { Code } from './codes.js';
import { Link } from './link.js';
import { within } from './within.js';

const blockMs = 500;
const silentMs = 5000; // beyond that: a server that does not answer any more is left
const pauseMs = { first: 20, last: 1000 };

export class Reader {
  #links;
  #keys;
  #last;
  #onAnswer;
  #waiting = new Map();
  #closed = false;
  #ended;

  constructor(redis, keys, last, onAnswer) {
    this.#keys = keys;
    this.#last = last;
    this.#onAnswer = onAnswer;
    const all = keys.map((_, p) => p);
    const groups = redis.isCluster ? all.map((p) => [p]) : [all];
    this.#links = groups.map(() => new Link(redis));
    this.#ended = Promise.all(groups.map((group, n) => this.#run(group, this.#links[n])));
  }

  /** `start`: '$' what comes from now on, '0' everything that is kept, or a position. */
  static async open(till, { source = till.source, start = '$', onAnswer } = {}) {
    const keys = Array.from({ length: till.partitions }, (_, p) => till.responsesKey(p, source));
    return new Reader(till.redis, keys, await place(till.redis, keys, start), onAnswer);
  }

  /** Where to go on after the last answer given out, as text for a file. */
  get position() {
    return this.#last.join(',');
  }

  /** Before sending: from here on the answers to this intent are kept for `wait`. */
  expect(account, key) {
    const name = `${account}/${key}`;
    const slot = new Slot(() => {
      const left = (this.#waiting.get(name) ?? []).filter((other) => other !== slot);
      if (left.length) this.#waiting.set(name, left);
      else this.#waiting.delete(name);
    });
    this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), slot]);
    return slot;
  }

  async close() {
    this.#closed = true;
    for (const link of this.#links) link.drop();
    await this.#ended;
  }

  async #run(group, link) {
    const keys = group.map((p) => this.#keys[p]);
    for (let pause = pauseMs.first; !this.#closed; ) {
      try {
        const from = group.map((p) => this.#last[p]);
        const read = link.connection().xread('COUNT', 1024, 'BLOCK', blockMs, 'STREAMS', ...keys, ...from);
        const page = await within(read, blockMs + silentMs);
        pause = pauseMs.first;
        for (const [name, entries] of page ?? []) this.#take(this.#keys.indexOf(name), entries);
      } catch (error) {
        if (this.#closed) return;
        link.drop(error);
        await sleep(pause); // away, failing over, moved: the place is kept
        pause = Math.min(2 * pause, pauseMs.last);
      }
    }
  }

  #take(p, entries) {
    for (const [id, fields] of entries) {
      const answers = answersOf(fields);
      answers.forEach((answer, n) => {
        if (n === answers.length - 1) this.#last[p] = id; // until then the place is before the entry
        for (const slot of this.#waiting.get(`${answer.account}/${answer.key}`) ?? []) slot.give(answer);
        this.#onAnswer?.(answer);
      });
      this.#last[p] = id;
    }
  }
}

// '$' is made a fixed place, so that nothing that comes between two reads is missed.
async function place(redis, keys, start) {
  if (start === '$') {
    const newest = await Promise.all(keys.map((key) => redis.xrevrange(key, '+', '-', 'COUNT', 1)));
    return newest.map((entries) => entries[0]?.[0] ?? '0-0');
  }
  const ids = start.split(',');
  if (ids.length !== 1 && ids.length !== keys.length)
    throw new RangeError(`a position has one ID, or one for each of the ${keys.length} partitions`);
  return keys.map((_, p) => ids[p] ?? ids[0]);
}

// Where one caller waits for the answer to what it sent; others may have sent the same key, or used it for something else.
class Slot {
  #answers = [];
  #entry;
  #wake;
  #forget;

  constructor(forget) {
    this.#forget = forget;
  }

  give(answer) {
    this.#answers.push(answer);
    if (this.#wake && this.#told(true)) this.#wake();
  }

  async wait(entry, ms) {
    this.#entry = entry;
    if (!this.#told(true)) {
      let timer;
      await new Promise((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, Math.max(0, ms));
      });
      clearTimeout(timer);
    }
    return this.#told(false);
  }

  close() {
    this.#forget();
  }

  // A repetition is told the first answer again. While that is not there yet it gets 20, and then the one answer is its, too.
  #told(final) {
    let found;
    for (const answer of this.#answers) {
      if (answer.entry !== this.#entry && !answer.replayed && !found) continue;
      found = answer;
      if (answer.code !== Code.IN_PROGRESS) return answer;
    }
    return final ? undefined : found;
  }
}
