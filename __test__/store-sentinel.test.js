'use strict';
// A store behind Sentinel: the primary dies, a replica takes its place, and holds, order and fences go on. A replica that
// missed the grant is told by its holder: crates/redis/tests/scripts_restart.rs.

const { it, describe, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { once } = require('node:events');
const { Locks } = require('latchkey');
const { findFreePort } = require('../scripts/redis-server');
const { Redis, withoutRedis, untilAsync } = require('./support/redis');
const { encode, Reader } = require('./support/resp');
const { errorOf, watch } = require('./support/watch');

const TTL = 1500;

describe('a store behind Sentinel', { skip: withoutRedis }, () => {
  const primary = new Redis();
  let replica;
  let sentinel;
  let port;

  /** One question to the sentinel. */
  async function askSentinel(...words) {
    const connection = net.connect(port, '127.0.0.1');
    const answer = new Promise((resolve, reject) => {
      connection.on('error', reject);
      const reader = new Reader();
      connection.on('data', (piece) => reader.read(piece).forEach(resolve));
    });
    connection.write(encode(words));
    return answer.finally(() => connection.destroy());
  }

  before(async () => {
    await primary.start();
    replica = await new Redis(['--replicaof', '127.0.0.1', String(primary.port)]).start();
    port = await findFreePort();
    const file = path.join(primary.dir, 'sentinel.conf');
    fs.writeFileSync(
      file,
      `port ${port}
bind 127.0.0.1
dir ${primary.dir}
sentinel monitor main 127.0.0.1 ${primary.port} 1
sentinel down-after-milliseconds main 500
sentinel failover-timeout main 3000
`,
    );
    sentinel = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
    process.on('exit', () => sentinel.kill('SIGKILL'));
    const knows = async () =>
      JSON.stringify(await askSentinel('SENTINEL', 'replicas', 'main').catch(() => ''));
    await untilAsync(
      async () => (await knows()).includes(String(replica.port)),
      'the sentinel to know the replica',
    );
    const isLinked = async () => /master_link_status:up/.test(await replica.command('INFO', 'replication'));
    await untilAsync(isLinked, 'the replica to be in step');
  });
  after(async () => {
    const ended = once(sentinel, 'exit');
    sentinel.kill('SIGKILL');
    await ended;
    await Promise.all([primary.stop(), replica.stop()]);
  });

  const open = (name, options) =>
    new Locks({ name, store: { sentinels: [`127.0.0.1:${port}`], master: 'main', ttl: TTL, ...options } });

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
    const waiting = [watch(b.write('key')), watch(a.read('key'))];
    await untilAsync(async () => (await a.query()).pending.length === 2, 'both to wait');
    const order = (await a.query()).pending.map(({ mode }) => mode);
    const offset = async (server) =>
      (await server.command('INFO', 'replication')).match(/master_repl_offset:(\d+)/)[1];
    await untilAsync(
      async () => (await offset(primary)) === (await offset(replica)),
      'the replica to be in step',
    );
    await primary.kill();
    const isPromoted = async () => /role:master/.test(await replica.command('INFO', 'replication'));
    await untilAsync(isPromoted, 'the replica to be promoted');
    await untilAsync(
      async () => (await a.query().catch(() => ({ pending: [] }))).pending.length === 2,
      'all to come back',
    );
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
