'use strict';
// `timeout` bounds the wait: the request leaves the queue and fails with ERR_LOCK_TIMEOUT; those behind it move up.
// And `maxPending`, which refuses to wait at all.

const { it } = require('node:test');
const assert = require('node:assert/strict');
const { LockError, LockTimeoutError, LockQueueFullError } = require('latchkey');
const { overScopes, overScopesAndModes, assertFree, untilPending } = require('./support/scopes');
const { errorOf, turn, follow } = require('./support/follow');

/** Longer than any test takes. */
const LONG = 60_000;

overScopesAndModes('a time limit', (open, mode) => {
  it('of 0 gives a free key, and fails at once for a held one', async () => {
    const locks = open();
    const hold = await locks[mode]('key', { timeout: 0 });
    const [next] = [follow(locks.write('key', { timeout: 0 }))];
    assert.equal((await locks.query()).pending.length, 0);
    await turn();
    assert.equal(next.state, 'rejected');
    assert.equal(next.value.code, 'ERR_LOCK_TIMEOUT');
    hold.release();
    await assertFree(locks);
  });

  it('ends a wait no sooner than it says, with its error', async () => {
    const locks = open();
    const hold = await locks.write('key');
    for (const timeout of [0.5, 20, 50]) {
      const start = performance.now();
      const error = await errorOf(locks[mode]('key', { timeout }, () => assert.fail('must not run')));
      const waited = performance.now() - start;
      assert.ok(error instanceof LockTimeoutError && error instanceof LockError && error instanceof Error);
      const { name, code, key, message } = error;
      assert.deepEqual(
        { name, code, key },
        { name: 'LockTimeoutError', code: 'ERR_LOCK_TIMEOUT', key: 'key' },
      );
      assert.match(message, /'key'/);
      assert.match(message, new RegExp(`\\b${timeout} ms`));
      // The engine's clock and this one are read a moment apart.
      assert.ok(waited > timeout - 1, `${waited} ms instead of ${timeout}`);
    }
    assert.equal((await locks.query()).pending.length, 0);
    hold.release();
  });

  it('of Infinity, or longer than any process lives, is none', async () => {
    const locks = open();
    const hold = await locks.write('key');
    const limits = [Infinity, Number.MAX_VALUE, 1e15, 2 ** 31, undefined];
    const waiting = limits.map((timeout) => follow(locks[mode]('key', { timeout }, () => timeout)));
    // A short one among them still comes.
    assert.equal((await errorOf(locks[mode]('key', { timeout: 5 }))).code, 'ERR_LOCK_TIMEOUT');
    assert.ok(waiting.every(({ state }) => state === 'pending'));
    hold.release();
    await Promise.all(waiting.map(({ settled }) => settled));
    assert.deepEqual(
      waiting.map(({ value }) => value),
      limits,
    );
  });

  it('counts the wait only: a hold may last longer', async () => {
    const locks = open();
    const first = await locks.write('key');
    const asked = locks[mode]('key', { timeout: 5000 });
    first.release();
    const hold = await asked;
    // Others time out after it, so its own limit's alarm has had its chance.
    // Long enough for the answer of a store.
    const quick = await locks[mode]('other', { timeout: 200 });
    await errorOf(locks.write('other', { timeout: 250 }));
    assert.equal(hold.signal.aborted, false);
    assert.equal((await locks.query()).held.length, 2);
    hold.release();
    quick.release();
  });

  it('leaves the others in the queue in their order', async () => {
    const locks = open();
    const log = [];
    const hold = await locks.write('key');
    const next = [0, 1, 2, 3, 4, 5].map((i) =>
      follow(locks[mode]('key', { timeout: i % 2 === 0 ? LONG : 10 }, () => void log.push(i))),
    );
    await Promise.all([next[1].settled, next[3].settled, next[5].settled]);
    assert.equal((await locks.query()).pending.length, 3);
    hold.release();
    await Promise.all(next.map(({ settled }) => settled));
    assert.deepEqual(log, [0, 2, 4]);
    assert.deepEqual(
      next.map(({ state }) => state),
      ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled', 'rejected'],
    );
  });
});

overScopes('when a waiting writer gives up', (open, { later }) => {
  /** By how many ms the clocks of those who give up may differ: the thread that keeps a store hears of them later. */
  // A store is asked who holds the key before the error is there, for 100 ms at the most.
  const slack = later ? 125 : 1;

  it('the readers behind it are granted beside those who read', async () => {
    const locks = open();
    const reader = await locks.read('key');
    const writer = follow(locks.write('key', { timeout: 10 }));
    const readers = [locks.read('key'), locks.read('key')];
    const holds = await Promise.all(readers);
    await writer.settled;
    assert.equal(writer.value.code, 'ERR_LOCK_TIMEOUT');
    [reader, ...holds].forEach((hold) => hold.release());
    await assertFree(locks);
  });

  it('a thousand of them give up in the order of their limits', async () => {
    const locks = open();
    const hold = await locks.write('key');
    /** [no sooner than, no later than] of each one's limit, in the order in which they gave up. */
    const log = [];
    const calls = Array.from({ length: 1000 }, (_, i) => {
      const timeout = 50 - (i % 50);
      const from = performance.now() + timeout;
      const call = errorOf(locks.write('key', { timeout }));
      const to = performance.now() + timeout;
      return call.then(() => log.push([from, to]));
    });
    await Promise.all(calls);
    assert.equal(log.length, 1000);
    let latest = 0;
    for (const [from, to] of log) {
      latest = Math.max(latest, from);
      assert.ok(latest <= to + slack, `one with a limit at ${latest} before one at ${to}`);
    }
    await untilPending(locks, 0);
    hold.release();
  });
});

overScopes('maxPending', (open) => {
  it('refuses the request that would be one too many, at once', async () => {
    const locks = open({ maxPending: 2 });
    const hold = await locks.write('key');
    const waiting = [follow(locks.write('key')), follow(locks.read('key'))];
    const error = await errorOf(locks.write('key', () => assert.fail('must not run')));
    assert.ok(error instanceof LockQueueFullError && error instanceof LockError);
    const { name, code, key } = error;
    assert.deepEqual(
      { name, code, key },
      { name: 'LockQueueFullError', code: 'ERR_LOCK_QUEUE_FULL', key: 'key' },
    );
    assert.match(error.message, /'key'.*\b2\b/);
    assert.equal((await locks.query()).pending.length, 2);
    hold.release();
    await waiting[0].settled;
    waiting[0].value.release();
    await waiting[1].settled;
    waiting[1].value.release();
  });

  it('counts those that wait for any key, but holds free keys for nobody', async () => {
    const locks = open({ maxPending: 1 });
    const hold = await locks.write('a');
    const waiting = follow(locks.write('a'));
    const free = await locks.write('b');
    assert.equal((await errorOf(locks.write('b'))).code, 'ERR_LOCK_QUEUE_FULL');
    assert.equal((await errorOf(locks.write('b', { timeout: 10 }))).code, 'ERR_LOCK_QUEUE_FULL');
    assert.equal(await locks.tryWrite('b'), null);
    free.release();
    hold.release();
    await waiting.settled;
    waiting.value.release();
  });

  it('of 0 lets nobody wait', async () => {
    const locks = open({ maxPending: 0 });
    assert.equal(await locks.write('key', () => 'free'), 'free');
    const hold = await locks.read('key');
    (await locks.read('key')).release();
    assert.equal((await errorOf(locks.write('key'))).code, 'ERR_LOCK_QUEUE_FULL');
    hold.release();
  });

  it('has room again when one is granted, times out or is aborted', async () => {
    const locks = open({ maxPending: 1 });
    const hold = await locks.write('key');
    assert.equal((await errorOf(locks.write('key', { timeout: 5 }))).code, 'ERR_LOCK_TIMEOUT');
    const controller = new AbortController();
    const aborted = follow(locks.write('key', { signal: controller.signal }));
    assert.equal((await errorOf(locks.write('key'))).code, 'ERR_LOCK_QUEUE_FULL');
    controller.abort();
    await aborted.settled;
    const next = follow(locks.write('key'));
    hold.release();
    await next.settled;
    const last = follow(locks.write('key'));
    await turn();
    assert.equal(last.state, 'pending');
    next.value.release();
    await last.settled;
    last.value.release();
  });

  it('of undefined, null or Infinity is none', async () => {
    for (const maxPending of [undefined, null, Infinity]) {
      const locks = open({ maxPending });
      const hold = await locks.write('key');
      const waiting = Array.from({ length: 1000 }, () => locks.write('key', () => {}));
      hold.release();
      await Promise.all(waiting);
    }
  });
});
