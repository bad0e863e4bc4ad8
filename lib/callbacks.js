'use strict';
// The core of the callback faces: calls `obtained` with a release function when a key is granted, and
// `released` when the hold ends.

const { AsyncResource } = require('node:async_hooks');
const { deliverAtOnce, deliverNews, deliverOwnGrant, reportLater, GRANTED } = require('./delivery');
const { LockExpiredError, LockLostError } = require('./errors');
const { CountedSpace } = require('./counted-space');
const { Request, WAITING } = require('./request');

/** @typedef {import('./space').Space} Space */
/** @typedef {import('./counted-space').CountedKey} CountedKey */
/** @typedef {(...args: any[]) => void} Callback */
/** @typedef {{ warn(message: string): void }} Logger */

/** @type {any[]} */
const NONE = [];

/**
 * Asks for a key. If it can be granted now, `obtained` has been called when this returns.
 *
 * @param {Space | CountedSpace} space
 * @param {string} key
 * @param {number} mode
 * @param {number} expiry milliseconds, or 0
 * @param {Callback} obtained
 * @param {Callback | null} released
 * @param {Logger | null} logger
 */
function lock(space, key, mode, expiry, obtained, released, logger) {
  if (!(space instanceof CountedSpace)) {
    const request = new CallbackRequest(space, key, mode, expiry, obtained, released, logger);
    return ask(request, expiry > 0 && released !== null);
  }
  const taken = space.take(key, mode);
  if (taken === null) ask(new CountedRequest(space, key, mode, obtained, released), false);
  else obtained.call(undefined, countedRelease(space, taken, released));
}

/**
 * The release function of a hold without a request.
 *
 * @param {CountedSpace} space
 * @param {CountedKey} key
 * @param {Callback | null} released
 */
function countedRelease(space, key, released) {
  let ended = false;
  return function release() {
    if (ended) return;
    ended = true;
    if (space.give(key)) deliverNews(space, key.name, released, released === null ? NONE : [...arguments]);
    else if (released !== null) released.apply(undefined, /** @type {any} */ (arguments));
  };
}

/** Has what the others need of a request, and no more: it is made for each one that waits. */
class CountedRequest {
  /**
   * @param {CountedSpace} space
   * @param {string} key
   * @param {number} mode
   * @param {Callback} obtained
   * @param {Callback | null} released
   */
  constructor(space, key, mode, obtained, released) {
    this.space = space;
    this.key = key;
    this.mode = mode;
    this.state = WAITING;
    /** @type {CountedKey | null} its key, once it has asked */
    this.at = null;
    /** @type {CountedRequest | null} the next one in the line */
    this.next = null;
    this.obtained = obtained;
    this.released = released;
    /** @type {AsyncResource | null} the async context of the one who asked, once it is needed later */
    this.context = null;
    /** Whether its grant was put off. Belongs to `delivery.js`. */
    this.untold = false;
    // For diagnostics.
    this.fence = 0;
    this.recovered = false;
    /** @type {import('./diagnostics').Times | null} */
    this.times = null;
  }

  onGranted() {
    const request = this;
    callObtained(request, function release() {
      const { space, key, released } = request;
      if (!space.release(request)) return;
      deliverNews(space, key, released, released === null ? NONE : [...arguments]);
    });
  }
}

class CallbackRequest extends Request {
  /**
   * @param {Space} space
   * @param {string} key
   * @param {number} mode
   * @param {number} expiry milliseconds, or 0
   * @param {Callback} obtained
   * @param {Callback | null} released
   * @param {Logger | null} logger
   */
  constructor(space, key, mode, expiry, obtained, released, logger) {
    super(space, key, mode, expiry);
    this.obtained = obtained;
    this.released = released;
    this.logger = logger;
    /** @type {AsyncResource | null} the async context of the one who asked, once it is needed later */
    this.context = null;
    this.ended = false;
    /** With which `released` is to be called, once a store has answered. */
    this.args = NONE;
  }

  onGranted() {
    const request = this;
    callObtained(request, function release() {
      // They are only copied where there are some.
      request.release(arguments.length === 0 ? NONE : [...arguments]);
    });
  }

  /** @param {any[]} args */
  release(args) {
    if (this.ended) return;
    // Not released: the engine has taken the hold away, and onExpired is about to be called.
    if (!this.space.release(this)) return;
    this.ended = true;
    if (this.space.answersLater) this.args = args;
    else deliverNews(this.space, this.key, this.released, args);
  }

  onExpired() {
    this.lose(new LockExpiredError(this.key));
  }

  onLost() {
    this.lose(new LockLostError(this.key));
  }

  /** @param {Error} error */
  onFailed(error) {
    // There is nobody else to tell.
    if (this.released === null) reportLater(error);
    this.lose(error);
  }

  /** @param {Error | null} error */
  onReleased(error) {
    if (error === null) this.callReleased(this.args);
    else this.lose(error);
  }

  /** @param {Error} error */
  lose(error) {
    this.ended = true;
    try {
      this.logger?.warn(error.message);
    } catch (loggerError) {
      reportLater(loggerError);
    }
    this.callReleased([error]);
  }

  /** @param {any[]} args */
  callReleased(args) {
    if (this.released === null) return;
    if (this.context === null) this.released.apply(undefined, args);
    else this.context.runInAsyncScope(this.released, undefined, ...args);
  }
}

/**
 * @param {CountedRequest | CallbackRequest} request
 * @param {(release: Callback) => void} release
 */
function callObtained({ context, obtained }, release) {
  if (context === null) obtained.call(undefined, release);
  else context.runInAsyncScope(obtained, undefined, release);
}

/**
 * @param {CountedRequest | CallbackRequest} request
 * @param {boolean} mayEndLater whether its hold may be ended by somebody else, even if it is granted now
 */
function ask(request, mayEndLater) {
  const { space } = request;
  const granted = space.ask(/** @type {any} */ (request), Infinity) === 1;
  const events = space.takeEvents(request.key);
  // Whoever is called later, by somebody else or by the clock, is called in the context of the one who asked.
  if (!granted || mayEndLater || space.backlogs.size !== 0) {
    request.context = new AsyncResource('latchkey');
  }
  if (events !== null) {
    if (granted) events.push({ request, kind: GRANTED });
    deliverAtOnce(events);
  } else if (granted) {
    deliverOwnGrant(request);
  }
}

module.exports = { lock, CountedRequest };
