'use strict';
// A server that has just started grants nothing for the length of a lease: nobody takes that for a key that somebody holds.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { subscribe, unsubscribe } = require('node:diagnostics_channel');
const { Locks, LockTimeoutError, LockQueueFullError, StoreStartingError } = require('latchkey');
const { findFreePort } = require('../scripts/redis-server');
const { useRedis, withoutRedis, untilAsync } = require('./support/redis');
const { run } = require('./support/child');
const { errorOf } = require('./support/follow');

const KEYS = ['b', 'a'];
/** Longer than any of these tests, where the end of a freeze is not waited for. */
const LONG = 60_000;
/** Where it is: enough for what has to happen before. */
const BRIEF = 1500;

let namespaces = 0;

describe('a store that has just started', { skip: withoutRedis }, () => {
  const redis = useRedis();

  /** Locks on a server that grants nothing for so many milliseconds, counted from now. */
  async function open(frozen, options) {
    const namespace = `starting-${++namespaces}`;
    await redis.hasStarted(frozen, namespace);
    const store = { url: redis.url, namespace, ttl: 5000 };
    const locks = new Locks({ name: 'starting', store, ...options });
    return { locks, store };
  }

  /** Asserts that an error says until when nothing is granted: `from` is when the freeze was begun. */
  function assertUntil({ frozenUntil }, from, frozen) {
    assert.ok(Number.isInteger(frozenUntil), String(frozenUntil));
    assert.ok(
      frozenUntil >= from + frozen - 100 && frozenUntil <= Date.now() + frozen + 100,
      String(frozenUntil - from),
    );
  }

  for (const mode of ['tryWrite', 'tryRead']) {
    for (const key of ['a', KEYS]) {
      it(`rejects ${mode} of ${Array.isArray(key) ? 'several keys' : 'a key'}, and does not say that somebody holds it`, async () => {
        const from = Date.now();
        const { locks } = await open(LONG);
        const error = await errorOf(locks[mode](key, { label: 'report' }));
        assert.ok(error instanceof StoreStartingError);
        assert.equal(error.code, 'ERR_STORE_STARTING');
        assert.equal(error.key, 'a');
        assert.equal(error.label, 'report');
        const said =
          /^The store at 127\.0\.0\.1:\d+ has just started, or taken over .* grants nothing yet \(for another (59\.\d|60) s\)$/;
        assert.match(error.message, said);
        assertUntil(error, from, LONG);
        locks.close();
      });
    }
  }

  it('answers null where somebody is known to hold the key, or to wait for it', async () => {
    const { locks, store } = await open(0, { timeout: LONG });
    const hold = await locks.write('held');
    // As if the server had another past: who holds says so again.
    await redis.freezes(LONG, store.namespace);
    const waiting = errorOf(locks.write('waited for'));
    await untilAsync(async () => (await locks.query()).pending.length === 1, 'it to wait');
    for (const key of ['held', 'waited for', ['held', 'waited for']])
      assert.equal(await locks.tryWrite(key), null);
    assert.equal((await errorOf(locks.tryWrite('free'))).code, 'ERR_STORE_STARTING');
    assert.equal((await errorOf(locks.tryWrite(['free', 'held']))).code, 'ERR_STORE_STARTING');
    await hold.release();
    locks.close();
    await waiting;
  });

  it('has a try refused for that also where maxPending is reached, and a call that waits for maxPending', async () => {
    const { locks } = await open(LONG, { maxPending: 1 });
    const waiting = errorOf(locks.write('other'));
    assert.equal((await errorOf(locks.tryWrite('a'))).code, 'ERR_STORE_STARTING');
    assert.ok((await errorOf(locks.write('a'))) instanceof LockQueueFullError);
    locks.close();
    await waiting;
  });

  for (const [what, key, timeout] of [
    ['a key', 'a', 100],
    ['several keys', KEYS, 100],
    ['a key with no time to wait', 'a', 0],
  ]) {
    it(`is named by the error of a time-out: ${what}`, async () => {
      const from = Date.now();
      const { locks } = await open(LONG, { timeout });
      await locks.query();
      const error = await errorOf(locks.write(key));
      assert.ok(error instanceof LockTimeoutError);
      const said = new RegExp(
        `^Lock 'a' was not granted within ${timeout} ms\\. The store at .* grants nothing yet \\(for another`,
      );
      assert.match(error.message, said);
      assertUntil(error, from, LONG);
      locks.close();
    });
  }

  it('is not named where somebody holds the key', async () => {
    const { locks } = await open(0);
    const hold = await locks.write('a');
    const error = await errorOf(locks.write('a', { timeout: 50 }));
    assert.ok(error instanceof LockTimeoutError);
    assert.equal(error.frozenUntil, undefined);
    assert.equal(await locks.tryWrite('a'), null);
    assert.equal(await locks.tryWrite(KEYS), null);
    await hold.release();
    locks.close();
  });

  it('grants what has waited for it, one key or several, and publishes no refusal of those', async () => {
    const refused = [];
    const listener = (message) => refused.push(message);
    subscribe('latchkey:refuse', listener);
    try {
      const { locks } = await open(BRIEF);
      const all = locks.write(KEYS);
      await (await locks.write('c', { timeout: LONG })).release();
      await (await all).release();
      assert.deepEqual(
        refused.map(({ code }) => code),
        [null],
        'the second one was tried only, along with the first',
      );
      refused.length = 0;
      locks.close();
      const { locks: starting } = await open(LONG);
      await errorOf(starting.tryRead('a'));
      assert.deepEqual(
        refused.map(({ code }) => code),
        ['ERR_STORE_STARTING'],
      );
      starting.close();
    } finally {
      unsubscribe('latchkey:refuse', listener);
    }
  });

  it('says in query() until when it grants nothing', async () => {
    const from = Date.now();
    const { locks } = await open(LONG);
    const waiting = errorOf(locks.write('a'));
    const snapshot = await locks.query();
    assert.deepEqual(Object.keys(snapshot), ['held', 'pending', 'frozenUntil']);
    assertUntil(snapshot, from, LONG);
    assert.equal(await locks.isLocked('a'), false);
    locks.close();
    await waiting;
  });

  it('is ready when it grants, for all who wait for that', async () => {
    const from = performance.now();
    const { locks, store } = await open(BRIEF);
    const other = new Locks({ name: 'other', store });
    assert.equal((await errorOf(locks.tryWrite('a'))).code, 'ERR_STORE_STARTING');
    assert.equal(
      await Promise.all([locks.ready(), locks.ready(), other.ready()]).then(() => 'ready'),
      'ready',
    );
    assert.ok(performance.now() - from >= BRIEF - 1, String(performance.now() - from));
    const hold = await locks.tryWrite('a');
    assert.equal(hold.key, 'a');
    await hold.release();
    assert.deepEqual(await locks.query(), { held: [], pending: [] });
    await locks.ready();
    other.close();
    locks.close();
  });

  it('keeps the process alive for ready(), and not after close()', async () => {
    const { store, locks } = await open(BRIEF);
    const program = (options) => {
      const { Locks: Own } = require('latchkey');
      const own = new Own({ name: 'own', store: options });
      own.ready().then(() => console.log('ready'));
    };
    const ready = await run(program, store);
    assert.deepEqual([ready.stdout, ready.code, ready.stderr], ['ready\n', 0, '']);
    locks.close();
    const closing = (options) => {
      const { Locks: Own } = require('latchkey');
      const own = new Own({ name: 'own', store: options });
      own.ready().catch(({ code }) => console.log(code));
      own.query().then(() => own.close());
    };
    const long = await open(LONG);
    const closed = await run(closing, long.store);
    assert.deepEqual([closed.stdout, closed.code, closed.stderr], ['ERR_LOCK_CLOSED\n', 0, '']);
    assert.ok(closed.ms < LONG / 2);
    long.locks.close();
  });
});

describe('ready()', { skip: withoutRedis }, () => {
  it('rejects where the store cannot be reached, and says why', async () => {
    const url = `redis://127.0.0.1:${await findFreePort()}`;
    const locks = new Locks({ name: 'away', store: { url, connectTimeout: 100 } });
    const error = await errorOf(locks.ready());
    assert.equal(error.code, 'ERR_STORE_UNREACHABLE');
    assert.match(error.message, /^The store at 127\.0\.0\.1:\d+ cannot be reached \(/);
    locks.close();
  });

  const redis = useRedis('--requirepass', 'secret');

  it('rejects where the store refuses, and says what to do', async () => {
    const locks = new Locks({ name: 'refused', store: redis.url });
    const error = await errorOf(locks.ready());
    assert.equal(error.code, 'ERR_STORE_UNREACHABLE');
    assert.match(error.message, /refuses the login/);
    locks.close();
  });
});

describe('ready() without a store', () => {
  for (const options of [{}, { name: 'ready' }]) {
    it(`resolves at once, and rejects once closed: ${JSON.stringify(options)}`, async () => {
      const locks = new Locks(options);
      const hold = await locks.write('a');
      assert.equal(await locks.ready(), undefined);
      hold.release();
      locks.close();
      assert.equal((await errorOf(locks.ready())).code, 'ERR_LOCK_CLOSED');
    });
  }

  it('rejects where it is called on something else', async () => {
    assert.equal((await errorOf(Locks.prototype.ready.call({}))).code, 'ERR_INVALID_THIS');
  });
});
