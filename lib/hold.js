'use strict';
// A granted request of the promise API, as the program holds it, and the function that runs meanwhile.

const { StoreUnreachableError } = require('./errors');
const { WRITE } = require('./request');

/** @typedef {import('./promise-request').PromiseRequest} PromiseRequest */
/** @typedef {import('./errors').LockError} Loss */

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
 * The request of a hold.
 *
 * @type {(hold: Hold) => PromiseRequest}
 */
let requestOf;

class Hold {
  /** @type {PromiseRequest} */
  #request;
  /** @type {AbortController | null} made when somebody first asks for the signal */
  #controller = null;

  /** @param {PromiseRequest | null} request null for a hold of several keys, which is made of others */
  constructor(request) {
    this.#request = /** @type {PromiseRequest} */ (request);
  }

  /** @returns {any} a string; of several keys a list of them */
  get key() {
    return this.#request.key;
  }

  get mode() {
    return this.#request.mode === WRITE ? 'write' : 'read';
  }

  get fence() {
    return this.#request.fence;
  }

  get recovered() {
    return this.#request.recovered;
  }

  get signal() {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#request.loss !== null) this.#controller.abort(this.#request.loss);
    }
    return this.#controller.signal;
  }

  /** @returns {Promise<void> | undefined} a promise where a store answers */
  release() {
    return this.#request.release();
  }

  /** @returns {Promise<void> | undefined} a promise where a store answers */
  downgrade() {
    return this.#request.downgrade();
  }

  [DISPOSE]() {
    this.release();
  }

  async [ASYNC_DISPOSE]() {
    await this.release();
  }

  static {
    abort = (hold) => hold.#controller?.abort(hold.#request.loss);
    requestOf = (hold) => hold.#request;
  }
}

/**
 * Runs `fn` with a hold, and releases it. Not an async function: `then` costs less.
 *
 * @template {Hold | import('./multi-hold').MultiHold} H
 * @param {H} hold
 * @param {(hold: H) => Error | null} lossOfHold
 * @param {(hold: H) => unknown} fn
 * @returns {Promise<unknown>}
 */
function runAndRelease(hold, lossOfHold, fn) {
  return then.call(
    start(hold, fn),
    (result) => release(hold, lossOfHold, result),
    (error) => releaseAfter(hold, error),
  );
}

/**
 * The same, for a promise that there is already: one promise less.
 *
 * @template {Hold | import('./multi-hold').MultiHold} H
 * @param {(result: unknown) => void} resolve
 * @param {H} hold
 * @param {(hold: H) => Error | null} lossOfHold
 * @param {(hold: H) => unknown} fn
 */
function runInto(resolve, hold, lossOfHold, fn) {
  then.call(
    start(hold, fn),
    (result) => {
      try {
        resolve(release(hold, lossOfHold, result));
      } catch (loss) {
        resolve(Promise.reject(loss));
      }
    },
    (error) => resolve(releaseAfter(hold, error)),
  );
}

/**
 * @template {Hold | import('./multi-hold').MultiHold} H
 * @param {H} hold
 * @param {(hold: H) => unknown} fn
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
 * @template {Hold | import('./multi-hold').MultiHold} H
 * @template R
 * @param {H} hold
 * @param {(hold: H) => Error | null} lossOfHold
 * @param {R} result
 * @returns {R | Promise<R>}
 */
function release(hold, lossOfHold, result) {
  const released = hold.release();
  if (released === undefined) return unlessLost(hold, lossOfHold, result);
  return released.catch(throwUnlessAway).then(() => unlessLost(hold, lossOfHold, result));
}

/**
 * The same for one that has failed. On a store, the answer is waited for; nothing in it is as important as the error.
 *
 * @param {Hold | import('./multi-hold').MultiHold} hold
 * @param {unknown} error
 */
async function releaseAfter(hold, error) {
  await hold.release()?.catch(() => {});
  throw error;
}

/**
 * If the hold was taken away while `fn` ran, nobody may take what `fn` did for done.
 *
 * @template {Hold | import('./multi-hold').MultiHold} H
 * @template R
 * @param {H} hold
 * @param {(hold: H) => Error | null} lossOfHold
 * @param {R} result
 */
function unlessLost(hold, lossOfHold, result) {
  const loss = lossOfHold(hold);
  if (loss !== null) throw loss;
  return result;
}

/**
 * What `fn` did is done although the store cannot be told so: its lease covered it.
 *
 * @param {unknown} error
 */
function throwUnlessAway(error) {
  if (!(error instanceof StoreUnreachableError)) throw error;
}

/**
 * Why a hold was taken away; null if it was not.
 *
 * @param {Hold} hold
 */
function lossOf(hold) {
  return requestOf(hold).loss;
}

module.exports = { Hold, abort, requestOf, lossOf, runAndRelease, runInto };
