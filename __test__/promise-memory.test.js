'use strict';
// What the promise API leaves in memory of many requests, keys and lock objects that have ended: nothing, not even what was to be
// done at some later time.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { Locks } = require('latchkey');
const { run, runWith } = require('./support/child');
const { memoryAfterGc } = require('./support/gc');
const { useRedis, withoutRedis } = require('./support/redis');
const { freshName } = require('./support/scopes');

const MB = 2 ** 20;
/** V8 may not let its nursery grow: then resident memory says what stays. */
const STEADY = ['--max-semi-space-size=1'];

describe('100,000 requests for one key', () => {
  for (const kind of ['private', 'named']) {
    for (const mode of ['read', 'write']) {
      it(`keep their order, and give their memory back (${kind}, ${mode})`, async (t) => {
        const { code, stdout, stderr } = await run(manyWaiters, kind, mode);
        assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
        const { waiting, inOrder, grown, left } = JSON.parse(stdout);
        t.diagnostic(`${(grown / MB).toFixed(1)} MB`);
        assert.deepEqual({ waiting, inOrder }, { waiting: 100_000, inOrder: true });
        assert.deepEqual(left, { held: [], pending: [] });
        assert.ok(grown < 20 * MB, `${grown / MB} MB of heap stay`);
      });
    }
  }
});

/** The program. */
async function manyWaiters(kind, mode) {
  const { Locks } = require('latchkey');
  const { memoryAfterGc: measure } = require('./support/gc');
  const locks = new Locks(kind === 'named' ? { name: 'space' } : {});
  const round = async (count) => {
    const first = await locks.write('key');
    let next = 0;
    let inOrder = true;
    let calls = [];
    for (let i = 0; i < count; i++) {
      calls.push(
        locks[mode]('key', () => {
          inOrder &&= i === next++;
        }),
      );
    }
    const waiting = locks.query().pending.length;
    first.release();
    await Promise.all(calls);
    calls = [];
    return { waiting, inOrder: inOrder && next === count };
  };
  await round(1000);
  const before = await measure();
  const result = await round(100_000);
  const after = await measure();
  const left = locks.query();
  locks.tryWrite('key').release();
  console.log(JSON.stringify({ ...result, grown: after.heapUsed - before.heapUsed, left }));
}

describe('a million keys, each once', () => {
  for (const kind of ['private', 'named']) {
    it(`grow resident memory by less than 20 MB (${kind})`, async (t) => {
      const { code, stdout, stderr } = await runWith(STEADY, millionKeys, kind);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      const { grown, ran } = JSON.parse(stdout);
      t.diagnostic(`${(grown / MB).toFixed(1)} MB`);
      assert.equal(ran, 1_000_000);
      assert.ok(grown < 20 * MB, `${grown / MB} MB`);
    });
  }
});

/** The program. */
async function millionKeys(kind) {
  const { Locks } = require('latchkey');
  const { memoryAfterGc: measure } = require('./support/gc');
  const locks = new Locks(kind === 'named' ? { name: 'space' } : {});
  let ran = 0;
  const work = async (from, to) => {
    for (let i = from; i < to; i++) await locks[i % 2 === 0 ? 'read' : 'write'](`user:${i}`, () => ran++);
  };
  // V8 compiles the code in steps, and keeps memory for each (16 MB on Node 26). Another million keys are behind that
  // when it begins, so that the number says what locks leave behind.
  await work(-1_000_000, 0);
  ran = 0;
  const before = await measure();
  await work(0, 1_000_000);
  const after = await measure();
  console.log(JSON.stringify({ grown: after.rss - before.rss, ran }));
}

describe('the memory of a Locks that is closed', () => {
  const redis = useRedis();
  const LOCKS = 10_000;
  const ROUNDS = 5;
  /** Were they kept, each would cost 800 bytes (in a store), 1,000 (private) or 6,000 (named), and so 40 MB together. */
  const LIMIT = 15 * MB;

  for (const kind of ['private', 'named', 'stored']) {
    const skip = kind === 'stored' && withoutRedis;
    it(`comes back, at once or with the last hold (${kind})`, { skip }, async (t) => {
      const place = { private: {}, named: { name: 'space' }, stored: { name: 'space', store: redis.url } }[
        kind
      ];
      const { code, stdout, stderr } = await runWith(STEADY, closeMany, place, LOCKS, ROUNDS);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      const resident = JSON.parse(stdout);
      t.diagnostic(`after each round: ${resident.map((rss) => (rss / MB).toFixed(1)).join(', ')} MB`);
      const grown = resident.at(-1) - resident[0];
      assert.ok(grown < LIMIT, `${grown / MB} MB`);
    });
  }
});

/** The program: it says how much memory is resident after each round, of which the first one only warms up. */
async function closeMany(place, count, rounds) {
  const { Locks } = require('latchkey');
  const { memoryAfterGc } = require('./support/gc');
  let spaces = 0;
  const closeOne = async () => {
    const named = place.name && { ...place, name: `${place.name} ${process.pid} ${spaces++}` };
    const locks = new Locks(named ?? {});
    // A store's would take a second for a thousand.
    if (place.store) return locks.close();
    const hold = locks.tryWrite('key');
    const waiting = locks.write('key').catch(({ code }) => code);
    locks.close();
    hold.release();
    if ((await waiting) !== 'ERR_LOCK_CLOSED') throw new Error('it was not closed');
  };
  const resident = [];
  for (let round = 0; round <= rounds; round++) {
    for (let i = 0; i < count; i++) await closeOne();
    resident.push((await memoryAfterGc()).rss);
  }
  console.log(JSON.stringify(resident));
}

const HOUR = 3_600_000;
const SPACES = 20_000;
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

it(`${SPACES} spaces, each closed while an expiry was an hour away, leave no memory in use`, async () => {
  const some = async () => {
    for (let i = 0; i < SPACES; i++) {
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
    grown = Math.min(grown, (after - before) / SPACES);
    before = after;
  }
  assert.ok(grown < LEAST, `${grown.toFixed(0)} bytes each`);
});
