'use strict';
// The keys of one lock object that are in use, by name, and a few that are idle.

const { ThinKey, FREE, ENGINE } = require('./thin');

/** Idle keys of so much weight are kept, so that a key in regular use is not made anew each time: of a long one, none. */
const KEEP_IDLE = 1024;

/**
 * Invariant: all keys that are not idle are in the map. `idle` is the weight of those that have come to rest since the last sweep
 * and are at rest still: at most `maxIdle`. (One that the sweep has kept, because of an event, is not counted.) In a private space,
 * `freeSlots` are those of `slots` numbers that no key has.
 */
class Keys {
  /** @param {boolean} thin whether keys may be held without the engine: in a private space */
  constructor(thin) {
    this.thin = thin;
    /** @type {Map<string, ThinKey>} */
    this.map = new Map();
    /** @type {ThinKey | null} the one that was last asked for: programs ask for the same one again and again */
    this.recent = null;
    this.idle = 0;
    this.maxIdle = KEEP_IDLE;
    this.slots = 0;
    /** @type {number[]} */
    this.freeSlots = [];
  }

  /**
   * @param {string} name
   * @returns {ThinKey}
   */
  find(name) {
    const { recent } = this;
    return recent !== null && recent.name === name ? recent : this.look(name);
  }

  /** @param {string} name */
  look(name) {
    let key = this.map.get(name);
    if (key === undefined) {
      key = new ThinKey(this, name, this.thin ? FREE : ENGINE);
      this.map.set(name, key);
      this.idle += key.weight;
    }
    this.recent = key;
    return key;
  }

  /** A number for a key of a private space. */
  newSlot() {
    return this.freeSlots.pop() ?? this.slots++;
  }

  /** Forgets the idle keys: to be called when `idle`, which the keys count themselves, is more than `maxIdle`. */
  sweep() {
    // A new map, because a V8 map that is added to and deleted from leaves a chain of old tables behind, each
    // of which keeps the next one, and the keys in it, until a major garbage collection.
    const kept = new Map();
    const freed = [];
    for (const [name, key] of this.map) {
      if (!key.isIdle()) kept.set(name, key);
      else if (this.thin && key.slot !== -1) freed.push(key.slot);
    }
    // All at once: the end of the stack may have cut it off before, and must not make one number two keys'.
    this.map = kept;
    this.recent = null;
    this.idle = 0;
    // At least half as many keys as remain, or long ones of that weight, have to come to rest before the next sweep looks at them all.
    this.maxIdle = Math.max(KEEP_IDLE, this.map.size >> 1);
    if (kept.size > 0) {
      for (const slot of freed) this.freeSlots.push(slot);
    } else {
      this.slots = 0;
      this.freeSlots = [];
    }
  }

  /**
   * One key, if it is there; without a name, all.
   *
   * @param {string} [name]
   * @returns {Iterable<ThinKey>}
   */
  some(name) {
    if (name === undefined) return this.map.values();
    const key = this.map.get(name);
    return key === undefined ? [] : [key];
  }
}

module.exports = { Keys };
