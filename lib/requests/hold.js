'use strict';
// What the program holds by the promise API: one granted request or several, and the function that runs meanwhile.

const { StoreUnreachableError } = require('../errors');
const { WRITE } = require('../events/request');

/** @typedef {import('./promise-request').PromiseRequest | import('./request-group').RequestGroup} Held */

/** `Symbol.dispose`, which the first versions of Node 20 do not have. */
const DISPOSE = Symbol.dispose ?? Symbol.for('nodejs.dispose');
const ASYNC_DISPOSE = Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose');

/** Not looked up in a promise: it may have a `then` of its own, which need not call back. `await` looks there neither. */
const { then } = Promise.prototype;

/**
 * Aborts the signal of a hold that was taken away. A function beside the class, so that no program can call it.
 *
 * @type {(hold: Hold) => void}
 */
let abort;

/**
 * Why a hold was taken away; null if it was not.
 *
 * @type {(hold: Hold) => import('../errors').LockError | null}
 */
let lossOf;

class Hold {
  /** @type {Held} */
  #held;
  /** @type {AbortController | null} made when somebody first asks for the signal */
  #controller = null;

  /** @param {Held} held */
  constructor(held) {
    this.#held = held;
  }

  /** @returns {any} a string; of several keys a list of them */
  get key() {
    return this.#held.key;
  }

  get mode() {
    return this.#held.mode === WRITE ? 'write' : 'read';
  }

  get fence() {
    return this.#held.fence;
  }

  get recovered() {
    return this.#held.recovered;
  }

  get signal() {
    this.#controller ??= new AbortController();
    const { signal } = this.#controller;
    const loss = this.#held.findLoss();
    if (loss !== null && !signal.aborted) this.#controller.abort(loss);
    return signal;
  }

  throwIfLost() {
    const loss = this.#held.findLoss();
    if (loss !== null) throw loss;
  }

  /** @returns {number} milliseconds, or Infinity */
  remaining() {
    return this.#held.remaining();
  }

  /** @returns {Promise<void> | undefined} a promise where a store answers */
  release() {
    return this.#held.release();
  }

  /** @returns {Promise<void> | undefined} a promise where a store answers */
  downgrade() {
    return this.#held.downgrade();
  }

  [DISPOSE]() {
    this.release();
  }

  async [ASYNC_DISPOSE]() {
    await this.release();
  }

  static {
    abort = (hold) => hold.#controller?.abort(hold.#held.loss);
    lossOf = (hold) => hold.#held.loss;
  }
}

/**
 * Runs `fn` with a hold, and releases it. Not an async function: `then` costs less.
 *
 * @param {Hold} hold
 * @param {(hold: Hold) => unknown} fn
 * @returns {Promise<unknown>}
 */
function runAndRelease(hold, fn) {
  return then.call(
    start(hold, fn),
    (result) => release(hold, result),
    (error) => releaseAfter(hold, error),
  );
}

/**
 * The same, for a promise that there is already: one promise less.
 *
 * @param {(result: unknown) => void} resolve
 * @param {Hold} hold
 * @param {(hold: Hold) => unknown} fn
 */
function runInto(resolve, hold, fn) {
  then.call(
    start(hold, fn),
    (result) => {
      try {
        resolve(release(hold, result));
      } catch (loss) {
        resolve(Promise.reject(loss));
      }
    },
    (error) => resolve(releaseAfter(hold, error)),
  );
}

/**
 * @param {Hold} hold
 * @param {(hold: Hold) => unknown} fn
 * @returns {Promise<unknown>}
 */
function start(hold, fn) {
  try {
    return Promise.resolve(fn(hold));
  } catch (error) {
    return Promise.reject(error);
  }
}

/**
 * Releases the hold of a function that has ended well.
 *
 * @template R
 * @param {Hold} hold
 * @param {R} result
 * @returns {R | Promise<R>}
 */
function release(hold, result) {
  const released = hold.release();
  if (released === undefined) return unlessLost(hold, result);
  return released.catch(throwUnlessAway).then(() => unlessLost(hold, result));
}

/**
 * The same for one that has failed. On a store, the answer is waited for; nothing in it is as important as the error.
 *
 * @param {Hold} hold
 * @param {unknown} error
 */
async function releaseAfter(hold, error) {
  await hold.release()?.catch(() => {});
  throw error;
}

/**
 * If the hold was taken away while `fn` ran, nobody may take what `fn` did for done.
 *
 * @template R
 * @param {Hold} hold
 * @param {R} result
 */
function unlessLost(hold, result) {
  const loss = lossOf(hold);
  if (loss !== null) throw loss;
  return result;
}

/**
 * What `fn` did is done although the store does not know it: its lease covered it.
 *
 * @param {unknown} error
 */
function throwUnlessAway(error) {
  if (!(error instanceof StoreUnreachableError)) throw error;
}

module.exports = { Hold, abort, runAndRelease, runInto };
