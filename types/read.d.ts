// Types of `read` in all scopes: in one thread, in a process, and on a store.

import { type Key } from '../alock.js';
import { type KeyOrKeys } from './keyed-locks.js';
import { type AcquireOptions, type SingleKey } from './locks.js';

/**
 * Asks for a key in read mode, shared with other readers. `One` is the hold of one key, `Many` that of an array of keys, and
 * `Either` one of the two, where the type of the key does not say which.
 */
export interface ReadCalls<One, Many, Either> {
  /**
   * Runs `fn` while `key` is held in read mode, shared with other readers; releases it; and resolves to what `fn` returned. While anybody reads,
   * nobody can write. Readers behind a waiting writer wait for it.
   *
   * - A free key is granted at once: `fn` starts before the call returns. Otherwise the request waits in the queue, and `fn`
   *   starts later, in the async context (`AsyncLocalStorage`) of this call. On a store, `fn` always starts later.
   * - If `fn` throws or rejects, the key is released, and the call rejects with that very error.
   * - If the hold is taken away while `fn` runs, `hold.signal` aborts, and others get the key. Once `fn` has settled, the
   *   call rejects, so that nobody takes half a job for a success; `fn`'s own error comes first.
   * - On a store, the call also waits for the answer to the release. If only the release could not be sent, what `fn`
   *   returned stands: the lease covered all of it. While the server is away, the request waits until it is back.
   * - Whatever is wrong rejects the promise. Nothing is thrown.
   *
   * **The trap:** a reader does not become a writer. To await `write` of the same key inside `fn` is to wait for itself.
   * And the key is free when `fn`'s promise settles: work that `fn` does not await is not protected.
   *
   * @param key Names what is protected. See {@link SingleKey}.
   * @param fn Called once, with the hold. It may be `async` or not.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if an argument is refused. Nothing has been asked for then.
   * @throws {LockExpiredError} `ERR_LOCK_EXPIRED` if the key was taken away while `fn` ran, because another request waited.
   * @throws {LockLostError} `ERR_LOCK_LOST` if a store's hold was lost while `fn` ran.
   * @throws {LockQueueFullError} `ERR_LOCK_QUEUE_FULL` if it would have to wait, and `maxPending` others do already.
   * @throws {LockClosedError} `ERR_LOCK_CLOSED` if this `Locks` is closed, before the call or while it waits.
   * @throws {StoreUnreachableError} `ERR_STORE_UNREACHABLE` if a store refuses, or has never answered.
   *
   * @example
   * const settings = await locks.read('settings', async () => JSON.parse(await readFile('settings.json', 'utf8')));
   */
  read<T>(key: SingleKey, fn: (hold: One) => T | PromiseLike<T>): Promise<T>;

  /**
   * Runs `fn` while `key` is held in read mode, shared with other readers, with a limit for the wait, a way to give it up, or an
   * expiry of its own. The key is released when `fn` has settled, and the call resolves to what `fn` returned.
   *
   * **The trap:** `timeout` and `signal` are about the wait. Once `fn` runs, neither stops it.
   *
   * @param key Names what is protected. See {@link SingleKey}.
   * @param options See {@link AcquireOptions}.
   * @param fn Called once, with the hold. It may be `async` or not.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if an argument is refused. Nothing has been asked for then.
   * @throws {LockTimeoutError} `ERR_LOCK_TIMEOUT` if it was not granted within `timeout`.
   * @throws {StoreUnreachableError} `ERR_STORE_UNREACHABLE` instead, if a store is away when `timeout` is over.
   * @throws The reason of `signal`, if that aborts before the grant, or before the call.
   * @throws {RangeError} `ERR_OUT_OF_RANGE` if `timeout` or `expiry` is negative or NaN.
   * @throws {LockExpiredError} `ERR_LOCK_EXPIRED` if the key was taken away while `fn` ran, because another request waited.
   * @throws {LockLostError} `ERR_LOCK_LOST` if a store's hold was lost while `fn` ran.
   * @throws {LockQueueFullError} `ERR_LOCK_QUEUE_FULL` if it would have to wait, and `maxPending` others do already.
   * @throws {LockClosedError} `ERR_LOCK_CLOSED` if this `Locks` is closed, before the call or while it waits.
   * @throws {StoreUnreachableError} `ERR_STORE_UNREACHABLE` if a store refuses, or has never answered.
   *
   * @example
   * const settings = await locks.read('settings', { timeout: 500 }, load);
   */
  read<T>(
    key: SingleKey,
    options: AcquireOptions | null | undefined,
    fn: (hold: One) => T | PromiseLike<T>,
  ): Promise<T>;

  /**
   * Asks for `key` in read mode, shared with other readers, and resolves to the hold. Releasing it is up to you: with `using`, `finally`, or
   * `hold.release()`. That it expired or was lost is seen in `hold.signal`, and not in this promise.
   *
   * **The trap:** forget `await`, and nothing is protected yet. Forget `release()`, and writers wait for ever, unless
   * there is an expiry; on a store, for as long as this process lives. On a store, `release()` gives a promise.
   *
   * @param key Names what is protected. See {@link SingleKey}.
   * @param options See {@link AcquireOptions}.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if an argument is refused. Nothing has been asked for then.
   * @throws {LockTimeoutError} `ERR_LOCK_TIMEOUT` if it was not granted within `timeout`.
   * @throws {StoreUnreachableError} `ERR_STORE_UNREACHABLE` instead, if a store is away when `timeout` is over.
   * @throws The reason of `signal`, if that aborts before the grant, or before the call.
   * @throws {RangeError} `ERR_OUT_OF_RANGE` if `timeout` or `expiry` is negative or NaN.
   * @throws {LockQueueFullError} `ERR_LOCK_QUEUE_FULL` if it would have to wait, and `maxPending` others do already.
   * @throws {LockClosedError} `ERR_LOCK_CLOSED` if this `Locks` is closed, before the call or while it waits.
   * @throws {StoreUnreachableError} `ERR_STORE_UNREACHABLE` if a store refuses, or has never answered.
   *
   * @example
   * const hold = await locks.read('page');
   * fs.createReadStream('page.html').on('close', () => hold.release()).pipe(response);
   */
  read(key: SingleKey, options?: AcquireOptions | null): Promise<One>;

  /**
   * Runs `fn` while all of the keys are held in read mode, shared with other readers: all or none. Each is taken once, in sorted
   * order whatever the order given, so that no two such calls can wait for each other. The call resolves to what `fn`
   * returned.
   *
   * - `fn` starts after the call has returned, also if all keys are free.
   * - If one key cannot be had, those it has are released. An empty array is granted at once.
   * - On a store, up to 256 keys that are all free are taken in one trip. If they are not, that trip has asked for the first one,
   *   and each of the others is a request of its own, one after the other.
   *
   * **The trap:** the order protects from other arrays, not from nested calls: `read('b')`, and inside it `write('a')`,
   * can wait for ever for a `write(['a', 'b'])`. And those keys it has, it holds while it waits for the others; with an
   * `expiry` they may be taken away meanwhile, and the call rejects with a `LockExpiredError`, without having run `fn`.
   *
   * @param keys Names what is protected. See {@link Key}.
   * @param fn Called once, with one hold for all of the keys. It may be `async` or not.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if an argument is refused. Nothing has been asked for then.
   * @throws {LockExpiredError} `ERR_LOCK_EXPIRED` if the key was taken away while `fn` ran, because another request waited.
   * @throws {LockLostError} `ERR_LOCK_LOST` if a store's hold was lost while `fn` ran.
   * @throws {LockQueueFullError} `ERR_LOCK_QUEUE_FULL` if it would have to wait, and `maxPending` others do already.
   * @throws {LockClosedError} `ERR_LOCK_CLOSED` if this `Locks` is closed, before the call or while it waits.
   * @throws {StoreUnreachableError} `ERR_STORE_UNREACHABLE` if a store refuses, or has never answered.
   *
   * @example
   * const sum = await locks.read(['a', 'b'], async () => (await load('a')) + (await load('b')));
   */
  read<T>(keys: readonly Key[], fn: (hold: Many) => T | PromiseLike<T>): Promise<T>;

  /**
   * Runs `fn` while all of the keys are held in read mode, shared with other readers, all or none, with a limit for the wait, a way
   * to give it up, or an expiry. `timeout` is for all keys together; the `expiry` of each counts from its own grant.
   *
   * **The trap:** keys that it has already may expire while it waits for the others; then the call rejects with a
   * `LockExpiredError`, without having run `fn`. Once `fn` runs, neither `timeout` nor `signal` stops it.
   *
   * @param keys Names what is protected. See {@link Key}.
   * @param options See {@link AcquireOptions}.
   * @param fn Called once, with one hold for all of the keys. It may be `async` or not.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if an argument is refused. Nothing has been asked for then.
   * @throws {LockTimeoutError} `ERR_LOCK_TIMEOUT` if it was not granted within `timeout`.
   * @throws {StoreUnreachableError} `ERR_STORE_UNREACHABLE` instead, if a store is away when `timeout` is over.
   * @throws The reason of `signal`, if that aborts before the grant, or before the call.
   * @throws {RangeError} `ERR_OUT_OF_RANGE` if `timeout` or `expiry` is negative or NaN.
   * @throws {LockExpiredError} `ERR_LOCK_EXPIRED` if the key was taken away while `fn` ran, because another request waited.
   * @throws {LockLostError} `ERR_LOCK_LOST` if a store's hold was lost while `fn` ran.
   * @throws {LockQueueFullError} `ERR_LOCK_QUEUE_FULL` if it would have to wait, and `maxPending` others do already.
   * @throws {LockClosedError} `ERR_LOCK_CLOSED` if this `Locks` is closed, before the call or while it waits.
   * @throws {StoreUnreachableError} `ERR_STORE_UNREACHABLE` if a store refuses, or has never answered.
   *
   * @example
   * await locks.read(['a', 'b'], { signal }, compare);
   */
  read<T>(
    keys: readonly Key[],
    options: AcquireOptions | null | undefined,
    fn: (hold: Many) => T | PromiseLike<T>,
  ): Promise<T>;

  /**
   * Asks for all of the keys in read mode, shared with other readers, all or none, and resolves to one hold for all of them. Its one
   * `release()` frees them all, and is up to you.
   *
   * **The trap:** forget `await`, and nothing is protected yet. Forget `release()`, and all of them stay held.
   *
   * @param keys Names what is protected. See {@link Key}.
   * @param options See {@link AcquireOptions}.
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if an argument is refused. Nothing has been asked for then.
   * @throws {LockTimeoutError} `ERR_LOCK_TIMEOUT` if it was not granted within `timeout`.
   * @throws {StoreUnreachableError} `ERR_STORE_UNREACHABLE` instead, if a store is away when `timeout` is over.
   * @throws The reason of `signal`, if that aborts before the grant, or before the call.
   * @throws {RangeError} `ERR_OUT_OF_RANGE` if `timeout` or `expiry` is negative or NaN.
   * @throws {LockQueueFullError} `ERR_LOCK_QUEUE_FULL` if it would have to wait, and `maxPending` others do already.
   * @throws {LockClosedError} `ERR_LOCK_CLOSED` if this `Locks` is closed, before the call or while it waits.
   * @throws {StoreUnreachableError} `ERR_STORE_UNREACHABLE` if a store refuses, or has never answered.
   *
   * @example
   * await using hold = await locks.read(['a', 'b']);
   */
  read(keys: readonly Key[], options?: AcquireOptions | null): Promise<Many>;

  /**
   * For a wrapper that takes one key or an array of keys: runs `fn` while they are held in read mode, shared with other readers.
   *
   * @param key Names what is protected: one key, or an array of keys, of which all or none are held.
   * @param fn Called once, with the hold.
   * @throws What `read` of one key or of an array of keys rejects with.
   *
   * @example
   * const exclusive = (key: string | string[], fn: () => Promise<void>) => locks.read(key, fn);
   */
  read<T>(key: KeyOrKeys, fn: (hold: Either) => T | PromiseLike<T>): Promise<T>;

  /**
   * For a wrapper that takes one key or an array of keys, and options: runs `fn` while they are held in read mode, shared with other readers.
   *
   * @param key Names what is protected: one key, or an array of keys, of which all or none are held.
   * @param options See {@link AcquireOptions}.
   * @param fn Called once, with the hold.
   * @throws What `read` of one key or of an array of keys rejects with.
   *
   * @example
   * function patient<T>(key: string | string[], fn: () => Promise<T>) {
   *   return locks.read(key, { timeout: 5000 }, fn);
   * }
   */
  read<T>(
    key: KeyOrKeys,
    options: AcquireOptions | null | undefined,
    fn: (hold: Either) => T | PromiseLike<T>,
  ): Promise<T>;

  /**
   * For a wrapper that takes one key or an array of keys, and no function: resolves to the hold, which is to be released.
   *
   * @param key Names what is protected: one key, or an array of keys, of which all or none are held.
   * @param options See {@link AcquireOptions}.
   * @throws What `read` of one key or of an array of keys rejects with.
   *
   * @example
   * const take = (key: string | string[]) => locks.read(key, { timeout: 5000 });
   */
  read(key: KeyOrKeys, options?: AcquireOptions | null): Promise<Either>;

  /**
   * For a wrapper whose function is optional: with a function it resolves to what that returned, without one to the hold.
   *
   * **The trap:** the result's type is both. Where the function is known, call it with one.
   *
   * @param key Names what is protected: one key, or an array of keys, of which all or none are held.
   * @param optionsOrFn See {@link AcquireOptions}; or the function, if it comes second.
   * @param fn Called once, with the hold, if there are options in front of it.
   * @throws What `read` with a function or without one rejects with.
   *
   * @example
   * const guard = <T>(key: string, fn?: () => Promise<T>) => locks.read(key, fn);
   */
  read<T>(
    key: KeyOrKeys,
    optionsOrFn: AcquireOptions | ((hold: Either) => T | PromiseLike<T>) | null | undefined,
    fn?: (hold: Either) => T | PromiseLike<T>,
  ): Promise<T | Either>;
}
