'use strict';
// The server's own account of a store: each step that its scripts take, in the order in which it takes them (MONITOR). It
// proves of all processes together what a log of theirs can prove of one process only: that grants go by ticket, that
// tickets and fences rise, and that the server never lets two in. For a server that is not started again meanwhile.

const { deferred } = require('../support/until');

/** A step that changes who holds a lock (h) or waits for it (q): see crates/redis/src/scripts/holds.lua. */
const STEP = /^[\d.]+ \[\d+ lua\] "(HSET|HDEL|DEL|ZADD|ZREM)" "\{[^"]*\}:([hq]):(\d+:[^"]*)"/;
/** A key that has the holders of a lock. */
const LOCK = /^\{[^}]*\}:h:(.*)$/;
const WORD = /"((?:[^"\\]|\\.)*)"/g;
const HOLD = /^(\d+)\|\d+\|\d$/;
/** The fields of a lock's holders that are none of them. */
const OWN_FIELDS = ['mode', 'due', 'recovered', 'alone'];

class ServerLog {
  #redis;
  /** Of each lock that anybody holds or waits for. @type {Map<string, Lock>} */
  #locks = new Map();
  /** The highest ticket or fence so far. */
  #tick = 0;
  #fences = new Set();
  /** With the lock that each is about. @type {[string, string][]} */
  #complaints = [];
  #proven = { served: 0, rises: 0 };
  #marks = new Map();

  constructor(redis) {
    this.#redis = redis;
  }

  /** @param {import('../support/redis').Redis} redis on which nobody holds anything */
  static async start(redis) {
    const log = new ServerLog(redis);
    await redis.follow((line) => log.read(line));
    return log;
  }

  /**
   * What there is to say of a space in which nothing happens any more.
   *
   * @param {string} space
   * @param {number[]} fences that holders were given
   * @returns {Promise<{ complaints: string[], proven: { served: number, rises: number } }>} since the last time:
   *   how many waiters were served in their turn, and how many tickets and fences were higher than all before
   */
  async check(space, fences) {
    await this.#caughtUp();
    const ofSpace = this.#complaints.filter(([lock]) => lock.includes(`:${space}:`));
    const unknown = fences.filter((fence) => !this.#fences.has(fence));
    const complaints = [
      ...ofSpace.map(([lock, complaint]) => `on the server: ${complaint} (${lock})`),
      ...unknown.map((fence) => `the server never gave the fence ${fence}`),
    ];
    const proven = this.#proven;
    this.#proven = { served: 0, rises: 0 };
    return { complaints, proven };
  }

  /** Resolves when all that the server has done so far has been read. */
  async #caughtUp() {
    const mark = `mark ${this.#marks.size}`;
    const seen = deferred();
    this.#marks.set(mark, seen);
    await this.#redis.command('ECHO', mark);
    await seen.promise;
  }

  /** @param {string} line of MONITOR */
  read(line) {
    const step = STEP.exec(line);
    if (step === null) return this.#marks.get(/"ECHO" "(mark \d+)"/.exec(line)?.[1])?.resolve();
    const [{ length }, command, sort, name] = step;
    const words = Array.from(line.slice(length).matchAll(WORD), ([, word]) => word);
    // The holders of several locks may go in one step.
    if (command === 'DEL')
      return [name, ...words.map((key) => LOCK.exec(key)?.[1])].forEach((each) => this.#free(each));
    const lock = this.#locks.get(name) ?? new Lock();
    this.#locks.set(name, lock);
    if (sort === 'q') this.#queue(name, lock, command, words);
    else this.#hold(name, lock, command, words);
    if (lock.holders.size + lock.queue.size === 0) this.#locks.delete(name);
  }

  /** Nobody holds a lock any more. */
  #free(name) {
    const lock = this.#locks.get(name);
    lock?.holders.clear();
    if (lock?.queue.size === 0) this.#locks.delete(name);
  }

  #queue(name, lock, command, words) {
    if (command === 'ZREM') return words.forEach((id) => lock.queue.delete(id));
    const [first, id] = words;
    this.#rise(name, 'the ticket', Number(first));
    lock.queue.set(id, Number(first));
  }

  #hold(name, lock, command, words) {
    if (command === 'HDEL') return words.forEach((field) => lock.holders.delete(field));
    // Several readers may be let in by one step.
    let modeBefore = lock.mode;
    for (let i = 0; i < words.length; i += 2) {
      const [field, value] = [words[i], words[i + 1]];
      if (field === 'mode') lock.mode = value;
      else if (!OWN_FIELDS.includes(field)) {
        this.#grant(name, lock, modeBefore, field, value);
        modeBefore = lock.mode;
      }
    }
  }

  #grant(name, lock, modeBefore, id, value) {
    const fence = Number(HOLD.exec(value)?.[1]);
    this.#rise(name, 'the fence', fence);
    this.#fences.add(fence);
    if (lock.holders.size > 0 && `${modeBefore}${lock.mode}` !== 'rr') {
      this.#complain(name, `${id} is let in beside ${[...lock.holders]}`);
    }
    lock.holders.add(id);
    const ticket = lock.queue.get(id) ?? Infinity;
    for (const [other, earlier] of lock.queue) {
      if (earlier < ticket) this.#complain(name, `${id} is granted before ${other}, whose ticket is lower`);
    }
    if (ticket < Infinity) this.#proven.served++;
    // It leaves the queue in a later step, together with those that are let in by this one.
    lock.queue.delete(id);
  }

  #rise(name, what, tick) {
    if (!(tick > this.#tick)) this.#complain(name, `${what} ${tick} comes after ${this.#tick}`);
    this.#tick = tick;
    this.#proven.rises++;
  }

  #complain(name, text) {
    this.#complaints.push([name, text]);
  }
}

class Lock {
  /** @type {Set<string>} */
  holders = new Set();
  /** Tickets. @type {Map<string, number>} */
  queue = new Map();
  mode = '';
}

module.exports = { ServerLog };
