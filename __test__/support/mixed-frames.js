'use strict';
// What is running: calls of the library, and callbacks that the library called, each inside the one before. So it can be said
// which call an error may come out of, and where somebody may be called a little later than at once.

/** So deep, deliveries may be deferred: well before the library's own limit, which counts otherwise. */
const DEEP = 40;

/** @typedef {{ api: 'callback' | 'promise' | null, request: any, asks?: boolean }} Frame `api` is null for a callback */

class Frames {
  /** @type {Frame[]} innermost last */
  #frames = [];
  /** Since the outermost began: whether it was deep, and the keys that calls were about. */
  isDeep = false;
  #touched = new Set();
  #returned;

  /** @param {(ids: Set<string>) => void} returned called when the outermost call has returned, with the keys it was about */
  constructor(returned) {
    this.#returned = returned;
  }

  get depth() {
    return this.#frames.length;
  }

  running() {
    return this.#frames;
  }

  /** The request whose asking call is running, innermost. */
  asking() {
    return this.#frames.findLast(({ asks }) => asks)?.request;
  }

  /** @returns {{ value?: any, error?: unknown, call: Frame }} what it returns or throws */
  call(call, run) {
    this.#enter(call);
    for (const id of call.request.ids) this.#touched.add(id);
    try {
      return { value: run(), call };
    } catch (error) {
      return { error, call };
    } finally {
      this.#frames.pop();
      if (this.depth === 0) this.#returned(this.#touched);
    }
  }

  /** @param {any} request null if it is unknown about which key it is called */
  callback(request, run) {
    this.#enter({ api: null, request });
    try {
      run();
    } finally {
      this.#frames.pop();
    }
  }

  #enter(frame) {
    if (this.depth === 0) {
      this.#touched = new Set();
      this.isDeep = false;
    }
    this.#frames.push(frame);
    if (this.depth > DEEP) this.isDeep = true;
  }

  /**
   * Whether events of these keys may be delivered later than at once: callbacks of theirs, or of unknown ones, are running, except
   * for so many innermost ones.
   */
  mayBeLate(ids, innermost = 0) {
    const isOfThem = ({ api, request }) =>
      api === null && (request === null || request.ids.some((id) => ids.includes(id)));
    return this.isDeep || this.#frames.slice(0, this.depth - innermost).some(isOfThem);
  }
}

module.exports = { Frames };
