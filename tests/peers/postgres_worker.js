// PostgreSQL as a queue: one transaction takes a batch with SKIP LOCKED, decides it over the locked accounts, and writes all of it.
'use strict';
const { Client } = require('pg');
const { env, ready } = require('./peer');
const COUNT = 500, IDLE_MS = 1;
const TAKE = `DELETE FROM intents WHERE id = ANY (ARRAY(SELECT id FROM intents ORDER BY id FOR UPDATE SKIP LOCKED LIMIT ${COUNT}))
  RETURNING id, key, account, merchant, amount`;
const LOCK = 'SELECT name, balance FROM accounts WHERE name = ANY ($1::text[]) ORDER BY name FOR UPDATE';
const KNOWN = 'SELECT key, balance FROM done WHERE key = ANY ($1::text[])';
const WRITE = `WITH
  a AS (UPDATE accounts x SET balance = v.b FROM unnest($1::text[], $2::bigint[]) v(n, b) WHERE x.name = v.n),
  m AS (UPDATE merchants x SET balance = x.balance + v.d FROM unnest($3::text[], $4::bigint[]) v(n, d) WHERE x.name = v.n),
  d AS (INSERT INTO done SELECT * FROM unnest($5::text[], $6::text[], $7::bigint[])),
  j AS (INSERT INTO journal (key, account, merchant, amount, balance)
        SELECT * FROM unnest($8::text[], $9::text[], $10::text[], $11::bigint[], $12::bigint[]))
  INSERT INTO answers (key, code, balance) SELECT * FROM unnest($13::text[], $14::text[], $15::bigint[])`;
const RETRY = ['23505', '40P01']; // the same key in another worker's hands; deadlock: the batch is taken again

const turned = (rows, width) => Array.from({ length: width }, (_, n) => rows.map((row) => row[n]));

function decide(jobs, balances, known) {
  const done = [], journal = [], answers = [], paid = new Map(), earned = new Map();
  for (const [, key, account, merchant, text] of jobs) {
    const amount = Number(text), balance = balances.get(account);
    if (known.has(key)) { answers.push([key, 'repeated', known.get(key)]); continue; }
    const code = balance >= amount ? 'ok' : 'poor', left = code === 'ok' ? balance - amount : balance;
    if (code === 'ok') {
      balances.set(account, left);
      paid.set(account, left);
      earned.set(merchant, (earned.get(merchant) || 0) + amount);
      journal.push([key, account, merchant, amount, left]);
    }
    known.set(key, left);
    done.push([key, code, left]);
    answers.push([key, code, left]);
  }
  const merchants = [...earned].sort(([a], [b]) => (a < b ? -1 : 1));
  return [...turned([...paid], 2), ...turned(merchants, 2), ...turned(done, 3), ...turned(journal, 5), ...turned(answers, 3)];
}

async function batch(db) {
  const ask = async (name, text, values) => (await db.query({ name, text, values, rowMode: 'array' })).rows;
  await db.query('BEGIN');
  const jobs = (await ask('take', TAKE)).sort((a, b) => a[0] - b[0]);
  if (jobs.length) {
    const accounts = await ask('lock', LOCK, [[...new Set(jobs.map((job) => job[2]))]]);
    const known = await ask('known', KNOWN, [jobs.map((job) => job[1])]);
    await ask('write', WRITE, decide(jobs, new Map(accounts.map(([n, b]) => [n, Number(b)])), new Map(known)));
    await db.query('NOTIFY answers');
  }
  await db.query('COMMIT');
  return jobs.length;
}

async function loop() {
  const db = new Client({ host: env.SOCK, user: 'postgres', database: 'postgres' });
  await db.connect();
  await db.query('SET enable_seqscan = off; SET enable_sort = off'); // plans are made while the tables are empty
  for (;;) {
    try {
      if (!(await batch(db))) await new Promise((again) => setTimeout(again, IDLE_MS));
    } catch (error) {
      if (!RETRY.includes(error.code)) { console.error(error); process.exit(1); }
      await db.query('ROLLBACK');
    }
  }
}

for (let n = 0; n < Number(env.CONCURRENCY); n++) loop();
ready();
