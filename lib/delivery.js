'use strict';
// Runs the callbacks that the engine's events call for: in order, at a bounded depth of the stack, and
// losing none when one of them throws.
//
// A release delivers the grants it made possible before it returns, so that a queue whose members release
// inside their callbacks nests one delivery in the other. At MAX_DEPTH deliveries are put off instead, and
// the delivery at that depth runs them in a loop.

/** How many deliveries may nest: far below any stack's end, whatever the callbacks need themselves. */
const MAX_DEPTH = 64;

// What happened to a request.
const GRANTED = 0;
const EXPIRED = 1;
const TIMED_OUT = 2;

/** @typedef {import('./request').Request} Request */
/** @typedef {{ request: Request, kind: number }} Event */

/**
 * Events to tell, and what to do once they are told.
 *
 * @typedef {object} Delivery
 * @property {Event[]} events
 * @property {(() => void) | undefined} after
 */

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

/**
 * Tells events, then calls `after`. If callbacks throw, the first error comes out of here, after everything
 * else has been done.
 *
 * @param {Event[]} events
 * @param {() => void} [after]
 */
function deliver(events, after) {
  events = keepOrder(events);
  if (depth < MAX_DEPTH) {
    run(events, after);
  } else {
    addBacklogs(events);
    putOff.push({ events, after });
  }
}

/**
 * Tells events before it returns, at any depth: those of a request, whose free key must be granted by then.
 *
 * @param {Event[]} events
 */
function deliverAtOnce(events) {
  run(keepOrder(events), undefined);
}

/**
 * @param {Event[]} events
 * @param {(() => void) | undefined} after
 */
function run(events, after) {
  if (events.length > 1) addBacklogs(events);
  /** @type {unknown[]} */
  const errors = [];
  depth++;
  try {
    tell(events, errors);
    tellPutOff(errors);
    if (after !== undefined) {
      attempt(after, errors);
      tellPutOff(errors);
    }
  } finally {
    depth--;
  }
  if (errors.length > 0) raise(errors);
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
    const deliveries = putOff;
    putOff = [];
    for (const { events, after } of deliveries) {
      tell(events, errors);
      if (after !== undefined) attempt(after, errors);
    }
  }
}

/**
 * @param {Event[]} events grows while it is told, when a later event of a key joins it
 * @param {unknown[]} errors
 */
function tell(events, errors) {
  for (let i = 0; i < events.length; i++) {
    const { request, kind } = events[i];
    if (request.space.backlogs.size !== 0) leaveBacklog(request, events);
    try {
      if (kind === GRANTED) request.onGranted();
      else if (kind === EXPIRED) request.onExpired();
      else request.onTimedOut();
    } catch (error) {
      errors.push(error);
    }
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
 * @param {() => void} action
 * @param {unknown[]} errors
 */
function attempt(action, errors) {
  try {
    action();
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

module.exports = { deliver, deliverAtOnce, deliverOwnGrant, reportLater, GRANTED, EXPIRED, TIMED_OUT };
