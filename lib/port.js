'use strict';
// This thread's port to the engine: the numbers that cross, the functions that take them, and the wake-up
// that comes when a deadline does.
//
// Numbers cross through one typed array (an argument of a native call costs about 45 ns). Each function here
// writes its inputs, calls, and reads the answers before anything else can run.

const binding = require('./native');
const { deliver, reportLater } = require('./delivery');

/**
 * What the engine's events are about: one call that asked for a key.
 *
 * @typedef {object} Request
 * @property {import('./space').Space} space
 * @property {string} key
 * @property {number} tag its place in the space's list of requests
 * @property {number} index of its ticket
 * @property {number} generation of its ticket
 * @property {() => void} onGranted
 * @property {() => void} onExpired
 */

/** @typedef {{ request: Request, expired: boolean }} Event a grant, unless `expired` */

/**
 * @typedef {object} NativePort
 * @property {() => number} openSpace
 * @property {() => void} closeSpace
 * @property {(key: string) => void} request
 * @property {() => void} release
 * @property {() => void} expire
 * @property {() => void} readEvents
 */

const at = binding.layout();
// An array buffer of its own: its memory never moves, in any engine.
const words = new Float64Array(new ArrayBuffer(at.length * Float64Array.BYTES_PER_ELEMENT));
const native = /** @type {NativePort} */ (binding.openPort(words, wake));

/**
 * Spaces in which somebody waits for an expiry, by number. They must not be collected, even when the program
 * has dropped the lock object: the wake-up is what calls those who wait.
 *
 * @type {Map<number, import('./space').Space>}
 */
const awaited = new Map();

function openSpace() {
  return native.openSpace();
}

/** @param {number} number */
function closeSpace(number) {
  words[at.space] = number;
  native.closeSpace();
}

/**
 * Asks for a key; writes the ticket into the request.
 *
 * @param {Request} request
 * @param {number} mode
 * @param {number} expiry milliseconds, or 0
 * @returns {boolean} whether it was granted at once; events may have to be taken
 */
function request(request, mode, expiry) {
  words[at.space] = request.space.number;
  words[at.mode] = mode;
  words[at.tag] = request.tag;
  words[at.expiry] = expiry;
  native.request(request.key);
  request.index = words[at.index];
  request.generation = words[at.generation];
  return words[at.done] !== 0;
}

/**
 * @param {Request} request
 * @returns {boolean} false if the hold has ended before; events may have to be taken
 */
function release(request) {
  words[at.space] = request.space.number;
  words[at.index] = request.index;
  words[at.generation] = request.generation;
  native.release();
  return words[at.done] !== 0;
}

/**
 * Takes the events of the last call.
 *
 * @param {import('./space').Space} [space] whose they all are, if known
 * @returns {Event[] | null} in the order in which they have to be told
 */
function takeEvents(space) {
  if (words[at.events] === 0) return null;
  /** @type {Event[]} */
  const events = [];
  for (;;) {
    readChunk(events, space);
    if (words[at.more] === 0) break;
    native.readEvents();
  }
  for (const awaiting of space === undefined ? awaited.values() : [space]) {
    if (awaiting.waiting === 0) awaited.delete(awaiting.number);
  }
  return events;
}

/**
 * @param {Event[]} events
 * @param {import('./space').Space} [space]
 */
function readChunk(events, space) {
  const end = at.firstEvent + words[at.events] * at.eventSize;
  for (let place = at.firstEvent; place < end; place += at.eventSize) {
    const from = space ?? /** @type {import('./space').Space} */ (awaited.get(words[place + at.eventSpace]));
    const expired = words[place + at.eventKind] === at.kindExpired;
    events.push({ request: from.requestOf(words[place + at.eventTag], expired), expired });
  }
}

/** Called from the event loop when a deadline has come. No caller is there to throw to. */
function wake() {
  native.expire();
  const events = takeEvents();
  if (events === null) return;
  try {
    deliver(events);
  } catch (error) {
    reportLater(error);
  }
}

module.exports = { openSpace, closeSpace, request, release, takeEvents, awaited };
