'use strict';
// The diagnostics channels: who watches them learns of each wait and its end, and of each hold and its end. Nobody who does
// not pays for them: a request carries times only if it was made while somebody watched.

const { channel } = require('node:diagnostics_channel');
const { now } = require('../clock');
const { LockExpiredError, LockLostError } = require('../errors');
const { EXPIRED } = require('./life');
const { marksOf, modeName } = require('./snapshot');
const { capture, isOn } = require('../trace');

/** @typedef {import('./request').Request} Request */

/**
 * When a request reached each point, in milliseconds by `clock.js`.
 *
 * @typedef {{ id: number, asked: number, granted: number, ended: number, trace: { stack?: string } | undefined, isDelivered: boolean }} Times
 */

const wait = channel('latchkey:wait');
const grant = channel('latchkey:grant');
const release = channel('latchkey:release');
const expire = channel('latchkey:expire');
const lost = channel('latchkey:lost');
const timeout = channel('latchkey:timeout');
const abort = channel('latchkey:abort');
const refuse = channel('latchkey:refuse');
/** Where a request that is not granted is published, by why. */
const FAILURES = { timeout, abort, refuse };

/** How many requests have been watched in this thread: the last one's `id`. */
let ids = 0;

function enabled() {
  // Each by itself: every request comes this way.
  return (
    isOn ||
    wait.hasSubscribers ||
    grant.hasSubscribers ||
    release.hasSubscribers ||
    expire.hasSubscribers ||
    lost.hasSubscribers ||
    timeout.hasSubscribers ||
    abort.hasSubscribers ||
    refuse.hasSubscribers
  );
}

/** @param {Request} request */
function asked(request) {
  const trace = isOn ? capture(asked) : undefined;
  request.times = { id: ++ids, asked: now(), granted: NaN, ended: NaN, trace, isDelivered: false };
}

/**
 * Messages that are ready. They are published when the call or wake-up that they come from has delivered its events, since a
 * subscriber may use locks.
 *
 * @type {{ to: import('node:diagnostics_channel').Channel, message: object }[]}
 */
let ready = [];
/** How many of them have been published. Not taken out one by one: a list of many would be moved each time. */
let published = 0;

/** One by one: a subscriber that uses locks publishes what is left before what it causes itself. */
function publish() {
  if (ready.length === 0) return;
  while (published < ready.length) {
    const { to, message } = ready[published++];
    to.publish(message);
  }
  ready = [];
  published = 0;
}

/**
 * @param {import('node:diagnostics_channel').Channel} to
 * @param {object} message
 */
function publishLater(to, message) {
  ready.push({ to, message });
}

/** @param {Request} request which has begun to wait */
function waits(request) {
  publishLater(wait, describe(request));
}

/** @param {Request} request which was granted, and will be notified */
function granted(request) {
  /** @type {Times} */ (request.times).granted = now();
}

/** @param {Request} request whose hold was taken away, of which it will be notified */
function ended(request) {
  /** @type {Times} */ (request.times).ended = now();
}

/** @param {Request} request whose hold was released */
function released(request) {
  ended(request);
  publishLater(release, describeHold(request));
}

/**
 * @param {Request} request whose release a store has answered
 * @param {Error | null} error what became of it instead
 */
function answered(request, error) {
  const times = /** @type {Times} */ (request.times);
  // Of one that was given back, the end has been published.
  if (!times.isDelivered || !Number.isNaN(times.ended)) return;
  ended(request);
  const to = error instanceof LockExpiredError ? expire : error instanceof LockLostError ? lost : release;
  publishLater(to, describeHold(request));
}

/**
 * @param {Request} request whose program learns that its hold was taken away
 * @param {number} kind EXPIRED or LOST
 */
function taken(request, kind) {
  if (/** @type {Times} */ (request.times).isDelivered)
    publishLater(kind === EXPIRED ? expire : lost, describeHold(request));
}

/** @param {Request} request whose program learns of its grant */
function obtained(request) {
  const { fence, recovered } = request;
  const times = /** @type {Times} */ (request.times);
  times.isDelivered = true;
  publishLater(grant, { ...describe(request), fence, recovered, waited: times.granted - times.asked });
}

/**
 * @param {Request} request which was not granted, or whose hold was given back before its program saw it
 * @param {keyof typeof FAILURES} why
 * @param {string | null} code of the error that refuses it
 */
function failed(request, why, code) {
  const { asked, isDelivered } = /** @type {Times} */ (request.times);
  if (isDelivered) {
    // Else it was taken away before, which is said when that is delivered.
    if (request.loss === null) released(request);
    return;
  }
  const message = { ...describe(request), waited: now() - asked, ...(why === 'refuse' ? { code } : null) };
  publishLater(FAILURES[why], message);
}

/** @param {Request} request */
function describeHold(request) {
  const { fence, recovered, times } = request;
  const { asked, granted, ended } = /** @type {Times} */ (times);
  return { ...describe(request), fence, recovered, waited: granted - asked, held: ended - granted };
}

/** @param {Request} request */
function describe({ space, key, mode, label, times }) {
  const { id } = /** @type {Times} */ (times);
  const { name = null, scope } = space;
  return { id, scope, name, key, mode: modeName(mode), ...marksOf({ label }) };
}

module.exports = {
  enabled,
  publish,
  publishLater,
  asked,
  waits,
  granted,
  ended,
  released,
  answered,
  failed,
  taken,
  obtained,
};
