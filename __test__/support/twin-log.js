'use strict';
// What a random program sees on one implementation, line by line, so that another one's can be held against it; and a clock
// by which both see the same expire.

const { block, PATIENCE } = require('./until');

// Times in milliseconds.
/** As an expiry: overdue as soon as anybody asks. */
const AT_ONCE = 1e-6;
/** Over whenever a `TwinClock` lets time pass, and not before. */
const SHORT = 3;
const LATER = 600_000;

/** @typedef {{ text: string, object: string | number, fence: number }} FenceLine */

class TwinLog {
  /** @type {(string | FenceLine)[]} */
  #lines = [];

  /** @param {string} text */
  add(text) {
    this.#lines.push(text);
  }

  /**
   * Adds a line about a hold. Fences of one lock object grow with its grants, and by how much is nobody's business: they
   * are compared by their order.
   *
   * @param {string} text
   * @param {string | number} object whose fence it is
   * @param {number} fence
   */
  addFence(text, object, fence) {
    this.#lines.push({ text, object, fence });
  }

  get length() {
    return this.#lines.length;
  }

  /** @returns {string[]} */
  lines() {
    const fences = this.#lines.filter((line) => typeof line !== 'string');
    const places = new Map();
    for (const object of new Set(fences.map((line) => line.object))) {
      const own = fences.filter((line) => line.object === object).map(({ fence }) => fence);
      const sorted = [...new Set(own)].sort((a, b) => a - b);
      places.set(object, new Map(sorted.map((fence, i) => [fence, i])));
    }
    return this.#lines.map((line) =>
      typeof line === 'string' ? line : `${line.text}, fence #${places.get(line.object).get(line.fence)}`,
    );
  }
}

/**
 * Time stands still, as far as SHORT times go, until the program lets it pass; then all of them that run are over.
 *
 * That is so unless the machine stalls: then `stalled` is set, and the run proves nothing.
 */
class TwinClock {
  stalled = false;
  #start = performance.now();

  /** To be called after whatever looks whether something is overdue. */
  look() {
    if (performance.now() - this.#start > SHORT) this.stalled = true;
  }

  /** @param {() => boolean} isDue whether something is still to come of it */
  async pass(isDue) {
    const end = performance.now() + PATIENCE;
    await pause(30);
    this.look();
    do {
      if (performance.now() > end) throw new Error('what is due does not come');
      // Whatever has been granted so far is overdue when the event loop turns, and nothing that this turn grants.
      this.#wait();
      await new Promise(setImmediate);
      this.look();
    } while (isDue());
    this.#wait();
  }

  #wait() {
    block(SHORT + 0.5);
    this.#start = performance.now();
  }
}

/** An error as a line shows it: copies of the package have classes of their own. */
function errorText(error) {
  // How long it was held is the clock's.
  const message = String(error?.message).replaceAll(/ for [\d.]+ m?s\b/g, '');
  return `${error?.name} ${error?.code ?? ''} ${message}`;
}

/** Where two logs part, with some lines of what came before; '' if they do not. */
function firstDifference(expected, actual) {
  const length = Math.max(expected.length, actual.length);
  const at = Array.from({ length }, (_, i) => i).find((i) => expected[i] !== actual[i]);
  if (at === undefined) return '';
  const before = expected.slice(Math.max(0, at - 12), at).map((line) => `    ${line}`);
  return [...before, `  - ${expected[at]}`, `  + ${actual[at]}`].join('\n');
}

/** Lets so many microtasks of others run. */
async function pause(turns) {
  for (let i = 0; i < turns; i++) await Promise.resolve();
}

module.exports = { pause, TwinLog, TwinClock, errorText, firstDifference, AT_ONCE, SHORT, LATER };
