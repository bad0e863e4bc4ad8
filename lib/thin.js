'use strict';
// Thin locks: a private key without contention lives in a JavaScript object and never crosses into the engine.
//
// | state   | who holds the key     | a read request  | a write request |
// | ------- | --------------------- | --------------- | --------------- |
// | FREE    | nobody                | granted: 1      | granted: WRITTEN |
// | n > 0   | n readers             | granted: n + 1  | asks the engine |
// | WRITTEN | one writer            | asks the engine | asks the engine |
// | ENGINE  | whoever it says       | asks the engine | asks the engine |
//
// A request that might have to wait makes the key the ENGINE's: its holders, with their fences and times, are
// handed over, and the engine decides from then on. When the engine has forgotten the key, it is FREE again.
// A reader that arrives where a reader may be overdue goes that way, too: expiries are the engine's business.
// Keys of named spaces are always the ENGINE's; here they only remember their slots.

const { Keys } = require('./keys');
const { HOLDING, ENDED } = require('./life');
const { READ } = require('./request');

const FREE = 0;
const WRITTEN = -1;
const ENGINE = -2;

/** For tests: whether anything at all is decided here. */
const THIN = process.env.LATCHKEY_THIN !== 'off';

/** @typedef {import('./request').Request} Request */

/**
 * One key.
 *
 * Invariant: while `state` is WRITTEN or positive, `last` ends the list of the holders in the order of their
 * grants; else it is null. `inEngine` counts this thread's requests that the engine has. `slot` is the engine's
 * name for the key, or -1 if it is not known.
 */
class ThinKey {
  /**
   * @param {ThinKeys} keys
   * @param {string} name
   * @param {number} state
   */
  constructor(keys, name, state) {
    this.keys = keys;
    this.name = name;
    this.state = state;
    /** @type {Request | null} */
    this.last = null;
    /** Whether a holder has an expiry. */
    this.timed = false;
    this.inEngine = 0;
    this.slot = -1;
    this.slotGeneration = 0;
    // What has happened to it and is to be delivered. Belongs to `delivery.js`.
    /** @type {import('./delivery').Event | null} */
    this.firstEvent = null;
    /** @type {import('./delivery').Event | null} */
    this.lastEvent = null;
  }

  /**
   * Whether a request can be granted here, since that needs nobody's waiting.
   *
   * @param {Request} request
   */
  admits({ mode }) {
    return this.state === FREE || (this.state > 0 && mode === READ && !this.timed);
  }

  /**
   * Grants the key to a request that it admits. Calls nothing, so that the end of the stack finds it done or not begun.
   *
   * @param {Request} request
   */
  grant(request) {
    if (this.state === FREE) {
      this.keys.idle--;
      this.state = request.mode === READ ? 1 : WRITTEN;
    } else {
      this.state++;
    }
    this.timed = request.expiry > 0;
    request.previous = this.last;
    if (this.last !== null) this.last.next = request;
    this.last = request;
    request.state = HOLDING;
  }

  /**
   * Ends the hold of a request. As `grant`, but for the sweep at its end, which may as well come later.
   *
   * @param {Request} request
   */
  release(request) {
    const { previous, next } = request;
    if (previous !== null) previous.next = next;
    if (next === null) this.last = previous;
    else next.previous = previous;
    // A program may keep what was released, but not all readers that came after it.
    request.previous = null;
    request.next = null;
    request.state = ENDED;
    if (this.state > 1) {
      this.state--;
    } else {
      this.state = FREE;
      this.timed = false;
      if (++this.keys.idle > this.keys.maxIdle) this.keys.sweep();
    }
  }

  /** Makes the writer a reader. */
  downgrade() {
    this.state = 1;
  }

  /**
   * Hands the key to the engine.
   *
   * @param {(holder: Request) => void} adopt called for each holder in the order of the grants
   */
  inflate(adopt) {
    if (this.state === FREE) this.keys.idle--;
    let holder = this.last;
    this.state = ENGINE;
    this.last = null;
    this.timed = false;
    while (holder !== null && holder.previous !== null) holder = holder.previous;
    for (let next; holder !== null; holder = next) {
      next = holder.next;
      holder.previous = null;
      holder.next = null;
      adopt(holder);
    }
  }

  /** The engine has forgotten the key: the next request finds it free here. */
  deflate() {
    this.slot = -1;
    if (!this.keys.thin) return;
    this.state = FREE;
    if (++this.keys.idle > this.keys.maxIdle) this.keys.sweep();
  }

  enterEngine() {
    if (this.inEngine++ === 0 && !this.keys.thin) this.keys.idle--;
  }

  leaveEngine() {
    if (--this.inEngine === 0 && !this.keys.thin && ++this.keys.idle > this.keys.maxIdle) this.keys.sweep();
  }

  /** Whether nothing is lost with this object. */
  isIdle() {
    return this.firstEvent === null && (this.keys.thin ? this.state === FREE : this.inEngine === 0);
  }
}

/** @extends {Keys<ThinKey>} */
class ThinKeys extends Keys {
  /** @param {boolean} thin whether keys may be held here: in a private space */
  constructor(thin) {
    super((_, name) => new ThinKey(this, name, thin ? FREE : ENGINE));
    this.thin = thin;
  }
}

module.exports = { ThinKeys, ThinKey, ENGINE, THIN };
