'use strict';
// One request of the promise API: it settles once, as a Hold or as an error.

const { Hold, abort } = require('./hold');
const {
  LockClosedError,
  LockQueueFullError,
  LockTimeoutError,
  StoreStartingError,
  lossName,
  reportLater,
} = require('../errors');
const { Request } = require('../events/request');
const { failed, obtained } = require('../events/diagnostics');
const { marksOf } = require('../events/snapshot');
const { framesOf } = require('../trace');
const { hasAborted, offAbort, reasonOf } = require('./abort');
const { HOLDING, ANSWERED } = require('../events/life');

/** What a request comes to, where it is no hold. */
class Failure {
  /**
   * @param {unknown} error
   * @param {boolean} [isAbort] whether its signal has ended it
   */
  constructor(error, isAbort = false) {
    this.error = error;
    this.isAbort = isAbort;
  }
}

/** Or that it has its hold. The `Hold` itself is made when somebody is about to see it. */
const HELD = Symbol('held');

/** @typedef {typeof HELD | Failure} Outcome */

class PromiseRequest extends Request {
  /**
   * @param {import('../spaces/space').Space} space
   * @param {string} key
   * @param {number} mode
   * @param {import('../apis/promises').Wish} wish
   * @param {number | null} maxPending how many may wait, if that is why it may not
   */
  constructor(space, key, mode, wish, maxPending) {
    super(space, key, mode, wish.expiry);
    this.wish = wish;
    this.maxPending = maxPending;
    /**
     * What the program has got, or will get when it asks: the call itself may still be at work.
     *
     * @type {Outcome | null}
     */
    this.outcome = null;
    /** @type {Hold | null} once it is to be seen: its own, or that of all its group */
    this.hold = null;
    /** @type {(() => void) | null} called once there is an outcome */
    this.settled = null;
    /** @type {import('./pending').Pending | null} where it stands while it waits */
    this.pending = null;
  }

  get label() {
    return this.wish.label;
  }

  get trace() {
    const { trace } = this.wish;
    return trace === undefined ? super.trace : framesOf(trace);
  }

  /** What has become of its hold. */
  get holdState() {
    return this.loss === null ? (this.state === HOLDING ? 'held' : 'released') : lossName(this.loss);
  }

  get isReported() {
    return true;
  }

  get isTry() {
    return this.wish.isTry || this.maxPending !== null;
  }

  /** @returns {Promise<void> | undefined} a promise where a store answers */
  release() {
    const grant = this.space.release(this);
    this.settle(grant, null, ANSWERED);
    return this.space.answerTo(this);
  }

  /** @returns {Promise<void> | undefined} a promise where a store answers */
  downgrade() {
    const grant = this.space.downgrade(this);
    this.settle(grant, null, ANSWERED);
    return this.space.answerTo(this);
  }

  /** How long nobody can take its hold away, in milliseconds. */
  remaining() {
    return this.space.remaining(this);
  }

  /** Why its hold was taken away, by all that can be known now; null if it was not. */
  findLoss() {
    this.remaining();
    return this.loss;
  }

  /** Ends a hold that no program has seen. */
  giveBack() {
    const holds = this.state === HOLDING;
    const grant = this.space.release(this, true);
    // Unless it had been taken away before.
    if (holds && this.times !== null && this.loss === null) failed(this, 'refuse', null);
    this.settle(grant, null, ANSWERED);
  }

  /**
   * Stops waiting, for a reason that its caller gets.
   *
   * @param {unknown} error
   * @param {boolean} [isAbort] whether its signal has ended it
   */
  abandon(error, isAbort) {
    if (this.outcome !== null) return;
    const grant = this.space.abandon(this);
    this.finish(new Failure(error, isAbort));
    this.settle(grant, null, ANSWERED);
  }

  /**
   * The same, while the call that asks is still at work: even if it has its hold, no program has seen that.
   *
   * @param {unknown} error
   */
  revoke(error) {
    if (this.outcome !== HELD) return this.abandon(error);
    this.giveBack();
    this.outcome = new Failure(error);
  }

  /**
   * Delivers what a call has caused. No call of this API throws what others' callbacks throw.
   *
   * @param {import('../events/request').Request | null} grant
   * @param {import('../events/request').Request | null} own
   * @param {number} kind
   */
  settle(grant, own, kind) {
    const key = /** @type {import('../spaces/thin').ThinKey} */ (this.keyObject);
    // Nearly always there is nothing.
    if (grant === null && own === null && this.times === null && key.firstEvent === null) return;
    try {
      this.space.settle(key, grant, own, kind);
    } catch (error) {
      reportLater(error);
    }
  }

  onGranted() {
    // It was abandoned after it had been granted.
    if (this.outcome !== null) return;
    // Let in by another request that the same signal or `close()` made leave.
    const { signal } = this.wish;
    if (signal !== undefined && hasAborted(signal)) this.abandon(reasonOf(signal), true);
    else if (this.pending?.closed) this.abandon(this.closedError());
    else this.finish(HELD);
  }

  /** Its hold, once it is granted. */
  toHold() {
    this.hold ??= new Hold(this);
    return this.hold;
  }

  onLost() {
    if (this.hold !== null) abort(this.hold);
  }

  /** @param {Error} error */
  onFailed(error) {
    // Who waits is not refused for that: it has waited too long, or too many do.
    const isWhy = error instanceof StoreStartingError && !this.wish.isTry;
    this.finish(new Failure(isWhy ? this.refusal(null, error) : error));
  }

  /** @param {import('../events/snapshot').Blockers | null} blockers */
  onTimedOut(blockers) {
    this.finish(new Failure(this.refusal(blockers)));
  }

  /**
   * Why it was not granted, and waits no longer.
   *
   * @param {import('../events/snapshot').Blockers | null} blockers who kept it waiting, if that is known
   * @param {import('../errors').StoreStartingError | null} [starting] what kept everybody waiting, if that is why
   */
  refusal(blockers, starting = null) {
    const { key, maxPending } = this;
    const error =
      maxPending === null
        ? new LockTimeoutError(key, this.wish.timeout, blockers, starting)
        : new LockQueueFullError(key, maxPending);
    return Object.assign(error, marksOf(this));
  }

  /** Why it was not granted, if the lock object was closed. */
  closedError() {
    return Object.assign(new LockClosedError(this.key), marksOf(this));
  }

  /**
   * The first outcome is the one.
   *
   * @param {Outcome} outcome
   */
  finish(outcome) {
    if (this.outcome !== null) return;
    this.outcome = outcome;
    if (this.times !== null) this.report(outcome);
    if (this.pending !== null) {
      this.pending.delete(this);
      this.pending = null;
      if (this.wish.signal !== undefined) offAbort(this.wish.signal, this);
    }
    this.settled?.();
  }

  /**
   * Says its outcome on the diagnostics channels.
   *
   * @param {Outcome} outcome
   */
  report(outcome) {
    if (!(outcome instanceof Failure)) return obtained(this);
    const { error, isAbort } = outcome;
    const isLate = error instanceof LockTimeoutError;
    if (isAbort) failed(this, 'abort', null);
    else if (isLate && !this.wish.isTry) failed(this, 'timeout', null);
    else failed(this, 'refuse', isLate ? null : (/** @type {any} */ (error)?.code ?? null));
  }

  /** @param {(outcome?: any) => void} settled called once there is an outcome */
  whenSettled(settled) {
    this.settled = settled;
    // A hook of the program's that is called for each promise may have let it in.
    if (this.outcome !== null) settled();
  }
}

module.exports = { PromiseRequest, Failure, HELD };
