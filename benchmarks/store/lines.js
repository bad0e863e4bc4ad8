'use strict';
// Lines of the table, as report.js takes them.

/** @typedef {import('../report').Line} Line */
/** @typedef {import('../report').Result} Result */

/** @param {string} label @param {number | null} value @returns {Result} */
function toResult(label, value) {
  return { label, value, missing: null, failure: null };
}

/**
 * What latchkey comes to, beside nobody.
 *
 * @param {string} name
 * @param {string} unit
 * @param {number} value
 * @param {number | null} target
 * @returns {Line}
 */
function valueLine(name, unit, value, target) {
  const peer = toResult('', null);
  return { name, unit, kind: 'value', ours: toResult('latchkey', value), peer, target, floor: null };
}

/**
 * @param {string} name
 * @param {string} unit
 * @param {Result} ours
 * @param {Result} peer
 * @param {number | null} target what the ratio of the two may be
 * @returns {Line}
 */
function ratioLine(name, unit, ours, peer, target) {
  return { name, unit, kind: 'ratio', ours, peer, target, floor: null };
}

module.exports = { toResult, valueLine, ratioLine };
