'use strict';
// The core of the callback faces: calls `obtained` with a release function when a key is granted, and
// `released` when the hold ends.

const { AsyncResource } = require('node:async_hooks');
const { deliver, deliverAtOnce, deliverGrant, deliverOwnGrant, reportLater, GRANTED } = require('./delivery');
const { LockExpiredError, LockLostError } = require('./errors');
const { Request } = require('./request');

/** @typedef {import('./space').Space} Space */
/** @typedef {import('./thin').ThinKey} ThinKey */
/** @typedef {(...args: any[]) => void} Callback */
/** @typedef {{ warn(message: string): void }} Logger */

/** @type {any[]} */
const NONE = [];

/**
 * Asks for a key. If it can be granted now, `obtained` has been called when this returns.
 *
 * @param {Space} space
 * @param {string} key
 * @param {number} mode
 * @param {number} expiry milliseconds, or 0
 * @param {Callback} obtained
 * @param {Callback | null} released
 * @param {Logger | null} logger
 */
function lock(space, key, mode, expiry, obtained, released, logger) {
  const taken = space.take(key, mode);
  if (taken !== null) obtained.call(undefined, countedRelease(space, taken, released));
  else ask(new CallbackRequest(space, key, mode, expiry, obtained, released, logger));
}

/**
 * The release function of a hold that is only counted.
 *
 * @param {Space} space
 * @param {ThinKey} key
 * @param {Callback | null} released
 */
function countedRelease(space, key, released) {
  let ended = false;
  return function release() {
    if (ended) return;
    ended = true;
    const standIn = space.give(key);
    if (standIn !== null) {
      space.release(standIn);
      tellEnd(standIn, released, [...arguments]);
    } else if (released !== null) {
      released.apply(undefined, /** @type {any} */ (arguments));
    }
  };
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
    const release = function () {
      // The arguments are only copied where there are some.
      request.release(arguments.length === 0 ? NONE : [...arguments]);
    };
    if (this.context === null) this.obtained.call(undefined, release);
    else this.context.runInAsyncScope(this.obtained, undefined, release);
  }

  /** @param {any[]} args */
  release(args) {
    if (this.ended) return;
    // Not released: the engine has taken the hold away, and onExpired is about to be called.
    if (!this.space.release(this)) return;
    this.ended = true;
    if (this.space.answersLater) this.args = args;
    else tellEnd(this, this.released, args);
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

/** @param {CallbackRequest} request */
function ask(request) {
  const { space, expiry } = request;
  const granted = space.ask(request, Infinity) === 1;
  const events = space.takeEvents(request.key);
  // Whoever is called later, by somebody else or by the clock, is called in the context of the one who asked.
  if (!granted || space.backlogs.size !== 0 || (expiry > 0 && request.released !== null)) {
    request.context = new AsyncResource('latchkey');
  }
  if (events !== null) {
    if (granted) events.push({ request, kind: GRANTED });
    deliverAtOnce(events);
  } else if (granted) {
    deliverOwnGrant(request);
  }
}

/**
 * Tells those whom the end of a hold let in, and then its own callback.
 *
 * @param {Request} request whose hold has just been ended
 * @param {Callback | null} released
 * @param {any[]} args
 */
function tellEnd({ space, key }, released, args) {
  const granted = space.takeGrant();
  if (granted !== null) return deliverGrant(granted, released, args);
  const events = space.takeEvents(key);
  if (events !== null) deliver(events, released, args);
  else if (released !== null) released.apply(undefined, args);
}

module.exports = { lock };
