'use strict';
// The callback classes on a store: obtained later, never before the call returns; the release callback when the store
// has answered, with the arguments given to release, or with what went wrong.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { AsyncLocalStorage } = require('node:async_hooks');
const latchkey = require('latchkey');
const RwlockPlus = require('latchkey/rwlock-plus');
const { useRedis, withoutRedis, untilAsync } = require('./support/redis');
const { Proxy } = require('./support/proxy');
const { run } = require('./support/child');
const { freshName } = require('./support/scopes');
const { turn } = require('./support/follow');
const { deferred } = require('./support/until');

const { Locks, LockExpiredError, LockLostError, StoreUnreachableError } = latchkey;
const TTL = 900;

describe('the callback classes on a store', { skip: withoutRedis }, () => {
  const redis = useRedis();

  for (const [api, Lock] of [
    ['latchkey constructed', latchkey],
    ['rwlock-plus', RwlockPlus],
  ]) {
    describe(api, () => {
      const open = ({ name = freshName(), expiry, logger, url = redis.url } = {}) =>
        new Lock(expiry, logger, { name, store: { url, ttl: TTL } });

      it('obtain later, never before the call returns', async () => {
        const lock = open();
        for (const method of ['writeLock', 'readLock']) {
          const log = [];
          const done = deferred();
          lock[method]('key', done.resolve, (release) => {
            log.push('obtained');
            release();
          });
          log.push('returned');
          await done.promise;
          assert.deepEqual(log, ['returned', 'obtained']);
        }
      });

      it('call the release callback when the store has answered, with the arguments given to release', async () => {
        const name = freshName();
        const lock = open({ name });
        const locks = new Locks({ name, store: { url: redis.url, ttl: TTL } });
        const log = [];
        const done = deferred();
        lock.writeLock(
          'key',
          (...args) => done.resolve(args),
          (release) => {
            release(null, 'a', 2);
            release('again');
            log.push('released');
            done.promise.then(() => log.push('notified'));
          },
        );
        assert.deepEqual(await done.promise, [null, 'a', 2]);
        await turn();
        assert.deepEqual(log, ['released', 'notified']);
        assert.notEqual(await locks.tryWrite('key'), null);
        locks.close();
      });

      it('keep the order, and readers together', async () => {
        const lock = open();
        const log = [];
        const modes = ['write', 'read', 'read', 'write', 'read'];
        const ended = modes.map((mode, i) => {
          const done = deferred();
          lock[`${mode}Lock`]('key', done.resolve, (release) => {
            log.push(i);
            setImmediate(release);
          });
          return done.promise;
        });
        await Promise.all(ended);
        assert.deepEqual(log, [0, 1, 2, 3, 4]);
      });

      it('need no release callback', async () => {
        const lock = open();
        const first = deferred();
        lock.writeLock('key', null, (release) => {
          release();
          first.resolve();
        });
        await first.promise;
        const second = deferred();
        lock.writeLock('key', null, (release) => second.resolve(release()));
        await second.promise;
      });

      it('report an expiry to the release callback and the logger, and a late release does nothing', async () => {
        const warnings = [];
        const name = freshName();
        const lock = open({ name, expiry: 40, logger: { warn: (message) => warnings.push(message) } });
        const [notified, obtained] = [deferred(), deferred()];
        lock.writeLock('key', (...args) => notified.resolve(args), obtained.resolve);
        const release = await obtained.promise;
        const next = deferred();
        lock.writeLock('key', null, next.resolve);
        const [error, ...others] = await notified.promise;
        assert.ok(error instanceof LockExpiredError);
        assert.deepEqual(others, []);
        assert.match(error.message, /Lock 'key' timed out and was released automatically/);
        assert.deepEqual(warnings, [error.message]);
        release('late');
        (await next.promise)();
      });

      it('report a loss to the release callback', async () => {
        const proxy = await new Proxy(redis.port).start();
        const lock = open({ url: proxy.url });
        const [notified, obtained] = [deferred(), deferred()];
        lock.writeLock('key', (...args) => notified.resolve(args), obtained.resolve);
        await obtained.promise;
        proxy.swallows = true;
        const [error] = await notified.promise;
        assert.ok(error instanceof LockLostError);
        assert.equal(error.code, 'ERR_LOCK_LOST');
        assert.equal(error.key, 'key');
        await proxy.stop();
      });

      it('report a request that fails to the release callback, and do not obtain', async () => {
        const lock = new Lock(0, null, {
          name: 'nobody',
          store: { url: 'redis://127.0.0.1:1', connectTimeout: 100 },
        });
        const notified = deferred();
        lock.readLock(
          'key',
          (...args) => notified.resolve(args),
          () => assert.fail('must not be obtained'),
        );
        const [error] = await notified.promise;
        assert.ok(error instanceof StoreUnreachableError);
        assert.deepEqual([error.code, error.key], ['ERR_STORE_UNREACHABLE', 'key']);
      });

      it('run in the async context of the one who asked', async () => {
        const storage = new AsyncLocalStorage();
        const lock = open();
        const seen = [];
        const done = deferred();
        storage.run('asker', () => {
          lock.writeLock(
            'key',
            () => {
              seen.push(storage.getStore());
              done.resolve();
            },
            (release) => {
              seen.push(storage.getStore());
              storage.run('releaser', release);
            },
          );
        });
        await done.promise;
        assert.deepEqual(seen, ['asker', 'asker']);
      });

      it('share their keys with the promise API', async () => {
        const name = freshName();
        const lock = open({ name });
        const locks = new Locks({ name, store: { url: redis.url, ttl: TTL } });
        const hold = await locks.write('key');
        const obtained = deferred();
        lock.readLock('key', null, obtained.resolve);
        await untilAsync(async () => (await locks.query()).pending.length === 1, 'it to wait');
        await hold.release();
        (await obtained.promise)();
        await locks.write('key', () => {});
        locks.close();
      });
    });
  }

  it('without a release callback, a request that fails is an uncaught exception', async () => {
    const program = () => {
      const { Lock } = require('latchkey');
      const store = { url: 'redis://127.0.0.1:1', connectTimeout: 100 };
      new Lock(0, null, { name: 'nobody', store }).writeLock('key', null, () => console.log('obtained'));
    };
    const { code, stdout, stderr } = await run(program);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /StoreUnreachableError: The store at 127\.0\.0\.1:1 cannot be reached/);
  });

  it('an error that obtained throws is the program’s, and the lock is kept until it is released', async () => {
    const program = (url) => {
      const { Lock, Locks: Other } = require('latchkey');
      const lock = new Lock(0, null, { name: 'throws', store: url });
      const locks = new Other({ name: 'throws', store: url });
      let give;
      process.on('uncaughtException', async (error) => {
        console.log(error.message, await locks.tryRead('key'));
        give();
        console.log(await locks.read('key', () => 'free'));
      });
      lock.writeLock('key', null, (release) => {
        give = release;
        throw new Error('mine');
      });
    };
    const { code, stdout, stderr } = await run(program, redis.url);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'mine null\nfree\n', stderr: '' });
  });
});
