'use strict';
// The diagnostics channels: who watches them learns of each wait, grant, release and expiry. Nobody who does
// not pays for them: a request carries times only if it was made while somebody watched.

const { channel } = require('node:diagnostics_channel');

/** @typedef {import('./space').Request} Request */

/**
 * When a request reached each point, in milliseconds of `performance.now()`.
 *
 * @typedef {{ asked: number, granted: number }} Times
 */

const wait = channel('latchkey:wait');
const grant = channel('latchkey:grant');
const release = channel('latchkey:release');
const expire = channel('latchkey:expire');

function enabled() {
  return wait.hasSubscribers || grant.hasSubscribers || release.hasSubscribers || expire.hasSubscribers;
}

/** @param {Request} request */
function asked(request) {
  request.times = { asked: performance.now(), granted: NaN };
}

/** @param {Request} request */
function waits(request) {
  wait.publish(describe(request));
}

/** @param {Request} request */
function granted(request) {
  const times = /** @type {Times} */ (request.times);
  times.granted = performance.now();
  const { fence, recovered } = request;
  grant.publish({ ...describe(request), fence, recovered, waited: times.granted - times.asked });
}

/** @param {Request} request */
function released(request) {
  release.publish(describeHold(request));
}

/** @param {Request} request */
function expired(request) {
  expire.publish(describeHold(request));
}

/** @param {Request} request */
function describeHold(request) {
  const { fence, recovered, times } = request;
  const { asked, granted } = /** @type {Times} */ (times);
  return {
    ...describe(request),
    fence,
    recovered,
    waited: granted - asked,
    held: performance.now() - granted,
  };
}

/** @param {Request} request */
function describe({ space, key, mode }) {
  return { space: space.name ?? null, key, mode: mode === 0 ? 'read' : 'write' };
}

module.exports = { enabled, asked, waits, granted, released, expired };
