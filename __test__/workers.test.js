'use strict';
// Worker threads that end at any moment, in any way: their locks are gone, the process is healthy.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { run, withoutWarning } = require('./support/child');
const { seed } = require('./support/random');

describe('200 workers that hold, wait and die at random moments', () => {
  it('leave no hold and no waiter behind, and the process ends well', async (t) => {
    t.diagnostic(`seed ${seed}`);
    const { code, signal, stdout, stderr } = await run(killWorkers, seed, 200);
    assert.deepEqual({ code, signal, stderr: withoutWarning(stderr) }, { code: 0, signal: null, stderr: '' });
    const { left, ended, stillWorks } = JSON.parse(stdout);
    t.diagnostic(JSON.stringify(ended));
    assert.deepEqual(left, { held: [], pending: [] });
    assert.equal(
      Object.values(ended).reduce((a, b) => a + b),
      200,
    );
    assert.deepEqual(Object.keys(ended).toSorted(), ['exit', 'return', 'terminate', 'throw']);
    assert.equal(stillWorks, true);
  });
});

/** The program: batches of workers, each with its way and its moment to end. */
async function killWorkers(seedOfRun, total) {
  const { Worker } = require('node:worker_threads');
  const { randomFrom } = require('./support/random');
  const { Lock, Locks } = require('latchkey');
  const random = randomFrom(seedOfRun);
  const ended = {};
  const lock = new Lock(1);
  const shared = new Locks({ name: 'dying workers' });
  const live = () =>
    new Promise((resolve, reject) => {
      const end = random.pick(['terminate', 'terminate', 'exit', 'throw', 'return']);
      const delay = random.below(12);
      // Sometimes before the worker has even started.
      const terminateAt = random.below(4) === 0 ? random.below(40) : null;
      const workerData = { end, delay, seed: random.below(2 ** 31) };
      const worker = new Worker(require.resolve('./support/worker-that-dies'), { workerData });
      const terminate = () => setTimeout(() => worker.terminate(), delay);
      if (end === 'terminate') {
        if (terminateAt === null) worker.once('message', terminate);
        else setTimeout(() => worker.terminate(), terminateAt);
      }
      worker.on('error', (error) => error.message !== 'meant to be thrown' && reject(error));
      worker.on('exit', () => {
        ended[end] = (ended[end] ?? 0) + 1;
        resolve();
      });
    });
  const lane = async (count) => {
    for (let i = 0; i < count; i++) {
      await live();
      // This thread's own locks work meanwhile, expiry and all.
      lock.writeLock('key', null, () => {});
      await new Promise((resolve) => lock.writeLock('key', null, (release) => resolve(release())));
    }
  };
  await Promise.all(Array.from({ length: 8 }, () => lane(total / 8)));
  const left = shared.query();
  const stillWorks = await new Promise((resolve) => {
    lock.writeLock('end', null, () => {});
    lock.writeLock('end', null, () => resolve(true));
  });
  console.log(JSON.stringify({ left, ended, stillWorks }));
}
