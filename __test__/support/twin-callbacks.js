'use strict';
// Random programs for the callback APIs that do all that a program can do to a lock, and what they see of it.

const { AsyncLocalStorage } = require('node:async_hooks');
const diagnostics = require('node:diagnostics_channel');
const { TwinLog, TwinClock, errorText, AT_ONCE, SHORT, LATER } = require('./twin-log');

const context = new AsyncLocalStorage();

/**
 * @typedef {object} Ask
 * @property {number} ask its number
 * @property {number} on the number of the lock object
 * @property {'read' | 'write'} mode
 * @property {string} key
 * @property {Step[]} inside what its callback does
 * @property {Step[] | null} after what its release callback does, if it has one
 * @property {{ obtained: boolean, released: boolean }} throws
 * @property {boolean} catches whether what comes out of the call is caught there
 * @typedef {{ release: number, args: number[], catches: boolean }} Release of the request with that number
 * @typedef {{ listen: boolean }} Listen begins or ends to listen to the diagnostics channels
 * @typedef {{ tick: true }} Tick lets time bring what is due
 * @typedef {Ask | Release | Listen | Tick} Step
 * @typedef {{ locks: string[], steps: Step[] }} Program `locks` says what sort each lock object is
 */

/** The sorts of lock objects, and how a copy of the package makes one. */
const SORTS = {
  alock: ({ alock }) => ({ write: (key, released, obtained) => alock(key, obtained) }),
  'no expiry': ({ latchkey }) => methods(new latchkey.Lock()),
  'overdue at once': ({ latchkey }, log) =>
    methods(new latchkey.Lock(AT_ONCE, { warn: (text) => log.add(text) })),
  'overdue soon': ({ latchkey }) => methods(new latchkey.Lock(SHORT)),
  'safe for long': ({ latchkey }) => methods(new latchkey.Lock(LATER)),
};

function methods(lock) {
  return { read: lock.readLock.bind(lock), write: lock.writeLock.bind(lock) };
}

/**
 * @param {ReturnType<import('./random').randomFrom>} random
 * @param {{ requests: number, keys: number, releases: number, self: number, listens: boolean, throws: number, overdue: boolean,
 *   timed: boolean }} size how many of each; the share of steps that release, of requests that release themselves when
 *   granted, of callbacks that throw; whether holds may be overdue at once; whether time may pass, which takes one lock
 *   object, one key and callbacks that do not throw
 * @returns {Program}
 */
function randomProgram(random, { requests, keys, releases, self, listens, throws, overdue, timed }) {
  const isMeant = (sort) => (sort === 'overdue soon') === timed && (overdue || sort !== 'overdue at once');
  const sorts = Object.keys(SORTS).filter(isMeant);
  const locks = Array.from({ length: timed ? 1 : 1 + random.below(3) }, () => random.pick(sorts));
  let asked = 0;
  const catches = () => random.chance(0.7);
  const release = (number) => ({
    release: number,
    args: Array.from({ length: random.below(3) }, () => random.below(100)),
    catches: catches(),
  });
  const step = (depth) => {
    if (timed && depth === 0 && random.chance(0.2)) return { tick: true };
    if (listens && random.chance(0.05)) return { listen: random.chance(0.6) };
    // Of those that will ask in a moment, too: then nothing happens.
    if (asked >= requests || random.chance(releases)) return release(random.below(asked + 3));
    return ask(depth);
  };
  const steps = (length, depth) => Array.from({ length }, () => step(depth));
  const ask = (depth) => {
    const number = asked++;
    const on = random.below(locks.length);
    const inside = depth < 4 && random.chance(0.4) ? steps(random.below(4), depth + 1) : [];
    if (random.chance(self)) inside.splice(random.below(inside.length + 1), 0, release(number));
    // Where time passes everybody is notified, since that is how the run knows of an end.
    const after = timed || random.chance(0.6) ? (depth < 4 ? steps(random.below(3), depth + 1) : []) : null;
    return {
      ask: number,
      on,
      mode: locks[on] === 'alock' || random.chance(0.5) ? 'write' : 'read',
      // A message of a channel names no lock object: there each has keys of its own.
      key: `${listens ? `${on}: ` : ''}${random.below(keys)}`,
      inside,
      after,
      throws: { obtained: random.chance(throws), released: random.chance(throws) },
      catches: catches(),
    };
  };
  const program = [];
  while (asked < requests) program.push(...steps(5, 0));
  return { locks, steps: program };
}

/** One run of a program. */
class Run {
  /**
   * @param {Program} program
   * @param {ReturnType<import('./copies').loadCopy>} copy
   */
  constructor(program, copy) {
    this.program = program;
    this.log = new TwinLog();
    this.clock = new TwinClock();
    this.locks = program.locks.map((sort) => SORTS[sort](copy, this.log));
    /** @type {Map<number, (...args: any[]) => void>} who has been granted, and was not released in the end */
    this.gives = new Map();
    /** Numbers of those who wait, and those who hold by theirs. */
    this.waiting = new Set();
    /** @type {Map<number, Ask>} */
    this.holding = new Map();
    /** Numbers of those whose call has returned. */
    this.asked = new Set();
    /** The keys that each lock object was asked for. */
    this.keys = program.locks.map(() => new Set());
    this.stopListening = () => {};
  }

  /** Runs a program that leaves time alone. */
  run() {
    const { nextTick } = process;
    // How the package reports an error that it cannot throw.
    process.nextTick = (report) => this.attempt('reports', report, true);
    try {
      this.program.steps.forEach((step) => this.take(step, true));
      this.drain();
    } finally {
      process.nextTick = nextTick;
      this.stopListening();
    }
    return this.log.lines();
  }

  /** Runs a program in which time passes. */
  async runTimed() {
    for (const step of this.program.steps) {
      if ('tick' in step) await this.tick();
      else this.take(step, true);
    }
    this.drain();
    return this.log.lines();
  }

  /** @param {boolean} [outside] whether this is the program's own step, not one of a callback */
  take(step, outside = false) {
    if ('listen' in step) this.listen(step.listen);
    else if ('release' in step) this.release(step, outside);
    else this.ask(step, outside);
  }

  ask(step, outside) {
    const { ask: number, on, mode, key, inside, after, throws } = step;
    this.keys[on].add(key);
    const obtained = (give) => {
      const waited = this.asked.has(number) ? ', waited' : '';
      const readers = this.readersOf(on, key);
      this.waiting.delete(number);
      this.holding.set(number, step);
      this.gives.set(number, give);
      const how = `${this.program.locks[on]}, ${mode}${waited}, beside ${readers}`;
      this.log.add(`${number} obtained (${how}), in the context of ${context.getStore()}`);
      inside.forEach((each) => this.take(each));
      if (throws.obtained) throw new Error(`${number} obtained throws`);
      this.log.add(`${number} obtained returns`);
    };
    const released = (...args) => {
      this.holding.delete(number);
      const shown = args.map((arg) => (typeof arg === 'number' ? arg : errorText(arg)));
      this.log.add(`${number} released(${shown}), in the context of ${context.getStore()}`);
      after.forEach((each) => this.take(each));
      if (throws.released) throw new Error(`${number} released throws`);
    };
    this.log.add(`${number} asks`);
    this.waiting.add(number);
    const call = () => this.locks[on][mode](key, after && released, obtained);
    const isCaught = outside || step.catches;
    try {
      this.attempt(`${number} asked`, () => context.run(number, call), isCaught);
    } finally {
      this.asked.add(number);
      this.clock.look();
    }
  }

  /** How many readers hold a key, as far as is known. */
  readersOf(on, key) {
    return [...this.holding.values()].filter(
      (holder) => holder.on === on && holder.key === key && holder.mode === 'read',
    ).length;
  }

  release({ release: number, args, catches }, outside) {
    const give = this.gives.get(number);
    if (give === undefined) return;
    this.holding.delete(number);
    const call = () => context.run(`release of ${number}`, () => give(...args));
    this.attempt(`${number} was released`, call, outside || catches);
  }

  /** Calls, and says how that ended. */
  attempt(what, call, catches) {
    try {
      call();
      this.log.add(what);
    } catch (error) {
      this.log.add(`${what}: ${error.message}`);
      if (!catches) throw error;
    }
  }

  listen(listens) {
    this.stopListening();
    this.stopListening = () => {};
    if (!listens) return;
    const listener = ({ key, mode, fence, recovered }, channel) => {
      const text = `${channel}: ${mode} ${key}`;
      if (fence === undefined) this.log.add(text);
      else this.log.addFence(`${text}, recovered: ${recovered}`, key.split(':')[0], fence);
    };
    const channels = ['wait', 'grant', 'release', 'expire'].map((name) => `latchkey:${name}`);
    for (const channel of channels) diagnostics.subscribe(channel, listener);
    this.stopListening = () => channels.forEach((channel) => diagnostics.unsubscribe(channel, listener));
  }

  /** Lets time bring what is due. */
  async tick() {
    await this.clock.pass(() => this.waiting.size > 0 && this.holding.size > 0);
    this.log.add('tick');
  }

  /** Releases whatever is held, until nobody waits any more. */
  drain() {
    while (this.gives.size > 0) {
      for (const [number, give] of this.gives) {
        this.gives.delete(number);
        this.attempt(`${number} was released in the end`, give, true);
      }
    }
    this.log.add(`left waiting: ${[...this.waiting]}`);
    for (const [on, keys] of this.keys.entries()) {
      for (const key of keys) this.probe(on, key);
    }
  }

  /** Says whether a key is free, as it has to be in the end. */
  probe(on, key) {
    let free = 'held';
    this.locks[on].write(key, null, (give) => {
      free = 'free';
      give();
    });
    this.log.add(`${key} of ${on} is ${free} in the end`);
  }
}

module.exports = { randomProgram, Run };
