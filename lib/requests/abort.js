'use strict';
// Waiting requests and the signals that end them. A signal gets one listener, however many requests wait on
// it: Node warns of a leak where it gets more than ten.

const events = require('node:events');
const { reportLater } = require('../errors');

/** Also where a listener before ours stops the event; the first versions of Node 20 cannot. */
const addAbortListener =
  events.addAbortListener ??
  ((/** @type {AbortSignal} */ signal, /** @type {() => void} */ listener) =>
    signal.addEventListener('abort', listener));

/** @typedef {import('./promise-request').PromiseRequest} PromiseRequest */

/** @type {WeakMap<AbortSignal, { requests: Set<PromiseRequest>, listener: () => void }>} */
const signals = new WeakMap();

/**
 * Has a request abandoned when the signal aborts. The signal may be anybody's object, so that this may run program code.
 *
 * @param {AbortSignal} signal
 * @param {PromiseRequest} request
 */
function onAbort(signal, request) {
  const entry = signals.get(signal);
  if (entry !== undefined) {
    entry.requests.add(request);
    return;
  }
  const requests = new Set([request]);
  const listener = () => {
    const reason = reasonOf(signal);
    for (const each of requests) each.abandon(reason, true);
  };
  // First, so that a request which ends meanwhile is found.
  signals.set(signal, { requests, listener });
  try {
    addAbortListener(signal, listener);
  } catch (error) {
    // Nobody would hear of its abort.
    for (const each of requests) each.abandon(error);
  }
}

/**
 * Whether it has aborted, as far as it says.
 *
 * @param {AbortSignal} signal
 */
function hasAborted(signal) {
  try {
    return signal.aborted;
  } catch (error) {
    reportLater(error);
    return false;
  }
}

/**
 * With what a request is rejected: what keeps the signal from saying its reason is one, too.
 *
 * @param {AbortSignal} signal
 * @returns {unknown}
 */
function reasonOf(signal) {
  try {
    return signal.reason;
  } catch (error) {
    return error;
  }
}

/**
 * @param {AbortSignal} signal
 * @param {PromiseRequest} request
 */
function offAbort(signal, request) {
  const entry = signals.get(signal);
  if (entry === undefined || !entry.requests.delete(request) || entry.requests.size > 0) return;
  signals.delete(signal);
  try {
    signal.removeEventListener('abort', entry.listener);
  } catch (error) {
    reportLater(error);
  }
}

module.exports = { onAbort, offAbort, hasAborted, reasonOf };
