'use strict';
// Holds of several keys at once: taken all or none, in one order for everybody, so that no two can wait for
// each other.

const { toKey } = require('./arguments');
const { Hold, lossOf } = require('./hold');

/**
 * Why a part of a multi-hold was taken away; null if none was.
 *
 * @type {(hold: MultiHold) => ReturnType<typeof lossOf>}
 */
let lossOfAny;

class MultiHold extends Hold {
  /** @type {readonly Hold[]} in the order in which they were taken */
  #holds;
  #key;
  #mode;
  #answersLater;
  /** @type {AbortController | null} made when somebody first asks for the signal */
  #controller = null;

  /**
   * @param {readonly Hold[]} holds
   * @param {'read' | 'write'} mode
   * @param {boolean} answersLater whether a store answers to a release
   */
  constructor(holds, mode, answersLater) {
    super(null);
    this.#holds = holds;
    this.#key = Object.freeze(holds.map((hold) => /** @type {string} */ (hold.key)));
    this.#mode = mode;
    this.#answersLater = answersLater;
  }

  get key() {
    return this.#key;
  }

  get mode() {
    return this.#holds[0]?.mode ?? this.#mode;
  }

  get fence() {
    return this.#holds.reduce((highest, { fence }) => Math.max(highest, fence), 0);
  }

  get recovered() {
    return this.#holds.some((hold) => hold.recovered);
  }

  get signal() {
    if (this.#controller === null) {
      const controller = new AbortController();
      this.#controller = controller;
      for (const { signal } of this.#holds) {
        const abort = () => controller.abort(signal.reason);
        if (signal.aborted) abort();
        else signal.addEventListener('abort', abort, { once: true });
      }
    }
    return this.#controller.signal;
  }

  release() {
    // In the reverse order of taking: whoever waits for several of them finds the last ones free first.
    const answers = this.#holds.toReversed().map((hold) => hold.release());
    return this.#answersLater ? together(answers) : undefined;
  }

  downgrade() {
    const answers = this.#holds.map((hold) => hold.downgrade());
    return this.#answersLater ? together(answers) : undefined;
  }

  static {
    lossOfAny = (hold) =>
      hold.#holds.reduce((/** @type {ReturnType<typeof lossOf>} */ loss, part) => loss ?? lossOf(part), null);
  }
}

/**
 * @param {(Promise<void> | undefined)[]} answers
 * @returns {Promise<void>}
 */
function together(answers) {
  const all = oneByOne(answers);
  // As with each of them, nobody has to wait for it.
  all.catch(() => {});
  return all;
}

/**
 * `Promise.all`, which is told of a second rejection, too: that would be an event `multipleResolves`.
 *
 * @param {(Promise<void> | undefined)[]} answers
 */
async function oneByOne(answers) {
  for (const answer of answers) await answer;
}

/**
 * The order in which everybody takes keys, each once.
 *
 * @param {unknown[]} keys
 */
function inOrder(keys) {
  return [...new Set(Array.from(keys, (key) => toKey(key)))].sort((a, b) => (a < b ? -1 : 1));
}

module.exports = { MultiHold, lossOfAny, inOrder };
