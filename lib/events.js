'use strict';
// What the engine has to tell this thread: the events of its own calls, and the letters that others and the clock
// have sent, which a wake-up announces.

// Not the global one, which a test's fake timers may replace.
const { setImmediate } = require('node:timers');
const { at, words, native, onWake, hasEnded, setGrant } = require('./port');
const { deliver, reportLater, LOST } = require('./delivery');
const diagnostics = require('./diagnostics');
const { WAITING } = require('./request');

/** @typedef {import('./space').Space} Space */
/** @typedef {import('./stored-space').StoredSpace} StoredSpace */
/** @typedef {import('./request').Request} Request */
/** @typedef {import('./delivery').Event} Event */

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

/**
 * Takes the last call's event, if that is one grant of the key that it was about and nothing else.
 *
 * @param {Space} space
 * @param {string} key
 * @returns {Request | null}
 */
function takeGrant(space, key) {
  if (words[at.events] !== 1 || words[at.firstEvent + at.eventKind] !== at.kindGranted) return null;
  if (words[at.firstEvent + at.eventSpace] !== space.number || unread.length > 0) return null;
  const request = space.requests[words[at.firstEvent + at.eventTag]];
  if (!request || request.state !== WAITING || request.key !== key) return null;
  words[at.events] = 0;
  setGrant(request, at.firstEvent + at.eventFence);
  return request;
}

/**
 * Takes what is to be told of the last call's key, in the order in which it was decided. A call in a named space reads
 * the letters, too, in the moment in which it takes place: whoever lost the key hears of that before the next one of this
 * thread is granted. What is about other keys is told from the event loop.
 *
 * @param {Space} space
 * @param {string} key
 * @returns {Event[] | null}
 */
function takeEvents(space, key) {
  const read = words[at.events] === 0 ? null : readEvents(space);
  if (space.name === undefined || (read === null && unread.length === 0)) return read;
  const isAbout = (/** @type {Event} */ { request }) =>
    request.space.name === space.name && request.key === key;
  if (unread.length === 0 && read !== null && read.every(isAbout)) return read;
  const all = read === null ? unread : unread.concat(read);
  const events = all.filter(isAbout);
  unread = all.filter((event) => !isAbout(event));
  // No wake-up need be under way.
  if (unread.length > 0) setImmediate(wake);
  return events;
}

/**
 * Events that have been read, and are to be told from the event loop.
 *
 * @type {Event[]}
 */
let unread = [];

/**
 * @param {Space} [space] whose events some of them may be, though it is not awake
 * @returns {Event[]}
 */
function readEvents(space) {
  /** @type {Event[]} */
  const events = [];
  for (;;) {
    readChunk(events, space);
    if (words[at.more] === 0) break;
    native.readEvents();
  }
  words[at.events] = 0;
  return events;
}

/**
 * @param {Event[]} events
 * @param {Space} [space] as for `readEvents`
 */
function readChunk(events, space) {
  const end = at.firstEvent + words[at.events] * at.eventSize;
  for (let place = at.firstEvent; place < end; place += at.eventSize) {
    const number = words[place + at.eventSpace];
    const from = space?.number === number ? space : awake.get(number)?.space;
    // A space that was closed meanwhile has nobody left to tell.
    const request = from?.requests[words[place + at.eventTag]];
    if (!from || !request) continue;
    const kind = words[place + at.eventKind];
    if (kind === at.kindGranted) {
      setGrant(request, place + at.eventFence);
      from.granted(request, events);
    } else if (kind === at.kindExpired) {
      from.expired(request, events);
    } else if (kind === at.kindTimedOut) {
      from.timedOut(request, events);
    } else {
      readAnswer(/** @type {StoredSpace} */ (from), request, place, events);
    }
  }
}

/**
 * What only stores say.
 *
 * @param {StoredSpace} space
 * @param {Request} request
 * @param {number} place
 * @param {Event[]} events
 */
function readAnswer(space, request, place, events) {
  const kind = words[place + at.eventKind];
  if (kind === at.kindLost) space.lost(request, LOST, events);
  else if (kind === at.kindFailed) space.failed(request, words[place + at.eventDetail], events);
  else space.answered(request, words[place + at.eventDetail], events);
}

/** Called from the event loop when another thread or the clock has something to tell. Nobody can catch. */
function wake() {
  if (hasEnded()) return;
  native.collect();
  const events = [...unread, ...readEvents()];
  unread = [];
  diagnostics.publish();
  try {
    deliver(events);
  } catch (error) {
    reportLater(error);
  }
}

onWake(wake);

module.exports = { takeGrant, takeEvents, awake, wake };
