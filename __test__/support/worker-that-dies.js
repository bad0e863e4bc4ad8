'use strict';
// A worker thread that holds keys, waits for them, with and without expiry, and ends as it is asked to: by itself, by
// process.exit(), by throwing, or when it is terminated from outside.

const { workerData, parentPort } = require('node:worker_threads');
const latchkey = require('latchkey');
const { randomFrom } = require('./random');

const { end, delay, seed } = workerData;
const random = randomFrom(seed);
const never = new latchkey.Lock();
const soon = new latchkey.Lock(1 + random.below(10));
const late = new latchkey.Lock(60_000);
// Whoever waits for `late` lives for a minute, as it should: not the workers that end by themselves.
/** Used by all workers. Whoever waits there lives until it is served. */
const shared = new latchkey.Locks({ name: 'dying workers' });
const locks = end === 'return' ? [never, soon] : [never, soon, late];

function holdAndWait(times) {
  for (let i = 0; i < times; i++) {
    const lock = random.pick(locks);
    const mode = random.pick(['readLock', 'writeLock']);
    const releases = random.chance(0.5);
    lock[mode](
      `key ${random.below(5)}`,
      () => {},
      (release) => {
        if (releases) setImmediate(release);
      },
    );
    shared[random.pick(['tryRead', 'tryWrite'])](`key ${random.below(20)}`);
    if (end !== 'return') void shared.write(`key ${random.below(20)}`).catch(() => {});
    latchkey(`key ${random.below(5)}`, (done) => {
      if (releases) done();
    });
  }
}

holdAndWait(50);
parentPort.postMessage('waits');

const again = setInterval(holdAndWait, 1, 5);
setTimeout(() => {
  clearInterval(again);
  if (end === 'exit') process.exit(0);
  if (end === 'throw') throw new Error('meant to be thrown');
}, delay);
