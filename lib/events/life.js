'use strict';
// A request's life: the states that it can be in, and which one follows when something happens to it. It is the only
// record of how far a request has got; a loss or an error that ended it stands beside it in the request.

const { at } = require('../addon/layout');

// States, as of the last event that this thread has read.
/** It has not asked yet. */
const NEW = 0;
const WAITING = 1;
const HOLDING = 2;
/** Only on a store: it was asked to end the hold, and its answer is still to come. */
const RELEASING = 3;
/** Only on a store: it was asked to end the hold, if there is one, of a request that waited as far as is known here. */
const ABANDONED = 4;
const ENDED = 5;

// What can happen to it, by the numbers that the addon gives to the events.
const {
  kindGranted: GRANTED,
  kindExpired: EXPIRED,
  kindTimedOut: TIMED_OUT,
  // Only on a store.
  kindLost: LOST,
  kindFailed: FAILED,
  /** The answer to a release. (That to a downgrade changes nothing.) In the other scopes the release's own call answers. */
  kindAnswered: ANSWERED,
} = at;

/**
 * The state that follows, by state and event. What is not here cannot happen: the call that ended a request was the last
 * that is heard of it.
 *
 * A call moves a request, too: asking makes a NEW one WAITING, HOLDING or ENDED, leaving a queue and releasing make it
 * ENDED, or on a store ABANDONED and RELEASING.
 *
 * @type {(number | undefined)[][]}
 */
const NEXT = [];
NEXT[NEW] = [];
NEXT[WAITING] = [];
NEXT[WAITING][GRANTED] = HOLDING;
NEXT[WAITING][TIMED_OUT] = ENDED;
NEXT[WAITING][FAILED] = ENDED;
NEXT[HOLDING] = [];
NEXT[HOLDING][EXPIRED] = ENDED;
NEXT[HOLDING][LOST] = ENDED;
NEXT[RELEASING] = [];
NEXT[RELEASING][EXPIRED] = ENDED;
NEXT[RELEASING][LOST] = ENDED;
NEXT[RELEASING][ANSWERED] = ENDED;
NEXT[ABANDONED] = [];
NEXT[ABANDONED][GRANTED] = RELEASING;
NEXT[ABANDONED][EXPIRED] = ENDED;
NEXT[ABANDONED][LOST] = ENDED;
NEXT[ABANDONED][TIMED_OUT] = ENDED;
NEXT[ABANDONED][FAILED] = ENDED;
NEXT[ABANDONED][ANSWERED] = ENDED;
NEXT[ENDED] = [];

/** Whether a request in this state waits, as far as the table knows. */
function isQueued(/** @type {number} */ state) {
  return state === WAITING || state === ABANDONED;
}

module.exports = {
  ...{ NEW, WAITING, HOLDING, RELEASING, ABANDONED, ENDED },
  ...{ GRANTED, EXPIRED, TIMED_OUT, LOST, FAILED, ANSWERED },
  NEXT,
  isQueued,
};
