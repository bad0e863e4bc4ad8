'use strict';
// What keeps the event loop alive: requests that others may serve, and answers that a store owes.

const { at, words, native } = require('../addon/layout');

/** How many there are. */
let reasons = 0;

/** There is one more. */
function stayAlive() {
  if (reasons++ === 0) setAlive(1);
}

/** There is one less. */
function stayAliveNoMore() {
  if (--reasons === 0) setAlive(0);
}

function isAlive() {
  return reasons > 0;
}

/** @param {number} waits */
function setAlive(waits) {
  words[at.waits] = waits;
  native.keepAlive();
}

module.exports = { stayAlive, stayAliveNoMore, isAlive };
