// Types of `latchkey`: alock's function and rwlock-plus's class in one, and the errors. Each face has its own file.

import { lock, type Done, type Key } from './alock.js';
import {
  Lock,
  type LockObtainedCallback,
  type Logger,
  type Release,
  type ReleaseCallback,
} from './rwlock-plus.js';

export = latchkey;

/**
 * Called, it is alock's {@link lock}: it runs `fn` once nobody else holds `key`, and gives it `done`, the function
 * that frees the key. Constructed, it is rwlock-plus's {@link Lock}. So it can stand in for either package under
 * that package's name: `npm install alock@npm:latchkey`, `npm install rwlock-plus@npm:latchkey`.
 *
 * `require('latchkey')` itself throws an error with the code `ERR_LATCHKEY_NO_BINARY` if there is no native binary
 * for this platform. It names the platform and the way out.
 *
 * **The trap:** the key is free when `done` is called, not when `fn` returns or its promise settles. And a forgotten
 * `new` is no error of its own: `latchkey(10000)` asks for the key `'10000'`, and is refused for want of `fn`.
 *
 * The two faces are documented by alock and rwlock-plus; having both in one is latchkey's own.
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
    LockError,
    LockExpiredError,
    type Done,
    type Key,
    type LockObtainedCallback,
    type Logger,
    type Release,
    type ReleaseCallback,
  };
}

/**
 * What every error about a hold or a request is an instance of; each time a new one. Made by latchkey only. Bad
 * arguments are no LockError, but a `TypeError` or `RangeError` with one of Node's own codes. latchkey's own.
 *
 * @example
 * if (err instanceof LockError) console.error(err.code, err.key);
 */
declare class LockError extends Error {
  protected constructor();

  /** What happened, for programs; it stays the same when the message's wording changes. latchkey's own. */
  readonly code: string;

  /** The key it happened to, as the string it became: `'1'` for the key `1`. latchkey's own. */
  readonly key: string;
}

/**
 * The hold outlived its `Lock`'s timeout while another request waited for its key, and was taken away. The release
 * callback gets it as its only argument, before the next one is granted. It is not thrown.
 *
 * Its message is `Lock '<key>' timed out and was released automatically`.
 *
 * rwlock-plus documents an `Error`; the class, its code and its key are latchkey's own.
 *
 * @example
 * function released(err) {
 *   if (err instanceof LockExpiredError) stream.destroy(err);
 * }
 */
declare class LockExpiredError extends LockError {
  private constructor();

  /** Always `'ERR_LOCK_EXPIRED'`. latchkey's own. */
  readonly code: 'ERR_LOCK_EXPIRED';
}
