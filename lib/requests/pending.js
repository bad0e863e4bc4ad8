'use strict';
// The requests of one lock object that wait, in the order in which they began to.

/** @typedef {import('./promise-request').PromiseRequest} Request */

/** Invariant: `first` to `last` are linked by `next`, and back by `previous`; `size` counts them. */
class Pending {
  constructor() {
    /** @type {Request | null} */
    this.first = null;
    /** @type {Request | null} */
    this.last = null;
    this.size = 0;
    /** Whether the lock object was closed: then all that wait are about to be refused. */
    this.closed = false;
  }

  /** @param {Request} request one that waits, and so is in no other list */
  add(request) {
    request.previous = this.last;
    if (this.last === null) this.first = request;
    else this.last.next = request;
    this.last = request;
    this.size++;
  }

  /** @param {Request} request one that is here */
  delete(request) {
    const { previous, next } = request;
    if (previous === null) this.first = next;
    else previous.next = next;
    if (next === null) this.last = previous;
    else next.previous = previous;
    request.previous = null;
    request.next = null;
    this.size--;
  }
}

module.exports = { Pending };
