'use strict';
// Waiting requests and the signals that end them. A signal gets one listener, however many requests wait on
// it: Node warns of a leak where it gets more than ten.

const { reportLater } = require('../errors');

/** @typedef {import('./promise-request').PromiseRequest} PromiseRequest */

/** @type {WeakMap<AbortSignal, { requests: Set<PromiseRequest>, listener: () => void }>} */
const signals = new WeakMap();

/**
 * Has a request abandoned when the signal aborts. The signal may be anybody's object: this may run program code, and throw.
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
    for (const each of requests) each.abandon(signal.reason);
  };
  signal.addEventListener('abort', listener);
  signals.set(signal, { requests, listener });
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

module.exports = { onAbort, offAbort };
