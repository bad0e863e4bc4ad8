'use strict';
// The calls of the engine, each a function with plain arguments: it writes them where the native function reads them. What
// the engine has to report is read in ../events/reading.js.
//
// Numbers cross through one typed array (an argument of a native call costs about 45 ns). Each function here
// writes its inputs, calls, and reads the answers before anything else can run.

const { isMainThread } = require('node:worker_threads');
const { binding, own, findConflict } = require('./copies');
const { LockTwoCopiesError } = require('../errors');
const { at, words, native } = require('./layout');
const { findRoom } = require('./stack');

/** @typedef {import('../spaces/thin').ThinKey} ThinKey */
/** @typedef {import('../events/request').Request} Request */

/** @typedef {import('../../native/binding').Report & { trace?: string }} Report only this thread knows the trace of its own */

/** @type {import('./native').Copy | 'none' | undefined} another copy, once it has been looked for */
let conflict;

/**
 * @param {string | undefined} name undefined for a private space
 */
function open(name) {
  if (name === undefined) return native.openPrivate();
  // Looked for once: a copy that is loaded later finds this one.
  conflict ??= findConflict() ?? 'none';
  if (conflict !== 'none') throw new LockTwoCopiesError(name, conflict, own);
  return native.openNamed(name);
}

/**
 * @param {string} name
 * @param {import('../../native/binding').StoreOptions} options
 */
function openStored(name, options) {
  const opened = native.openStored(name, options);
  // The background, which talks to the stores, ends with the process. Nothing else runs on `process.exit()`.
  if (isMainThread && binding.needsSessionEnd()) process.once('exit', binding.endSessions);
  return opened;
}

/**
 * The addon's functions, for a call that is about a space.
 *
 * @param {number} space its number
 */
function about(space) {
  words[at.space] = space;
  return native;
}

/**
 * Asks the engine for a key; writes the grant, if there is one, into the request. Events may
 * have to be taken, as after each of the calls below.
 *
 * @param {Request} request
 * @param {ThinKey} key
 * @param {number} patience milliseconds, 0 or Infinity
 * @returns {number} `at.doneNow` if it was granted, `at.notDone` if it waits, `at.refused` if it was not willing to
 */
function request(request, key, patience) {
  describe(request);
  words[at.patience] = patience;
  if (key.slot === -1 || !requestBySlot(key)) {
    native.request(request.key);
    if (words[at.done] === at.noRoom) again(() => native.request(request.key));
    if (words[at.done] !== at.refused) setSlot(key);
  }
  if (words[at.done] === at.doneNow) setGrant(request, at.fence);
  return words[at.done];
}

/**
 * @param {ThinKey} key
 * @returns {boolean} false if the engine has forgotten the key meanwhile, and nothing has happened
 */
function requestBySlot(key) {
  nameBySlot(key);
  native.request();
  if (words[at.done] === at.noRoom) again(native.request);
  return words[at.done] !== at.forgotten;
}

/**
 * Calls a function again that has done nothing, since it knows of no room for what follows, once there is room. If there is none, a
 * RangeError comes out of here.
 *
 * @param {() => void} operation
 */
function again(operation) {
  do {
    findRoom();
    operation();
  } while (words[at.done] === at.noRoom);
}

/**
 * Posts a message for the engine, which the next call of this thread takes in first, and in this order. It may throw, at the end
 * of the stack, and then nothing has happened.
 *
 * @param {number} what
 * @param {number} space its number
 * @param {ThinKey} key
 * @param {number} tag or how many
 * @param {number} mode
 * @param {number} expiry
 * @param {number} age of a hold that expires
 */
function post(what, space, key, tag, mode, expiry, age) {
  if (words[at.posted] === at.maxPosted) native.takeIn();
  const posted = words[at.posted];
  const place = at.firstPosted + posted * at.postedSize;
  words[place + at.postedWhat] = what + mode;
  words[place + at.postedSpace] = space;
  words[place + at.postedKey] = key.slot;
  words[place + at.postedTag] = tag;
  words[place + at.postedExpiry] = expiry;
  words[place + at.postedAge] = age;
  words[at.posted] = posted + 1;
}

/**
 * Names a request that the engine has, or is about to have.
 *
 * @param {Request} request
 */
function address(request) {
  words[at.space] = request.space.number;
  words[at.tag] = request.tag;
}

/** @param {Request} request */
function describe(request) {
  address(request);
  words[at.mode] = request.mode;
  words[at.expiry] = request.expiry;
}

/**
 * Names the key by its slot: two numbers cross more cheaply than a string.
 *
 * @param {ThinKey} key
 */
function nameBySlot(key) {
  words[at.keyIndex] = key.slot;
  words[at.keyGeneration] = key.slotGeneration;
}

/** @param {ThinKey} key */
function setSlot(key) {
  key.slot = words[at.keyIndex];
  key.slotGeneration = words[at.keyGeneration];
}

/** A fence for a grant in a private space that the engine is not asked for: `fenceFloor` is the highest one, of both. */
function nextFence() {
  return (words[at.fenceFloor] += 1);
}

/**
 * Ends a request, or its hold, in one of the ways that `at` names, or makes its write hold a read hold.
 *
 * @param {number} space its number
 * @param {number} tag of the request
 * @param {number} how `at.endRelease`, `at.endUnused`, `at.endCancel` or `at.endDowngrade`
 * @returns {number} `at.notDone` if it does not wait or hold any more, `at.doneNow`, or `at.doneLast` if the engine has forgotten the
 *   key with it
 */
function end(space, tag, how) {
  words[at.space] = space;
  words[at.tag] = tag;
  words[at.end] = how;
  native.end();
  if (words[at.done] === at.noRoom) again(native.end);
  return words[at.done];
}

/**
 * Ends one of a key's holds that are only counted.
 *
 * @param {number} space its number
 * @param {ThinKey} key
 * @returns {number} as `end`
 */
function endCounted(space, key) {
  nameBySlot(key);
  return end(space, 0, at.endCounted);
}

/**
 * How long a hold is safe, in milliseconds: Infinity for ever, -1 if it may be another one's already. What has happened by
 * then is among the events.
 *
 * @param {Request} request
 */
function remaining(request) {
  address(request);
  native.remaining();
  if (words[at.done] === at.noRoom) again(native.remaining);
  return words[at.done];
}

/** Looks for events, of which the thread is not woken until it has read them: whether there are some. */
function poll() {
  native.poll();
  return words[at.done] === at.doneNow;
}

/** Whether the environment has ended, so that nothing may be called any more. */
function hasEnded() {
  return words[at.environmentEnded] !== 0;
}

/**
 * Lets other threads see a request's label, or not any more.
 *
 * @param {Request} request
 * @param {boolean} isThere
 */
function setLabel(request, isThere) {
  address(request);
  if (isThere) native.label(request.label);
  else native.label();
}

/**
 * Who keeps others from a key of a named space.
 *
 * @param {number} number of the space
 * @param {string} key
 */
function blockers(number, key) {
  const holders = about(number).blockers(key);
  return { holders, waiting: words[at.done] };
}

/**
 * The tags of the requests of a key that the engine has in a private space: those that hold it, then those that wait.
 *
 * @param {number} number of the space
 * @param {ThinKey} key
 * @param {number} most how many of them, up to 2^32 - 1
 */
function requestsOf(number, key, most) {
  nameBySlot(key);
  return about(number).requestsOf(most);
}

/**
 * Who kept a request of a store waiting that has timed out. To be asked once.
 *
 * @param {Request} request
 */
function storeBlockers(request) {
  address(request);
  const holders = native.storeBlockers();
  return { holders, ahead: words[at.done] };
}

/**
 * For how many milliseconds a store grants nothing, as far as is known.
 *
 * @param {number} number of the space
 */
function frozen(number) {
  about(number).frozen();
  return words[at.done];
}

/**
 * Why a request failed, in words; without a reason, what is wrong with the store by now, or an empty text.
 *
 * @param {number} number of the space
 * @param {number} reason
 */
function explain(number, reason) {
  words[at.reason] = reason;
  return about(number).explain();
}

/**
 * @param {Request} request
 * @param {number} place of the fence; whether the key is recovered stands behind it
 */
function setGrant(request, place) {
  request.fence = words[place];
  request.recovered = words[place + 1] === 1;
  if (request.space.name === undefined && words[place] > words[at.fenceFloor])
    words[at.fenceFloor] = words[place];
}

module.exports = {
  open,
  openStored,
  about,
  request,
  post,
  setGrant,
  nextFence,
  end,
  endCounted,
  remaining,
  poll,
  hasEnded,
  setLabel,
  blockers,
  requestsOf,
  storeBlockers,
  frozen,
  explain,
};
