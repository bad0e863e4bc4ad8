'use strict';
// One call that asked for a key: what the APIs' requests have in common. How far it has got says `life.js`.

const { framesOf } = require('../trace');

/** @typedef {import('../spaces/space').Space} Space */

// How it wants to hold its key.
const READ = 0;
const WRITE = 1;

class Request {
  /**
   * @param {Space} space
   * @param {string} key
   * @param {number} mode READ or WRITE
   * @param {number} expiry milliseconds, or 0
   */
  constructor(space, key, mode, expiry) {
    this.space = space;
    this.key = key;
    this.mode = mode;
    this.expiry = expiry;
    /** Belongs to the space: see life.js. */
    this.state = 0;
    /** @type {import('../spaces/thin').ThinKey | null} its key, once it has asked */
    this.keyObject = null;
    // What it learns when it is granted.
    this.fence = 0;
    this.recovered = false;
    /** @type {import('../errors').LockError | null} why its hold was taken away, if it was */
    this.loss = null;

    // Its neighbours in the list that it is in.
    /** @type {any} a request */
    this.previous = null;
    /** @type {any} a request */
    this.next = null;
    /** When it asked or, once it is granted, when that was, by `clock.js`: if that may matter. */
    this.since = 0;

    /** While the engine has it: the place in the space's list of requests, by which the engine's events name it. */
    this.tag = 0;

    /** @type {import('./diagnostics').Times | null} */
    this.times = null;
  }

  /** @returns {string | undefined} by which people recognise it */
  get label() {
    return undefined;
  }

  /** @returns {string | undefined} the frames of the program where it was asked, if that is remembered */
  get trace() {
    const place = this.times?.trace;
    return place === undefined ? undefined : framesOf(place);
  }

  /** Whether nobody asks who was in its way, if it is refused. */
  get isTry() {
    return false;
  }

  /** Whether somebody may ask how long it has held its key, or waits. */
  get isReported() {
    return false;
  }

  // How an event is delivered to the program. An API says how, for what can happen to its requests.

  /** It holds its key. */
  onGranted() {}

  /**
   * Its hold was taken away.
   *
   * @param {Error} _error
   */
  onLost(_error) {}

  /**
   * It waited as long as it was willing to.
   *
   * @param {import('./snapshot').Blockers | null} _blockers who kept it waiting, if that is known
   */
  onTimedOut(_blockers) {}

  /**
   * It cannot be granted: only a store says so.
   *
   * @param {Error} _error
   */
  onFailed(_error) {}

  /**
   * It was released.
   *
   * @param {Error | null} _error what kept a store from doing it
   */
  onReleased(_error) {}
}

module.exports = { READ, WRITE, Request };
