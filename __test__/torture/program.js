'use strict';
// What one thread does in one run: a seeded random program that asks for keys of a named space in every way
// there is, and writes down what happens to each request.

const { Locks, Lock } = require('latchkey');
const { randomFrom } = require('../support/random');
const { block, sleep } = require('../support/until');
const { Request } = require('./request');

const KEYS = ['a', 'b', 'c'];
const STEPS = 24;

class Program {
  /**
   * @param {import('./log').Log | import('./file-log').FileLog} log
   * @param {{ space: string, seed: number, thread: number, store?: object }} plan
   */
  constructor(log, { space, seed, thread, store }) {
    this.log = log;
    this.place = { name: space, store: store ?? null };
    /** Whether answers come later. */
    this.later = store !== undefined;
    this.random = randomFrom(seed);
    this.thread = thread;
    this.steady = new Locks(this.place);
    this.closed = new Locks({ ...this.place, expiry: 2, maxPending: 3 });
    this.callbacks = [new Lock(0, null, this.place), new Lock(3, null, this.place)];
    this.requests = new Set();
    this.faults = [];
  }

  /**
   * Resolves when every request has ended; rejects when the package did what it must not.
   *
   * @param {(() => void) | null} die ends the thread, in some step; null for one that lives
   */
  async run(die = null) {
    const last = this.random.below(STEPS);
    for (let step = 0; step < STEPS; step++) {
      if (die !== null && step === last) die();
      this.step();
      await this.pause();
    }
    while (this.requests.size > 0) await Promise.all(this.requests);
    this.steady.close();
    this.closed.close();
    if (this.faults.length > 0) throw this.faults[0];
  }

  step() {
    const steps = {
      promise: 10,
      several: 3,
      attempt: 3,
      callback: 5,
      close: 1,
      query: 1,
    };
    let at = this.random.below(Object.values(steps).reduce((a, b) => a + b));
    const name = Object.keys(steps).find((key) => (at -= steps[key]) < 0);
    const done = this[name]();
    if (done === undefined) return;
    const ended = done.catch((fault) => this.faults.push(fault)).finally(() => this.requests.delete(ended));
    this.requests.add(ended);
  }

  pause() {
    const { random } = this;
    return random.pick([() => {}, () => new Promise(setImmediate), () => sleep(random.below(3))])();
  }

  /** One key, by the promise API. */
  promise() {
    return this.#ask([this.random.pick(KEYS)]);
  }

  /** Several keys, in any order, some twice. */
  several() {
    return this.#ask(Array.from({ length: 2 + this.random.below(2) }, () => this.random.pick(KEYS)));
  }

  #ask(names) {
    const { random } = this;
    const locks = random.pick([this.steady, this.steady, this.closed]);
    const expiry = random.pick([undefined, undefined, 0, 1, 4]);
    const mode = random.pick(['read', 'write', 'write']);
    const request = this.#request(names, mode, expiry ?? (locks === this.closed ? 2 : 0));
    const options = { expiry, timeout: random.pick([undefined, undefined, undefined, 0, 1, 5]) };
    request.mayMeetNobody = this.later && options.timeout !== undefined;
    if (random.chance(0.3)) options.signal = this.#abort();
    const key = names.length === 1 ? names[0] : names;
    if (random.chance(0.5)) return request.take(() => locks[mode](key, options));
    return request.run((fn) => locks[mode](key, options, fn));
  }

  /** A signal that aborts at once, soon, or not in time. */
  #abort() {
    const controller = new AbortController();
    const { random } = this;
    const abort = () => controller.abort(Request.ABORTED);
    random.pick([abort, () => setImmediate(abort), () => setTimeout(abort, random.below(6))])();
    return controller.signal;
  }

  /** tryRead and tryWrite. */
  attempt() {
    const { random } = this;
    const names = Array.from({ length: 1 + random.below(2) }, () => random.pick(KEYS));
    const mode = random.pick(['read', 'write']);
    const expiry = random.pick([0, 2]);
    const method = mode === 'read' ? 'tryRead' : 'tryWrite';
    const key = names.length === 1 ? names[0] : names;
    const request = this.#request(names, mode, expiry);
    request.mayMeetNobody = this.later;
    return request.attempt(() => this.steady[method](key, { expiry }));
  }

  /** One key, by the callback API. */
  callback() {
    const { random } = this;
    const which = random.below(2);
    const lock = this.callbacks[which];
    const name = random.pick(KEYS);
    const mode = random.pick(['read', 'write']);
    const request = this.#request([name], mode, which * 3);
    return request.callback((released, obtained) => lock[`${mode}Lock`](name, released, obtained));
  }

  #request(names, mode, expiry) {
    // As the package does: sorted, each once.
    const keys = [...new Set(names)].sort().map((name) => KEYS.indexOf(name));
    const { random } = this;
    const habits = {
      hold: this.#holdTime(),
      downgrade: mode === 'write' && random.chance(0.25),
      again: random.chance(0.2),
    };
    return new Request(this, { keys, several: names.length > 1, mode, expiry }, habits);
  }

  /** How long to hold: not at all, some turns of the event loop, some time, or blocking the thread. */
  #holdTime() {
    const ms = this.random.below(4);
    return this.random.pick([
      () => {},
      () => {},
      () => Promise.resolve(),
      () => new Promise(setImmediate),
      () => sleep(ms),
      () => block(ms),
    ]);
  }

  /** One of the lock objects is closed, and another one made. */
  close() {
    this.closed.close();
    this.closed = new Locks({ ...this.place, expiry: 2, maxPending: 3 });
  }

  /** The engine's own word: at any moment a key has one writer, or readers only. */
  query() {
    const snapshot = this.steady.query();
    return snapshot instanceof Promise ? snapshot.then(checkSnapshot) : checkSnapshot(snapshot);
  }

  /**
   * The engine's word on a hold that cannot have expired, if there is no other that it could be. A store's would come
   * too late.
   */
  lookUp(key, mode) {
    if (this.later) return null;
    const { held } = this.steady.query();
    const own = held.filter(
      (hold) => hold.key === KEYS[key] && hold.thread === this.thread && hold.mode === mode,
    );
    return own.length === 1 ? own[0] : null;
  }
}

function checkSnapshot({ held }) {
  for (const key of KEYS) {
    const holders = held.filter((hold) => hold.key === key);
    if (holders.length > 1 && holders.some(({ mode }) => mode === 'write')) {
      throw new Error(`query() shows a writer that is not alone: ${JSON.stringify(holders)}`);
    }
  }
}

module.exports = { Program };
