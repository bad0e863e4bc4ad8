'use strict';
// `recovered` on the promise API: what a writer guarded whose hold was taken away may be half done. Whoever holds the key after it
// is shown that, until a writer that saw it has released.

const { it } = require('node:test');
const assert = require('node:assert/strict');
const { overScopes } = require('./support/scopes');
const { errorOf } = require('./support/follow');

overScopes('what an expired writer leaves', (open) => {
  it('is marked recovered, until a writer that saw it releases normally', async () => {
    const locks = open({ expiry: 5 });
    const lost = await locks.write('key');
    const reader = await locks.read('key', { expiry: 0 });
    assert.equal(lost.signal.reason.code, 'ERR_LOCK_EXPIRED');
    assert.equal(lost.recovered, false);
    assert.equal(reader.recovered, true);
    assert.equal((await locks.query()).held[0].recovered, true);
    reader.release();
    // A reader heals nothing, nor does the late release of the one that was taken away.
    lost.release();
    const again = await locks.read('key', { expiry: 0 });
    assert.equal(again.recovered, true);
    again.release();
    const writer = await locks.write('key', { expiry: 0 });
    assert.equal(writer.recovered, true);
    writer.release();
    assert.equal(await locks.write('key', ({ recovered }) => recovered), false);
    assert.equal(await locks.read('key', ({ recovered }) => recovered), false);
    assert.equal(await locks.write('other', ({ recovered }) => recovered), false);
  });

  it('stays marked, if the writer that saw it is taken away too', async () => {
    const locks = open({ expiry: 5 });
    await locks.write('key');
    const second = await locks.write('key');
    assert.equal(second.recovered, true);
    const third = await locks.write('key', { expiry: 0 });
    assert.equal(third.recovered, true);
    third.release();
  });

  it('is not marked by a reader', async () => {
    const locks = open({ expiry: 5 });
    const lost = await locks.read('key');
    const writer = await locks.write('key', { expiry: 0 });
    assert.equal(lost.signal.reason.code, 'ERR_LOCK_EXPIRED');
    assert.equal(writer.recovered, false);
    writer.release();
  });

  it('is not healed by an attempt that its program never saw', async () => {
    const locks = open({ expiry: 5 });
    await locks.write('b');
    (await locks.read('b', { expiry: 0 })).release();
    const held = await locks.tryWrite('c', { expiry: 0 });
    // Each of these takes `b` on the way, and gives it back without having handed it to anybody.
    assert.equal(await locks.tryWrite(['b', 'c'], { expiry: 0 }), null);
    assert.equal(
      (await errorOf(locks.write(['b', 'c'], { expiry: 0, timeout: 5 }))).code,
      'ERR_LOCK_TIMEOUT',
    );
    held.release();
    assert.equal(await locks.write('b', { expiry: 0 }, ({ recovered }) => recovered), true);
  });
});
