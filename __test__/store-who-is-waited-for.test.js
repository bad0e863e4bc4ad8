'use strict';
// A time-out on a store says who held the key, on whatever machine; it does not come late where the server says nothing.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { hostname } = require('node:os');
const { Locks } = require('latchkey');
const { useRedis, withoutRedis, untilAsync } = require('./support/redis');
const { startPeer } = require('./support/peer');
const { errorOf, follow } = require('./support/follow');

/** Milliseconds. A server that is silent is given up after a third of it. */
const TTL = 6000;

describe('a time-out on a store', { skip: withoutRedis }, () => {
  const redis = useRedis();
  const store = () => ({ url: redis.url, ttl: TTL });
  const open = (name) => new Locks({ name, store: store() });

  it('names the process that holds the key, and its machine', async () => {
    const peer = startPeer();
    const take = async ({ open: openThere, state }, options) => {
      state.locks = openThere('named', options);
      state.hold = await state.locks.read(['a', 'b'], { label: 'nightly' });
    };
    await peer.run(take, store());
    const locks = open('named');
    const error = await errorOf(locks.write('b', { timeout: 100 }));
    const [{ age, ...holder }, ...others] = error.holders;
    assert.deepEqual(holder, { mode: 'read', thread: 0, host: hostname(), pid: peer.pid, label: 'nightly' });
    assert.ok(age >= 100, `age ${age}`);
    assert.deepEqual([others, error.ahead], [[], 0]);
    const said = `^Lock 'b' was not granted within 100 ms: held for \\d+ ms by 'nightly' \\(process ${peer.pid} on ${hostname()}\\)$`;
    assert.match(error.message, new RegExp(said));
    const several = await errorOf(locks.write(['c', 'a', 'b'], { timeout: 100 }));
    assert.deepEqual([several.key, several.holders[0].pid], ['a', peer.pid]);
    await peer.run(async ({ state }) => state.hold.release());
    await peer.run(async ({ state }) => (state.hold = await state.locks.write('b')));
    const nameless = await errorOf(locks.write('b', { timeout: 100 }));
    assert.match(nameless.message, new RegExp(`by process ${peer.pid} on ${hostname()}$`));
    locks.close();
    await peer.kill();
  });

  it('names nobody where the server is silent, and comes soon all the same', async () => {
    const locks = open('silent');
    const hold = await locks.write('key');
    const waiting = errorOf(locks.write('key', { timeout: 200 }));
    await untilAsync(async () => (await locks.query()).pending.length === 1, 'it to wait');
    redis.freeze();
    const from = performance.now();
    const error = await waiting;
    assert.ok(performance.now() - from < TTL / 3, `${performance.now() - from} ms`);
    redis.thaw();
    assert.deepEqual([error.code, error.holders, error.ahead], ['ERR_LOCK_TIMEOUT', [], undefined]);
    assert.equal(error.message, "Lock 'key' was not granted within 200 ms");
    await hold.release();
    locks.close();
  });

  it('lets a request that is granted at the last moment have its key, and loses none', async () => {
    const locks = open('late');
    for (let i = 0; i < 50; i++) {
      const hold = await locks.write('key');
      const waiting = follow(locks.write('key', { timeout: 5 }));
      await new Promise((resolve) => setTimeout(resolve, 5));
      await hold.release();
      await waiting.settled;
      if (waiting.state === 'fulfilled') await waiting.value.release();
      else assert.equal(waiting.value.code, 'ERR_LOCK_TIMEOUT');
      assert.equal(await locks.write('key', { timeout: 5000 }, () => 'free'), 'free');
    }
    assert.deepEqual(await locks.query(), { held: [], pending: [] });
    locks.close();
  });

  it('says what it can for many at once', async () => {
    const locks = open('many');
    const hold = await locks.write('key');
    const errors = await Promise.all(
      Array.from({ length: 2000 }, () => errorOf(locks.write('key', { timeout: 300 }))),
    );
    assert.ok(errors.every(({ code }) => code === 'ERR_LOCK_TIMEOUT'));
    // The server is given a tenth of a second to say who: on a busy machine that may be too short for all of them.
    assert.ok(errors.every(({ holders }) => holders.length <= 1));
    await hold.release();
    assert.equal(await locks.write('key', { timeout: 5000 }, () => 'free'), 'free');
    locks.close();
  });
});
