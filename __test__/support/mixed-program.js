'use strict';
// Random programs that mix everything that one thread can do with locks: private and named spaces, several objects of one
// name, both APIs, expiries, time-outs, aborts, closes, throws, several keys, queries, diagnostics subscribers, busy loops;
// each of them also inside every callback, function, listener and subscriber.
//
// A program is data: its steps say what is done, and of what is there at that moment (holds, signals) which one, as a
// number from 0 to 1. So a seed gives one program, although what becomes of it depends on time.

/** Milliseconds. As an expiry or a time limit: over soon, in busy loops; or not at all while a program runs. */
const SHORT = [1, 1, 2, 3];
const LATER = 600_000;

/** How often each step is made: at the outermost, where the event loop can turn; in callbacks; and when somebody is notified. */
const WEIGHTS = {
  outside: {
    ...{ ask: 50, release: 27, again: 2, downgrade: 4, abort: 5, close: 1.2, open: 1.5, query: 1.5 },
    ...{ block: 2.5, turn: 6, pause: 4, cascade: 0.12, squeeze: 1.5 },
  },
  inside: {
    ...{ ask: 40, release: 30, own: 14, again: 2, downgrade: 4, abort: 5, close: 1.5, open: 1, query: 2 },
    ...{ block: 1, abortAsking: 3, closeAsking: 1.5, squeeze: 0.3 },
  },
  notifying: {
    ...{ ask: 40, release: 20, downgrade: 3, abort: 6, close: 2, query: 2, block: 0.7 },
    ...{ abortAsking: 14, closeAsking: 7 },
  },
};

/** How many callbacks may be written inside each other. */
const NESTING = 4;

/**
 * @typedef {object} Ask
 * @property {number} ask its number
 * @property {number} on which object, by its place
 * @property {'read' | 'write'} mode
 * @property {number[]} keys
 * @property {boolean} tries
 * @property {boolean} hasFn
 * @property {Step[]} inside what its callback or function does
 * @property {Step[] | null} after what its release callback, or a listener of its hold's signal, does
 * @property {{ inside: boolean, after: boolean }} throws
 * @property {number | undefined} expiry
 * @property {number | undefined} timeout
 * @property {{ shares: number } | { isEager: boolean, steps: Step[] | null, throws: boolean } | null} signal
 * @typedef {Ask | { do: string, at: number, steps?: Step[] }} Step
 * @typedef {{ steps: Step[], throws: boolean }} Listener
 */

class MixedProgram {
  #random;
  #asked = 0;

  /** @param {ReturnType<import('./random').randomFrom>} random */
  constructor(random) {
    this.#random = random;
    /** How often callbacks throw. */
    this.throws = random.pick([0, 0.05, 0.15]);
    /** How often something has a short time. */
    this.hurry = random.pick([0.1, 0.3, 0.6]);
    this.keys = 1 + random.below(3);
    this.listens = random.pick(['never', 'always', 'always', 'sometimes']);
    /** Whether keys of different spaces have one name. A message of a channel does not distinguish those. */
    this.sharesKeys = this.listens !== 'always';
    this.objects = this.#objects();
    /** What the subscribers do, message by message. @type {Listener[]} */
    this.messages = this.#listeners(this.listens === 'never' ? 0 : 40, 0.3);
    /** What the loggers do. @type {Listener[]} */
    this.warnings = this.#listeners(20, 0.3);
  }

  /** The steps, without an end. */
  *steps() {
    for (;;) yield this.#step('outside', 0);
  }

  #objects() {
    const random = this.#random;
    const expiry = () => (random.chance(0.7) ? this.#time() : 0);
    const locks = (space) => ({ sort: 'Locks', space, ...this.#maybe(0.4, { expiry: this.#time() }) });
    const lock = (space) => ({ sort: 'Lock', space, expiry: expiry(), logs: random.chance(0.4) });
    const named = [
      locks('A'),
      locks('A'),
      lock('A'),
      lock('A'),
      ...(random.chance(0.3) ? [locks('B'), lock('B')] : []),
    ];
    const unnamed = [locks(null), lock(null), { sort: 'alock', space: null, expiry: 0 }];
    if (random.chance(0.5)) unnamed.push({ sort: 'Lock', space: null, expiry: 0, logs: false });
    const limited = (object) => ({
      ...object,
      ...(object.sort === 'Locks' && this.#maybe(0.15, { maxPending: random.below(4) })),
    });
    const all = random.pick([named, unnamed, [...named, ...unnamed], [...named, ...unnamed]]);
    return all.map(limited);
  }

  #maybe(chance, value) {
    return this.#random.chance(chance) ? value : {};
  }

  #time() {
    return this.#random.chance(this.hurry) ? this.#random.pick(SHORT) : LATER;
  }

  /** So many listeners, of whom some do something. */
  #listeners(count, chance) {
    return Array.from({ length: count }, () => ({
      steps: this.#some(chance, 'notifying', 2),
      throws: this.#throws() && this.#random.chance(0.5),
    }));
  }

  #throws() {
    return this.#random.chance(this.throws);
  }

  /** @returns {Step[]} */
  #some(chance, where, nesting) {
    const random = this.#random;
    if (nesting >= NESTING || !random.chance(chance)) return [];
    return Array.from({ length: 1 + random.below(3) }, () => this.#step(where, nesting + 1));
  }

  /** @returns {Step} */
  #step(where, nesting) {
    const what = this.#pick(WEIGHTS[where]);
    if (what === 'ask') return this.#ask(nesting);
    if (what === 'cascade') return this.#cascade();
    if (what === 'squeeze') return this.#squeeze(nesting);
    return what === 'block' ? this.#block() : { do: what, at: this.#random.next() };
  }

  #block() {
    return { do: 'block', at: this.#random.pick([2, 2, 3, 4]) };
  }

  #pick(weights) {
    const sum = Object.values(weights).reduce((a, b) => a + b, 0);
    let left = this.#random.next() * sum;
    for (const [what, weight] of Object.entries(weights)) if ((left -= weight) < 0) return what;
    return 'ask';
  }

  /** @returns {Ask} */
  #ask(nesting, on = this.#random.below(this.objects.length)) {
    const random = this.#random;
    const ask = this.#askOn(on);
    const isPromise = this.objects[ask.on].sort === 'Locks';
    ask.tries = isPromise && random.chance(0.2);
    ask.hasFn = isPromise && !ask.tries && random.chance(0.5);
    if (isPromise) this.#choose(ask, nesting);
    ask.inside = this.#some(0.5, 'inside', nesting);
    if (!isPromise && random.chance(0.3)) ask.inside.push({ do: 'own', at: 0 });
    if (ask.hasFn) ask.inside.splice(random.below(ask.inside.length + 1), 0, ...this.#pauses());
    if (random.chance(0.75)) ask.after = this.#some(0.4, 'notifying', nesting);
    ask.throws = { inside: this.#throws(), after: this.#throws() };
    return ask;
  }

  #askOn(on) {
    const random = this.#random;
    const mode = this.objects[on].sort === 'alock' || random.chance(0.5) ? 'write' : 'read';
    const plain = { tries: false, hasFn: false, signal: null, inside: [], after: null };
    return { ask: this.#asked++, on, mode, keys: [random.below(this.keys)], ...plain, throws: {} };
  }

  /** What only the promise API can be asked for. */
  #choose(ask, nesting) {
    const random = this.#random;
    if (random.chance(0.15))
      ask.keys = Array.from({ length: 2 + random.below(2) }, () => random.below(this.keys));
    if (random.chance(0.4)) ask.expiry = random.chance(0.2) ? 0 : this.#time();
    if (ask.tries) return;
    if (random.chance(0.2)) ask.timeout = random.chance(0.2) ? 0 : this.#time();
    if (!random.chance(0.4)) return;
    const isNew = random.chance(0.6);
    const steps = random.chance(0.3) ? this.#some(0.8, 'notifying', nesting) : null;
    ask.signal = isNew
      ? { isEager: random.chance(0.05), steps, throws: this.#throws() }
      : { shares: random.next() };
  }

  /** What makes a function take longer: some turns of the event loop, or of the microtasks. */
  #pauses() {
    const random = this.#random;
    const pause = () => ({ do: random.chance(0.4) ? 'turn' : 'pause', at: random.next() });
    return Array.from({ length: random.below(3) }, pause);
  }

  /** A queue whose members each release inside their callback: deeper than deliveries may nest. */
  #cascade() {
    const random = this.#random;
    const callbacks = this.#places(({ sort }) => sort !== 'Locks');
    const first = random.pick(callbacks);
    const { space } = this.objects[first];
    const others = space === null ? [first] : callbacks.filter((on) => this.objects[on].space === space);
    const keys = [random.below(this.keys)];
    const member = () => {
      const ask = { ...this.#askOn(random.pick(others)), keys, inside: [{ do: 'own', at: 0 }] };
      ask.throws = { inside: this.#throws(), after: false };
      if (random.chance(0.1)) ask.inside.push(...this.#some(1, 'inside', NESTING - 1));
      if (random.chance(0.3)) ask.after = [];
      return ask;
    };
    const holder = { ...this.#askOn(first), mode: 'write', keys };
    const members = Array.from({ length: 70 + random.below(40) }, member);
    return { do: 'all', at: 0, steps: [holder, ...members, { do: 'releaseOf', at: holder.ask }] };
  }

  /** Keys that are waited for until their holders are overdue, and nobody has been notified; then more calls about them. */
  #squeeze(nesting) {
    const random = this.#random;
    const isShort = ({ sort, expiry }) => sort === 'Locks' || SHORT.includes(expiry);
    const places = this.#places(isShort);
    if (places.length === 0) return this.#block();
    const first = random.pick(places);
    // What the clock has done to a private key and to a named one lies in one place until it is delivered.
    const others = places.filter(
      (on) => (this.objects[on].space === null) !== (this.objects[first].space === null),
    );
    const victims = others.length > 0 && random.chance(0.7) ? [first, random.pick(others)] : [first];
    const asks = victims.map((on) => {
      const { space } = this.objects[on];
      const same = space === null ? [on] : this.#places((object) => object.space === space);
      const keys = [random.below(this.keys)];
      return () => ({ ...this.#ask(nesting + 1, random.pick(same)), keys: random.chance(0.8) ? keys : [0] });
    });
    const before = asks.flatMap((ask) => [ask(), ask()]);
    for (const each of before) if (this.objects[each.on].sort === 'Locks') each.expiry = random.pick(SHORT);
    const then = Array.from({ length: 2 + random.below(4) }, () => random.pick(asks)());
    return { do: 'all', at: 0, steps: [...before, this.#block(), ...then] };
  }

  #places(suits) {
    return this.objects.flatMap((object, on) => (suits(object) ? [on] : []));
  }
}

module.exports = { MixedProgram };
