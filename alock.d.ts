// Types of `latchkey/alock`: the drop-in for the package alock.
// Also the home of `Key`, which all APIs take.

import self = require('./alock.js');

export = lock;

/**
 * Runs `fn` once nobody else holds `key`, and gives it `done`, the function that frees the key again.
 *
 * - A free key is granted at once: `fn` runs before `lock` returns. Otherwise the request waits in line, and
 *   requests for one key are granted in the order they were made. Different keys know nothing of each other.
 * - A hold has no time limit. To have one, use `Lock` with a `timeout`.
 * - All calls of `lock` in one thread share their keys. Each worker thread has its own, and so has each `Lock`.
 * - If `fn` throws, the error comes out of the call that ran it: this one, or the `done()` that let it run.
 *   The key stays held until `done` is called.
 * - An `fn` that had to wait runs in the async context (`AsyncLocalStorage`) of the call that asked.
 *
 * **The trap:** the key is free when `done` is called, and at no other time. Not when `fn` returns, and not
 * when the promise of an `async` `fn` settles; so call `done` on every path, failures too. Asking for a key
 * inside a hold on that same key, and calling `done` only after that, waits for ever.
 *
 * Documented by alock, except for thrown errors, async contexts and the error codes.
 *
 * @param key Names what is protected. See {@link Key}.
 * @param fn Called once, with `done` as its only argument.
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE` if `key` is refused, or `fn` is not a function. Nothing has been
 *   asked for then.
 *
 * @example
 * const lock = require('latchkey/alock');
 *
 * lock('double-score', (done) => {
 *   db.get('player1', (err, value) => {
 *     if (err) return done();
 *     db.put('player1', value * 2, done);
 *   });
 * });
 */
declare function lock(key: Key, fn: (done: Done) => void): void;

declare namespace lock {
  export { self as lock, type Done, type Key };
}

/**
 * What names the protected thing. It becomes a string as a property name does, so `1` and `'1'` are one key,
 * and an ObjectId works. Strings are compared exactly. `undefined`, `null`, symbols, and objects that cannot become a
 * string are refused.
 *
 * **The trap:** every plain object becomes `'[object Object]'`, so all of them are one key, and `['a', 'b']` is
 * the one key `'a,b'`. An object is a good key only if its `toString()` distinguishes it from the others.
 *
 * alock and rwlock-plus say no more than that a key is required.
 *
 * @example
 * lock(`user:${id}`, (done) => done());
 * lock(document._id, (done) => done());
 */
type Key = string | number | bigint | boolean | object;

/**
 * Frees the key. Those who waited for it are granted before `done` returns. The first call counts; later ones do
 * nothing, to anyone. It takes no arguments, and ignores those it is given, so it can be handed on as a callback.
 *
 * Where calls nest deeply, each inside an `fn` that another one ran, a loop around them grants the rest, in the same
 * order, once this call has returned. So a queue of any length is safe.
 *
 * Documented by alock, except for the second call and the arguments.
 *
 * @example
 * lock('log', (done) => fs.appendFile('log.txt', line, done));
 */
type Done = () => void;
