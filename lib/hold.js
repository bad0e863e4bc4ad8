'use strict';
// A granted request of the promise face, until it is released or taken away.

const { LockExpiredError } = require('./errors');
const { WRITE } = require('./space');

/** @typedef {import('./promise-request').PromiseRequest} PromiseRequest */

/** `Symbol.dispose`, which the first versions of Node 20 do not have. */
const DISPOSE = Symbol.dispose ?? Symbol.for('nodejs.dispose');

/**
 * Tells a hold that it was taken away. A function beside the class, so that no program can call it.
 *
 * @type {(hold: Hold) => void}
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
 * @type {(hold: Hold) => LockExpiredError | null}
 */
let lossOf;

class Hold {
  /** @type {PromiseRequest} */
  #request;
  /** @type {AbortController | null} made when somebody first asks for the signal */
  #controller = null;
  /** @type {LockExpiredError | null} */
  #lost = null;
  #ended = false;

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

  release() {
    if (this.#ended) return;
    const { space } = this.#request;
    // Not released: the engine has taken the hold away, and the news of it is on its way.
    if (!space.release(this.#request)) return this.#lose();
    this.#ended = true;
    space.tellOthers(this.#request.key);
  }

  downgrade() {
    if (this.#ended) return;
    const { space } = this.#request;
    if (!space.downgrade(this.#request)) return this.#lose();
    space.tellOthers(this.#request.key);
  }

  [DISPOSE]() {
    this.release();
  }

  #lose() {
    if (this.#ended) return;
    this.#ended = true;
    this.#lost = new LockExpiredError(this.#request.key);
    this.#controller?.abort(this.#lost);
  }

  #giveBack() {
    if (this.#ended) return;
    this.#ended = true;
    const { space, key } = this.#request;
    if (space.release(this.#request, true)) space.tellOthers(key);
  }

  static {
    giveBack = (hold) => hold.#giveBack();
    lose = (hold) => hold.#lose();
    lossOf = (hold) => hold.#lost;
  }
}

module.exports = { Hold, giveBack, lose, lossOf, DISPOSE };
