'use strict';
// rwlock-plus as plainly as it can be written: no engine, no depth limit, one key's state in three lists. What it
// does in the open is what the real one has to do.

class ModelLock {
  constructor() {
    this.keys = new Map();
  }

  readLock(key, released, obtained) {
    this.#request({ mode: 'read', key, released, obtained, ended: false });
  }

  writeLock(key, released, obtained) {
    this.#request({ mode: 'write', key, released, obtained, ended: false });
  }

  #request(request) {
    if (!this.keys.has(request.key)) this.keys.set(request.key, { holders: [], queue: [], undelivered: [] });
    const state = this.keys.get(request.key);
    state.queue.push(request);
    this.#grant(state);
  }

  /** Lets in whoever may come in, then notifies them one by one. */
  #grant(state) {
    const granted = [];
    while (state.queue.length > 0 && mayEnter(state.holders, state.queue[0])) {
      const next = state.queue.shift();
      state.holders.push(next);
      granted.push(next);
    }
    // Somebody further out may be notifying: these come after those, and all of them before this call goes on.
    state.undelivered.push(...granted);
    while (state.undelivered.length > 0) {
      const next = state.undelivered.shift();
      next.obtained((...args) => this.#release(state, next, args));
    }
  }

  #release(state, request, args) {
    if (request.ended) return;
    request.ended = true;
    state.holders.splice(state.holders.indexOf(request), 1);
    this.#grant(state);
    request.released?.(...args);
  }
}

function mayEnter(holders, request) {
  return holders.length === 0 || (request.mode === 'read' && holders[0].mode === 'read');
}

module.exports = { ModelLock };
