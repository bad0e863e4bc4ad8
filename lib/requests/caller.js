'use strict';
// The stack of a lock's error names the program that asked. The error is made where latchkey learns of what happened, in a call of
// somebody else or in the event loop. But V8 knows who awaits a promise: a stack that is captured behind an `await` has those
// frames, at no cost to a call that succeeds. So what a program awaits are async functions of ours.

const { LockError } = require('../errors');

/**
 * Gives an error the stack of the function, or of the call, that is at work.
 *
 * @param {unknown} error
 * @param {Function} [own] ours, whose frame and those above it are left out
 */
function withCaller(error, own = withCaller) {
  if (error instanceof LockError) Error.captureStackTrace(error, own);
  return error;
}

module.exports = { withCaller };
