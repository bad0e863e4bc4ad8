'use strict';
// What a program sees when its connection to a store breaks, or the store itself: which promise is rejected with what, what aborts
// a signal, what goes on.
//
// That nothing is granted twice and nobody is stuck, whatever breaks, is proven in crates/redis/tests: each fault in
// store_faults.rs, many at random in store_random.rs, restarts in store_restart.rs and scripts_restart.rs.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { Locks } = require('latchkey');
const { useRedis, useServers, withoutRedis, untilAsync } = require('./support/redis');
const { Proxy } = require('./support/proxy');
const { errorOf, follow } = require('./support/follow');
const { block, until, sleep } = require('./support/until');

const TTL = 900;

const untilPending = (locks, count) =>
  untilAsync(async () => (await locks.query()).pending.length === count, `${count} to wait`);

/** What every fault leaves behind: locks that work. */
async function assertWorks(...all) {
  for (const locks of all)
    assert.equal(await locks.write('still', { timeout: 15_000 }, () => 'works'), 'works');
}

describe('a connection to the store', { skip: withoutRedis, concurrency: 3 }, () => {
  const redis = useRedis();
  /** A proxy, and locks behind it and beside it. */
  async function openBoth(name) {
    const proxy = await new Proxy(redis.port).start();
    const behind = new Locks({ name, store: { url: proxy.url, ttl: TTL } });
    const beside = new Locks({ name, store: { url: redis.url, ttl: TTL } });
    const close = () => {
      behind.close();
      beside.close();
      return proxy.stop();
    };
    return { proxy, behind, beside, close };
  }

  it('is away from a grant until it has expired: the request that asks again then is granted for its whole time', async () => {
    const proxy = await new Proxy(redis.port).start();
    const behind = new Locks({ name: 'unheard', store: proxy.url });
    const beside = new Locks({ name: 'unheard', store: redis.url });
    const hold = await beside.write('key');
    // The new connection is open, as far as messages go, seven times the delay after the cut, and asks eleven times after it:
    // the expiry is delivered in between.
    const asked = behind.write('key', { expiry: 1800 });
    await untilPending(beside, 1);
    proxy.delay = 200;
    proxy.cut();
    await hold.release();
    const overtaker = await beside.write('key');
    proxy.delay = 0;
    await untilPending(beside, 1);
    await overtaker.release();
    const late = await asked;
    assert.equal(late.signal.aborted, false);
    assert.equal((await beside.query()).held[0].fence, late.fence);
    await late.release();
    assert.deepEqual((await beside.query()).held, []);
    behind.close();
    beside.close();
    await proxy.stop();
  });

  it('swallows all packets past the lease: the signal aborts in time, and the next one is granted after that', async () => {
    const { proxy, behind, beside, close } = await openBoth('swallowed');
    const hold = await behind.write('key');
    let notified = Infinity;
    hold.signal.addEventListener('abort', () => (notified = performance.now()));
    proxy.swallows = true;
    const next = await beside.write('key');
    const granted = performance.now();
    assert.ok(notified < granted, `notified ${notified}, granted ${granted}`);
    assert.equal(hold.signal.reason.code, 'ERR_LOCK_LOST');
    assert.match(hold.signal.reason.message, /^Lock 'key' was lost: /);
    assert.equal(await hold.release().catch(({ code }) => code), 'ERR_LOCK_LOST');
    assert.equal(next.recovered, true);
    await next.release();
    proxy.swallows = false;
    await assertWorks(behind, beside);
    await close();
  });

  it('swallows all packets: a release fails when the lease is over, a function’s result stands', async () => {
    const { proxy, behind, beside, close } = await openBoth('swallowed release');
    const hold = await behind.write('one');
    const call = behind.write('two', async () => {
      proxy.swallows = true;
      return 'result';
    });
    await until(() => proxy.swallows, 'the function to run');
    const released = hold.release();
    const error = await errorOf(released);
    assert.deepEqual(
      [error.name, error.code, error.key],
      ['StoreUnreachableError', 'ERR_STORE_UNREACHABLE', 'one'],
    );
    assert.equal(await call, 'result');
    assert.equal(hold.signal.aborted, false);
    proxy.swallows = false;
    await assertWorks(behind, beside);
    await close();
  });

  it('is away: a wait with a limit fails as unreachable, one without waits on, a try fails in time', async () => {
    const { proxy, behind, beside, close } = await openBoth('away');
    await behind.write('key', () => {});
    proxy.refuses = true;
    proxy.cut();
    const patient = follow(behind.write('key'));
    const limited = await errorOf(behind.write('key', { timeout: 100 }));
    assert.equal(limited.code, 'ERR_STORE_UNREACHABLE');
    assert.match(limited.message, /^The store at 127\.0\.0\.1:\d+ cannot be reached/);
    const impatient = new Locks({ name: 'away', store: { url: proxy.url, ttl: TTL, commandTimeout: 200 } });
    assert.equal((await errorOf(impatient.tryWrite('key'))).code, 'ERR_STORE_UNREACHABLE');
    impatient.close();
    assert.equal(patient.state, 'pending');
    proxy.refuses = false;
    await patient.settled;
    await patient.value.release();
    await assertWorks(behind, beside);
    await close();
  });
});

describe('a server', { skip: withoutRedis, concurrency: 4 }, () => {
  const start = useServers();
  const openOn = (server, options) =>
    new Locks({ name: 'space', store: { url: server.url, ttl: TTL, ...options } });
  // Stores with the same options are one store of this process: another command timeout makes it another one.
  const openTwo = (server) => [openOn(server), openOn(server, { commandTimeout: 4000 })];

  it('frozen past the lease: the function’s call fails, its signal was aborted before', async () => {
    const server = await start();
    const [a, b] = openTwo(server);
    let seen;
    const call = follow(
      a.write('key', async ({ signal }) => {
        await server.freeze();
        await until(() => signal.aborted, 'the loss to be reported');
        seen = signal.reason;
      }),
    );
    await until(() => seen !== undefined || call.state !== 'pending', 'the function to notice');
    await server.thaw();
    await call.settled;
    assert.equal(call.state, 'rejected');
    assert.equal(call.value, seen);
    assert.equal(seen.code, 'ERR_LOCK_LOST');
    await assertWorks(a, b);
    a.close();
    b.close();
  });

  it('that is not there at all fails requests when connectTimeout has passed', async () => {
    const store = { url: 'redis://127.0.0.1:1', connectTimeout: 200, commandTimeout: 200 };
    const locks = new Locks({ name: 'nobody', store });
    const asked = [
      ...[locks.write('key'), locks.tryRead('key'), locks.query(), locks.read(['a', 'b'])],
      locks.write('key', () => assert.fail('must not run')),
    ];
    for (const error of await Promise.all(asked.map(errorOf))) {
      assert.equal(error.name, 'StoreUnreachableError');
      assert.equal(error.code, 'ERR_STORE_UNREACHABLE');
      assert.match(error.message, /^The store at 127\.0\.0\.1:1 cannot be reached/);
    }
    locks.close();
  });
});

describe('holds that are lost together', { skip: withoutRedis }, () => {
  const redis = useRedis();

  it('are lost, also those that are released or downgraded when another one’s loss is delivered', async () => {
    const locks = new Locks({ name: 'together', store: { url: redis.url, ttl: TTL } });
    const [first, second, third] = [await locks.write('1'), await locks.write('2'), await locks.write('3')];
    const answers = [];
    first.signal.addEventListener('abort', () => answers.push(second.release(), third.downgrade()));
    // A server that forgets everything this soon after its start learns it again. It reports its age in whole seconds.
    await sleep(TTL + 1000);
    await redis.command('FLUSHALL');
    // All three losses are here when the first one is delivered.
    block(TTL);
    await until(() => answers.length === 2, 'the first loss to be reported');
    // The store had heard of this process a moment ago: that was not why.
    const { message } = first.signal.reason;
    assert.equal(message, "Lock '1' was lost: its lease has ended, or its store has forgotten it");
    for (const answer of answers) assert.equal((await errorOf(answer)).code, 'ERR_LOCK_LOST');
    assert.deepEqual(
      [second, third].map(({ signal }) => signal.reason.code),
      ['ERR_LOCK_LOST', 'ERR_LOCK_LOST'],
    );
    await assertWorks(locks);
    locks.close();
  });
});
