// Types of `latchkey/rwlock-plus`: the drop-in for the package rwlock-plus.

import self = require('./rwlock-plus.js');
import { type Key } from './alock.js';
import { type StoreOptions } from './types/store.js';

export = Lock;

/**
 * Read and write locks by key. Any number of readers share a key; a writer has it alone.
 *
 * - Requests for one key are granted in the order they were made; readers next to each other in line share. A
 *   reader behind a waiting writer waits, so writers are never starved.
 * - Keys belong to the instance: two `Lock` objects never get in each other's way. With the option `name` they are those
 *   of that name, in every thread of the process; with `store` besides, on every machine.
 * - A hold, or a request that waits where nothing expires, does not keep the process alive. A request that waits
 *   for a hold to expire does, and so does one that waits in a named space or a store.
 * - On a store every answer comes from the server. So `lockObtainedCallback` is always called later, never before the call
 *   returns, and the release callback once the store has answered the release.
 *
 * **The trap:** whoever holds a key and asks the same `Lock` for it again can wait for ever: a writer always, a
 * reader if it asks to write, or if a writer has got in line in between. Release first.
 *
 * Documented by rwlock-plus, except for names, stores and the life of the process.
 *
 * @example
 * const Lock = require('latchkey/rwlock-plus');
 * const lock = new Lock(10000); // nobody who is waited for holds a key longer than 10 seconds
 *
 * lock.writeLock('my-resource', callback, (release) => {
 *   update((err) => release(err)); // frees the key, then calls callback(err)
 * });
 */
declare class Lock {
  /**
   * Makes a set of keys of its own, or takes the one of a name, and says how long a hold is safe from those who wait.
   *
   * A hold older than `timeout` is taken away if, and only if, another request waits for its key, or as soon as one
   * arrives, whatever the two modes. Its release callback is called with a `LockExpiredError` *before* the next one
   * is granted, so that it can stop what it was doing. While nobody waits, no timer runs.
   *
   * **The trap:** an expired hold is gone, but the work it protected goes on unless the release callback stops it.
   *
   * Documented by rwlock-plus, except for `logger`, which it had and did not document, `options`, the error codes, and that
   * the release callback runs before the next one is granted.
   *
   * @param timeout Milliseconds, counted from a hold's grant. Default: holds never expire; 0, null, undefined and
   *   Infinity say the same.
   * @param logger Its `warn` is called for each hold that expires. See {@link Logger}. Default, and null: nobody is.
   * @param options See {@link LockOptions} and {@link StoredLockOptions}. Default, and null: keys of its own.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if `timeout` is not a number, `logger` has no `warn` function, `options` or
   *   a member of it has the wrong type, there is no option of that name, or there is a `store` and no `name`.
   * @throws {RangeError} `ERR_OUT_OF_RANGE` if `timeout` is negative or NaN, or a number of `store` is out of its range.
   * @throws {LockTwoCopiesError} `ERR_LOCK_TWO_COPIES` if there is a `name`, and another version of latchkey is loaded.
   *
   * @example
   * const lock = new Lock(); // holds never expire
   * const guarded = new Lock(10000, console); // they may after 10 seconds, and console.warn says so
   * const shared = new Lock(10000, null, { name: 'orders' }); // the same keys in every thread
   * const stored = new Lock(10000, null, { name: 'orders', store: 'redis://redis.example' }); // on every machine
   */
  constructor(
    timeout?: number | null,
    logger?: Logger | null,
    options?: LockOptions | StoredLockOptions | null,
  );

  /**
   * Asks for `key` in read mode, shared with other readers. While it is held, no one can write.
   *
   * A free key is granted at once: `lockObtainedCallback` runs before `readLock` returns. Otherwise the request
   * waits in line. One that had to wait runs in the async context (`AsyncLocalStorage`) of the call that asked.
   *
   * If `lockObtainedCallback` throws, the error comes out of the call that ran it (this one, or the `release` that
   * let it run), and is an uncaught exception if a timer did. The key stays held until it is released or expires.
   *
   * **The trap:** the key is held until `release` is called, not until `lockObtainedCallback` returns or its
   * promise settles. Call `release` on every path, failures too.
   *
   * Documented by rwlock-plus, except for thrown errors, async contexts and the error codes.
   *
   * @param key Names what is protected. See {@link Key}.
   * @param releaseCallback Called once, when the hold ends. null or undefined: none is called.
   * @param lockObtainedCallback Called once, when the key is granted, with `release` as its only argument.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if `key` is refused, or a callback is not a function;
   *   `ERR_INVALID_THIS` if `readLock` is called without its object. Nothing has been asked for then.
   *
   * @example
   * lock.readLock('my-resource', null, (release) => {
   *   const stream = fs.createReadStream('my-resource');
   *   stream.on('close', release);
   *   callback(stream);
   * });
   */
  readLock(
    key: Key,
    releaseCallback: ReleaseCallback | null | undefined,
    lockObtainedCallback: LockObtainedCallback,
  ): void;

  /**
   * Asks for `key` in write mode, alone. While it is held, no one else can read or write.
   *
   * A free key is granted at once: `lockObtainedCallback` runs before `writeLock` returns. Otherwise the request
   * waits in line. One that had to wait runs in the async context (`AsyncLocalStorage`) of the call that asked.
   *
   * If `lockObtainedCallback` throws, the error comes out of the call that ran it (this one, or the `release` that
   * let it run), and is an uncaught exception if a timer did. The key stays held until it is released or expires.
   *
   * **The trap:** the key is held until `release` is called, not until `lockObtainedCallback` returns or its
   * promise settles. Call `release` on every path, failures too.
   *
   * Documented by rwlock-plus, except for thrown errors, async contexts and the error codes.
   *
   * @param key Names what is protected. See {@link Key}.
   * @param releaseCallback Called once, when the hold ends. null or undefined: none is called.
   * @param lockObtainedCallback Called once, when the key is granted, with `release` as its only argument.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if `key` is refused, or a callback is not a function;
   *   `ERR_INVALID_THIS` if `writeLock` is called without its object. Nothing has been asked for then.
   *
   * @example
   * lock.writeLock('settings', callback, (release) => {
   *   fs.writeFile('settings.json', text, release); // callback gets writeFile's error, if there is one
   * });
   */
  writeLock(
    key: Key,
    releaseCallback: ReleaseCallback | null | undefined,
    lockObtainedCallback: LockObtainedCallback,
  ): void;
}

declare namespace Lock {
  export {
    self as Lock,
    type Key,
    type LockObtainedCallback,
    type LockOptions,
    type Logger,
    type Release,
    type ReleaseCallback,
    type StoredLockOptions,
  };
}

// Not tied to the release callback's parameters: programs call `release()` bare and give it to event emitters.
/**
 * Ends the hold. Those who waited and can now have the key are granted first, in order; then the hold's release
 * callback is called with the arguments given here; then `release` returns. The first call counts; later ones, and
 * any after the hold has expired, do nothing, to anyone.
 *
 * Where releases nest deeply, each inside a callback that another one ran, a loop around them grants the rest, in the
 * same order, once this call has returned. So a queue of any length is safe.
 *
 * It can be handed on as a callback or as an event listener. **The trap:** what the event passes is forwarded, and a
 * release callback takes its first argument for an error. For an event with arguments, write `() => release()`.
 *
 * Documented by rwlock-plus, except that the next ones are granted before the release callback runs.
 *
 * @example
 * lock.readLock('my-resource', callback, (release) => {
 *   load((err, data) => release(err, data)); // frees the key, then calls callback(err, data)
 * });
 */
type Release = (...args: any[]) => void;

/**
 * Called once, when the hold ends: after a release, with the arguments given to `release`; after an expiry, with a
 * `LockExpiredError` alone.
 *
 * On a store there are two more: a hold that was lost with the connection gives a `LockLostError` alone; and a request that
 * failed, without `lockObtainedCallback` having been called, or a release that could not be sent to the store, a
 * `StoreUnreachableError` alone. Without a release callback, a failed request is an uncaught exception, since nobody else
 * could learn of it.
 *
 * **The trap:** after an expiry the work may still be going on, and the next one gets the key as soon as this
 * function returns. Stop the work here.
 *
 * Documented by rwlock-plus, except for the errors' classes and codes, and for stores.
 *
 * @example
 * function released(err) {
 *   if (err) stream.destroy(err);
 * }
 */
type ReleaseCallback = (err?: any, ...results: any[]) => void;

/**
 * Called once, when the key is granted. Its only argument ends the hold. There is no error argument, for nothing
 * can fail (on a store it can: see {@link ReleaseCallback}); what it returns is ignored.
 *
 * **The trap:** it may be an `async` function, but nobody waits for its promise or handles its rejection.
 *
 * Documented by rwlock-plus.
 *
 * @example
 * lock.readLock('my-resource', callback, (release) => release(null, cache.get('my-resource')));
 */
type LockObtainedCallback = (release: Release) => void;

/**
 * Gets a message for each expired hold, and on a store for each lost one and each failure; `console` and the usual loggers fit.
 * rwlock-plus had it and did not document it.
 */
interface Logger {
  /**
   * Called for each hold that expires, with a sentence that names its key; on a store also with the message of each
   * `LockLostError` and `StoreUnreachableError`.
   *
   * @example
   * const lock = new Lock(10000, { warn: (message) => metrics.count('lock-expired', message) });
   */
  warn(message: string): void;
}

/**
 * What a `Lock` may be made with besides.
 *
 * @example
 * const lock = new Lock(10000, console, { name: 'orders' });
 */
interface LockOptions {
  /**
   * The name of the keys' space: everybody in the process who opens that name, in whatever thread, as a `Lock` or as
   * `Locks`, has the same keys. Default: none, the keys are this object's own.
   *
   * **The trap:** what another thread's call grants or takes away here is delivered by the event loop, not within that call.
   * A thread whose event loop is blocked gets the event late, and goes on with a hold that has expired. And `undefined`,
   * as from a variable that is not set, is refused: for none, leave it out or say null.
   */
  name?: string | null;

  /** Left out, or null: with a store, the options are {@link StoredLockOptions}. `undefined` is refused. */
  store?: null;
}

/**
 * What a `Lock` on a store may be made with besides.
 *
 * @example
 * const lock = new Lock(10000, console, { name: 'orders', store: 'redis://redis.example' });
 */
interface StoredLockOptions {
  /**
   * The name of the keys' space: everybody who opens that name in the same store, on whatever machine, as a `Lock` or as
   * `Locks`, has the same keys.
   *
   * **The trap:** the same name without a store is another space, which this process has for itself.
   */
  name: string;

  /**
   * Where the server is: its URL, as a string or a `URL`, or {@link StoreOptions}.
   *
   * **The trap:** it is checked by the constructor, but not connected to. A wrong host is found by the first request.
   */
  store: string | URL | StoreOptions;
}
