'use strict';
// Several processes on one space of a store: random programs, deaths included, and the checker of history.test.js.
// `npm run torture -- --store` does it more often.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { useRedis, withoutRedis } = require('./support/redis');
const { StoreTorture } = require('./torture/run-store');

const SEEDS = 8;

describe('three processes and this one on a store', { skip: withoutRedis }, () => {
  const redis = useRedis();

  it(`keep every promise, ${SEEDS} seeds`, { timeout: 300_000 }, async (t) => {
    const torture = new StoreTorture(redis);
    const sums = {};
    // Other seeds in each run, so that each run may find something new.
    const start = Number(process.env.LATCHKEY_SEED ?? Date.now() % 1_000_000);
    for (let seed = start; seed < start + SEEDS; seed++) {
      const { complaints, proven, deaths } = await torture.run(seed);
      assert.deepEqual(complaints, [], `seed ${seed}; again: npm run torture -- --store --seed ${seed}`);
      for (const [what, count] of Object.entries({ ...proven, deaths }))
        sums[what] = (sums[what] ?? 0) + count;
    }
    assert.deepEqual(await torture.end(), { queues: 0, requests: 0 });
    t.diagnostic(`seeds from ${start}; proven: ${JSON.stringify(sums)}`);
    for (const what of ['grants', 'exclusion', 'order', 'recovered']) assert.ok(sums[what] > 0, what);
  });
});
