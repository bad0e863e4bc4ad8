'use strict';
// Runs one seed: three workers and this thread play random programs on one named space; some workers die on the way
// and are replaced. Then the log has to stand up to the checker.

const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { Locks } = require('latchkey');
const { collectUntil } = require('../support/gc');
const { randomFrom } = require('../support/random');
const { Log } = require('./log');
const { Program } = require('./program');
const { check } = require('./checker');

const LANES = 3;
/** How often the worker of a lane is replaced. */
const REPLACEMENTS = 2;
const DEATHS = ['exit', 'throw', 'terminate', 'terminate'];
/** How long a run may take, when a tenth of a second is usual. */
const PATIENCE = 20_000;
const WORKER = path.join(__dirname, 'worker.js');

class Torture {
  #runs = 0;
  /** @type {string[]} the names of the runs' spaces */
  #spaces = [];
  /** @type {(Worker | null)[]} they live from run to run, until they die */
  #workers = Array.from({ length: LANES }, () => null);

  /**
   * @param {number} seed
   * @returns {Promise<{ complaints: string[], proven: Record<string, number>, events: object[], deaths: number }>}
   */
  async run(seed) {
    const log = Log.create();
    const random = randomFrom(seed);
    // Not the one of an earlier run: what was half written is remembered until all lock objects are collected.
    const space = `torture ${seed}, run ${this.#runs++}`;
    this.#spaces.push(space);
    const witness = new Locks({ name: space });
    const faults = [];
    const fault = (error) => faults.push(error.stack ?? String(error));
    const planFor = () => ({ space, seed: random.below(2 ** 31) });
    const threads = this.#workers.map((_, lane) => this.#playLane(lane, log, random, planFor));
    threads.push(new Program(log, { ...planFor(), thread: 0 }).run());
    const inTime = await settle(threads.map((thread) => thread.catch(fault)));
    if (!inTime)
      faults.push(`not all requests ended within ${PATIENCE} ms: ${JSON.stringify(witness.query())}`);
    else faults.push(...leftOver(witness));
    witness.close();
    const events = log.events();
    const { complaints, proven } = check(events);
    const deaths = events.filter(({ kind }) => kind === 'died').length;
    return { complaints: [...faults, ...complaints], proven, events, deaths };
  }

  async #playLane(lane, log, random, planFor) {
    const workers = this.#workers;
    for (let replaced = 0; workers === this.#workers; replaced++) {
      const end = replaced === REPLACEMENTS || random.chance(0.75) ? 'live' : random.pick(DEATHS);
      const delay = random.below(25);
      const worker = (workers[lane] ??= new Worker(WORKER));
      const { threadId } = worker;
      const kill = () => {
        log.add('killing', { thread: threadId });
        worker.terminate();
      };
      const message = { buffer: log.buffer, plan: planFor(), end };
      const survived = await play(worker, message, end === 'terminate' ? delay : Infinity, kill);
      if (survived) return;
      log.add('died', { thread: threadId });
      workers[lane] = null;
    }
  }

  async #endWorkers() {
    const workers = this.#workers;
    this.#workers = workers.map(() => null);
    await Promise.all(workers.map((worker) => worker?.terminate()));
  }

  /**
   * Ends the workers.
   *
   * @returns {Promise<object>} how many of the runs' spaces are still there: none
   */
  async end() {
    await this.#endWorkers();
    const nothing = () => (this.#spaces = this.#spaces.filter(isOpen)).length === 0;
    // The callback classes have no close(): their spaces go with them.
    await collectUntil(nothing, 'all spaces to be closed').catch(() => {});
    return { spaces: this.#spaces.length };
  }
}

/** Whether anybody uses a space in which something has been granted: a new one counts its fences from 1. */
function isOpen(name) {
  const locks = new Locks({ name });
  const hold = locks.tryWrite('a key of no program');
  hold.release();
  locks.close();
  return hold.fence > 1;
}

/**
 * Has a worker play a program.
 *
 * @param {Worker} worker
 * @param {{ end: string }} message
 * @param {number} delay after which it is to be killed, if it plays that long
 * @param {() => void} kill
 * @returns {Promise<boolean>} false if it died, as it was meant to
 */
function play(worker, message, delay, kill) {
  return new Promise((resolve, reject) => {
    let killed = false;
    const on = {
      message({ fault }) {
        if (fault !== null) settle(() => reject(fault));
        // Of one that was killed, only the end counts.
        else if (!killed) settle(() => resolve(true));
      },
      error(error) {
        if (error.message !== 'meant to be thrown') settle(() => reject(error));
      },
      exit() {
        settle(() =>
          message.end === 'live' ? reject(new Error('a worker ended by itself')) : resolve(false),
        );
      },
    };
    const killAndWait = () => {
      killed = true;
      kill();
    };
    const timer = delay === Infinity ? undefined : setTimeout(killAndWait, delay);
    const settle = (result) => {
      clearTimeout(timer);
      for (const [name, listener] of Object.entries(on)) worker.off(name, listener);
      result();
    };
    for (const [name, listener] of Object.entries(on)) worker.on(name, listener);
    worker.postMessage(message);
  });
}

/** Waits for all, and not for ever. */
async function settle(promises) {
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, PATIENCE, false)));
  const inTime = await Promise.race([Promise.all(promises).then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}

/** What nobody should hold or wait for any more. */
function leftOver(witness) {
  const { held, pending } = witness.query();
  if (held.length + pending.length === 0) return [];
  return [`left at the end: ${JSON.stringify({ held, pending })}`];
}

module.exports = { Torture };
