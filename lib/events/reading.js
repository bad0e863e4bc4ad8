'use strict';
// Reads what has happened: the events of this thread's own calls, and those that other threads and the clock have caused,
// which a wake-up announces.

// Not the global one, which a test's fake timers may replace.
const { setImmediate } = require('node:timers');
const { at, words, native, onWake } = require('../addon/layout');
const { hasEnded, setGrant } = require('../addon/port');
const { takeConnectionEvents } = require('./connections');
const { hasEvents, settleAll } = require('./delivery');
const { WAITING, GRANTED } = require('./life');

/** @typedef {import('../spaces/space').Space} Space */
/** @typedef {import('./request').Request} Request */

/**
 * The space of one number, while a wake-up may be about it. Then it must not be collected, even when the program has
 * dropped the lock object: the wake-up is what calls those who wait.
 *
 * @typedef {{ space: Space | null }} Awake
 */

/**
 * By number, the spaces that have been awake and are not closed. An entry stays when its space falls asleep: a V8 map
 * that is added to and deleted from is made anew every few times.
 *
 * @type {Map<number, Awake>}
 */
const awake = new Map();

// Where the first event stands.
const FIRST_KIND = at.firstEvent + at.eventKind;
const FIRST_SPACE = at.firstEvent + at.eventSpace;
const FIRST_TAG = at.firstEvent + at.eventTag;
const FIRST_FENCE = at.firstEvent + at.eventFence;

/** Whether the event loop will call `wake` without being woken. */
let isScheduled = false;

/**
 * Takes the event of the last call, if that is one grant of its key and nothing else has happened to the key.
 *
 * @param {Space} space
 * @param {import('../spaces/thin').ThinKey} key
 * @returns {Request | null}
 */
function takeGrant(space, key) {
  if (words[at.events] !== 1 || words[FIRST_KIND] !== GRANTED) return null;
  if (words[FIRST_SPACE] !== space.number) return null;
  const request = space.requests[words[FIRST_TAG]];
  if (request?.state !== WAITING || request.keyObject !== key || key.firstEvent !== null) return null;
  words[at.events] = 0;
  setGrant(request, FIRST_FENCE);
  return request;
}

/**
 * Reads the events of the last call, and what others have caused before it, into the list of those to be delivered. They come
 * in the order in which they were decided, and those of one key before the call's own result.
 *
 * @param {Space | null} space whose call it was
 * @param {import('../spaces/thin').ThinKey | null} key which it was about: its events are delivered by the caller, all others soon
 */
function takeEvents(space, key) {
  if (words[at.events] === 0) return;
  let hasOthers = false;
  for (;;) {
    const end = at.firstEvent + words[at.events] * at.eventSize;
    for (let place = at.firstEvent; place < end; place += at.eventSize) {
      const request = requestAt(place, space);
      if (request === null) continue;
      request.space.happened(request, words[place + at.eventKind], place);
      hasOthers ||= request.keyObject !== key;
    }
    if (words[at.more] === 0) break;
    native.readEvents();
  }
  words[at.events] = 0;
  if (hasOthers) schedule();
}

/**
 * @param {number} place
 * @param {Space | null} space the one that is probably meant
 * @returns {Request | null} null if its space was closed meanwhile, or dropped: then there is nobody to notify
 */
function requestAt(place, space) {
  const number = words[place + at.eventSpace];
  const found = space?.number === number ? space : awake.get(number)?.space;
  return found?.requests[words[place + at.eventTag]] ?? null;
}

/** Has `wake` called from the event loop. */
function schedule() {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(wake);
}

/** Called from the event loop when another thread or the clock has caused something, and for what calls have left. */
function wake() {
  if (hasEnded()) return;
  isScheduled = false;
  native.collect();
  takeEvents(null, null);
  takeConnectionEvents();
  settleAll();
  if (hasEvents()) schedule();
}

onWake(wake);

module.exports = { takeGrant, takeEvents, awake, wake };
