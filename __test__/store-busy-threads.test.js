'use strict';
// A store's connection belongs to no thread of the program: nobody depends on whether one that uses it is busy, or ends.

const { it, describe, afterEach } = require('node:test');
const assert = require('node:assert/strict');
const { Locks } = require('latchkey');
const { useRedis, withoutRedis, untilAsync } = require('./support/redis');
const { Proxy } = require('./support/proxy');
const { startPeer } = require('./support/peer');
const { Thread } = require('./support/thread');
const { block, sleep } = require('./support/until');

/** Its beats are further apart than anything here takes: what waits for one is too late. */
const TTL = 6000;
const BUSY = 1500;
const PAIRS = 500;

/** Takes a key and gives it back, over and over. */
async function takeTurns(locks, count) {
  for (let i = 0; i < count; i++) {
    const hold = await locks.write('turns');
    await hold.release();
  }
}

describe('a thread that uses a store', { skip: withoutRedis }, () => {
  const redis = useRedis();
  /** @type {Locks[]} */
  const opened = [];
  const open = (name, url = redis.url) => {
    const locks = new Locks({ name, store: { url, ttl: TTL } });
    opened.push(locks);
    return locks;
  };
  // After a failure, too: what is open keeps the process.
  afterEach(() => opened.splice(0).forEach((locks) => locks.close()));
  const openIn = (other, name) =>
    other.run(
      ({ open: openThere, state }, space, store) => {
        state.locks = openThere(space, { store });
      },
      name,
      { url: redis.url, ttl: TTL },
    );

  it('is busy: another thread is granted what a process releases meanwhile, and all is kept', async () => {
    const [thread, peer] = [new Thread(), startPeer()];
    const locks = open('busy');
    await openIn(thread, 'busy');
    await peer.run(
      async ({ open: openThere, state }, store) => {
        state.locks = openThere('busy', store);
        state.hold = await state.locks.write('key');
      },
      { url: redis.url, ttl: TTL },
    );
    const granted = thread.run(async ({ state }) => {
      await (await state.locks.write('key')).release();
      return Date.now();
    });
    await untilAsync(async () => (await locks.query()).pending.length === 1, 'the thread to wait');
    const own = await locks.write('own');
    await takeTurns(locks, 10);
    await peer.run(({ state }) => void setTimeout(() => (state.released = state.hold.release()), 300));
    block(BUSY);
    const end = Date.now();
    const late = (await granted) - (end - BUSY + 300);
    assert.ok(late < BUSY / 2, `granted ${late} ms after the release`);
    assert.equal(own.signal.aborted, false);
    await own.release();
    await peer.kill();
    await thread.terminate();
  });

  it('ends with its thread, in whichever way, and others go on', async () => {
    const locks = open('ends');
    for (const end of ['terminate', 'exit', 'throw', 'terminate while it asks']) {
      const thread = new Thread();
      await openIn(thread, 'ends');
      await thread.run(async ({ state }) => {
        for (let i = 0; i < 20; i++) await (await state.locks.write('turns')).release();
        state.hold = await state.locks.write('key');
      });
      const granted = locks.write('key');
      if (end === 'terminate while it asks') {
        void thread
          .run(async ({ state }) => {
            for (;;) await (await state.locks.write('turns')).release();
          })
          .catch(() => {});
      }
      if (end.startsWith('terminate')) await thread.terminate();
      else {
        await thread
          .run((_, how) => {
            setImmediate(() => {
              if (how === 'exit') process.exit();
              throw new Error('the test’s own');
            });
          }, end)
          .catch(() => {});
        await thread.exit;
      }
      await (await granted).release();
      await takeTurns(locks, 20);
    }
  });

  it('is now this thread’s, now that one’s: none misses an answer', async () => {
    const threads = [new Thread(), new Thread()];
    const locks = open('both');
    for (const thread of threads) await openIn(thread, 'both');
    const there = threads.map((thread) =>
      thread.run(async ({ state }, count) => {
        for (let i = 0; i < count; i++) await (await state.locks.write('turns')).release();
        return count;
      }, PAIRS / 5),
    );
    await takeTurns(locks, PAIRS / 5);
    assert.deepEqual(await Promise.all(there), [PAIRS / 5, PAIRS / 5]);
    for (const thread of threads) await thread.terminate();
  });

  it('has nothing to do once the connection has ended', async () => {
    const proxy = await new Proxy(redis.port).start();
    const locks = open('cut', proxy.url);
    await takeTurns(locks, 10);
    proxy.refuses = true;
    proxy.cut();
    const before = process.cpuUsage();
    const asked = locks.write('key');
    await sleep(1000);
    const { user, system } = process.cpuUsage(before);
    assert.ok(user + system < 500_000, `${(user + system) / 1000} ms of a processor in a second`);
    proxy.refuses = false;
    await (await asked).release();
    await proxy.stop();
  });
});
