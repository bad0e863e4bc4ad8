'use strict';
// The core of the callback APIs: calls `obtained` with a release function when a key is granted, and
// `released` when the hold ends.

const { AsyncResource } = require('node:async_hooks');
const { holdBack } = require('../events/delivery');
const { enabled, failed, obtained } = require('../events/diagnostics');
const { reportLater } = require('../errors');
const { WAITING, HOLDING, ENDED, GRANTED, ANSWERED } = require('../events/life');
const { Request } = require('../events/request');
const { needRoom, SOON } = require('../addon/stack');
const { ENGINE } = require('../spaces/thin');

/** @typedef {import('../spaces/space').Space} Space */
/** @typedef {import('../spaces/private-space').PrivateSpace} PrivateSpace */
/** @typedef {import('../spaces/thin').ThinKey} ThinKey */
/** @typedef {(...args: any[]) => void} Callback */
/** @typedef {{ warn(message: string): void }} Logger */

/** @type {any[]} */
const NONE = [];
/** One object for all: to make the default one costs a fifth of a context. */
const OPTIONS = { requireManualDestroy: false };

/**
 * Asks for a key. If it can be granted now, `obtained` has been called when this returns.
 *
 * @param {Space} space
 * @param {string} name of the key
 * @param {number} mode
 * @param {number} expiry milliseconds, or 0
 * @param {Callback} obtained
 * @param {Callback | null} released
 * @param {Logger | null} logger
 */
function lock(space, name, mode, expiry, obtained, released, logger) {
  const key = space.keys.find(name);
  if (expiry > 0 || !key.admits(mode) || key.firstEvent !== null || enabled()) {
    const request = new CallbackRequest(space, name, mode, expiry, obtained, released, logger);
    return ask(request, key.isFree(mode), expiry > 0 && released !== null);
  }
  // Nobody has to be notified of it: so it is only counted. Only a key of a private space admits anybody.
  key.take(mode);
  const release = countedRelease(/** @type {PrivateSpace} */ (space), key, released);
  try {
    obtained.call(undefined, release);
  } catch (error) {
    if (error instanceof RangeError) SOON.then(endIfDropped.bind(undefined, release));
    throw error;
  }
}

/** What a release function of `countedRelease` is asked for what ends its hold, without a release: a function that does not keep it. */
const END = Symbol('end');

/**
 * The ends of holds whose callback may not have been called: at the end of the stack nobody can know. If it was, its program has
 * the release function; if not, that function is collected, and nobody else can release.
 *
 * @type {FinalizationRegistry<() => void>}
 */
const dropped = new FinalizationRegistry((end) => end());

/** @param {(what: symbol) => any} release of `countedRelease` */
function endIfDropped(release) {
  const end = release(END);
  if (end !== undefined) dropped.register(release, end);
}

/**
 * @param {Callback} release
 * @param {CallbackRequest} request
 */
function endRequestIfDropped(release, request) {
  dropped.register(release, () => endHold(request, NONE));
}

/**
 * The release function of a hold without a request.
 *
 * @param {PrivateSpace} space
 * @param {ThinKey} key
 * @param {Callback | null} released
 */
function countedRelease(space, key, released) {
  let ended = false;
  return function release() {
    if (ended) return;
    if (arguments.length > 0 && arguments[0] === END) {
      return () => {
        if (ended) return;
        ended = true;
        space.settle(key, space.give(key), null, ANSWERED);
      };
    }
    if (key.state !== ENGINE && key.firstEvent === null) {
      // Nothing else can come of it: not by way of the space, since this is what programs do most.
      key.give();
      ended = true;
    } else {
      if (key.state !== ENGINE) needRoom();
      const grant = space.give(key);
      ended = true;
      if (grant !== null || key.firstEvent !== null) {
        const own = released === null ? null : new CountedEnd(key, released, [...arguments]);
        return space.settle(key, grant, own, ANSWERED);
      }
    }
    if (released !== null) released.apply(undefined, /** @type {any} */ (arguments));
  };
}

/** The end of a hold without a request, which is to be delivered to its program. */
class CountedEnd {
  /**
   * @param {ThinKey} key
   * @param {Callback} released
   * @param {any[]} args
   */
  constructor(key, released, args) {
    this.keyObject = key;
    this.released = released;
    this.args = args;
  }

  onReleased() {
    this.released.apply(undefined, this.args);
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
    /** With which `released` is to be called. */
    this.args = NONE;
  }

  onGranted() {
    if (this.times !== null) obtained(this);
    callObtained(this, releaseOf(this));
  }

  /** @param {Error} error */
  onFailed(error) {
    if (this.times !== null) failed(this, 'refuse', /** @type {any} */ (error).code);
    // There is nobody else to notify.
    if (this.released === null) reportLater(error);
    this.onLost(error);
  }

  /** @param {Error | null} error */
  onReleased(error) {
    if (error === null) callReleased(this, this.args);
    else this.onLost(error);
  }

  /** @param {Error} error */
  onLost(error) {
    const { logger } = this;
    if (logger !== null) {
      try {
        // It may use the lock, and the next one must not be notified before this one is.
        holdBack(() => logger.warn(error.message));
      } catch (loggerError) {
        reportLater(loggerError);
      }
    }
    callReleased(this, [error]);
  }
}

/**
 * @param {CallbackRequest} request
 * @param {Callback} release
 */
function callObtained({ context, obtained }, release) {
  if (context === null) obtained.call(undefined, release);
  else context.runInAsyncScope(obtained, undefined, release);
}

/** @param {CallbackRequest} request */
function releaseOf(request) {
  return function release() {
    // They are only copied where there are some.
    endHold(request, arguments.length === 0 ? NONE : [...arguments]);
  };
}

/**
 * @param {CallbackRequest} request
 * @param {any[]} args
 */
function callReleased({ released, context }, args) {
  if (released === null) return;
  if (context === null) released.apply(undefined, args);
  else context.runInAsyncScope(released, undefined, ...args);
}

/**
 * @param {any} request
 * @param {any[]} args for its release callback
 */
function endHold(request, args) {
  if (request.state !== HOLDING) return;
  const { space, keyObject } = request;
  request.args = args;
  const grant = space.release(request);
  // Else it has been taken away, and is notified; or a store will answer.
  const isReleased = request.state === ENDED && request.loss === null && request.released !== null;
  if (grant !== null || request.times !== null || keyObject.firstEvent !== null) {
    return space.settle(keyObject, grant, isReleased ? request : null, ANSWERED);
  }
  if (isReleased) callReleased(request, args);
}

/**
 * @param {any} request
 * @param {boolean} isFree whether its key probably is
 * @param {boolean} mayEndLater whether its hold may be ended by somebody else, even if it is granted now
 */
function ask(request, isFree, mayEndLater) {
  const { space } = request;
  // Whoever is called later, by somebody else or by the clock, is called in the context of the one who asked. To make that
  // may run program code, which hooks are: so it comes first, unless the key is probably free.
  if (mayEndLater || !isFree) request.context = new AsyncResource('latchkey', OPTIONS);
  const granted = space.ask(request, Infinity);
  if (request.state === WAITING && request.context === null)
    request.context = new AsyncResource('latchkey', OPTIONS);
  else if (granted !== null && !mayEndLater && request.keyObject.firstEvent === null) request.context = null;
  if (request.times !== null || request.keyObject.firstEvent !== null) {
    return space.settle(request.keyObject, null, granted, GRANTED);
  }
  if (granted === null) return;
  const release = releaseOf(request);
  try {
    callObtained(request, release);
  } catch (error) {
    if (error instanceof RangeError) SOON.then(endRequestIfDropped.bind(undefined, release, request));
    throw error;
  }
}

module.exports = { lock, CountedEnd };
