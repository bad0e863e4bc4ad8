'use strict';
// Random programs for the promise API that do all that a program can do to a Locks, and what they see of it.

const { TRY } = require('./scopes');
const { TwinLog, TwinClock, pause, errorText, AT_ONCE, SHORT, LATER } = require('./twin-log');

/**
 * @typedef {object} Take
 * @property {number} take its number
 * @property {number} on the number of the Locks
 * @property {'read' | 'write'} mode
 * @property {string | string[]} key
 * @property {boolean} tries whether by `tryRead` or `tryWrite`
 * @property {{ timeout?: number, expiry?: number, signal?: true }} options
 * @property {Step[] | null} fn what its function does, if it has one
 * @property {boolean} throws whether that function throws in the end
 * @property {Step[] | null} lost what is done when it is taken away; null if nobody looks
 * @typedef {{ release: number } | { downgrade: number } | { abort: number } | { query: number }
 *   | { close: number } | { pause: number } | { tick: true }} Act on a request, or a Locks, by its number
 * @typedef {Take | Act} Step
 * @typedef {{ locks: object[], steps: Step[] }} Program `locks` are the options of each
 */

/**
 * What is asked for in milliseconds, and how often: in programs that leave time alone, in those where holds are overdue at
 * once, and in those that are about time.
 */
const TIMES = {
  alone: { expiries: [0, LATER], timeouts: [0, 0, LATER, Infinity] },
  overdue: { expiries: [0, AT_ONCE, AT_ONCE, LATER], timeouts: [0, 0, LATER, Infinity] },
  timed: { expiries: [0, SHORT, SHORT, LATER], timeouts: [0, SHORT, SHORT, LATER] },
};

/**
 * @param {ReturnType<import('./random').randomFrom>} random
 * @param {{ requests: number, keys: number, releases: number, closes: number, times: keyof typeof TIMES }} size how many;
 *   the share of steps that end something, of those that close a Locks; whether time may pass, which takes one Locks and one
 *   key
 * @returns {Program}
 */
function randomProgram(random, { requests, keys, releases, closes, times }) {
  let asked = 0;
  const timed = times === 'timed';
  const { expiries, timeouts } = TIMES[times];
  const maybe = (chance, make) => (random.chance(chance) ? make() : {});
  const anyLocks = () => ({
    ...maybe(0.3, () => ({ expiry: random.pick(expiries) })),
    ...maybe(0.2, () => ({ maxPending: random.below(4) })),
  });
  const locks = timed ? [{ expiry: SHORT }] : Array.from({ length: 1 + random.below(2) }, anyLocks);
  const key = () => `${random.below(keys)}`;
  const steps = (length, depth) => Array.from({ length }, () => step(depth));
  const step = (depth) => {
    const number = random.below(asked + 2);
    if (random.chance(0.2)) return timed && depth === 0 ? { tick: true } : { pause: random.below(6) };
    if (random.chance(closes)) return { close: random.below(locks.length) };
    if (random.chance(0.04)) return { query: random.below(locks.length) };
    if (asked < requests && !random.chance(releases)) return take(depth);
    const kind = random.pick(['release', 'release', 'release', 'downgrade', 'abort']);
    return { [kind]: number };
  };
  const take = (depth) => {
    const number = asked++;
    const tries = random.chance(0.2);
    const some = (chance) => (depth < 3 && random.chance(chance) ? steps(random.below(4), depth + 1) : []);
    const waits = {
      ...maybe(0.3, () => ({ timeout: random.pick(timeouts) })),
      ...maybe(0.3, () => ({ signal: true })),
    };
    return {
      take: number,
      on: random.below(locks.length),
      mode: random.pick(['read', 'write']),
      key: random.chance(0.1) ? Array.from({ length: 1 + random.below(3) }, key) : key(),
      tries,
      options: { ...maybe(0.4, () => ({ expiry: random.pick(expiries) })), ...(tries ? {} : waits) },
      fn: !tries && random.chance(0.5) ? some(0.8) : null,
      throws: random.chance(0.1),
      // Where time passes each loss is looked for, since that is how the run knows of it.
      lost: timed || random.chance(0.6) ? some(0.5) : null,
    };
  };
  const program = [];
  while (asked < requests) program.push(...steps(5, 0));
  return { locks, steps: program };
}

/** One run of a program. Nothing in it turns the event loop, except for ticks. */
class Run {
  /**
   * @param {Program} program
   * @param {ReturnType<import('./copies').loadCopy>} copy
   */
  constructor(program, { latchkey }) {
    this.program = program;
    this.log = new TwinLog();
    this.clock = new TwinClock();
    this.locks = program.locks.map((options) => new latchkey.Locks(options));
    this.holds = new Map();
    this.aborts = new Map();
    /** What each request asked for, until its promise has settled; and what its hold is, until that has ended. */
    this.unsettled = new Map();
    this.holding = new Map();
  }

  async run() {
    for (const step of this.program.steps) {
      if ('pause' in step) await pause(step.pause);
      else if ('tick' in step) await this.tick();
      else this.act(step);
    }
    await this.drain();
    return this.log.lines();
  }

  /** Does a step that takes no time. */
  act(step) {
    if ('take' in step) this.take(step);
    else if ('release' in step) this.end(step.release, 'release');
    else if ('downgrade' in step) this.end(step.downgrade, 'downgrade');
    else if ('abort' in step) this.aborts.get(step.abort)?.abort(new Error(`${step.abort} aborted`));
    else if ('query' in step) this.query(step.query);
    else if ('close' in step) this.locks[step.close].close();
  }

  take(step) {
    const { take: number, on, mode, key, tries, options, fn } = step;
    this.log.add(`${number} asks`);
    const own = { ...options, ...(options.signal && { signal: this.signalOf(number) }) };
    try {
      if (tries) {
        const hold = this.locks[on][TRY[mode]](key, own);
        this.clock.look();
        return this.tried(step, hold);
      }
    } catch (error) {
      return this.log.add(`${number} threw ${errorText(error)}`);
    }
    this.unsettled.set(number, options);
    const taken = this.locks[on][mode](
      key,
      own,
      fn === null ? undefined : (hold) => this.runInside(step, hold),
    );
    this.clock.look();
    this.log.add(`${number} asked`);
    const settled = (what) => {
      this.unsettled.delete(number);
      if (fn !== null) this.holding.delete(number);
      this.log.add(`${number} ${what}`);
    };
    taken.then(
      (value) => {
        settled('fulfilled');
        if (fn === null) this.see(step, value);
      },
      (error) => settled(`rejected: ${errorText(error)}`),
    );
  }

  signalOf(number) {
    const controller = new AbortController();
    this.aborts.set(number, controller);
    return controller.signal;
  }

  tried(step, hold) {
    if (hold === null) this.log.add(`${step.take} got nothing`);
    else this.see(step, hold);
  }

  /** What a request's function does. */
  async runInside(step, hold) {
    this.unsettled.delete(step.take);
    this.see(step, hold);
    for (const each of step.fn) {
      if ('pause' in each) await pause(each.pause);
      else this.act(each);
    }
    if (step.throws) throw new Error(`${step.take} throws`);
  }

  /** Looks at a hold that has just been given. */
  see({ take: number, on, options, lost }, hold) {
    this.holds.set(number, hold);
    this.holding.set(number, options);
    this.log.addFence(
      `${number} holds ${hold.key} ${hold.mode}, recovered: ${hold.recovered}`,
      on,
      hold.fence,
    );
    if (lost === null) return;
    const note = () => {
      this.holding.delete(number);
      this.log.add(`${number} lost: ${errorText(hold.signal.reason)}`);
      for (const each of lost) if (!('pause' in each)) this.act(each);
    };
    if (hold.signal.aborted) note();
    else hold.signal.addEventListener('abort', note);
  }

  /** @param {'release' | 'downgrade'} how */
  end(number, how) {
    const hold = this.holds.get(number);
    if (hold === undefined) return;
    if (how === 'release') this.holding.delete(number);
    this.log.add(`${number} is about to ${how}`);
    hold[how]();
    this.log.add(`${number} did ${how}, and holds ${hold.mode}`);
  }

  query(number) {
    try {
      const { held, pending } = this.locks[number].query();
      // Keys come in no order, and each key's holds and requests in theirs.
      const byKey = (a, b) => Number(a.key) - Number(b.key);
      for (const { key, mode, recovered, fence } of held.sort(byKey))
        this.log.addFence(`held: ${key} ${mode}, recovered: ${recovered}`, number, fence);
      for (const { key, mode } of pending.sort(byKey)) this.log.add(`pending: ${key} ${mode}`);
    } catch (error) {
      this.log.add(`query threw ${errorText(error)}`);
    }
  }

  /** Lets time bring what is due. */
  async tick() {
    const [standard] = this.program.locks;
    await this.clock.pass(() => {
      const waiting = [...this.unsettled.values()];
      const due = [...this.holding.values()].some(({ expiry = standard.expiry }) => expiry === SHORT);
      return waiting.some(({ timeout }) => timeout === SHORT) || (due && waiting.length > 0);
    });
    this.log.add('tick');
  }

  /** Releases whatever is held, until nobody waits any more. */
  async drain() {
    for (let before = -1; before !== this.log.length;) {
      before = this.log.length;
      await pause(30);
      for (const [number, hold] of this.holds) {
        this.holds.delete(number);
        hold.release();
        this.log.add(`${number} was released in the end`);
      }
    }
    this.log.add(`left unsettled: ${[...this.unsettled.keys()]}`);
  }
}

module.exports = { randomProgram, Run };
