'use strict';
// A key without holds and requests costs nothing, and a lock object that the program drops is collected with all
// it held.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { faces, telling, expiring, overFaces, overModes } = require('./faces');
const { hold } = require('./support/queue');
const { runWith } = require('./support/child');
const { collectUntil, gc } = require('./support/gc');
const { usage } = require('../lib/native');

const MB = 2 ** 20;

describe('a million different keys, each once', () => {
  // V8 lets its nursery grow by 30 MB where there is much garbage, locks or not: here it may not. And it compiles the
  // code in steps, and keeps memory for each (15 MB on Node 26). Another million keys are behind that when it begins, so
  // that the number says what locks leave behind.
  const options = ['--max-semi-space-size=1'];
  for (const face of faces) {
    for (const mode of face.modes) {
      it(`grow resident memory by less than 20 MB (${face.name}, ${mode})`, async (t) => {
        const { code, stdout, stderr } = await runWith(options, millionKeys, face.name, mode);
        assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
        const { grown, granted, keys } = JSON.parse(stdout);
        t.diagnostic(`${(grown / MB).toFixed(1)} MB`);
        assert.equal(granted, 1_000_000);
        assert.equal(keys, 0);
        assert.ok(grown < 20 * MB, `${grown / MB} MB`);
      });
    }
  }
});

/** The program. */
function millionKeys(name, mode) {
  const { memoryAfterGc } = require('./support/gc');
  const { faces: all } = require('./faces');
  const locks = all.find((face) => face.name === name).open();
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
    const { keys } = require('../lib/native').usage();
    console.log(JSON.stringify({ grown: after.rss - before.rss, granted, keys }));
  })();
}

overModes('what a key costs', faces, (face, mode) => {
  it('is nothing after it was held, waited for and released', () => {
    const locks = face.open();
    const before = usage();
    for (let i = 0; i < 100; i++) {
      const release = hold(locks, mode, `cost ${i}`);
      locks.write(`cost ${i}`, (releaseNext) => releaseNext());
      assert.equal(usage().holds, before.holds + 1);
      assert.equal(usage().waiting, before.waiting + 1);
      release();
    }
    const { keys, holds, waiting } = usage();
    assert.deepEqual(
      { keys, holds, waiting },
      { keys: before.keys, holds: before.holds, waiting: before.waiting },
    );
  });
});

overFaces('a dropped lock object', telling, (face) => {
  it('is collected with its holds and its waiters', async () => {
    gc();
    const before = usage();
    (() => {
      for (let i = 0; i < 50; i++) {
        const locks = face.open();
        hold(locks, 'write', 'key', () => {});
        locks.write('key', () => {});
        hold(locks, 'read', 'other');
      }
    })();
    assert.ok(usage().spaces >= before.spaces + 50);
    await collectUntil(() => usage().spaces <= before.spaces, 'dropped locks to be collected');
    assert.ok(usage().holds <= before.holds);
    assert.ok(usage().waiting <= before.waiting);
  });

  it('is collected with holds that may expire, as long as nobody waits', async () => {
    gc();
    const before = usage().spaces;
    (() => {
      for (let i = 0; i < 50; i++) hold(face.open({ expiry: 60_000 }), 'write', 'key', () => {});
    })();
    await collectUntil(() => usage().spaces <= before, 'dropped locks to be collected');
  });

  it('lives on while somebody can still release one of its holds', async () => {
    let granted = 0;
    const release = (() => {
      const locks = face.open();
      const first = hold(locks, 'write', 'key');
      locks.write('key', () => granted++);
      return first;
    })();
    // Others are collected meanwhile: the collector did run, finalizers too.
    const before = usage().spaces;
    (() => void face.open())();
    await collectUntil(() => usage().spaces <= before, 'another lock to be collected');
    release();
    assert.equal(granted, 1);
  });
});

overFaces('a lock object that stays', expiring, (face) => {
  it('does not keep what it gave to those that were released', async () => {
    const locks = face.open({ expiry: 60_000 });
    const collected = new Set();
    const registry = new FinalizationRegistry((name) => collected.add(name));
    (() => {
      for (const mode of ['read', 'write']) {
        const obtained = (release) => release();
        const released = () => {};
        registry.register(obtained, `${mode} obtained`);
        registry.register(released, `${mode} released`);
        locks[mode](`key ${mode}`, obtained, released);
      }
    })();
    await collectUntil(() => collected.size === 4, 'the callbacks of released holds');
    locks.write('key', (release) => release());
  });
});
