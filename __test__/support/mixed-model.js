'use strict';
// What a program must never see of its locks, checked event by event as it sees them: a judge, not a second lock.
//
// Of each key of each space it keeps who has asked and has not ended, in the order of asking, and what each one knows. It
// grants nothing. It looks at each grant, loss, release and rejection that the program is notified of, and complains where a
// promise of the design is broken for certain. What it cannot know it lets pass:
// - a promise is seen some microtasks after it was settled, so that an unseen one may have been granted;
// - a hold that is older than its expiry may be gone; whether it is, its release callback or its signal says;
// - when a request of several keys asks for the second one, and which of its keys it has lost, nobody can see.

const { ASKED, HOLDS, FINISHING, ENDED, ...certain } = require('./mixed-request');
const { isUncertain, isOfOneKey, isLeaving, conflict, mayBeOverdue, isNotified, mayReject } = certain;

/** @typedef {import('./mixed-request').Request} Request */

/** More microtasks than lie between the settling of a promise and whoever sees it. */
const HOPS = 10;

class Model {
  #keys = new Map();
  #complain;
  #asked = 0;
  #turn = 0;
  /** Who was released, and has a release callback that was not called yet. @type {Set<Request>} */
  #owed = new Set();

  /** @param {(kind: string, request: Request, text: string) => void} complain */
  constructor(complain) {
    this.#complain = complain;
  }

  asked(request) {
    const keys = this.#keysOf(request);
    Object.assign(request, {
      state: ASKED,
      isAsking: true,
      order: this.#asked++,
      askedAt: performance.now(),
    });
    request.wasFree = keys.every(({ open }) => open.size === 0);
    if (request.object.closed) request.doom = 'closed';
    else if (request.signal?.aborted) request.doom = 'aborted';
    for (const key of keys) {
      key.open.add(request);
      if (!request.hasListener || !isOfOneKey(request)) key.silent++;
    }
  }

  /** Its callback or function was called, or its promise was seen fulfilled with a hold. */
  granted(request, hold = null) {
    if (request.state !== ASKED) this.#complain('granted twice', request, 'granted, having ended or twice');
    if (request.doom) this.#complain(`${request.doom} but granted`, request, 'granted, being doomed');
    Object.assign(request, { state: HOLDS, hold });
    for (const key of this.#keysOf(request)) {
      this.#checkExclusion(key, request);
      if (isOfOneKey(request)) this.#checkOrder(key, request);
    }
  }

  #checkExclusion({ open }, request) {
    for (const other of open) {
      if (other === request || other.state !== HOLDS || !conflict(other, request)) continue;
      if (!other.hasListener && mayBeOverdue(other)) continue;
      // It may be a hold that the program sees only now, when the next ones have been and gone.
      if (isNotified(other) || isNotified(request)) continue;
      this.#complain('exclusion', request, `granted while #${other.number} holds and was not notified`);
    }
  }

  #checkOrder(key, request) {
    for (const earlier of key.open) {
      if (earlier.order >= request.order || earlier.state !== ASKED || isUncertain(earlier)) continue;
      if (earlier.api === 'callback') this.#complain('order', request, `granted before #${earlier.number}`);
      else this.#mustBeSeen(earlier, request);
    }
    if (request.hold === null) return;
    const { fence } = request.hold;
    for (const { number, order, hold } of key.fenced) {
      if (order < request.order === hold.fence < fence) continue;
      this.#complain('order', request, `fence ${fence}, but #${number} has ${hold.fence}`);
    }
    key.fenced.push(request);
  }

  /** Whoever asked before one that was granted has been granted too, or has left; its promise will say so at once. */
  async #mustBeSeen(earlier, later) {
    if (earlier.isAwaited) return;
    earlier.isAwaited = true;
    for (let i = 0; i < HOPS; i++) await Promise.resolve();
    earlier.isAwaited = false;
    if (earlier.state !== ASKED || earlier.signal?.aborted || earlier.object.closed) return;
    this.#complain('order', later, `granted before #${earlier.number}`);
  }

  /** Its release callback was called. */
  notified(request, args, mayBeLate) {
    const [error] = args;
    const isLoss = error?.code === 'ERR_LOCK_EXPIRED';
    if (request.wasNotified) this.#complain('notified twice', request, 'release callback called twice');
    request.wasNotified = true;
    this.#owed.delete(request);
    if (request.state === ASKED)
      this.#complain('notified before obtained', request, 'ended, never having been granted');
    if (isLoss && !request.ids[0].endsWith(`|${error.key}`))
      this.#complain('wrong arguments', request, `notified of the loss of ${error.key}`);
    if (isLoss) this.lost(request);
    else if (request.args === undefined)
      this.#complain('notified unasked', request, 'notified of a release that was none');
    else if (String(args) !== String(request.args))
      this.#complain('wrong arguments', request, `released with ${request.args}, called back with ${args}`);
    else if (!mayBeLate) this.#checkLate(request.ids[0], request);
  }

  /** It was notified that its hold was taken away: by its release callback, or by a listener of its hold's signal. */
  lost(request) {
    if (!mayBeOverdue(request)) this.#complain('expired early', request, 'taken away before its expiry');
    this.#byClock(request);
    if (request.api === 'promise') return;
    for (const key of this.#keysOf(request)) key.losses++;
    this.#end(request);
  }

  /** Nobody listens to its signal, which says that the clock has ended it. */
  #foundLost(request) {
    if (request.wasFoundLost) return;
    request.wasFoundLost = true;
    this.#byClock(request);
  }

  /** The clock may have ended a hold, and have let others in: they are called from the event loop. */
  #byClock(request) {
    for (const key of this.#keysOf(request)) key.clocked = this.#turn;
  }

  /** The program is about to release it. */
  releasing(request, args) {
    if (request.state === ENDED) return;
    request.args = args;
    if (request.hasReleaseCallback) this.#owed.add(request);
    if (mayBeOverdue(request)) this.#byClock(request);
    // Of several keys, one is released after the other.
    if (isOfOneKey(request)) this.#end(request);
    else request.state = FINISHING;
  }

  /** The call that released it has returned. */
  released(request, mayBeLate) {
    this.#end(request);
    if (mayBeLate) return;
    const isOwed = request.hasReleaseCallback && !request.wasNotified && !mayBeOverdue(request);
    if (isOwed) this.#complain('late release', request, 'released, and its release callback was not called');
    for (const id of request.ids) this.#checkLate(id, request);
  }

  /** The call that asked has returned. */
  returned(request, { isDeep, mayBeLate }) {
    request.isAsking = false;
    if (request.state !== ASKED || isDeep) return;
    const atOnce =
      request.api === 'callback' || (request.hasFn && isOfOneKey(request) && !isLeaving(request));
    if (request.wasFree && atOnce)
      this.#complain('late grant', request, 'a free key was not granted at once');
    else if (!mayBeLate) for (const id of request.ids) this.#checkLate(id, request);
  }

  /** A try answered null. */
  refused(request, isDeep) {
    // Several keys are tried one after the other: what messages are heard meanwhile may ask for the others.
    const isAlone = isOfOneKey(request) || this.#asked === request.order + 1;
    if (request.wasFree && isAlone && !isDeep)
      this.#complain('free but refused', request, 'null, though nobody has the key');
    this.#end(request);
  }

  downgrading(request) {
    if (mayBeOverdue(request)) this.#byClock(request);
    request.mode = 'read';
    // Of several keys, one is downgraded after the other.
    request.isChanging = !isOfOneKey(request);
  }

  /** The call that downgraded it has returned. */
  downgraded(request, mayBeLate) {
    request.isChanging = false;
    if (!mayBeLate) for (const id of request.ids) this.#checkLate(id, request);
  }

  /** Its function is about to return, throw or settle. */
  finishing(request, result) {
    request.result = result;
    request.wasLost = isOfOneKey(request) && isNotified(request);
    if (request.state === HOLDS) request.state = FINISHING;
  }

  /** The promise of a call with a function was seen fulfilled. */
  fulfilled(request, value) {
    if (request.state === ASKED)
      this.#complain('never ran', request, 'fulfilled without having run its function');
    else if (value !== request.result) this.#complain('wrong result', request, `fulfilled with ${value}`);
    else if (request.wasLost) this.#complain('lost but fulfilled', request, 'fulfilled, its hold being lost');
    this.#end(request);
  }

  /** @returns {boolean} whether it may be rejected with this error, which is not its function's own */
  rejected(request, error) {
    const may = mayReject(request, error);
    // It may have been granted and have expired before it left.
    for (const key of this.#keysOf(request)) key.silent++;
    this.#end(request);
    return may;
  }

  /** The program is about to abort a signal or to close an object: whoever certainly waits now is never granted. */
  leaving(concerns, doom) {
    for (const request of this.#open()) {
      if (concerns(request) && request.api === 'promise' && this.#certainlyWaits(request))
        request.doom ??= doom;
    }
  }

  /** Whoever asked later than it may hold the key because it was granted and has lost it, which nobody has seen yet. */
  #certainlyWaits(request) {
    const blocks = (other) =>
      other.state === HOLDS &&
      other.order < request.order &&
      isOfOneKey(other) &&
      !mayBeOverdue(other) &&
      conflict(other, request);
    return request.state === ASKED && this.#keysOf(request).some(({ open }) => [...open].some(blocks));
  }

  /** The event loop has turned, and so all microtasks have run: who left has been notified. */
  turned() {
    this.#turn++;
    for (const request of this.#open()) {
      if (request.api === 'callback' || request.state !== ASKED || !isLeaving(request)) continue;
      request.leftAt ??= this.#turn;
      if (request.leftAt !== this.#turn - 1) continue;
      const how = request.object.closed ? 'closed' : 'aborted';
      this.#complain(`${how} but waiting`, request, 'still waits a turn of the event loop later');
    }
  }

  /** After the outermost call on these keys: whoever can have a key has been called. */
  checkLate(ids) {
    for (const id of ids) this.#checkLate(id, { number: '-', ids: [id] });
  }

  #checkLate(id, request) {
    const key = this.key(id);
    // A look at a signal may find that the clock has ended the hold, and then calls its listeners. So all are looked at before
    // anything is decided.
    const notified = new Set([...key.open].filter((other) => other.state !== ASKED && isNotified(other)));
    for (const other of notified) this.#foundLost(other);
    if (this.#turn - key.clocked < 2) return;
    const open = [...key.open];
    const first = open.find(({ state }) => state === ASKED);
    // One whose call is at work is granted at its end.
    if (first?.api !== 'callback' || first.isAsking) return;
    // Others may have been granted, and have not been seen yet.
    if (open.some((other) => other.state === ASKED && isUncertain(other))) return;
    const blocks = (other) =>
      other.state !== ASKED &&
      (other.isChanging || conflict(other, first)) &&
      !(isOfOneKey(other) && notified.has(other));
    if (!open.some(blocks))
      this.#complain('late grant', request, `#${first.number} can have the key, and waits`);
  }

  /** Nothing can come any more: all have been granted and have ended, or have failed. */
  ended() {
    for (const request of this.#owed)
      this.#complain('never notified', request, 'released, and its release callback was never called');
    for (const request of this.#open()) {
      const kind = request.state === ASKED ? 'never served' : 'never settled';
      this.#complain(kind, request, `left ${request.state} in the end`);
    }
  }

  /** How many there are that have not ended. */
  get size() {
    return this.#open().size;
  }

  /** How many certainly hold a key. */
  holders(id) {
    return [...this.key(id).open].filter((other) => other.state === HOLDS && !mayBeOverdue(other)).length;
  }

  #end(request) {
    if (request.state === FINISHING && mayBeOverdue(request)) this.#byClock(request);
    request.state = ENDED;
    for (const { open } of this.#keysOf(request)) open.delete(request);
  }

  #open() {
    return new Set([...this.#keys.values()].flatMap(({ open }) => [...open]));
  }

  #keysOf({ ids }) {
    return ids.map((id) => this.key(id));
  }

  /** What is known of a key: for the diagnostics' model too. */
  key(id) {
    let key = this.#keys.get(id);
    if (key === undefined) {
      key = { open: new Set(), fenced: [], losses: 0, silent: 0, clocked: -2 };
      this.#keys.set(id, key);
    }
    return key;
  }
}

module.exports = { Model };
