// Entries of a response stream as objects; amounts are null where the wire has nothing.
const numbers = ['amount', 'balance', 'held'];
const texts = ['key', 'source', 'op', 'reason', 'account', 'currency', 'bill', 'entry', 'detail'];

const columns = 'key op code reason account amount currency balance held bill replayed detail at entry traceparent'.split(' ');
const [code, replayed, lineMin, linesMax] = [2, 10, 11, 64];

/** The answers in an entry: one, or, in the field `answers`, a line each. What is none is left out. */
export function answersOf(fields) {
  const wire = {};
  for (let n = 0; n + 1 < fields.length; n += 2) wire[fields[n]] ??= fields[n + 1];
  if (wire.answers === undefined) return [answerOf(wire)].filter(Boolean);
  const { source, at, entry, durable } = wire;
  const found = [];
  for (const line of wire.answers.split('\n').slice(0, linesMax)) {
    const values = line.split('\t');
    if (!source || !at || !entry || values.length < lineMin || !values[code] || !values[replayed]) break; // what follows is anybody's guess
    const answer = { source, durable };
    columns.forEach((name, n) => (answer[name] = values[n] || { at, entry }[name] || ''));
    found.push(answerOf(answer));
  }
  return found.filter(Boolean);
}

function answerOf(wire) {
  if (!/^-?\d+$/.test(wire.code ?? '') || texts.some((name) => wire[name] === undefined)) return undefined;
  const answer = { code: Number(wire.code), at: Number(wire.at), replayed: wire.replayed === '1' };
  for (const name of texts) answer[name] = wire[name];
  for (const name of numbers) answer[name] = wire[name] ? Number(wire[name]) : null;
  return { ...answer, durable: wire.durable ?? 'memory', traceparent: wire.traceparent ?? '' };
}
