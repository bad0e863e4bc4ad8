'use strict';
// Errors that no call can throw: what would be an uncaught exception of the process.

const { turn } = require('./follow');

/**
 * Runs a program, and one turn of the event loop after it, and collects the errors that become uncaught exceptions
 * meanwhile. The test runner does not learn of them.
 *
 * @param {() => unknown} program
 * @returns {Promise<any[]>} in order; their messages, where they are errors
 */
async function uncaughtIn(program) {
  const errors = [];
  process.setUncaughtExceptionCaptureCallback((error) => void errors.push(error?.message ?? error));
  try {
    await program();
    await turn();
  } finally {
    process.setUncaughtExceptionCaptureCallback(null);
  }
  return errors;
}

module.exports = { uncaughtIn };
