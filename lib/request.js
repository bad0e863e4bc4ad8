'use strict';
// One call that asked for a key, and how far it has got: what the faces' requests have in common.

/** @typedef {import('./space').Space} Space */

// How it wants to hold its key.
const READ = 0;
const WRITE = 1;

// How far a request has got, as far as this thread has heard.
//
// Another thread's grant comes as a letter, and a call may end a hold whose grant is still to be read. Until that letter
// has come, the request's tag must not be used again.
const WAITING = 0;
const HOLDING = 1;
/** Ended, by a call or by an expiry that was read first; the letter of its grant is still to come. */
const ENDED_BEFORE_GRANT = 2;
const EXPIRED_BEFORE_GRANT = 3;
const ENDED = 4;
/** Only on a store: it was asked to end the hold, and its answer is still to come. */
const RELEASING = 5;

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
    this.state = WAITING;
    /** @type {import('./thin').ThinKey | null} its key, once it has asked */
    this.at = null;
    // What it learns when it is granted.
    this.fence = 0;
    this.recovered = false;

    // Its neighbours in the list that it is in.
    /** @type {any} a request */
    this.previous = null;
    /** @type {any} a request */
    this.next = null;
    /** While it holds its key without the engine: when it was granted, by `clock.js`, if that may matter. */
    this.since = 0;

    // While the engine has it: its place in the space's list of requests, and its ticket.
    this.tag = 0;
    this.index = 0;
    this.generation = 0;
    /** Whether its grant was put off. Belongs to `delivery.js`. */
    this.untold = false;

    /** @type {import('./diagnostics').Times | null} */
    this.times = null;
  }

  // What can happen to it. A face says what then, for what can happen to its requests.

  /** It holds its key now. */
  onGranted() {}

  /** Its hold was taken away. */
  onExpired() {}

  /** It waited as long as it was willing to. */
  onTimedOut() {}

  // What only a store makes happen.

  /** Its hold ended with the process' session there. */
  onLost() {}

  /**
   * It cannot be granted.
   *
   * @param {Error} _error
   */
  onFailed(_error) {}

  /**
   * Its release was answered.
   *
   * @param {Error | null} _error what kept it from being released
   */
  onReleased(_error) {}
}

module.exports = {
  READ,
  WRITE,
  Request,
  WAITING,
  HOLDING,
  ENDED_BEFORE_GRANT,
  EXPIRED_BEFORE_GRANT,
  ENDED,
  RELEASING,
};
