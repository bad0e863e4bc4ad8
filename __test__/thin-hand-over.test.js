'use strict';
// When somebody may have to wait for a thin key, the engine is given all that is known of its holders: their order, modes,
// fences, ages and expiries. Holders that were only counted get stand-ins there.

const { it, describe, beforeEach } = require('node:test');
const assert = require('node:assert/strict');
const { openThinFaces } = require('./support/thin-faces');
const { hold } = require('./support/queue');
const { block } = require('./support/until');

const { alock, latchkey, lib, faces, calls } = openThinFaces(true);
const { Locks, Lock } = latchkey;
const { usage } = lib('native');

beforeEach(() => void calls());

describe('the first one that has to wait', () => {
  for (const { name, open } of faces.filter((face) => !face.name.startsWith('Locks'))) {
    it(`has the holder handed over, and the key’s text crosses once (${name})`, () => {
      const locks = open();
      const log = [];
      const before = usage();
      const release = hold(locks, 'write', 'handed');
      for (const n of [1, 2]) {
        locks.write('handed', (releaseNext) => {
          log.push(n);
          releaseNext();
        });
      }
      assert.deepEqual(calls(), ['adopt(handed)', 'request', 'request']);
      assert.equal(usage().holds, before.holds + 1);
      assert.equal(usage().waiting, before.waiting + 2);
      release();
      release();
      assert.deepEqual(log, [1, 2]);
      assert.deepEqual(calls(), ['release', 'release', 'release']);
      assert.deepEqual(usage(), {
        ...usage(),
        holds: before.holds,
        waiting: before.waiting,
        keys: before.keys,
      });
    });
  }
});

describe('a promise face’s holders are handed over', () => {
  it('in order, with their modes, fences and ages', () => {
    const locks = new Locks();
    const readers = [locks.tryRead('key')];
    const other = locks.tryWrite('other');
    block(60);
    const now = Date.now();
    readers.push(locks.tryRead('key'), locks.tryRead('key'));
    const { held, pending } = locks.query();
    assert.deepEqual(calls(), ['adopt(key)', 'adopt', 'adopt', 'adopt(other)', 'query']);
    assert.deepEqual(pending, []);
    const ofKey = held.filter(({ key }) => key === 'key');
    assert.deepEqual(
      ofKey.map(({ fence, mode }) => [fence, mode]),
      readers.map(({ fence }) => [fence, 'read']),
    );
    assert.deepEqual(
      held.filter(({ key }) => key === 'other').map(({ fence, mode }) => [fence, mode]),
      [[other.fence, 'write']],
    );
    const [early, late, later] = ofKey.map(({ since }) => since);
    assert.ok(late - early >= 59, `${early}, then ${late}, 60 ms later`);
    assert.ok(late <= later, `${late}, then ${later}`);
    assert.ok(Math.abs(later - now) < 500, `${later} is not now (${now})`);
    for (const each of [...readers, other]) each.release();
  });

  it('and each is still released by its own holder', async () => {
    const locks = new Locks();
    const readers = [1, 2, 3].map(() => locks.tryRead('key'));
    let written = false;
    const writer = locks.write('key', () => (written = true));
    for (const n of [1, 2, 0]) {
      assert.deepEqual(
        locks.query().held.map(({ fence }) => fence),
        readers.filter((reader) => reader !== null).map(({ fence }) => fence),
      );
      readers[n].release();
      readers[n].release();
      readers[n] = null;
    }
    await writer;
    assert.equal(written, true);
  });

  it('with what they have become: a writer that was downgraded is a reader', () => {
    const locks = new Locks();
    const writer = locks.tryWrite('key');
    writer.downgrade();
    assert.equal(locks.tryWrite('key'), null);
    const reader = locks.tryRead('key');
    assert.equal(reader.mode, 'read');
    for (const each of [reader, writer]) each.release();
    assert.deepEqual(locks.query().held, []);
  });

  it('and can be downgraded then', async () => {
    const locks = new Locks();
    const writer = locks.tryWrite('key');
    const reading = locks.read('key');
    writer.downgrade();
    const reader = await reading;
    assert.equal(locks.tryWrite('key'), null);
    for (const each of [reader, writer]) each.release();
  });
});

describe('a hold with an expiry that is handed over', () => {
  it('expires as long after its grant as it would have', async () => {
    const locks = new Locks({ expiry: 600 });
    const granted = performance.now();
    const holder = locks.tryWrite('key');
    block(400);
    const next = await locks.write('key');
    const age = performance.now() - granted;
    assert.ok(age >= 600, `taken away after ${age} ms`);
    assert.ok(age < 950, `taken away after ${age} ms: not counted from its grant`);
    assert.equal(holder.signal.aborted, true);
    assert.equal(next.recovered, true);
    next.release();
  });

  for (const mode of ['read', 'write']) {
    it(`and is overdue already is taken away by the very call (${mode} request)`, () => {
      const locks = new Locks();
      const reader = locks.tryRead('key', { expiry: 5 });
      block(10);
      const next = locks[mode === 'read' ? 'tryRead' : 'tryWrite']('key');
      assert.equal(next.mode, mode);
      assert.equal(reader.signal.aborted, true);
      assert.equal(reader.signal.reason.code, 'ERR_LOCK_EXPIRED');
      next.release();
      reader.release();
    });
  }

  it('and is safe still shares its key with a reader', () => {
    const locks = new Locks();
    const timed = locks.tryRead('key', { expiry: 600_000 });
    assert.deepEqual(calls(), []);
    const reader = locks.tryRead('key');
    assert.deepEqual(calls(), ['adopt(key)', 'request']);
    assert.deepEqual(
      locks.query().held.map(({ fence }) => fence),
      [timed.fence, reader.fence],
    );
    assert.equal(timed.signal.aborted, false);
    for (const each of [timed, reader]) each.release();
  });

  it('may join readers that have none without the engine', () => {
    const locks = new Locks();
    const reader = locks.tryRead('key');
    const timed = locks.tryRead('key', { expiry: 5 });
    assert.deepEqual(calls(), []);
    block(10);
    const next = locks.tryRead('key');
    assert.equal(timed.signal.aborted, true);
    assert.equal(reader.signal.aborted, false);
    for (const each of [reader, next]) each.release();
  });

  it('tells the callback faces, too', () => {
    const lock = new Lock(5);
    const log = [];
    lock.readLock(
      'key',
      (error) => log.push(error.code),
      () => {},
    );
    block(10);
    lock.readLock('key', null, () => log.push('next'));
    assert.deepEqual(log, ['ERR_LOCK_EXPIRED', 'next']);
  });
});

describe('holders that were only counted', () => {
  it('have a stand-in each, which each of them may end, in any order, once', () => {
    const lock = new Lock();
    const before = usage().holds;
    const told = [];
    const releases = [0, 1, 2].map((n) => {
      let release;
      lock.readLock(
        'key',
        (...args) => told.push([n, ...args]),
        (given) => (release = given),
      );
      return release;
    });
    assert.equal(usage().holds, before);
    let written = 0;
    lock.writeLock('key', null, () => written++);
    assert.deepEqual(calls(), ['adopt(key)', 'adopt', 'adopt', 'request']);
    for (const [i, n] of [1, 2, 0].entries()) {
      assert.equal(usage().holds, before + 3 - i);
      assert.equal(written, 0);
      releases[n]('word', n);
      releases[n]('again');
    }
    assert.equal(written, 1);
    assert.deepEqual(told, [
      [1, 'word', 1],
      [2, 'word', 2],
      [0, 'word', 0],
    ]);
  });

  it('keep readers out where they write, and share where they read', () => {
    const lock = new Lock();
    let log = [];
    const into = (word) => (release) => {
      log.push(word);
      release();
    };
    const writer = hold({ write: (key, obtained) => lock.writeLock(key, null, obtained) }, 'write', 'key');
    lock.readLock('key', null, into('reader'));
    assert.deepEqual(log, []);
    writer();
    assert.deepEqual(log, ['reader']);
    log = [];
    const reader = hold({ read: (key, obtained) => lock.readLock(key, null, obtained) }, 'read', 'key');
    lock.writeLock('key', null, into('writer'));
    // The writer that waits keeps this one behind it, though it could share.
    lock.readLock('key', null, into('behind'));
    assert.deepEqual(log, []);
    reader();
    assert.deepEqual(log, ['writer', 'behind']);
  });

  it('are told apart by nobody: readers that came later release first', () => {
    const lock = new Lock();
    const take = () => hold({ read: (key, obtained) => lock.readLock(key, null, obtained) }, 'read', 'key');
    const early = take();
    let written = 0;
    lock.writeLock('key', null, (release) => {
      written++;
      release();
    });
    early();
    assert.equal(written, 1);
    const [a, b] = [take(), take()];
    lock.writeLock('key', null, () => written++);
    b();
    assert.equal(written, 1);
    a();
    assert.equal(written, 2);
  });

  it('of one key are not those of another one', () => {
    const log = [];
    const releases = ['a', 'b'].map((key) => hold({ write: alock }, 'write', `counted ${key}`));
    for (const key of ['a', 'b']) {
      alock(`counted ${key}`, (release) => {
        log.push(key);
        release();
      });
    }
    releases[1]();
    assert.deepEqual(log, ['b']);
    releases[0]();
    assert.deepEqual(log, ['b', 'a']);
  });
});
