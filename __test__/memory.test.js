'use strict';
// A key without holds and requests costs nothing, and a lock object that the program drops is collected with all
// it held.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { apis, lasting, notifying, expiring, overApis, overModes } = require('./support/apis');
const { hold } = require('./support/queue');
const { runWith } = require('./support/child');
const { collectUntil, memoryAfterGc } = require('./support/gc');

const MB = 2 ** 20;

/**
 * V8 lets its nursery grow by 30 MB where there is much garbage, locks or not: here it may not. And it compiles the code in
 * steps, and keeps memory for each (15 MB on Node 26). So a program does all once before it begins, so that the number says
 * what locks leave behind.
 */
const STEADY = ['--max-semi-space-size=1'];

/** Runs a program, which says by how much resident memory has grown: by less than 20 MB. */
async function assertSteady(t, expected, program, ...args) {
  // What V8 keeps for itself varies by 10 MB and more on a busy machine; what is left behind is there each time.
  let smallest = Infinity;
  for (let attempt = 0; attempt < 3 && smallest >= 20 * MB; attempt++) {
    const { code, stdout, stderr } = await runWith(STEADY, program, ...args);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    const { grown, ...seen } = JSON.parse(stdout);
    t.diagnostic(`${(grown / MB).toFixed(1)} MB`);
    assert.deepEqual(seen, expected);
    smallest = Math.min(grown, smallest);
  }
  assert.ok(smallest < 20 * MB, `${smallest / MB} MB`);
}

describe('a million different keys, each once', () => {
  for (const api of [...apis, lasting]) {
    for (const mode of api.modes) {
      it(`grow resident memory by less than 20 MB (${api.name}, ${mode})`, (t) =>
        assertSteady(t, { granted: 1_000_000 }, millionKeys, api.name, mode));
    }
  }
});

/** The program. */
function millionKeys(name, mode) {
  const { memoryAfterGc } = require('./support/gc');
  const { apis, lasting } = require('./support/apis');
  const locks = [...apis, lasting].find((api) => api.name === name).open();
  let granted = 0;
  const once = (release) => {
    granted++;
    release();
  };
  (async () => {
    for (let i = 0; i < 1_000_000; i++) locks[mode](`warm:${i}`, once);
    granted = 0;
    const before = await memoryAfterGc();
    for (let i = 0; i < 1_000_000; i++) locks[mode](`user:${i}`, once);
    const after = await memoryAfterGc();
    console.log(JSON.stringify({ grown: after.rss - before.rss, granted }));
  })();
}

describe('half a million different keys, each held, waited for and released', () => {
  // One that the engine kept would cost more than a hundred bytes, and so 50 MB together.
  const KEYS = 500_000;
  // The package itself is the same as the two others.
  const different = apis.filter(({ name }) => !name.startsWith('latchkey'));
  for (const api of [...different, lasting]) {
    for (const mode of api.modes) {
      it(`grow resident memory by less than 20 MB (${api.name}, ${mode})`, (t) =>
        assertSteady(t, { granted: 2 * KEYS }, contendedKeys, api.name, mode, KEYS));
    }
  }
});

/** The program. */
async function contendedKeys(name, mode, count) {
  const { memoryAfterGc } = require('./support/gc');
  const { apis, lasting } = require('./support/apis');
  const { hold } = require('./support/queue');
  const locks = [...apis, lasting].find((api) => api.name === name).open();
  let granted = 0;
  const once = (release) => {
    granted++;
    release();
  };
  const use = (key) => {
    const release = hold(locks, mode, key);
    locks.write(key, once);
    release();
  };
  for (let i = 0; i < count; i++) use(`warm:${i}`);
  const before = await memoryAfterGc();
  for (let i = 0; i < count; i++) use(`user:${i}`);
  const after = await memoryAfterGc();
  console.log(JSON.stringify({ grown: after.rss - before.rss, granted }));
}

overModes('what a key costs', [...apis, lasting], (api, mode) => {
  const locks = api.open();
  /** Has keys held, waited for and released. */
  const use = (from, count) => {
    for (let i = from; i < from + count; i++) {
      const release = hold(locks, mode, `cost ${i}`);
      let granted = 0;
      locks.write(`cost ${i}`, (releaseNext) => {
        granted++;
        releaseNext();
      });
      release();
      assert.equal(granted, 1);
    }
  };

  it('is nothing after it was held, waited for and released', async () => {
    use(0, 2000);
    const before = await memoryAfterGc();
    use(2000, 20_000);
    const after = await memoryAfterGc();
    // Each would cost more than a hundred bytes.
    assert.ok(after.heapUsed - before.heapUsed < MB, `heap: ${before.heapUsed} to ${after.heapUsed}`);
  });
});

/** Counts those that the collector has reported. */
function collector() {
  const collected = new Set();
  const registry = new FinalizationRegistry((name) => collected.add(name));
  /** @returns {() => void} a callback that does nothing, to be counted when it is collected */
  const callback = (name) => {
    const named = () => void name;
    registry.register(named, name);
    return named;
  };
  return { collected, callback };
}

overApis('a dropped lock object', notifying, (api) => {
  it('is collected with its holds and its waiters', async () => {
    const { collected, callback } = collector();
    (() => {
      for (let i = 0; i < 50; i++) {
        const locks = api.open();
        hold(locks, 'write', 'key', callback(`writer ${i}`));
        locks.write('key', callback(`waiting writer ${i}`));
        locks.read('key', callback(`waiting reader ${i}`), callback(`end of ${i}`));
        hold(locks, 'read', 'other');
      }
    })();
    await collectUntil(() => collected.size === 200, 'dropped locks to be collected');
  });

  it('is collected with holds that may expire, as long as nobody waits', async () => {
    const { collected, callback } = collector();
    (() => {
      for (let i = 0; i < 50; i++) {
        const locks = api.open({ expiry: 60_000 });
        hold(locks, 'write', 'key', callback(`writer ${i}`));
        // The second one has the engine asked, which knows of both then.
        for (const n of [0, 1]) hold(locks, 'read', 'other', callback(`reader ${n} of ${i}`));
      }
    })();
    await collectUntil(() => collected.size === 150, 'dropped locks to be collected');
  });

  // Were the space kept, each of those would cost a hundred bytes there, and so 50 MB together.
  for (const sort of ['waiters', 'holds that may expire']) {
    it(`leaves no memory behind in the engine: 500 of them, each with 1,000 ${sort}`, (t) =>
      assertSteady(t, { collected: 600 }, dropLocks, api.name, sort));
  }

  for (const expiry of [undefined, 60_000]) {
    const which = expiry === undefined ? 'without an expiry' : 'with an expiry';
    it(`lives on while somebody can still release one of its holds (${which})`, async () => {
      let granted = 0;
      const { collected, callback } = collector();
      const release = (() => {
        const locks = api.open({ expiry });
        const first = hold(locks, 'write', 'key');
        locks.write('key', (releaseNext) => {
          granted++;
          releaseNext();
        });
        // Others are collected meanwhile: the collector did run, finalizers too.
        hold(api.open({ expiry }), 'write', 'key', callback('another'));
        return first;
      })();
      await collectUntil(() => collected.size === 1, 'another lock to be collected');
      assert.equal(granted, 0);
      release();
      assert.equal(granted, 1);
    });
  }
});

/** The program: 100 that only warm up, then 500 more. */
async function dropLocks(name, sort) {
  const { collectUntil, memoryAfterGc } = require('./support/gc');
  const { notifying } = require('./support/apis');
  const { hold } = require('./support/queue');
  const api = notifying.find((each) => each.name === name);
  const [expiry, mode] = sort === 'waiters' ? [undefined, 'write'] : [600_000, 'read'];
  let [dropped, collected] = [0, 0];
  const registry = new FinalizationRegistry(() => collected++);
  // A function that returns: a frame that waits might keep the last one.
  const dropOne = () => {
    const locks = api.open({ expiry });
    const obtained = () => {};
    registry.register(obtained, null);
    hold(locks, mode, 'key', obtained);
    for (let n = 0; n < 1000; n++) locks[mode]('key', () => {});
  };
  const drop = async (count) => {
    for (let i = 0; i < count; i++) dropOne();
    dropped += count;
    await collectUntil(() => collected === dropped, 'dropped locks to be collected');
    return memoryAfterGc();
  };
  const before = await drop(100);
  for (let round = 0; round < 4; round++) await drop(100);
  const after = await drop(100);
  console.log(JSON.stringify({ grown: after.rss - before.rss, collected }));
}

overApis('a lock object that stays', expiring, (api) => {
  for (const expiry of [undefined, 60_000]) {
    const which = expiry === undefined ? 'without an expiry' : 'with an expiry';
    it(`does not keep what it gave to those that were released (${which})`, async () => {
      const locks = api.open({ expiry });
      const collected = new Set();
      const registry = new FinalizationRegistry((name) => collected.add(name));
      (() => {
        const ask = (mode, key, name) => {
          const obtained = (release) => release();
          const released = () => {};
          registry.register(obtained, `${name} obtained`);
          registry.register(released, `${name} released`);
          locks[mode](key, obtained, released);
        };
        for (const mode of ['read', 'write']) ask(mode, `key ${mode}`, mode);
        const release = hold(locks, 'write', 'contended');
        for (const name of ['write 1', 'write 2', 'read 3', 'read 4', 'write 5', 'read 6']) {
          ask(name.split(' ')[0], 'contended', `waiting ${name}`);
        }
        release();
      })();
      await collectUntil(() => collected.size === 16, 'the callbacks of released holds');
      for (const key of ['key read', 'key write', 'contended']) hold(locks, 'write', key)();
    });
  }
});
