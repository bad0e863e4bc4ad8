'use strict';
// Several processes on one space of a store: random programs, deaths included, and the checker of history.test.js.
// `npm run torture -- --store` does it more often.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { useRedis, withoutRedis } = require('./support/redis');
const { StoreTorture } = require('./torture/run-store');
const { ServerLog } = require('./torture/server-log');

const SEEDS = 8;
/** So many at most, until something of each sort has been proven: few of what dies leaves a proof of `recovered`. */
const MOST_SEEDS = 80;
const PROVEN = ['grants', 'exclusion', 'order', 'served', 'rises', 'recovered'];

describe("the checker of the server's own log", () => {
  // In the words of MONITOR: a writer is granted, another one waits and is served, and a reader is in the queue behind it.
  const step = (words) => `1.2 [0 lua] ${words.map((word) => `"${word}"`).join(' ')}`;
  const [H, Q] = ['h', 'q'].map((sort) => `{latchkey:0}:${sort}:5:space:key`);
  const grant = (mode, id, fence) => ['HSET', H, 'mode', mode, 'due', '0', id, `${fence}|0|0`];
  const GOOD = [
    grant('w', 's.1', 10),
    ['ZADD', Q, '11', 's.2'],
    ['ZADD', Q, '12', 't.1'],
    ['ZADD', Q, '13', 't.2'],
    ['DEL', H],
    grant('w', 's.2', 14),
    ['ZREM', Q, 's.2'],
    ['HSET', H, 'mode', 'r'],
    grant('r', 't.1', 15),
    ['ZREM', Q, 't.1'],
    ['HDEL', H, 's.2'],
    ['HSET', H, 'recovered', '1'],
    grant('r', 't.2', 16),
    ['ZREM', Q, 't.2'],
    ['HDEL', H, 't.1', 'mode', 'due'],
    ['HDEL', H, 't.2', 'mode', 'due'],
  ];

  /** What is said of these steps, to holders of which one was given this fence. */
  async function said(steps, fence = 16) {
    const log = new ServerLog({
      command: async (...words) => log.read(`1.2 [0 unix:/s] ${step(words).slice(12)}`),
    });
    for (const words of steps) log.read(step(words));
    return log.check('space', [fence]);
  }

  it('has nothing against a good one, and proves what there is to prove', async () => {
    assert.deepEqual(await said(GOOD), { complaints: [], proven: { served: 3, rises: 7 } });
  });

  const changed = (at, ...steps) => GOOD.toSpliced(at, 1, ...steps);
  const broken = {
    'whose ticket is lower': changed(5, grant('w', 't.1', 14)),
    's.9 is granted before s.2': changed(4, ['DEL', H], grant('w', 's.9', 14)),
    'the ticket 12 comes after 12': changed(1, ['ZADD', Q, '12', 's.2']),
    'the fence 13 comes after 13': changed(5, grant('w', 's.2', 13)),
    's.2 is let in beside s.1': changed(4),
    't.1 is let in beside s.2': changed(7),
  };
  for (const [words, steps] of Object.entries(broken)) {
    it(`complains: ${words}`, async () => {
      const { complaints } = await said(steps);
      assert.ok(
        complaints.some((each) => each.includes(words)),
        JSON.stringify(complaints),
      );
    });
  }

  it('complains of a fence that a holder was given and the server never gave', async () => {
    assert.deepEqual((await said(GOOD, 17)).complaints, ['the server never gave the fence 17']);
  });
});

describe('three processes and this one on a store', { skip: withoutRedis }, () => {
  const redis = useRedis();

  it(`keep every promise, ${SEEDS} seeds and more`, { timeout: 300_000 }, async (t) => {
    const [torture] = await StoreTorture.several(1, redis);
    const sums = {};
    // Other seeds in each run, so that each run may find something new.
    const start = Number(process.env.LATCHKEY_SEED ?? Date.now() % 1_000_000);
    const isDone = (runs) => runs >= MOST_SEEDS || (runs >= SEEDS && PROVEN.every((what) => sums[what] > 0));
    for (let seed = start; !isDone(seed - start); seed++) {
      const { complaints, proven, deaths } = await torture.run(seed);
      assert.deepEqual(complaints, [], `seed ${seed}; again: npm run torture -- --store --seed ${seed}`);
      for (const [what, count] of Object.entries({ ...proven, deaths }))
        sums[what] = (sums[what] ?? 0) + count;
    }
    for (const [what, count] of Object.entries(await torture.end())) assert.equal(count, 0, what);
    t.diagnostic(`seeds from ${start}; proven: ${JSON.stringify(sums)}`);
    for (const what of PROVEN) assert.ok(sums[what] > 0, what);
  });
});
