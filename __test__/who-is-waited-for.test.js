'use strict';
// Who waits can find out for whom: labels and traces in `query()` and in errors, what a time-out and an expiry say, and what can
// be asked of one key.

const { it, describe, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { hostname } = require('node:os');
const { threadId } = require('node:worker_threads');
const { Lock, Locks } = require('latchkey');
const { overScopes, freshName, untilPending, assertFree } = require('./support/scopes');
const { Thread } = require('./support/thread');
const { errorOf, follow } = require('./support/follow');
const { block } = require('./support/until');

overScopes('a time-out', (open, { later }) => {
  it('says who held the key, for how long, and how many stood before it', async () => {
    const locks = open();
    const hold = await locks.write('key', { label: 'POST /pay' });
    const waiting = [1, 2].map(() => follow(locks.write('key')));
    const last = errorOf(locks.write('key', { timeout: 50, label: 'GET /total' }));
    const behind = follow(locks.write('key'));
    await untilPending(locks, 4);
    const error = await last;
    assert.deepEqual(
      [error.code, error.key, error.label, error.trace],
      ['ERR_LOCK_TIMEOUT', 'key', 'GET /total', undefined],
    );
    const [{ age, ...holder }] = error.holders;
    const where = later ? { host: hostname(), pid: process.pid } : {};
    assert.deepEqual(holder, { mode: 'write', thread: threadId, label: 'POST /pay', ...where });
    assert.ok(age >= 49, `age ${age}`);
    assert.equal(error.ahead, 2);
    assert.match(
      error.message,
      /^Lock 'key' was not granted within 50 ms: held for \d+ ms by 'POST \/pay', 2 requests ahead$/,
    );
    await hold.release();
    for (const each of [...waiting, behind]) {
      await each.settled;
      await each.value.release();
    }
    await assertFree(locks);
  });

  it('says it of a request that did not want to wait, for one key or several', async () => {
    const locks = open();
    const holds = [await locks.read('key'), await locks.read('key')];
    const writer = follow(locks.write('key'));
    for (const keys of ['key', ['key', 'other'], ['a free one', 'key']]) {
      const error = await errorOf(locks.write(keys, { timeout: 0 }));
      assert.deepEqual([error.key, error.holders.length, error.ahead], ['key', 2, 1]);
      assert.match(error.message, /within 0 ms: held for \d+ ms, and by 1 other, 1 request ahead$/);
    }
    for (const hold of holds) hold.release();
    await writer.settled;
    writer.value.release();
    await assertFree(locks);
  });

  it('names ten holders at most', async () => {
    const locks = open();
    const holds = await Promise.all(
      Array.from({ length: 30 }, (_, i) => locks.read('key', { label: `${i}` })),
    );
    const { holders, message } = await errorOf(locks.write('key', { timeout: 0 }));
    assert.match(message, /, and by 9 others or more/);
    assert.deepEqual(
      holders.map(({ label }) => label),
      [...'0123456789'],
    );
    await Promise.all(holds.map((hold) => hold.release()));
  });

  it('says nothing of other keys', async () => {
    const locks = open();
    const holds = [await locks.read('a', { label: 'wrong' }), await locks.write('key')];
    const error = await errorOf(locks.write('key', { timeout: later ? 50 : 1 }));
    assert.deepEqual(
      error.holders.map(({ mode, label }) => [mode, label]),
      [['write', undefined]],
    );
    assert.equal(error.ahead, 0);
    await Promise.all(holds.map((hold) => hold.release()));
  });
});

overScopes('an expiry', (open) => {
  it('says how long the hold had been held, and whose it was', async () => {
    const locks = open();
    const hold = await locks.write('key', { expiry: 10, label: 'POST /pay' });
    const { signal } = hold;
    block(30);
    await locks.write('key', () => {});
    const { reason } = signal;
    assert.equal(reason.code, 'ERR_LOCK_EXPIRED');
    assert.equal(reason.label, 'POST /pay');
    assert.ok(reason.age >= 10, `age ${reason.age}`);
    assert.match(
      reason.message,
      /^Lock 'key' timed out and was released automatically: another request waited, and it had been held for \d+ ms, which is more than its expiry of 10 ms$/,
    );
  });
});

it('the callback API says how long an expired hold had been held, whoever granted it', async () => {
  const lock = new Lock(5);
  const errors = [];
  for (let i = 0; i < 2; i++) {
    lock.writeLock(
      'key',
      (error) => errors.push(error),
      () => {},
    );
  }
  await new Promise((resolve) => lock.writeLock('key', null, resolve));
  assert.equal(errors.length, 2);
  for (const { age, message } of errors) {
    assert.ok(age >= 5 && age < 5000, `age ${age}`);
    assert.equal(message, "Lock 'key' timed out and was released automatically");
  }
});

overScopes('a label', (open, { later }) => {
  it('stands in query() while the request waits and holds', async () => {
    const locks = open();
    const hold = await locks.write('key', { label: 'first' });
    const next = follow(locks.read('key', { label: 'second' }));
    const none = follow(locks.read('key'));
    await untilPending(locks, 2);
    const labels = async () => {
      const { held, pending } = await locks.query();
      return [held, pending].map((all) => all.map((entry) => ('label' in entry ? entry.label : null)));
    };
    assert.deepEqual(await labels(), [['first'], ['second', null]]);
    await hold.release();
    await next.settled;
    await none.settled;
    assert.deepEqual(await labels(), [['second', null], []]);
    await next.value.release();
    await none.value.release();
    assert.deepEqual(await labels(), [[], []]);
    // Its number is used again.
    const again = [await locks.tryWrite('key'), await locks.tryWrite('other', { label: 'other' })];
    assert.deepEqual((await labels())[0].toSorted(), [null, 'other'].toSorted());
    for (const each of again) await each.release();
  });

  it('is that of each of several keys', async () => {
    const locks = open();
    const hold = await locks.write(['b', 'a', 'c'], { label: 'all' });
    const { held } = await locks.query();
    assert.deepEqual(
      held.map(({ label }) => label),
      ['all', 'all', 'all'],
    );
    await hold.release();
  });

  it('may be any text', async () => {
    const locks = open();
    // Half of a character is none to a server.
    const half = later ? [] : ['\ud800'];
    for (const label of ['', "it's", 'a|b:c%7C%25', '\n\0', 'ü'.repeat(5000), ...half]) {
      const hold = await locks.tryWrite('key', { label });
      const other = await locks.tryRead('other', { label });
      const { held } = await locks.query();
      assert.deepEqual(
        held.map((entry) => entry.label),
        [label, label],
      );
      await hold.release();
      await other.release();
    }
  });

  it('has to be a text', async () => {
    const locks = open();
    for (const label of [null, 5, {}, Symbol('label')]) {
      assert.equal((await errorOf(locks.write('key', { label }))).code, 'ERR_INVALID_ARG_TYPE');
      await assert.rejects(async () => locks.tryWrite('key', { label }), { code: 'ERR_INVALID_ARG_TYPE' });
    }
  });
});

describe('in a named space', () => {
  let thread;
  before(() => (thread = new Thread()));
  after(() => thread.terminate());

  it('a time-out names another thread and its label; so does query(), until the thread ends', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const other = new Thread();
    await other.run(({ open, state }, space) => {
      state.locks = open(space);
      state.hold = state.locks.tryWrite('key', { label: 'nightly' });
    }, name);
    const error = await errorOf(locks.write('key', { timeout: 5 }));
    const [{ thread: id, label }] = error.holders;
    assert.deepEqual([id, label], [other.id, 'nightly']);
    assert.match(error.message, new RegExp(`by 'nightly' \\(thread ${other.id}\\)$`));
    assert.equal(locks.query('key').held[0].label, 'nightly');
    assert.equal(locks.query().held[0].label, 'nightly');
    const next = follow(locks.write('key'));
    await other.terminate();
    await next.settled;
    assert.equal('label' in locks.query().held[0], false);
    next.value.release();
    locks.close();
  });

  it('counts those of all threads that stand before it', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const hold = locks.tryWrite('key');
    await thread.run(({ open, state }, space) => {
      state.locks = open(space);
      state.calls = [1, 2, 3].map(() => state.locks.write('key', () => {}));
    }, name);
    const call = errorOf(locks.write('key', { timeout: 30 }));
    await thread.run(({ state }) => {
      state.calls.push(state.locks.write('key', () => {}));
    });
    assert.equal((await call).ahead, 3);
    hold.release();
    await thread.run(({ state }) => Promise.all(state.calls));
    locks.close();
  });
});

overScopes('the trace of a request', (open, { later }) => {
  it('says where it was asked, in errors and in query()', async () => {
    const locks = open({ trace: true });
    async function takesTheKey(options) {
      return locks.write('key', options);
    }
    const hold = await takesTheKey({ expiry: 600_000 });
    const error = await errorOf(takesTheKey({ timeout: 5 }));
    const seen = [error.trace];
    if (!later) seen.push(error.holders[0].trace, locks.query().held[0].trace);
    for (const trace of seen) {
      assert.match(trace, /^at takesTheKey \(.*who-is-waited-for\.test\.js:\d+:\d+\)\n/);
      assert.doesNotMatch(trace, /[\\/]lib[\\/]/);
    }
    await hold.release();
  });

  it('is not there otherwise', async () => {
    const locks = open();
    const hold = await locks.write('key');
    const error = await errorOf(locks.write('key', { timeout: 1 }));
    assert.equal('trace' in error, false);
    assert.equal('trace' in (await locks.query()).held[0], false);
    await hold.release();
    assert.throws(() => open({ trace: 1 }), { code: 'ERR_INVALID_ARG_TYPE' });
  });
});

overScopes('of one key', (open) => {
  it('query(key), isLocked(key) and countPending(key) say what the whole says', async () => {
    const locks = open();
    const holds = [await locks.write('a'), await locks.read(1)];
    const waiting = ['a', 'a', '1'].map((key) => follow(locks.write(key)));
    await untilPending(locks, 3);
    assert.deepEqual(await locks.query('none'), { held: [], pending: [] });
    const { held, pending } = await locks.query('a');
    assert.deepEqual(
      [held.map(({ key, fence }) => [key, fence]), pending.map(({ key, mode }) => [key, mode])],
      [
        [['a', holds[0].fence]],
        [
          ['a', 'write'],
          ['a', 'write'],
        ],
      ],
    );
    assert.equal((await locks.query(1)).held[0].mode, 'read');
    assert.deepEqual(
      [await locks.isLocked('a'), await locks.isLocked(1), await locks.isLocked('b')],
      [true, true, false],
    );
    assert.deepEqual(
      [
        await locks.countPending(),
        await locks.countPending('a'),
        await locks.countPending(1),
        await locks.countPending('b'),
      ],
      [3, 2, 1, 0],
    );
    for (const method of ['query', 'isLocked', 'countPending']) {
      await assert.rejects(async () => locks[method](undefined), { code: 'ERR_INVALID_ARG_TYPE' });
    }
    for (const hold of holds) await hold.release();
    for (const each of waiting) {
      await each.settled;
      await each.value.release();
    }
    assert.deepEqual([await locks.isLocked('a'), await locks.countPending()], [false, 0]);
    locks.close();
    for (const method of ['query', 'isLocked', 'countPending']) {
      await assert.rejects(async () => locks[method]('a'), { code: 'ERR_LOCK_CLOSED' });
    }
  });
});
