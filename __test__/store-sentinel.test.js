'use strict';
// A store behind Sentinel: the primary dies, a replica takes its place, and holds, order and fences go on; also if the
// replica had missed what the primary granted last.

const { it, describe, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { Locks } = require('latchkey');
const { Redis, withoutRedis, untilAsync } = require('./support/redis');
const { Sentinel, untilLinked, untilInStep, untilPromoted } = require('./support/sentinel');
const { Proxy } = require('./support/proxy');
const { startPeer } = require('./support/peer');
const { errorOf, follow } = require('./support/follow');

const TTL = 1500;
/** Long enough for a hold to outlive an election on a busy machine. */
const LONG_TTL = 6000;

/** So that a replica has not to wait for others that might come. */
const AT_ONCE = ['--repl-diskless-sync-delay', '0'];

// If a test fails, what it still waits for keeps the process alive for ever. Unreferenced: fires only if something does.
after(() => setTimeout(() => process.exit(1), 5000).unref());

// The two have servers of their own, and mostly wait.
describe('a store behind Sentinel', { skip: withoutRedis, concurrency: true }, () => {
  describe('with a replica that knows all', { concurrency: 1 }, () => {
    const primary = new Redis(AT_ONCE);
    const sentinel = new Sentinel(primary);
    let replica;

    before(async () => {
      await primary.start();
      replica = await new Redis(['--replicaof', '127.0.0.1', String(primary.port)]).start();
      await sentinel.start(replica);
      await untilLinked(replica);
    });
    after(async () => {
      await sentinel.stop();
      await Promise.all([primary.stop(), replica.stop()]);
    });

    const open = (name, options) =>
      new Locks({ name, store: { sentinels: [sentinel.address], master: 'main', ttl: TTL, ...options } });

    it('says so, if the sentinels do not know the name', async () => {
      const locks = open('space', { master: 'unknown', connectTimeout: 300 });
      const error = await errorOf(locks.write('key'));
      assert.equal(error.code, 'ERR_STORE_UNREACHABLE');
      assert.match(error.message, /the sentinels do not know store\.master/);
      locks.close();
    });

    it('keeps exclusion and order when the primary is killed and a replica promoted', async () => {
      // Two stores of this process, as if of two.
      const [a, b] = [open('space'), open('space', { commandTimeout: 4000 })];
      const hold = await a.write('key');
      const waiting = [follow(b.write('key')), follow(a.read('key'))];
      await untilAsync(async () => (await a.query()).pending.length === 2, 'both to wait');
      const order = (await a.query()).pending.map(({ mode }) => mode);
      await untilInStep(primary, replica);
      await primary.kill();
      await untilPromoted(replica);
      // If the election outlasts the lease of `a`, what that waited for stands there twice until the freeze is over.
      await untilAsync(async () => (await a.query()).pending.length >= 2, 'all to come back');
      // Whether the hold outlived the change depends on how long the election took; exclusion does not.
      if (!hold.signal.aborted) {
        assert.deepEqual(
          waiting.map(({ state }) => state),
          ['pending', 'pending'],
        );
        await hold.release();
      }
      const next = order.map((mode) => waiting[mode === 'write' ? 0 : 1]);
      await next[0].settled;
      assert.equal(next[1].state, 'pending');
      assert.ok(next[0].value.fence > hold.fence);
      await next[0].value.release();
      await next[1].settled;
      assert.ok(next[1].value.fence > next[0].value.fence);
      await next[1].value.release();
      assert.equal(await b.write('key', () => 'works'), 'works');
      a.close();
      b.close();
    });
  });

  describe('with a replica that missed the last grant', () => {
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
      const store = { sentinels: [sentinel.address], master: 'main', ttl: LONG_TTL };
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
});
