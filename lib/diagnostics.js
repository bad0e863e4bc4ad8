'use strict';
// The diagnostics channels: who watches them learns of each wait, grant, release and expiry. Nobody who does
// not pays for them: a request carries times only if it was made while somebody watched.

const { channel } = require('node:diagnostics_channel');
const { now } = require('./clock');
const { READ } = require('./request');

/** @typedef {import('./request').Request | import('./callbacks').CountedRequest} Request */

/**
 * When a request reached each point, in milliseconds by `clock.js`.
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
  request.times = { asked: now(), granted: NaN };
}

/**
 * Messages that are ready. They are published between the engine's calls, since a subscriber may use locks.
 *
 * @type {{ to: import('node:diagnostics_channel').Channel, message: object }[]}
 */
let ready = [];

function publish() {
  if (ready.length === 0) return;
  const messages = ready;
  ready = [];
  for (const { to, message } of messages) to.publish(message);
}

/** @param {Request} request */
function waits(request) {
  ready.push({ to: wait, message: describe(request) });
}

/** @param {Request} request */
function granted(request) {
  const times = /** @type {Times} */ (request.times);
  times.granted = now();
  const { fence, recovered } = request;
  const waited = times.granted - times.asked;
  ready.push({ to: grant, message: { ...describe(request), fence, recovered, waited } });
}

/** @param {Request} request */
function released(request) {
  ready.push({ to: release, message: describeHold(request) });
}

/** @param {Request} request */
function expired(request) {
  ready.push({ to: expire, message: describeHold(request) });
}

/** @param {Request} request */
function describeHold(request) {
  const { fence, recovered, times } = request;
  const { asked, granted } = /** @type {Times} */ (times);
  const end = now();
  // A hold may end here before the news of its grant has come from another thread.
  const start = Number.isNaN(granted) ? end : granted;
  return { ...describe(request), fence, recovered, waited: start - asked, held: end - start };
}

/** @param {Request} request */
function describe({ space, key, mode }) {
  return { space: space.name ?? null, key, mode: mode === READ ? 'read' : 'write' };
}

module.exports = { enabled, publish, asked, waits, granted, released, expired };
