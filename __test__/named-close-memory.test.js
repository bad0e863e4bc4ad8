'use strict';
// A named space that was closed leaves nothing behind, not even what was to be done at some later time.

const { it } = require('node:test');
const assert = require('node:assert/strict');
const { Locks } = require('latchkey');
const { memoryAfterGc } = require('./support/gc');
const { freshName } = require('./support/scopes');

const HOUR = 3_600_000;
const COUNT = 20_000;
/** In bytes. An alarm that stayed would cost more: the space's own memory is freed with it. */
const LEAST = 100;

/** Opens a space of its own, where a hold would expire in an hour since another request waits, and closes it. */
function openAndClose() {
  const locks = new Locks({ name: freshName() });
  const hold = locks.tryWrite('key', { expiry: HOUR });
  locks.write('key').catch(() => {});
  locks.close();
  hold.release();
}

it(`${COUNT} spaces, each closed while an expiry was an hour away, leave no memory in use`, async () => {
  const some = async () => {
    for (let i = 0; i < COUNT; i++) {
      openAndClose();
      // Here promises are settled, and what has ended is collected.
      if (i % 1000 === 0) await new Promise(setImmediate);
    }
    return (await memoryAfterGc()).rss;
  };
  let before = await some();
  let grown = Infinity;
  // What is left behind is there each time; what V8 keeps for itself is not.
  for (let round = 0; round < 3 && grown >= LEAST; round++) {
    const after = await some();
    grown = Math.min(grown, (after - before) / COUNT);
    before = after;
  }
  assert.ok(grown < LEAST, `${grown.toFixed(0)} bytes each`);
});
