'use strict';
// What people see of who holds and who waits.

const { toDate } = require('../errors');
const { READ } = require('./request');

/** @typedef {import('../addon/port').Report} Report */

/**
 * Makes of a report what people see. `now` is the date at which its ages were true; `frozen`, on a store, for how many
 * milliseconds that grants nothing yet.
 *
 * @typedef {(reports: Report[], now: number, frozen?: number) => unknown} Read
 */

/**
 * @param {Report[]} reports
 * @param {number} now
 * @param {number} [frozen] none where no store keeps the space
 * @returns {import('../../index').LocksSnapshot & { frozenUntil?: number }}
 */
function toSnapshot(reports, now, frozen = 0) {
  /** @type {import('../../index').LocksSnapshot & { frozenUntil?: number }} */
  const snapshot = { held: [], pending: [] };
  if (frozen > 0) snapshot.frozenUntil = toDate(frozen);
  for (const { key, held, write, age, fence, recovered, ...rest } of reports) {
    const entry = { key, mode: toMode(write), since: Math.round(now - age), ...rest };
    if (held) snapshot.held.push({ ...entry, fence, recovered });
    else snapshot.pending.push(entry);
  }
  return snapshot;
}

/** @param {Report[]} reports */
function isHeld(reports) {
  return reports.some(({ held }) => held);
}

/** @param {Report[]} reports */
function countPending(reports) {
  return reports.filter(({ held }) => !held).length;
}

/**
 * What the program has said of a request, for people to recognise it: only what there is.
 *
 * @param {{ label?: string, trace?: string }} request or a report of one
 * @returns {{ label?: string, trace?: string }}
 */
function marksOf({ label, trace }) {
  return { ...(label === undefined ? null : { label }), ...(trace === undefined ? null : { trace }) };
}

/**
 * Who kept a request waiting.
 *
 * @typedef {object} Blockers
 * @property {import('../../index').LockHolder[]} holders the first ones
 * @property {number | undefined} ahead how many waited before it, if that is known
 */

/**
 * @param {Report[]} reports of holders
 * @param {number | undefined} ahead
 * @returns {Blockers}
 */
function toBlockers(reports, ahead) {
  const holders = reports.map(({ write, age, thread, host, pid, label, trace }) => ({
    ...{ mode: toMode(write), age, thread },
    ...(host === undefined ? null : { host, pid }),
    ...marksOf({ label, trace }),
  }));
  return { holders, ahead };
}

/**
 * @param {boolean} write
 * @returns {'read' | 'write'}
 */
function toMode(write) {
  return write ? 'write' : 'read';
}

/** @param {number} mode */
function modeName(mode) {
  return toMode(mode !== READ);
}

module.exports = { toSnapshot, isHeld, countPending, marksOf, toBlockers, toMode, modeName };
