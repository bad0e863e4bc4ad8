'use strict';
// What is published of a store's connection: that it stands, that it is gone and why, a lost session, a server that grants nothing.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { channel, subscribe, unsubscribe } = require('node:diagnostics_channel');
const { Worker } = require('node:worker_threads');
const { once } = require('node:events');
const { Locks } = require('latchkey');
const { useServers, withoutRedis } = require('./support/redis');
const { until, sleep } = require('./support/until');
const { errorOf } = require('./support/follow');

const KINDS = ['connect', 'disconnect', 'session-lost', 'freeze'];
const TTL = 1000;

describe('the channels of the store’s connection', { skip: withoutRedis }, () => {
  const start = useServers();

  /** Collects what is published while a function runs: `[kind, message]` each. */
  async function watching(run) {
    const events = [];
    const listeners = KINDS.map((kind) => [
      `latchkey:store-${kind}`,
      (message) => events.push([kind, message]),
    ]);
    listeners.forEach(([name, listener]) => subscribe(name, listener));
    try {
      await run(events);
    } finally {
      listeners.forEach(([name, listener]) => unsubscribe(name, listener));
    }
  }

  const count = (events, kind) => events.filter(([of]) => of === kind).length;

  it('publish connections, their ends and why, once for all objects of a thread, and in order', async () => {
    const server = await start();
    const store = `127.0.0.1:${server.port}`;
    await watching(async (events) => {
      const options = { name: 'channels', store: { url: server.url, ttl: TTL } };
      const [locks, other] = [new Locks(options), new Locks({ ...options, name: 'other' })];
      await (await other.write('key')).release();
      await (await locks.write('key')).release();
      await until(() => events.length > 0, 'a message');
      assert.deepEqual(events, [['connect', { store }]]);
      await server.kill();
      await until(() => count(events, 'disconnect') > 0, 'the end of the connection');
      const [kind, { reason, ...rest }] = events[1];
      assert.deepEqual([kind, rest], ['disconnect', { store }]);
      assert.match(reason, /^The store at 127\.0\.0\.1:\d+ cannot be reached \(/);
      await server.startAgain();
      const from = Date.now();
      await locks.write('key', () => {});
      assert.deepEqual(
        events.slice(2).map(([of]) => of),
        ['connect', 'freeze'],
      );
      const { frozenUntil } = events[3][1];
      assert.ok(
        Number.isInteger(frozenUntil) && frozenUntil > from && frozenUntil <= Date.now() + 100,
        String(frozenUntil - from),
      );
      locks.close();
      other.close();
    });
  });

  it('publish a lost session, and how many holds it had', async () => {
    const server = await start();
    await watching(async (events) => {
      const locks = new Locks({ name: 'channels', store: { url: server.url, ttl: TTL } });
      const holds = [await locks.write('a'), await locks.read('b')];
      server.freeze();
      await until(() => count(events, 'session-lost') > 0, 'the loss');
      assert.deepEqual(
        events.filter(([kind]) => kind === 'session-lost'),
        [['session-lost', { store: `127.0.0.1:${server.port}`, holds: 2 }]],
      );
      assert.ok(holds.every(({ signal }) => signal.aborted));
      server.thaw();
      await Promise.all(holds.map((hold) => errorOf(hold.release())));
      locks.close();
    });
  });

  it('publish in each thread for itself', async () => {
    const server = await start();
    const source = `
      const { subscribe } = require('node:diagnostics_channel');
      const { parentPort, workerData: { latchkey, url } } = require('node:worker_threads');
      subscribe('latchkey:store-connect', (message) => parentPort.postMessage(message));
      const { Locks } = require(latchkey);
      new Locks({ name: 'channels', store: url }).write('key', () => {});`;
    const workerData = { latchkey: require.resolve('latchkey'), url: server.url };
    const worker = new Worker(source, { eval: true, workerData });
    const [message] = await once(worker, 'message');
    assert.deepEqual(message, { store: `127.0.0.1:${server.port}` });
    await worker.terminate();
  });

  it('say nothing of a connection that is closed in order, nor after the last subscriber has left', async () => {
    const server = await start();
    const events = [];
    await watching(async (seen) => {
      const locks = new Locks({ name: 'channels', store: server.url });
      await locks.write('key', () => {});
      await until(() => seen.length > 0, 'the connection');
      locks.close();
      await sleep(100);
      events.push(...seen.map(([kind]) => kind));
    });
    assert.deepEqual(events, ['connect']);
    assert.ok(KINDS.every((kind) => !channel(`latchkey:store-${kind}`).hasSubscribers));
  });
});
