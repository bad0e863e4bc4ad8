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

/** The package's folder: this file is in lib/ or, in a release, in one that counts as in lib/apis/. */
const ROOT = __dirname.replace(/[\\/]lib([\\/]apis)?$/, '');

/**
 * The frames of the program, one a line.
 *
 * @param {{ stack?: string }} place
 */
function framesOf({ stack = '' }) {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  const others = frames.filter((line) => !isOwn(line));
  // In a program that was bundled, our frames are in the same file as its own.
  const shown = others.some((line) => !/\(?node:/.test(line)) ? others : frames;
  return shown.map((line) => line.trim()).join('\n');
}

/** @param {string} frame */
function isOwn(frame) {
  const [, file] = frame.split(ROOT);
  return file !== undefined && /^[\\/](lib[\\/]|index\.js)/.test(file);
}

module.exports = { isOn, capture, framesOf };
