'use strict';
// There is no queue in JavaScript: who is let in, and in what order, is what the engine's grants say. An addon that grants in
// another order is obeyed by every API.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { loadRecordedCopy } = require('./support/copies');
const { apisOf } = require('./support/apis');
const { hold } = require('./support/queue');
const { until } = require('./support/until');
const { turn } = require('./support/follow');

/** Reverses what stands at one place of each of some records in the shared array. */
function reverse(words, places) {
  const values = places.map((place) => words[place]);
  for (const place of places) words[place] = values.pop();
}

/** An addon that reports those who are granted together in the reverse order. */
function grantsReversed(functions, words, at) {
  const reversing = (name) => () => {
    functions[name]();
    const events = Array.from({ length: words[at.events] }, (_, i) => at.firstEvent + i * at.eventSize);
    const grants = events.filter((event) => words[event + at.eventKind] === at.kindGranted);
    reverse(
      words,
      grants.map((event) => event + at.eventTag),
    );
  };
  return { end: reversing('end') };
}

/** An addon that takes in the requests that were posted in the reverse order. */
function postedReversed(functions, words, at) {
  const reversing = (name) => () => {
    const entries = Array.from({ length: words[at.posted] }, (_, i) => at.firstPosted + i * at.postedSize);
    const requests = entries.filter((entry) => words[entry + at.postedWhat] < at.postedHold);
    reverse(
      words,
      requests.map((entry) => entry + at.postedTag),
    );
    functions[name]();
  };
  return { end: reversing('end') };
}

/** Has the waiters of a key let in, all of one mode, and says in which order that was. */
async function orderOf(locks, mode, count) {
  const log = [];
  const release = hold(locks, 'write', 'key');
  for (let n = 0; n < count; n++) {
    locks[mode]('key', (releaseNext) => {
      log.push(n);
      releaseNext();
    });
  }
  assert.deepEqual(log, []);
  release();
  await until(() => log.length === count, 'all of them');
  await turn();
  hold(locks, 'write', 'key')();
  await turn();
  return log;
}

describe('readers that are granted together', () => {
  const plain = apisOf(loadRecordedCopy()).filter(({ modes }) => modes.includes('read'));
  const reversed = apisOf(loadRecordedCopy(grantsReversed));
  for (const { name, open } of plain) {
    it(`are notified in the order in which the engine reports it (${name})`, async () => {
      assert.deepEqual(await orderOf(open(), 'read', 5), [0, 1, 2, 3, 4]);
      const other = reversed.find((api) => api.name === name).open();
      assert.deepEqual(await orderOf(other, 'read', 5), [4, 3, 2, 1, 0]);
    });
  }

  it('have the fences that the engine gave them', async () => {
    const { latchkey } = loadRecordedCopy(grantsReversed);
    const locks = new latchkey.Locks();
    const writer = locks.tryWrite('key');
    const reading = [0, 1, 2].map(() => locks.read('key'));
    writer.release();
    const fences = (await Promise.all(reading)).map(({ fence }) => fence - writer.fence);
    assert.deepEqual(fences, [3, 2, 1]);
  });
});

describe('those who were posted', () => {
  const plain = apisOf(loadRecordedCopy());
  const reversed = apisOf(loadRecordedCopy(postedReversed));
  for (const { name, modes, open } of plain) {
    for (const mode of modes) {
      it(`are let in in the order in which the engine has them (${name}, ${mode})`, async () => {
        assert.deepEqual(await orderOf(open(), mode, 5), [0, 1, 2, 3, 4]);
        const other = reversed.find((api) => api.name === name).open();
        // Where the holder may be overdue, the engine itself was asked by the first one.
        const expected = name.includes('expiry') ? [0, 4, 3, 2, 1] : [4, 3, 2, 1, 0];
        assert.deepEqual(await orderOf(other, mode, 5), expected);
      });
    }
  }
});
