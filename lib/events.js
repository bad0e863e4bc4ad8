'use strict';
// What the engine has to tell this thread: the events of its own calls, and the letters that others and the clock
// have sent, which a wake-up announces.

// Not the global one, which a test's fake timers may replace.
const { setImmediate } = require('node:timers');
const { at, words, native, onWake, hasEnded, setGrant } = require('./port');
const { deliver, reportLater, GRANTED, LOST } = require('./delivery');
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
 * Takes the last call's event, if that is one grant to a request of the same space and nothing else.
 *
 * @param {Space} space
 * @returns {Request | null}
 */
function takeGrant(space) {
  if (words[at.events] !== 1 || words[at.firstEvent + at.eventKind] !== at.kindGranted) return null;
  if (space.name !== undefined && (words[at.letters] !== 0 || unread.length > 0)) return null;
  const request = space.requests[words[at.firstEvent + at.eventTag]];
  if (!request || request.state !== WAITING) return null;
  words[at.events] = 0;
  setGrant(request, at.firstEvent + at.eventFence);
  return request;
}

/**
 * Takes the events of the last call. In a named space, what others have sent about the same key comes first:
 * whoever lost it hears of that before the next one of this thread is granted.
 *
 * @param {Space} space
 * @param {string} key
 * @returns {Event[] | null} in the order in which they have to be told
 */
function takeEvents(space, key) {
  const own = words[at.events] === 0 ? null : readEvents(space);
  if (space.name === undefined || (words[at.letters] === 0 && unread.length === 0)) return own;
  const letters = takeLetters(space.name, key);
  if (letters.length === 0) return own;
  return own === null ? letters : inOrder([...letters, ...own]);
}

/**
 * Events that have been read, and are to be told from the event loop.
 *
 * @type {Event[]}
 */
let unread = [];

/**
 * Takes those letters that are about one key; the others are told from the event loop.
 *
 * @param {string} name of the space
 * @param {string} key
 */
function takeLetters(name, key) {
  native.collect();
  unread = unread.concat(readEvents());
  const isAbout = (/** @type {Event} */ { request }) => request.space.name === name && request.key === key;
  const letters = unread.filter(isAbout);
  unread = unread.filter((event) => !isAbout(event));
  // No wake-up need be under way: what time has brought was collected, too.
  if (unread.length > 0) setImmediate(wake);
  return letters;
}

/**
 * Events of one key that came by two ways: who lost it first, then the grants as they were given, each with what
 * became of it.
 *
 * @param {Event[]} events
 */
function inOrder(events) {
  const grants = events
    .filter(({ kind }) => kind === GRANTED)
    .sort((a, b) => a.request.fence - b.request.fence);
  const ends = events.filter(({ kind }) => kind !== GRANTED);
  const granted = new Map(grants.map((grant) => [grant.request, [grant]]));
  /** @type {Event[]} */
  const first = [];
  for (const end of ends) (granted.get(end.request) ?? first).push(end);
  return [first, ...granted.values()].flat();
}

/**
 * @param {Space} [space] whose events they all are, if known
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
 * @param {Space} [space]
 */
function readChunk(events, space) {
  const end = at.firstEvent + words[at.events] * at.eventSize;
  for (let place = at.firstEvent; place < end; place += at.eventSize) {
    const from = space ?? awake.get(words[place + at.eventSpace])?.space;
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
