// The upstream of the PostgreSQL peer: told by NOTIFY, it reads the new answers. postgres_reader.js N FILE SECONDS
'use strict';
const fs = require('fs');
const { Client } = require('pg');
const { env } = require('./peer');
const [wanted, file, seconds] = process.argv.slice(2);
const BEHIND = 2000; // numbers of two transactions may become visible out of order
const lines = [], seen = new Set();
let last = 0, asked = false, again = false;

function finish() {
  fs.writeFileSync(file, lines.join(''));
  process.exit(seen.size < Number(wanted) ? 1 : 0);
}

async function look(db) {
  again = true;
  if (asked) return;
  asked = true;
  while (again) {
    again = false;
    const answers = await db.query({ name: 'answers', text: 'SELECT id, key, code FROM answers WHERE id > $1 ORDER BY id',
      values: [Math.max(0, last - BEHIND)], rowMode: 'array' });
    const now = process.hrtime.bigint();
    for (const [id, key, code] of answers.rows) {
      if (seen.has(id)) continue;
      seen.add(id);
      last = Math.max(last, Number(id));
      lines.push(`${key} ${now} ${code}\n`);
    }
  }
  asked = false;
  if (seen.size >= Number(wanted)) finish();
}

(async () => {
  const db = new Client({ host: env.SOCK, user: 'postgres', database: 'postgres' });
  await db.connect();
  db.on('notification', () => look(db));
  await db.query('LISTEN answers');
  setInterval(() => look(db), 500);
  setTimeout(finish, Number(seconds) * 1000);
})();
