// Enqueues rows for PostgreSQL.
'use strict';
const { Client } = require('pg');
const { env, produce } = require('./peer');
const db = new Client({ host: env.SOCK, user: 'postgres', database: 'postgres' });
const MANY = 'INSERT INTO intents (key, account, merchant, amount) SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])';
const ONE = 'INSERT INTO intents (key, account, merchant, amount) VALUES ($1, $2, $3, $4)';
const column = (rows, n) => rows.map((row) => row[n]);
db.connect().then(() => produce({
  many: (rows) => db.query({ name: 'many', text: MANY, values: [0, 1, 2, 3].map((n) => column(rows, n)) }),
  one: (row) => db.query({ name: 'one', text: ONE, values: row }),
  size: 1000,
  inFlight: 1,
}));
