'use strict';
// The core of the promise face: what a `Locks` does.

const {
  toKey,
  checkCallback,
  toMilliseconds,
  toExpiry,
  toOptions,
  toSpaceName,
  toStore,
} = require('./arguments');
const { unwatch, watch } = require('./abort');
const { now } = require('./clock');
const {
  LockClosedError,
  LockQueueFullError,
  LockTimeoutError,
  invalidType,
  outOfRange,
} = require('./errors');
const { deliverNews } = require('./delivery');
const { Hold, giveBack, lossOf, runAndRelease } = require('./hold');
const { MultiHold, lossOfAny, endAll, inOrder } = require('./multi-hold');
const { Pending } = require('./pending');
const { PromiseRequest } = require('./promise-request');
const { openSpace } = require('./open-space');
const { WRITE } = require('./request');

/** @typedef {{ signal: AbortSignal | undefined, timeout: number, expiry: number }} Wish what a call asks for */

class PromiseLocks {
  /** @type {import('./space').Space} */
  #space;
  /** @type {Wish} what a call without options asks for */
  #wish;
  #maxPending;
  #closed = false;
  #pending = new Pending();

  /** @param {import('../index').LocksOptions} [options] */
  constructor(options) {
    const given = toOptions('options', options);
    const name = toSpaceName(given);
    const store = toStore(given, name);
    this.#wish = { signal: undefined, timeout: Infinity, expiry: toExpiry('options.expiry', given.expiry) };
    this.#maxPending = toMaxPending(given.maxPending);
    this.#space = openSpace(name, store);
  }

  /** @returns {any} */
  query() {
    // On a store, this comes by the promise, too.
    if (this.#closed) return this.#space.refuse(new LockClosedError());
    return this.#space.query(toSnapshot);
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    // From the back, so that none that leaves lets another one in.
    while (this.#pending.last !== null) {
      const request = this.#pending.last;
      request.abandon(new LockClosedError(request.key));
    }
    this.#space.close();
  }

  /**
   * Takes the key or keys; runs `fn` with the hold and releases it, if there is one. Not an async function,
   * whose promise would be one more than is needed.
   *
   * @param {number} mode
   * @param {any} key
   * @param {any} options
   * @param {any} fn
   * @returns {Promise<any>}
   */
  run(mode, key, options, fn) {
    try {
      if (typeof options === 'function') {
        fn = options;
        options = undefined;
      } else if (fn !== undefined) {
        checkCallback('fn', fn);
      }
      const wish = this.#toWish(options);
      if (isList(key)) {
        const taken = this.#takeAll(mode, inOrder(key), wish);
        return fn === undefined ? taken : taken.then((hold) => runAndRelease(hold, lossOfAny, fn));
      }
      const taken = this.#take(mode, toKey(key), wish);
      // Not awaited when it is granted at once: then `fn` starts before the call returns.
      if (!(taken instanceof Hold)) {
        return fn === undefined ? taken : taken.then((hold) => runAndRelease(hold, lossOf, fn));
      }
      return fn === undefined ? Promise.resolve(taken) : runAndRelease(taken, lossOf, fn);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * @param {number} mode
   * @param {string[]} keys in order
   * @param {Wish} wish
   */
  async #takeAll(mode, keys, wish) {
    this.#refuse(keys[0], wish.signal);
    /** @type {Hold[]} */
    const holds = [];
    const start = now();
    try {
      for (const key of keys) {
        const rest = wish.timeout - (now() - start);
        holds.push(await this.#take(mode, key, wish, Math.max(0, rest)));
      }
      const lost = holds.find((hold) => lossOf(hold) !== null);
      if (lost !== undefined) throw lossOf(lost);
    } catch (error) {
      endAll(holds, giveBack);
      throw error;
    }
    return new MultiHold(holds, toMode(mode === WRITE), this.#space.answersLater);
  }

  /**
   * @param {number} mode
   * @param {string} key
   * @param {Wish} wish
   * @param {number} rest what is left of the wish's timeout
   * @returns {Hold | Promise<Hold>}
   */
  #take(mode, key, wish, rest = wish.timeout) {
    this.#refuse(key, wish.signal);
    const maxPending = this.#pending.size >= this.#maxPending ? this.#maxPending : null;
    const request = new PromiseRequest(this.#space, key, mode, wish, maxPending);
    const done = this.#ask(request, maxPending === null ? rest : 0);
    if (request.hold !== null) return request.hold;
    if (done === -1) throw request.refusal();
    const { outcome } = request;
    if (outcome === null) return this.#wait(request);
    if (outcome.hold !== null) return outcome.hold;
    throw outcome.error;
  }

  /**
   * Throws what keeps any request from being made.
   *
   * @param {string} key
   * @param {AbortSignal | undefined} signal
   */
  #refuse(key, signal) {
    if (this.#closed) throw new LockClosedError(key);
    signal?.throwIfAborted();
  }

  /**
   * @param {PromiseRequest} request
   * @returns {Promise<Hold>}
   */
  #wait(request) {
    const { signal } = request.wish;
    this.#pending.add(request);
    return new Promise((resolve, reject) => {
      if (signal !== undefined) watch(signal, request);
      request.settle = (outcome) => {
        this.#pending.delete(request);
        if (signal !== undefined) unwatch(signal, request);
        if (outcome.hold !== null) resolve(outcome.hold);
        else reject(outcome.error);
      };
    });
  }

  /**
   * @param {PromiseRequest} request
   * @param {number} patience
   */
  #ask(request, patience) {
    const done = this.#space.ask(request, patience);
    // Before the events are told: its own loss may be among them.
    if (done === 1) request.toHold();
    deliverNews(this.#space, request.key);
    return done;
  }

  /**
   * @param {number} mode
   * @param {any} key
   * @param {any} options
   * @returns {any} a hold or null; a promise of it where a store answers
   */
  tryNow(mode, key, options) {
    const { expiry } = this.#toWish(options);
    const keys = isList(key) ? inOrder(key) : toKey(key);
    const wish = { ...this.#wish, expiry, timeout: 0 };
    if (this.#space.answersLater) return this.#tryLater(mode, keys, wish);
    if (this.#closed) throw new LockClosedError();
    if (typeof keys === 'string') return this.#tryOne(mode, keys, wish);
    /** @type {Hold[]} */
    const holds = [];
    for (const each of keys) {
      const hold = this.#tryOne(mode, each, wish);
      if (hold === null) {
        endAll(holds, giveBack);
        return null;
      }
      holds.push(hold);
    }
    return new MultiHold(holds, toMode(mode === WRITE), this.#space.answersLater);
  }

  /**
   * @param {number} mode
   * @param {string | string[]} keys
   * @param {Wish} wish
   * @returns {Promise<Hold | null>}
   */
  async #tryLater(mode, keys, wish) {
    try {
      return await (typeof keys === 'string'
        ? this.#take(mode, keys, wish)
        : this.#takeAll(mode, keys, wish));
    } catch (error) {
      if (error instanceof LockTimeoutError || error instanceof LockQueueFullError) return null;
      throw error;
    }
  }

  /**
   * @param {number} mode
   * @param {string} key
   * @param {Wish} wish
   */
  #tryOne(mode, key, wish) {
    const request = new PromiseRequest(this.#space, key, mode, wish, null);
    this.#ask(request, 0);
    return request.hold;
  }

  /**
   * @param {any} options
   * @returns {Wish}
   */
  #toWish(options) {
    if (options === undefined || options === null) return this.#wish;
    const { signal, timeout, expiry } = toOptions('options', options);
    if (signal !== undefined && (signal === null || !isSignal(signal)))
      throw invalidType('options.signal', 'an AbortSignal', signal);
    return {
      signal,
      timeout: timeout === undefined ? Infinity : toMilliseconds('options.timeout', timeout),
      expiry: expiry === undefined ? this.#wish.expiry : toExpiry('options.expiry', expiry),
    };
  }
}

/**
 * @param {import('./port').KeyReport[]} reports
 * @param {number} now
 * @returns {import('../index').LocksSnapshot}
 */
function toSnapshot(reports, now) {
  /** @type {import('../index').LocksSnapshot} */
  const snapshot = { held: [], pending: [] };
  for (const { key, held, pending } of reports) {
    for (const { write, age, ...rest } of held) {
      snapshot.held.push({ key, mode: toMode(write), since: Math.round(now - age), ...rest });
    }
    for (const { write, age, ...rest } of pending) {
      snapshot.pending.push({ key, mode: toMode(write), since: Math.round(now - age), ...rest });
    }
  }
  return snapshot;
}

/**
 * @param {unknown} maxPending
 * @returns {number}
 */
function toMaxPending(maxPending) {
  if (maxPending === undefined || maxPending === null) return Infinity;
  if (typeof maxPending !== 'number') throw invalidType('options.maxPending', 'a number', maxPending);
  if (!(maxPending >= 0)) throw outOfRange('options.maxPending', '0 or more', maxPending);
  return maxPending;
}

/**
 * Whether it looks like an AbortSignal: one of another realm is as good.
 *
 * @param {any} value
 */
function isSignal(value) {
  return typeof value === 'object' && 'aborted' in value && typeof value.addEventListener === 'function';
}

/**
 * `Array.isArray`, for anything at all.
 *
 * @param {unknown} key
 * @returns {key is unknown[]}
 */
function isList(key) {
  try {
    return Array.isArray(key);
  } catch {
    // A revoked proxy: `toKey` says what is wrong with it.
    return false;
  }
}

/**
 * @param {boolean} write
 * @returns {'read' | 'write'}
 */
function toMode(write) {
  return write ? 'write' : 'read';
}

module.exports = { PromiseLocks };
