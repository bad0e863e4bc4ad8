'use strict';
// The async context (AsyncLocalStorage) of the one who asked is kept: in the function, and after the await, whoever
// released, aborted or expired in whatever context.

const { it } = require('node:test');
const assert = require('node:assert/strict');
const { AsyncLocalStorage } = require('node:async_hooks');
const { overScopesAndModes } = require('./support/scopes');
const { turn } = require('./support/follow');

const storage = new AsyncLocalStorage();

overScopesAndModes('the async context', (open, mode) => {
  it('is that of the one who asked, in the function and after it', async () => {
    const locks = open();
    const seen = [];
    const hold = await storage.run('holder', () => locks.write('key'));
    const call = storage.run('asker', async () => {
      await locks[mode]('key', async () => {
        seen.push(storage.getStore());
        await turn();
        seen.push(storage.getStore());
      });
      seen.push(storage.getStore());
    });
    storage.run('releaser', () => hold.release());
    await call;
    assert.deepEqual(seen, ['asker', 'asker', 'asker']);
  });

  it('is that of the one who asked, after the await of a hold', async () => {
    const locks = open();
    const seen = [];
    const hold = await locks.tryWrite('key');
    const calls = ['a', 'b', undefined].map((name) =>
      storage.run(name, async () => {
        const own = await locks[mode]('key');
        seen.push(storage.getStore());
        own.release();
        await turn();
        seen.push(storage.getStore());
      }),
    );
    storage.run('releaser', () => hold.release());
    await Promise.all(calls);
    assert.deepEqual(seen.toSorted(), ['a', 'a', 'b', 'b', undefined, undefined]);
  });

  it('is kept when the key was free, several keys too', async () => {
    const locks = open();
    for (const key of ['key', ['a', 'b']]) {
      const result = await storage.run('asker', () =>
        locks[mode](key, async () => {
          await turn();
          return storage.getStore();
        }),
      );
      assert.equal(result, 'asker');
    }
    assert.equal(storage.getStore(), undefined);
  });

  it('is kept after a time limit, an abort, a close, and an expiry', async () => {
    const locks = open();
    const seen = [];
    const hold = await locks.tryWrite('key');
    const controller = new AbortController();
    const ask = (name, key, options) =>
      storage.run(name, async () => {
        try {
          await locks[mode](key, options);
        } catch {
          seen.push(storage.getStore());
        }
      });
    await ask('time limit', 'key', { timeout: 1 });
    const aborted = ask('abort', 'key', { signal: controller.signal });
    storage.run('aborter', () => controller.abort());
    await aborted;
    const lost = await locks.tryWrite('other', { expiry: 1 });
    await storage.run('after an expiry', async () => {
      await locks[mode]('other');
      seen.push(storage.getStore());
    });
    assert.equal(lost.signal.aborted, true);
    const closed = ask('close', 'key');
    storage.run('closer', () => locks.close());
    await closed;
    hold.release();
    assert.deepEqual(seen, ['time limit', 'abort', 'after an expiry', 'close']);
  });
});
