// Types of till-payments.
import type { Cluster, Redis } from 'ioredis';

export declare const Code: Readonly<{
  OK: 0; NOT_FOUND: 1; NOT_PERMITTED: 2; INSUFFICIENT_FUNDS: 3; ACCOUNT_FROZEN: 4; ACCOUNT_LOCKED: 5; INVALID: 6; KEY_REUSED: 7;
  RATE_LIMITED: 8; DUPLICATE_SUSPECTED: 9; ALREADY_EXISTS: 10; WRONG_STATE: 11; LIMIT_EXCEEDED: 12; OUT_OF_STOCK: 13; STALE: 14;
  CURRENCY_MISMATCH: 15; EXPIRED: 16; GROUP_FAILED: 17; GUARD_FAILED: 18; DEAD: 19; IN_PROGRESS: 20;
  /** Nothing was enqueued: try later. */
  BUSY: -1;
  /** Nothing was enqueued: Redis could not be reached, or does not let us. */
  READ_FAILED: -2;
  /** Unknown, or enqueued and not answered yet: send the same again, it is safe. */
  WRITE_FAILED: -3;
}>;
export declare function codeWord(code: number): string;

/** An intent's fields, by the names of the wire (schema/README.md). Amounts are integers of minor units. */
export interface IntentFields {
  op: string;
  account: string;
  /** Made when it is missing; give it and `at` for a retry. */
  key?: string;
  at?: number;
  to?: string;
  amount?: number;
  currency?: string;
  of?: string;
  of_at?: number;
  expires?: number;
  not_before?: number;
  kind?: 'user' | 'merchant' | 'app';
  token?: string;
  credential?: Uint8Array;
  payments?: number;
  per?: number;
  sku?: string;
  quantity?: number;
  order?: string;
  lines?: Array<[sku: string, quantity: number]>;
  month?: string;
  final?: boolean;
  allow_duplicate?: boolean;
  guard?: { seq?: number; balance_min?: number; refunded?: number };
  settings?: Record<string, number>;
  steps?: Array<Omit<IntentFields, 'account' | 'at'>>;
  note?: string;
}

export interface SendOptions {
  /** 32 bytes that sign the intent, see `credential`. */
  credential?: Uint8Array;
  /** W3C trace context. */
  traceparent?: string;
  /** 10000 when it is not given. */
  timeoutMs?: number;
}

export interface Result {
  code: number;
  entry: string;
  detail: string;
  key: string;
  at: number;
  bytes: Buffer;
}

export interface Answer {
  key: string;
  source: string;
  op: string;
  code: number;
  reason: string;
  account: string;
  amount: number | null;
  currency: string;
  balance: number | null;
  held: number | null;
  bill: string;
  at: number;
  entry: string;
  replayed: boolean;
  detail: string;
  durable: string;
  traceparent: string;
}

export interface TillOptions {
  /** Yours: of one server, of sentinels, or a Cluster. A connection like it is opened for the reader; to a Cluster one for each partition. */
  redis: Redis | Cluster;
  source: string;
  book?: string;
  /** '$', '0', or a reader's position. */
  start?: string;
  backlogMax?: number;
}

export declare class TillError extends Error {}

export declare class Till {
  static open(options: TillOptions): Promise<Till>;
  readonly redis: Redis | Cluster;
  readonly source: string;
  readonly book: string;
  readonly partitions: number;
  backlogMax: number;
  send(fields: IntentFields, options?: SendOptions): Promise<Result>;
  call(fields: IntentFields, options?: SendOptions): Promise<Answer>;
  reader(): Promise<Reader>;
  intentsKey(partition: number): string;
  responsesKey(partition: number, source: string): string;
  close(): Promise<void>;
}

export declare class Reader {
  static open(till: Till, options?: { source?: string; start?: string; onAnswer?: (answer: Answer) => void }): Promise<Reader>;
  readonly position: string;
  close(): Promise<void>;
}

export declare function partition(account: string, partitions: number): number;
export declare function encode(intent: object): Uint8Array;
export declare function fingerprint(intent: object): string;
export declare function sign(secret: Uint8Array, bytes: Uint8Array): Buffer;
export declare function credential(password: string | Uint8Array, account: string, book?: string): Promise<Uint8Array>;
export declare function key(): string;
