'use strict';
// Where the errors go that a program's callbacks throw: each has to come out somewhere once, and only where it may.
//
// What a callback throws comes out of a call of a callback API that was running then, or is an uncaught exception. What a
// request's function throws comes out of that request's promise. No promise API call throws or rejects with an error of
// somebody else.

class Errors {
  /** @type {Map<Error, { where: string, calls: object[], owner: object | null, seen: number }>} */
  #thrown = new Map();
  #complain;

  /** @param {(kind: string, request: object | null, text: string) => void} complain */
  constructor(complain) {
    this.#complain = complain;
  }

  /**
   * Makes an error that is about to be thrown.
   *
   * @param {string} where
   * @param {object[]} calls the calls of the library that are running
   * @param {object | null} owner the request whose function throws it
   */
  make(where, calls, owner = null) {
    const error = new Error(`thrown by ${where}`);
    this.#thrown.set(error, { where, calls: [...calls], owner, seen: 0 });
    return error;
  }

  isOurs(error) {
    return this.#thrown.has(error);
  }

  /** A call threw. */
  outOfCall(error, call) {
    const thrown = this.#see(error, call.request, 'a call');
    if (thrown === undefined) return;
    if (call.api === 'promise' || thrown.owner !== null || !thrown.calls.includes(call))
      this.#complain('foreign error', call.request, `a call threw what was ${error.message}`);
  }

  /** A promise was rejected with one of these. */
  outOfPromise(error, request) {
    const thrown = this.#see(error, request, 'a promise');
    if (thrown.owner !== request)
      this.#complain('foreign error', request, `rejected with what was ${error.message}`);
  }

  uncaught(error) {
    const thrown = this.#see(error, null, 'uncaught');
    if (thrown !== undefined && thrown.owner !== null)
      this.#complain('foreign error', null, `uncaught, though a function's: ${error.message}`);
  }

  #see(error, request, how) {
    const thrown = this.#thrown.get(error);
    if (thrown === undefined)
      this.#complain('library error', request, `${how}: ${error?.stack ?? String(error)}`);
    else if (++thrown.seen === 2) this.#complain('thrown twice', request, `came out twice: ${error.message}`);
    return thrown;
  }

  ended() {
    for (const { where, owner, seen } of this.#thrown.values())
      if (seen === 0) this.#complain('thrown and lost', owner, `the error of ${where} came out nowhere`);
  }
}

module.exports = { Errors };
