'use strict';
// One lock object's keys, as this thread sees them: what is asked of them, and how far each request has got.

const { stayAlive, stayAliveNoMore } = require('./alive');
const { now } = require('../clock');
const { at, words } = require('../addon/layout');
const port = require('../addon/port');
const { append, settle } = require('../events/delivery');
const { takeGrant, takeEvents } = require('../events/reading');
const diagnostics = require('../events/diagnostics');
const { LockExpiredError } = require('../errors');
const { WAITING, HOLDING, ABANDONED, ENDED, NEXT, isQueued } = require('../events/life');
const { GRANTED, EXPIRED, TIMED_OUT, LOST } = require('../events/life');
const { READ } = require('../events/request');
const { marksOf } = require('../events/snapshot');
const { Member } = require('./member');
const { ENGINE } = require('./thin');
const { spin } = require('./spin');
const { SOON } = require('../addon/stack');

/** @typedef {import('./thin').ThinKey} ThinKey */
/** @typedef {import('../events/request').Request} Request */

/** The keys of one lock object, about which the engine decides, or a store. */
class Space extends Member {
  /**
   * @param {number} number the port's own number of this space
   * @param {string | undefined} name undefined for a private space
   * @param {import('./keys').Keys} keys
   */
  constructor(number, name, keys) {
    super(number);
    this.name = name;
    this.keys = keys;
  }

  /**
   * Asks for the request's key; its state says what became of that.
   *
   * @param {Request} request
   * @param {number} patience milliseconds, 0 or Infinity
   * @returns {Request | null} the request, if it was granted: the caller has to `settle` that
   */
  ask(request, patience) {
    if (diagnostics.enabled()) diagnostics.asked(request);
    const key = this.keys.find(request.key);
    request.keyObject = key;
    return this.askEngine(key, request, patience);
  }

  /**
   * @param {ThinKey} key
   * @param {Request} request
   * @param {number} patience
   */
  askEngine(key, request, patience) {
    this.enterEngine(key, request);
    if (request.label !== undefined) this.addLabel(request);
    let done;
    try {
      done = port.request(request, key, patience);
    } catch (error) {
      // There is no room, and nothing has happened.
      SOON.then(this.move.bind(this, request, ENDED));
      throw error;
    }
    if (done === at.notDone) {
      this.move(request, WAITING);
      if (request.times !== null) diagnostics.waits(request);
    } else {
      if (done === at.doneNow && request.times !== null) diagnostics.granted(request);
      this.move(request, done === at.doneNow ? HOLDING : ENDED);
    }
    this.readEvents(key);
    // Last: what is scheduled there runs other people's hooks.
    if (done === at.notDone) this.lookForEvents();
    return done === at.doneNow ? request : null;
  }

  /** A request waits for other threads. */
  lookForEvents() {
    spin();
  }

  /**
   * Lets other threads see a request's label, until it has ended: where they can.
   *
   * @param {Request} _request
   */
  addLabel(_request) {}

  /**
   * @param {ThinKey} key
   * @param {Request} request
   */
  enterEngine(key, request) {
    this.add(request);
    if (key.keys.thin) return;
    key.enterEngine();
    this.keepAwake(true);
  }

  /**
   * @param {ThinKey} key
   * @param {Request} request which has ended
   */
  leaveEngine(key, request) {
    this.delete(request);
    if (key.keys.thin) return;
    key.leaveEngine();
    this.keepAwake(!this.isEmpty());
  }

  /**
   * Ends a request's hold. Nothing happens if it has none, or not any more.
   *
   * @param {Request} request
   * @param {boolean} [unused] whether its holder never learned of it
   * @returns {Request | null} who was let in, for the caller to `settle`
   */
  release(request, unused = false) {
    if (request.state !== HOLDING) return null;
    const key = /** @type {ThinKey} */ (request.keyObject);
    let grant = null;
    if (key.state === ENGINE) {
      const done = port.end(this.number, request.tag, unused ? at.endUnused : at.endRelease);
      // Else it has been taken away, and that is among the events.
      if (done !== at.notDone) this.move(request, ENDED);
      if (done === at.doneLast) key.deflate();
      grant = this.readGrant(key);
    } else {
      key.release(request);
    }
    if (request.times !== null && request.loss === null && !unused) diagnostics.released(request);
    return grant;
  }

  /**
   * Makes a write hold a read hold. Nothing happens if there is none, or not any more.
   *
   * @param {Request} request
   * @returns {Request | null} who was let in, for the caller to `settle`
   */
  downgrade(request) {
    if (request.state !== HOLDING || request.mode === READ) return null;
    const key = /** @type {ThinKey} */ (request.keyObject);
    if (key.state !== ENGINE) {
      key.downgrade(request);
      return null;
    }
    if (port.end(this.number, request.tag, at.endDowngrade) === at.doneNow) request.mode = key.mode = READ;
    return this.readGrant(key);
  }

  /**
   * How long nobody can take a request's hold away, in milliseconds. What has happened by now is read for it, and delivered
   * later. A hold without an expiry goes with its thread only.
   *
   * @param {Request} request
   * @returns {number} 0 if it has none
   */
  remaining(request) {
    if (request.state !== HOLDING) return 0;
    if (request.expiry === 0) return Infinity;
    const left = port.remaining(request);
    takeEvents(this, null);
    return request.state === HOLDING ? Math.max(left, 0) : 0;
  }

  /**
   * Ends a request that its caller has no use for any more, whether it waits or has been granted.
   *
   * @param {Request} request
   * @returns {Request | null} who was let in, for the caller to `settle`
   */
  abandon(request) {
    let grant = null;
    if (request.state === WAITING) {
      if (port.end(this.number, request.tag, at.endCancel) === at.doneNow) this.move(request, ENDED);
      // Else what has become of it is among the events.
      grant = this.readGrant(/** @type {ThinKey} */ (request.keyObject));
    }
    return request.state === HOLDING ? this.release(request, true) : grant;
  }

  /**
   * Reads what the last call has caused.
   *
   * @param {ThinKey} key which it was about
   */
  readEvents(key) {
    takeEvents(this, key);
  }

  /**
   * The same for a call that may have let somebody in.
   *
   * @param {ThinKey} key which it was about
   * @returns {Request | null} who was let in, if that is all: then it is in no list, for the caller to `settle`
   */
  readGrant(key) {
    const request = takeGrant(this, key);
    if (request === null) {
      this.readEvents(key);
      return null;
    }
    if (request.times !== null) diagnostics.granted(request);
    this.move(request, HOLDING);
    return request;
  }

  /**
   * Something has happened to a request: its state follows, and the event joins those to be delivered.
   *
   * @param {Request} request
   * @param {number} kind
   * @param {number} place where the event stands in the shared array
   */
  happened(request, kind, place) {
    const before = request.state;
    const state = NEXT[before][kind];
    if (state === undefined) return;
    let detail = null;
    if (kind === GRANTED) {
      port.setGrant(request, place + at.eventFence);
      if (request.times !== null) diagnostics.granted(request);
    } else {
      detail = this.explain(request, kind, place);
      if (kind === EXPIRED || kind === LOST) {
        request.loss ??= /** @type {import('../errors').LockError} */ (detail);
        if (request.times !== null) diagnostics.ended(request);
      }
    }
    if (before !== ABANDONED) append(request, kind, detail);
    this.move(request, state);
  }

  /**
   * @param {Request} request
   * @param {number} kind
   * @param {number} place where the event stands in the shared array
   * @returns {Error | import('../events/snapshot').Blockers | null} what the program is given with the event
   */
  explain(request, kind, place) {
    if (kind === TIMED_OUT) return this.blockersOf(request, words[place + at.eventDetail]);
    return kind === EXPIRED ? this.expiryOf(request) : null;
  }

  /** @param {Request} request whose hold has expired */
  expiryOf(request) {
    const { key, expiry, since, isReported } = request;
    // Its age as this thread knows it may be a little less than the engine's.
    const age = Math.max(expiry, now() - since);
    return Object.assign(new LockExpiredError(key, age, isReported ? expiry : null), marksOf(request));
  }

  /**
   * Who kept a request waiting that waits no longer.
   *
   * @param {Request} _request
   * @param {number | null} _ahead how many waited before it; null if it has not waited: then all who wait do
   * @returns {import('../events/snapshot').Blockers | null} null where it would cost too much to ask
   */
  blockersOf(_request, _ahead) {
    return null;
  }

  /**
   * The one place where a request of the engine's changes its state, and where those who wait are counted.
   *
   * @param {Request} request
   * @param {number} state
   */
  move(request, state) {
    const key = /** @type {ThinKey} */ (request.keyObject);
    const before = request.state;
    request.state = state;
    if (before === HOLDING) key.countHolder(request, -1);
    else if (isQueued(before) && !isQueued(state)) this.countWaiting(key, -1);
    if (state === HOLDING) {
      if (request.expiry > 0 || (key.keys.thin && request.isReported)) request.since = now();
      key.countHolder(request, 1);
    } else if (state === ENDED) {
      this.leaveEngine(key, request);
    } else if (isQueued(state) && !isQueued(before)) {
      this.countWaiting(key, 1);
    }
  }

  /**
   * @param {ThinKey} key
   * @param {number} change 1 or -1
   */
  countWaiting(key, change) {
    key.waiting += change;
    if (change > 0) stayAlive();
    else stayAliveNoMore();
  }

  /**
   * Delivers what a call about a key has caused, and what it has to deliver itself: see delivery.js.
   *
   * @param {ThinKey} key
   * @param {Request | null} grant
   * @param {Request | import('../requests/callbacks').CountedEnd | null} own
   * @param {number} kind
   */
  settle(key, grant, own, kind) {
    settle(key, grant, own, kind);
  }

  /**
   * How far it reaches.
   *
   * @returns {'thread' | 'process' | 'machines'}
   */
  get scope() {
    return 'process';
  }

  /** Whether a release and a downgrade are answered later, and nothing is delivered within a call. */
  get answersLater() {
    return false;
  }

  /**
   * Makes requests, or releases some: in one trip where a store answers.
   *
   * @template T
   * @param {() => T} act
   * @returns {T} what it gives
   */
  together(act) {
    return act();
  }

  /**
   * @param {Request} _request
   * @returns {Promise<void> | undefined} the answer to its last release or downgrade, if a store gives one
   */
  answerTo(_request) {
    return undefined;
  }

  /**
   * Waits until who asks for a free key is granted it: always, but on a store.
   *
   * @returns {Promise<void>}
   */
  ready() {
    return Promise.resolve();
  }
}

module.exports = { Space };
