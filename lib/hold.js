'use strict';
// A granted request of the promise face, until it is released or taken away.

const { deliver } = require('./delivery');
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

  /** @param {PromiseRequest} request */
  constructor(request) {
    this.#request = request;
  }

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
    const events = space.takeEvents();
    if (events !== null) deliver(events);
  }

  downgrade() {
    if (this.#ended) return;
    const { space } = this.#request;
    if (!space.downgrade(this.#request)) return this.#lose();
    const events = space.takeEvents();
    if (events !== null) deliver(events);
  }

  [DISPOSE]() {
    this.release();
  }

  #lose() {
    if (this.#ended) return;
    this.#ended = true;
    this.#lost = new LockExpiredError(this.key);
    this.#controller?.abort(this.#lost);
  }

  static {
    lose = (hold) => hold.#lose();
    lossOf = (hold) => hold.#lost;
  }
}

module.exports = { Hold, lose, lossOf, DISPOSE };
