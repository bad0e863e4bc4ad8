// Types of the promise API: `new Locks(options)`, and what its calls take.

import { type Key } from '../alock.js';
import { type Hold } from './hold.js';
import { type KeyedLocks } from './keyed-locks.js';
import { type LocksSnapshot } from './snapshot.js';
import { type StoreOptions } from './store.js';
import { type StoredLocks, type StoredLocksOptions } from './stored-locks.js';

/**
 * Read and write locks by key, for `async` functions: in one thread, under one name in all threads of the process, or,
 * with a store, on many machines ({@link StoredLocks}).
 *
 * - `write` has a key alone; `read` shares it with other readers. Requests for one key are granted in the order they
 *   were made, from whatever thread; readers next to each other in line share. A reader behind a waiting writer waits.
 * - With a function, the key is held while the function runs, and until the promise it returns has settled. Without
 *   one, you get a {@link Hold} and release it yourself.
 * - Without a `name`, the keys belong to this object. With one, they are those of every `Locks`, and every `Lock`, of
 *   that name in the process, in whatever thread.
 * - When a thread ends, however it ends, what it held is freed, and what it waited for is forgotten.
 * - A hold does not keep the process alive. A waiting request does if the space has a name, or if it waits for an expiry
 *   or has a `timeout`. Any other waits for somebody in the same thread, and ends with it.
 *
 * **The trap:** nothing here is reentrant. Whoever holds a key and awaits the same key again, in the same `Locks` or in
 * another of its name, waits for itself: for ever, unless there is a `timeout`. Only a reader that asks to read again
 * may get through, and not if a writer has got in line in between.
 *
 * Another trap: without a `store`, the scope of a name is the process. Two processes, or two machines, have two locks.
 *
 * @example
 * const { Locks } = require('latchkey');
 * const locks = new Locks();
 *
 * const total = await locks.write('account:7', async () => {
 *   const account = await load(7);
 *   account.total += 1;
 *   await save(account);
 *   return account.total;
 * });
 *
 * @example
 * // The same lock in the main thread and in every worker:
 * const orders = new Locks({ name: 'orders', expiry: 30_000 });
 * await orders.write('next-number', takeNumber);
 */
export interface Locks extends KeyedLocks<Hold, Hold<readonly string[]>, Hold<string | readonly string[]>> {
  /**
   * Takes `key` in write mode if nobody has to wait for that, and answers at once: a {@link Hold}, or null if the key is
   * held. It never waits, and never overtakes those who do. A hold that has outlived its expiry is taken away for it.
   *
   * **The trap:** there is no form with a function, so releasing is up to you.
   *
   * @param key Names what is protected. See {@link SingleKey}.
   * @param options See {@link TryOptions}.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if `key` or `options` is refused.
   * @throws {RangeError} `ERR_OUT_OF_RANGE` if `expiry` is negative or NaN.
   * @throws {LockClosedError} `ERR_LOCK_CLOSED` if this `Locks` is closed.
   *
   * @example
   * const hold = locks.tryWrite('nightly-report');
   * if (hold === null) return; // somebody else is at it
   * try {
   *   await report();
   * } finally {
   *   hold.release();
   * }
   */
  tryWrite(key: SingleKey, options?: TryOptions | null): Hold | null;

  /**
   * Takes all of the keys in write mode if nobody has to wait for any of them, and answers at once: one {@link Hold} for all,
   * or null if one of them is held. Then none is taken.
   *
   * **The trap:** releasing is up to you. An array that is empty gives a hold of nothing.
   *
   * @param keys Names what is protected. See {@link Key}.
   * @param options See {@link TryOptions}.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if a key or `options` is refused.
   * @throws {RangeError} `ERR_OUT_OF_RANGE` if `expiry` is negative or NaN.
   * @throws {LockClosedError} `ERR_LOCK_CLOSED` if this `Locks` is closed.
   *
   * @example
   * using hold = locks.tryWrite(['a', 'b']); // `using` takes null as well
   */
  tryWrite(keys: readonly Key[], options?: TryOptions | null): Hold<readonly string[]> | null;

  /**
   * Takes `key` in read mode if nobody has to wait for that, and answers at once: a {@link Hold}, or null if a writer
   * holds it or waits for it. It never waits, and never overtakes those who do. A hold that has outlived its expiry is taken
   * away for it.
   *
   * **The trap:** null does not mean that somebody writes: a writer that waits for other readers is enough.
   *
   * @param key Names what is protected. See {@link SingleKey}.
   * @param options See {@link TryOptions}.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if `key` or `options` is refused.
   * @throws {RangeError} `ERR_OUT_OF_RANGE` if `expiry` is negative or NaN.
   * @throws {LockClosedError} `ERR_LOCK_CLOSED` if this `Locks` is closed.
   *
   * @example
   * using hold = locks.tryRead('settings');
   * return hold === null ? cached : load();
   */
  tryRead(key: SingleKey, options?: TryOptions | null): Hold | null;

  /**
   * Takes all of the keys in read mode if nobody has to wait for any of them, and answers at once: one {@link Hold} for all,
   * or null if a writer holds one of them or waits for it. Then none is taken.
   *
   * **The trap:** releasing is up to you. An array that is empty gives a hold of nothing.
   *
   * @param keys Names what is protected. See {@link Key}.
   * @param options See {@link TryOptions}.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if a key or `options` is refused.
   * @throws {RangeError} `ERR_OUT_OF_RANGE` if `expiry` is negative or NaN.
   * @throws {LockClosedError} `ERR_LOCK_CLOSED` if this `Locks` is closed.
   *
   * @example
   * using hold = locks.tryRead(['a', 'b']);
   */
  tryRead(keys: readonly Key[], options?: TryOptions | null): Hold<readonly string[]> | null;

  /**
   * Who holds and who waits, in the whole space: of a named one, every thread. For people and for monitoring.
   *
   * **The trap:** it is true when it is made, and may be false when you read it: other threads go on. To take a key if
   * it is free, use {@link tryWrite}. And its cost grows with the number of holds and requests.
   *
   * @throws {LockClosedError} `ERR_LOCK_CLOSED` if this `Locks` is closed.
   *
   * @example
   * for (const { key, thread, since } of locks.query().held) {
   *   console.log(`${key}: held by thread ${thread} for ${Date.now() - since} ms`);
   * }
   */
  query(): LocksSnapshot;

  /**
   * The same of one key.
   *
   * @param key See {@link SingleKey}.
   *
   * @example
   * const [holder] = locks.query('settings').held;
   * if (holder !== undefined) console.log(`held by ${holder.label ?? `thread ${holder.thread}`}`);
   */
  query(key: SingleKey): LocksSnapshot;

  /**
   * Whether somebody holds `key`, in whatever thread.
   *
   * **The trap:** it may be held, or free, a moment later. To take a key if it is free, use {@link tryWrite}.
   *
   * @throws {LockClosedError} `ERR_LOCK_CLOSED` if this `Locks` is closed.
   *
   * @example
   * if (locks.isLocked('nightly-report')) console.log('The report is on its way');
   */
  isLocked(key: SingleKey): boolean;

  /**
   * How many requests wait in the whole space, of whatever thread and object; with a key, for that key.
   *
   * **The trap:** `maxPending` counts this object's requests alone.
   *
   * @throws {LockClosedError} `ERR_LOCK_CLOSED` if this `Locks` is closed.
   *
   * @example
   * gauge.set(locks.countPending());
   */
  countPending(key?: SingleKey): number;

  /**
   * What `JSON.stringify` and `console.log` show: `pending` is how many requests of this object wait.
   *
   * **The trap:** who holds and who waits in the whole space, `query()` says.
   *
   * @example
   * console.log(JSON.stringify(locks)); // {"name":"orders","scope":"process","state":"open","pending":2}
   */
  toJSON(): LocksJson;
}

/** What a {@link Locks} says of itself. */
export interface LocksJson {
  /** The name of its space; null for a private one. */
  name: string | null;

  /** How far its space reaches: `'thread'` is private, `'process'` has a name, `'machines'` is in a store. */
  scope: 'thread' | 'process' | 'machines';

  state: 'open' | 'closed';

  /** How many requests of this object wait. */
  pending: number;
}

/**
 * What makes a {@link Locks} or a {@link StoredLocks}. A class may extend it: as `extends Locks`, or, on a store, as
 * `extends Locks<string>` or `extends Locks<StoreOptions>`, after the type of `store`.
 *
 * @example
 * class Orders extends Locks {
 *   constructor() {
 *     super({ name: 'orders' });
 *   }
 * }
 */
export interface LocksConstructor {
  // One result where a class extends `Locks`, with no argument for `Store`: TypeScript asks that of all signatures.
  /**
   * Opens a name's set of keys in a store, for many machines. It checks the options, and connects to nothing before the
   * first request.
   *
   * @param options See {@link StoredLocksOptions}.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if an option has the wrong type, `name` is missing, a certificate cannot be
   *   read, or the store has no option of that name. The message names the option, and never says what it was: it may be a
   *   password.
   * @throws {RangeError} `ERR_OUT_OF_RANGE` if a number is out of its range.
   *
   * @example
   * const locks = new Locks({ name: 'orders', store: 'redis://redis.example' });
   */
  new <Store extends string | URL | StoreOptions | undefined = undefined>(
    options: StoredLocksOptions<Store>,
  ): Store extends undefined ? Locks : StoredLocks;

  /**
   * Opens a set of keys: its own, or the one of that name.
   *
   * @param options See {@link LocksOptions}. Default, and null: private keys, no expiry, any number may wait.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if `options` or a member of it has the wrong type, or there is no option of that
   *   name; the message says which was probably meant.
   * @throws {RangeError} `ERR_OUT_OF_RANGE` if `expiry`, `timeout` or `maxPending` is negative or NaN.
   * @throws {LockTwoCopiesError} `ERR_LOCK_TWO_COPIES` if there is a `name`, and another version of latchkey is loaded.
   *
   * @example
   * const locks = new Locks({ name: 'orders', maxPending: 1000 });
   */
  new (options?: LocksOptions | null): Locks;

  readonly prototype: AnyLocks;
}

export declare const Locks: LocksConstructor;

/**
 * What locks of every scope have in common: for code that takes a {@link Locks} as well as a {@link StoredLocks}.
 * `value instanceof Locks` says no more than that either.
 *
 * **The trap:** `hold.release()` looks as if it gave nothing, and gives a promise where the hold is a store's. `await` it in
 * both cases.
 *
 * @example
 * const name = 'orders';
 * const locks: AnyLocks = store ? new Locks({ name, store }) : new Locks({ name });
 * await locks.write('order:7', pay);
 */
export interface AnyLocks extends Pick<Locks, 'read' | 'write' | 'ready' | 'close' | 'toJSON'> {}

/**
 * A key that is one key. It becomes a string as {@link Key} says, with the same traps. Arrays are several keys here, and a
 * function is most likely a forgotten key, so neither is taken.
 *
 * @example
 * await locks.write(`user:${id}`, save);
 * await locks.write(document._id, save);
 */
export type SingleKey =
  string | number | bigint | boolean | (object & { readonly flatMap?: never; readonly bind?: never });

/**
 * What a `Locks` is made with.
 *
 * @example
 * const locks = new Locks({ name: 'orders', expiry: 30_000, maxPending: 1000 });
 */
export interface LocksOptions {
  /**
   * The name of the keys' space: everybody in the process who opens that name, in whatever thread, has the same keys.
   * Default: none, the keys are this object's own.
   *
   * **The trap:** a library should put its own name in front, as `'my-package:orders'`. And `undefined`, as from a variable that
   * is not set, is refused: it would be another lock than the one that was meant. For none, leave it out or say null.
   */
  name?: string | null;

  /** Left out, or null: with a store, the options are {@link StoredLocksOptions}. `undefined` is refused. */
  store?: null;

  /**
   * Milliseconds that a hold is safe from those who wait, counted from its grant by a monotonic clock. A hold older than
   * that is taken away if, and only if, another request waits for its key, or as soon as one arrives, whatever the two
   * modes. While nobody waits, no timer runs. Default: holds never expire; 0 and Infinity say the same. On a store the
   * clock is the server's.
   *
   * **The trap:** an expired hold is gone, but the work it protected goes on unless it heeds `hold.signal`.
   */
  expiry?: number | undefined;

  /**
   * Milliseconds that a request of `read` or `write` waits at most, where its call does not say {@link AcquireOptions.timeout}
   * itself. Default: Infinity.
   *
   * **The trap:** it is no limit for the work. That is what `expiry` is for, and only if somebody waits.
   */
  timeout?: number | undefined;

  /**
   * Whether each request remembers where it was asked. Then errors, `query()` and the warning of a program that ends while
   * requests wait say it, as `trace`. Default: false; true if the environment has `LATCHKEY_TRACE=1`, and then of all lock
   * objects of every API.
   *
   * **The trap:** it costs a stack trace for each request: some microseconds. It is for looking for a fault.
   */
  trace?: boolean | null | undefined;

  /**
   * How many requests of this object may wait at a time, all keys together. One more is refused with a
   * `LockQueueFullError`, unless it can be granted at once. Default: Infinity. 0: none may wait. On a store, those that
   * the server has not answered yet wait, too.
   *
   * **The trap:** it counts this object's requests alone, not those of others of the same name.
   */
  maxPending?: number | undefined;
}

/**
 * What one call of `read` or `write` may ask for besides.
 *
 * @example
 * await locks.write('settings', { signal: AbortSignal.timeout(1000), expiry: 5000 }, save);
 */
export interface AcquireOptions extends TryOptions {
  /**
   * Gives up the wait when it aborts: the request leaves the queue, and the call rejects with the signal's own reason.
   * One that has aborted before the call rejects it at once, even if the key is free. Default: none.
   *
   * **The trap:** after the grant it does nothing. To stop the work, hand it on to the work as well. And a signal of
   * `AbortSignal.timeout()` does not keep the process alive: in a private space a program that has nothing else to do ends while
   * it waits, with a warning. `timeout` does.
   */
  signal?: AbortSignal | undefined;

  /**
   * Milliseconds that the request waits at most; then it leaves the queue, and the call rejects with a
   * `LockTimeoutError`. 0: only if it is granted at once. Default: that of the `Locks`, or Infinity.
   *
   * **The trap:** it is no limit for the work. That is what `expiry` is for, and only if somebody waits.
   */
  timeout?: number | undefined;
}

/**
 * What one call of `tryRead` or `tryWrite` may ask for besides.
 *
 * @example
 * const hold = locks.tryWrite('settings', { expiry: 5000 });
 */
export interface TryOptions {
  /**
   * The {@link LocksOptions.expiry} of this hold, in milliseconds. 0 and Infinity: it never expires. Default: that of the
   * `Locks`.
   *
   * **The trap:** it is the holder's promise to those who wait, and not theirs to choose.
   */
  expiry?: number | undefined;

  /**
   * A text by which people recognise the request: it stands in `query()`, in errors, also in those of others who wait for this
   * one, and in diagnostics messages; in every thread and, on a store, on every machine. Default: none.
   *
   * **The trap:** with a name, a label costs a native call more when the request is made, and one when it ends. On a store it
   * stands on the server as long as the request: write no secret in it. There half of a surrogate pair becomes U+FFFD.
   */
  label?: string | undefined;
}
