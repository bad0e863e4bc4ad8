'use strict';
// Runs the callbacks that the engine's events call for: in order, at a bounded depth of the stack, and
// losing none when one of them throws.
//
// A release delivers the grants it made possible before it returns, so that a queue whose members release
// inside their callbacks nests one delivery in the other. At MAX_DEPTH deliveries are put off instead, and
// the delivery at that depth runs them in a loop.

const { READ } = require('./request');

/** How many deliveries may nest: far below any stack's end, whatever the callbacks need themselves. */
const MAX_DEPTH = 64;

// What happened to a request.
const GRANTED = 0;
const EXPIRED = 1;
const TIMED_OUT = 2;
// Only on a store.
const LOST = 3;
const FAILED = 4;
/** Its release was answered. */
const ENDED = 5;

/** @typedef {import('./request').Request | import('./callbacks').CountedRequest} Request */
/** @typedef {{ request: Request, kind: number, detail?: any }} Event */

/**
 * What to tell: a list of events or, where there is just one, a grant; and what to call then, for the one whose
 * end caused them.
 *
 * @typedef {object} Delivery
 * @property {Event[] | null} events
 * @property {Request | null} grant
 * @property {Callback | null} released
 * @property {any[]} args
 */

/** @typedef {(...args: any[]) => void} Callback */

/**
 * The events of one key that a delivery still has to tell. A later event of that key joins the same
 * delivery, so that it cannot overtake them.
 *
 * @typedef {object} Backlog
 * @property {Event[]} events the delivery's list
 * @property {number} left how many of them are about this key and untold; never 0
 */

let depth = 0;
/**
 * Deliveries that were put off, in order. Empty unless one runs at MAX_DEPTH, or its stack overflowed: then
 * the outermost one takes over.
 *
 * @type {Delivery[]}
 */
let putOff = [];

/** @type {any[]} */
const NONE = [];

/**
 * Tells events, then calls `released`. If callbacks throw, the first error comes out of here,
 * after everything else has been done.
 *
 * @param {Event[]} events
 * @param {Callback | null} [released]
 * @param {any[]} [args] for `released`
 */
function deliver(events, released = null, args = NONE) {
  events = keepOrder(events);
  if (depth < MAX_DEPTH) {
    run(events, released, args);
  } else {
    addBacklogs(events);
    putOff.push({ events, grant: null, released, args });
  }
}

/**
 * The same for one grant, which is what nearly all deliveries are. A writer's needs no backlog: until it has
 * been told, nobody else is granted its key unless it expires, and then it is told first.
 *
 * @param {Request} grant
 * @param {Callback | null} released
 * @param {any[]} args for `released`
 */
function deliverGrant(grant, released, args) {
  if (grant.mode === READ || grant.space.backlogs.size !== 0) {
    deliver([{ request: grant, kind: GRANTED }], released, args);
  } else if (depth < MAX_DEPTH) {
    runGrant(grant, released, args);
  } else {
    grant.untold = true;
    putOff.push({ events: null, grant, released, args });
  }
}

/**
 * Tells what the last call about a key has caused, as `deliver`.
 *
 * @param {import('./space').Space | import('./counted-space').CountedSpace} space
 * @param {string} key
 * @param {Callback | null} [released]
 * @param {any[]} [args] for `released`
 */
function deliverNews(space, key, released = null, args = NONE) {
  const granted = space.takeGrant(key);
  if (granted !== null) return deliverGrant(granted, released, args);
  const events = space.takeEvents(key);
  if (events !== null) deliver(events, released, args);
  else if (released !== null) released.apply(undefined, args);
}

/**
 * Tells events before it returns, at any depth: those of a request, whose free key must be granted by then.
 *
 * @param {Event[]} events
 */
function deliverAtOnce(events) {
  run(keepOrder(events), null, NONE);
}

/**
 * @param {Event[]} events
 * @param {Callback | null} released
 * @param {any[]} args
 */
function run(events, released, args) {
  if (events.length > 1) addBacklogs(events);
  /** @type {unknown[]} */
  const errors = [];
  depth++;
  try {
    tell(events, errors);
    tellPutOff(errors);
    tellEnd(released, args, errors);
    tellPutOff(errors);
  } finally {
    depth--;
  }
  if (errors.length > 0) raise(errors);
}

/**
 * `run` for one grant, without making anything for it.
 *
 * @param {Request} grant
 * @param {Callback | null} released
 * @param {any[]} args
 */
function runGrant(grant, released, args) {
  /** @type {unknown[] | null} */
  let errors = null;
  depth++;
  try {
    try {
      grant.onGranted();
    } catch (error) {
      errors = [error];
    }
    if (putOff.length > 0) tellPutOff((errors ??= []));
    try {
      if (released !== null) released.apply(undefined, args);
    } catch (error) {
      (errors ??= []).push(error);
    }
    if (putOff.length > 0) tellPutOff((errors ??= []));
  } finally {
    depth--;
  }
  if (errors !== null && errors.length > 0) raise(errors);
}

/**
 * Tells that a request was granted by its own call: at once, unless earlier events of its key are still
 * being told.
 *
 * @param {Request} request
 */
function deliverOwnGrant(request) {
  const { backlogs } = request.space;
  if (backlogs.size === 0 || keepOrder([{ request, kind: GRANTED }]).length === 1) request.onGranted();
}

/**
 * Makes up for the deliveries that were put off, if this is the one to do so.
 *
 * @param {unknown[]} errors
 */
function tellPutOff(errors) {
  while (putOff.length > 0 && (depth >= MAX_DEPTH || depth === 1)) {
    // One by one is how they come in a long queue: then the list is kept, not made anew each time.
    if (putOff.length === 1) {
      tellDelivery(/** @type {Delivery} */ (putOff.pop()), errors);
      continue;
    }
    const deliveries = putOff;
    putOff = [];
    for (const delivery of deliveries) tellDelivery(delivery, errors);
  }
}

/**
 * @param {Delivery} delivery
 * @param {unknown[]} errors
 */
function tellDelivery({ events, grant, released, args }, errors) {
  if (grant !== null) tellUntold(grant, errors);
  else tell(/** @type {Event[]} */ (events), errors);
  tellEnd(released, args, errors);
}

/**
 * @param {Event[]} events grows while it is told, when a later event of a key joins it
 * @param {unknown[]} errors
 */
function tell(events, errors) {
  for (let i = 0; i < events.length; i++) {
    const { request, kind, detail } = events[i];
    if (request.space.backlogs.size !== 0) leaveBacklog(request, events);
    if (kind !== GRANTED) tellUntold(request, errors);
    tellOne(request, kind, detail, errors);
  }
}

/**
 * Tells a grant that was put off, unless that has been done meanwhile.
 *
 * @param {Request} request
 * @param {unknown[]} errors
 */
function tellUntold(request, errors) {
  if (!request.untold) return;
  request.untold = false;
  tellOne(request, GRANTED, undefined, errors);
}

/**
 * @param {any} request one that this can happen to: a `CountedRequest` is only granted
 * @param {number} kind
 * @param {any} detail
 * @param {unknown[]} errors
 */
function tellOne(request, kind, detail, errors) {
  try {
    if (kind === GRANTED) request.onGranted();
    else if (kind === EXPIRED) request.onExpired();
    else if (kind === TIMED_OUT) request.onTimedOut();
    else if (kind === LOST) request.onLost();
    else if (kind === FAILED) request.onFailed(detail);
    else request.onReleased(detail);
  } catch (error) {
    errors.push(error);
  }
}

/**
 * Hands over those events that have to wait behind earlier ones of their key.
 *
 * @param {Event[]} events
 * @returns {Event[]} the others
 */
function keepOrder(events) {
  return events.every(isNext) ? events : events.filter((event) => isNext(event) || !join(event));
}

/** @param {Event} event */
function isNext({ request }) {
  return request.space.backlogs.size === 0 || !request.space.backlogs.has(request.key);
}

/** @param {Event} event */
function join(event) {
  const backlog = /** @type {Backlog} */ (event.request.space.backlogs.get(event.request.key));
  backlog.events.push(event);
  backlog.left++;
  return true;
}

/** @param {Event[]} events none of whose keys has a backlog */
function addBacklogs(events) {
  for (const { request } of events) {
    const { backlogs } = request.space;
    const backlog = backlogs.get(request.key);
    if (backlog === undefined) backlogs.set(request.key, { events, left: 1 });
    else backlog.left++;
  }
}

/**
 * @param {Request} request
 * @param {Event[]} events the delivery that is about to tell it
 */
function leaveBacklog(request, events) {
  const backlog = request.space.backlogs.get(request.key);
  if (backlog?.events === events && --backlog.left === 0) request.space.backlogs.delete(request.key);
}

/**
 * @param {Callback | null} released
 * @param {any[]} args
 * @param {unknown[]} errors
 */
function tellEnd(released, args, errors) {
  if (released === null) return;
  try {
    released.apply(undefined, args);
  } catch (error) {
    errors.push(error);
  }
}

/**
 * Throws the first error, as the call that ran the callback must, and reports the others.
 *
 * @param {unknown[]} errors
 */
function raise([first, ...others]) {
  others.forEach(reportLater);
  throw first;
}

/**
 * Makes an error that no call can throw an uncaught exception, as one of a timer's callback is.
 *
 * @param {unknown} error
 */
function reportLater(error) {
  process.nextTick(() => {
    throw error;
  });
}

module.exports = {
  deliver,
  deliverAtOnce,
  deliverNews,
  deliverOwnGrant,
  reportLater,
  GRANTED,
  EXPIRED,
  TIMED_OUT,
  LOST,
  FAILED,
  ENDED,
};
