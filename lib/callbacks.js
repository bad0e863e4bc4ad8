'use strict';
// The core of the callback faces: one request that calls `obtained` when it is granted and `released` when
// it ends.

const { AsyncResource } = require('node:async_hooks');
const { deliver, deliverAtOnce, deliverGrant, deliverOwnGrant, reportLater, GRANTED } = require('./delivery');
const { LockExpiredError } = require('./errors');
const { Request } = require('./request');

/** @typedef {(...args: any[]) => void} Callback */
/** @typedef {{ warn(message: string): void }} Logger */

class CallbackRequest extends Request {
  /**
   * @param {import('./space').Space} space
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
  }

  onGranted() {
    const release = (/** @type {any[]} */ ...args) => this.release(args);
    if (this.context === null) this.obtained.call(undefined, release);
    else this.context.runInAsyncScope(this.obtained, undefined, release);
  }

  /** @param {any[]} args */
  release(args) {
    if (this.ended) return;
    // Not released: the engine has taken the hold away, and onExpired is about to be called.
    if (!this.space.release(this)) return;
    this.ended = true;
    const granted = this.space.takeGrant();
    if (granted !== null) return deliverGrant(granted, this, args);
    const events = this.space.takeEvents(this.key);
    if (events !== null) deliver(events, this, args);
    else this.tellEnd(args);
  }

  /** @param {any[]} args */
  tellEnd(args) {
    if (this.released !== null) this.released.apply(undefined, args);
  }

  onExpired() {
    this.ended = true;
    const error = new LockExpiredError(this.key);
    try {
      this.logger?.warn(error.message);
    } catch (loggerError) {
      reportLater(loggerError);
    }
    if (this.released === null) return;
    if (this.context === null) this.released.call(undefined, error);
    else this.context.runInAsyncScope(this.released, undefined, error);
  }
}

/**
 * Asks for a key. If it can be granted now, `obtained` has been called when this returns.
 *
 * @param {CallbackRequest} request
 */
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

module.exports = { CallbackRequest, ask };
