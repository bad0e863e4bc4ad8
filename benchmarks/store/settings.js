'use strict';
// How often is measured, and with what.

/**
 * @typedef {object} Settings
 * @property {number} processes how many processes time the pairs, one after the other
 * @property {number} rounds how often each side has its turn in each of them
 * @property {number} handOvers how many of each side are timed
 * @property {number} throughput for how many milliseconds each side takes free keys
 * @property {number} leases for how many leases the server is watched
 */

/** @type {Settings} */
const FULL = { processes: 3, rounds: 40, handOvers: 60, throughput: 3000, leases: 5 };

/** To see that everything runs, and roughly where it stands. @type {Settings} */
const QUICK = { processes: 1, rounds: 10, handOvers: 10, throughput: 600, leases: 2 };

/** Pairs in one turn: so few that what disturbs one side disturbs the others as well. */
const TURN = 50;

/** The lease, in milliseconds, where leases are counted: a short one, so that it does not take long. */
const SHORT_LEASE = 1500;

module.exports = { FULL, QUICK, TURN, SHORT_LEASE };
