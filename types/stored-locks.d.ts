// Types of the promise API on a store: what `new Locks({ name, store })` gives.

import { type Key } from '../alock.js';
import { type StoredHold } from './hold.js';
import { type LocksJson, type LocksOptions, type SingleKey, type TryOptions } from './locks.js';
import { type KeyedLocks } from './keyed-locks.js';
import { type StoredLocksSnapshot } from './snapshot.js';
import { type StoreOptions } from './store.js';

/**
 * What a `Locks` on a store is made with.
 *
 * @example
 * const locks = new Locks({ name: 'orders', store: 'redis://redis.example', expiry: 30_000 });
 */
export interface StoredLocksOptions<
  Store extends string | URL | StoreOptions | undefined = string | URL | StoreOptions,
> extends Omit<LocksOptions, 'name' | 'store'> {
  /**
   * The name of the keys' space: everybody who opens that name in the same store, on whatever machine, has the same keys.
   *
   * **The trap:** the same name without a store is another space, which this process has for itself.
   */
  name: string;

  /**
   * Where the server is: its URL, as a string or a `URL`, or {@link StoreOptions}.
   *
   * **The trap:** it is checked by the constructor, but not connected to. A wrong host is found by the first request.
   */
  store: Store extends undefined ? never : Store extends string | URL ? Store : StoreOptions;
}

/**
 * Read and write locks by key, for all threads of all processes on all machines that use the same store: `Locks`, with a
 * server that keeps them. Same calls, same order, same errors. What is different:
 *
 * - Every answer comes from the server. So `tryRead`, `tryWrite` and `query` give promises, and no function starts before
 *   the call returns.
 * - A hold can be lost: if the server has not answered for nearly `ttl`, somebody else may have the key. Then `hold.signal`
 *   aborts, and the call rejects with a `LockLostError`.
 * - Order is by arrival at the server.
 * - A server that has just started, or taken over from another one, grants nothing for one `ttl`: requests wait, and
 *   `tryRead` and `tryWrite` reject with a `StoreStartingError`. `ready()` waits until it grants.
 * - A request that waits keeps the process alive, and so does a release until it is answered. An idle object, its
 *   connection, or a hold does not. When a process ends by itself or by `process.exit()`, what it held is free at once;
 *   when it is killed, also by a signal that it does not handle, within `ttl`.
 *
 * **The trap:** no lock that depends on a network gives exclusion by itself: a process that was suspended can write after
 * it has lost its hold. A resource that must be safe checks the `fence`; see
 * {@link https://github.com/latchkey/latchkey/blob/main/docs/store.md#the-fence}.
 *
 * Code that takes locks of any scope takes {@link AnyLocks}. A class of one's own extends `Locks<string>`, or
 * `Locks<StoreOptions>`.
 *
 * @example
 * const { Locks } = require('latchkey');
 * const locks = new Locks({ name: 'orders', store: 'redis://redis.example' });
 *
 * await locks.write('order:7', async ({ fence }) => {
 *   const { count } = await sql`UPDATE orders SET state = 'paid', fence = ${fence} WHERE id = 7 AND fence < ${fence}`;
 *   if (count === 0) throw new Error('order 7: a later holder has been here');
 * });
 */
export interface StoredLocks extends KeyedLocks<
  StoredHold,
  StoredHold<readonly string[]>,
  StoredHold<string | readonly string[]>
> {
  /**
   * Takes `key` in write mode if nobody has to wait for that: resolves to a {@link StoredHold}, or to null if the key is
   * held on any machine. It never waits for a holder, and never overtakes those who do; it waits for the server's answer
   * alone, at most `commandTimeout`.
   *
   * A server that has just started, or taken over from another one, grants nothing for one `ttl`: it may have missed who holds
   * what. Then, unless somebody is known to hold the key, the answer is no null, which would say so, but a
   * {@link StoreStartingError}, at once: a try promises not to wait. {@link ready} waits.
   *
   * **The trap:** without `await`, the promise is always truthy.
   *
   * @param key Names what is protected. See {@link SingleKey}.
   * @param options See {@link TryOptions}.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, by the call itself, if `key` or `options` is refused.
   * @throws {RangeError} `ERR_OUT_OF_RANGE`, likewise, if `expiry` is negative or NaN.
   * @throws {StoreUnreachableError} `ERR_STORE_UNREACHABLE`, as a rejection, if the server does not answer in time, or
   *   refuses.
   * @throws {StoreStartingError} `ERR_STORE_STARTING`, as a rejection, while the server grants nothing to anybody.
   * @throws {LockClosedError} `ERR_LOCK_CLOSED`, as a rejection, if this `Locks` is closed.
   *
   * @example
   * await using hold = await locks.tryWrite('nightly-report'); // `await using` takes null as well
   * if (hold === null) return; // another machine is at it
   * await report();
   */
  tryWrite(key: SingleKey, options?: TryOptions | null): Promise<StoredHold | null>;

  /**
   * Takes all of the keys in write mode if nobody has to wait for any of them: resolves to one {@link StoredHold} for all, or
   * to null if one of them is held on any machine. Then none is taken.
   *
   * Up to 256 keys that are all free are taken in one trip to the server.
   *
   * **The trap:** without `await`, the promise is always truthy.
   *
   * @param keys Names what is protected. See {@link Key}.
   * @param options See {@link TryOptions}.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, by the call itself, if a key or `options` is refused.
   * @throws {RangeError} `ERR_OUT_OF_RANGE`, likewise, if `expiry` is negative or NaN.
   * @throws {StoreUnreachableError} `ERR_STORE_UNREACHABLE`, as a rejection, if the server does not answer in time, or
   *   refuses.
   * @throws {StoreStartingError} `ERR_STORE_STARTING`, as a rejection, while the server grants nothing to anybody.
   * @throws {LockClosedError} `ERR_LOCK_CLOSED`, as a rejection, if this `Locks` is closed.
   *
   * @example
   * await using hold = await locks.tryWrite(['a', 'b']);
   */
  tryWrite(keys: readonly Key[], options?: TryOptions | null): Promise<StoredHold<readonly string[]> | null>;

  /**
   * Takes `key` in read mode if nobody has to wait for that: resolves to a {@link StoredHold}, or to null if a writer holds
   * it or waits for it, on any machine. It waits for the server's answer alone, at most `commandTimeout`, and never overtakes
   * those who wait.
   *
   * **The trap:** null does not mean that somebody writes: a writer that waits for other readers is enough.
   *
   * @param key Names what is protected. See {@link SingleKey}.
   * @param options See {@link TryOptions}.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, by the call itself, if `key` or `options` is refused.
   * @throws {RangeError} `ERR_OUT_OF_RANGE`, likewise, if `expiry` is negative or NaN.
   * @throws {StoreUnreachableError} `ERR_STORE_UNREACHABLE`, as a rejection, if the server does not answer in time, or
   *   refuses.
   * @throws {StoreStartingError} `ERR_STORE_STARTING`, as a rejection, while the server grants nothing to anybody.
   * @throws {LockClosedError} `ERR_LOCK_CLOSED`, as a rejection, if this `Locks` is closed.
   *
   * @example
   * await using hold = await locks.tryRead('settings');
   * return hold === null ? cached : await load();
   */
  tryRead(key: SingleKey, options?: TryOptions | null): Promise<StoredHold | null>;

  /**
   * Takes all of the keys in read mode if nobody has to wait for any of them: resolves to one {@link StoredHold} for all, or
   * to null if a writer holds one of them or waits for it, on any machine. Then none is taken.
   *
   * Up to 256 keys that are all free are taken in one trip to the server.
   *
   * **The trap:** without `await`, the promise is always truthy.
   *
   * @param keys Names what is protected. See {@link Key}.
   * @param options See {@link TryOptions}.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, by the call itself, if a key or `options` is refused.
   * @throws {RangeError} `ERR_OUT_OF_RANGE`, likewise, if `expiry` is negative or NaN.
   * @throws {StoreUnreachableError} `ERR_STORE_UNREACHABLE`, as a rejection, if the server does not answer in time, or
   *   refuses.
   * @throws {StoreStartingError} `ERR_STORE_STARTING`, as a rejection, while the server grants nothing to anybody.
   * @throws {LockClosedError} `ERR_LOCK_CLOSED`, as a rejection, if this `Locks` is closed.
   *
   * @example
   * await using hold = await locks.tryRead(['a', 'b']);
   */
  tryRead(keys: readonly Key[], options?: TryOptions | null): Promise<StoredHold<readonly string[]> | null>;

  /**
   * Who holds and who waits, on all machines, with each one's host, process and thread. For people and for monitoring.
   *
   * **The trap:** it reads the list of all holds and requests in the namespace, and asks the server about each key of this
   * space: do not call it in a hot path. And it may be out of date when you read it.
   *
   * @throws {StoreUnreachableError} `ERR_STORE_UNREACHABLE`, as a rejection, if there is no connection within
   *   `connectTimeout`, or the server refuses.
   * @throws {LockClosedError} `ERR_LOCK_CLOSED`, as a rejection, if this `Locks` is closed.
   *
   * @example
   * for (const { key, host, pid, since } of (await locks.query()).held) {
   *   console.log(`${key}: held by ${pid} on ${host} for ${Date.now() - since} ms`);
   * }
   */
  query(): Promise<StoredLocksSnapshot>;

  /**
   * The same of one key. It costs as much: the answer of all keys is looked through.
   *
   * @param key See {@link SingleKey}.
   *
   * @example
   * const [holder] = (await locks.query('order:7')).held;
   */
  query(key: SingleKey): Promise<StoredLocksSnapshot>;

  /**
   * Whether somebody holds `key`, on whatever machine. It costs as much as `query()`.
   *
   * **The trap:** without `await`, the promise is always truthy.
   *
   * @throws What `query()` rejects with, and when.
   *
   * @example
   * if (await locks.isLocked('nightly-report')) console.log('The report is on its way');
   */
  isLocked(key: SingleKey): Promise<boolean>;

  /**
   * How many requests wait, of all machines; with a key, for that key. It costs as much as `query()`.
   *
   * @throws What `query()` rejects with, and when.
   *
   * @example
   * gauge.set(await locks.countPending());
   */
  countPending(key?: SingleKey): Promise<number>;

  /**
   * What `JSON.stringify` and `console.log` show: `pending` is how many requests of this object wait.
   *
   * **The trap:** who holds and who waits in the whole space, `query()` says.
   *
   * @example
   * console.log(JSON.stringify(locks)); // {"name":"orders","scope":"machines","state":"open","pending":2}
   */
  toJSON(): LocksJson;
}
