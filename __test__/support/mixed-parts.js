'use strict';
// What a mixed program works with: its lock objects and their keys, its signals, its holds, its subscribers.

const diagnostics = require('node:diagnostics_channel');

/**
 * @typedef {object} Slot a place for a lock object, which may be closed and be made anew
 * @property {number} on
 * @property {any} spec what the program says of it
 * @property {string} space its space's name in ids
 * @property {{ closed: boolean }} object
 * @property {any} locks a `Locks`, or null
 * @property {(mode: string, key: string, released: any, obtained: any) => void} ask of a callback API
 */

class MixedSpaces {
  #latchkey;
  #program;
  #tag;
  #warn;
  #opened = 0;
  /** Which key a message of a channel is about, by its own key. @type {Map<string, string>} */
  #ids = new Map();

  constructor(latchkey, program, seed, warn) {
    this.#latchkey = latchkey;
    this.#program = program;
    this.#tag = `mixed ${seed}`;
    this.#warn = warn;
    /** @type {Slot[]} */
    this.slots = program.objects.map((spec, on) => this.#open(spec, on));
  }

  #open(spec, on) {
    const object = { closed: false };
    const space = spec.space ?? (spec.sort === 'alock' ? 'private alock' : `private ${on}.${this.#opened++}`);
    const name = spec.space === null ? {} : { name: `${this.#tag} ${spec.space}` };
    const base = { on, spec, space, object, locks: null, ask: null };
    if (spec.sort === 'Locks')
      return { ...base, locks: new this.#latchkey.Locks({ ...name, ...without(spec) }) };
    if (spec.sort === 'alock')
      return { ...base, ask: (_mode, key, _released, obtained) => this.#latchkey.lock(key, obtained) };
    const logger = spec.logs ? { warn: this.#warn } : null;
    const lock = new this.#latchkey.Lock(spec.expiry, logger, name);
    return { ...base, ask: (mode, ...args) => lock[`${mode}Lock`](...args) };
  }

  reopen(slot) {
    if (slot !== undefined) this.slots[slot.on] = this.#open(slot.spec, slot.on);
  }

  promises() {
    return this.slots.filter(({ locks }) => locks !== null);
  }

  closable() {
    return this.promises().filter(({ object }) => !object.closed);
  }

  closed() {
    return this.promises().filter(({ object }) => object.closed);
  }

  closeAll() {
    for (const { object, locks } of this.promises()) {
      object.closed = true;
      locks.close();
    }
  }

  isPrivate(id) {
    return id.startsWith('private');
  }

  idsOf({ space }) {
    return Array.from({ length: this.#program.keys }, (_, key) => `${space}|${this.#keyIn(space, key)}`);
  }

  #keyIn(space, key) {
    return this.#program.sharesKeys ? `${this.#tag} ${key}` : `${this.#tag} ${space} ${key}`;
  }

  /** The key that a message is about, if it is one of this program's. */
  idOf({ key }) {
    return this.#ids.get(key);
  }

  /** What the model has to know of a request. */
  request(step) {
    const { spec, space, object } = this.slots[step.on];
    const isPromise = spec.sort === 'Locks';
    const keys = [...new Set(step.keys)].map((key) => this.#keyIn(space, key));
    const ids = keys.map((key) => `${space}|${key}`);
    keys.forEach((key, i) => this.#ids.set(key, ids[i]));
    const hasReleaseCallback = spec.sort === 'Lock' && step.after !== null;
    const { ask: number, mode, tries, hasFn, expiry = spec.expiry ?? 0, timeout = Infinity } = step;
    return {
      ...{ number, slot: this.slots[step.on], object, ids, keys, mode, tries, hasFn, expiry, timeout },
      ...{ api: isPromise ? 'promise' : 'callback', limited: spec.maxPending !== undefined, signal: null },
      ...{ hasReleaseCallback, hasListener: isPromise || expiry === 0 || hasReleaseCallback },
    };
  }

  options({ expiry, timeout }, signal) {
    return {
      ...(expiry === undefined ? {} : { expiry }),
      ...(timeout === undefined ? {} : { timeout }),
      ...(signal === null ? {} : { signal }),
    };
  }

  describe({ slot, mode, ids, expiry, timeout, hasFn, signal }) {
    const times = `expiry ${expiry}, timeout ${timeout}${hasFn ? ', with fn' : ''}${signal ? ', with signal' : ''}`;
    return `asks ${slot.spec.sort} ${slot.on} to ${mode} ${ids.join(' and ')}, ${times}`;
  }

  /** What is not as it has to be when all have been released: pairs of a key's id and what is wrong. */
  *probe() {
    for (const slot of this.slots) {
      if (slot.object.closed) continue;
      const ids = this.idsOf(slot);
      if (slot.locks !== null) {
        const { held, pending } = slot.locks.query();
        if (held.length + pending.length > 0) yield [ids[0], `${JSON.stringify({ held, pending })}`];
      }
      for (const [i, id] of ids.entries())
        if (!this.#isFree(slot, this.#keyIn(slot.space, i))) yield [id, 'is held'];
    }
  }

  #isFree(slot, key) {
    if (slot.locks === null) {
      let isFree = false;
      slot.ask('write', key, null, (release) => {
        isFree = true;
        release();
      });
      return isFree;
    }
    const fresh = slot.spec.space === null ? slot.locks : this.#open(slot.spec, slot.on).locks;
    const hold = fresh.tryWrite(key);
    hold?.release();
    if (fresh !== slot.locks) fresh.close();
    return hold !== null;
  }
}

/** The options that a Locks is made with. */
function without({ expiry, maxPending }) {
  return { ...(expiry === undefined ? {} : { expiry }), ...(maxPending === undefined ? {} : { maxPending }) };
}

class MixedSignals {
  /** @type {(AbortController & { number: number })[]} */
  #controllers = [];

  /**
   * @param {any} wish what a step says of its signal
   * @param {(abort?: AbortController) => void} signalled called when a new one is aborted; or, with the one to abort, when
   *   an eager one gets a listener
   * @returns {AbortSignal | null}
   */
  choose(wish, signalled) {
    if (wish === null) return null;
    const shared = this.unaborted().slice(-3);
    if ('shares' in wish && shared.length > 0) return shared[Math.floor(wish.shares * shared.length)].signal;
    const controller = Object.assign(new AbortController(), { number: this.#controllers.length });
    this.#controllers.push(controller);
    const { signal } = controller;
    if (wish.steps?.length > 0) signal.addEventListener('abort', () => signalled());
    if (wish.isEager) {
      signal.addEventListener = function (...args) {
        AbortSignal.prototype.addEventListener.apply(this, args);
        signalled(controller);
      };
    }
    return signal;
  }

  unaborted() {
    return this.#controllers.filter(({ signal }) => !signal.aborted).slice(-8);
  }

  of(signal) {
    return this.#controllers.find((controller) => controller.signal === signal);
  }
}

/** Who can be released; and who was, so that it can be released once more. */
class Holds {
  /** @type {{ request: any, hold?: any, give: (...args: any[]) => void }[]} */
  #held = [];
  #ended = [];

  add(entry) {
    this.#held.push(entry);
  }

  /** It was released or lost. */
  forget(request) {
    const place = this.#held.findIndex((entry) => entry.request === request);
    if (place !== -1) this.#ended = [...this.#ended.slice(-9), ...this.#held.splice(place, 1)];
  }

  of(number) {
    return this.#held.find(({ request }) => request.number === number);
  }

  all() {
    return this.#held.slice();
  }

  writers() {
    return this.#held.filter(({ hold }) => hold?.mode === 'write');
  }

  ended() {
    return this.#ended;
  }
}

class Subscribers {
  #heard = 0;
  #isListening = false;
  /** @type {[string, (message: any) => void][]} */
  #listeners;

  /** @param {(what: string, message: any) => void} hear */
  constructor(hear) {
    this.#listeners = ['wait', 'grant', 'release', 'expire'].map((what) => [
      `latchkey:${what}`,
      (message) => hear(what, message),
    ]);
  }

  listen(listens) {
    if (listens === this.#isListening) return;
    this.#isListening = listens;
    for (const [channel, listener] of this.#listeners)
      if (listens) diagnostics.subscribe(channel, listener);
      else diagnostics.unsubscribe(channel, listener);
  }

  /** What is done at the next message; after the last of the list nothing. */
  next(messages) {
    return messages[this.#heard++] ?? { steps: [], throws: false };
  }
}

module.exports = { MixedSpaces, MixedSignals, Subscribers, Holds };
