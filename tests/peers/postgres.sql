-- The tables of the PostgreSQL peer: a queue, accounts, what was decided for each key, journal, answers.
CREATE TABLE intents (id bigserial PRIMARY KEY, key text NOT NULL, account text NOT NULL, merchant text NOT NULL, amount bigint NOT NULL);
CREATE TABLE accounts (name text PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0)) WITH (fillfactor = 50);
CREATE TABLE merchants (name text PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 50);
CREATE TABLE done (key text PRIMARY KEY, code text NOT NULL, balance bigint NOT NULL);
CREATE TABLE journal (id bigserial PRIMARY KEY, key text NOT NULL, account text NOT NULL, merchant text NOT NULL, amount bigint NOT NULL,
                      balance bigint NOT NULL);
CREATE TABLE answers (id bigserial PRIMARY KEY, key text NOT NULL, code text NOT NULL, balance bigint NOT NULL);
ALTER TABLE intents SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
INSERT INTO accounts SELECT 'user' || n, 1000000000 FROM generate_series(0, 999) n;
INSERT INTO merchants SELECT 'shop' || n, 0 FROM generate_series(0, 9) n;
ANALYZE;
