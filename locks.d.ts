// Types of the promise face: `new Locks(options)`, and what its calls take.

import { type Key } from './alock.js';
import { type Hold } from './hold.js';
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
 * Another trap: without a `store`, a name reaches as far as the process. Two processes, or two machines, never meet.
 *
 * All of it is latchkey's own.
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
export interface Locks {
  /**
   * Runs `fn` while `key` is held in write mode, alone; releases it; and resolves to what `fn` returned.
   *
   * - A free key is granted at once: `fn` starts before `write` returns. Otherwise the request waits in line, and `fn`
   *   starts later, in the async context (`AsyncLocalStorage`) of this call.
   * - If `fn` throws or rejects, the key is released, and the call rejects with that very error.
   * - If the hold expires while `fn` runs, `hold.signal` aborts, and others get the key. Once `fn` has settled, the call
   *   rejects with a `LockExpiredError`, so that nobody takes half a job for a success; `fn`'s own error comes first.
   * - Whatever is wrong rejects the promise. Nothing is thrown.
   *
   * **The trap:** the key is free when `fn`'s promise settles. Work that `fn` starts and does not await is not
   * protected. And inside `fn`, do not await the same key: see {@link Locks}.
   *
   * latchkey's own.
   *
   * @param key Names what is protected. See {@link SingleKey}.
   * @param fn Called once, with the {@link Hold}. It may be `async` or not.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if `key` is refused, or `fn` is not a function.
   * @throws {LockExpiredError} `ERR_LOCK_EXPIRED` if the key was taken away while `fn` ran.
   * @throws {LockQueueFullError} `ERR_LOCK_QUEUE_FULL` if it would have to wait, and `maxPending` others do already.
   * @throws {LockClosedError} `ERR_LOCK_CLOSED` if this `Locks` is closed, before the call or while it waits.
   *
   * @example
   * const text = await locks.write('settings', async () => {
   *   await fs.promises.writeFile('settings.json', data);
   *   return 'saved';
   * });
   */
  write<T>(key: SingleKey, fn: (hold: Hold) => T | PromiseLike<T>): Promise<T>;

  /**
   * The same, with a limit for the wait, a way to give it up, or an expiry of its own. See {@link AcquireOptions}.
   * latchkey's own.
   *
   * **The trap:** `timeout` and `signal` are about the wait. Once `fn` runs, neither stops it.
   *
   * @throws {LockTimeoutError} `ERR_LOCK_TIMEOUT` if it was not granted within `timeout`.
   * @throws The reason of `signal`, if that aborts before the grant, or before the call.
   * @throws {RangeError} `ERR_OUT_OF_RANGE` if `timeout` or `expiry` is negative or NaN.
   *
   * @example
   * await locks.write('settings', { timeout: 500, signal: request.signal }, () => save(settings));
   */
  write<T>(
    key: SingleKey,
    options: AcquireOptions | null | undefined,
    fn: (hold: Hold) => T | PromiseLike<T>,
  ): Promise<T>;

  /**
   * Without a function, it resolves to the {@link Hold}, and releasing is up to you. It rejects as the call with a
   * function does, but for the expiry: that is seen in `hold.signal` alone. latchkey's own.
   *
   * **The trap:** forget `await`, and nothing is protected yet. Forget `release()`, and the key is held for ever, unless
   * there is an expiry.
   *
   * @example
   * const hold = await locks.write('settings', { expiry: 10_000 });
   * try {
   *   await save(settings);
   * } finally {
   *   hold.release();
   * }
   */
  write(key: SingleKey, options?: AcquireOptions | null): Promise<Hold>;

  /**
   * With an array, it holds all of the keys or none. Each is taken once, in sorted order whatever the order given, so that
   * no two such calls can wait for each other. latchkey's own.
   *
   * - `fn` starts after `write` has returned, also if all keys are free.
   * - `timeout` is for all of them together. If one fails, those it has are released.
   * - An empty array is granted at once.
   *
   * **The trap:** the order protects from other arrays, not from nested calls: `write('b')`, and inside it `write('a')`,
   * can wait for ever for a `write(['a', 'b'])`. And those keys it has, it holds while it waits for the others; with an
   * `expiry` they may be taken away meanwhile, and the call rejects with a `LockExpiredError`, without having run `fn`.
   *
   * @example
   * await locks.write([`account:${from}`, `account:${to}`], () => transfer(from, to, amount));
   */
  write<T>(keys: readonly Key[], fn: (hold: Hold<readonly string[]>) => T | PromiseLike<T>): Promise<T>;

  /**
   * An array of keys, with options. The `expiry` of each key counts from its own grant. latchkey's own.
   *
   * @example
   * await locks.write(['a', 'b'], { timeout: 500 }, () => swap('a', 'b'));
   */
  write<T>(
    keys: readonly Key[],
    options: AcquireOptions | null | undefined,
    fn: (hold: Hold<readonly string[]>) => T | PromiseLike<T>,
  ): Promise<T>;

  /**
   * An array of keys, without a function: resolves to one {@link Hold} for all of them. latchkey's own.
   *
   * @example
   * using hold = await locks.write(['a', 'b']);
   */
  write(keys: readonly Key[], options?: AcquireOptions | null): Promise<Hold<readonly string[]>>;

  /**
   * Runs `fn` while `key` is held in read mode, shared with other readers; releases it; and resolves to what `fn`
   * returned. While anybody reads, nobody can write. All the rest is as {@link write} does it. latchkey's own.
   *
   * **The trap:** a reader does not become a writer. To await `write` of the same key inside `fn` is to wait for oneself.
   *
   * @param key Names what is protected. See {@link SingleKey}.
   * @param fn Called once, with the {@link Hold}. It may be `async` or not.
   * @throws What {@link write} rejects with, and when.
   *
   * @example
   * const settings = await locks.read('settings', async () => JSON.parse(await readFile('settings.json', 'utf8')));
   */
  read<T>(key: SingleKey, fn: (hold: Hold) => T | PromiseLike<T>): Promise<T>;

  /**
   * The same, with a limit for the wait, a way to give it up, or an expiry of its own. See {@link AcquireOptions}.
   * latchkey's own.
   *
   * **The trap:** `timeout` and `signal` are about the wait. Once `fn` runs, neither stops it.
   *
   * @throws {LockTimeoutError} `ERR_LOCK_TIMEOUT` if it was not granted within `timeout`.
   * @throws The reason of `signal`, if that aborts before the grant, or before the call.
   * @throws {RangeError} `ERR_OUT_OF_RANGE` if `timeout` or `expiry` is negative or NaN.
   *
   * @example
   * const settings = await locks.read('settings', { timeout: 500 }, load);
   */
  read<T>(
    key: SingleKey,
    options: AcquireOptions | null | undefined,
    fn: (hold: Hold) => T | PromiseLike<T>,
  ): Promise<T>;

  /**
   * Without a function, it resolves to the {@link Hold}, and releasing is up to you. latchkey's own.
   *
   * **The trap:** forget `await`, and nothing is protected yet. Forget `release()`, and writers wait for ever, unless
   * there is an expiry.
   *
   * @example
   * const hold = await locks.read('page');
   * fs.createReadStream('page.html').on('close', () => hold.release()).pipe(response);
   */
  read(key: SingleKey, options?: AcquireOptions | null): Promise<Hold>;

  /**
   * With an array, it shares all of the keys or none, as {@link write} takes an array, with its traps. latchkey's own.
   *
   * @example
   * const sum = await locks.read(['a', 'b'], async () => (await load('a')) + (await load('b')));
   */
  read<T>(keys: readonly Key[], fn: (hold: Hold<readonly string[]>) => T | PromiseLike<T>): Promise<T>;

  /**
   * An array of keys, with options. The `expiry` of each key counts from its own grant. latchkey's own.
   *
   * @example
   * await locks.read(['a', 'b'], { signal }, compare);
   */
  read<T>(
    keys: readonly Key[],
    options: AcquireOptions | null | undefined,
    fn: (hold: Hold<readonly string[]>) => T | PromiseLike<T>,
  ): Promise<T>;

  /**
   * An array of keys, without a function: resolves to one {@link Hold} for all of them. latchkey's own.
   *
   * @example
   * using hold = await locks.read(['a', 'b']);
   */
  read(keys: readonly Key[], options?: AcquireOptions | null): Promise<Hold<readonly string[]>>;

  /**
   * Takes `key` in write mode if nobody has to wait for that, and answers at once: a {@link Hold}, or null if the key is
   * held. It never waits, and never overtakes those who do. A hold that has outlived its expiry is taken away for it.
   * latchkey's own.
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
   * With an array: one {@link Hold} for all of the keys, or null if one of them is held. latchkey's own.
   *
   * @example
   * using hold = locks.tryWrite(['a', 'b']); // `using` takes null as well
   */
  tryWrite(keys: readonly Key[], options?: TryOptions | null): Hold<readonly string[]> | null;

  /**
   * Takes `key` in read mode if nobody has to wait for that, and answers at once: a {@link Hold}, or null if a writer
   * holds it or waits for it. All the rest is as {@link tryWrite} does it. latchkey's own.
   *
   * **The trap:** null does not mean that somebody writes: a writer that waits for other readers is enough.
   *
   * @throws What {@link tryWrite} throws, and when.
   *
   * @example
   * using hold = locks.tryRead('settings');
   * return hold === null ? cached : load();
   */
  tryRead(key: SingleKey, options?: TryOptions | null): Hold | null;

  /**
   * With an array: one {@link Hold} that shares all of the keys, or null. latchkey's own.
   *
   * @example
   * using hold = locks.tryRead(['a', 'b']);
   */
  tryRead(keys: readonly Key[], options?: TryOptions | null): Hold<readonly string[]> | null;

  /**
   * Who holds and who waits, in the whole space: of a named one, every thread. For people and for monitoring.
   * latchkey's own.
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
   * The same of one key. latchkey's own.
   *
   * @param key See {@link SingleKey}.
   *
   * @example
   * const [holder] = locks.query('settings').held;
   * if (holder !== undefined) console.log(`held by ${holder.label ?? `thread ${holder.thread}`}`);
   */
  query(key: SingleKey): LocksSnapshot;

  /**
   * Whether somebody holds `key`, in whatever thread. latchkey's own.
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
   * How many requests wait in the whole space, of whatever thread and object; with a key, for that key. latchkey's own.
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
   * Ends the use of this object. Its waiting requests reject with a `LockClosedError`, and so do later calls; `tryRead`,
   * `tryWrite` and `query` throw it. A second `close` does nothing. latchkey's own.
   *
   * **The trap:** what is held stays held until it is released, and functions that run, run on. Other `Locks` of the same
   * name stay open.
   *
   * @example
   * server.on('close', () => locks.close());
   */
  close(): void;

  /**
   * What `JSON.stringify` and `console.log` show: `pending` is how many requests of this object wait. latchkey's own.
   *
   * **The trap:** who holds and who waits in the whole space, {@link query} says.
   *
   * @example
   * console.log(JSON.stringify(locks)); // {"name":"orders","scope":"process","state":"open","pending":2}
   */
  toJSON(): LocksJson;
}

/** What a {@link Locks} says of itself. latchkey's own. */
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
 * `extends Locks<string>` or `extends Locks<StoreOptions>`, after the type of `store`. latchkey's own.
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
   * first request. latchkey's own.
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
   * Opens a set of keys: its own, or the one of that name. latchkey's own.
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
 * What locks of every reach have in common: for code that takes a {@link Locks} as well as a {@link StoredLocks}.
 * `value instanceof Locks` says no more than that either. latchkey's own.
 *
 * **The trap:** `hold.release()` looks as if it gave nothing, and gives a promise where the hold is a store's. `await` it in
 * both cases.
 *
 * @example
 * const name = 'orders';
 * const locks: AnyLocks = store ? new Locks({ name, store }) : new Locks({ name });
 * await locks.write('order:7', pay);
 */
export interface AnyLocks extends Pick<Locks, 'read' | 'write' | 'close' | 'toJSON'> {}

/**
 * A key that is one key. It becomes a string as {@link Key} says, with the same traps. Arrays are several keys here, and a
 * function is most likely a forgotten key, so neither is taken. latchkey's own.
 *
 * @example
 * await locks.write(`user:${id}`, save);
 * await locks.write(document._id, save);
 */
export type SingleKey =
  string | number | bigint | boolean | (object & { readonly flatMap?: never; readonly bind?: never });

/**
 * What a `Locks` is made with. latchkey's own.
 *
 * @example
 * const locks = new Locks({ name: 'orders', expiry: 30_000, maxPending: 1000 });
 */
export interface LocksOptions {
  /**
   * The name of the keys' space: everybody in the process who opens that name, in whatever thread, has the same keys.
   * Default: none, the keys are this object's own. latchkey's own.
   *
   * **The trap:** a library should put its own name in front, as `'my-package:orders'`. And `undefined`, as from a variable that
   * is not set, is refused: it would be another lock than the one that was meant. For none, leave it out or say null.
   */
  name?: string | null;

  /** Left out, or null: with a store, the options are {@link StoredLocksOptions}. `undefined` is refused. latchkey's own. */
  store?: null;

  /**
   * Milliseconds that a hold is safe from those who wait, counted from its grant by a monotonic clock. A hold older than
   * that is taken away if, and only if, another request waits for its key, or as soon as one arrives, whatever the two
   * modes. While nobody waits, no timer runs. Default: holds never expire; 0 and Infinity say the same. On a store the
   * clock is the server's. latchkey's own.
   *
   * **The trap:** an expired hold is gone, but the work it protected goes on unless it heeds `hold.signal`.
   */
  expiry?: number | undefined;

  /**
   * Milliseconds that a request of `read` or `write` waits at most, where its call does not say {@link AcquireOptions.timeout}
   * itself. Default: Infinity. latchkey's own.
   *
   * **The trap:** it is no limit for the work. That is what `expiry` is for, and only if somebody waits.
   */
  timeout?: number | undefined;

  /**
   * Whether each request remembers where it was asked. Then errors, `query()` and the warning of a program that ends while
   * requests wait say it, as `trace`. Default: false; true if the environment has `LATCHKEY_TRACE=1`, and then of all lock
   * objects of every API. latchkey's own.
   *
   * **The trap:** it costs a stack trace for each request: some microseconds. It is for looking for a fault.
   */
  trace?: boolean | null | undefined;

  /**
   * How many requests of this object may wait at a time, all keys together. One more is turned away with a
   * `LockQueueFullError`, unless it can be granted at once. Default: Infinity. 0: none may wait. On a store, those that
   * the server has not answered yet wait, too. latchkey's own.
   *
   * **The trap:** it counts this object's requests alone, not those of others of the same name.
   */
  maxPending?: number | undefined;
}

/**
 * What one call of `read` or `write` may ask for besides. latchkey's own.
 *
 * @example
 * await locks.write('settings', { signal: AbortSignal.timeout(1000), expiry: 5000 }, save);
 */
export interface AcquireOptions extends TryOptions {
  /**
   * Gives up the wait when it aborts: the request leaves the queue, and the call rejects with the signal's own reason.
   * One that has aborted before the call rejects it at once, even if the key is free. Default: none. latchkey's own.
   *
   * **The trap:** after the grant it does nothing. To stop the work, hand it on to the work as well. And a signal of
   * `AbortSignal.timeout()` does not keep the process alive: in a private space a program that has nothing else to do ends while
   * it waits, with a warning. `timeout` does.
   */
  signal?: AbortSignal | undefined;

  /**
   * Milliseconds that the request waits at most; then it leaves the queue, and the call rejects with a
   * `LockTimeoutError`. 0: only if it is granted at once. Default: that of the `Locks`, or Infinity. latchkey's own.
   *
   * **The trap:** it is no limit for the work. That is what `expiry` is for, and only if somebody waits.
   */
  timeout?: number | undefined;
}

/**
 * What one call of `tryRead` or `tryWrite` may ask for besides. latchkey's own.
 *
 * @example
 * const hold = locks.tryWrite('settings', { expiry: 5000 });
 */
export interface TryOptions {
  /**
   * The {@link LocksOptions.expiry} of this hold, in milliseconds. 0 and Infinity: it never expires. Default: that of the
   * `Locks`. latchkey's own.
   *
   * **The trap:** it is the holder's promise to those who wait, and not theirs to choose.
   */
  expiry?: number | undefined;

  /**
   * A text by which people recognise the request: it stands in `query()`, in errors, also in those of others who wait for this
   * one, and in diagnostics messages; in every thread. On a store only this process's own errors and messages have it.
   * Default: none. latchkey's own.
   *
   * **The trap:** with a name, a label costs a native call more when the request is made, and one when it ends.
   */
  label?: string | undefined;
}
