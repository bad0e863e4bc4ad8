'use strict';
// A store behind Sentinel: the primary dies, a replica takes its place that had missed what the primary granted last, and holds,
// order and fences go on.
//
// A replica that knows all, and what is wrong with sentinels: crates/redis/tests/store_sentinel.rs.

const { it, describe, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { Locks } = require('latchkey');
const { Redis, withoutRedis, untilAsync } = require('./support/redis');
const { Sentinel, untilLinked, untilInStep, untilPromoted } = require('./support/sentinel');
const { Proxy } = require('./support/proxy');
const { startPeer } = require('./support/peer');
const { follow } = require('./support/follow');

/** Long enough for a hold to outlive an election on a busy machine. */
const TTL = 6000;

/** So that a replica has not to wait for others that might come. */
const AT_ONCE = ['--repl-diskless-sync-delay', '0'];

// If a test fails, what it still waits for keeps the process alive for ever. Unreferenced: fires only if something does.
after(() => setTimeout(() => process.exit(1), 5000).unref());

describe('a store behind Sentinel, with a replica that missed the last grant', { skip: withoutRedis }, () => {
  const primary = new Redis(AT_ONCE);
  // It would put right at once that the replica does not follow the primary itself.
  const sentinel = new Sentinel(primary, { failoverTimeout: 60_000 });
  let [replica, link] = [];

  before(async () => {
    await primary.start();
    link = await new Proxy(primary.port).start();
    replica = await new Redis(['--replicaof', '127.0.0.1', String(link.port)]).start();
    await untilLinked(replica);
    await sentinel.start(replica);
    // It sees a second sooner that the replica has become a primary. (A Redis before 7 does not know this.)
    await sentinel.ask('SENTINEL', 'DEBUG', 'info-period', '100');
  });
  after(async () => {
    await sentinel.stop();
    await Promise.all([primary.stop(), replica.stop(), link.stop()]);
  });

  const LOCK = '5:space:key';
  const knowsOf = async (server, sort) =>
    (await server.command('EXISTS', `{latchkey:0}:${sort}:${LOCK}`)) === 1;

  it('keeps the hold, exclusion and order, since the holder says what it holds', async () => {
    const store = { sentinels: [sentinel.address], master: 'main', ttl: TTL };
    const locks = new Locks({ name: 'space', store });
    const peer = startPeer();
    await peer.run(({ open, state }, ...place) => void (state.locks = open(...place)), 'space', store);
    // What the replica does know: both processes, and that they let go of other keys.
    await locks.write('known', () => {});
    await peer.run(({ state }) => state.locks.write('known', () => {}));
    await untilInStep(primary, replica);

    link.swallows = true;
    const hold = await locks.write('key');
    const ask = ({ state, follow }) => void (state.waiting = follow(state.locks.write('key')));
    await peer.run(ask);
    await untilAsync(async () => (await locks.query()).pending.length === 1, 'the peer to wait');
    const reader = follow(locks.read('key'));
    await untilAsync(async () => (await locks.query()).pending.length === 2, 'a reader to wait behind it');
    for (const sort of ['h', 'q']) {
      assert.deepEqual([await knowsOf(primary, sort), await knowsOf(replica, sort)], [true, false]);
    }
    await primary.kill();
    await untilPromoted(replica);

    const everybody = async () => {
      const { held, pending } = await locks.query();
      return held.length === 1 && pending.length === 2;
    };
    await untilAsync(everybody, 'all to come back');
    const waits = async () => (await peer.run(({ state }) => state.waiting.state)) === 'pending';
    assert.deepEqual([hold.signal.aborted, await waits(), reader.state], [false, true, 'pending']);
    await hold.release();
    const fence = await peer.run(async ({ state }) => {
      await state.waiting.settled;
      return state.waiting.value.fence;
    });
    assert.ok(fence > hold.fence);
    assert.equal(reader.state, 'pending');
    await peer.run(({ state }) => state.waiting.value.release());
    await reader.settled;
    assert.ok(reader.value.fence > fence);
    assert.equal(reader.value.recovered, false);
    await reader.value.release();

    assert.deepEqual(await locks.query(), { held: [], pending: [] });
    for (const sort of ['h', 'q']) assert.equal(await knowsOf(replica, sort), false);
    assert.equal(await replica.command('ZLEXCOUNT', '{latchkey:0}:o', '("', '+'), 0);
    await peer.run(({ state }) => state.locks.close());
    locks.close();
  });
});
