// The codes of answers: the table of schema/README.md. Those below 0 are given here and are never on the wire.
export const Code = Object.freeze({
  OK: 0,
  NOT_FOUND: 1,
  NOT_PERMITTED: 2,
  INSUFFICIENT_FUNDS: 3,
  ACCOUNT_FROZEN: 4,
  ACCOUNT_LOCKED: 5,
  INVALID: 6,
  KEY_REUSED: 7,
  RATE_LIMITED: 8,
  DUPLICATE_SUSPECTED: 9,
  ALREADY_EXISTS: 10,
  WRONG_STATE: 11,
  LIMIT_EXCEEDED: 12,
  OUT_OF_STOCK: 13,
  STALE: 14,
  CURRENCY_MISMATCH: 15,
  EXPIRED: 16,
  GROUP_FAILED: 17,
  GUARD_FAILED: 18,
  DEAD: 19,
  IN_PROGRESS: 20,
  BUSY: -1,
  READ_FAILED: -2,
  WRITE_FAILED: -3,
});

const words = new Map(Object.entries(Code).map(([name, code]) => [code, name.toLowerCase()]));

export const codeWord = (code) => words.get(code) ?? 'unknown';
