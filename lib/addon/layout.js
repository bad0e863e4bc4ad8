'use strict';
// Opens this thread's port: the array through which numbers cross, its layout, and the native functions that take them.
//
// An argument of a native call costs about 45 ns: so numbers cross through one typed array. Whoever calls writes the inputs,
// calls, and reads the answers before anything else can run.

const { runInThisContext } = require('node:vm');
const { threadId } = require('node:worker_threads');
const { binding } = require('./copies');

const at = binding.layout();

/**
 * What the addon keeps alive is made in the realm of the process: this file's may be a vm context, which is to be collected with
 * all that was loaded in it. `weakly` gives a function that calls another one as long as that is alive.
 */
const { words, weakly } = runInThisContext(`({
  // A shared buffer, though no other thread gets it: nobody can detach it from under the addon.
  words: new Float64Array(new SharedArrayBuffer(${at.length * Float64Array.BYTES_PER_ELEMENT})),
  weakly(listener) {
    const reference = new WeakRef(listener);
    return () => reference.deref()?.();
  },
})`);
const listener = () => wake();
/**
 * A copy, since V8 calls what it knows: the functions of an object that the addon has made one by one it looks up each time. It
 * keeps the listener, which the addon does only while it may have to call it.
 */
const native = { ...binding.openPort(words, weakly(listener), listener, threadId), listener };

let wake = () => {};

/** @param {() => void} listener called from the event loop when another thread or the clock has caused something */
function onWake(listener) {
  wake = listener;
}

module.exports = { at, words, native, onWake };
