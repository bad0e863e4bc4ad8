'use strict';
// This thread's port to the engine: the numbers that cross, the functions that take them, and the wake-up
// that comes when another thread or the clock has something to tell.
//
// Numbers cross through one typed array (an argument of a native call costs about 45 ns). Each function here
// writes its inputs, calls, and reads the answers before anything else can run.

const { threadId } = require('node:worker_threads');
const { binding, own, conflict } = require('./native');
const { deliver, reportLater } = require('./delivery');
const { LockTwoCopiesError } = require('./errors');

/** @typedef {import('./space').Space} Space */
/** @typedef {import('./space').Request} Request */
/** @typedef {import('./delivery').Event} Event */

/**
 * @typedef {object} KeyReport
 * @property {string} key
 * @property {{ write: boolean, age: number, thread: number, fence: number, recovered: boolean }[]} held
 * @property {{ write: boolean, age: number, thread: number }[]} pending
 */

/**
 * @typedef {object} NativePort
 * @property {() => number} openPrivate
 * @property {(name: string) => number} openNamed
 * @property {() => void} close
 * @property {(key: string) => void} request
 * @property {() => void} release
 * @property {() => void} cancel
 * @property {() => void} downgrade
 * @property {() => KeyReport[]} query
 * @property {() => void} collect
 * @property {() => void} readEvents
 */

const at = binding.layout();
// An array buffer of its own: its memory never moves, in any engine.
const words = new Float64Array(new ArrayBuffer(at.length * Float64Array.BYTES_PER_ELEMENT));
const native = /** @type {NativePort} */ (binding.openPort(words, wake, threadId));

/**
 * Spaces that a wake-up may be about, by number. They must not be collected, even when the program has
 * dropped the lock object: the wake-up is what calls those who wait.
 *
 * @type {Map<number, Space>}
 */
const awake = new Map();

/** @param {string | undefined} name undefined for a private space */
function open(name) {
  if (name === undefined) return native.openPrivate();
  if (conflict !== null) throw new LockTwoCopiesError(name, conflict, own);
  return native.openNamed(name);
}

/** @param {number} number */
function close(number) {
  words[at.space] = number;
  native.close();
}

/**
 * Asks for a key; writes the ticket, and the grant if there is one, into the request. Events may have to be
 * taken, as after each of the calls below.
 *
 * @param {Request} request
 * @param {number} mode
 * @param {number} expiry milliseconds, or 0
 * @param {number} patience milliseconds, 0 or Infinity
 * @returns {number} 1 if it was granted, 0 if it waits, -1 if it was not willing to
 */
function request(request, mode, expiry, patience) {
  words[at.space] = request.space.number;
  words[at.mode] = mode;
  words[at.tag] = request.tag;
  words[at.expiry] = expiry;
  words[at.patience] = patience;
  native.request(request.key);
  request.index = words[at.index];
  request.generation = words[at.generation];
  if (words[at.done] === 1) setGrant(request, at.fence);
  return words[at.done];
}

/**
 * @param {Request} request
 * @returns {boolean} false if the hold has ended before, or its request waits
 */
function release(request) {
  address(request);
  native.release();
  return words[at.done] === 1;
}

/**
 * @param {Request} request
 * @returns {boolean} false if it does not wait any more
 */
function cancel(request) {
  address(request);
  native.cancel();
  return words[at.done] === 1;
}

/**
 * @param {Request} request
 * @returns {boolean} false if the hold has ended before
 */
function downgrade(request) {
  address(request);
  native.downgrade();
  return words[at.done] === 1;
}

/** @param {number} number */
function query(number) {
  words[at.space] = number;
  return native.query();
}

/** @param {Request} request */
function address(request) {
  words[at.space] = request.space.number;
  words[at.index] = request.index;
  words[at.generation] = request.generation;
}

/**
 * @param {Request} request
 * @param {number} place of the fence; whether the key is recovered stands behind it
 */
function setGrant(request, place) {
  request.fence = words[place];
  request.recovered = words[place + 1] === 1;
}

/**
 * Takes the events of the last call.
 *
 * @param {Space} [space] whose they all are, if known
 * @returns {Event[] | null} in the order in which they have to be told
 */
function takeEvents(space) {
  if (words[at.events] === 0) return null;
  /** @type {Event[]} */
  const events = [];
  for (;;) {
    readChunk(events, space);
    if (words[at.more] === 0) return events;
    native.readEvents();
  }
}

/**
 * @param {Event[]} events
 * @param {Space} [space]
 */
function readChunk(events, space) {
  const end = at.firstEvent + words[at.events] * at.eventSize;
  for (let place = at.firstEvent; place < end; place += at.eventSize) {
    const from = space ?? awake.get(words[place + at.eventSpace]);
    // A space that was closed meanwhile has nobody left to tell.
    const request = from?.requests[words[place + at.eventTag]];
    if (from === undefined || !request) continue;
    const kind = words[place + at.eventKind];
    if (kind === at.kindGranted) {
      setGrant(request, place + at.eventFence);
      from.granted(request, events);
    } else if (kind === at.kindExpired) {
      from.expired(request, events);
    } else {
      from.timedOut(request, events);
    }
  }
}

/** Called from the event loop when another thread or the clock has something to tell. Nobody can catch. */
function wake() {
  native.collect();
  const events = takeEvents();
  if (events === null) return;
  try {
    deliver(events);
  } catch (error) {
    reportLater(error);
  }
}

module.exports = { open, close, request, release, cancel, downgrade, query, takeEvents, awake };
