'use strict';
// `query()`: who holds and who waits in the whole space, on every thread, in queue order.

const { it, describe, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { hostname } = require('node:os');
const { threadId } = require('node:worker_threads');
const { Lock, Locks } = require('latchkey');
const { overScopes, freshName, assertFree } = require('./support/scopes');
const { Thread } = require('./support/thread');
const { follow } = require('./support/follow');
const { block, until } = require('./support/until');

/** The clock of `since` and the engine's are read a moment apart, and rounded. */
const CLOCKS = 20;

overScopes('query', (open, { later }) => {
  /** What a store adds. */
  const origin = later ? { host: hostname(), pid: process.pid } : {};

  it('says nothing of an empty space', async () => {
    assert.deepEqual(await open().query(), { held: [], pending: [] });
  });

  it('says who holds: key, mode, fence, since, thread, recovered', async () => {
    const locks = open();
    const start = Date.now();
    const hold = await locks.write('key');
    const end = Date.now();
    const [held, ...others] = (await locks.query()).held;
    assert.deepEqual(others, []);
    const { since, ...rest } = held;
    assert.deepEqual(rest, {
      key: 'key',
      mode: 'write',
      fence: hold.fence,
      thread: threadId,
      recovered: false,
      ...origin,
    });
    assert.ok(Number.isInteger(since));
    assert.ok(since >= start - CLOCKS && since <= end + CLOCKS, `${since} not in ${start}..${end}`);
    hold.release();
  });

  it('has those of one key together', async () => {
    const locks = open();
    const holds = [];
    for (const key of ['a', 'b', 'a', 'b']) holds.push(await locks.read(key));
    const waiting = ['a', 'b', 'a', 'b'].map((key) => follow(locks.write(key, () => {})));
    const { held, pending } = await locks.query();
    for (const list of [held, pending]) {
      const keys = list.map(({ key }) => key).join('');
      assert.ok(['aabb', 'bbaa'].includes(keys), keys);
    }
    for (const hold of holds) hold.release();
    for (const { settled } of waiting) await settled;
  });

  it('says since when each holds and waits, whatever limits it has, in the order of the queue', async () => {
    const locks = open();
    const holds = [];
    const start = Date.now();
    holds.push(await locks.read('key', { expiry: 600_000 }), await locks.read('key'));
    const wishes = [{}, { timeout: 600_000 }, { expiry: 600_000 }, { timeout: 600_000, expiry: 600_000 }, {}];
    const modes = ['write', 'read', 'write', 'read', 'write'];
    const waiting = wishes.map((wish, i) => follow(locks[modes[i]]('key', wish, () => {})));
    const { held, pending } = await locks.query();
    const end = Date.now();
    assert.deepEqual(
      held.map(({ fence }) => fence),
      holds.map(({ fence }) => fence),
    );
    assert.deepEqual(
      pending.map(({ mode }) => mode),
      modes,
    );
    for (const { since } of [...held, ...pending]) {
      assert.ok(since >= start - CLOCKS && since <= end + CLOCKS, `${since} not in ${start}..${end}`);
    }
    for (const hold of holds) await hold.release();
    await Promise.all(waiting.map(({ settled }) => settled));
  });

  it('says who waits, in the order of the queue', async () => {
    const locks = open();
    const hold = await locks.write('key');
    const modes = ['write', 'read', 'read', 'write', 'read'];
    const start = Date.now();
    const waiting = modes.map((mode) => follow(locks[mode]('key', () => {})));
    const end = Date.now();
    const { pending } = await locks.query();
    assert.deepEqual(
      pending.map(({ key, mode, thread }) => ({ key, mode, thread })),
      modes.map((mode) => ({ key: 'key', mode, thread: threadId })),
    );
    for (const { since, ...rest } of pending) {
      assert.deepEqual(
        Object.keys(rest).toSorted(),
        [...Object.keys(origin), 'key', 'mode', 'thread'].toSorted(),
      );
      assert.ok(since >= start - CLOCKS && since <= end + CLOCKS);
    }
    hold.release();
    await Promise.all(waiting.map(({ settled }) => settled));
    await assertFree(locks);
  });

  it('counts a hold from its grant, a wait from its asking', async () => {
    const locks = open();
    const hold = await locks.write('key');
    const asked = locks.write('key');
    const [before] = (await locks.query()).pending;
    block(50);
    hold.release();
    const next = await asked;
    const [held] = (await locks.query()).held;
    assert.ok(held.since - before.since >= 50 - CLOCKS, `${held.since - before.since}`);
    next.release();
  });

  it('says all readers of a key, in the order of their grants', async () => {
    const locks = open();
    const holds = [await locks.tryRead('key'), await locks.tryRead('key'), await locks.tryRead('key')];
    assert.deepEqual(
      (await locks.query()).held.map(({ mode, fence }) => [mode, fence]),
      holds.map(({ fence }) => ['read', fence]),
    );
    holds[1].release();
    assert.deepEqual(
      (await locks.query()).held.map(({ fence }) => fence),
      [holds[0].fence, holds[2].fence],
    );
    holds.forEach((hold) => hold.release());
  });

  it('says every key, with its own holders and queue', async () => {
    const locks = open();
    const holds = [];
    const waiting = [];
    for (let i = 0; i < 300; i++) {
      holds.push(await locks.tryWrite(`key ${i}`));
      waiting.push(follow(locks.read(`key ${i}`, () => {})));
    }
    const { held, pending } = await locks.query();
    assert.deepEqual(held.map(({ key }) => key).toSorted(), holds.map(({ key }) => key).toSorted());
    assert.deepEqual(
      pending.map(({ key }) => key),
      held.map(({ key }) => key),
    );
    holds.forEach((hold) => hold.release());
    await Promise.all(waiting.map(({ settled }) => settled));
  });

  it('is a picture of its moment, which changes nothing and does not change', async () => {
    const locks = open();
    const hold = await locks.tryWrite('key');
    const picture = await locks.query();
    picture.held.push('mine');
    assert.equal((await locks.query()).held.length, 1);
    hold.release();
    assert.equal(picture.held[0].key, 'key');
    await assertFree(locks);
  });

  it('says nothing of a key that is only remembered as recovered', async () => {
    const locks = open({ expiry: 1 });
    await locks.write('key');
    (await locks.read('key')).release();
    await assertFree(locks);
  });
});

describe('query in a named space', () => {
  const threads = [];
  before(() => threads.push(new Thread(), new Thread()));
  after(() => Promise.all(threads.map((thread) => thread.terminate())));

  it('says the same to every thread: holders and waiters of all, in the order of arrival', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const hold = locks.tryWrite('key');
    const ask = ({ open, state }, space, mode) => {
      state.locks ??= {};
      state.locks[space] ??= open(space);
      state.calls = [...(state.calls ?? []), state.locks[space][mode]('key', () => {})];
    };
    // One after the other, so that the order of arrival is known.
    await threads[0].run(ask, name, 'write');
    const own = follow(locks.read('key', () => {}));
    await threads[1].run(ask, name, 'read');
    await threads[0].run(ask, name, 'read');
    await threads[1].run(ask, name, 'write');

    const { held, pending } = locks.query();
    assert.deepEqual(
      held.map(({ key, mode, fence, thread }) => [key, mode, fence, thread]),
      [['key', 'write', hold.fence, threadId]],
    );
    const [first, second] = threads.map(({ id }) => id);
    assert.deepEqual(
      pending.map(({ mode, thread }) => [mode, thread]),
      [
        ['write', first],
        ['read', threadId],
        ['read', second],
        ['read', first],
        ['write', second],
      ],
    );
    for (const thread of threads) {
      const theirs = await thread.run(({ state }, space) => state.locks[space].query(), name);
      const withoutTime = ({ since, ...rest }) => (assert.ok(Math.abs(since - Date.now()) < 60_000), rest);
      assert.deepEqual(theirs.held.map(withoutTime), held.map(withoutTime));
      assert.deepEqual(theirs.pending.map(withoutTime), pending.map(withoutTime));
    }
    hold.release();
    await own.settled;
    for (const thread of threads) await thread.run(({ state }) => Promise.all(state.calls));
    assert.deepEqual(locks.query(), { held: [], pending: [] });
    locks.close();
  });

  it('answers while the holder’s thread is blocked', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    await threads[0].run(({ open, state }, space) => {
      state.hold = open(space).tryWrite('key');
    }, name);
    await threads[0].block();
    const { held } = locks.query();
    await threads[0].unblock();
    assert.deepEqual(
      held.map(({ key, thread }) => [key, thread]),
      [['key', threads[0].id]],
    );
    await threads[0].run(({ state }) => state.hold.release());
    locks.close();
  });

  it('forgets a thread that has ended, and says recovered of what it left', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const thread = new Thread();
    await thread.run(({ open, state }, space) => {
      state.hold = open(space).tryWrite('key');
    }, name);
    assert.equal(locks.query().held[0].thread, thread.id);
    await thread.terminate();
    await until(() => locks.query().held.length === 0, 'the hold of the ended thread to be freed');
    const hold = locks.tryWrite('key');
    assert.equal(locks.query().held[0].recovered, true);
    hold.release();
    locks.close();
  });

  it('includes the callback classes and other objects of the same name', async () => {
    const name = freshName();
    const [locks, other] = [new Locks({ name }), new Locks({ name })];
    const lock = new Lock(null, null, { name });
    let release;
    lock.writeLock('key', null, (given) => {
      release = given;
    });
    const waiting = follow(other.read('key', () => {}));
    const { held, pending } = locks.query();
    assert.deepEqual([held[0].mode, held[0].thread], ['write', threadId]);
    assert.deepEqual([pending[0].mode, pending[0].thread], ['read', threadId]);
    release();
    await waiting.settled;
    locks.close();
    other.close();
  });
});
