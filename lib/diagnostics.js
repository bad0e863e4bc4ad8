'use strict';
// The diagnostics channels: who watches them learns of each wait, grant, release and expiry. Nobody who does
// not pays for them: a request carries times only if it was made while somebody watched.

const { channel } = require('node:diagnostics_channel');
const { now } = require('./clock');
const { EXPIRED, GRANTED, LOST } = require('./life');
const { READ } = require('./request');
const { capture, isOn } = require('./trace');

/** @typedef {import('./request').Request} Request */

/**
 * When a request reached each point, in milliseconds by `clock.js`.
 *
 * @typedef {{ asked: number, granted: number, ended: number, trace: { stack?: string } | undefined }} Times
 */

const wait = channel('latchkey:wait');
const grant = channel('latchkey:grant');
const release = channel('latchkey:release');
const expire = channel('latchkey:expire');

function enabled() {
  return (
    isOn || wait.hasSubscribers || grant.hasSubscribers || release.hasSubscribers || expire.hasSubscribers
  );
}

/** @param {Request} request */
function asked(request) {
  const trace = isOn ? capture(asked) : undefined;
  request.times = { asked: now(), granted: NaN, ended: NaN, trace };
}

/**
 * Messages that are ready. They are published when the call or wake-up that they come from has delivered its events, since a
 * subscriber may use locks.
 *
 * @type {{ to: import('node:diagnostics_channel').Channel, message: object }[]}
 */
const ready = [];

/** One by one: a subscriber that uses locks publishes what is left before what it causes itself. */
function publish() {
  for (let next; (next = ready.shift()) !== undefined;) next.to.publish(next.message);
}

/** @param {Request} request which has begun to wait */
function waits(request) {
  ready.push({ to: wait, message: describe(request) });
}

/** @param {Request} request which was granted, and will be told */
function granted(request) {
  /** @type {Times} */ (request.times).granted = now();
}

/** @param {Request} request whose hold was taken away, which it will be told */
function ended(request) {
  /** @type {Times} */ (request.times).ended = now();
}

/** @param {Request} request whose hold was released */
function released(request) {
  ended(request);
  ready.push({ to: release, message: describeHold(request) });
}

/**
 * @param {Request} request
 * @param {number} kind what it is told
 */
function delivered(request, kind) {
  if (kind === EXPIRED || kind === LOST) {
    ready.push({ to: expire, message: describeHold(request) });
  } else if (kind === GRANTED) {
    const { fence, recovered, times } = request;
    const { asked, granted } = /** @type {Times} */ (times);
    ready.push({ to: grant, message: { ...describe(request), fence, recovered, waited: granted - asked } });
  }
}

/** @param {Request} request */
function describeHold(request) {
  const { fence, recovered, times } = request;
  const { asked, granted, ended } = /** @type {Times} */ (times);
  return { ...describe(request), fence, recovered, waited: granted - asked, held: ended - granted };
}

/** @param {Request} request */
function describe({ space, key, mode }) {
  return { space: space.name ?? null, key, mode: mode === READ ? 'read' : 'write' };
}

module.exports = { enabled, publish, asked, waits, granted, ended, released, delivered };
