'use strict';
// Requests of several keys that are granted and released together: taken all or none, in one order for everybody, so that no
// two can wait for each other. To a hold, a group is what one request is.

const { lossName } = require('../errors');
const { Hold } = require('./hold');
const { HELD } = require('./promise-request');

/** @typedef {import('./promise-request').PromiseRequest} PromiseRequest */

class RequestGroup {
  /**
   * @param {readonly PromiseRequest[]} requests which hold their keys, in the order in which they were taken
   * @param {number} mode
   * @param {import('../spaces/space').Space} space
   */
  constructor(requests, mode, space) {
    this.requests = requests;
    this.key = Object.freeze(requests.map(({ key }) => key));
    this.askedMode = mode;
    this.space = space;
    this.hold = new Hold(this);
    // Which a loss of any of them aborts.
    for (const request of requests) request.hold = this.hold;
  }

  get outcome() {
    return HELD;
  }

  toHold() {
    return this.hold;
  }

  get mode() {
    return this.requests[0]?.mode ?? this.askedMode;
  }

  get fence() {
    return this.requests.reduce((highest, { fence }) => Math.max(highest, fence), 0);
  }

  get recovered() {
    return this.requests.some(({ recovered }) => recovered);
  }

  /** Why the first one that was taken away was; null if none was. */
  get loss() {
    return this.requests.find(({ loss }) => loss !== null)?.loss ?? null;
  }

  /** How long nobody can take one of them away, in milliseconds. */
  remaining() {
    return this.requests.reduce((least, request) => Math.min(least, request.remaining()), Infinity);
  }

  /** The same as `loss`, by all that can be known now. */
  findLoss() {
    this.remaining();
    return this.loss;
  }

  get label() {
    return this.requests[0]?.label;
  }

  /** What has become of the hold. */
  get holdState() {
    return this.loss === null ? (this.requests[0]?.holdState ?? 'held') : lossName(this.loss);
  }

  release() {
    // In the reverse order of taking: whoever waits for several of them finds the last ones free first.
    const reversed = this.requests.toReversed();
    return this.answerOf(this.space.together(() => reversed.map((request) => request.release())));
  }

  downgrade() {
    return this.answerOf(this.requests.map((request) => request.downgrade()));
  }

  /** @param {(Promise<void> | undefined)[]} answers */
  answerOf(answers) {
    if (!this.space.answersLater) return undefined;
    const all = oneByOne(answers);
    // As with each of them, nobody has to wait for it.
    all.catch(() => {});
    return all;
  }
}

/**
 * `Promise.all`, which sees a second rejection, too: that would be an event `multipleResolves`.
 *
 * @param {(Promise<void> | undefined)[]} answers
 */
async function oneByOne(answers) {
  for (const answer of answers) await answer;
}

/**
 * Ends holds that no program has seen, in the reverse order of taking.
 *
 * @param {PromiseRequest[]} held
 */
function giveAllBack(held) {
  for (const request of held.toReversed()) request.giveBack();
}

module.exports = { RequestGroup, giveAllBack };
