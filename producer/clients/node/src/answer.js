// An entry of a response stream as an object; amounts are null where the wire has nothing.
const numbers = ['amount', 'balance', 'held'];
const texts = ['key', 'source', 'op', 'reason', 'account', 'currency', 'bill', 'entry', 'detail'];

/** undefined when it is no response. */
export function answerOf(fields) {
  const wire = {};
  for (let n = 0; n + 1 < fields.length; n += 2) wire[fields[n]] = fields[n + 1];
  if (!/^-?\d+$/.test(wire.code ?? '') || texts.some((name) => wire[name] === undefined)) return undefined;
  const answer = { code: Number(wire.code), at: Number(wire.at), replayed: wire.replayed === '1' };
  for (const name of texts) answer[name] = wire[name];
  for (const name of numbers) answer[name] = wire[name] ? Number(wire[name]) : null;
  return { ...answer, durable: wire.durable ?? 'memory', traceparent: wire.traceparent ?? '' };
}
