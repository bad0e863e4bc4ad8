'use strict';
// What a lock cannot do without, one thing after the other: for ladder.js. None of these is a lock.

const { AsyncResource } = require('node:async_hooks');
const { binding } = require('../../lib/addon/native');

/** What a request has to remember at least. */
function remember(key, obtained, context) {
  return { key, obtained, context, mode: 1, state: 0, fence: 0, index: 0, generation: 0 };
}

/** @type {Record<string, () => (key: string, obtained: Function) => void>} */
const RUNGS = {
  closure: () => (_key, obtained) => obtained(() => {}),
  once: () => (_key, obtained) => obtained(once(() => {})),
  lookUp: () => {
    const keys = new Map();
    return (key, obtained) => {
      let state = keys.get(key);
      if (state === undefined) keys.set(key, (state = { held: false }));
      state.held = true;
      obtained(once(() => (state.held = false)));
    };
  },
  line: () => line(false, 0),
  context: () => line(true, 0),
  crossing: () => line(true, 1),
  crossings: () => line(true, 2),
};

function once(end) {
  let ended = false;
  return () => {
    if (ended) return;
    ended = true;
    end();
  };
}

/**
 * One key, and a line of requests for it.
 *
 * @param {boolean} keepsContext whether each is called in the async context of the one who asked
 * @param {number} crossings empty native calls for each
 */
function line(keepsContext, crossings) {
  const waiting = [];
  let next = 0;
  let held = false;
  const grant = (request) => {
    held = true;
    const release = once(() => {
      for (let i = 0; i < crossings; i++) binding.hasNamedSpaces();
      held = false;
      if (next < waiting.length) grant(waiting[next++]);
      else next = waiting.length = 0;
    });
    const { context, obtained } = request;
    if (context === null) obtained(release);
    else context.runInAsyncScope(obtained, undefined, release);
  };
  return (key, obtained) => {
    const request = remember(key, obtained, keepsContext ? new AsyncResource('rung') : null);
    if (held) waiting.push(request);
    else grant(request);
  };
}

/** @param {{ rung: string }} side */
const open = ({ rung }) => ({ write: RUNGS[rung]() });

module.exports = { label: 'a rung', open };
