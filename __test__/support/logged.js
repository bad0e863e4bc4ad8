'use strict';
// A request of the callback API that writes down what it is called with, so that a test can look at the order.

/** Asks by a Lock, and logs its grant and its end. */
function ask(lock, log, name, mode = 'writeLock', inside = undefined) {
  lock[mode](
    'key',
    (error) => log.push(`${name} ${error === undefined ? 'released' : 'lost'}`),
    (release) => {
      log.push(`${name} granted`);
      inside?.(release);
    },
  );
}

module.exports = { ask };
