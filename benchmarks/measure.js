'use strict';
// Times the sides of a scenario in turn, in this process, with the garbage collected before each time.

const vm = require('node:vm');
const { wallTime, workTime } = require('./clock');
const { collect, ageAll } = require('./task');
const works = require('./work');

/**
 * One side of a scenario: whose locks, and what they are made to do.
 *
 * @typedef {object} Side
 * @property {string} adapter a file of adapters/
 * @property {string} work one of work.js
 * @property {number} size requests in a batch
 * @property {number} [inUse] keys in use meanwhile
 * @property {number} [unread] events of other keys that wait to be read meanwhile
 * @property {number} [expiry] milliseconds
 */

/**
 * @typedef {object} Plan
 * @property {number} rounds
 * @property {number} roundTime milliseconds that one time should take at least
 * @property {number} budget milliseconds after which three rounds are enough
 */

/** A batch of this many milliseconds is compiled long before its end, and needs no warming up. */
const LONG = 1000;

/** So many batches are timed together where each has to be prepared, which takes far longer than the batch. */
const PREPARED = 3;

/** A side made ready to run. */
class Runner {
  /** @param {Side} side */
  constructor(side) {
    const { loop, input, before, fresh, extra } = works[side.work];
    this.side = side;
    // A copy of its own, so that V8 specialises the loop for these locks, as in a program that has no others.
    this.loop = vm.runInThisContext(`'use strict'; (${loop})`);
    this.makeInput = input;
    this.before = before;
    this.fresh = fresh === true;
    // Where threads wait for each other, waiting is what counts.
    this.now = side.work === 'contend' ? wallTime : workTime;
    this.requests = side.size + (extra ?? 0);
    this.batches = before === undefined ? 1 : PREPARED;
    /** Milliseconds of the last batch. */
    this.batchTime = 0;
  }

  async open() {
    const { adapter } = this.side;
    this.lock = await require(`./adapters/${adapter}`).open(this.side);
    this.input = this.makeInput?.(this.lock, this.side);
  }

  /** @returns {Promise<number>} milliseconds of so many batches */
  async time(batches) {
    const elapsed = this.before === undefined ? await this.run(batches) : await this.runPrepared(batches);
    this.batchTime = elapsed / batches;
    return elapsed;
  }

  /**
   * What comes before each batch is not timed, and there is no turn of the event loop between the two.
   *
   * @returns {Promise<number>} the same
   */
  async runPrepared(batches) {
    let elapsed = 0;
    for (let i = 0; i < batches; i++) {
      await this.before?.(this.lock);
      ageAll();
      elapsed += await this.run(1);
    }
    return elapsed;
  }

  /** @returns {Promise<number>} the same */
  async run(batches) {
    const { loop, lock, input, now } = this;
    const { size } = this.side;
    const start = now();
    for (let i = 0; i < batches; i++) {
      const end = loop(lock, size, input);
      if (end !== undefined) await end;
    }
    return now() - start;
  }

  /** Lets V8 compile the code, and finds how many batches last long enough to be timed. */
  async warmUp(roundTime) {
    for (;;) {
      if (this.fresh) await this.open();
      const elapsed = await this.time(this.batches);
      if (this.fresh || this.before !== undefined || elapsed >= roundTime) return;
      this.batches = Math.ceil(this.batches * Math.min(4, (1.2 * roundTime) / elapsed));
    }
  }

  /** Lets V8 compile again what it has thrown away, until that makes nothing faster. */
  async warmUpAgain(roundTime) {
    await this.warmUp(roundTime);
    let before;
    do {
      before = this.batchTime;
      await this.warmUp(roundTime);
    } while (this.batchTime < 0.9 * before);
  }

  /** @returns {Promise<number>} nanoseconds per request */
  async round(roundTime) {
    await collect();
    // A collection throws away compiled code that was made for objects of which none is left.
    if (this.batchTime < LONG) await this.warmUpAgain(roundTime);
    if (this.fresh) await this.open();
    const elapsed = await this.time(this.batches);
    return (elapsed * 1e6) / (this.batches * this.requests);
  }
}

/**
 * @param {Side[]} sides
 * @param {Plan} plan
 * @returns {Promise<number[][]>} for each side, nanoseconds per request, as often as there were rounds
 */
async function alternate(sides, { rounds, roundTime, budget }) {
  const runners = sides.map((side) => new Runner(side));
  for (const runner of runners) {
    await runner.open();
    await runner.warmUp(roundTime);
  }
  /** @type {number[][]} */
  const samples = sides.map(() => []);
  const start = performance.now();
  for (let round = 0; round < rounds; round++) {
    // Each begins in turn: what one leaves behind is not always the same one's to clear up.
    for (let i = 0; i < runners.length; i++) {
      const place = (round + i) % runners.length;
      samples[place].push(await runners[place].round(roundTime));
    }
    if (round >= 2 && performance.now() - start > budget) break;
  }
  return samples;
}

/**
 * One batch, to see whether this side comes to its end at all.
 *
 * @param {Side} side
 */
async function attempt(side) {
  const runner = new Runner(side);
  await runner.open();
  await runner.time(1);
}

module.exports = { alternate, attempt };
