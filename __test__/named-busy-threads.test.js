'use strict';
// A named space across worker threads that are too busy to notice what happens to them.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { Lock, Locks } = require('latchkey');
const { freshName } = require('./support/scopes');
const { useThreads, openIn, closeIn } = require('./support/worker-threads');
const { errorOf, turn, follow } = require('./support/follow');
const { block, until } = require('./support/until');

const threads = useThreads(3);

describe('a busy thread', () => {
  it('that reads does not hold up other readers who could read beside it', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const [busy, other] = threads;
    await openIn(busy, name);
    await openIn(other, name);
    const hold = locks.tryWrite('key');
    await busy.run(({ state }) => {
      state.call = state.locks.read('key').then((given) => (state.hold = given));
    });
    const own = locks.read('key');
    await other.run(({ state }) => {
      state.call = state.locks.read('key').then((given) => (state.hold = given));
    });
    await busy.block();
    hold.release();
    (await own).release();
    await other.run(({ state }) => state.call.then((given) => given.release()));
    assert.deepEqual(
      locks.query().held.map(({ thread }) => thread),
      [busy.id],
    );
    await busy.unblock();
    await busy.run(({ state }) => state.call.then((given) => given.release()));
    await closeIn(busy);
    await closeIn(other);
    locks.close();
  });

  it('that holds is no obstacle to its expiry', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const [busy, other] = threads;
    await openIn(busy, name);
    await openIn(other, name);
    await busy.run(({ state }) => {
      state.log = [];
      state.hold = state.locks.tryWrite('key', { expiry: 30 });
      state.hold.signal.addEventListener('abort', () => state.log.push(state.hold.signal.reason.code));
    });
    await busy.block();
    const [first, second] = await Promise.all([
      locks.write('key', ({ recovered }) => recovered),
      other.run(({ state }) => state.locks.write('key', ({ recovered }) => recovered)),
    ]);
    // Whoever of the two came first healed the key by its release.
    assert.deepEqual([first, second].toSorted(), [false, true]);
    await busy.unblock();
    await busy.run(({ state, until: wait }) => wait(() => state.log.length > 0));
    assert.deepEqual(await busy.run(({ state }) => state.log), ['ERR_LOCK_EXPIRED']);
    const hold = locks.tryWrite('key');
    await busy.run(({ state }) => state.hold.release());
    assert.equal(locks.query().held.length, 1, 'a late release does nothing to the next holder');
    hold.release();
    await closeIn(busy);
    await closeIn(other);
    locks.close();
  });

  it('that releases late, without having heard of its loss, is notified then', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const [busy] = threads;
    await openIn(busy, name);
    const seen = busy.run(async ({ state, block: stop }) => {
      const call = state.locks.write('key', { expiry: 10 }, (hold) => {
        state.signal = hold.signal;
        // Long enough for the main thread to get the key meanwhile, which says so.
        state.started = true;
        for (let i = 0; i < 2000 && state.locks.query().held[0]?.fence === hold.fence; i++) stop(10);
        return hold.signal.aborted;
      });
      try {
        return { result: await call };
      } catch (error) {
        return { code: error.code, notified: state.signal.reason === error };
      }
    });
    await until(() => locks.query().held.length === 1, 'the busy one to hold');
    const hold = await locks.write('key');
    assert.deepEqual(await seen, { code: 'ERR_LOCK_EXPIRED', notified: true });
    assert.equal(locks.query().held[0].fence, hold.fence);
    hold.release();
    await closeIn(busy);
    locks.close();
  });

  it('that waits is no obstacle to its time limit: those behind it move up', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const [busy] = threads;
    await openIn(busy, name);
    const reader = locks.tryRead('key');
    await busy.run(({ state }) => {
      state.call = state.locks.write('key', { timeout: 30 }).catch((error) => error.code);
    });
    const behind = locks.read('key');
    await busy.block();
    const next = await behind;
    assert.deepEqual(locks.query().pending, []);
    await busy.unblock();
    assert.equal(await busy.run(({ state }) => state.call), 'ERR_LOCK_TIMEOUT');
    reader.release();
    next.release();
    await closeIn(busy);
    locks.close();
  });

  it('gets its grant when it has time, and may give up before that: the next one is served', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const [busy] = threads;
    await openIn(busy, name);
    const hold = locks.tryWrite('key');
    const [granted, ended] = await Promise.all([
      until(() => locks.query().pending.length === 1, 'the busy one to wait').then(() => {
        hold.release();
        return locks.query().held.map(({ thread }) => thread);
      }),
      busy.run(async ({ state, block: stop }) => {
        const controller = new AbortController();
        const call = state.locks.write('key', { signal: controller.signal }, () => 'ran');
        // Granted meanwhile, as the queue says; the event has not been read.
        for (let i = 0; i < 2000 && state.locks.query().pending.length > 0; i++) stop(5);
        controller.abort('given up');
        const left = state.locks.query();
        return [await call.catch((error) => error), left.held.length];
      }),
    ]);
    assert.deepEqual(granted, [busy.id]);
    assert.deepEqual(ended, ['given up', 0]);
    assert.equal(await locks.write('key', ({ recovered }) => recovered), false);
    await closeIn(busy);
    locks.close();
  });
});

describe('in the main thread, kept busy itself', () => {
  it('a holder hears of its loss before another one in this thread is granted', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const [thread] = threads;
    await openIn(thread, name);
    const lost = locks.tryWrite('key', { expiry: 20 });
    await thread.run(({ state }) => {
      state.call = state.locks.write('key', () => {});
    });
    // Taken away, granted over there and released over there, while this thread does not look.
    for (let i = 0; i < 2000 && locks.query().held.length > 0; i++) block(5);
    const next = locks.tryWrite('key');
    assert.notEqual(next, null);
    assert.equal(lost.signal.aborted, true);
    next.release();
    await closeIn(thread);
    locks.close();
  });

  for (const way of ['close', 'abort']) {
    it(`nobody gets a hold that is none: a grant is on its way when the waits end (${way})`, async () => {
      const name = freshName();
      const [locks, other] = [new Locks({ name }), new Locks({ name })];
      const [thread] = threads;
      await openIn(thread, name);
      await thread.run(({ state }) => {
        state.hold = state.locks.tryWrite('key');
      });
      const controller = new AbortController();
      const calls = [0, 1, 2].map(() => follow(locks.write('key', { signal: controller.signal })));
      void thread.run(({ state }) => state.hold.release());
      // The first one is granted over there, while this thread does not look.
      for (let i = 0; i < 2000 && locks.query().pending.length > 2; i++) block(5);
      if (way === 'close') locks.close();
      else controller.abort(Object.assign(new Error('aborted'), { code: 'aborted' }));
      await Promise.all(calls.map(({ settled }) => settled));
      // Either it has the key, or its wait was ended like the others'.
      const fences = calls.filter(({ state }) => state === 'fulfilled').map(({ value }) => value.fence);
      const held = other.query().held.map(({ fence }) => fence);
      assert.deepEqual(held, fences);
      const codes = calls.filter(({ state }) => state === 'rejected').map(({ value }) => value.code);
      const code = way === 'close' ? 'ERR_LOCK_CLOSED' : 'aborted';
      assert.deepEqual(codes, Array(3 - fences.length).fill(code));
      for (const { state, value } of calls) if (state === 'fulfilled') value.release();
      assert.deepEqual(other.query(), { held: [], pending: [] });
      locks.close();
      other.close();
      await closeIn(thread);
    });
  }

  it('a grant that comes while the request is still being made is delivered', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    for (let i = 0; i < 300; i++) {
      // Somewhere between at once and a moment later.
      locks.tryWrite(`key ${i}`, { expiry: 0.01 * (1 + (i % 20)) });
      const call = follow(locks.write(`key ${i}`, { expiry: 0 }, ({ recovered }) => recovered));
      await call.settled;
      assert.equal(call.value, true);
    }
    assert.deepEqual(locks.query(), { held: [], pending: [] });
    locks.close();
  });

  it('and so are a time limit and a loss that come so early', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const held = locks.tryWrite('held');
    for (let i = 0; i < 200; i++) {
      const timeout = 0.01 * (1 + (i % 20));
      const call = follow(locks.read('held', { timeout }));
      await call.settled;
      assert.equal(call.value.code, 'ERR_LOCK_TIMEOUT');
    }
    const [thread] = threads;
    await openIn(thread, name);
    for (let i = 0; i < 50; i++) {
      // Taken away at once: somebody over there waits already.
      await thread.run(({ state }) => {
        state.hold = state.locks.tryWrite('key');
        state.call = state.locks.read('key', { expiry: 0 }, () => {});
      });
      const lost = follow(locks.write('key', { expiry: 0.01 }));
      const call = follow(locks.write('key', { expiry: 0 }, () => 'next'));
      await thread.run(({ state }) => state.hold.release());
      await Promise.all([lost.settled, call.settled]);
      await until(() => lost.value.signal.aborted, `loss ${i}`);
      assert.equal(call.value, 'next');
    }
    held.release();
    assert.deepEqual(locks.query(), { held: [], pending: [] });
    await closeIn(thread);
    locks.close();
  });

  it('150,000 grants that come meanwhile are delivered, though it asks for another key first', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const [thread] = threads;
    await openIn(thread, name);
    await thread.run(({ state }) => {
      state.hold = state.locks.tryWrite('key');
    });
    let served = 0;
    // The callback API: promises would take most of this test's time.
    const lock = new Lock(null, null, { name });
    for (let i = 0; i < 150_000; i++)
      lock.readLock(
        'key',
        () => served++,
        (release) => release(),
      );
    void thread.run(({ state, flags }) => {
      Atomics.store(flags, 0, 0);
      state.hold.release();
      Atomics.store(flags, 0, 7);
    });
    for (let i = 0; i < 2000 && Atomics.load(thread.flags, 0) !== 7; i++) block(5);
    locks.tryWrite('another key').release();
    await until(() => served === 150_000, 'all to be served');
    assert.deepEqual(locks.query(), { held: [], pending: [] });
    await closeIn(thread);
    locks.close();
  });

  it('time limits fire while it is blocked, and are delivered afterwards', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const [thread] = threads;
    await openIn(thread, name);
    const hold = locks.tryRead('key');
    const writer = errorOf(locks.write('key', { timeout: 10 }));
    await thread.run(({ state, flags }) => {
      Atomics.store(flags, 0, 0);
      state.call = state.locks.read('key', () => Atomics.store(flags, 0, 7));
    });
    for (let i = 0; i < 2000 && Atomics.load(thread.flags, 0) !== 7; i++) block(5);
    assert.equal(Atomics.load(thread.flags, 0), 7);
    assert.equal((await writer).code, 'ERR_LOCK_TIMEOUT');
    hold.release();
    await turn();
    await closeIn(thread);
    locks.close();
  });
});
