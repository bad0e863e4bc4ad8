'use strict';
// What a hold is and does: its properties, released once, disposed, downgraded.

const { it } = require('node:test');
const assert = require('node:assert/strict');
const { Hold } = require('latchkey');
const { overScopes, overScopesAndModes, TRY, assertFree } = require('./support/scopes');
const { turn, follow } = require('./support/follow');

const DISPOSE = Symbol.dispose ?? Symbol.for('nodejs.dispose');

overScopesAndModes('a hold', (open, mode) => {
  it('says what it holds, how, with which fence, and that nothing is wrong', async () => {
    const hold = await open()[mode]('key');
    const { key, fence, recovered, signal } = hold;
    assert.deepEqual({ key, mode: hold.mode, recovered }, { key: 'key', mode, recovered: false });
    assert.ok(Number.isSafeInteger(fence) && fence > 0);
    assert.ok(signal instanceof AbortSignal);
    assert.equal(signal.aborted, false);
    assert.equal(hold.signal, signal);
  });

  it('says the same after its release, and its signal is never aborted by that', async () => {
    const hold = await open()[mode]('key');
    const before = [hold.key, hold.mode, hold.fence, hold.recovered];
    hold.release();
    assert.deepEqual([hold.key, hold.mode, hold.fence, hold.recovered], before);
    assert.equal(hold.signal.aborted, false);
  });

  it('cannot be changed from outside', async () => {
    const hold = await open()[mode]('key');
    for (const name of ['key', 'mode', 'fence', 'recovered', 'signal']) {
      assert.throws(() => (hold[name] = 'other'), TypeError);
    }
    assert.equal(hold.key, 'key');
  });

  it('has a fence greater than all earlier ones of its key', async () => {
    const locks = open();
    let last = 0;
    for (let i = 0; i < 20; i++) {
      const hold = i % 2 === 0 ? await locks[mode]('key') : await locks[TRY[mode]]('key');
      assert.ok(hold.fence > last);
      last = hold.fence;
      hold.release();
    }
  });

  it('is released once: later releases do nothing, to anyone', async () => {
    const locks = open();
    const first = await locks[mode]('key');
    first.release();
    const second = await locks[mode]('key');
    assert.equal(await first.release(), undefined);
    first[DISPOSE]();
    first.downgrade();
    assert.equal(await locks.tryWrite('key'), null);
    assert.deepEqual(
      (await locks.query()).held.map(({ fence }) => fence),
      [second.fence],
    );
    second.release();
    await assertFree(locks);
  });

  it('is disposed as it is released, once', async () => {
    const locks = open();
    const hold = await locks[mode]('key');
    hold[DISPOSE]();
    const next = await locks.tryWrite('key');
    assert.notEqual(next, null);
    hold[DISPOSE]();
    hold.release();
    assert.equal(await locks.tryWrite('key'), null);
    next.release();
  });

  it('grants to the next ones when it is released, in order', async () => {
    const locks = open();
    const hold = await locks[mode]('key');
    const log = [];
    const next = ['write', 'read', 'read', 'write'].map((wanted, i) =>
      locks[wanted]('key', () => void log.push(`${wanted} ${i}`)),
    );
    hold.release();
    await Promise.all(next);
    assert.deepEqual(log, ['write 0', 'read 1', 'read 2', 'write 3']);
  });
});

overScopes('a downgrade', (open) => {
  it('makes a write hold a read hold, with the same fence', async () => {
    const locks = open();
    const hold = await locks.write('key');
    const { fence } = hold;
    assert.equal(await hold.downgrade(), undefined);
    assert.equal(hold.mode, 'read');
    assert.equal(hold.fence, fence);
    const [held] = (await locks.query()).held;
    assert.deepEqual([held.mode, held.fence], ['read', fence]);
    const reader = await locks.tryRead('key');
    assert.notEqual(reader, null);
    assert.equal(await locks.tryWrite('key'), null);
    hold.release();
    reader.release();
    await assertFree(locks);
  });

  it('lets waiting readers join, and no writer between', async () => {
    const locks = open();
    const hold = await locks.write('key');
    const wanted = ['read', 'read', 'write', 'read'];
    const waiting = wanted.map((mode) => follow(locks[mode]('key')));
    hold.downgrade();
    // Granted within the call: nobody could have come between.
    assert.deepEqual(
      (await locks.query()).held.map(({ mode }) => mode),
      ['read', 'read', 'read'],
    );
    await Promise.all([waiting[0].settled, waiting[1].settled]);
    await turn();
    assert.deepEqual(
      waiting.map(({ state }) => state),
      ['fulfilled', 'fulfilled', 'pending', 'pending'],
    );
    hold.release();
    waiting[0].value.release();
    await turn();
    assert.equal(waiting[2].state, 'pending');
    waiting[1].value.release();
    await waiting[2].settled;
    assert.equal(waiting[3].state, 'pending');
    waiting[2].value.release();
    await waiting[3].settled;
    waiting[3].value.release();
  });

  it('lets no writer in that waits first', async () => {
    const locks = open();
    const hold = await locks.write('key');
    const writer = follow(locks.write('key'));
    const reader = follow(locks.read('key'));
    hold.downgrade();
    await turn();
    assert.deepEqual([writer.state, reader.state], ['pending', 'pending']);
    hold.release();
    await writer.settled;
    writer.value.release();
    await reader.settled;
    reader.value.release();
  });

  it('does nothing to a read hold, however often', async () => {
    const locks = open();
    const hold = await locks.read('key');
    const writer = follow(locks.write('key'));
    hold.downgrade();
    hold.downgrade();
    await turn();
    assert.equal(hold.mode, 'read');
    assert.equal(writer.state, 'pending');
    hold.release();
    await writer.settled;
    writer.value.release();
  });

  it('does nothing after the release, to anyone', async () => {
    const locks = open();
    const hold = await locks.write('key');
    hold.release();
    const next = await locks.write('key');
    hold.downgrade();
    assert.equal(hold.mode, 'write');
    assert.equal(next.mode, 'write');
    assert.equal(await locks.tryRead('key'), null);
    assert.equal(hold.signal.aborted, false);
    next.release();
  });

  it('inside a function: the release at its end is that of a reader', async () => {
    const locks = open();
    const seen = await locks.write('key', async (hold) => {
      hold.downgrade();
      const reader = await locks.read('key');
      assert.equal(await locks.tryWrite('key'), null);
      return reader;
    });
    assert.deepEqual(
      (await locks.query()).held.map(({ fence }) => fence),
      [seen.fence],
    );
    seen.release();
  });

  it('keeps the expiry, counted from the grant', async () => {
    const locks = open({ expiry: 100 });
    const hold = await locks.write('key');
    hold.downgrade();
    const start = performance.now();
    const next = await locks.write('key');
    assert.ok(performance.now() - start < 15_000);
    assert.equal(hold.signal.aborted, true);
    assert.equal(hold.signal.reason.code, 'ERR_LOCK_EXPIRED');
    // A reader was taken away: nothing can be half written.
    assert.equal(next.recovered, false);
    hold.downgrade();
    assert.equal(next.mode, 'write');
    next.release();
  });
});

overScopes('a hold that is dropped without a release', (open) => {
  it('keeps the key: a lock must not depend on the garbage collector', async () => {
    const locks = open();
    await locks.tryWrite('key');
    const { gc } = require('./support/gc');
    for (let i = 0; i < 3; i++) {
      gc();
      await turn();
    }
    assert.equal(await locks.tryWrite('key'), null);
  });
});

overScopes('Hold', (open) => {
  it('is the class of holds; its methods work on nothing else', async () => {
    const hold = await open().write('key');
    assert.equal(Object.getPrototypeOf(hold), Hold.prototype);
    for (const name of ['release', 'downgrade', 'throwIfLost', 'remaining']) {
      assert.throws(() => Hold.prototype[name].call({}), TypeError);
    }
    hold.release();
  });
});
