'use strict';
// How long and how often is measured.

/**
 * @typedef {object} Settings
 * @property {number} processes how many processes time a scenario, one after the other: V8 compiles the same code
 *   better in one process than in another
 * @property {number} rounds how often each side is timed in each
 * @property {number} roundTime milliseconds that one time should take at least
 * @property {number} budget milliseconds after which a process makes do with fewer rounds, but three
 * @property {number} starts how many fresh processes load each thing whose loading is timed
 */

/** @type {Settings} */
const FULL = { processes: 3, rounds: 7, roundTime: 40, budget: 8000, starts: 15 };

/** To see that everything runs, and roughly where it stands. @type {Settings} */
const QUICK = { processes: 1, rounds: 3, roundTime: 10, budget: 0, starts: 3 };

/** Seconds that a peer may take for one batch of a scenario, and MB that its heap may grow to. */
const LIMITS = { seconds: 10, megabytes: 2048 };

module.exports = { FULL, QUICK, LIMITS };
