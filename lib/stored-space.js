'use strict';
// A space that a store keeps: every answer comes later. A request always waits at first, and a release or a
// downgrade is owed an answer.

// Not the global one, which a test's fake timers may replace.
const { setInterval } = require('node:timers');
const port = require('./port');
const { at } = port;
const diagnostics = require('./diagnostics');
const { EXPIRED, LOST, FAILED, ENDED: ANSWERED } = require('./delivery');
const { LockExpiredError, LockLostError, StoreUnreachableError } = require('./errors');
const { READ, WAITING, HOLDING, ENDED_BEFORE_GRANT, EXPIRED_BEFORE_GRANT, RELEASING } = require('./request');
const { Space } = require('./space');
const { toStoreOptions, wrongStoreOption } = require('./store-options');

/** @typedef {import('./delivery').Event} Event */
/** @typedef {import('./request').Request} Request */

/** An answer that is owed. @typedef {{ promise: Promise<void>, resolve: () => void, reject: (error: Error) => void }} Answer */

/** As far away as a timer can be. */
const NEVER = 0x7fff_ffff;

/** In how many requests answers are owed: meanwhile the event loop is kept alive. */
let requestsOwed = 0;
/**
 * What does so. Made once: to make one for each release, and take it back, takes longer than the rest of it.
 *
 * @type {NodeJS.Timeout | undefined}
 */
let anchor;

function stayAlive() {
  if (requestsOwed++ > 0) return;
  anchor ??= setInterval(() => {}, NEVER);
  anchor.ref();
}

function stayAliveNoMore() {
  if (--requestsOwed === 0) anchor?.unref();
}

/**
 * Invariant: `owed` has the answers, in order, that the store owes for a request's downgrades and release.
 */
class StoredSpace extends Space {
  /**
   * @param {string} name
   * @param {unknown} store its options
   */
  constructor(name, store) {
    super(name, open(name, store));
    /** @type {Map<Request, Answer[]>} */
    this.owed = new Map();
    /**
     * Those that ended with the session, and not with their expiry.
     *
     * @type {WeakSet<Request>}
     */
    this.lostRequests = new WeakSet();
  }

  get answersLater() {
    return true;
  }

  /**
   * Asks the store to end a request's hold.
   *
   * @param {Request} request
   * @param {boolean} [unused] whether its holder never learned of it
   * @returns {boolean} false if it had ended before
   */
  release(request, unused = false) {
    if (request.state !== WAITING && request.state !== HOLDING) return false;
    if (unused) port.giveBack(request);
    else port.release(request);
    request.state = request.state === WAITING ? ENDED_BEFORE_GRANT : RELEASING;
    if (request.times !== null && !unused) diagnostics.released(request);
    this.owe(request);
    return true;
  }

  /**
   * Asks the store to make a write hold a read hold.
   *
   * @param {Request} request
   * @returns {boolean} false if it had ended before
   */
  downgrade(request) {
    if (request.state !== HOLDING) return false;
    if (request.mode === READ) return true;
    port.downgrade(request);
    request.mode = READ;
    this.owe(request);
    return true;
  }

  /**
   * Nothing is told within a call: not even its own answer, which may be here already. All comes from the event
   * loop, in the store's order.
   *
   * @returns {null}
   */
  takeEvents() {
    diagnostics.publish();
    return null;
  }

  /**
   * @param {Error} error
   * @returns {Promise<never>}
   */
  refuse(error) {
    return Promise.reject(error);
  }

  /**
   * @param {(reports: import('./port').KeyReport[], now: number) => unknown} read what to make of the answer
   * @returns {Promise<unknown>}
   */
  async query(read) {
    const asked = port.queryStore(this.number);
    const reports = await asked.catch((error) => {
      throw new StoreUnreachableError(undefined, error.message);
    });
    return read(byKey(reports), Date.now());
  }

  /**
   * @param {Request} request
   * @returns {Promise<void>} the answer to its last release or downgrade
   */
  answerTo(request) {
    return this.owed.get(request)?.at(-1)?.promise ?? Promise.resolve();
  }

  /**
   * @param {Request} request
   * @returns {import('./errors').LockError}
   */
  lossOf(request) {
    return this.lostRequests.has(request) ? new LockLostError(request.key) : super.lossOf(request);
  }

  /**
   * @param {Error} error
   * @returns {Promise<void>} the answer to the release of a hold that is gone
   */
  refusal(error) {
    return quiet(Promise.reject(error));
  }

  /**
   * @param {Request} request
   * @param {Event[]} events
   */
  granted(request, events) {
    if (request.state !== ENDED_BEFORE_GRANT) return super.granted(request, events);
    // The answer to its release is still to come.
    this.waiting--;
    request.state = RELEASING;
  }

  /**
   * @param {Request} request
   * @param {Event[]} events
   */
  expired(request, events) {
    this.settle(request, new LockExpiredError(request.key));
    super.expired(request, events);
  }

  /**
   * @param {Request} request
   * @param {Event[]} events
   */
  timedOut(request, events) {
    // It may have been released in vain, when it was abandoned: then no other answer follows.
    this.settle(request, null);
    super.timedOut(request, events);
  }

  /**
   * @param {Request} request
   * @param {number} kind EXPIRED or LOST
   * @param {Event[]} events
   */
  lost(request, kind, events) {
    if (request.times !== null) diagnostics.expired(request);
    if (kind === LOST) this.lostRequests.add(request);
    this.settle(request, this.lossOf(request));
    if (request.state === WAITING || request.state === EXPIRED_BEFORE_GRANT) this.waiting--;
    this.forget(request);
    this.keepAwake();
    events.push({ request, kind });
  }

  /**
   * @param {Request} request
   * @param {number} reason
   * @param {Event[]} events
   */
  failed(request, reason, events) {
    this.waiting--;
    const detail = new StoreUnreachableError(request.key, port.explain(this.number, reason));
    // It may have been released in vain.
    this.settle(request, detail);
    this.forget(request);
    this.keepAwake();
    events.push({ request, kind: FAILED, detail });
  }

  /**
   * @param {Request} request
   * @param {number} ending
   * @param {Event[]} events
   */
  answered(request, ending, events) {
    const owed = this.owed.get(request);
    if (owed === undefined) return;
    const error = this.errorOf(request, ending);
    if (error === null && owed.length > 1) return owed.shift()?.resolve();
    // A hold that was to be downgraded is gone; the store says so in its answer only.
    if (error !== null && request.state === HOLDING) {
      return this.lost(request, error instanceof LockExpiredError ? EXPIRED : LOST, events);
    }
    this.settle(request, error);
    if (request.state !== RELEASING) return;
    this.forget(request);
    this.keepAwake();
    events.push({ request, kind: ANSWERED, detail: error });
  }

  /**
   * @param {Request} request
   * @param {number} ending
   * @returns {Error | null} null if all is well
   */
  errorOf({ key }, ending) {
    if (ending === at.endedDone) return null;
    if (ending === at.endedExpired) return new LockExpiredError(key);
    if (ending === at.endedLost) return new LockLostError(key);
    return new StoreUnreachableError(key, port.explain(this.number, 0));
  }

  /** @param {Request} request */
  owe(request) {
    /** @type {any} */
    const answer = {};
    answer.promise = new Promise((resolve, reject) => Object.assign(answer, { resolve, reject }));
    // Nobody has to wait for it: programs that know only one process do not.
    quiet(answer.promise);
    const owed = this.owed.get(request);
    if (owed !== undefined) return void owed.push(answer);
    this.owed.set(request, [answer]);
    stayAlive();
  }

  /**
   * Gives all answers that are owed for a request.
   *
   * @param {Request} request
   * @param {Error | null} error
   */
  settle(request, error) {
    const owed = this.owed.get(request);
    if (owed === undefined) return;
    for (const { resolve, reject } of owed) {
      if (error === null) resolve();
      else reject(error);
    }
    this.owed.delete(request);
    stayAliveNoMore();
  }
}

/**
 * @param {string} name
 * @param {unknown} store
 * @returns {number}
 */
function open(name, store) {
  const { number, option, takes, outOfRange } = port.openStored(name, toStoreOptions(store));
  if (number === undefined) throw wrongStoreOption(`options.store.${option}`, takes, outOfRange);
  return number;
}

/**
 * @param {Promise<void>} promise whose rejection nobody has to handle
 */
function quiet(promise) {
  promise.catch(() => {});
  return promise;
}

/**
 * @param {import('./port').StoredReport[]} reports
 * @returns {import('./port').KeyReport[]}
 */
function byKey(reports) {
  return reports.map(({ key, held, fence, recovered, ...report }) => ({
    key,
    held: held ? [{ ...report, fence, recovered }] : [],
    pending: held ? [] : [report],
  }));
}

module.exports = { StoredSpace };
