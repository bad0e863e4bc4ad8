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
const { append, settle } = require('./delivery');
const { Keys } = require('./keys');
const { WAITING, HOLDING, ENDED, GRANTED } = require('./life');
const port = require('./port');
const { READ, WRITE } = require('./request');
const { needRoom } = require('./stack');

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
    // What has happened to it and is to be delivered. Belongs to `delivery.js`.
    /** @type {import('./delivery').Event | null} */
    this.firstEvent = null;
    /** @type {import('./delivery').Event | null} */
    this.lastEvent = null;
  }

  /** Whether nobody waits for it, and nothing is to be delivered. */
  isQuiet() {
    return this.state !== LINE && this.firstEvent === null;
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
      if (++this.keys.idle > this.keys.maxIdle) this.keys.sweep();
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
    return this.state === FREE && this.firstEvent === null;
  }
}

/** @param {Keys<CountedKey>} keys @param {string} name */
function newKey(keys, name) {
  return new CountedKey(keys, name);
}

/** What `callbacks.js` needs of a space. */
class CountedSpace {
  constructor() {
    /** @type {string | undefined} it has none */
    this.name = undefined;
    this.keys = new Keys(newKey);
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
    if (!key.admits(mode) || key.firstEvent !== null || diagnostics.enabled()) return null;
    key.take(mode);
    return key;
  }

  /**
   * Gives such a key back.
   *
   * @param {CountedKey} key
   * @returns {Request | null} whom that lets in, if it is one, and nothing is to be delivered before that
   */
  give(key) {
    let request = key.give();
    if (request === null) return null;
    if (request.next === null && key.firstEvent === null) return this.grant(request);
    for (let next; request !== null; request = next) {
      next = request.next;
      request.next = null;
      append(this.grant(request), GRANTED, null);
    }
    return null;
  }

  /** @param {Request} request */
  isFree({ key: name, mode }) {
    const key = this.keys.find(name);
    return key.admits(mode) && key.firstEvent === null;
  }

  /**
   * Asks for the request's key.
   *
   * @param {Request} request
   * @returns {Request | null} the request, if it was granted: the caller has to `settle` that
   */
  ask(request) {
    if (diagnostics.enabled()) diagnostics.asked(request);
    const key = this.keys.find(request.key);
    request.at = key;
    if (key.admits(request.mode)) {
      key.take(request.mode);
      return this.grant(request);
    }
    request.state = WAITING;
    key.join(request);
    if (request.times !== null) diagnostics.waits(request);
    return null;
  }

  /** @param {Request} request */
  grant(request) {
    request.state = HOLDING;
    if (request.times === null) return request;
    request.fence = port.nextFence();
    diagnostics.granted(request);
    return request;
  }

  /**
   * Ends a request's hold.
   *
   * @param {Request} request
   * @returns {Request | null} as `give`
   */
  release(request) {
    const key = /** @type {CountedKey} */ (request.at);
    if (!key.isQuiet()) needRoom();
    const grant = this.give(key);
    request.state = ENDED;
    if (request.times !== null) diagnostics.released(request);
    return grant;
  }

  /**
   * Delivers what a call about a key has caused, and what it has to tell itself: see delivery.js.
   *
   * @param {CountedKey} key
   * @param {Request | null} grant
   * @param {any} own
   * @param {number} kind
   */
  settle(key, grant, own, kind) {
    settle(key, grant, own, kind);
  }
}

module.exports = { CountedSpace, CountedKey };
