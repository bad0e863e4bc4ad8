'use strict';
// Where a request was asked, if the program wants that remembered: it costs a stack trace for each request.

/** Whether all requests of the process remember it. */
const isOn = process.env['LATCHKEY_TRACE'] === '1';

/**
 * @param {Function} own ours, whose frame and those above it are left out
 * @returns {{ stack?: string }}
 */
function capture(own) {
  const place = {};
  Error.captureStackTrace(place, own);
  return place;
}

/**
 * The frames of the program, one a line.
 *
 * @param {{ stack?: string }} place
 */
function framesOf({ stack = '' }) {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line) && !line.includes(__dirname));
  return frames.map((line) => line.trim()).join('\n');
}

module.exports = { isOn, capture, framesOf };
