'use strict';
// The keys of one lock object that are in use, by name, and a few that are idle.

/** Up to so many idle keys are kept, so that a key in regular use is not made anew each time. */
const KEEP_IDLE = 1024;

/**
 * @typedef {object} Key
 * @property {string} name
 * @property {() => boolean} isIdle whether nothing is lost with this object
 */

/**
 * Invariant: all keys that are not idle are in the map. `idle` counts how many have come to rest since the last sweep and are
 * at rest still: at most `maxIdle`. (One that the sweep has kept, because of an event, is not counted.)
 *
 * @template {Key} K
 */
class Keys {
  /** @param {(keys: Keys<K>, name: string) => K} make a new key, which is idle */
  constructor(make) {
    this.make = make;
    /** @type {Map<string, K>} */
    this.map = new Map();
    /** @type {K | null} the one that was last asked for: programs ask for the same one again and again */
    this.recent = null;
    this.idle = 0;
    this.maxIdle = KEEP_IDLE;
  }

  /**
   * @param {string} name
   * @returns {K}
   */
  find(name) {
    if (this.recent !== null && this.recent.name === name) return this.recent;
    let key = this.map.get(name);
    if (key === undefined) {
      key = this.make(this, name);
      this.map.set(name, key);
      this.idle++;
    }
    this.recent = key;
    return key;
  }

  /** Forgets the idle keys: to be called when `idle`, which the keys count themselves, is more than `maxIdle`. */
  sweep() {
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

  /** @returns {Iterable<K>} */
  all() {
    return this.map.values();
  }
}

module.exports = { Keys };
