'use strict';
// When somebody may have to wait for a thin key, the engine is given all that is known of its holders: their order, modes,
// fences, ages and expiries.

const { it, describe, beforeEach } = require('node:test');
const assert = require('node:assert/strict');
const { openThinFaces, LONG } = require('./support/thin-faces');
const { block } = require('./support/until');

const { latchkey, lib, calls } = openThinFaces(true);
const { Locks, Lock } = latchkey;
const { usage } = lib('native');

beforeEach(() => void calls());

describe('the first one that has to wait', () => {
  it('has the holder handed over, and the key’s text crosses once', () => {
    const lock = new Lock(LONG);
    const log = [];
    const before = usage();
    let release;
    lock.writeLock('handed', null, (given) => (release = given));
    assert.equal(usage().holds, before.holds);
    for (const n of [1, 2]) {
      lock.writeLock('handed', null, (releaseNext) => {
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
    const { holds, waiting, keys } = usage();
    assert.deepEqual(
      { holds, waiting, keys },
      { holds: before.holds, waiting: before.waiting, keys: before.keys },
    );
  });
});

describe('a promise face’s holders are handed over', () => {
  it('in order, with their modes, fences and ages', () => {
    const locks = new Locks();
    const readers = [locks.tryRead('key')];
    const other = locks.tryWrite('other');
    block(200);
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
    // Where the machine stalls while an age is handed over, it is that much too young.
    assert.ok(late - early >= 150, `${early}, then ${late}, 200 ms later`);
    assert.ok(Math.abs(later - late) < 50, `${late}, then ${later} at once`);
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
