'use strict';
// What the program holds by the promise API: one granted request or several.

const { invalidThis } = require('../errors');
const { showAs } = require('../inspect');
const { withCaller } = require('./caller');
const { marksOf, modeName } = require('../events/snapshot');

/** @typedef {import('./promise-request').PromiseRequest | import('./request-group').RequestGroup} Held */

/** `Symbol.dispose`, which the first versions of Node 20 do not have. */
const DISPOSE = Symbol.dispose ?? Symbol.for('nodejs.dispose');
const ASYNC_DISPOSE = Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose');

/**
 * Aborts the signal of a hold that was taken away. A function beside the class, so that no program can call it.
 *
 * @type {(hold: Hold) => void}
 */
let abort;

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

module.exports = { Hold, abort };
