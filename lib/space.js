'use strict';
// One lock object's keys, as this thread sees them: which JavaScript request an engine event is about.

const port = require('./port');

const READ = 0;
const WRITE = 1;
/** Above this many places an emptied list of requests gives its memory back. */
const KEEP_PLACES = 1024;

/** @typedef {import('./port').Request} Request */
/** @typedef {import('./port').Event} Event */

/** Closes the engine's side of a space that the program has dropped. */
const dropped = new FinalizationRegistry(port.closeSpace);

/**
 * A private space.
 *
 * Invariant: `requests[tag]` is the live request with that tag; `freeTags` are the other places; `waiting`
 * counts those that wait.
 */
class Space {
  constructor() {
    /** The port's own number of this space. */
    this.number = port.openSpace();
    /** @type {(Request | null)[]} */
    this.requests = [];
    /** @type {number[]} */
    this.freeTags = [];
    this.waiting = 0;
    /**
     * The keys of which something is still to be told. Belongs to `delivery.js`.
     *
     * @type {Map<string, import('./delivery').Backlog>}
     */
    this.backlogs = new Map();
    dropped.register(this, this.number);
  }

  /**
   * Asks for the request's key.
   *
   * @param {Request} request
   * @param {number} mode
   * @param {number} expiry milliseconds, or 0
   * @returns {{ granted: boolean, events: Event[] | null }} what others have to be told first
   */
  ask(request, mode, expiry) {
    request.tag = this.freeTags.pop() ?? this.requests.length;
    this.requests[request.tag] = request;
    const granted = port.request(request, mode, expiry);
    if (!granted) {
      this.waiting++;
      // In a space without expiries, those who wait are called by those who hold, and so live with them.
      if (expiry > 0) port.awaited.set(this.number, this);
    }
    return { granted, events: port.takeEvents(this) };
  }

  /**
   * Ends a request's hold.
   *
   * @param {Request} request
   * @returns {{ released: boolean, events: Event[] | null }} not released: it had ended before
   */
  release(request) {
    const released = port.release(request);
    if (released) this.forget(request.tag);
    return { released, events: port.takeEvents(this) };
  }

  /**
   * The request an event is about, which waits no longer, or (expired) lives no longer.
   *
   * @param {number} tag
   * @param {boolean} expired
   * @returns {Request}
   */
  requestOf(tag, expired) {
    const request = /** @type {Request} */ (this.requests[tag]);
    if (expired) this.forget(tag);
    else this.waiting--;
    return request;
  }

  /** @param {number} tag */
  forget(tag) {
    this.requests[tag] = null;
    this.freeTags.push(tag);
    if (this.freeTags.length === this.requests.length && this.requests.length > KEEP_PLACES) {
      this.requests = [];
      this.freeTags = [];
    }
  }
}

module.exports = { Space, READ, WRITE };
