// Types of the option `store`: where the Redis or Valkey server is, and how it is spoken to.

/**
 * Where a store is: a Redis server from version 6.2 on, or a Valkey server, alone or behind Sentinel. A string or a `URL`
 * in its place is the `url`, with the defaults for the rest. How to run such a
 * server, and what it promises: {@link https://github.com/latchkey/latchkey/blob/main/docs/store.md}.
 *
 * A process has one connection, one session and one beat for each different set of these options, however many `Locks` and
 * threads use it. Nothing is opened before the first request.
 *
 * **The trap:** all programs that share keys have to use the same `namespace`, the same `database`, and the same `ttl`. So an
 * option of another name, which may be one of these misspelt, is refused by the constructor.
 *
 * @example
 * const locks = new Locks({ name: 'orders', store: { url: 'redis://redis.example', password, ttl: 5000 } });
 *
 * @example
 * const store = { sentinels: ['a.example', 'b.example', 'c.example'], master: 'main', password };
 * const locks = new Locks({ name: 'orders', store });
 */
export type StoreOptions = ServerOptions | SentinelOptions;

/** A server that is found at its own address. */
export interface ServerOptions extends StoreSettings {
  /**
   * Where the server is: `redis://[user:password@]host[:port][/database]`, `rediss://…` for TLS, or
   * `unix:///path/of/the/socket`; `valkey://` and `valkeys://` say the same as the first two. Default port: 6379.
   *
   * **The trap:** in a URL, characters such as `@`, `/` and `#` of a password have to be percent-encoded. {@link password}
   * takes it as it is.
   */
  url: string | URL;

  sentinels?: undefined;
  master?: undefined;
}

/** A server that is found by asking sentinels, and found again when another one has taken its place. */
export interface SentinelOptions extends StoreSettings {
  /**
   * The sentinels that know the server, each `host`, `host:port`, or a `redis://` or `rediss://` URL, which may hold a login
   * for the sentinel itself. Default port: 26379. All are asked, each server that one of them names is tried, and the first
   * that may be used is used.
   *
   * **The trap:** if the first of them is a `rediss://` URL, the server is spoken to over TLS, too; else it is not.
   */
  sentinels: readonly string[];

  /** The name by which the sentinels know the server. */
  master: string;

  url?: undefined;
}

/** What may be said of any store. */
export interface StoreSettings {
  /**
   * The ACL user. Default: the one in the `url`, or the server's `default` user. The permissions that it needs:
   * {@link https://github.com/latchkey/latchkey/blob/main/docs/store.md#the-servers-user}.
   */
  user?: string | undefined;

  /**
   * The password. Default: the one in the `url`, or none. It appears in no error, in no message and in no `query()`.
   */
  password?: string | undefined;

  /** The number of the database. Default: the one in the `url`, or 0. */
  database?: number | undefined;

  /**
   * For TLS: certificates of the authorities that the server's certificate may come from, in PEM. Default: those that Node
   * trusts, with what `NODE_EXTRA_CA_CERTS` and `--use-system-ca` add.
   *
   * **The trap:** it takes the place of those, and does not add to them. There is no way to trust just anybody.
   */
  ca?: string | Uint8Array | undefined;

  /** For TLS: this client's own certificate, in PEM, together with {@link key}. Default: none. */
  cert?: string | Uint8Array | undefined;

  /** For TLS: the private key of {@link cert}, in PEM. */
  key?: string | Uint8Array | undefined;

  /**
   * Milliseconds that the server keeps what a process holds after it last heard of it: the lease. The process is heard of
   * three times as often. Default: 10 000. From 500 to 3 600 000.
   *
   * - Longer, and holds survive longer outages. Shorter, and what a crashed process held is free sooner.
   * - It is no limit for a hold: while the process lives and the server answers, a hold lasts as long as it likes.
   *   A limit is the `expiry`.
   *
   * **The trap:** a server that has just started, or taken over from another one, grants nothing for this long, so that
   * nobody's hold is given away. And one value for everybody: a process with a longer `ttl` than the others can have its
   * hold given away by a server that lost its data.
   */
  ttl?: number | undefined;

  /**
   * Milliseconds that one attempt to connect may take while the process holds nothing, and that a request waits for a server
   * that has never answered this process. Default: 5000. From 1 to 3 600 000.
   *
   * While something is held or waited for, an attempt takes a third of `ttl` at most, so that one that hangs leaves time for
   * another one before the lease is over.
   */
  connectTimeout?: number | undefined;

  /**
   * Milliseconds that the server may say nothing while it owes an answer; then another connection is tried. A third of `ttl`
   * if that is shorter. Also how long `tryRead` and `tryWrite` may take. Default: 5000. From 1 to 3 600 000.
   */
  commandTimeout?: number | undefined;

  /**
   * What the names of all keys on the server begin with: from 1 to 100 bytes, without braces. Programs with different
   * namespaces never meet. Default: `'latchkey'`.
   */
  namespace?: string | undefined;
}

declare global {
  // In Node's own types and in the library `dom`, and merges with them. It is here for programs that compile with neither.
  interface URL {
    href: string;
  }
}
