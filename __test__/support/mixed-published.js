'use strict';
// What the diagnostics channels must not say: of each hold the grant comes first, then one end, each once; and whose expiry
// is published has been notified of it.

const { ASKED, HOLDS, isNotified } = require('./mixed-request');

class Published {
  #model;
  #complain;
  /** What was said last of each hold, by its key's id and its fence. @type {Map<string, string>} */
  #last = new Map();
  /** How many expiries of callbacks were published, by key. @type {Map<string, number>} */
  #expiries = new Map();

  /**
   * @param {import('./mixed-model').Model} model
   * @param {(kind: string, request: object, text: string) => void} complain
   */
  constructor(model, complain) {
    this.#model = model;
    this.#complain = complain;
  }

  /**
   * A message came, of a space of which all were heard so far.
   *
   * @param {string} what
   * @param {string} id of the key
   * @param {number | undefined} fence
   * @param {boolean} isDeep whether it may be delivered later
   */
  heard(what, id, fence, isDeep) {
    if (what === 'wait') return;
    const request = { number: '-', ids: [id] };
    const hold = `${id} ${fence}`;
    const before = this.#last.get(hold);
    if (before !== (what === 'grant' ? undefined : 'grant'))
      this.#complain('diagnostics', request, `${what} of fence ${fence} after ${before}`);
    this.#last.set(hold, what);
    if (what === 'expire' && !this.#wasNotified(id, fence) && !isDeep)
      this.#complain(
        'published early',
        request,
        `the expiry of fence ${fence}, before its holder was notified`,
      );
  }

  /** Whether the holder whose expiry was published has been notified, or may have been. */
  #wasNotified(id, fence) {
    const { open, fenced, losses, silent } = this.#model.key(id);
    const holder = fenced.find(({ hold }) => hold.fence === fence);
    if (holder !== undefined) return holder.state !== HOLDS || isNotified(holder);
    if ([...open].some(({ api, state }) => api === 'promise' && state === ASKED)) return true;
    // A callback's: they have no fences, but can be counted.
    const expiries = (this.#expiries.get(id) ?? 0) + 1;
    this.#expiries.set(id, expiries);
    return expiries <= losses + silent;
  }
}

module.exports = { Published };
