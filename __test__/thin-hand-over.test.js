'use strict';
// When somebody may have to wait for a thin key, the engine is given all that it has to know of its holders: how many, their
// modes, ages and expiries. When all of them and those who waited are gone, the key is thin again.

const { it, describe, beforeEach } = require('node:test');
const assert = require('node:assert/strict');
const { LONG } = require('./support/apis');
const { loadRecordedCopy } = require('./support/copies');
const { block, until } = require('./support/until');
const { errorOf, turn, follow } = require('./support/follow');

const { latchkey, calls } = loadRecordedCopy();
const { Locks, Lock } = latchkey;

beforeEach(() => void calls());

describe('the first one that has to wait', () => {
  for (const [sort, expiry] of [
    ['listed', LONG],
    ['counted', null],
  ]) {
    it(`has the holder handed over, which is ${sort} there, too`, () => {
      const lock = new Lock(expiry);
      const log = [];
      let release;
      lock.writeLock('handed', null, (given) => (release = given));
      assert.deepEqual(calls(), [], 'the engine does not know of it');
      for (const n of [1, 2]) {
        lock.writeLock('handed', null, (releaseNext) => {
          log.push(n);
          releaseNext();
        });
      }
      calls();
      release();
      release();
      assert.deepEqual(log, [1, 2]);
      assert.deepEqual(calls(), ['end', 'end', 'end']);
      lock.writeLock('handed', null, (releaseNext) => releaseNext());
      assert.deepEqual(calls(), [], 'the engine has forgotten it');
    });
  }
});

describe('a promise API’s holders are handed over', () => {
  it('and are reported as before: in order, with their modes, fences and ages', async () => {
    const locks = new Locks();
    const readers = [locks.tryRead('key')];
    const other = locks.tryWrite('other');
    block(200);
    readers.push(locks.tryRead('key'), locks.tryRead('key'));
    const read = () =>
      locks.query().held.map(({ key, fence, mode, since: from }) => [fence, key, mode, from]);
    const byFence = (a, b) => a[0] - b[0];
    const before = read().sort(byFence);
    const expected = [readers[0], other, readers[1], readers[2]].map(({ fence, key, mode }) => [
      ...[fence, key, mode],
    ]);
    assert.deepEqual(
      before.map((each) => each.slice(0, 3)),
      expected,
    );
    const [early, , late] = before.map((each) => each[3]);
    // Where the machine stalls, that is part of an age.
    assert.ok(late - early >= 150 && late - early < 1000, `${early}, then ${late}, 200 ms later`);
    const waiting = ['key', 'other'].map((key) => locks.write(key, () => {}));
    const after = read().sort(byFence);
    for (const [i, [fence, key, mode, from]] of after.entries()) {
      assert.deepEqual([fence, key, mode], before[i].slice(0, 3));
      // Two clocks are read for that, and the machine may stall in between.
      assert.ok(Math.abs(from - before[i][3]) <= 50, `since ${from}, before ${before[i][3]}`);
    }
    for (const each of [...readers, other]) each.release();
    await Promise.all(waiting);
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

  it('with what they have become: a writer that was downgraded is a reader', async () => {
    const locks = new Locks();
    const writer = locks.tryWrite('key');
    writer.downgrade();
    const next = locks.write('key');
    assert.equal(locks.tryRead('key'), null);
    assert.equal(locks.query().held[0].mode, 'read');
    writer.release();
    (await next).release();
    assert.deepEqual(locks.query().held, []);
  });

  it('and others join them, as they may, once those who waited have left, whoever has held the key before', async () => {
    const locks = new Locks();
    for (const before of ['read', 'write', 'read']) {
      // The engine grants this one.
      const first = locks.tryWrite('key');
      const second = locks[before]('key');
      first.release();
      (await second).release();
      const reader = locks.tryRead('key');
      const controller = new AbortController();
      const leaving = errorOf(locks.write('key', { signal: controller.signal }));
      controller.abort(new Error('enough'));
      assert.equal((await leaving).message, 'enough');
      const joining = follow(locks.read('key'));
      await turn();
      assert.equal(joining.state, 'fulfilled', `after a hold to ${before}`);
      assert.equal(locks.tryWrite('key'), null);
      for (const each of [reader, joining.value]) each.release();
    }
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
    it(`expires by itself, though nobody else has a limit (${mode} request)`, async () => {
      const locks = new Locks();
      const holder = locks.tryWrite('key', { expiry: 20 });
      const waiting = follow(locks[mode]('key'));
      await until(() => waiting.state !== 'pending', 'the one who waits');
      assert.equal(holder.signal.aborted, true);
      assert.equal(waiting.value.recovered, true);
      waiting.value.release();
    });
  }

  it('expires by itself where it has waited before, and those behind it have no limit', async () => {
    const locks = new Locks();
    const first = locks.tryWrite('key');
    const expiring = follow(locks.write('key', { expiry: 20 }));
    const behind = follow(locks.write('key', () => 'ran'));
    first.release();
    await until(() => behind.state !== 'pending', 'the one behind');
    assert.deepEqual([expiring.state, behind.value], ['fulfilled', 'ran']);
  });

  it('and is overdue is taken away by a try, too, though others wait', async () => {
    const locks = new Locks();
    const holder = locks.tryWrite('key', { expiry: 5 });
    const waiting = follow(locks.read('key'));
    block(10);
    const reader = locks.tryRead('key');
    assert.equal(holder.signal.aborted, true);
    assert.notEqual(reader, null);
    await waiting.settled;
    for (const each of [reader, waiting.value]) each.release();
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
    assert.deepEqual(calls(), ['request']);
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

  it('notifies the callback APIs, too', () => {
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

describe('a key that the engine has had', () => {
  /** What gives a held key to the engine. */
  const ways = {
    'a waiter that is let in': (locks) => {
      locks.write('key', () => {});
    },
    'a waiter that is aborted': async (locks) => {
      const controller = new AbortController();
      const waiting = errorOf(locks.write('key', { signal: controller.signal }));
      controller.abort(new Error('enough'));
      assert.equal((await waiting).message, 'enough');
    },
    'a waiter that gives up': async (locks) => {
      assert.equal((await errorOf(locks.read('key', { timeout: 5 }))).code, 'ERR_LOCK_TIMEOUT');
    },
  };
  for (const [way, giveToEngine] of Object.entries(ways)) {
    it(`by ${way}, is thin again after its release`, async () => {
      const locks = new Locks();
      const holder = locks.tryWrite('key');
      await giveToEngine(locks);
      assert.equal(locks.tryRead('key'), null);
      calls();
      holder.release();
      assert.deepEqual(calls(), ['end'], 'it was the engine’s');
      await turn();
      calls();
      locks.tryWrite('key').release();
      locks.tryRead('key').release();
      assert.deepEqual(calls(), []);
    });
  }

  it('stays with the engine while it is recovered, and is thin again once it is whole', () => {
    const locks = new Locks();
    const first = locks.tryWrite('key', { expiry: 5 });
    block(10);
    const second = locks.tryRead('key');
    assert.equal(second.recovered, true);
    second.release();
    for (let i = 0; i < 2; i++) {
      const reader = locks.tryRead('key');
      assert.equal(reader.recovered, true);
      reader.release();
    }
    const writer = locks.tryWrite('key');
    assert.equal(writer.recovered, true);
    writer.release();
    first.release();
    calls();
    const after = locks.tryWrite('key');
    assert.equal(after.recovered, false);
    after.release();
    assert.deepEqual(calls(), []);
  });
});
