'use strict';
// The end of the stack. An operation that has begun must come to its end, whatever is left of the stack.
//
// Whoever has to ask the engine, or to deliver events, makes sure that there is room for all of that first: near the end
// its call throws a RangeError, and nothing has happened. A free private key is granted and released without that.

const { at, words, native } = require('./layout');

/** The least that a frame of `deepen` takes, in bytes: its arguments, and what each frame has. */
const FRAME = 120;
/**
 * Frames that an operation needs, and the first ones of the callbacks that it calls: 48 KB. V8 compiles a function when it is first
 * called, and then that call has failed up to 285 such frames before the end.
 */
const ENOUGH = 400;
/** So many are tried at least: a callback must be able to release, which is an operation, too. */
const TRIED = 420;
/** And these at first, so that it is rarely tried. */
const PLENTY = 800;

/** Throws a RangeError if the end of the stack is near. */
function needRoom() {
  native.room();
  if (words[at.done] !== at.doneNow) findRoom();
}

/** The same, for a call of the addon that has done nothing since it knows of no room: see src/crossing/stack.rs. */
function findRoom() {
  words[at.room] = (tryPlenty() - ENOUGH) * FRAME;
  native.noteRoom();
}

/** @returns {number} how many frames there is room for */
function tryPlenty() {
  try {
    deepen(PLENTY, 0, 0, 0, 0, 0, 0, 0, 0);
    return PLENTY;
  } catch {
    deepen(TRIED, 0, 0, 0, 0, 0, 0, 0, 0);
    return TRIED;
  }
}

/**
 * Calls itself.
 *
 * @param {number} frames
 * @param {number} a @param {number} b @param {number} c @param {number} d
 * @param {number} e @param {number} f @param {number} g @param {number} h
 * @returns {number}
 */
function deepen(frames, a, b, c, d, e, f, g, h) {
  return frames === 0 ? a : deepen(frames - 1, b, c, d, e, f, g, h, a) | 1;
}

/**
 * Its `then` is no function of JavaScript, and needs no stack of its kind: it can be called where none can. (A closure over
 * a function's own variables would make each of its calls dearer: `bind` does not.)
 */
const SOON = Promise.resolve();

module.exports = { needRoom, findRoom, SOON };
