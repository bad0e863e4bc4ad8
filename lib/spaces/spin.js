'use strict';
// A thread that waits for another one to release looks for events itself for a moment, before its event loop goes to
// sleep: to be put to sleep and woken up takes tens of microseconds, and many holds end sooner.
//
// The event loop turns meanwhile, so that nothing else has to wait. Where that was in vain, because holds last longer
// there, it is done more and more rarely.

// Not the global one, which a test's fake timers may replace.
const { setImmediate } = require('node:timers');
const { isAlive } = require('./alive');
const { now } = require('../clock');
const { wake } = require('../events/reading');
const port = require('../addon/port');

/** For how many milliseconds to look: about what a sleep and a wake-up cost. So waiting costs at most twice as much. */
const PATIENCE = 0.05;

/** After so many waits at most, it is tried again. */
const MAX_PAUSE = 255;

let looking = false;
/** When to stop, by `clock.js`; 0 until the first look. */
let end = 0;
/** How many waits to let pass after a look in vain. */
let pause = 0;
/** How many of those are still to come. */
let left = 0;

/** A request has begun to wait for other threads. */
function spin() {
  if (looking) return;
  if (left > 0) {
    left--;
    return;
  }
  looking = true;
  end = 0;
  setImmediate(look);
}

function look() {
  if (port.hasEnded()) return;
  const hasEvents = port.poll();
  if (hasEvents) {
    pause = 0;
    end = 0;
  } else if (!isAlive()) {
    looking = false;
  } else if (end === 0) {
    end = now() + PATIENCE;
  } else if (now() > end) {
    looking = false;
    pause = Math.min(2 * pause + 1, MAX_PAUSE);
    left = pause;
  }
  // Before anything is delivered: a callback may throw. Not looking any more, others have to wake this thread again, which
  // begins with reading what they have sent until now.
  if (looking) setImmediate(look);
  if (hasEvents || !looking) wake();
}

module.exports = { spin };
