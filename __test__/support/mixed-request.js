'use strict';
// One request of a mixed program, as far as the program has been notified of it, and what is certain of it.

// How far a request has got, as far as the program has been notified.
const ASKED = 'asked';
const HOLDS = 'holds';
/** Its function has settled: it is about to be released, if it was not yet. */
const FINISHING = 'finishing';
const ENDED = 'ended';

/** Clocks are read at different moments and rounded. */
const SLACK = 1;
/**
 * @typedef {object} Request what the runner says of each, when it asks
 * @property {number} number
 * @property {{ closed: boolean }} object
 * @property {string[]} ids of its keys: the space and the key
 * @property {'read' | 'write'} mode
 * @property {'callback' | 'promise'} api
 * @property {boolean} tries whether it is a `tryRead` or `tryWrite`
 * @property {boolean} hasFn
 * @property {number} expiry 0 for none
 * @property {number} timeout
 * @property {boolean} limited whether its object has a `maxPending`
 * @property {AbortSignal | null} signal
 * @property {boolean} hasListener whether somebody is notified when it expires
 * @property {string} [state] and what else the model writes into it
 */

/** Whether when it was asked or granted may be unknown: one of several keys; and a try, which never waits. */
function isUncertain(request) {
  return request.tries || !isOfOneKey(request);
}

function isOfOneKey({ ids }) {
  return ids.length === 1;
}

function isLeaving({ object, signal }) {
  return object.closed || signal?.aborted === true;
}

function conflict(one, other) {
  return one.mode === 'write' || other.mode === 'write';
}

function mayBeOverdue({ expiry, askedAt }) {
  return expiry > 0 && performance.now() - askedAt >= expiry - SLACK;
}

/** Whether a hold of the promise API has been notified that it is lost. */
function isNotified({ hold }) {
  return hold?.signal.aborted === true;
}

function mayReject(request, error) {
  const { object, signal, timeout, askedAt, limited, state } = request;
  if (error?.code === 'ERR_LOCK_EXPIRED') {
    if (!mayBeOverdue(request)) return false;
    return state === ASKED ? !isOfOneKey(request) : isNotified(request);
  }
  if (state !== ASKED) return false;
  if (signal?.aborted && error === signal.reason) return true;
  if (error?.code === 'ERR_LOCK_CLOSED') return object.closed;
  if (error?.code === 'ERR_LOCK_TIMEOUT') return performance.now() - askedAt >= timeout - SLACK;
  return error?.code === 'ERR_LOCK_QUEUE_FULL' && limited;
}

module.exports = {
  ...{ ASKED, HOLDS, FINISHING, ENDED },
  ...{ isUncertain, isOfOneKey, isLeaving, conflict, mayBeOverdue, isNotified, mayReject },
};
