'use strict';
// One request of the promise face: it settles once, as a Hold or as an error.

const { Hold, lose } = require('./hold');
const { LockExpiredError, LockLostError, LockQueueFullError, LockTimeoutError } = require('./errors');
const { Request } = require('./request');
const { deliver, deliverNews } = require('./delivery');

/** @typedef {{ hold: Hold } | { hold: null, error: unknown }} Outcome */

class PromiseRequest extends Request {
  /**
   * @param {import('./space').Space} space
   * @param {string} key
   * @param {number} mode
   * @param {import('./promises').Wish} wish
   * @param {number | null} maxPending how many may wait, if that is why it may not
   */
  constructor(space, key, mode, wish, maxPending) {
    super(space, key, mode, wish.expiry);
    this.wish = wish;
    this.maxPending = maxPending;
    /** @type {Hold | null} */
    this.hold = null;
    /** @type {Outcome | null} */
    this.outcome = null;
    /** @type {((outcome: Outcome) => void) | null} called with the outcome, once somebody waits for it */
    this.settle = null;
  }

  onGranted() {
    // Abandoned meanwhile: its hold has been ended.
    if (this.outcome !== null) return;
    // Let in by another request that the same signal made leave.
    if (this.wish.signal?.aborted) this.abandon(this.wish.signal.reason);
    else this.finish({ hold: this.toHold() });
  }

  /** Makes the hold, once it is granted. */
  toHold() {
    this.hold = new Hold(this);
    return this.hold;
  }

  onExpired() {
    if (this.hold !== null) lose(this.hold, new LockExpiredError(this.key));
  }

  onLost() {
    if (this.hold !== null) lose(this.hold, new LockLostError(this.key));
  }

  /** @param {Error} error */
  onFailed(error) {
    this.finish({ hold: null, error });
  }

  onTimedOut() {
    this.finish({ hold: null, error: this.refusal() });
  }

  /** Tells others what the last call about its key has done to them. */
  tellNews() {
    deliverNews(this.space, this.key);
  }

  /** Why it was not granted, and waits no longer. */
  refusal() {
    const { key, maxPending } = this;
    return maxPending === null
      ? new LockTimeoutError(key, this.wish.timeout)
      : new LockQueueFullError(key, maxPending);
  }

  /**
   * Stops waiting, for a reason that its caller gets.
   *
   * @param {unknown} error
   */
  abandon(error) {
    // Let in while another one's leaving was told: its hold is its caller's.
    if (this.outcome !== null) return;
    const { space } = this;
    // If it waits no longer, the news of that is on its way, and a hold that it brings is ended here.
    if (!space.cancel(this)) space.release(this, true);
    const events = space.takeEvents(this.key);
    this.finish({ hold: null, error });
    if (events !== null) deliver(events);
  }

  /**
   * The first outcome is the one. It may come before anybody waits for it: the very call that asks may read
   * that another thread has let it in.
   *
   * @param {Outcome} outcome
   */
  finish(outcome) {
    if (this.outcome !== null) return;
    this.outcome = outcome;
    this.settle?.(outcome);
  }
}

module.exports = { PromiseRequest };
