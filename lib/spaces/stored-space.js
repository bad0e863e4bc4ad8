'use strict';
// A space that a store keeps: every answer comes later. A request always waits at first, and a release or a
// downgrade is owed an answer.
//
// Of the rules of delivery.js, these hold here: one list, in the store's order, and one rule for what throws. Nothing is
// delivered within a call, not even its own answer, which may be here already: all of it comes from the event loop. So no
// call settles a key, and objects of one name need not share their keys.

const { stayAlive, stayAliveNoMore } = require('./alive');
const { at, words } = require('../addon/layout');
const port = require('../addon/port');
const diagnostics = require('../events/diagnostics');
const { LockLostError, StoreStartingError, StoreUnreachableError, wrongStoreOption } = require('../errors');
const { takeEvents } = require('../events/reading');
const {
  WAITING,
  HOLDING,
  RELEASING,
  ABANDONED,
  EXPIRED,
  TIMED_OUT,
  LOST,
  FAILED,
  ANSWERED,
} = require('../events/life');
const { READ } = require('../events/request');
const { marksOf, toBlockers } = require('../events/snapshot');
const { Space } = require('./space');
const { Keys } = require('./keys');

/** @typedef {import('../events/request').Request} Request */

/** An answer that is owed. @typedef {{ promise: Promise<void>, resolve: () => void, reject: (error: Error) => void }} Answer */

/**
 * Invariant: `owed` has the answers, in order, that the store owes for a request's downgrades and release; `answers` has the
 * last one that a request was given or is owed.
 */
class StoredSpace extends Space {
  /**
   * @param {string} name
   * @param {import('../../native/binding').StoreOptions} store its options
   */
  constructor(name, store) {
    super(open(name, store), name, new Keys(false));
    /** @type {Map<Request, Answer[]>} */
    this.owed = new Map();
    /** @type {WeakMap<Request, Promise<void>>} */
    this.answers = new WeakMap();
  }

  /** @returns {'machines'} */
  get scope() {
    return 'machines';
  }

  get answersLater() {
    return true;
  }

  /**
   * Makes requests in one trip: the store grants all, if all their keys are free, or else asks for the first one alone, and refuses
   * the others. Or releases some.
   *
   * @template T
   * @param {() => T} act
   * @returns {T} what it gives
   */
  together(act) {
    // It has left the store, and nothing is sent: a hold of several keys may be released that was lost before.
    if (this.hasLeft()) return act();
    port.about(this.number).gather();
    try {
      return act();
    } finally {
      if (!this.hasLeft()) port.about(this.number).sendGathered();
    }
  }

  /**
   * A call that has no time to wait learns for whom it would have to, as one whose time is over: that takes another trip.
   *
   * @param {import('./thin').ThinKey} key
   * @param {Request} request
   * @param {number} patience
   */
  askEngine(key, request, patience) {
    return super.askEngine(key, request, patience === 0 && !request.isTry ? at.sayWho : patience);
  }

  /**
   * Asks the store to end a request's hold.
   *
   * @param {Request} request
   * @param {boolean} [unused] whether its holder never learned of it
   * @returns {null}
   */
  release(request, unused = false) {
    if (request.state !== WAITING && request.state !== HOLDING) return null;
    port.end(this.number, request.tag, unused ? at.endUnused : at.endRelease);
    this.move(request, request.state === WAITING ? ABANDONED : RELEASING);
    this.owe(request);
    return this.readGrant();
  }

  /**
   * Asks the store to make a write hold a read hold.
   *
   * @param {Request} request
   * @returns {null}
   */
  downgrade(request) {
    if (request.state !== HOLDING || request.mode === READ) return null;
    port.end(this.number, request.tag, at.endDowngrade);
    request.mode = READ;
    this.owe(request);
    return this.readGrant();
  }

  /**
   * How long the lease and the expiry of a request's hold last, in milliseconds. Once the lease is over, the hold is lost,
   * though the store's own message may still be under way.
   *
   * @param {Request} request
   */
  remaining(request) {
    if (request.state !== HOLDING || request.loss !== null) return 0;
    const left = port.remaining(request);
    this.readEvents();
    if (request.state !== HOLDING) return 0;
    if (left < 0) request.loss ??= this.lossOf(request);
    return Math.max(left, 0);
  }

  /** @param {Request} request */
  abandon(request) {
    super.abandon(request);
    return this.release(request, true);
  }

  readEvents() {
    takeEvents(this, null);
  }

  /** @returns {null} nobody is to be settled */
  readGrant() {
    this.readEvents();
    return null;
  }

  settle() {
    diagnostics.publish();
  }

  /**
   * @param {import('../events/snapshot').Read} read what to make of the answer
   * @param {string} [key] the only one to look at
   * @returns {Promise<unknown>}
   */
  async query(read, key) {
    const { reports, frozen } = await port.about(this.number).queryStore().catch(refuse);
    const some = key === undefined ? reports : reports.filter((report) => report.key === key);
    return read(some, Date.now(), frozen);
  }

  /** @returns {Promise<void>} */
  ready() {
    return port.about(this.number).readyStore().catch(refuse);
  }

  /**
   * @param {Request} request
   * @returns {Promise<void>} the answer to its last release or downgrade
   */
  answerTo(request) {
    let answer = this.answers.get(request);
    if (answer === undefined) {
      answer = request.loss === null ? Promise.resolve() : quiet(Promise.reject(request.loss));
      this.answers.set(request, answer);
    }
    return answer;
  }

  /**
   * @param {Request} request
   * @param {number} kind
   * @param {number} place where the event stands in the shared array
   */
  happened(request, kind, place) {
    if (kind === ANSWERED && !this.isLastAnswer(request, place)) return;
    super.happened(request, kind, place);
  }

  /**
   * Gives the answers to downgrades, of which a hold does not end.
   *
   * @param {Request} request
   * @param {number} place
   * @returns {boolean} whether it is the answer to the release
   */
  isLastAnswer(request, place) {
    const owed = this.owed.get(request);
    if (owed === undefined) return false;
    const answer = words[place + at.eventDetail];
    if (answer === at.answerDone && (owed.length > 1 || request.state === HOLDING)) {
      if (owed.length === 1) this.answer(request, null);
      else owed.shift()?.resolve();
      return false;
    }
    if (request.state !== HOLDING) return true;
    // A hold that was to be downgraded is gone; the store says so in its answer only.
    super.happened(request, answer === at.answerExpired ? EXPIRED : LOST, place);
    return false;
  }

  /**
   * Says what became of a request in the store, and answers what it has owed for it: one that failed or timed out may have
   * been released in vain, when it was abandoned.
   *
   * @param {Request} request
   * @param {number} kind
   * @param {number} place
   * @returns {Error | import('../events/snapshot').Blockers | null}
   */
  explain(request, kind, place) {
    // A hold that was found lost by the clock stays lost, whatever the store says of it.
    const error = request.loss ?? this.errorOf(request, kind, words[place + at.eventDetail]);
    this.answer(request, error);
    if (kind === ANSWERED && request.times !== null)
      diagnostics.answered(request, /** @type {Error | null} */ (error));
    return kind === TIMED_OUT ? this.blockersOf(request) : error;
  }

  /**
   * Sends the request's label with it.
   *
   * @param {Request} request
   */
  addLabel(request) {
    port.setLabel(request, true);
  }

  /**
   * Who kept a request waiting that has timed out. The store has asked the server, once its time was over.
   *
   * @param {Request} request
   */
  blockersOf(request) {
    const { holders, ahead } = port.storeBlockers(request);
    return holders === null ? null : toBlockers(holders, ahead < 0 ? undefined : ahead);
  }

  /**
   * @param {Request} request
   * @param {number} kind
   * @param {number} detail
   * @returns {Error | null} null if all is well
   */
  errorOf(request, kind, detail) {
    if (kind === ANSWERED) {
      if (detail === at.answerDone) return null;
      kind = detail === at.answerExpired ? EXPIRED : detail === at.answerLost ? LOST : FAILED;
      detail = 0;
    }
    if (kind === EXPIRED) return this.expiryOf(request);
    if (kind === LOST) return this.lossOf(request);
    if (kind !== FAILED) return null;
    const reason = port.explain(this.number, detail);
    const error =
      detail === at.reasonStarting
        ? new StoreStartingError(request.key, reason, port.frozen(this.number))
        : new StoreUnreachableError(request.key, reason);
    return Object.assign(error, marksOf(request));
  }

  /** @param {Request} request whose hold is lost */
  lossOf(request) {
    const error = new LockLostError(request.key, port.explain(this.number, at.noReason));
    return Object.assign(error, marksOf(request));
  }

  /** @param {Request} request */
  owe(request) {
    const answer = /** @type {Answer} */ ({});
    answer.promise = new Promise((resolve, reject) => Object.assign(answer, { resolve, reject }));
    // Nobody has to wait for it: programs that know only one process do not.
    quiet(answer.promise);
    this.answers.set(request, answer.promise);
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
  answer(request, error) {
    const owed = this.owed.get(request);
    if (owed === undefined) {
      // What an earlier downgrade was answered is not the last word any more.
      this.answers.delete(request);
      return;
    }
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
 * @param {import('../../native/binding').StoreOptions} store
 * @returns {number}
 */
function open(name, store) {
  const opened = port.openStored(name, store);
  if (typeof opened === 'number') return opened;
  throw wrongStoreOption(`options.store.${opened.option}`, opened.takes, opened.outOfRange);
}

/**
 * @param {Error} error why there is no answer of a store
 * @returns {never}
 */
function refuse(error) {
  throw new StoreUnreachableError(undefined, error.message);
}

/**
 * @param {Promise<void>} promise whose rejection nobody has to handle
 */
function quiet(promise) {
  promise.catch(() => {});
  return promise;
}

module.exports = { StoredSpace };
