'use strict';
// One request of the promise face: it settles once, as a Hold or as an error.

const { Hold, lose } = require('./hold');
const { LockTimeoutError } = require('./errors');
const { WAITING } = require('./space');
const { deliver } = require('./delivery');

class PromiseRequest {
  /**
   * @param {import('./space').Space} space
   * @param {string} key
   * @param {number} mode
   * @param {number} timeout milliseconds, or Infinity
   */
  constructor(space, key, mode, timeout) {
    this.space = space;
    this.key = key;
    this.mode = mode;
    this.tag = 0;
    this.index = 0;
    this.generation = 0;
    this.fence = 0;
    this.recovered = false;
    this.state = WAITING;
    /** @type {import('./diagnostics').Times | null} */
    this.times = null;
    this.timeout = timeout;
    /** @type {Hold | null} */
    this.hold = null;
    this.finished = false;
    /** @type {unknown} a Hold or an error, once it is finished */
    this.outcome = null;
    /** @type {((outcome: unknown) => void) | null} called with the outcome, once somebody waits for it */
    this.settle = null;
  }

  onGranted() {
    // Unless it was abandoned meanwhile: then its hold has been ended.
    if (!this.finished) this.finish(this.toHold());
  }

  /** Makes the hold, once it is granted. */
  toHold() {
    this.hold = new Hold(this);
    return this.hold;
  }

  onExpired() {
    if (this.hold !== null) lose(this.hold);
  }

  onTimedOut() {
    this.finish(new LockTimeoutError(this.key, this.timeout));
  }

  /**
   * Stops waiting, for a reason that its caller gets.
   *
   * @param {unknown} error
   */
  abandon(error) {
    const { space } = this;
    // If it waits no longer, the news of that is on its way, and a hold that it brings is ended here.
    if (!space.cancel(this)) space.release(this, true);
    const events = space.takeEvents(this.key);
    this.finish(error);
    if (events !== null) deliver(events);
  }

  /**
   * The first outcome is the one. It may come before anybody waits for it: the very call that asks may read
   * that another thread has let it in.
   *
   * @param {unknown} outcome
   */
  finish(outcome) {
    if (this.finished) return;
    this.finished = true;
    this.outcome = outcome;
    this.settle?.(outcome);
  }
}

module.exports = { PromiseRequest };
