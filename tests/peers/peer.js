// What the Node programs of tests/peers share: the intents, and a producer's two ways of sending them.
'use strict';
const fs = require('fs');
const env = process.env;
const intents = () => fs.readFileSync(env.INTENTS, 'utf8').trimEnd().split('\n').map((line) => line.split('\t'));
const now = () => Number(process.hrtime.bigint()); // CLOCK_MONOTONIC, as the reader's
const ready = () => fs.writeFileSync(`${env.RUN}/ready.${process.pid}`, '');

// Says when the first intent is due, then sends each when it is, waiting for none.
function keepRate(rows, one) {
  const step = 1e9 / Number(env.RATE);
  const began = now() + 1e6;
  const sent = [];
  process.stdout.write(`${Math.round(began)}\n`);
  return new Promise((done) => {
    const turn = () => {
      while (sent.length < rows.length && began + sent.length * step <= now()) sent.push(one(rows[sent.length]));
      if (sent.length < rows.length) setTimeout(turn, 1);
      else done(Promise.all(sent));
    };
    turn();
  });
}

async function sendAll(rows, many, size, inFlight) {
  let place = 0;
  process.stdout.write(`${Math.round(now())}\n`);
  const lane = async () => {
    while (place < rows.length) {
      const from = place;
      place += size;
      await many(rows.slice(from, from + size));
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

// many: sends some at once, one: a single one. Ready, then told to begin by a line.
async function produce({ many, one, size = 500, inFlight = 2 }) {
  const rows = intents();
  ready();
  await new Promise((begin) => process.stdin.once('data', begin));
  await (env.RATE === '0' ? sendAll(rows, many, size, inFlight) : keepRate(rows, one));
  process.exit(0);
}

process.on('SIGTERM', () => process.exit(0));
module.exports = { env, produce, ready };
