'use strict';
// A call in a named space, while events of many other keys wait to be delivered: it reads each of them once at most, and
// has the event loop deliver them once.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { createHook } = require('node:async_hooks');
const { Locks } = require('latchkey');
const { freshName } = require('./support/scopes');
const { block } = require('./support/until');

/** Enough that a walk through them shows, beside what a call costs otherwise. */
const MANY = 4000;
const FEW = 4;

/**
 * Runs something while so many time-outs, each of a key of its own, wait to be delivered.
 *
 * @template T
 * @param {number} count
 * @param {(locks: InstanceType<typeof Locks>) => T} run at once: the events must not be delivered before
 * @returns {Promise<T>}
 */
async function withUnread(count, run) {
  const locks = new Locks({ name: freshName() });
  const holds = [];
  const waits = [];
  for (let i = 0; i < count; i++) {
    holds.push(locks.tryWrite(`held ${i}`));
    waits.push(locks.write(`held ${i}`, { timeout: 10 }));
  }
  const codes = waits.map((call) =>
    call.then(
      () => 'granted',
      (error) => error.code,
    ),
  );
  // The clock's thread needs some time for so many.
  block(60);
  const result = run(locks);
  assert.deepEqual(new Set(await Promise.all(codes)), new Set(['ERR_LOCK_TIMEOUT']));
  holds.forEach((hold) => hold.release());
  locks.close();
  return result;
}

/** The median cost of a try, in microseconds. The first one, which reads the events, is one of many. */
function costOfTry(locks) {
  const costs = [];
  for (let i = 0; i < 201; i++) {
    const start = process.hrtime.bigint();
    const hold = locks.tryWrite('free');
    costs.push(Number(process.hrtime.bigint() - start) / 1000);
    hold.release();
  }
  return costs.sort((a, b) => a - b)[100];
}

describe('events of other keys that wait to be delivered', () => {
  it('do not make a call dearer, however many they are', async (t) => {
    // Once to warm up.
    await withUnread(FEW, costOfTry);
    const few = [];
    const many = [];
    for (let i = 0; i < 3; i++) {
      few.push(await withUnread(FEW, costOfTry));
      many.push(await withUnread(MANY, costOfTry));
    }
    const ratio = Math.min(...many) / Math.min(...few);
    t.diagnostic(`a try beside ${MANY} events: ${ratio.toFixed(1)} times one beside ${FEW}`);
    assert.ok(ratio < 20, `${ratio.toFixed(1)} times`);
  });

  it('are delivered by one turn of the event loop, however many calls there are before', async (t) => {
    let immediates = 0;
    const hook = createHook({ init: (_id, type) => type === 'Immediate' && immediates++ });
    const count = await withUnread(MANY, (locks) => {
      hook.enable();
      for (let i = 0; i < 100; i++) locks.tryWrite(`free ${i}`).release();
      hook.disable();
      return immediates;
    });
    t.diagnostic(`${count} immediates for 200 calls`);
    // One to deliver, and one for another purpose perhaps.
    assert.ok(count <= 2, `${count} immediates`);
  });
});
