'use strict';
// A callback that had to wait runs in the async context of the one who asked, not of the one who released.

const { it } = require('node:test');
const assert = require('node:assert/strict');
const { AsyncLocalStorage, executionAsyncId, AsyncResource } = require('node:async_hooks');
const { apis, expiring, sharing, overApis, overModes, freshKey } = require('./support/apis');
const { hold } = require('./support/queue');
const { block, deferred } = require('./support/until');

const storage = new AsyncLocalStorage();

overModes('a grant', apis, (api, mode) => {
  it('of a free key runs in the context of the call', () => {
    const locks = api.open();
    storage.run('asker', () => {
      locks[mode](freshKey(), (release) => {
        assert.equal(storage.getStore(), 'asker');
        release();
      });
    });
  });

  it('that was waited for runs in the context of the one who asked', () => {
    const locks = api.open();
    const key = freshKey();
    const release = hold(locks, 'write', key);
    let seen;
    storage.run('asker', () => {
      locks[mode](key, (releaseNext) => {
        seen = storage.getStore();
        releaseNext();
      });
    });
    storage.run('releaser', () => {
      release();
      assert.equal(storage.getStore(), 'releaser');
    });
    assert.equal(seen, 'asker');
  });

  it('runs so for each in the queue, at any depth', () => {
    const locks = api.open();
    const key = freshKey();
    const release = hold(locks, 'write', key);
    const seen = [];
    for (let i = 0; i < 300; i++) {
      storage.run(i, () => {
        locks[mode](key, (releaseNext) => {
          seen.push(storage.getStore());
          releaseNext();
          assert.equal(storage.getStore(), i);
        });
      });
    }
    storage.run('releaser', release);
    assert.deepEqual(seen, [...Array(300).keys()]);
  });

  it('keeps the context over an await inside the callback', async () => {
    const locks = api.open();
    const key = freshKey();
    const { promise, resolve } = deferred();
    const release = hold(locks, 'write', key);
    storage.run('asker', () => {
      locks[mode](key, async (releaseNext) => {
        await new Promise(setImmediate);
        resolve(storage.getStore());
        releaseNext();
      });
    });
    storage.run('releaser', release);
    assert.equal(await promise, 'asker');
  });

  it('runs in a resource of its own, which async_hooks can follow', () => {
    const locks = api.open();
    const key = freshKey();
    const release = hold(locks, 'write', key);
    const asked = executionAsyncId();
    let inside;
    locks[mode](key, (releaseNext) => {
      inside = executionAsyncId();
      releaseNext();
    });
    new AsyncResource('RELEASER').runInAsyncScope(release);
    assert.ok(inside > asked);
    assert.equal(executionAsyncId(), asked);
  });
});

overApis('a reader that asks while those before it are being notified', sharing, (api) => {
  it('runs in its own context, too', () => {
    const locks = api.open();
    const seen = [];
    const release = hold(locks, 'write', 'key');
    locks.read('key', () => {
      storage.run('inner', () => locks.read('key', () => seen.push(storage.getStore())));
    });
    storage.run('second', () => locks.read('key', () => seen.push(storage.getStore())));
    storage.run('releaser', release);
    assert.deepEqual(seen, ['second', 'inner']);
  });
});

overModes('a newcomer that ends an overdue hold', expiring, (api, mode) => {
  it('runs in its own context at any depth, even where it is delivered later', () => {
    const overdue = api.open({ expiry: 5 });
    for (let i = 0; i < 100; i++) hold(overdue, 'write', i);
    block(10);
    const locks = api.open();
    const seen = [];
    const release = hold(locks, 'write', 'key');
    for (let i = 0; i < 100; i++) {
      locks.write('key', (releaseNext) => {
        storage.run(i, () => overdue[mode](i, () => seen.push([i, storage.getStore()])));
        releaseNext();
      });
    }
    storage.run('releaser', release);
    assert.deepEqual(
      seen.toSorted(([a], [b]) => a - b),
      Array.from({ length: 100 }, (_, i) => [i, i]),
    );
  });
});

overModes('a release callback', expiring, (api, mode) => {
  it('runs in the context of the one who released, if one did', () => {
    const release = storage.run('asker', () =>
      hold(api.open(), mode, 'key', () => assert.equal(storage.getStore(), 'releaser')),
    );
    storage.run('releaser', release);
  });

  it('runs in the context of the one who asked, if a newcomer ended the hold', () => {
    const locks = api.open({ expiry: 5 });
    const seen = [];
    storage.run('asker', () => hold(locks, mode, 'key', () => seen.push(storage.getStore())));
    block(10);
    storage.run('newcomer', () => locks.write('key', () => seen.push(storage.getStore())));
    assert.deepEqual(seen, ['asker', 'newcomer']);
  });

  it('runs in the context of the one who asked, if the clock ended the hold', async () => {
    const { promise, resolve } = deferred();
    const locks = api.open({ expiry: 10 });
    const seen = [];
    const see = () => seen.push(storage.getStore());
    storage.run('holder', () => hold(locks, mode, 'key', see));
    storage.run('second', () => locks[mode === 'read' ? 'write' : mode]('key', see, see));
    storage.run('third', () =>
      locks.write('key', () => {
        see();
        resolve();
      }),
    );
    await promise;
    assert.deepEqual(seen, ['holder', 'second', 'second', 'third']);
  });
});
