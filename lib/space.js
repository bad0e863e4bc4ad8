'use strict';
// One lock object's keys, as this thread sees them: what is granted without the engine, which JavaScript
// request an engine event is about, and how far that request has got.

const { now } = require('./clock');
const port = require('./port');
const { takeGrant, takeEvents, awake } = require('./events');
const diagnostics = require('./diagnostics');
const { GRANTED, EXPIRED, TIMED_OUT } = require('./delivery');
const { spin } = require('./spin');
const { LockExpiredError } = require('./errors');
const { ThinKeys, ENGINE, THIN } = require('./thin');
const {
  READ,
  WRITE,
  WAITING,
  HOLDING,
  ENDED_BEFORE_GRANT,
  EXPIRED_BEFORE_GRANT,
  ENDED,
} = require('./request');

/** Above this many places an emptied list of requests gives its memory back. */
const KEEP_PLACES = 1024;

/** @typedef {import('./delivery').Event} Event */
/** @typedef {import('./thin').ThinKey} ThinKey */
/** @typedef {import('./request').Request} Request */

/** Closes the engine's side of a space that the program has dropped. */
const dropped = new FinalizationRegistry(closeNumber);

/** @param {number} number of a space that nothing will be asked of any more */
function closeNumber(number) {
  awake.delete(number);
  port.close(number);
}

/**
 * The keys of one lock object: private, or those of a named space.
 *
 * Invariant: `requests[tag]` is the request with that tag, until it is ENDED; `freeTags` are the other
 * places; `waiting` counts those that wait; the port keeps the space awake while a wake-up may be about it.
 */
class Space {
  /**
   * @param {string | undefined} name undefined for a private space
   * @param {number} [number] the port's own number of this space, if it has been opened
   */
  constructor(name, number = port.open(name)) {
    this.number = number;
    this.name = name;
    /** @type {(Request | null)[]} */
    this.requests = [];
    /** @type {number[]} */
    this.freeTags = [];
    this.waiting = 0;
    /** Whether a request here has ever had an expiry or a time limit. */
    this.timed = false;
    /** @type {import('./events').Awake | null} its entry, once it has been awake */
    this.awake = null;
    this.closing = false;
    /**
     * The keys of which something is still to be told. Belongs to `delivery.js`.
     *
     * @type {Map<string, import('./delivery').Backlog>}
     */
    this.backlogs = new Map();
    this.keys = new ThinKeys(name === undefined && THIN);
    dropped.register(this, this.number, this);
  }

  /**
   * Asks for the request's key.
   *
   * @param {Request} request
   * @param {number} patience milliseconds, 0 or Infinity
   * @returns {number} 1 if it was granted, 0 if it waits, -1 if it was not willing to; others may have to be
   *   told first: see `takeEvents`
   */
  ask(request, patience) {
    if (diagnostics.enabled()) diagnostics.asked(request);
    const key = this.keys.find(request.key);
    request.at = key;
    // While something is still to be told, only the engine knows the order.
    if (this.backlogs.size !== 0 || !key.grant(request)) {
      return this.askEngine(key, request, patience);
    }
    request.state = HOLDING;
    request.fence = port.nextFence();
    request.since = now();
    if (request.times !== null) diagnostics.granted(request);
    return 1;
  }

  /**
   * @param {ThinKey} key
   * @param {Request} request
   * @param {number} patience
   */
  askEngine(key, request, patience) {
    if (key.state !== ENGINE) this.inflate(key);
    this.enterEngine(key, request);
    const done = port.request(request, key, patience);
    if (done === 1) {
      request.state = HOLDING;
      if (request.times !== null) diagnostics.granted(request);
    } else if (done === 0) {
      this.waiting++;
      if (this.name !== undefined && !this.answersLater) spin();
      if (request.times !== null) diagnostics.waits(request);
    } else {
      this.forget(request);
    }
    this.timed ||= request.expiry > 0 || patience !== Infinity;
    this.keepAwake();
    return done;
  }

  /** @param {ThinKey} key */
  inflate(key) {
    const adopt = (/** @type {Request} */ holder) => {
      this.enterEngine(key, holder);
      port.adopt(holder, key);
      this.timed ||= holder.expiry > 0;
    };
    key.inflate(adopt);
  }

  /**
   * Gives a request a tag, by which the engine's events name it.
   *
   * @param {ThinKey} key
   * @param {Request} request
   */
  enterEngine(key, request) {
    request.tag = this.freeTags.pop() ?? this.requests.length;
    this.requests[request.tag] = request;
    key.enterEngine();
  }

  /**
   * `takeEvents`, where nearly always one grant is all there is to tell.
   *
   * @param {string} key of the last call
   * @returns {Request | null} whom it granted that key, if so; else there may be other events
   */
  takeGrant(key) {
    const request = takeGrant(this, key);
    if (request === null) return null;
    this.waiting--;
    request.state = HOLDING;
    if (request.times !== null) diagnostics.granted(request);
    this.keepAwake();
    diagnostics.publish();
    return request;
  }

  /**
   * To be called after each of the other calls about a key.
   *
   * @param {string} key
   * @returns {Event[] | null} what others have to be told, in order, before the caller goes on
   */
  takeEvents(key) {
    const events = takeEvents(this, key);
    diagnostics.publish();
    return events;
  }

  /**
   * Ends a request's hold.
   *
   * @param {Request} request
   * @param {boolean} [unused] whether its holder never learned of it
   * @returns {boolean} false if it had ended before
   */
  release(request, unused = false) {
    // It has ended, though its owner may not have been told yet, and the space may be closed.
    if (request.state === ENDED) return false;
    const key = /** @type {ThinKey} */ (request.at);
    if (key.state !== ENGINE) {
      request.state = ENDED;
      key.release(request);
    } else {
      const released = unused ? port.giveBack(request) : port.release(request);
      if (released === 0) return false;
      if (request.state === WAITING) request.state = ENDED_BEFORE_GRANT;
      else this.forget(request);
      if (released === 2) key.deflate();
      this.keepAwake();
    }
    if (request.times !== null && !unused) diagnostics.released(request);
    return true;
  }

  /**
   * Takes a request out of its queue.
   *
   * @param {Request} request
   * @returns {boolean} false if it does not wait any more
   */
  cancel(request) {
    if (request.state === ENDED || !port.cancel(request)) return false;
    this.waiting--;
    this.forget(request);
    this.keepAwake();
    return true;
  }

  /**
   * Makes a write hold a read hold.
   *
   * @param {Request} request
   * @returns {boolean} false if it had ended before
   */
  downgrade(request) {
    if (request.state === ENDED) return false;
    const key = /** @type {ThinKey} */ (request.at);
    if (key.state === ENGINE) {
      if (!port.downgrade(request)) return false;
    } else if (request.mode === WRITE) {
      key.downgrade();
    }
    request.mode = READ;
    return true;
  }

  /** Whether a release and a downgrade are answered later. */
  get answersLater() {
    return false;
  }

  /**
   * @param {Request} _request
   * @returns {Promise<void> | undefined} the answer to its last release or downgrade, if one is owed
   */
  answerTo(_request) {
    return undefined;
  }

  /**
   * @param {Request} request whose hold was taken away, though it has not been told yet
   * @returns {import('./errors').LockError} why
   */
  lossOf(request) {
    return new LockExpiredError(request.key);
  }

  /**
   * @param {Error} _error
   * @returns {Promise<void> | undefined} the answer to the release of a hold that is gone, if there are answers
   */
  refusal(_error) {
    return undefined;
  }

  /**
   * Throws, at the call.
   *
   * @param {Error} error
   * @returns {unknown}
   */
  refuse(error) {
    throw error;
  }

  /**
   * The engine is asked, and so it has to know of all holds.
   *
   * @param {(reports: import('./port').KeyReport[], now: number) => unknown} read what to make of the answer; `now`
   *   is the date at which its ages were true
   * @returns {unknown}
   */
  query(read) {
    for (const key of this.keys.all()) {
      if (key.last !== null) this.inflate(key);
    }
    // Not before all holds have been handed over, which takes a while where there are many.
    const date = Date.now();
    return read(port.query(this.number), date);
  }

  /** Ends the use of the space, as soon as no hold of this object is left. */
  close() {
    this.closing = true;
    this.closeIfIdle();
  }

  /**
   * The engine has granted a request.
   *
   * @param {Request} request
   * @param {Event[]} events what has to be told
   */
  granted(request, events) {
    this.waiting--;
    if (request.state === WAITING) {
      request.state = HOLDING;
      if (request.times !== null) diagnostics.granted(request);
      events.push({ request, kind: GRANTED });
    } else {
      if (request.state === EXPIRED_BEFORE_GRANT) {
        events.push({ request, kind: GRANTED }, { request, kind: EXPIRED });
      }
      this.forget(request);
    }
    this.keepAwake();
  }

  /**
   * The engine has taken a hold away.
   *
   * @param {Request} request
   * @param {Event[]} events what has to be told
   */
  expired(request, events) {
    if (request.times !== null) diagnostics.expired(request);
    if (request.state === WAITING) {
      request.state = EXPIRED_BEFORE_GRANT;
      return;
    }
    this.forget(request);
    this.keepAwake();
    events.push({ request, kind: EXPIRED });
  }

  /**
   * The engine has taken a request out of its queue, because it waited long enough.
   *
   * @param {Request} request
   * @param {Event[]} events what has to be told
   */
  timedOut(request, events) {
    this.waiting--;
    this.forget(request);
    this.keepAwake();
    events.push({ request, kind: TIMED_OUT });
  }

  /** @param {Request} request */
  forget(request) {
    request.state = ENDED;
    this.requests[request.tag] = null;
    this.freeTags.push(request.tag);
    /** @type {ThinKey} */ (request.at).leaveEngine();
    if (this.freeTags.length < this.requests.length) return;
    if (this.requests.length > KEEP_PLACES) {
      this.requests = [];
      this.freeTags = [];
    }
    if (this.closing) this.closeIfIdle();
  }

  closeIfIdle() {
    if (this.freeTags.length < this.requests.length) return;
    dropped.unregister(this);
    closeNumber(this.number);
  }

  keepAwake() {
    // In a private space without expiries and limits, those who wait are called by those who hold, and so
    // live and die with them.
    const isAwake =
      this.name === undefined ? this.waiting > 0 && this.timed : this.freeTags.length < this.requests.length;
    if (this.awake === null) {
      if (!isAwake) return;
      this.awake = { space: null };
      awake.set(this.number, this.awake);
    }
    this.awake.space = isAwake ? this : null;
  }
}

module.exports = { Space };
