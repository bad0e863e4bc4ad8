'use strict';
// One opening of a space by this thread's port: which JavaScript request an event of the engine is about, by its tag, and how long
// the opening lasts.

const { privateSpaces } = require('./abandoned');
const port = require('../addon/port');
const { awake } = require('../events/reading');

/** @typedef {import('../events/request').Request} Request */

/** Above this many places an emptied list of requests gives its memory back. */
const KEEP_PLACES = 1024;

/** Closes the engine's side of a space that the program has dropped. */
const dropped = new FinalizationRegistry(leave);

/** @param {number} number of a space of which nothing will be asked any more */
function leave(number) {
  awake.delete(number);
  privateSpaces.delete(number);
  port.about(number).close();
}

/**
 * Invariant: `requests[tag]` is the request with that tag, until it is ENDED; the first `free` of `freeTags` are the other
 * places; the port keeps the space awake while a wake-up may be about it.
 */
class Member {
  /** @param {number} number the port's own number of this space */
  constructor(number) {
    this.number = number;
    /** @type {(Request | null)[]} */
    this.requests = [];
    /** @type {number[]} */
    this.freeTags = [];
    this.free = 0;
    /** @type {import('../events/reading').Awake | null} its entry, once it has been awake */
    this.awake = null;
    this.closing = false;
    dropped.register(this, number, this);
  }

  /**
   * Gives a request a tag.
   *
   * @param {Request} request
   */
  add(request) {
    request.tag = this.free > 0 ? this.freeTags[--this.free] : this.requests.length;
    this.requests[request.tag] = request;
  }

  /** @param {Request} request which has ended */
  delete(request) {
    this.requests[request.tag] = null;
    this.freeTags[this.free++] = request.tag;
    if (this.isEmpty()) this.rest();
  }

  /** The last one has ended. */
  rest() {
    if (this.requests.length > KEEP_PLACES) {
      this.requests = [];
      this.freeTags = [];
      this.free = 0;
    }
    if (this.closing) this.leave();
  }

  isEmpty() {
    return this.free === this.requests.length;
  }

  /** Ends the use of the space, as soon as no hold of this object is left. */
  close() {
    this.closing = true;
    if (this.hasLeft()) this.leave();
  }

  /** Whether its use has ended. */
  hasLeft() {
    return this.closing && this.isEmpty();
  }

  leave() {
    dropped.unregister(this);
    leave(this.number);
  }

  /**
   * @this {import('./space').Space}
   * @param {boolean} isAwake whether a wake-up may be about it
   */
  keepAwake(isAwake) {
    if (this.awake === null) {
      if (!isAwake) return;
      this.awake = { space: null };
      awake.set(this.number, this.awake);
    }
    this.awake.space = isAwake ? this : null;
  }
}

module.exports = { Member };
