// A connection for reads that wait, like the caller's own; of a Redis Cluster to the one node that has the stream.
const alone = { maxRetriesPerRequest: 0, retryStrategy: null, lazyConnect: false, enableOfflineQueue: true, enableReadyCheck: false };

export class Link {
  #redis;
  #connection;
  #at; // of a Cluster: HOST:PORT of the node that has it, as the last one asked said
  #turn = 0;

  constructor(redis) {
    this.#redis = redis;
  }

  /** Opened when there is none. */
  connection() {
    this.#connection ??= this.#open();
    return this.#connection;
  }

  /** After a failure; what it says of where the stream is counts for the next. */
  drop(error) {
    this.#at = /^(?:MOVED|ASK) \d+ (\S+)/.exec(error?.message)?.[1];
    this.#connection?.disconnect();
    this.#connection = undefined;
  }

  #open() {
    const connection = this.#node().duplicate(alone);
    connection.on('error', () => {}); // whoever reads sees it
    return connection;
  }

  #node() {
    if (!this.#redis.isCluster) return this.#redis;
    const nodes = this.#redis.nodes('all');
    const named = nodes.find(({ options }) => `${options.host}:${options.port}` === this.#at);
    if (!named && !nodes.length) throw new Error('no node of the cluster is known');
    return named ?? nodes[this.#turn++ % nodes.length];
  }
}
