'use strict';
// The opening move of many tests: somebody holds a key.

/**
 * Takes a free key and gives the function that releases it.
 *
 * @param {any} locks what an API's `open` gave
 * @param {'write' | 'read'} mode
 */
function hold(locks, mode, key, released) {
  let release;
  locks[mode](
    key,
    (given) => {
      release = given;
    },
    released,
  );
  if (release === undefined) throw new Error(`${String(key)} was not free`);
  return release;
}

module.exports = { hold };
