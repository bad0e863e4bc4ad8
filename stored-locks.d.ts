// Types of the promise face on a store: what `new Locks({ name, store })` gives.

import { type Key } from './alock.js';
import { type StoredHold } from './hold.js';
import {
  type AcquireOptions,
  type LocksJson,
  type LocksOptions,
  type SingleKey,
  type TryOptions,
} from './locks.js';
import { type StoredLocksSnapshot } from './snapshot.js';
import { type StoreOptions } from './store.js';

/**
 * What a `Locks` on a store is made with. latchkey's own.
 *
 * @example
 * const locks = new Locks({ name: 'orders', store: 'redis://redis.example', expiry: 30_000 });
 */
export interface StoredLocksOptions<
  Store extends string | URL | StoreOptions | undefined = string | URL | StoreOptions,
> extends Omit<LocksOptions, 'name' | 'store'> {
  /**
   * The name of the keys' space: everybody who opens that name in the same store, on whatever machine, has the same keys.
   * latchkey's own.
   *
   * **The trap:** the same name without a store is another space, which this process has for itself.
   */
  name: string;

  /**
   * Where the server is: its URL, as a string or a `URL`, or {@link StoreOptions}. latchkey's own.
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
 * - A request that waits keeps the process alive, and so does a release until it is answered. An idle object, its
 *   connection, or a hold does not. When a process ends by itself or by `process.exit()`, what it held is free at once;
 *   when it is killed, also by a signal that it does not handle, within `ttl`.
 *
 * **The trap:** no lock that depends on a network gives exclusion by itself: a process that was suspended can write after
 * it has lost its hold. A resource that must be safe checks the `fence`; see `docs/store.md`.
 *
 * Code that takes locks of any reach takes {@link AnyLocks}. A class of one's own extends `Locks<string>`, or
 * `Locks<StoreOptions>`. All of it is latchkey's own.
 *
 * @example
 * const { Locks } = require('latchkey');
 * const locks = new Locks({ name: 'orders', store: 'redis://redis.example' });
 *
 * await locks.write('order:7', async ({ fence }) => {
 *   await sql`UPDATE orders SET state = 'paid', fence = ${fence} WHERE id = 7 AND fence < ${fence}`;
 * });
 */
export interface StoredLocks {
  /**
   * Runs `fn` while `key` is held in write mode, alone, on all machines; releases it; waits for the store's answer to that;
   * and resolves to what `fn` returned.
   *
   * - If `fn` throws or rejects, the key is released, and the call rejects with that very error.
   * - If the hold is taken away while `fn` runs, `hold.signal` aborts. Once `fn` has settled, the call rejects with a
   *   `LockExpiredError` or a `LockLostError`; `fn`'s own error comes first.
   * - If only the release could not be told to the store, what `fn` returned stands: the lease covered all of it.
   * - While the server is away, the request waits until it is back; with a `timeout`, as long as that.
   *
   * **The trap:** the key is free when `fn`'s promise settles. Work that `fn` starts and does not await is not protected.
   * And inside `fn`, do not await the same key: the call would wait for itself.
   *
   * latchkey's own.
   *
   * @param key Names what is protected. See {@link SingleKey}.
   * @param fn Called once, with the {@link StoredHold}, after the call has returned. It may be `async` or not.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if `key` is refused, or `fn` is not a function.
   * @throws {LockExpiredError} `ERR_LOCK_EXPIRED` if the key was taken away while `fn` ran, because another one waited.
   * @throws {LockLostError} `ERR_LOCK_LOST` if it was lost while `fn` ran.
   * @throws {StoreUnreachableError} `ERR_STORE_UNREACHABLE` if the server refuses, or has never answered.
   * @throws {LockQueueFullError} `ERR_LOCK_QUEUE_FULL` if it would have to wait, and `maxPending` others do already.
   * @throws {LockClosedError} `ERR_LOCK_CLOSED` if this `Locks` is closed, before the call or while it waits.
   *
   * @example
   * await locks.write('nightly-report', async ({ signal }) => {
   *   await build({ signal }); // on one machine at a time
   * });
   */
  write<T>(key: SingleKey, fn: (hold: StoredHold) => T | PromiseLike<T>): Promise<T>;

  /**
   * The same, with a limit for the wait, a way to give it up, or an expiry of its own. See {@link AcquireOptions}.
   * latchkey's own.
   *
   * **The trap:** `timeout` and `signal` are about the wait. Once `fn` runs, neither stops it.
   *
   * @throws {LockTimeoutError} `ERR_LOCK_TIMEOUT` if it was not granted within `timeout`.
   * @throws {StoreUnreachableError} `ERR_STORE_UNREACHABLE` instead, if the store is away when `timeout` is over.
   * @throws The reason of `signal`, if that aborts before the grant, or before the call.
   * @throws {RangeError} `ERR_OUT_OF_RANGE` if `timeout` or `expiry` is negative or NaN.
   *
   * @example
   * await locks.write('order:7', { timeout: 2000, signal: request.signal }, () => pay(order));
   */
  write<T>(
    key: SingleKey,
    options: AcquireOptions | null | undefined,
    fn: (hold: StoredHold) => T | PromiseLike<T>,
  ): Promise<T>;

  /**
   * Without a function, it resolves to the {@link StoredHold}, and releasing is up to you. It rejects as the call with a
   * function does, but for expiry and loss: those are seen in `hold.signal`, and in what `release()` rejects with.
   * latchkey's own.
   *
   * **The trap:** forget `await`, and nothing is protected yet. Forget `release()`, and the key is held on all machines for as
   * long as this process lives, unless there is an expiry.
   *
   * @example
   * await using hold = await locks.write('settings');
   * await save(settings, { fence: hold.fence });
   */
  write(key: SingleKey, options?: AcquireOptions | null): Promise<StoredHold>;

  /**
   * With an array, it holds all of the keys or none. Each is taken once, in sorted order whatever the order given, so that
   * no two such calls can wait for each other, on any machines. latchkey's own.
   *
   * - Each key costs a request to the server, one after the other.
   * - `timeout` is for all of them together. If one fails, those it has are released.
   * - An empty array is granted without asking the server.
   *
   * **The trap:** as in the process, nested calls are not protected from each other, and an `expiry` counts while it waits
   * for the other keys.
   *
   * @example
   * await locks.write([`account:${from}`, `account:${to}`], () => transfer(from, to, amount));
   */
  write<T>(keys: readonly Key[], fn: (hold: StoredHold<readonly string[]>) => T | PromiseLike<T>): Promise<T>;

  /**
   * An array of keys, with options. The `expiry` of each key counts from its own grant. latchkey's own.
   *
   * @example
   * await locks.write(['a', 'b'], { timeout: 2000 }, () => swap('a', 'b'));
   */
  write<T>(
    keys: readonly Key[],
    options: AcquireOptions | null | undefined,
    fn: (hold: StoredHold<readonly string[]>) => T | PromiseLike<T>,
  ): Promise<T>;

  /**
   * An array of keys, without a function: resolves to one {@link StoredHold} for all of them. latchkey's own.
   *
   * @example
   * await using hold = await locks.write(['a', 'b']);
   */
  write(keys: readonly Key[], options?: AcquireOptions | null): Promise<StoredHold<readonly string[]>>;

  /**
   * Runs `fn` while `key` is held in read mode, shared with the readers of all machines; releases it; waits for the store's
   * answer to that; and resolves to what `fn` returned. While anybody reads, nobody can write. All the rest is as
   * {@link write} does it. latchkey's own.
   *
   * **The trap:** a reader does not become a writer. To await `write` of the same key inside `fn` is to wait for oneself.
   *
   * @param key Names what is protected. See {@link SingleKey}.
   * @param fn Called once, with the {@link StoredHold}, after the call has returned. It may be `async` or not.
   * @throws What {@link write} rejects with, and when.
   *
   * @example
   * const settings = await locks.read('settings', load);
   */
  read<T>(key: SingleKey, fn: (hold: StoredHold) => T | PromiseLike<T>): Promise<T>;

  /**
   * The same, with a limit for the wait, a way to give it up, or an expiry of its own. See {@link AcquireOptions}.
   * latchkey's own.
   *
   * **The trap:** `timeout` and `signal` are about the wait. Once `fn` runs, neither stops it.
   *
   * @throws What {@link write} with options rejects with, and when.
   *
   * @example
   * const settings = await locks.read('settings', { timeout: 2000 }, load);
   */
  read<T>(
    key: SingleKey,
    options: AcquireOptions | null | undefined,
    fn: (hold: StoredHold) => T | PromiseLike<T>,
  ): Promise<T>;

  /**
   * Without a function, it resolves to the {@link StoredHold}, and releasing is up to you. latchkey's own.
   *
   * **The trap:** forget `await`, and nothing is protected yet. Forget `release()`, and writers wait on all machines for as
   * long as this process lives, unless there is an expiry.
   *
   * @example
   * const hold = await locks.read('page');
   * fs.createReadStream('page.html').on('close', () => hold.release()).pipe(response);
   */
  read(key: SingleKey, options?: AcquireOptions | null): Promise<StoredHold>;

  /**
   * With an array, it shares all of the keys or none, as {@link write} takes an array, with its traps. latchkey's own.
   *
   * @example
   * const sum = await locks.read(['a', 'b'], async () => (await load('a')) + (await load('b')));
   */
  read<T>(keys: readonly Key[], fn: (hold: StoredHold<readonly string[]>) => T | PromiseLike<T>): Promise<T>;

  /**
   * An array of keys, with options. The `expiry` of each key counts from its own grant. latchkey's own.
   *
   * @example
   * await locks.read(['a', 'b'], { signal }, compare);
   */
  read<T>(
    keys: readonly Key[],
    options: AcquireOptions | null | undefined,
    fn: (hold: StoredHold<readonly string[]>) => T | PromiseLike<T>,
  ): Promise<T>;

  /**
   * An array of keys, without a function: resolves to one {@link StoredHold} for all of them. latchkey's own.
   *
   * @example
   * await using hold = await locks.read(['a', 'b']);
   */
  read(keys: readonly Key[], options?: AcquireOptions | null): Promise<StoredHold<readonly string[]>>;

  /**
   * Takes `key` in write mode if nobody has to wait for that: resolves to a {@link StoredHold}, or to null if the key is
   * held on any machine. It never waits for a holder, and never overtakes those who do; it waits for the server's answer
   * alone, at most `commandTimeout`. latchkey's own.
   *
   * **The trap:** without `await`, the promise is always truthy. And while a server that has just started, or taken over,
   * grants nothing (for one `ttl`), the answer is null.
   *
   * @param key Names what is protected. See {@link SingleKey}.
   * @param options See {@link TryOptions}.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE`, by the call itself, if `key` or `options` is refused.
   * @throws {RangeError} `ERR_OUT_OF_RANGE`, likewise, if `expiry` is negative or NaN.
   * @throws {StoreUnreachableError} `ERR_STORE_UNREACHABLE`, as a rejection, if the server does not answer in time, or
   *   refuses.
   * @throws {LockClosedError} `ERR_LOCK_CLOSED`, as a rejection, if this `Locks` is closed.
   *
   * @example
   * await using hold = await locks.tryWrite('nightly-report'); // `await using` takes null as well
   * if (hold === null) return; // another machine is at it
   * await report();
   */
  tryWrite(key: SingleKey, options?: TryOptions | null): Promise<StoredHold | null>;

  /**
   * With an array: one {@link StoredHold} for all of the keys, or null if one of them is held. latchkey's own.
   *
   * @example
   * await using hold = await locks.tryWrite(['a', 'b']);
   */
  tryWrite(keys: readonly Key[], options?: TryOptions | null): Promise<StoredHold<readonly string[]> | null>;

  /**
   * Takes `key` in read mode if nobody has to wait for that: resolves to a {@link StoredHold}, or to null if a writer holds
   * it or waits for it, on any machine. All the rest is as {@link tryWrite} does it. latchkey's own.
   *
   * **The trap:** null does not mean that somebody writes: a writer that waits for other readers is enough.
   *
   * @throws What {@link tryWrite} rejects with, and when.
   *
   * @example
   * await using hold = await locks.tryRead('settings');
   * return hold === null ? cached : await load();
   */
  tryRead(key: SingleKey, options?: TryOptions | null): Promise<StoredHold | null>;

  /**
   * With an array: one {@link StoredHold} that shares all of the keys, or null. latchkey's own.
   *
   * @example
   * await using hold = await locks.tryRead(['a', 'b']);
   */
  tryRead(keys: readonly Key[], options?: TryOptions | null): Promise<StoredHold<readonly string[]> | null>;

  /**
   * Who holds and who waits, on all machines, with each one's host, process and thread. For people and for monitoring.
   * latchkey's own.
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
   * The same of one key. It costs as much: the answer of all keys is looked through. latchkey's own.
   *
   * @param key See {@link SingleKey}.
   *
   * @example
   * const [holder] = (await locks.query('order:7')).held;
   */
  query(key: SingleKey): Promise<StoredLocksSnapshot>;

  /**
   * Whether somebody holds `key`, on whatever machine. It costs as much as {@link query}. latchkey's own.
   *
   * **The trap:** without `await`, the promise is always truthy.
   *
   * @throws What {@link query} rejects with, and when.
   *
   * @example
   * if (await locks.isLocked('nightly-report')) console.log('The report is on its way');
   */
  isLocked(key: SingleKey): Promise<boolean>;

  /**
   * How many requests wait, of all machines; with a key, for that key. It costs as much as {@link query}. latchkey's own.
   *
   * @throws What {@link query} rejects with, and when.
   *
   * @example
   * gauge.set(await locks.countPending());
   */
  countPending(key?: SingleKey): Promise<number>;

  /**
   * Ends the use of this object. Its waiting requests reject with a `LockClosedError`, and so do later calls. A second
   * `close` does nothing. When the last `Locks` and `Lock` of a store in this process is closed, and the last hold is
   * released, the session ends on the server at once, and so does the connection. latchkey's own.
   *
   * **The trap:** what is held stays held until it is released, and functions that run, run on.
   *
   * @example
   * process.on('SIGTERM', () => locks.close());
   */
  close(): void;

  /**
   * What `JSON.stringify` and `console.log` show: `pending` is how many requests of this object wait. latchkey's own.
   *
   * **The trap:** who holds and who waits in the whole space, {@link query} says.
   *
   * @example
   * console.log(JSON.stringify(locks)); // {"name":"orders","scope":"machines","state":"open","pending":2}
   */
  toJSON(): LocksJson;
}
