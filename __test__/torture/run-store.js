'use strict';
// Runs one seed over a store: three processes and this one play random programs on one space; some are killed or end
// on the way and are replaced. Then the log has to stand up to the checker.

const { fork } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { Locks } = require('latchkey');
const { randomFrom } = require('../support/random');
const { untilAsync } = require('../support/redis');
const { FileLog } = require('./file-log');
const { Program } = require('./program');
const { check } = require('./checker');

const LANES = 3;
/** How often the process of a lane is replaced. */
const REPLACEMENTS = 1;
const DEATHS = ['exit', 'throw', 'kill', 'kill'];
/** Milliseconds: how long a killed one's locks stay. */
const TTL = 1000;
/** How long a run may take, when a second is usual. */
const PATIENCE = 30_000;
const PROCESS = path.join(__dirname, 'process.js');

class StoreTorture {
  #runs = 0;
  #redis;
  /** @type {(import('node:child_process').ChildProcess | null)[]} they live from run to run, until they die */
  #processes = Array.from({ length: LANES }, () => null);

  /** @param {import('../support/redis').Redis} redis that runs */
  constructor(redis) {
    this.#redis = redis;
    process.on('exit', () => this.#processes.forEach((each) => each?.kill('SIGKILL')));
  }

  /**
   * @param {number} seed
   * @returns {Promise<{ complaints: string[], proven: Record<string, number>, events: object[], deaths: number }>}
   */
  async run(seed) {
    const number = this.#runs++;
    const log = new FileLog(path.join(this.#redis.dir, `history ${number}`));
    const random = randomFrom(seed);
    const place = { space: `torture ${seed}, run ${number}`, store: { url: this.#redis.url, ttl: TTL } };
    const witness = new Locks({ name: place.space, store: place.store });
    const faults = [];
    const planFor = () => ({ ...place, seed: random.below(2 ** 31) });
    const players = this.#processes.map((_, lane) => this.#playLane(lane, log, random, planFor));
    players.push(new Program(log, { ...planFor(), thread: process.pid }).run());
    const all = Promise.all(
      players.map((player) => player.catch((fault) => faults.push(fault.stack ?? fault))),
    );
    let timer;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, PATIENCE, 'late')));
    if ((await Promise.race([all, late])) === 'late') {
      faults.push(`not all requests ended within ${PATIENCE} ms: ${JSON.stringify(await witness.query())}`);
    }
    clearTimeout(timer);
    faults.push(...(await leftOver(witness)));
    witness.close();
    const events = log.events();
    log.close();
    fs.rmSync(log.name);
    const { complaints, proven } = check(events, true);
    const deaths = events.filter(({ kind }) => kind === 'died').length;
    return { complaints: [...faults, ...complaints], proven, events, deaths };
  }

  async #playLane(lane, log, random, planFor) {
    for (let replaced = 0; ; replaced++) {
      const end = replaced === REPLACEMENTS || random.chance(0.75) ? 'live' : random.pick(DEATHS);
      const delay = random.below(40);
      const player = (this.#processes[lane] ??= startProcess());
      const thread = player.pid;
      const kill = () => {
        log.add('killing', { thread });
        player.kill('SIGKILL');
      };
      const message = { file: log.name, begin: String(log.begin), plan: planFor(), end };
      if (await play(player, message, end === 'kill' ? delay : Infinity, kill)) return;
      log.add('died', { thread });
      this.#processes[lane] = null;
    }
  }

  /**
   * Ends the processes.
   *
   * @returns {Promise<object>} how many locks and queues are left on the server, but for those that are only
   *   remembered as recovered: none
   */
  async end() {
    await Promise.all(this.#processes.map((each) => each !== null && endOf(each)));
    const queues = (await this.#redis.keys('*:q:*')).length;
    const requests = await this.#redis.command('ZCARD', '{latchkey:0}:o');
    return { queues, requests };
  }
}

/** Starts a process; what it complains of is shown, unless it is meant to. */
function startProcess() {
  const player = fork(PROCESS, { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
  let complaint = '';
  player.stderr.on('data', (text) => (complaint += text));
  player.stderr.on('end', () => complaint.includes('meant to be thrown') || process.stderr.write(complaint));
  return player;
}

function endOf(player) {
  return new Promise((resolve) => {
    player.once('exit', resolve);
    player.disconnect();
  });
}

/**
 * Has a process play a program.
 *
 * @returns {Promise<boolean>} false if it died, as it was meant to
 */
function play(player, message, delay, kill) {
  return new Promise((resolve, reject) => {
    let killed = false;
    const settle = (result) => {
      clearTimeout(timer);
      player.off('message', told).off('exit', ended);
      result();
    };
    const told = ({ fault }) => {
      if (fault !== null) settle(() => reject(new Error(fault)));
      // Of one that was killed, only the end counts.
      else if (!killed) settle(() => resolve(true));
    };
    const ended = () =>
      settle(() =>
        message.end === 'live' ? reject(new Error('a process ended by itself')) : resolve(false),
      );
    const timer =
      delay === Infinity
        ? undefined
        : setTimeout(() => {
            killed = true;
            kill();
          }, delay);
    player.on('message', told).on('exit', ended);
    player.send(message);
  });
}

/** What nobody should hold or wait for any more, when the leases of the dead are over. */
async function leftOver(witness) {
  try {
    await untilAsync(async () => {
      const { held, pending } = await witness.query();
      return held.length + pending.length === 0;
    }, 'nothing to be held');
    return [];
  } catch {
    return [`left at the end: ${JSON.stringify(await witness.query())}`];
  }
}

module.exports = { StoreTorture };
