'use strict';
// The keys of a lock object without a name, which nobody else uses: what needs nobody's waiting is decided here, and what
// surely waits is posted to the engine, without a call.

const { threadId } = require('node:worker_threads');
const { reportAtExit } = require('./abandoned');
const { now } = require('../clock');
const { MOST_HOLDERS } = require('../errors');
const diagnostics = require('../events/diagnostics');
const { Keys } = require('./keys');
const { at } = require('../addon/layout');
const { WAITING, HOLDING, ENDED } = require('../events/life');
const port = require('../addon/port');
const { READ, WRITE } = require('../events/request');
const { Space } = require('./space');
const { marksOf, toBlockers } = require('../events/snapshot');
const { needRoom } = require('../addon/stack');
const { WRITTEN, ENGINE } = require('./thin');

/** @typedef {import('./thin').ThinKey} ThinKey */
/** @typedef {import('../events/request').Request} Request */

/** More than a key can have requests. */
const MOST = 2 ** 32 - 1;

class PrivateSpace extends Space {
  constructor() {
    super(port.open(undefined), undefined, new Keys(true));
    this.waiting = 0;
    /** Whether a request here has ever had an expiry or a time limit. */
    this.timed = false;
    reportAtExit(this);
  }

  /**
   * Ends the hold of one that is only counted.
   *
   * @param {ThinKey} key
   * @returns {Request | null} who was let in, for the caller to `settle`
   */
  give(key) {
    if (key.state !== ENGINE) {
      key.give();
      return null;
    }
    const done = port.endCounted(this.number, key);
    key.holders--;
    if (done === at.doneLast) key.deflate();
    return this.readGrant(key);
  }

  /**
   * @param {ThinKey} key
   * @param {Request} request
   * @param {number} patience
   */
  askEngine(key, request, patience) {
    this.timed ||= request.expiry > 0 || patience !== Infinity;
    if (key.admits(request.mode)) return this.grant(key, request);
    const waits = key.surelyWaits(request.mode);
    if (waits && patience === 0 && key.timed === 0) {
      request.state = ENDED;
      return null;
    }
    if (key.state !== ENGINE) this.inflate(key);
    if (request.isReported) request.since = now();
    return waits && patience === Infinity ? this.post(key, request) : super.askEngine(key, request, patience);
  }

  /**
   * @param {ThinKey} key
   * @param {Request} request one that it admits
   */
  grant(key, request) {
    if (key.firstEvent !== null) needRoom();
    request.fence = port.nextFence();
    if (request.isReported || request.expiry > 0) request.since = now();
    if (request.times !== null) diagnostics.granted(request);
    key.grant(request);
    return request;
  }

  /**
   * Posts a request that waits.
   *
   * @param {ThinKey} key
   * @param {Request} request
   * @returns {null}
   */
  post(key, request) {
    const { mode, expiry } = request;
    const tag = this.free > 0 ? this.freeTags[this.free - 1] : this.requests.length;
    port.post(at.postedRequest, this.number, key, tag, mode, expiry, 0);
    // Nothing is called from here on until the request waits, so that nothing can throw. (Nor does it keep the space awake: a
    // hold that is timed is granted by a call.)
    if (this.free > 0) this.free--;
    this.requests[tag] = request;
    request.tag = tag;
    key.waiting++;
    this.waiting++;
    request.state = WAITING;
    if (request.times !== null) diagnostics.waits(request);
    return null;
  }

  /**
   * Hands a key's holders over to the engine.
   *
   * @param {ThinKey} key
   */
  inflate(key) {
    if (key.last !== null) needRoom();
    if (key.slot === -1) key.slot = this.keys.newSlot();
    const { counted } = key;
    const mode = key.state === WRITTEN ? WRITE : READ;
    if (counted > 0) port.post(at.postedCount, this.number, key, counted, mode, 0, 0);
    // Nothing is called from here on, so that nothing can throw; or there is room.
    key.holders = counted;
    key.counted = 0;
    key.mode = mode;
    key.state = ENGINE;
    if (key.last !== null) this.handOver(key);
  }

  /** @param {ThinKey} key one whose holders are listed */
  handOver(key) {
    let holder = key.last;
    key.last = null;
    while (holder !== null && holder.previous !== null) holder = holder.previous;
    for (let next; holder !== null; holder = next) {
      next = holder.next;
      holder.previous = null;
      holder.next = null;
      key.holders++;
      this.enterEngine(key, holder);
      const { tag, mode, expiry, since } = holder;
      port.post(at.postedHold, this.number, key, tag, mode, expiry, expiry > 0 ? now() - since : 0);
    }
  }

  /** @returns {'thread'} */
  get scope() {
    return 'thread';
  }

  /** Nobody else is waited for. */
  lookForEvents() {}

  /**
   * Its expiry takes nothing away before this thread's event loop comes to it: whatever was taken away is known.
   *
   * @param {Request} request
   */
  remaining({ state, expiry, since }) {
    if (state !== HOLDING) return 0;
    return expiry === 0 ? Infinity : Math.max(since + expiry - now(), 0);
  }

  /**
   * @param {ThinKey} key
   * @param {number} change 1 or -1
   */
  countWaiting(key, change) {
    key.waiting += change;
    this.waiting += change;
    if (this.timed) this.keepAwake(this.waiting > 0);
  }

  /**
   * Nobody else uses the space: so this thread has all its requests.
   *
   * @param {import('../events/snapshot').Read} read
   * @param {string} [name] of the only key to look at
   */
  query(read, name) {
    const all = [...this.keys.some(name)].flatMap((key) => this.requestsOf(key, MOST));
    return read(describe(all), Date.now());
  }

  /**
   * @param {Request} request
   * @param {number | null} ahead
   */
  blockersOf(request, ahead) {
    const key = /** @type {ThinKey} */ (request.keyObject);
    const holders = this.requestsOf(key, MOST_HOLDERS).filter(({ state }) => state === HOLDING);
    return toBlockers(describe(holders), ahead ?? key.waiting);
  }

  /**
   * @param {ThinKey} key
   * @param {number} most
   * @returns {Request[]} the first ones of the key, so many at most: those that hold it, then those that wait
   */
  requestsOf(key, most) {
    if (key.state === ENGINE) {
      const tags = port.requestsOf(this.number, key, most);
      return tags.map((tag) => this.requests[tag]).filter(isThere);
    }
    const holders = [];
    for (let each = key.last; each !== null; each = each.previous) holders.push(each);
    return holders.toReversed().slice(0, most);
  }
}

/**
 * @param {Request | null} request
 * @returns {request is Request}
 */
function isThere(request) {
  return request !== null;
}

/**
 * @param {Request[]} requests
 * @returns {import('../addon/port').Report[]}
 */
function describe(requests) {
  const date = now();
  return requests.map((request) => {
    const { key, state, mode, since, fence, recovered } = request;
    return {
      ...{ key, held: state === HOLDING, write: mode === WRITE, age: date - since },
      ...{ thread: threadId, fence, recovered },
      ...marksOf(request),
    };
  });
}

module.exports = { PrivateSpace };
