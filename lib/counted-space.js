'use strict';
// The keys of a private lock object whose holds nobody can tell apart: no expiry takes one away, nobody asks for its
// fence or its age, and nobody leaves a queue. Such holds need only be counted, and those who wait stand in a line: the
// engine is not asked at all.
//
// | state   | who holds the key, and who waits  | a read request | a write request |
// | ------- | --------------------------------- | -------------- | --------------- |
// | FREE    | nobody                            | granted: 1     | granted: WRITTEN |
// | n > 0   | n readers                         | granted: n + 1 | waits: LINE     |
// | WRITTEN | one writer                        | waits: LINE    | waits: LINE     |
// | LINE    | `holders` hold it, and some wait  | waits          | waits           |

const diagnostics = require('./diagnostics');
const { GRANTED } = require('./delivery');
const { Keys } = require('./keys');
const port = require('./port');
const { READ, WRITE, HOLDING, ENDED } = require('./request');

const FREE = 0;
const WRITTEN = -1;
const LINE = -2;

/** @typedef {import('./callbacks').CountedRequest} Request */

/**
 * One key.
 *
 * Invariant: while `state` is LINE, `first` to `last` are those who wait, in the order in which they asked, linked by
 * `next`, and `holders` is not 0. Else there is no line, and `state` counts the holders.
 */
class CountedKey {
  /**
   * @param {Keys<CountedKey>} keys
   * @param {string} name
   */
  constructor(keys, name) {
    this.keys = keys;
    this.name = name;
    this.state = FREE;
    this.holders = 0;
    /** @type {Request | null} */
    this.first = null;
    /** @type {Request | null} */
    this.last = null;
  }

  /**
   * Whether a request is granted at once.
   *
   * @param {number} mode
   * @returns {boolean}
   */
  admits(mode) {
    return this.state === FREE || (this.state > 0 && mode === READ);
  }

  /**
   * Counts one more holder: one that it admits.
   *
   * @param {number} mode
   */
  take(mode) {
    if (this.state === FREE) this.keys.idle--;
    if (mode === WRITE) this.state = WRITTEN;
    else this.state++;
  }

  /**
   * The last one in the line.
   *
   * @param {Request} request
   */
  join(request) {
    if (this.last !== null) {
      this.last.next = request;
    } else {
      this.holders = Math.abs(this.state);
      this.state = LINE;
      this.first = request;
    }
    this.last = request;
  }

  /**
   * Counts one holder less.
   *
   * @returns {Request | null} whom that lets in, linked by `next`
   */
  give() {
    if (this.state === LINE) return --this.holders === 0 ? this.letIn() : null;
    if (this.state > 1) {
      this.state--;
    } else {
      this.state = FREE;
      this.keys.rest();
    }
    return null;
  }

  /** The first one in the line holds the key now, and if it is a reader, so do the readers next to it. */
  letIn() {
    const first = /** @type {Request} */ (this.first);
    let last = first;
    this.holders = 1;
    while (last.mode === READ && last.next !== null && last.next.mode === READ) {
      last = last.next;
      this.holders++;
    }
    this.first = last.next;
    last.next = null;
    if (this.first === null) {
      this.last = null;
      this.state = first.mode === WRITE ? WRITTEN : this.holders;
    }
    return first;
  }

  isIdle() {
    return this.state === FREE;
  }
}

/** @param {Keys<CountedKey>} keys @param {string} name */
function newKey(keys, name) {
  return new CountedKey(keys, name);
}

/** What `callbacks.js` needs of a space. Invariant: `letIn` are those whom the last call let in, until it takes them. */
class CountedSpace {
  constructor() {
    /** @type {string | undefined} it has none */
    this.name = undefined;
    this.keys = new Keys(newKey);
    /**
     * The keys of which something is still to be told. Belongs to `delivery.js`.
     *
     * @type {Map<string, import('./delivery').Backlog>}
     */
    this.backlogs = new Map();
    /** @type {Request | null} */
    this.letIn = null;
  }

  /**
   * Takes a key without a request, if that needs nobody's waiting and nobody has to be told of it.
   *
   * @param {string} name
   * @param {number} mode
   * @returns {CountedKey | null} the key, to be given back by `give`
   */
  take(name, mode) {
    const key = this.keys.find(name);
    if (!key.admits(mode) || this.backlogs.size !== 0 || diagnostics.enabled()) return null;
    key.take(mode);
    return key;
  }

  /**
   * Gives such a key back.
   *
   * @param {CountedKey} key
   * @returns {boolean} whether that lets somebody in: see `takeGrant`
   */
  give(key) {
    this.letIn = key.give();
    return this.letIn !== null;
  }

  /**
   * Asks for the request's key.
   *
   * @param {Request} request
   * @returns {number} 1 if it was granted, 0 if it waits
   */
  ask(request) {
    if (diagnostics.enabled()) diagnostics.asked(request);
    const key = this.keys.find(request.key);
    request.at = key;
    if (key.admits(request.mode)) {
      key.take(request.mode);
      this.grant(request);
      return 1;
    }
    key.join(request);
    if (request.times !== null) diagnostics.waits(request);
    return 0;
  }

  /** @param {Request} request */
  grant(request) {
    request.state = HOLDING;
    if (request.times === null) return;
    request.fence = port.nextFence();
    diagnostics.granted(request);
  }

  /**
   * Ends a request's hold.
   *
   * @param {Request} request
   * @returns {boolean} false if it had ended before
   */
  release(request) {
    if (request.state === ENDED) return false;
    request.state = ENDED;
    this.give(/** @type {CountedKey} */ (request.at));
    if (request.times !== null) diagnostics.released(request);
    return true;
  }

  /**
   * `takeEvents`, where nearly always one grant is all there is to tell.
   *
   * @returns {Request | null} whom the last call let in, if it is one
   */
  takeGrant() {
    const request = this.letIn;
    if (request === null || request.next !== null) return null;
    this.letIn = null;
    this.grant(request);
    diagnostics.publish();
    return request;
  }

  /** @returns {import('./delivery').Event[] | null} whom the last call let in, in order */
  takeEvents() {
    /** @type {import('./delivery').Event[] | null} */
    let events = null;
    for (let request = this.letIn, next; request !== null; request = next) {
      next = request.next;
      request.next = null;
      this.grant(request);
      (events ??= []).push({ request, kind: GRANTED });
    }
    this.letIn = null;
    diagnostics.publish();
    return events;
  }
}

module.exports = { CountedSpace, CountedKey };
