'use strict';
// What rwlock-plus's documentation says, with its own examples, and what its own tests expect.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { EventEmitter } = require('node:events');
const { deferred, sleep } = require('./support/until');

/** Every way to get at it. */
const WAYS = {
  "require('latchkey')": require('latchkey'),
  "require('latchkey').Lock": require('latchkey').Lock,
  "require('latchkey/rwlock-plus')": require('latchkey/rwlock-plus'),
  "require('latchkey/rwlock-plus').Lock": require('latchkey/rwlock-plus').Lock,
};

const lockError = /released automatically/;

for (const [way, Lock] of Object.entries(WAYS)) {
  describe(`rwlock-plus’s own tests (${way})`, () => ownTests(Lock));
  describe(`rwlock-plus’s documentation (${way})`, () => documentation(Lock));
}

function ownTests(Locker) {
  it('calls the original callback', () => {
    let called = false;
    let obtained = false;
    new Locker().writeLock(
      '1',
      () => (called = true),
      (unlock) => {
        obtained = true;
        assert.ok(!called);
        unlock();
        assert.ok(called);
      },
    );
    assert.ok(obtained);
  });

  it('read locks do not block other read locks', () => {
    const locker = new Locker();
    let released = 0;
    const unlock = [];
    for (let i = 0; i < 2; i++) {
      locker.readLock(
        '1',
        () => released++,
        (given) => unlock.push(given),
      );
    }
    unlock[0]();
    unlock[1]();
    assert.equal(released, 2);
  });

  it('write locks block all locks', async () => {
    const { promise, resolve } = deferred();
    const locker = new Locker();
    let released = 0;
    const obtained = [];
    const released1 = () => ++released === 3 && resolve();
    locker.writeLock('1', released1, (unlock) => {
      obtained.push('first writer');
      setImmediate(unlock);
    });
    locker.readLock('1', released1, (unlock) => {
      obtained.push('reader');
      setImmediate(unlock);
    });
    locker.writeLock('1', released1, (unlock) => {
      obtained.push('second writer');
      unlock();
    });
    assert.deepEqual(obtained, ['first writer']);
    await promise;
    assert.deepEqual(obtained, ['first writer', 'reader', 'second writer']);
  });

  it('releases locks when a new lock is requested after timeout expires', async () => {
    const { promise, resolve } = deferred();
    const locker = new Locker(50);
    const errors = [];
    locker.writeLock(
      1,
      (error) => errors.push(error),
      () => {},
    );
    locker.writeLock(1, null, (unlock) => {
      unlock();
      resolve();
    });
    await promise;
    assert.equal(errors.length, 1);
    assert.ok(errors[0] instanceof Error);
    assert.match(errors[0].message, lockError);
    let last = false;
    locker.writeLock(1, null, (unlock) => {
      last = true;
      unlock();
    });
    assert.ok(last);
    assert.equal(errors.length, 1);
  });

  it('releases expired locks only when another lock is obtained', async () => {
    const locker = new Locker(30);
    const log = [];
    locker.readLock(
      1,
      (error) => log.push(error.message),
      () => {},
    );
    await sleep(80);
    assert.deepEqual(log, []);
    locker.readLock(1, null, (unlock) => {
      log.push('obtained');
      unlock();
    });
    assert.equal(log.length, 2);
    assert.match(log[0], lockError);
    assert.equal(log[1], 'obtained');
  });
}

function documentation(Lock) {
  it('GetStream: the lock is held until the stream ends, and no release callback is needed', () => {
    const lock = new Lock();
    const log = [];
    let stream;
    function GetStream(callback) {
      lock.readLock('my-resource', null, (release) => {
        const opened = new EventEmitter();
        opened.on('end', release);
        callback(opened);
      });
    }
    GetStream((opened) => (stream = opened));
    lock.writeLock('my-resource', null, () => log.push('writer'));
    assert.deepEqual(log, []);
    stream.emit('end');
    assert.deepEqual(log, ['writer']);
  });

  it('GetStream with a failsafe: a stream that never ends is aborted, and a late end changes nothing', async () => {
    const { promise, resolve } = deferred();
    const warnings = [];
    const log = [];
    const lock = new Lock(30, { warn: (message) => warnings.push(message) });
    let stream;
    function GetStream(key, callback) {
      function released(err) {
        log.push(err ? `aborted: ${err.message}` : 'released');
      }
      lock.readLock(key, released, (release) => {
        stream = new EventEmitter();
        stream.on('end', release);
        callback(stream);
      });
    }
    GetStream('movie', () => log.push('streams'));
    lock.writeLock(
      'movie',
      (...args) => log.push(['writer released', ...args]),
      (release) => {
        log.push('writer');
        resolve(release);
      },
    );
    lock.writeLock('movie', null, (release) => {
      log.push('last');
      release();
    });
    const release = await promise;
    stream.emit('end');
    assert.deepEqual(log, [
      'streams',
      "aborted: Lock 'movie' timed out and was released automatically",
      'writer',
    ]);
    release(null, 'result');
    assert.deepEqual(log.slice(3), ['last', ['writer released', null, 'result']]);
    assert.deepEqual(warnings, ["Lock 'movie' timed out and was released automatically"]);
  });

  it('GetStream with a failsafe: a stream that ends in time is released without an error', () => {
    const lock = new Lock(10_000);
    const calls = [];
    let stream;
    lock.readLock(
      'movie',
      (...args) => calls.push(args),
      (release) => {
        stream = new EventEmitter();
        stream.on('end', release);
      },
    );
    stream.emit('end');
    stream.emit('end');
    assert.deepEqual(calls, [[]]);
  });

  it('release with an error hands it to the original callback', () => {
    const lock = new Lock();
    const calls = [];
    const error = new Error('database');
    lock.writeLock(
      'key',
      (...args) => calls.push(args),
      (release) => release(error, 'more'),
    );
    assert.deepEqual(calls, [[error, 'more']]);
  });

  it('locks of different keys are completely independent', () => {
    const lock = new Lock();
    const log = [];
    for (const key of ['a', 'b', 'c']) lock.writeLock(key, null, () => log.push(key));
    assert.deepEqual(log, ['a', 'b', 'c']);
  });

  it('keeps its methods on the prototype, where programs find, wrap and replace them', (t) => {
    assert.deepEqual(Object.keys(Lock.prototype).toSorted(), ['readLock', 'writeLock']);
    const lock = new Lock();
    assert.deepEqual(Object.keys(lock), []);
    const wrapped = t.mock.method(lock, 'readLock');
    lock.readLock('key', null, (release) => release());
    assert.equal(wrapped.mock.callCount(), 1);
  });
}
