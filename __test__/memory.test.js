'use strict';
// A key without holds and requests costs nothing, and a lock object that the program drops is collected with all
// it held.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { faces, lasting, telling, expiring, overFaces, overModes } = require('./faces');
const { hold } = require('./support/queue');
const { runWith } = require('./support/child');
const { collectUntil, gc, memoryAfterGc } = require('./support/gc');
const { usageNow } = require('./support/usage');

const MB = 2 ** 20;

describe('a million different keys, each once', () => {
  // V8 lets its nursery grow by 30 MB where there is much garbage, locks or not: here it may not. And it compiles the
  // code in steps, and keeps memory for each (15 MB on Node 26). Another million keys are behind that when it begins, so
  // that the number says what locks leave behind.
  const options = ['--max-semi-space-size=1'];
  for (const face of [...faces, lasting]) {
    for (const mode of face.modes) {
      it(`grow resident memory by less than 20 MB (${face.name}, ${mode})`, async (t) => {
        // What V8 keeps for itself varies by 10 MB and more on a busy machine; what is left behind is there each time.
        let grown = Infinity;
        for (let attempt = 0; attempt < 3 && grown >= 20 * MB; attempt++) {
          const { code, stdout, stderr } = await runWith(options, millionKeys, face.name, mode);
          assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
          const seen = JSON.parse(stdout);
          t.diagnostic(`${(seen.grown / MB).toFixed(1)} MB`);
          assert.equal(seen.granted, 1_000_000);
          assert.equal(seen.keys, 0);
          grown = Math.min(grown, seen.grown);
        }
        assert.ok(grown < 20 * MB, `${grown / MB} MB`);
      });
    }
  }
});

/** The program. */
function millionKeys(name, mode) {
  const { memoryAfterGc } = require('./support/gc');
  const { faces, lasting } = require('./faces');
  const locks = [...faces, lasting].find((face) => face.name === name).open();
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

overModes('what a key costs', [...faces, lasting], (face, mode) => {
  const locks = face.open();
  /** Has keys held, waited for and released, and gives what the last of them took while it was in use. */
  const use = (from, count) => {
    let used;
    for (let i = from; i < from + count; i++) {
      const release = hold(locks, mode, `cost ${i}`);
      let granted = 0;
      locks.write(`cost ${i}`, (releaseNext) => {
        granted++;
        releaseNext();
      });
      used = usageNow();
      release();
      assert.equal(granted, 1);
    }
    return used;
  };

  it('is nothing after it was held, waited for and released', async () => {
    const engine = usageNow();
    use(0, 2000);
    const before = await memoryAfterGc();
    use(2000, 20_000);
    const after = await memoryAfterGc();
    // Each would cost more than a hundred bytes.
    assert.ok(after.heapUsed - before.heapUsed < MB, `heap: ${before.heapUsed} to ${after.heapUsed}`);
    const { keys, holds, waiting } = usageNow();
    assert.deepEqual(
      { keys, holds, waiting },
      { keys: engine.keys, holds: engine.holds, waiting: engine.waiting },
    );
  });

  it('is a key, a hold and a waiter in the engine', () => {
    const { keys, holds, waiting } = usageNow();
    const used = use(0, 1);
    assert.deepEqual([used.keys - keys, used.holds - holds, used.waiting - waiting], [1, 1, 1]);
  });
});

/** Counts those of which the collector has told. */
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

overFaces('a dropped lock object', telling, (face) => {
  it('is collected with its holds and its waiters', async () => {
    gc();
    const before = usageNow();
    const { collected, callback } = collector();
    (() => {
      for (let i = 0; i < 50; i++) {
        const locks = face.open();
        hold(locks, 'write', 'key', callback(`writer ${i}`));
        locks.write('key', callback(`waiting writer ${i}`));
        locks.read('key', callback(`waiting reader ${i}`), callback(`end of ${i}`));
        hold(locks, 'read', 'other');
      }
    })();
    const all = () => collected.size === 200 && usageNow().spaces <= before.spaces;
    await collectUntil(all, 'dropped locks to be collected');
    assert.ok(usageNow().holds <= before.holds);
    assert.ok(usageNow().waiting <= before.waiting);
  });

  it('is collected with holds that may expire, as long as nobody waits', async () => {
    gc();
    const before = usageNow();
    const { collected, callback } = collector();
    (() => {
      for (let i = 0; i < 50; i++) {
        const locks = face.open({ expiry: 60_000 });
        hold(locks, 'write', 'key', callback(`writer ${i}`));
        // The second one has the engine asked, which knows of both then.
        for (const n of [0, 1]) hold(locks, 'read', 'other', callback(`reader ${n} of ${i}`));
      }
    })();
    assert.ok(usageNow().spaces >= before.spaces + 50);
    assert.ok(usageNow().holds >= before.holds + 100);
    const all = () => collected.size === 150 && usageNow().spaces <= before.spaces;
    await collectUntil(all, 'dropped locks to be collected');
    assert.ok(usageNow().holds <= before.holds);
  });

  for (const expiry of [undefined, 60_000]) {
    const which = expiry === undefined ? 'without an expiry' : 'with an expiry';
    it(`lives on while somebody can still release one of its holds (${which})`, async () => {
      let granted = 0;
      const { collected, callback } = collector();
      const release = (() => {
        const locks = face.open({ expiry });
        const first = hold(locks, 'write', 'key');
        locks.write('key', (releaseNext) => {
          granted++;
          releaseNext();
        });
        // Others are collected meanwhile: the collector did run, finalizers too.
        hold(face.open({ expiry }), 'write', 'key', callback('another'));
        return first;
      })();
      await collectUntil(() => collected.size === 1, 'another lock to be collected');
      assert.equal(granted, 0);
      release();
      assert.equal(granted, 1);
    });
  }
});

overFaces('a lock object that stays', expiring, (face) => {
  for (const expiry of [undefined, 60_000]) {
    const which = expiry === undefined ? 'without an expiry' : 'with an expiry';
    it(`does not keep what it gave to those that were released (${which})`, async () => {
      const locks = face.open({ expiry });
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
