'use strict';
// The events of this thread that have not been delivered to the program, and the one way in which they are.
//
// A call reads what has happened into the list (reading.js), and then settles its key: what is in the list about that
// key is delivered first to last, then the call's own event. The other keys' events follow from the event loop.
//
// A release delivers the grants it made possible before it returns, so that a queue whose members release
// inside their callbacks nests one delivery in the other. At MAX_DEPTH a key is deferred instead, and the delivery at
// that depth goes on with it in a loop.

const diagnostics = require('./diagnostics');
const { reportLater } = require('../errors');
const { GRANTED, TIMED_OUT, FAILED, ANSWERED } = require('./life');

/** How many deliveries may nest: far below any stack's end, whatever the callbacks need themselves. */
const MAX_DEPTH = 64;

/** @typedef {import('./request').Request | import('../requests/callbacks').CountedEnd} Request */
/** @typedef {import('../spaces/thin').ThinKey} Key */

/** What happened to a request, until it is delivered. */
class Event {
  /**
   * @param {Request} request
   * @param {number} kind
   * @param {any} detail an error, or null
   */
  constructor(request, kind, detail) {
    this.request = request;
    this.kind = kind;
    this.detail = detail;
    // Its neighbours in the thread's list, and the next one of its key.
    /** @type {Event | null} */
    this.previous = last;
    /** @type {Event | null} */
    this.next = null;
    /** @type {Event | null} */
    this.nextOfKey = null;
  }
}

// The thread's list, in the order in which the events happened.
//
// Invariant: each event of it is also in the list of its key, from `firstEvent` to `lastEvent` by `nextOfKey`, in the same
// order. `size` counts them.
/** @type {Event | null} */
let first = null;
/** @type {Event | null} */
let last = null;
let size = 0;

/** How many deliveries are at work, one in the other. */
let depth = 0;

/** Whether messages are published: not within the delivery of an event, before its program was called. */
let publishes = true;

/**
 * Keys whose events were not delivered because MAX_DEPTH was reached, in order. The delivery at that depth is at work
 * while there are some, and takes them before it ends.
 *
 * @type {Key[]}
 */
let deferred = [];

/** No error: a program may throw anything else. */
const NONE = Symbol('none');

/**
 * Adds what has happened to a request to the list. No program code runs here.
 *
 * @param {Request} request
 * @param {number} kind
 * @param {any} detail
 */
function append(request, kind, detail) {
  const key = /** @type {Key} */ (request.keyObject);
  const event = new Event(request, kind, detail);
  if (last === null) first = event;
  else last.next = event;
  last = event;
  if (key.lastEvent === null) key.firstEvent = event;
  else key.lastEvent.nextOfKey = event;
  key.lastEvent = event;
  size++;
}

/**
 * Takes the first event of a key out of the list.
 *
 * @param {Key} key one that has events
 * @returns {Event}
 */
function takeFirst(key) {
  const event = /** @type {Event} */ (key.firstEvent);
  key.firstEvent = event.nextOfKey;
  if (key.firstEvent === null) key.lastEvent = null;
  if (event.previous === null) first = event.next;
  else event.previous.next = event.next;
  if (event.next === null) last = event.previous;
  else event.next.previous = event.previous;
  size--;
  return event;
}

/**
 * Ends a call about a key: delivers what has happened to the key, then the call's own event. Program code runs here, and
 * nothing that the call still has to do may come after it. If callbacks throw, the first error comes out of here, after
 * everything else has been done.
 *
 * @param {Key} key
 * @param {Request | null} grant whom this call has let in, if that is all that has happened to the key: it is in no list
 * @param {Request | null} own of which the call has something to deliver
 * @param {number} kind what: GRANTED, or ANSWERED for a release
 */
function settle(key, grant, own, kind) {
  if (grant === null && key.firstEvent === null) {
    if (own === null) return publish();
    if (kind === GRANTED) return settleOwnGrant(own);
  }
  if (depth === MAX_DEPTH) return defer(key, grant, own, kind);
  /** @type {unknown} */
  let error = NONE;
  depth++;
  try {
    if (grant !== null) error = deliver(grant, GRANTED, null, error);
    // In the list, so that no request that is made by the callbacks of those before it overtakes it.
    else if (own !== null && kind === GRANTED) append(own, GRANTED, null);
    if (key.firstEvent !== null) error = runEvents(key, error);
    if (own !== null && kind !== GRANTED) error = deliver(own, kind, null, error);
    if ((depth === MAX_DEPTH || depth === 1) && deferred.length > 0) error = runDeferred(error);
  } finally {
    depth--;
  }
  publish();
  if (error !== NONE) throw error;
}

/**
 * Nothing comes before it, so that it nests in nothing, either.
 *
 * @param {any} own a request
 */
function settleOwnGrant(own) {
  try {
    own.onGranted();
  } finally {
    publish();
  }
}

/**
 * @param {Key} key
 * @param {Request | null} grant
 * @param {Request | null} own
 * @param {number} kind
 */
function defer(key, grant, own, kind) {
  if (grant !== null) append(grant, GRANTED, null);
  if (own !== null) append(own, kind, null);
  if (deferred.at(-1) !== key) deferred.push(key);
}

/** Delivers all that is in the list by now. Called from the event loop, where nobody can catch. */
function settleAll() {
  depth++;
  // What callbacks add meanwhile has its turn after others': the event loop must not wait for ever.
  for (let left = size; left > 0 && first !== null; left--) {
    const { request, kind, detail } = takeFirst(/** @type {Key} */ (first.request.keyObject));
    let error = deliver(request, kind, detail, NONE);
    if (deferred.length > 0) error = runDeferred(error);
    if (error !== NONE) reportLater(error);
  }
  depth--;
  publish();
}

/**
 * @param {Key} key
 * @param {unknown} error
 */
function runEvents(key, error) {
  while (key.firstEvent !== null) {
    const { request, kind, detail } = takeFirst(key);
    error = deliver(request, kind, detail, error);
  }
  return error;
}

/** @param {unknown} error */
function runDeferred(error) {
  while (deferred.length > 0) {
    const keys = deferred;
    deferred = [];
    for (const key of keys) error = runEvents(key, error);
  }
  return error;
}

/**
 * Delivers one event.
 *
 * @param {any} request one that this can happen to
 * @param {number} kind
 * @param {any} detail
 * @param {unknown} error the first one of this delivery, or NONE
 * @returns {unknown} the same, or this event's
 */
function deliver(request, kind, detail, error) {
  try {
    if (kind === GRANTED) request.onGranted();
    else if (kind === TIMED_OUT) request.onTimedOut(detail);
    else if (kind === FAILED) request.onFailed(detail);
    else if (kind === ANSWERED) request.onReleased(detail);
    else {
      if (request.times !== null) diagnostics.taken(request, kind);
      request.onLost(detail);
    }
  } catch (thrown) {
    if (error === NONE) return thrown;
    reportLater(thrown);
  }
  return error;
}

/**
 * Calls program code within the delivery of an event; what that causes is delivered after the event, and the event's own
 * message is published after it.
 *
 * @param {() => void} call
 */
function holdBack(call) {
  const before = { depth, publishes };
  depth = MAX_DEPTH;
  publishes = false;
  try {
    call();
  } finally {
    ({ depth, publishes } = before);
  }
}

function publish() {
  if (publishes) diagnostics.publish();
}

/** Whether events wait to be delivered. */
function hasEvents() {
  return size > 0;
}

module.exports = { Event, append, settle, settleAll, holdBack, hasEvents };
