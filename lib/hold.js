'use strict';
// A granted request of the promise face, until it is released or taken away, and the function that runs meanwhile.

const { StoreUnreachableError } = require('./errors');
const { WRITE } = require('./request');

/** @typedef {import('./promise-request').PromiseRequest} PromiseRequest */
/** @typedef {import('./errors').LockError} Loss */

/** `Symbol.dispose`, which the first versions of Node 20 do not have. */
const DISPOSE = Symbol.dispose ?? Symbol.for('nodejs.dispose');
const ASYNC_DISPOSE = Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose');

/**
 * Tells a hold that it was taken away. A function beside the class, so that no program can call it.
 *
 * @type {(hold: Hold, error: Loss) => void}
 */
let lose;

/**
 * Ends a hold that no program has seen.
 *
 * @type {(hold: Hold) => void}
 */
let giveBack;

/**
 * Why a hold was taken away; null if it was not.
 *
 * @type {(hold: Hold) => Loss | null}
 */
let lossOf;

class Hold {
  /** @type {PromiseRequest} */
  #request;
  /** @type {AbortController | null} made when somebody first asks for the signal */
  #controller = null;
  /** @type {Loss | null} */
  #lost = null;
  #ended = false;
  /** @type {Promise<void> | undefined} what a store answers to the release */
  #answer;

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
      if (this.#lost !== null) this.#controller.abort(this.#lost);
    }
    return this.#controller.signal;
  }

  /** @returns {Promise<void> | undefined} a promise where a store answers */
  release() {
    if (this.#ended) return this.#answer;
    const { space } = this.#request;
    // Not released: it has been taken away, and the news of it is on its way.
    if (!space.release(this.#request)) return this.#lose(space.lossOf(this.#request));
    this.#ended = true;
    this.#request.tellNews();
    this.#answer = space.answerTo(this.#request);
    return this.#answer;
  }

  /** @returns {Promise<void> | undefined} a promise where a store answers */
  downgrade() {
    if (this.#ended) return this.#answer;
    const { space } = this.#request;
    if (!space.downgrade(this.#request)) return this.#lose(space.lossOf(this.#request));
    this.#request.tellNews();
    return space.answerTo(this.#request);
  }

  [DISPOSE]() {
    this.release();
  }

  async [ASYNC_DISPOSE]() {
    await this.release();
  }

  /** @param {Loss} error */
  #lose(error) {
    if (this.#ended) return this.#answer;
    this.#ended = true;
    this.#lost = error;
    this.#answer = this.#request.space.refusal(error);
    this.#controller?.abort(error);
    return this.#answer;
  }

  #giveBack() {
    if (this.#ended) return;
    this.#ended = true;
    const { space } = this.#request;
    if (space.release(this.#request, true)) this.#request.tellNews();
  }

  static {
    giveBack = (hold) => hold.#giveBack();
    lose = (hold, error) => void hold.#lose(error);
    lossOf = (hold) => hold.#lost;
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
  let running;
  try {
    running = Promise.resolve(fn(hold));
  } catch (error) {
    running = Promise.reject(error);
  }
  return running.then(
    (result) => {
      const released = hold.release();
      if (released === undefined) return unlessLost(hold, lossOfHold, result);
      return released.catch(throwUnlessAway).then(() => unlessLost(hold, lossOfHold, result));
    },
    async (error) => {
      // On a store, the answer is waited for; nothing in it is as important as the error.
      await hold.release()?.catch(() => {});
      throw error;
    },
  );
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

module.exports = { Hold, giveBack, lose, lossOf, runAndRelease };
