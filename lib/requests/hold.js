'use strict';
// What the program holds by the promise API: one granted request or several, and the function that runs meanwhile.

const { StoreUnreachableError, invalidThis } = require('../errors');
const { showAs } = require('../inspect');
const { rejection, withCaller } = require('./rejection');
const { marksOf, modeName } = require('../events/snapshot');

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

/**
 * What a hold is made of; throws if it is none.
 *
 * @type {(hold: Hold, fault: string) => Held}
 */
let heldOf;

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
    return heldOf(this, 'key belongs to').key;
  }

  get mode() {
    return modeName(heldOf(this, 'mode belongs to').mode);
  }

  get fence() {
    return heldOf(this, 'fence belongs to').fence;
  }

  get recovered() {
    return heldOf(this, 'recovered belongs to').recovered;
  }

  get signal() {
    const held = heldOf(this, 'signal belongs to');
    this.#controller ??= new AbortController();
    const { signal } = this.#controller;
    const loss = held.findLoss();
    if (loss !== null && !signal.aborted) this.#controller.abort(loss);
    return signal;
  }

  throwIfLost() {
    const loss = heldOf(this, 'throwIfLost() has to be called on').findLoss();
    if (loss !== null) throw withCaller(loss, this.throwIfLost);
  }

  /** @returns {number} milliseconds, or Infinity */
  remaining() {
    return heldOf(this, 'remaining() has to be called on').remaining();
  }

  /** @returns {Promise<void> | undefined} a promise where a store answers */
  release() {
    return heldOf(this, 'release() has to be called on').release();
  }

  /** @returns {Promise<void> | undefined} a promise where a store answers */
  downgrade() {
    return heldOf(this, 'downgrade() has to be called on').downgrade();
  }

  /** @returns {any} */
  toJSON() {
    return describe(heldOf(this, 'toJSON() has to be called on'));
  }

  [DISPOSE]() {
    heldOf(this, 'release() has to be called on').release();
  }

  async [ASYNC_DISPOSE]() {
    await heldOf(this, 'release() has to be called on').release();
  }

  static {
    heldOf = (hold, fault) => {
      if (typeof hold !== 'object' || hold === null || !(#held in hold)) throw invalidThis(`${fault} a Hold`);
      return hold.#held;
    };
    showAs(this, (hold) => (#held in hold ? describe(hold.#held) : null));
    abort = (hold) => hold.#controller?.abort(hold.#held.loss);
    lossOf = (hold) => hold.#held.loss;
  }
}

/**
 * What a hold says of itself.
 *
 * @param {Held} held
 */
function describe({ key, mode, fence, recovered, holdState, label }) {
  return {
    ...{ key, mode: modeName(mode), fence, recovered, state: holdState },
    ...marksOf({ label }),
  };
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
  const fail = (/** @type {unknown} */ error) => resolve(releaseAfter(hold, error));
  const end = (/** @type {unknown} */ result) => {
    try {
      resolve(release(hold, result));
    } catch (loss) {
      resolve(rejection(loss));
    }
  };
  try {
    then.call(start(hold, fn), end, fail);
  } catch (error) {
    // A promise of somebody else's making can keep others from following it.
    fail(error);
  }
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
  return released.then(
    () => unlessLost(hold, result),
    // What `fn` did is done although the store cannot learn it: its lease covered it.
    (error) => (error instanceof StoreUnreachableError ? unlessLost(hold, result) : rejection(error)),
  );
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
  if (loss !== null) throw withCaller(loss);
  return result;
}

module.exports = { Hold, abort, runAndRelease, runInto };
