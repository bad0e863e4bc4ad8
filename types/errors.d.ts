// Types of the errors: what happened to a request or a hold. Each file says which of its calls gives which.

import { type Mode } from './hold.js';
import { type LocksOptions, type TryOptions } from './locks.js';

/**
 * What every error about a hold or a request is an instance of; each time a new one. Made by latchkey only. Bad
 * arguments are no LockError, but a `TypeError` or `RangeError` with one of Node's own codes.
 *
 * **The trap:** an aborted wait is no LockError either: it rejects with the signal's own reason, as everywhere in Node.
 *
 * @example
 * if (err instanceof LockError) console.error(err.code, err.key);
 */
export declare class LockError extends Error {
  protected constructor();

  /** What happened, for programs; it stays the same when the message's wording changes. */
  readonly code: string;

  /**
   * The key it happened to, as the string it became: `'1'` for the key `1`. Only a {@link LockClosedError} and a
   * {@link StoreUnreachableError} can be without one.
   */
  readonly key: string | undefined;

  /** The {@link TryOptions.label} of the request; undefined if it has none. */
  readonly label?: string;

  /**
   * Where the request was asked, a stack frame a line, if that is remembered: see {@link LocksOptions.trace}.
   */
  readonly trace?: string;
}

/**
 * Who held a key when somebody's wait for it came to its end.
 *
 * @example
 * for (const { label, age } of err.holders) console.error(`held by ${label} for ${age} ms`);
 */
export interface LockHolder {
  /** How it held the key. */
  readonly mode: Mode;

  /** Milliseconds, with fractions, since its grant. */
  readonly age: number;

  /** The `worker_threads.threadId` of its thread; 0 is the main thread. */
  readonly thread: number;

  /** On a store: the name of its machine, as `os.hostname()` has it there. Else not there. */
  readonly host?: string;

  /** On a store: the number of its process there, `process.pid`. Else not there. */
  readonly pid?: number;

  /** Its {@link TryOptions.label}; undefined if it has none. */
  readonly label?: string;

  /** Where it was asked, a stack frame a line, if that is remembered, and in this thread. */
  readonly trace?: string;
}

/**
 * The hold outlived its expiry while another request waited for its key, and was taken away, before the next one was
 * granted. Its message is `Lock '<key>' timed out and was released automatically`, as that of the old package; of a `Locks` it
 * goes on with how long the hold had been held. It is about a hold; that a wait was too long is a {@link LockTimeoutError}.
 *
 * - Of a `Lock`: its release callback gets it as its only argument. It is not thrown.
 * - Of `Locks`: it is the reason of the hold's `signal`, and what a call with a function rejects with.
 *
 * **The trap:** the work that the hold protected may still be going on. Only the holder can stop it.
 *
 * rwlock-plus documents an `Error` without a class of its own.
 *
 * @example
 * function released(err) {
 *   if (err instanceof LockExpiredError) stream.destroy(err);
 * }
 */
export declare class LockExpiredError extends LockError {
  private constructor();

  /** Always `'ERR_LOCK_EXPIRED'`. */
  readonly code: 'ERR_LOCK_EXPIRED';

  /** The key that was taken away; of several keys, one of those that were. */
  readonly key: string;

  /** Milliseconds, with fractions, that it had been held, as far as its own thread knows; at least its expiry. */
  readonly age: number;
}

/**
 * The hold was lost: the store had not answered this process for so long that it may give the key to others, or it has
 * forgotten who held it. It is said before another one is granted, as far as the store keeps its data. Only a hold of a
 * store can be lost. Its message is `Lock '<key>' was lost: its lease has ended, or its store has forgotten it`, or, if the
 * store cannot be reached, what is wrong with it.
 *
 * - Of a `Lock`: its release callback gets it as its only argument. It is not thrown.
 * - Of `Locks`: it is the reason of the hold's `signal`, and what a call with a function, or `release()`, rejects with.
 *
 * **The trap:** the work that the hold protected may still be going on. Only the holder can stop it, and only a resource that
 * checks the fence is safe from what it still does.
 *
 * @example
 * try {
 *   await locks.write('order:7', pay);
 * } catch (err) {
 *   if (!(err instanceof LockLostError)) throw err;
 *   await checkPayment(7); // it may have been made, or half made
 * }
 */
export declare class LockLostError extends LockError {
  private constructor();

  /** Always `'ERR_LOCK_LOST'`. */
  readonly code: 'ERR_LOCK_LOST';

  /** The key that was lost; of several keys, one of them. */
  readonly key: string;
}

/**
 * The store could not be asked, or refused. Its message says where the store is and what is wrong, as in
 * `The store at redis.example:6379 cannot be reached (…)` or `The store at redis.example:6379 refuses the login: …`; it never
 * holds a user or a password.
 *
 * - A request without a `timeout` fails so after `connectTimeout`, if the store has never answered this process. Once it
 *   has, such a request waits until the store is back.
 * - A request with a `timeout` fails so when that is over and the store is away; `tryRead` and `tryWrite` after
 *   `commandTimeout`, `query` after `connectTimeout`.
 * - Where waiting does not help (a refused login, a missing permission, a server that may evict keys, a cluster, a full
 *   memory), requests fail at once.
 * - A release or a downgrade fails so if it could not be sent to the store until the lease was over.
 *
 * **The trap:** after a failed request the store may have granted it all the same. Then latchkey gives the key back, or its
 * lease ends; nobody has to clean up.
 *
 * @example
 * try {
 *   await locks.write('order:7', { timeout: 2000 }, pay);
 * } catch (err) {
 *   if (!(err instanceof StoreUnreachableError)) throw err;
 *   console.error(err.message);
 *   response.writeHead(503).end();
 * }
 */
export declare class StoreUnreachableError extends LockError {
  private constructor();

  /** Always `'ERR_STORE_UNREACHABLE'`. */
  readonly code: 'ERR_STORE_UNREACHABLE';

  /** The key that was asked for, or held; undefined if `query()` or `ready()` was called. */
  readonly key: string | undefined;
}

/**
 * The key was not granted, and whether somebody holds it is not known: the server of the store has just started, or taken over
 * from another one, and grants nothing for one `ttl`, since it may have missed who holds what. `tryRead` and `tryWrite` of a
 * store reject with it at once, unless somebody is known to be in the way; `read` and `write` wait. Its message is as
 * `The store at redis.example:6379 has just started, or taken over from another server, and grants nothing yet (for another 3.2 s)`.
 *
 * **The trap:** a job that takes null for "another machine is at it" must not take this for the same: wait with `ready()`, or
 * try again after `frozenUntil`.
 *
 * @example
 * try {
 *   hold = await locks.tryWrite('nightly-report');
 * } catch (err) {
 *   if (!(err instanceof StoreStartingError)) throw err;
 *   await locks.ready();
 *   hold = await locks.tryWrite('nightly-report');
 * }
 */
export declare class StoreStartingError extends LockError {
  private constructor();

  /** Always `'ERR_STORE_STARTING'`. */
  readonly code: 'ERR_STORE_STARTING';

  /** The key that was asked for; of several keys, the first. */
  readonly key: string;

  /** When the server grants again, if nothing happens to it: milliseconds, whole, to be compared with `Date.now()`. */
  readonly frozenUntil: number;
}

/**
 * The request waited as long as its `timeout` allowed, and has left the queue. Its message says for whom:
 * `Lock 'order:7' was not granted within 500 ms: held for 4.2 s by 'POST /pay' (thread 3), 2 requests ahead`, or, on a store,
 * `… held for 4.2 s by 'POST /pay' (process 4711 on web-3), 2 requests ahead`.
 *
 * **The trap:** it is how things stood when its thread learned of the time-out, which may be a little later.
 *
 * @example
 * try {
 *   await locks.write('report', { timeout: 500 }, build);
 * } catch (err) {
 *   if (!(err instanceof LockTimeoutError)) throw err;
 *   console.log(`Somebody else is still busy with ${err.key}`);
 * }
 */
export declare class LockTimeoutError extends LockError {
  private constructor();

  /** Always `'ERR_LOCK_TIMEOUT'`. */
  readonly code: 'ERR_LOCK_TIMEOUT';

  /** The key that was not granted; of several keys, the one it was waiting for. */
  readonly key: string;

  /**
   * Who held the key, in the order of their grants, the first ten. On a store, of any machine: the server is asked once the time is
   * over, which makes the error a round trip late. It is empty, and `ahead` is undefined, if the server does not say so within
   * 100 ms, or if the process asks too much of it already.
   */
  readonly holders: readonly LockHolder[];

  /** How many requests stood before it in the queue; undefined where a store's server has not said so. */
  readonly ahead: number | undefined;

  /**
   * Until when the server of a store grants nothing to anybody, if that is why: see {@link StoreStartingError.frozenUntil}. The
   * message says it, too. Else undefined.
   */
  readonly frozenUntil: number | undefined;
}

/**
 * The `Locks` was closed while the request waited, or before the call.
 *
 * @example
 * const ignoreClosed = (err) => {
 *   if (!(err instanceof LockClosedError)) throw err;
 * };
 * locks.write('report', build).catch(ignoreClosed);
 * locks.close();
 */
export declare class LockClosedError extends LockError {
  private constructor();

  /** Always `'ERR_LOCK_CLOSED'`. */
  readonly code: 'ERR_LOCK_CLOSED';

  /** The key that was not granted; undefined if `query()` or `ready()` was called. */
  readonly key: string | undefined;
}

/**
 * As many requests wait already as the `maxPending` of the `Locks` allows, so this one was refused at once.
 *
 * @example
 * try {
 *   await locks.write(`user:${id}`, save);
 * } catch (err) {
 *   if (!(err instanceof LockQueueFullError)) throw err;
 *   response.writeHead(503).end();
 * }
 */
export declare class LockQueueFullError extends LockError {
  private constructor();

  /** Always `'ERR_LOCK_QUEUE_FULL'`. */
  readonly code: 'ERR_LOCK_QUEUE_FULL';

  /** The key that was not granted. */
  readonly key: string;
}

/**
 * A named space was to be opened while another version of latchkey is loaded in this process. Two versions cannot share
 * a space, so one name would be two locks. The message names both folders: install one version for both.
 *
 * Two copies of the same version are no fault; they share their named spaces.
 *
 * @example
 * try {
 *   locks = new Locks({ name: 'orders' });
 * } catch (err) {
 *   if (err.code === 'ERR_LOCK_TWO_COPIES') console.error(`${err.message}. Try: npm dedupe`);
 *   throw err;
 * }
 */
export declare class LockTwoCopiesError extends LockError {
  private constructor();

  /** Always `'ERR_LOCK_TWO_COPIES'`. */
  readonly code: 'ERR_LOCK_TWO_COPIES';

  /** The name of the space, for no key was asked for. */
  readonly key: string;
}
