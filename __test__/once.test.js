'use strict';
// release() works the first time; later calls do nothing, to anyone.

const { it } = require('node:test');
const assert = require('node:assert/strict');
const { apis, notifying, expiring, overModes, overApis, freshKey } = require('./support/apis');
const { hold } = require('./support/queue');
const { block } = require('./support/until');

overModes('a second release', apis, (api, mode) => {
  it('does not free the key of the next holder', () => {
    const locks = api.open();
    const key = freshKey();
    const log = [];
    const release = hold(locks, mode, key);
    let releaseNext;
    locks.write(key, (given) => {
      releaseNext = given;
      log.push('next');
    });
    locks.write(key, () => log.push('third'));
    release();
    release();
    release();
    assert.deepEqual(log, ['next']);
    releaseNext();
    assert.deepEqual(log, ['next', 'third']);
    releaseNext();
    release();
    assert.deepEqual(log, ['next', 'third']);
  });

  it('does nothing after the key was free, taken and freed many times', () => {
    const locks = api.open();
    const key = freshKey();
    const old = [];
    for (let i = 0; i < 100; i++) {
      const release = hold(locks, mode, key);
      release();
      old.push(release);
    }
    const release = hold(locks, 'write', key);
    const log = [];
    locks.write(key, () => log.push('granted'));
    old.forEach((again) => again());
    assert.deepEqual(log, []);
    release();
    assert.deepEqual(log, ['granted']);
  });

  it('does nothing from inside the grant that the first one made', () => {
    const locks = api.open();
    const key = freshKey();
    const log = [];
    const release = hold(locks, mode, key);
    locks.write(key, () => {
      log.push('next');
      release();
    });
    locks.write(key, () => log.push('third'));
    release();
    assert.deepEqual(log, ['next']);
  });
});

overApis('a second release of one reader', notifying, (api) => {
  it('does not release another reader', () => {
    const locks = api.open();
    const log = [];
    const first = hold(locks, 'read', 'key');
    const second = hold(locks, 'read', 'key');
    locks.write('key', () => log.push('writer'));
    first();
    first();
    first();
    assert.deepEqual(log, []);
    second();
    assert.deepEqual(log, ['writer']);
  });
});

overModes('the release callback', notifying, (api, mode) => {
  it('is called once, with the arguments of the first release', () => {
    const log = [];
    const release = hold(api.open(), mode, 'key', (word) => log.push(word));
    release('first');
    release('second');
    assert.deepEqual(log, ['first']);
  });

  it('may call release again', () => {
    const log = [];
    const release = hold(api.open(), mode, 'key', (word) => {
      log.push(word);
      release('again');
    });
    release('first');
    assert.deepEqual(log, ['first']);
  });
});

overModes('release after expiry', expiring, (api, mode) => {
  it('does nothing to anyone, and notifies nobody', () => {
    const locks = api.open({ expiry: 5 });
    const log = [];
    const release = hold(locks, mode, 'key', (error) => log.push(error.code));
    block(10);
    let releaseNext;
    const next = (given) => {
      releaseNext = given;
      log.push('next');
    };
    locks.write('key', next, (word) => log.push(`next ${word}`));
    assert.deepEqual(log, ['ERR_LOCK_EXPIRED', 'next']);
    release('late');
    release(new Error('later'));
    assert.deepEqual(log, ['ERR_LOCK_EXPIRED', 'next']);
    releaseNext('released');
    assert.deepEqual(log, ['ERR_LOCK_EXPIRED', 'next', 'next released']);
  });

  it('does nothing from inside the release callback that reports it', () => {
    const locks = api.open({ expiry: 5 });
    const log = [];
    const release = hold(locks, mode, 'key', (error) => {
      log.push(error.code);
      release('inside');
    });
    block(10);
    locks.write('key', () => log.push('next'));
    assert.deepEqual(log, ['ERR_LOCK_EXPIRED', 'next']);
  });
});
