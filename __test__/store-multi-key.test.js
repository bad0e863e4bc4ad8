'use strict';
// Several keys of a store in one call: one trip if all are free, else key by key in their order. With the first trip it
// stands in line for the first key.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { Locks, LockTimeoutError } = require('latchkey');
const { Proxy } = require('./support/proxy');
const { useRedis, withoutRedis } = require('./support/redis');
const { errorOf } = require('./support/follow');
const { until: untilSoon } = require('./support/until');

const KEYS = ['j', 'i', 'h', 'g', 'f', 'e', 'd', 'c', 'b', 'a'];

describe('several keys of a store', { skip: withoutRedis }, () => {
  const redis = useRedis();

  function open(options) {
    return new Locks({ name: 'multi', store: { url: redis.url, ttl: 3000 }, ...options });
  }

  /** Runs a function, and counts the scripts that the server runs meanwhile. */
  async function scripts(run) {
    await redis.command('CONFIG', 'RESETSTAT');
    await run();
    const stats = await redis.command('INFO', 'commandstats');
    return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
  }

  for (const mode of ['write', 'read', 'tryWrite', 'tryRead']) {
    it(`are one trip for ${mode}, if all are free, and one to release`, async () => {
      const locks = open();
      await (await locks.write('warm')).release();
      let hold;
      assert.equal(await scripts(async () => (hold = await locks[mode](KEYS))), 1);
      assert.deepEqual(hold.key, KEYS.toSorted());
      const { held } = await locks.query();
      assert.deepEqual(held.map(({ key }) => key).toSorted(), KEYS.toSorted());
      assert.equal(await scripts(() => hold.release()), 1);
      assert.deepEqual(await locks.query(), { held: [], pending: [] });
      locks.close();
    });
  }

  it('are waited for in their order, if one is not', async () => {
    const [one, other] = [open(), open()];
    const held = await one.write('e');
    const all = other.write(KEYS);
    const before = await until(one, ({ pending }) => pending.length === 1);
    // Those before it are held, those behind it are not asked for yet.
    assert.deepEqual(before.held.map(({ key }) => key).toSorted(), ['a', 'b', 'c', 'd', 'e']);
    await held.release();
    const hold = await all;
    await hold.release();
    assert.deepEqual(await one.query(), { held: [], pending: [] });
    one.close();
    other.close();
  });

  it('come before whoever asks for the first one later in the same tick', async () => {
    const [holder, locks] = [open(), open()];
    const held = await holder.write('a');
    const order = [];
    const calls = [
      locks.write(KEYS, () => void order.push('several')),
      locks.write('a', () => void order.push('one')),
      holder.write('a', () => void order.push('another object')),
    ];
    await until(holder, ({ pending }) => pending.length === calls.length);
    await held.release();
    await Promise.all(calls);
    assert.deepEqual(order, ['several', 'one', 'another object']);
    holder.close();
    locks.close();
  });

  it('come before whoever asks for the first one on another connection, once the server has been asked', async () => {
    const proxy = await new Proxy(redis.port).start();
    const beside = open();
    const behind = open({ store: { url: proxy.url, ttl: 3000 } });
    await (await behind.write('warm')).release();
    const held = await beside.write('a');
    // What the server answers is late: nothing can follow it before the other one has asked.
    proxy.delay = 200;
    const { lines, stop } = await redis.monitor();
    const order = [];
    const calls = [behind.write(KEYS, () => void order.push('several'))];
    await untilSoon(() => lines.some((line) => line.includes(':q:5:multi:a"')), 'the first trip');
    calls.push(beside.write('a', () => void order.push('one')));
    await until(beside, ({ pending }) => pending.length === calls.length);
    await held.release();
    await Promise.all(calls);
    assert.deepEqual(order, ['several', 'one']);
    stop();
    beside.close();
    behind.close();
    await proxy.stop();
  });

  it('leave nothing behind if the wait for the first one ends, in whatever way', async () => {
    const [holder, locks] = [open(), open({ maxPending: KEYS.length })];
    const held = await holder.write('a');
    const nothingIsLeft = () => until(holder, (now) => now.held.length === 1 && now.pending.length === 0);
    const late = await errorOf(locks.write(KEYS, { timeout: 50 }));
    assert.ok(late instanceof LockTimeoutError);
    assert.deepEqual([late.key, late.holders.length, late.ahead], ['a', 1, 0]);
    await nothingIsLeft();
    const controller = new AbortController();
    const aborted = errorOf(locks.write(KEYS, { signal: controller.signal }));
    await until(holder, ({ pending }) => pending.length === 1);
    controller.abort('enough');
    assert.equal(await aborted, 'enough');
    await nothingIsLeft();
    // One of them waits, and so counts as one.
    const closed = errorOf(locks.write(KEYS));
    await until(holder, ({ pending }) => pending.length === 1);
    const others = Array.from({ length: KEYS.length - 1 }, () => errorOf(locks.write('a')));
    assert.equal((await errorOf(locks.write('a'))).code, 'ERR_LOCK_QUEUE_FULL');
    locks.close();
    assert.deepEqual([(await closed).code, (await closed).key], ['ERR_LOCK_CLOSED', 'a']);
    await Promise.all(others);
    await nothingIsLeft();
    await held.release();
    holder.close();
  });

  it('leave nothing held when the time is over, or the wait is given up', async () => {
    const [one, other] = [open(), open()];
    const held = await one.write('e');
    await assert.rejects(other.write(KEYS, { timeout: 50 }), LockTimeoutError);
    assert.equal(await other.tryWrite(KEYS), null);
    const controller = new AbortController();
    const waiting = other.write(KEYS, { signal: controller.signal });
    await until(one, ({ pending }) => pending.length === 1);
    controller.abort(new Error('enough'));
    await assert.rejects(waiting, /enough/);
    const given = new AbortController();
    const early = other.write(KEYS, { signal: given.signal });
    given.abort(new Error('at once'));
    await assert.rejects(early, /at once/);
    await until(one, ({ held, pending }) => held.length === 1 && pending.length === 0);
    await held.release();
    one.close();
    other.close();
  });

  it('that a dead writer left recovered are granted, and say so', async () => {
    const locks = open({ expiry: 1 });
    await locks.write('e');
    const next = await locks.write('e');
    assert.equal(next.recovered, true);
    // Given back unused by a process that lost it: still recovered.
    const other = open();
    const hold = await other.write(KEYS);
    assert.equal(hold.recovered, true);
    await hold.release();
    locks.close();
    other.close();
  });

  it('count as pending one by one, where only some may wait', async () => {
    const locks = open({ maxPending: 3 });
    await (await locks.write('warm')).release();
    const hold = await locks.write(KEYS);
    assert.equal(hold.key.length, KEYS.length);
    await hold.release();
    locks.close();
  });

  it('that were all taken away can be released, though their locks are closed', async () => {
    const [locks, others] = [open(), open()];
    const hold = await locks.write(['a', 'b'], { expiry: 1 });
    const other = await locks.write('c');
    locks.close();
    const next = await others.write(['a', 'b']);
    // The last one that is left: with its answer, these locks have left the store.
    await other.release();
    assert.equal(hold.signal.aborted, true);
    // Of the other key it may not have been known yet.
    await hold.release().catch(({ code }) => assert.equal(code, 'ERR_LOCK_EXPIRED'));
    await hold.release().catch(({ code }) => assert.equal(code, 'ERR_LOCK_EXPIRED'));
    await next.release();
    others.close();
  });
});

/** What the locks say once it is so. */
async function until(locks, isSo) {
  for (;;) {
    const snapshot = await locks.query();
    if (isSo(snapshot)) return snapshot;
  }
}
