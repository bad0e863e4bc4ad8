'use strict';
// Processes that die, or stop, or block, while they hold or wait in a store: the next one is granted in time, and
// nobody can believe that it still holds what another one has.
//
// The same faults as the store's thread sees them: crates/redis/tests/store_faults.rs.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { Locks } = require('latchkey');
const { useRedis, withoutRedis, untilAsync } = require('./support/redis');
const { startPeer } = require('./support/peer');
const { follow } = require('./support/follow');

const TTL = 900;
/** What a busy machine may add, milliseconds. */
const SLACK = 2000;

describe('with a store', { skip: withoutRedis, concurrency: 4 }, () => {
  const redis = useRedis();
  const open = (name, options) => new Locks({ name, store: { url: redis.url, ttl: TTL }, ...options });

  /** A process that has `state.locks`. */
  async function peerIn(name) {
    const peer = startPeer();
    await peer.run(
      ({ open: openThere, state }, space, store) => void (state.locks = openThere(space, store)),
      name,
      {
        url: redis.url,
        ttl: TTL,
      },
    );
    return peer;
  }

  /** Has a process take a write hold, as `state.hold`. @returns {Promise<number>} its fence */
  const holdIn = (peer, key) =>
    peer.run(async ({ state }, name) => {
      state.hold = await state.locks.write(name);
      return state.hold.fence;
    }, key);

  /** Has a process wait for a key. */
  const waitIn = (peer, key) =>
    peer.run(({ state, follow }, name) => void (state.wait = follow(state.locks.write(name))), key);

  const untilPending = (locks, count) =>
    untilAsync(async () => (await locks.query()).pending.length === count, `${count} to wait`);

  it('kill -9 of a holder and of the waiter behind it: the third is granted', async () => {
    const locks = open('killed both');
    const [holder, waiter] = [await peerIn('killed both'), await peerIn('killed both')];
    await holdIn(holder, 'key');
    await waitIn(waiter, 'key');
    await untilPending(locks, 1);
    const third = follow(locks.write('key'));
    await untilPending(locks, 2);
    const start = performance.now();
    await Promise.all([holder.kill(), waiter.kill()]);
    await third.settled;
    assert.ok(performance.now() - start < TTL + TTL / 3 + SLACK);
    assert.equal(third.value.recovered, true);
    await third.value.release();
    assert.deepEqual(await locks.query(), { held: [], pending: [] });
    locks.close();
  });

  it('SIGSTOP past the lease: the holder learns of its loss before anything else, and a fence refuses it', async (t) => {
    const locks = open('stopped');
    const peer = await peerIn('stopped');
    const fence = await holdIn(peer, 'key');
    await peer.run(({ state }) => {
      state.log = [];
      state.hold.signal.addEventListener('abort', () =>
        state.log.push([Date.now(), state.hold.signal.reason.code]),
      );
      // The next step of a program that believes in its hold, as often as the event loop lets it.
      const step = () => {
        state.log.push([Date.now(), state.hold.signal.aborted ? 'knows' : 'works']);
        if (!state.hold.signal.aborted) setTimeout(step, 5);
      };
      step();
    });
    peer.freeze();
    const next = await locks.write('key');
    assert.equal(next.recovered, true);
    // A resource that keeps the highest fence takes the new holder's, and refuses the old one's from then on.
    let highest = 0;
    const accepts = (own) => own >= highest && (highest = own) > 0;
    assert.deepEqual([accepts(fence), accepts(next.fence), accepts(fence)], [true, true, false]);
    const thawed = Date.now();
    peer.thaw();
    const log = await peer.run(async ({ state, until }) => {
      await until(() => state.hold.signal.aborted, 'the loss to be reported');
      await new Promise((resolve) => setTimeout(resolve, 20));
      return state.log;
    });
    // A step whose timer was due may come first: that is what fences are for.
    const after = log.filter(([time]) => time >= thawed).map(([, what]) => what);
    t.diagnostic(`after the stop: ${after.join(', ')}`);
    assert.deepEqual(
      after.filter((what) => what !== 'works'),
      ['ERR_LOCK_LOST', 'knows'],
    );
    assert.ok(after.indexOf('ERR_LOCK_LOST') <= 2, after.join());
    const late = await peer.run(({ state }) => state.hold.release().catch((error) => error.code));
    assert.equal(late, 'ERR_LOCK_LOST');
    assert.deepEqual(
      (await locks.query()).held.map(({ fence: own }) => own),
      [next.fence],
    );
    await next.release();
    // It goes on with a new session.
    assert.equal(await peer.run(({ state }) => state.locks.write('key', () => 'works')), 'works');
    locks.close();
    await peer.kill();
  });

  it('an event loop that is blocked past the lease keeps its locks', async () => {
    const locks = open('blocked');
    const peer = await peerIn('blocked');
    await holdIn(peer, 'key');
    const next = follow(locks.write('key'));
    await untilPending(locks, 1);
    const aborted = await peer.run(({ state, block }, ms) => {
      block(ms);
      return state.hold.signal.aborted;
    }, 3 * TTL);
    assert.equal(aborted, false);
    assert.equal(next.state, 'pending');
    assert.equal(await peer.run(({ state }) => state.hold.release()), undefined);
    await next.settled;
    assert.equal(next.value.recovered, false);
    await next.value.release();
    locks.close();
    await peer.kill();
  });

  it('a hold that expires is taken away when, and only when, another process waits', async () => {
    const locks = open('expiry');
    const peer = await peerIn('expiry');
    await peer.run(async ({ state }) => {
      state.hold = await state.locks.write('key', { expiry: 50 });
    });
    await peer.run(({ sleep }) => sleep(150));
    assert.equal(await peer.run(({ state }) => state.hold.signal.aborted), false);
    const next = await locks.write('key');
    const reason = await peer.run(async ({ state, until }) => {
      await until(() => state.hold.signal.aborted, 'the expiry to be reported');
      const { name, code, key } = state.hold.signal.reason;
      return { name, code, key, release: await state.hold.release().catch((error) => error.code) };
    });
    assert.deepEqual(reason, {
      ...{ name: 'LockExpiredError', code: 'ERR_LOCK_EXPIRED', key: 'key', release: 'ERR_LOCK_EXPIRED' },
    });
    assert.equal(next.recovered, true);
    await next.release();
    locks.close();
    await peer.kill();
  });
});
