'use strict';
// Waiting: for what a test is about, and never longer than a test may take.

/** How long anything may take that happens at once on an idle machine. */
const PATIENCE = 20_000;

/** @param {number} ms */
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Stops this thread, event loop and all. */
function block(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** The expiry of a hold that is to be overdue soon: longer than a busy machine keeps a test from its next line. */
const EXPIRY = 100;

/** Stops this thread until a hold with that expiry is overdue. */
function passExpiry() {
  block(1.5 * EXPIRY);
}

/** Lets the event loop go round until `condition()` is true. */
async function until(condition, what = 'the condition') {
  const end = performance.now() + PATIENCE;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${PATIENCE} ms for ${what}`);
    await sleep(1);
  }
}

/** Like `Promise.withResolvers`, which Node 20 has not. Keeps the process alive until it is settled. */
function deferred() {
  const result = {};
  const patience = setTimeout(() => result.reject(new Error(`nothing came for ${PATIENCE} ms`)), PATIENCE);
  const promise = new Promise((resolve, reject) => Object.assign(result, { resolve, reject }));
  result.promise = promise.finally(() => clearTimeout(patience));
  return result;
}

module.exports = { PATIENCE, EXPIRY, sleep, block, passExpiry, until, deferred };
