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
//
// Where no hold can ever be told from another one (no expiry takes one away, nobody asks for its fence or its
// age), holders are counted and nothing more; the engine gets stand-ins for them.

const FREE = 0;
const WRITTEN = -1;
const ENGINE = -2;

/** Up to so many idle keys are kept, so that a key in regular use is not made anew each time. */
const KEEP_IDLE = 1024;

/** @typedef {import('./request').Request} Request */

/** @type {Request[]} */
const NONE = [];

/**
 * One key.
 *
 * Invariant: while `state` is WRITTEN or positive, `first` starts the list of the holders in the order of their
 * grants, unless they are only counted; else it is null. While the engine has the key, `standIns` are the
 * requests that stand for counted holds; else it is empty. `inEngine` counts this thread's requests that the
 * engine has. `slot` is the engine's name for the key, or -1 if it is not known.
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
    this.first = null;
    /** @type {Request | null} */
    this.last = null;
    /** Whether a holder has an expiry. */
    this.timed = false;
    this.inEngine = 0;
    this.slot = -1;
    this.slotGeneration = 0;
    /** @type {Request[]} */
    this.standIns = NONE;
  }

  /**
   * Counts one more holder, if that needs nobody's waiting.
   *
   * @param {boolean} write
   * @returns {boolean}
   */
  take(write) {
    if (this.state === FREE) {
      this.keys.idle--;
      this.state = write ? WRITTEN : 1;
    } else if (this.state > 0 && !write && !this.timed) {
      this.state++;
    } else {
      return false;
    }
    return true;
  }

  /** Counts one holder less. */
  give() {
    if (this.state > 1) this.state--;
    else this.free();
  }

  /**
   * `take`, for a request that may have to be told from others.
   *
   * @param {Request} request
   * @returns {boolean}
   */
  grant(request) {
    if (!this.take(request.mode !== 0)) return false;
    this.timed = request.expiry > 0;
    request.previous = this.last;
    if (this.last === null) this.first = request;
    else this.last.next = request;
    this.last = request;
    return true;
  }

  /**
   * Ends the hold of such a request.
   *
   * @param {Request} request
   */
  release(request) {
    const { previous, next } = request;
    if (previous === null) this.first = next;
    else previous.next = next;
    if (next === null) this.last = previous;
    else next.previous = previous;
    // A program may keep what was released, but not all readers that came after it.
    request.previous = null;
    request.next = null;
    this.give();
  }

  /** Makes the writer a reader. */
  downgrade() {
    this.state = 1;
  }

  /**
   * Hands the key to the engine.
   *
   * @param {(holder: Request) => void} adopt called for each holder in the order of the grants
   * @param {(write: boolean) => Request} standIn makes a request for a holder that was only counted
   */
  inflate(adopt, standIn) {
    const { state, first } = this;
    if (state === FREE) this.keys.idle--;
    else if (first === null)
      this.standIns = Array.from({ length: Math.abs(state) }, () => standIn(state < 0));
    this.state = ENGINE;
    this.first = null;
    this.last = null;
    this.timed = false;
    this.standIns.forEach(adopt);
    for (let holder = first, next; holder !== null; holder = next) {
      next = holder.next;
      holder.previous = null;
      holder.next = null;
      adopt(holder);
    }
  }

  /** The engine has forgotten the key: the next request finds it free here. */
  deflate() {
    this.slot = -1;
    this.standIns = NONE;
    if (this.keys.thin) this.free();
  }

  enterEngine() {
    if (this.inEngine++ === 0 && !this.keys.thin) this.keys.idle--;
  }

  leaveEngine() {
    if (--this.inEngine === 0 && !this.keys.thin) this.keys.rest();
  }

  free() {
    this.state = FREE;
    this.timed = false;
    this.keys.rest();
  }

  /** Whether nothing is lost with this object. */
  isIdle() {
    return this.keys.thin ? this.state === FREE : this.inEngine === 0;
  }
}

/**
 * The keys of one lock object, by name.
 *
 * Invariant: `idle` counts the idle ones, of which there are at most `maxIdle`; all others are in the map.
 */
class ThinKeys {
  /** @param {boolean} thin whether keys may be held here: in a private space */
  constructor(thin) {
    this.thin = thin;
    /** @type {Map<string, ThinKey>} */
    this.map = new Map();
    /** @type {ThinKey | null} the one that was last asked for: programs ask for the same one again and again */
    this.recent = null;
    this.idle = 0;
    this.maxIdle = KEEP_IDLE;
  }

  /**
   * @param {string} name
   * @returns {ThinKey}
   */
  find(name) {
    if (this.recent !== null && this.recent.name === name) return this.recent;
    let key = this.map.get(name);
    if (key === undefined) {
      key = new ThinKey(this, name, this.thin ? FREE : ENGINE);
      this.map.set(name, key);
      this.idle++;
    }
    this.recent = key;
    return key;
  }

  /** One more key is idle. */
  rest() {
    if (++this.idle <= this.maxIdle) return;
    // A new map, because a V8 map that is added to and deleted from leaves a chain of old tables behind, each
    // of which keeps the next one, and the keys in it, until a major garbage collection.
    const kept = new Map();
    for (const [name, key] of this.map) {
      if (!key.isIdle()) kept.set(name, key);
    }
    this.map = kept;
    this.recent = null;
    this.idle = 0;
    // At least half as many keys as remain have to come to rest before the next sweep looks at them all.
    this.maxIdle = Math.max(KEEP_IDLE, this.map.size >> 1);
  }

  /** @returns {Iterable<ThinKey>} */
  all() {
    return this.map.values();
  }
}

module.exports = { ThinKeys, ThinKey, ENGINE };
