'use strict';
// A log as requests: what happened to each, and how long it held its key for certain.
//
// A request for several keys has a part per key; all others have one. A part has the event of each kind that
// happened to it, under the kind's name.

/**
 * @param {object[]} events see `log.js`
 * @param {boolean} stored whether a store kept the locks: then a process that was killed may be granted something
 *   as long as its lease lasts
 */
function readHistory(events, stored) {
  const complaints = [];
  const parts = new Map();
  const threads = new Map();
  let latest = 0;
  for (const event of events) {
    // Each event's time was read before it took its place. Its thread may have stood still in between: then what stands
    // before it says better how late it was.
    latest = Math.max(latest, event.time);
    event.notBefore = latest;
    const thread = threadOf(threads, event.thread);
    if (event.request === undefined || event.request === -1) {
      thread[event.kind] ??= event;
      continue;
    }
    thread.last = event;
    const name = `${event.request} ${event.key}`;
    if (event.kind === 'asked') parts.set(name, newPart(event));
    const part = parts.get(name);
    if (part === undefined) complaints.push(`${event.kind}@${event.at}: nobody asked for it`);
    else if (part[event.kind]) complaints.push(`${event.kind}@${event.at}: for the second time`);
    else addTo(part, event);
  }
  const history = new History([...parts.values()], threads, stored);
  return Object.assign(history, { complaints });
}

function threadOf(threads, number) {
  if (!threads.has(number)) threads.set(number, {});
  return threads.get(number);
}

function newPart({ request, thread, key, write, expiry }) {
  return { request, thread, key, write, expiry, fence: -1, recovered: -1 };
}

function addTo(part, event) {
  part[event.kind] = event;
  if (event.kind === 'granted') {
    part.fence = event.fence;
    part.recovered = event.recovered;
  }
}

class History {
  constructor(parts, threads, stored) {
    this.stored = stored;
    this.parts = parts;
    this.threads = threads;
    this.byKey = Map.groupBy ? Map.groupBy(parts, ({ key }) => key) : groupByKey(parts);
    this.isDead = (number) => this.threads.get(number)?.died !== undefined;
    for (const part of parts) part.gone = this.#gone(part);
  }

  /** The place in the log from which on a part cannot hold or wait any more. */
  #gone(part) {
    const end = part.released ?? part.expired ?? part.ended ?? part.failed;
    return end?.at ?? (this.stored ? undefined : this.threads.get(part.thread).died?.at) ?? Infinity;
  }

  /** The place in the log up to which a thread lived for certain. */
  #livedUntil(number) {
    const { dying, killing, died, last } = this.threads.get(number);
    if (died === undefined) return Infinity;
    // One that ends itself may be gone when it is to be terminated.
    return Math.max(last?.at ?? -1, (dying ?? killing)?.at ?? -1);
  }

  /**
   * Whether a part still held its key for certain when the engine granted it to another one, who wrote
   * `granted` some time later.
   *
   * @param {boolean} toWriter whether the other one writes: a reader may share what was downgraded
   */
  heldAt(part, granted, toWriter) {
    // What was released in time was not taken away before: no clock matters.
    if (!part.released && part.expiry > 0 && granted.notBefore >= this.safeUntil(part)) return false;
    const last = (!toWriter && part.downgrading) || part.releasing || part.expired || part.ended;
    return granted.at < (last?.at ?? this.#livedUntil(part.thread));
  }

  /** The time (microseconds) until which nobody may take a hold away. */
  safeUntil(part) {
    if (part.expiry === 0) return Infinity;
    return this.#grantedAfter(part) + part.expiry * 1000;
  }

  /** A time before the engine granted a part: when it asked, or when one in its way had not let go yet. */
  #grantedAfter(part) {
    const times = [part.asked.time];
    for (const other of this.byKey.get(part.key)) {
      const conflicts = part.write === 1 || other.write === 1;
      const before = other.fence > 0 && other.fence < part.fence;
      if (other !== part && conflicts && before && other.released) {
        times.push((part.write === 1 ? other.releasing : (other.downgrading ?? other.releasing)).time);
      }
    }
    return Math.max(...times);
  }
}

function groupByKey(parts) {
  const groups = new Map();
  for (const part of parts) {
    if (!groups.has(part.key)) groups.set(part.key, []);
    groups.get(part.key).push(part);
  }
  return groups;
}

module.exports = { readHistory };
