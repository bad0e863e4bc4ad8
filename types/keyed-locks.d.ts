// What lock objects of all scopes have in common.

import { type Key } from '../alock.js';
import { type SingleKey } from './locks.js';
import { type ReadCalls } from './read.js';
import { type WriteCalls } from './write.js';

// The overloads that take a `KeyOrKeys` come last: of a call that fits none, TypeScript reports the last one. Those for one
// key come first, since it takes the first one that fits for a key of the type `any`.
/** One key, or an array of keys: what a wrapper passes on that takes both. */
export type KeyOrKeys = SingleKey | readonly Key[];

/**
 * What lock objects of all scopes have in common. `One` is the hold of one key, `Many` that of an array of keys, and
 * `Either` one of the two, where the type of the key does not say which.
 */
export interface KeyedLocks<One, Many, Either>
  extends ReadCalls<One, Many, Either>, WriteCalls<One, Many, Either> {
  /**
   * Resolves when a request for a free key would be granted. On a store: when its server has been reached, and the time is over
   * in which it grants nothing, since it has just started or taken over from another one (one `ttl`, up to a second more). In a
   * private and in a named space: at once. It waits without a limit for the end of that time, and keeps the process alive.
   *
   * A service calls it once when it starts, and tests before the first one; code that takes locks of any scope need not ask
   * which one it has.
   *
   * **The trap:** the server may be started again a moment later. `tryRead` and `tryWrite` say so then.
   *
   * @throws {StoreUnreachableError} `ERR_STORE_UNREACHABLE`, as a rejection, if a store is not reached within `connectTimeout`,
   *   or for so long once it was, or if it refuses; the message says which.
   * @throws {LockClosedError} `ERR_LOCK_CLOSED`, as a rejection, if this `Locks` is closed, also meanwhile.
   *
   * @example
   * const locks = new Locks({ name: 'jobs', store: 'redis://redis.example' });
   * await locks.ready();
   * const hold = await locks.tryWrite('nightly-report'); // null: somebody holds it
   */
  ready(): Promise<void>;

  /**
   * Ends the use of this object. Its waiting requests reject with a `LockClosedError`, and so do later calls; where they
   * give no promise, as `tryWrite` of a private space, they throw it. A second `close` does nothing.
   *
   * When the last lock object of a store in this process is closed, and the last hold is released, the session ends on the
   * server at once, and so does the connection.
   *
   * **The trap:** what is held stays held until it is released, and functions that run, run on. Other `Locks` of the same
   * name stay open.
   *
   * @example
   * server.on('close', () => locks.close());
   */
  close(): void;
}
