'use strict';
// Thin locks: what needs nobody's waiting in a private space is decided by a state word, without the engine.
//
// | state   | who holds the key     | a read request  | a write request |
// | ------- | --------------------- | --------------- | --------------- |
// | FREE    | nobody                | granted: 1      | granted: WRITTEN |
// | n > 0   | n readers             | granted: n + 1  | asks the engine |
// | WRITTEN | one writer            | asks the engine | asks the engine |
// | ENGINE  | whoever it says       | asks the engine | asks the engine |
//
// A request that might have to wait makes the key the ENGINE's: its holders are handed over, and the engine decides from
// then on. When the engine has forgotten the key, it is FREE again.
// A reader that arrives where a reader may be overdue goes that way, too: expiries are the engine's business.
// Keys of named spaces are always the ENGINE's; here they only remember their slots.

const { HOLDING, ENDED } = require('../events/life');
const { READ, WRITE } = require('../events/request');

/** Each so many units of a name (2 to this power) weigh as much as a key. */
const LONG_BITS = 8;

const FREE = 0;
const WRITTEN = -1;
const ENGINE = -2;

/** @typedef {import('../events/request').Request} Request */

/**
 * One key.
 *
 * Invariant: while `state` is WRITTEN or positive, the holders are those in the list that `last` ends, in the order of their
 * grants, and `counted` others that nothing distinguishes. Else there are no such. While `state` is ENGINE,
 * `holders` and `waiting` count who holds the key and who waits for it as of the last event that was read (in a named space,
 * of this thread's), and `mode` is that of the holders. `timed` counts the holders that have an expiry, in all states.
 * `inEngine` counts this thread's requests of a named space's key that the engine has. `slot` is the engine's name for the key, or -1.
 */
class ThinKey {
  /**
   * @param {import('./keys').Keys} keys
   * @param {string} name
   * @param {number} state
   */
  constructor(keys, name, state) {
    this.keys = keys;
    this.name = name;
    this.state = state;
    /** What it costs to keep it while it is idle. A key that is no longer than most are costs 1. */
    this.weight = 1 + (name.length >> LONG_BITS);
    /** @type {Request | null} */
    this.last = null;
    this.counted = 0;
    this.holders = 0;
    this.waiting = 0;
    this.mode = READ;
    this.timed = 0;
    this.inEngine = 0;
    this.slot = -1;
    this.slotGeneration = 0;
    // What has happened to it and is to be delivered. Belongs to `delivery.js`.
    /** @type {import('../events/delivery').Event | null} */
    this.firstEvent = null;
    /** @type {import('../events/delivery').Event | null} */
    this.lastEvent = null;
  }

  /**
   * Whether a request can be granted here, since that needs nobody's waiting.
   *
   * @param {number} mode
   */
  admits(mode) {
    return this.state === FREE || (this.state > 0 && mode === READ && this.timed === 0);
  }

  /**
   * Whether a request would be granted at once, and nothing is to be delivered before that: in a named space, which others use,
   * only probably.
   *
   * @param {number} mode
   */
  isFree(mode) {
    return this.firstEvent === null && (this.keys.thin ? this.admits(mode) : this.inEngine === 0);
  }

  /**
   * Whether a request surely waits, or is refused if it is not willing to: nobody has to look at the clock for that.
   *
   * @param {number} mode
   */
  surelyWaits(mode) {
    if (this.timed > 0) return this.waiting > 0;
    if (this.state === ENGINE)
      return this.waiting > 0 || (this.holders > 0 && (mode === WRITE || this.mode === WRITE));
    return this.state !== FREE && (mode === WRITE || this.state === WRITTEN);
  }

  /**
   * Grants the key to a holder that is only counted, and that it admits. Calls nothing, so that the end of the stack finds it
   * done or not begun. So do the next ones, which first call `becomeFree`, and but for its sweep, which may as well come later.
   *
   * @param {number} mode
   */
  take(mode) {
    if (this.state === FREE) {
      this.keys.idle -= this.weight;
      this.state = mode === READ ? 1 : WRITTEN;
    } else {
      this.state++;
    }
    this.counted++;
  }

  /** Ends such a hold. */
  give() {
    if (this.state > 1) this.state--;
    else this.becomeFree();
    this.counted--;
  }

  /**
   * Grants the key to a request that it admits.
   *
   * @param {Request} request
   */
  grant(request) {
    if (this.state === FREE) {
      this.keys.idle -= this.weight;
      this.state = request.mode === READ ? 1 : WRITTEN;
    } else {
      this.state++;
    }
    if (request.expiry > 0) this.timed++;
    request.previous = this.last;
    if (this.last !== null) this.last.next = request;
    this.last = request;
    request.state = HOLDING;
  }

  /**
   * Ends the hold of a request.
   *
   * @param {Request} request
   */
  release(request) {
    if (this.state > 1) this.state--;
    else this.becomeFree();
    const { previous, next } = request;
    if (previous !== null) previous.next = next;
    if (next === null) this.last = previous;
    else next.previous = previous;
    // A program may keep what was released, but not all readers that came after it.
    request.previous = null;
    request.next = null;
    request.state = ENDED;
    if (request.expiry > 0) this.timed--;
  }

  /**
   * Makes the writer a reader.
   *
   * @param {Request} request its
   */
  downgrade(request) {
    this.state = 1;
    request.mode = READ;
  }

  /** The engine has forgotten the key: the next request finds it free here. */
  deflate() {
    if (!this.keys.thin) {
      this.slot = -1;
      return;
    }
    this.becomeFree();
  }

  /** Nobody holds it any more. */
  becomeFree() {
    this.state = FREE;
    if ((this.keys.idle += this.weight) <= this.keys.maxIdle) return;
    // The end of the stack must not make a hold that has ended look as if it had not: the next one sweeps.
    try {
      this.keys.sweep();
    } catch {}
  }

  enterEngine() {
    if (this.inEngine++ === 0) this.keys.idle -= this.weight;
  }

  leaveEngine() {
    if (--this.inEngine > 0) return;
    if ((this.keys.idle += this.weight) > this.keys.maxIdle) this.keys.sweep();
  }

  /**
   * A request that the engine has holds the key, or not any more.
   *
   * @param {Request} request
   * @param {number} change 1 or -1
   */
  countHolder({ mode, expiry }, change) {
    this.holders += change;
    if (expiry > 0) this.timed += change;
    if (change > 0) this.mode = mode;
  }

  /** Whether nothing is lost with this object. */
  isIdle() {
    return this.firstEvent === null && (this.keys.thin ? this.state === FREE : this.inEngine === 0);
  }
}

module.exports = { ThinKey, FREE, WRITTEN, ENGINE };
