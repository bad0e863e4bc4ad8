'use strict';
// The core of the promise API: what a `Locks` does.

const {
  isList,
  toKey,
  toKeys,
  checkCallback,
  toMilliseconds,
  toMaxPending,
  toExpiry,
  optionOf,
  toTrace,
} = require('./arguments');
const { hasAborted, onAbort, reasonOf } = require('../requests/abort');
const { now } = require('../clock');
const { LockClosedError, LockQueueFullError, LockTimeoutError } = require('../errors');
const { GRANTED, ANSWERED, WAITING, ENDED } = require('../events/life');
const { Pending } = require('../requests/pending');
const { PromiseRequest, Failure, HELD } = require('../requests/promise-request');
const { marksOf } = require('../events/snapshot');
const { CALLS, LOCKS, TRIES } = require('./options');
const { toPlace } = require('./place');
const { openSpace } = require('../spaces/open-space');
const { withCaller } = require('../requests/caller');
const { RequestGroup, giveAllBack } = require('../requests/request-group');
const { runAndRelease, settled, wait } = require('../requests/run');
const { SOON } = require('../addon/stack');
const { capture, framesOf, isOn } = require('../trace');
const { functionNotLast, newWish, toWish } = require('./wish');

/** @typedef {import('./wish').Wish} Wish */

/** Of so many keys at most a store is asked in one trip: it does nothing else meanwhile. */
const MOST_TOGETHER = 256;

class PromiseLocks {
  /** @type {ReturnType<typeof openSpace>} */
  #space;
  /** @type {Wish} what a call without options asks for */
  #wish;
  #maxPending;
  /** Whether requests remember where they were asked. */
  #traces;
  #pending = new Pending();

  /** @param {import('../../index').LocksOptions} [options] */
  constructor(options) {
    const { given, name, store } = toPlace(options, LOCKS);
    const expiry = toExpiry('options.expiry', optionOf(given, 'expiry'));
    const timeout = toMilliseconds('options.timeout', optionOf(given, 'timeout') ?? Infinity);
    this.#wish = newWish(timeout, expiry);
    this.#traces = toTrace(optionOf(given, 'trace')) ?? isOn;
    this.#maxPending = toMaxPending(optionOf(given, 'maxPending'));
    this.#space = openSpace(name, store);
  }

  /**
   * Who holds and who waits, or what there is to say of that. On a store, errors come by the promise, too.
   *
   * @param {import('../events/snapshot').Read} read
   * @param {readonly unknown[]} keys the only one to look at; none for all
   * @returns {any}
   */
  query(read, keys) {
    const key = keys.length > 0 ? toKey(keys[0]) : undefined;
    if (!this.#pending.closed) return this.#space.query(read, key);
    if (this.#space.answersLater) return Promise.reject(new LockClosedError());
    throw new LockClosedError();
  }

  /** Waits until a request for a free key would be granted. */
  async ready() {
    if (this.#pending.closed) throw new LockClosedError();
    let failure = null;
    await this.#space.ready().catch((error) => (failure = error));
    if (this.#pending.closed) throw new LockClosedError();
    if (failure !== null) throw withCaller(failure);
  }

  /**
   * What the object says of itself.
   *
   * @returns {import('../../index').LocksJson}
   */
  describe() {
    const { name, scope } = this.#space;
    const { closed, size } = this.#pending;
    return { name: name ?? null, scope, state: closed ? 'closed' : 'open', pending: size };
  }

  close() {
    this.#pending.closed = true;
    // From the back, so that none that leaves lets another one in.
    while (this.#pending.last !== null) this.#pending.last.abandon(this.#pending.last.closedError());
    this.#space.close();
  }

  /**
   * Takes the key or keys; runs `fn` with the hold and releases it, if there is one. Where the key is free, `fn` starts before the
   * call returns. Not an async function, whose promise would be one more than is needed.
   *
   * @param {number} mode
   * @param {unknown} key
   * @param {unknown} options
   * @param {any} fn
   * @returns {Promise<any>}
   */
  run(mode, key, options, fn) {
    /** @type {PromiseRequest | undefined} */
    let request;
    try {
      if (typeof options === 'function') {
        if (fn !== undefined) throw functionNotLast(mode);
        fn = options;
        options = undefined;
      } else if (fn !== undefined) {
        checkCallback('fn', fn);
      }
      const wish = this.#toWish(options, CALLS[mode], this.run);
      if (isList(key)) {
        const taken = this.#takeAll(mode, toKeys(key), wish);
        return taken.then((group) => (fn === undefined ? group.toHold() : runAndRelease(group, fn)));
      }
      request = this.#take(mode, toKey(key), wish);
      if (fn !== undefined) return runAndRelease(request, fn);
      return request.outcome === null ? wait(request) : Promise.resolve(request.toHold());
    } catch (error) {
      // The stack has ended before somebody could wait for it, or have it.
      if (request !== undefined) SOON.then(request.revoke.bind(request, error));
      return Promise.reject(withCaller(error, this.run));
    }
  }

  /**
   * @param {number} mode
   * @param {string[]} keys in order
   * @param {Wish} wish
   */
  async #takeAll(mode, keys, wish) {
    this.#refuse(keys[0], wish);
    const start = now();
    /** @type {PromiseRequest[]} */
    const held = [];
    try {
      if (this.#mayTakeTogether(keys.length)) held.push(...(await this.#takeTogether(mode, keys, wish)));
      for (const key of keys.slice(held.length)) {
        const rest = wish.timeout - (now() - start);
        const request = this.#take(mode, key, wish, Math.max(0, rest));
        if (request.outcome === null) await wait(request);
        held.push(request);
      }
      const lost = held.find(({ loss }) => loss !== null);
      if (lost !== undefined) throw lost.loss;
      return new RequestGroup(held, mode, this.#space);
    } catch (error) {
      // At the end of the stack there is room for nothing of JavaScript now.
      if (error instanceof RangeError) SOON.then(giveAllBack.bind(undefined, held));
      else giveAllBack(held);
      throw withCaller(error, this.#takeAll);
    }
  }

  /**
   * Whether so many keys may be asked for in one trip. To wait for a store's answer counts as pending.
   *
   * @param {number} count
   */
  #mayTakeTogether(count) {
    const isPossible = this.#space.answersLater && count > 1 && count <= MOST_TOGETHER;
    return isPossible && this.#pending.size + count <= this.#maxPending;
  }

  /**
   * Takes all keys in one trip to the store, if all are free; else the first one, for which it waits.
   *
   * @param {number} mode
   * @param {string[]} keys
   * @param {Wish} wish
   * @returns {Promise<PromiseRequest[]>} those that hold their keys: the first one, or all
   */
  async #takeTogether(mode, keys, wish) {
    /** @type {PromiseRequest[]} */
    const requests = [];
    // If they are refused, they are asked for again: to those who watch, they were no more than tries.
    const asTry = { ...wish, isTry: true };
    try {
      this.#space.together(() => {
        for (const key of keys) requests.push(this.#take(mode, key, requests.length === 0 ? wish : asTry));
      });
    } catch (error) {
      for (const request of requests) request.abandon(error);
      throw error;
    }
    for (const request of requests) if (request.outcome === null) await settled(request);
    const [first, ...others] = requests;
    const held = others.filter(({ outcome }) => outcome === HELD);
    if (first.outcome === HELD && held.length === others.length) return requests;
    giveAllBack(held);
    if (first.outcome instanceof Failure) throw first.outcome.error;
    return [first];
  }

  /**
   * @param {number} mode
   * @param {string} key
   * @param {Wish} wish
   * @param {number} rest what is left of the wish's timeout
   * @returns {PromiseRequest} one that holds its key, or waits
   */
  #take(mode, key, wish, rest = wish.timeout) {
    this.#refuse(key, wish);
    const maxPending = this.#pending.size >= this.#maxPending ? this.#maxPending : null;
    const request = new PromiseRequest(this.#space, key, mode, wish, maxPending);
    const outcome = this.#ask(request, maxPending === null ? rest : 0);
    if (outcome instanceof Failure) throw outcome.error;
    if (outcome === null && request.state === ENDED && request.loss === null) throw this.#refusal(request);
    return request;
  }

  /** @param {PromiseRequest} request one that was refused when it asked */
  #refusal(request) {
    const error = request.refusal(this.#space.blockersOf(request, null));
    request.finish(new Failure(error));
    request.settle(null, null, ANSWERED);
    return error;
  }

  /**
   * Throws what keeps any request from being made.
   *
   * @param {string} key
   * @param {Wish} wish
   */
  #refuse(key, { signal, label, trace }) {
    if (this.#pending.closed) {
      const marks = marksOf({ label, trace: trace && framesOf(trace) });
      throw Object.assign(new LockClosedError(key), marks);
    }
    signal?.throwIfAborted();
  }

  /**
   * Asks, and delivers what that has caused.
   *
   * @param {PromiseRequest} request
   * @param {number} patience
   * @returns {import('../requests/promise-request').Outcome | null} null if it is not known yet
   */
  #ask(request, patience) {
    const granted = this.#space.ask(request, patience);
    try {
      if (granted !== null && isPlain(granted)) return (request.outcome = HELD);
      if (request.state === WAITING) this.#register(request);
      request.settle(null, granted, GRANTED);
      // Others' callbacks have run, and may have closed these locks.
      if (this.#pending.closed) request.revoke(request.closedError());
    } catch (error) {
      // Of these, nothing throws but the end of the stack.
      SOON.then(request.revoke.bind(request, error));
      throw error;
    }
    return request.outcome;
  }

  /**
   * From now on an abort and a close find the request.
   *
   * @param {PromiseRequest} request
   */
  #register(request) {
    const { signal } = request.wish;
    this.#pending.add(request);
    request.pending = this.#pending;
    if (signal === undefined) return;
    onAbort(signal, request);
    // By what the signal itself has run.
    if (hasAborted(signal)) request.abandon(reasonOf(signal), true);
  }

  /**
   * @param {number} mode
   * @param {unknown} key
   * @param {unknown} options
   * @returns {any} a hold or null; a promise of it where a store answers
   */
  tryNow(mode, key, options) {
    const asked = this.#toWish(options, TRIES[mode], this.tryNow);
    const keys = isList(key) ? toKeys(key) : toKey(key);
    const wish = { ...asked, signal: undefined, timeout: 0, isTry: true };
    if (this.#space.answersLater) return this.#tryLater(mode, keys, wish);
    this.#refuse(typeof keys === 'string' ? keys : keys[0], wish);
    if (typeof keys === 'string') return this.#tryOne(mode, keys, wish)?.toHold() ?? null;
    /** @type {PromiseRequest[]} */
    const held = [];
    try {
      for (const each of keys) {
        const request = this.#tryOne(mode, each, wish);
        if (request === null) break;
        held.push(request);
      }
      if (held.length === keys.length) return new RequestGroup(held, mode, this.#space).toHold();
      giveAllBack(held);
      return null;
    } catch (error) {
      // At the end of the stack there is room for nothing of JavaScript now.
      if (error instanceof RangeError) SOON.then(giveAllBack.bind(undefined, held));
      else giveAllBack(held);
      throw error;
    }
  }

  /**
   * @param {number} mode
   * @param {string | string[]} keys
   * @param {Wish} wish
   * @returns {Promise<import('../requests/hold').Hold | null>}
   */
  async #tryLater(mode, keys, wish) {
    try {
      if (typeof keys !== 'string') return (await this.#takeAll(mode, keys, wish)).toHold();
      const request = this.#take(mode, keys, wish);
      return await wait(request);
    } catch (error) {
      if (error instanceof LockTimeoutError || error instanceof LockQueueFullError) return null;
      throw error;
    }
  }

  /**
   * @param {number} mode
   * @param {string} key
   * @param {Wish} wish
   * @returns {PromiseRequest | null} null if it does not hold its key
   */
  #tryOne(mode, key, wish) {
    const request = new PromiseRequest(this.#space, key, mode, wish, null);
    const outcome = this.#ask(request, 0);
    if (outcome instanceof Failure) throw outcome.error;
    if (outcome !== null) return request;
    // It was granted, unless it was refused; and something that comes before that cannot be delivered here.
    if (request.state !== ENDED) request.abandon(undefined);
    else if (request.times !== null) request.finish(new Failure(undefined));
    if (request.times !== null) request.settle(null, null, ANSWERED);
    return null;
  }

  /**
   * @param {unknown} options
   * @param {import('./options').Place} where
   * @param {Function} call of this class, which is at work
   * @returns {Wish}
   */
  #toWish(options, where, call) {
    const hasNone = options === undefined || options === null;
    if (hasNone && !this.#traces) return this.#wish;
    const wish = hasNone ? { ...this.#wish } : toWish(options, where, this.#wish);
    if (this.#traces) wish.trace = capture(call);
    return wish;
  }
}

/**
 * Whether a grant is all that there is to deliver.
 *
 * @param {import('../events/request').Request} granted
 */
function isPlain({ keyObject, times }) {
  return times === null && keyObject?.firstEvent === null;
}

module.exports = { PromiseLocks };
