// Types of `latchkey`: alock's function and rwlock-plus's class in one, the promise API, and the errors. Their parts are in
// types/.

import { lock, type Done, type Key } from './alock.js';
import {
  type AbortMessage,
  type ExpireMessage,
  type GrantMessage,
  type LostMessage,
  type RefuseMessage,
  type ReleaseMessage,
  type StoreDisconnectMessage,
  type StoreFreezeMessage,
  type StoreMessage,
  type StoreSessionLostMessage,
  type TimeoutMessage,
  type WaitMessage,
} from './types/diagnostics.js';
import {
  LockClosedError,
  LockError,
  LockExpiredError,
  LockLostError,
  LockQueueFullError,
  LockTimeoutError,
  LockTwoCopiesError,
  StoreStartingError,
  StoreUnreachableError,
  type LockHolder,
} from './types/errors.js';
import { Hold, type HoldJson, type Mode, type StoredHold } from './types/hold.js';
import { type KeyOrKeys } from './types/keyed-locks.js';
import {
  Locks,
  type AcquireOptions,
  type AnyLocks,
  type LocksConstructor,
  type LocksJson,
  type LocksOptions,
  type SingleKey,
  type TryOptions,
} from './types/locks.js';
import {
  Lock,
  type LockObtainedCallback,
  type LockOptions,
  type Logger,
  type Release,
  type ReleaseCallback,
  type StoredLockOptions,
} from './rwlock-plus.js';
import {
  type HeldEntry,
  type LocksSnapshot,
  type PendingEntry,
  type StoredHeldEntry,
  type StoredLocksSnapshot,
  type StoredPendingEntry,
} from './types/snapshot.js';
import { type SentinelOptions, type ServerOptions, type StoreOptions } from './types/store.js';
import { type StoredLocks, type StoredLocksOptions } from './types/stored-locks.js';

export = latchkey;

/**
 * Called, it is alock's {@link lock}: it runs `fn` once nobody else holds `key`, and gives it `done`, the function
 * that frees the key. Constructed, it is rwlock-plus's {@link Lock}. So it can stand in for either package under
 * that package's name: `npm install alock@npm:latchkey`, `npm install rwlock-plus@npm:latchkey`.
 *
 * `require('latchkey')` itself throws an error if there is no native binary for this platform (its code is
 * `ERR_LATCHKEY_NO_BINARY`), if the binary is of another version (`ERR_LATCHKEY_VERSION_MISMATCH`), or if the system cannot load
 * it (`ERR_DLOPEN_FAILED`). The message says what to do.
 *
 * **The trap:** the key is free when `done` is called, not when `fn` returns or its promise settles. And a forgotten
 * `new` is no error of its own: `latchkey(10000)` asks for the key `'10000'`, and is refused for want of `fn`.
 *
 * Its property {@link Locks} is the promise API, for `async` functions, for several threads, and for several machines.
 *
 * The two APIs are documented by alock and rwlock-plus.
 *
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if `key` is refused, or `fn` is not a function.
 *
 * @example
 * const latchkey = require('latchkey');
 *
 * latchkey('console-log', (done) => {
 *   setTimeout(() => {
 *     console.log('First!');
 *     done();
 *   }, 1000);
 * });
 *
 * const lock = new latchkey(10000); // the same as new latchkey.Lock(10000)
 */
declare function latchkey(key: Key, fn: (done: Done) => void): void;

/**
 * rwlock-plus's {@link Lock}, as a class and as a type.
 *
 * In JavaScript, a class in the ES5 style may call `latchkey.call(this, timeout)`. TypeScript holds that call against
 * `lock`'s signature, so where it checks, write `latchkey.Lock.call(this, timeout)`: the same, with its own types.
 */
declare class latchkey extends Lock {}

declare namespace latchkey {
  export {
    lock,
    Lock,
    Locks,
    Hold,
    LockError,
    LockExpiredError,
    LockTimeoutError,
    LockClosedError,
    LockQueueFullError,
    LockTwoCopiesError,
    LockLostError,
    StoreStartingError,
    StoreUnreachableError,
    type AbortMessage,
    type AcquireOptions,
    type AnyLocks,
    type Done,
    type ExpireMessage,
    type GrantMessage,
    type HeldEntry,
    type HoldJson,
    type Key,
    type KeyOrKeys,
    type LockHolder,
    type LockObtainedCallback,
    type LockOptions,
    type LocksConstructor,
    type LocksJson,
    type LocksOptions,
    type LocksSnapshot,
    type Logger,
    type LostMessage,
    type Mode,
    type PendingEntry,
    type RefuseMessage,
    type Release,
    type ReleaseCallback,
    type ReleaseMessage,
    type SentinelOptions,
    type ServerOptions,
    type SingleKey,
    type StoredHeldEntry,
    type StoredHold,
    type StoredLockOptions,
    type StoredLocks,
    type StoredLocksOptions,
    type StoredLocksSnapshot,
    type StoredPendingEntry,
    type StoreDisconnectMessage,
    type StoreFreezeMessage,
    type StoreMessage,
    type StoreOptions,
    type StoreSessionLostMessage,
    type TimeoutMessage,
    type TryOptions,
    type WaitMessage,
  };
}
