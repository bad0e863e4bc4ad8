'use strict';
// Runs one seed over a store: three processes and this one play random programs on one space; some are killed or end
// on the way and are replaced. Then their log has to stand up to the checker, and the server's own to its.

const { fork } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { Locks } = require('latchkey');
const { randomFrom } = require('../support/random');
const { untilAsync } = require('../support/redis');
const { sleep } = require('../support/until');
const { FileLog } = require('./file-log');
const { ServerLog } = require('./server-log');
const { Program } = require('./program');
const { check } = require('./checker');

const LANES = 3;
/** How often the process of a lane is replaced. */
const REPLACEMENTS = 1;
const DEATHS = ['exit', 'throw', 'kill', 'kill'];
/** Milliseconds: how long a killed one's locks stay. */
const TTL = 3000;
/** How long a run may take, when a second is usual. */
const PATIENCE = 30_000;
/** Milliseconds between two looks at what is left: others work meanwhile. */
const PAUSE = 25;
const PROCESS = path.join(__dirname, 'process.js');

/** Of this process: so that no two runs have a name in common. */
let runs = 0;
/** All that have to end with this one. @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
process.on('exit', () => running.forEach((each) => each.kill('SIGKILL')));

class StoreTorture {
  #redis;
  #serverLog;
  #breaks;
  /** @type {(import('node:child_process').ChildProcess | null)[]} they live from run to run, until they die */
  #processes = Array.from({ length: LANES }, () => null);

  /**
   * @param {import('../support/redis').Redis} redis that runs
   * @param {ServerLog} serverLog of that server
   * @param {boolean} breaks whether connections are to break
   */
  constructor(redis, serverLog, breaks) {
    this.#breaks = breaks;
    this.#redis = redis;
    this.#serverLog = serverLog;
  }

  /**
   * Some that can run side by side, on one server: when somebody has been killed, a run is mostly waiting for a lease.
   *
   * @returns {Promise<StoreTorture[]>}
   */
  static async several(count, redis, breaks = false) {
    const serverLog = await ServerLog.start(redis);
    return Array.from({ length: count }, () => new StoreTorture(redis, serverLog, breaks));
  }

  /**
   * @param {number} seed
   * @returns {Promise<{ complaints: string[], proven: Record<string, number>, events: object[], deaths: number,
   *   broken: number, metNobody: number }>} `broken` connections; `metNobody`: requests that failed because the store did
   *   not answer in time
   */
  async run(seed) {
    const number = runs++;
    const log = new FileLog(path.join(this.#redis.dir, `history ${number}`));
    const random = randomFrom(seed);
    const place = { space: `torture ${seed}, run ${number}`, store: { url: this.#redis.url, ttl: TTL } };
    const witness = new Locks({ name: place.space, store: place.store });
    const faults = [];
    const planFor = () => ({ ...place, seed: random.below(2 ** 31) });
    const players = this.#processes.map((_, lane) => this.#playLane(lane, log, random, planFor));
    players.push(new Program(log, { ...planFor(), thread: process.pid }).run());
    const breaking = this.#breaks ? this.#breakConnections(randomFrom(~seed)) : 0;
    const all = Promise.all(
      players.map((player) => player.catch((fault) => faults.push(fault.stack ?? fault))),
    );
    let timer;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, PATIENCE, 'late')));
    if ((await Promise.race([all, late])) === 'late') {
      faults.push(`not all requests ended within ${PATIENCE} ms: ${JSON.stringify(await witness.query())}`);
    }
    clearTimeout(timer);
    const broken = await breaking;
    faults.push(...(await leftOver(witness)));
    witness.close();
    const events = log.events();
    log.close();
    fs.rmSync(log.name);
    const metNobody = events.filter(({ why }) => why === 'ERR_STORE_UNREACHABLE').length;
    // On a machine that stands still, one may break by itself.
    const { complaints, proven } = check(events, true, this.#breaks || metNobody > 0);
    const said = await this.#serverLog.check(place.space, fencesIn(events));
    const deaths = events.filter(({ kind }) => kind === 'died').length;
    return {
      complaints: [...faults, ...complaints, ...said.complaints],
      proven: { ...proven, ...said.proven },
      events,
      deaths,
      broken,
      metNobody,
    };
  }

  /** Has the server break some connections, of this run or of another one. @returns {Promise<number>} how many */
  async #breakConnections(random) {
    let broken = 0;
    for (let times = random.below(3); times > 0; times--) {
      await sleep(random.below(40));
      const list = await this.#redis.command('CLIENT', 'LIST', 'TYPE', 'pubsub');
      const ids = Array.from(list.matchAll(/^id=(\d+)/gm), ([, id]) => id);
      if (ids.length === 0) continue;
      broken += await this.#redis.command('CLIENT', 'KILL', 'ID', random.pick(ids));
    }
    return broken;
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
   * @returns {Promise<object>} how much is left on the server, if no other one runs, but for what is only remembered as
   *   recovered: nothing
   */
  async end() {
    await Promise.all(this.#processes.map((each) => each !== null && endOf(each)));
    // Somebody who is still there clears those who were killed last.
    const witness = new Locks({ name: 'end', store: { url: this.#redis.url, ttl: TTL } });
    await witness.query();
    let left = {};
    const nothing = async () => Object.values((left = await this.#left())).every((count) => count === 0);
    await untilAsync(nothing, 'nothing to be left', PAUSE).catch(() => {});
    witness.close();
    return left;
  }

  async #left() {
    const redis = this.#redis;
    const keys = await redis.keys();
    const fields = (lock) => redis.command('HKEYS', lock);
    const locks = await Promise.all(keys.filter((key) => key.includes(':h:')).map(fields));
    const lives = await Promise.all(keys.map((key) => redis.command('PTTL', key)));
    return {
      queues: keys.filter((key) => key.includes(':q:')).length,
      // Without the placeholder that is there while there are sessions.
      requests: await redis.command('ZLEXCOUNT', '{latchkey:0}:o', '("', '+'),
      'locks that somebody holds': locks.filter((lock) => String(lock) !== 'recovered').length,
      'keys that never go': lives.filter((ms) => ms === -1).length,
    };
  }
}

/** Those that a hold has reported. @returns {number[]} */
function fencesIn(events) {
  return events.filter(({ kind, fence }) => kind === 'granted' && fence > 0).map(({ fence }) => fence);
}

/** Starts a process; what it complains of is shown, unless it is meant to. */
function startProcess() {
  const player = fork(PROCESS, { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
  running.add(player);
  player.once('exit', () => running.delete(player));
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
      player.off('message', onMessage).off('exit', ended);
      result();
    };
    const onMessage = ({ fault }) => {
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
    player.on('message', onMessage).on('exit', ended);
    player.send(message);
  });
}

/** What nobody should hold or wait for any more, when the leases of the dead are over. */
async function leftOver(witness) {
  try {
    await untilAsync(
      async () => {
        const { held, pending } = await witness.query();
        return held.length + pending.length === 0;
      },
      'nothing to be held',
      PAUSE,
    );
    return [];
  } catch {
    return [`left at the end: ${JSON.stringify(await witness.query())}`];
  }
}

module.exports = { StoreTorture };
