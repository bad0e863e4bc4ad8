'use strict';
// A worker that holds a write lock dies in each way there is, or blocks its event loop past the expiry: who waits
// elsewhere is served at once, and knows that the data may be half written. `npm run torture` does it 1,000 times each.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { Worker } = require('node:worker_threads');
const { once } = require('node:events');
const { Locks } = require('latchkey');
const { witnessDeath, describeTimes, inTime, WAYS, LIMIT } = require('./torture/deaths');

const TIMES = 25;

describe(`a waiter is served within ${LIMIT} ms when the holder`, () => {
  for (const way of WAYS) {
    it(`${way}, ${TIMES} times`, async (t) => {
      const seen = [];
      for (let i = 0; i < TIMES; i++) seen.push(await witnessDeath(way));
      t.diagnostic(describeTimes(seen));
      for (const { ms, stalled, ...rest } of seen) {
        assert.deepEqual(rest, { recovered: true, fenceGrew: true, healed: true });
        assert.ok(inTime({ ms, stalled }), `served after ${ms} ms, without a processor for ${stalled} ms`);
      }
    });
  }
});

describe('recovered stays until a writer that saw it has released', () => {
  const locks = new Locks({ name: 'seen by nobody' });

  /** A worker dies while it writes these keys. */
  async function leaveHalfWritten(...keys) {
    const program = `
      const { Locks } = require('latchkey');
      const locks = new Locks({ name: 'seen by nobody' });
      if (${JSON.stringify(keys)}.some((key) => locks.tryWrite(key) === null)) throw new Error('not free');
    `;
    await once(new Worker(program, { eval: true }), 'exit');
    for (const key of keys) assert.equal(isRecovered(key), true);
  }

  function isRecovered(key) {
    const hold = locks.tryRead(key);
    hold.release();
    return hold.recovered;
  }

  it('though a writer takes it that fails to take another key with it', async () => {
    await leaveHalfWritten('a');
    const other = locks.tryWrite('b');
    assert.equal(locks.tryWrite(['a', 'b']), null);
    assert.equal(isRecovered('a'), true);
    other.release();
  });

  it('though a writer of several keys stops waiting', async () => {
    await leaveHalfWritten('c');
    const other = locks.tryWrite('d');
    await assert.rejects(locks.write(['c', 'd'], { timeout: 1 }), { code: 'ERR_LOCK_TIMEOUT' });
    assert.equal(isRecovered('c'), true);
    other.release();
  });

  it('though a writer is granted it and aborts before it learns of that', async () => {
    await leaveHalfWritten('e');
    const program = `
      const { parentPort } = require('node:worker_threads');
      const { Locks } = require('latchkey');
      const hold = new Locks({ name: 'seen by nobody' }).tryRead('e');
      parentPort.once('message', () => hold.release());
      parentPort.postMessage('holds');
    `;
    const worker = new Worker(program, { eval: true });
    await once(worker, 'message');
    const controller = new AbortController();
    const waits = locks.write('e', { signal: controller.signal });
    worker.postMessage('release');
    // This thread's event loop does not turn, so that it cannot be notified.
    while (locks.query().pending.length > 0);
    controller.abort();
    await assert.rejects(waits, { name: 'AbortError' });
    assert.equal(isRecovered('e'), true);
  });

  it('and no longer', async () => {
    await leaveHalfWritten('f');
    locks.tryWrite('f').release();
    assert.equal(isRecovered('f'), false);
  });
});
