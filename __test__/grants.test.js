'use strict';
// When callbacks run: a free key's before the call returns, the next ones' before release() returns, and then
// the release callback.

const { it } = require('node:test');
const assert = require('node:assert/strict');
const { apis, notifying, overApis, overModes, freshKey } = require('./support/apis');
const { hold } = require('./support/queue');

overModes('a grant', apis, (api, mode) => {
  it('of a free key comes before the call returns', () => {
    const log = [];
    api.open()[mode](freshKey(), (release) => {
      log.push('obtained');
      release();
    });
    log.push('returned');
    assert.deepEqual(log, ['obtained', 'returned']);
  });

  it('of a held key comes before release() returns, and not earlier', async () => {
    const locks = api.open();
    const key = freshKey();
    const log = [];
    const release = hold(locks, 'write', key);
    locks[mode](key, (releaseNext) => {
      log.push('obtained');
      releaseNext();
    });
    log.push('waits');
    await new Promise(setImmediate);
    log.push('releases');
    release();
    log.push('released');
    assert.deepEqual(log, ['waits', 'releases', 'obtained', 'released']);
  });

  it('comes with one argument, the function that releases, and no `this`', () => {
    let seen;
    api.open()[mode](freshKey(), function (...args) {
      seen = { args, self: this };
      args[0]();
    });
    assert.equal(seen.args.length, 1);
    assert.equal(typeof seen.args[0], 'function');
    assert.equal(seen.self, undefined);
  });

  it('leaves the key free again when it is released inside the callback', () => {
    const locks = api.open();
    const key = freshKey();
    let grants = 0;
    for (let i = 0; i < 3; i++) {
      locks[mode](key, (release) => {
        grants++;
        release();
      });
    }
    assert.equal(grants, 3);
  });

  it('gives no answer, and neither does release()', () => {
    let answer = 'not released';
    const result = api.open()[mode](freshKey(), (release) => {
      answer = release('ignored');
    });
    assert.equal(result, undefined);
    assert.equal(answer, undefined);
  });

  it('can come when release is called with any `this`, much later, as an event handler', async () => {
    const locks = api.open();
    const key = freshKey();
    const release = hold(locks, mode, key);
    let granted = false;
    setImmediate(release.bind({ some: 'emitter' }));
    await new Promise((resolve) => {
      locks.write(key, (releaseNext) => {
        granted = true;
        releaseNext();
        resolve();
      });
      assert.equal(granted, false);
    });
    assert.equal(granted, true);
  });
});

overApis('the next grants', apis, (api) => {
  it('come in a row when each is released later', async () => {
    const locks = api.open();
    const key = freshKey();
    const log = [];
    const release = hold(locks, 'write', key);
    const done = new Promise((resolve) => {
      for (let i = 0; i < 10; i++) {
        locks.write(key, (releaseNext) => {
          log.push(i);
          setImmediate(releaseNext);
          if (i === 9) resolve();
        });
      }
    });
    release();
    assert.deepEqual(log, [0]);
    await done;
    assert.deepEqual(log, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

overModes('the release callback', notifying, (api, mode) => {
  it('gets the arguments of release, whatever they are, once', () => {
    const calls = [];
    const locks = api.open();
    const error = new Error('mine');
    for (const args of [[], [error], [null, 'result'], [undefined], [1, 2, 3, 4, 5]]) {
      hold(locks, mode, 'key', (...given) => calls.push(given))(...args);
    }
    assert.deepEqual(calls, [[], [error], [null, 'result'], [undefined], [1, 2, 3, 4, 5]]);
    assert.equal(calls[1][0], error);
  });

  it('has no `this`', () => {
    let self = 'not called';
    hold(api.open(), mode, 'key', function () {
      self = this;
    })();
    assert.equal(self, undefined);
  });

  it('comes after those whom the release let in, and before release() returns', () => {
    const locks = api.open();
    const log = [];
    const release = hold(locks, mode, 'key', (word) => log.push(`released ${word}`));
    locks.write('key', () => log.push('next obtained'));
    release('now');
    log.push('returned');
    assert.deepEqual(log, ['next obtained', 'released now', 'returned']);
  });

  it('comes when the key is free for others', () => {
    const locks = api.open();
    const log = [];
    const release = hold(locks, mode, 'key', () => {
      locks.write('key', () => log.push('obtained in the release callback'));
    });
    release();
    assert.deepEqual(log, ['obtained in the release callback']);
  });

  it('of each reader comes at its own release', () => {
    const locks = api.open();
    const log = [];
    const first = hold(locks, 'read', 'key', () => log.push('first'));
    const second = hold(locks, 'read', 'key', () => log.push('second'));
    second();
    assert.deepEqual(log, ['second']);
    first();
    assert.deepEqual(log, ['second', 'first']);
  });

  it('of a queued request comes after the next grant, down the whole queue', () => {
    const locks = api.open();
    const log = [];
    const release = hold(locks, 'write', 'key', () => log.push('released 0'));
    for (const n of [1, 2, 3]) {
      locks.write(
        'key',
        (releaseNext) => {
          log.push(`obtained ${n}`);
          releaseNext(n);
          log.push(`returned ${n}`);
        },
        (word) => log.push(`released ${word}`),
      );
    }
    release();
    assert.deepEqual(log, [
      ...['obtained 1', 'obtained 2', 'obtained 3'],
      ...['released 3', 'returned 3', 'released 2', 'returned 2', 'released 1', 'returned 1', 'released 0'],
    ]);
  });

  for (const nothing of [null, undefined, false, 0, '']) {
    it(`may be ${JSON.stringify(nothing)}: nobody is notified`, () => {
      const release = hold(api.open(), mode, 'key', nothing);
      assert.equal(release('word'), undefined);
    });
  }
});
