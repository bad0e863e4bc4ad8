'use strict';
// One store, several processes: one lock for all of them, in the order in which they asked, at no cost while they
// wait, and with one connection however many threads they have; and nothing is left on the server when everybody has gone.
//
// What the store costs the server, command by command, is measured in crates/redis/tests/store_load.rs.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { hostname } = require('node:os');
const { Locks } = require('latchkey');
const { useRedis, useServers, withoutRedis, untilAsync } = require('./support/redis');
const { Proxy } = require('./support/proxy');
const { startPeer } = require('./support/peer');
const { useThreads } = require('./support/worker-threads');
const { follow } = require('./support/follow');

const TTL = 1500;

describe('processes that share a store', { skip: withoutRedis }, () => {
  const redis = useRedis();
  const open = (name, options) => new Locks({ name, store: { url: redis.url, ttl: TTL }, ...options });
  const openIn = (peer, name) =>
    peer.run(
      ({ open: openThere, state }, space, store) => {
        state.locks = openThere(space, store);
      },
      name,
      { url: redis.url, ttl: TTL },
    );

  it('exclude each other: a writer all others, a reader the writers', async () => {
    const locks = open('exclusion');
    const peer = startPeer();
    await openIn(peer, 'exclusion');
    const tries = () =>
      peer.run(async ({ state }) => {
        const holds = { read: await state.locks.tryRead('key'), write: await state.locks.tryWrite('key') };
        await holds.read?.release();
        await holds.write?.release();
        return { read: holds.read !== null, write: holds.write !== null };
      });
    const writer = await locks.write('key');
    assert.deepEqual(await tries(), { read: false, write: false });
    await writer.downgrade();
    assert.deepEqual(await tries(), { read: true, write: false });
    await writer.release();
    const free = await peer.run(async ({ state }) => (await state.locks.tryWrite('key')).release());
    assert.equal(free, undefined);
    locks.close();
    await peer.kill();
  });

  it('count in turns, and fences grow over all of them', async () => {
    const peers = [startPeer(), startPeer()];
    await Promise.all(peers.map((peer) => openIn(peer, 'counting')));
    await redis.command('SET', 'counter', 0);
    const count = (peer) =>
      peer.run(async ({ state, require: load }, dir) => {
        const { Redis } = load('./redis');
        const client = Object.assign(new Redis(), { dir });
        const fences = [];
        for (let i = 0; i < 50; i++) {
          await state.locks.write('counter', async ({ fence }) => {
            fences.push(fence);
            const before = Number(await client.command('GET', 'counter'));
            await client.command('SET', 'counter', before + 1);
          });
        }
        return fences;
      }, redis.dir);
    const fences = await Promise.all(peers.map(count));
    assert.equal(await redis.command('GET', 'counter'), '100');
    for (const own of fences)
      assert.deepEqual(
        own,
        own.toSorted((a, b) => a - b),
      );
    assert.equal(new Set(fences.flat()).size, 100);
    await redis.command('DEL', 'counter');
    await Promise.all(peers.map((peer) => peer.kill()));
  });

  it('see each other in query(): key, mode, host and process', async () => {
    const locks = open('query');
    const peer = startPeer();
    await openIn(peer, 'query');
    await peer.run(({ state }) => state.locks.write('key').then((hold) => void (state.hold = hold)));
    const waiting = follow(locks.read('key'));
    await untilAsync(async () => (await locks.query()).pending.length === 1, 'this process to wait');
    const { held, pending } = await locks.query();
    const who = ({ key, mode, pid, host, thread }) => ({ key, mode, pid, host, thread });
    const here = { host: hostname(), thread: 0 };
    assert.deepEqual(held.map(who), [{ key: 'key', mode: 'write', pid: peer.pid, ...here }]);
    assert.deepEqual(pending.map(who), [{ key: 'key', mode: 'read', pid: process.pid, ...here }]);
    assert.ok(Math.abs(held[0].since - Date.now()) < 60_000);
    await peer.run(({ state }) => state.hold.release());
    await waiting.settled;
    await waiting.value.release();
    locks.close();
    await peer.kill();
  });

  it('ask the server twice for an uncontended lock, and no more for 1,000 holds than for one', async () => {
    const proxy = await new Proxy(redis.port).start();
    const locks = new Locks({ name: 'cost', store: { url: proxy.url, ttl: TTL } });
    await (await locks.write('warm')).release();
    const { beat, ...first } = proxy.counts;
    assert.deepEqual([first.acquire, first.release], [1, 1]);
    const start = performance.now();
    const holds = await Promise.all(Array.from({ length: 1000 }, (_, i) => locks.write(`key ${i}`)));
    await untilAsync(async () => proxy.counts.beat >= beat + 4, 'some beats');
    const beats = proxy.counts.beat - beat;
    const expected = (performance.now() - start) / (TTL / 3);
    await Promise.all(holds.map((hold) => hold.release()));
    const { acquire, release } = proxy.counts;
    // What comes together goes together.
    assert.ok(acquire <= 1001, `${acquire} acquires`);
    assert.ok(release <= 1001, `${release} releases`);
    assert.ok(beats <= expected + 2, `${beats} beats where ${expected} are due`);
    locks.close();
    await proxy.stop();
  });

  describe('of which one has several threads', () => {
    const startServer = useServers();
    const threads = useThreads(3);
    const spaces = ['space a', 'space b', 'space c'];

    it('have one connection and one beat for all their threads and spaces, and none when they have gone', async (t) => {
      const server = await startServer();
      const proxy = await new Proxy(server.port).start();
      const store = { url: proxy.url, ttl: TTL };
      const opened = spaces.map((name) => new Locks({ name, store }));
      // Everybody holds a key of each space, and the other threads wait for this one's.
      const holds = await Promise.all(opened.map((locks) => locks.write('key')));
      const takeAll = async ({ open: openHere, state, threadId }, names, options) => {
        state.locks = names.map((name) => openHere(name, options));
        state.holds = await Promise.all(state.locks.map((locks) => locks.write(`of ${threadId}`)));
        state.waiting = state.locks.map((locks) => locks.write('key', ({ fence }) => fence));
      };
      await Promise.all(threads.map((thread) => thread.run(takeAll, spaces, { store })));
      const waiting = async () =>
        (await Promise.all(opened.map((locks) => locks.query()))).map((all) => all.pending);
      await untilAsync(async () => (await waiting()).flat().length === 9, 'all to wait');

      const { beat } = proxy.counts;
      const start = performance.now();
      await untilAsync(async () => proxy.counts.beat >= beat + 5, 'some beats');
      const beats = proxy.counts.beat - beat;
      const expected = (performance.now() - start) / (TTL / 3);
      // The tests' own commands come through the socket.
      const connections = async () => {
        const clients = await server.command('CLIENT', 'LIST');
        return clients.split('\n').filter((client) => client.includes(' addr=127.0.0.1:')).length;
      };
      assert.equal(await connections(), 1);
      assert.equal(await server.command('ZCARD', '{latchkey:0}:s'), 1);
      assert.ok(beats <= expected + 2, `${beats} beats where ${expected} are due`);
      t.diagnostic(`${beats} beats where ${expected.toFixed(2)} are due`);

      await Promise.all(holds.map((hold) => hold.release()));
      const endAll = async ({ state }) => {
        const fences = await Promise.all(state.waiting);
        await Promise.all(state.holds.map((hold) => hold.release()));
        state.locks.forEach((locks) => locks.close());
        return fences;
      };
      const fences = (await Promise.all(threads.map((thread) => thread.run(endAll)))).flat();
      assert.equal(new Set([...fences, ...holds.map(({ fence }) => fence)]).size, 12);
      // The last one has not left yet.
      assert.equal(await connections(), 1);
      opened.forEach((locks) => locks.close());
      await untilAsync(async () => (await connections()) === 0, 'the process to leave');
      await proxy.stop();
    });
  });

  it('1,000 waiters of 4 processes are granted in order, and send nothing but beats while they wait', async (t) => {
    const key = 'crowded';
    const locks = open('crowd');
    const hold = await locks.write(key);
    const peers = [startPeer(), startPeer(), startPeer(), startPeer()];
    await Promise.all(peers.map((peer) => openIn(peer, 'crowd')));
    // By turns, ten at a time, so that the order of arrival is known.
    for (let group = 0; group < 100; group++) {
      await peers[group % 4].run(
        async ({ state }, first, name) => {
          state.seen ??= [];
          state.calls ??= [];
          for (let i = first; i < first + 10; i++) {
            state.calls.push(state.locks.write(name, ({ fence }) => void state.seen.push([fence, i])));
          }
        },
        group * 10,
        key,
      );
      const queued = async () =>
        (await redis.command('ZCARD', '{latchkey:0}:q:5:crowd:crowded')) === (group + 1) * 10;
      await untilAsync(queued, 'ten more to wait');
    }
    // The dead of earlier tests are cleared first.
    await untilAsync(async () => (await redis.command('ZCARD', '{latchkey:0}:s')) === 5, 'five sessions');
    const monitor = await redis.monitor();
    const start = performance.now();
    const beats = () => monitor.lines.filter((line) => /"evalsha"/i.test(line)).length;
    await untilAsync(async () => performance.now() - start > 2 * TTL, 'two leases to pass');
    const leases = (performance.now() - start) / TTL;
    monitor.stop();
    // One acquire per process and lease makes sure that no grant was lost; all other scripts are beats.
    const acquires = monitor.lines.filter((line) => line.includes(key)).length;
    const others = monitor.lines.filter((line) => !/"evalsha"/i.test(line));
    t.diagnostic(`${acquires} acquires and ${beats() - acquires} beats in ${leases.toFixed(2)} leases`);
    assert.deepEqual(others, []);
    assert.ok(acquires <= 4 * Math.ceil(leases), `${acquires} acquires`);
    assert.ok(beats() - acquires <= 5 * (3 * leases + 2), `${beats() - acquires} beats`);
    hold.release();
    const seen = await Promise.all(
      peers.map((peer) => peer.run(({ state }) => Promise.all(state.calls).then(() => state.seen))),
    );
    const order = seen.flat().toSorted(([a], [b]) => a - b);
    assert.deepEqual(
      order.map(([, i]) => i),
      Array.from({ length: 1000 }, (_, i) => i),
    );
    locks.close();
    await Promise.all(peers.map((peer) => peer.run(({ state }) => state.locks.close())));
    await Promise.all(peers.map((peer) => peer.kill()));
  });

  it('leave nothing but bookkeeping that goes by itself, when all have gone', async () => {
    const isBookkeeping = (key) => /^\{latchkey:0\}:[sfxeo]$/.test(key);
    const left = async () => (await redis.keys()).filter((key) => !isBookkeeping(key));
    await untilAsync(async () => (await left()).length === 0, 'all locks and queues to be gone');
    // Those that were killed are cleared by somebody who comes later.
    const locks = open('last');
    await locks.write('key', () => {});
    locks.close();
    await untilAsync(
      async () => (await redis.command('CLIENT', 'LIST')).split('\n').length === 2,
      'all to leave',
    );
    for (const key of await redis.keys()) {
      assert.ok(isBookkeeping(key), key);
      assert.ok((await redis.command('PTTL', key)) > 0, `${key} has no time to live`);
    }
  });
});
