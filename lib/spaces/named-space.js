'use strict';
// A space with a name, which all threads of the process share: so it can be asked who else holds and waits, and shows others the
// labels of its own requests. This thread's lock objects of one name share their keys, so that there is one order of events for
// each.

const port = require('../addon/port');
const { toBlockers } = require('../events/snapshot');
const { Keys } = require('./keys');
const { Space } = require('./space');

/** @typedef {import('../events/request').Request} Request */
/** @typedef {import('../addon/port').Report} Report */

/** By the space's name, as long as a lock object has them. @type {Map<string, WeakRef<Keys>>} */
const named = new Map();

/** Forgets a name whose keys have been collected, unless there are new ones. */
const collected = new FinalizationRegistry((/** @type {string} */ name) => {
  if (named.get(name)?.deref() === undefined) named.delete(name);
});

/**
 * @param {string} name
 * @returns {Keys}
 */
function keysOf(name) {
  let keys = named.get(name)?.deref();
  if (keys === undefined) {
    keys = new Keys(false);
    named.set(name, new WeakRef(keys));
    collected.register(keys, name);
  }
  return keys;
}

class NamedSpace extends Space {
  /** @param {string} name */
  constructor(name) {
    super(port.open(name), name, keysOf(name));
    /** How many requests other threads see a label of. */
    this.labels = 0;
  }

  /** @param {Request} request */
  addLabel(request) {
    this.labels++;
    port.setLabel(request, true);
  }

  /**
   * @param {import('./thin').ThinKey} key
   * @param {Request} request
   */
  leaveEngine(key, request) {
    if (this.labels > 0 && request.label !== undefined) {
      this.labels--;
      port.setLabel(request, false);
    }
    super.leaveEngine(key, request);
  }

  /**
   * @param {Request} request
   * @param {number | null} ahead
   */
  blockersOf({ key }, ahead) {
    const { holders, waiting } = port.blockers(this.number, key);
    return toBlockers(this.addTraces(holders), ahead ?? waiting);
  }

  /**
   * @param {import('../events/snapshot').Read} read what to make of the answer
   * @param {string} [key] the only one to look at
   */
  query(read, key) {
    const native = port.about(this.number);
    const reports = key === undefined ? native.query() : native.query(key);
    return read(this.addTraces(reports), Date.now());
  }

  /**
   * What only this thread knows of its own requests.
   *
   * @param {Report[]} reports
   */
  addTraces(reports) {
    return reports.map(({ tag, ...report }) => {
      const trace = tag === undefined ? undefined : this.requests[tag]?.trace;
      return trace === undefined ? report : { ...report, trace };
    });
  }
}

module.exports = { NamedSpace };
