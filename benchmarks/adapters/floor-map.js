'use strict';
// A floor: a bare Map with a closure for each hold. Keys stay in it, and it knows what the scenarios need
// (readers alone, or writers who wait in line), and nothing that makes a lock safe.

function open() {
  /** @type {Map<string, { holders: number, queue: Function[] | null, next: number }>} */
  const keys = new Map();
  const stateOf = (key) => {
    let state = keys.get(key);
    if (state === undefined) keys.set(key, (state = { holders: 0, queue: null, next: 0 }));
    return state;
  };
  return {
    read(key, obtained) {
      const state = stateOf(key);
      state.holders++;
      obtained(() => state.holders--);
    },
    write(key, obtained) {
      const state = stateOf(key);
      if (state.holders > 0) (state.queue ??= []).push(obtained);
      else grant(state, obtained);
    },
  };
}

function grant(state, obtained) {
  state.holders = 1;
  obtained(() => {
    state.holders = 0;
    const { queue } = state;
    if (queue === null) return;
    const next = queue[state.next++];
    if (state.next === queue.length) [state.queue, state.next] = [null, 0];
    grant(state, next);
  });
}

module.exports = { label: 'a bare Map', open };
