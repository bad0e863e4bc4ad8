'use strict';
// A worker that ends, in any way: its requests leave, its holds are freed, those who wait are served, and what a
// writer left half done is marked recovered.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { Locks } = require('latchkey');
const { freshName } = require('./support/scopes');
const { Thread } = require('./support/thread');
const { follow } = require('./support/follow');
const { until } = require('./support/until');

/** The ways in which a worker ends: what it does itself, or what is done to it. */
const WAYS = {
  terminate: (thread) => thread.terminate(),
  exit: (thread) => void thread.run(() => process.exit(0)).catch(() => {}),
  throw: (thread) =>
    void thread
      .run(() => {
        setImmediate(() => {
          throw new Error('meant to be thrown');
        });
        return new Promise(() => {});
      })
      .catch(() => {}),
  return: (thread) =>
    void thread
      .run(({ require: load }) => {
        // Nothing listens any more: the event loop is empty, though it holds.
        load('node:worker_threads').parentPort.unref();
      })
      .catch(() => {}),
};

/** Starts a worker that holds `key`. */
async function startHolder(name, mode) {
  const thread = new Thread();
  await thread.run(
    async ({ open, state }, space, how) => {
      state.locks = open(space);
      state.hold = await state.locks[how]('key');
    },
    name,
    mode,
  );
  return thread;
}

for (const [way, end] of Object.entries(WAYS)) {
  describe(`a worker that ends (${way})`, () => {
    it('as a writer: the next one is served, and sees recovered, until a writer heals that', async () => {
      const name = freshName();
      const locks = new Locks({ name });
      const thread = await startHolder(name, 'write');
      const waiting = [locks.read('key'), locks.read('key')];
      assert.equal(locks.query().pending.length, 2);
      end(thread);
      const holds = await Promise.all(waiting);
      assert.deepEqual(
        holds.map(({ recovered }) => recovered),
        [true, true],
      );
      holds.forEach((hold) => hold.release());
      assert.equal(await locks.write('key', ({ recovered }) => recovered), true);
      assert.equal(await locks.write('key', ({ recovered }) => recovered), false);
      await thread.ended;
      locks.close();
    });

    it('as a reader: the next one is served, and nothing is recovered', async () => {
      const name = freshName();
      const locks = new Locks({ name });
      const thread = await startHolder(name, 'read');
      const waiting = locks.write('key', ({ recovered }) => recovered);
      end(thread);
      assert.equal(await waiting, false);
      await thread.ended;
      locks.close();
    });
  });
}

describe('a worker that is terminated', () => {
  it('while it waits: those behind it move up', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const hold = locks.tryRead('key');
    const thread = new Thread();
    await thread.run(({ open, state }, space) => {
      state.locks = open(space);
      state.calls = [state.locks.write('key'), state.locks.read('key'), state.locks.write('other')];
    }, name);
    const behind = follow(locks.read('key'));
    assert.equal(locks.query().pending.length, 3);
    assert.equal(behind.state, 'pending');
    await thread.terminate();
    await behind.settled;
    assert.equal(behind.value.recovered, false);
    await until(() => locks.query().held.length === 2, 'the dead one to hold nothing');
    assert.deepEqual(locks.query().pending, []);
    hold.release();
    behind.value.release();
    locks.close();
  });

  it('while its event loop is blocked', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const thread = await startHolder(name, 'write');
    const waiting = locks.write('key', ({ recovered }) => recovered);
    // For ever, if nobody ended it.
    void thread
      .run(({ flags }) => {
        Atomics.store(flags, 0, 1);
        for (;;);
      })
      .catch(() => {});
    await until(() => Atomics.load(thread.flags, 0) === 1, 'the thread to be busy');
    await thread.terminate();
    assert.equal(await waiting, true);
    locks.close();
  });

  it('with a grant on its way to it: the key goes on to the next one', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const thread = new Thread();
    const hold = locks.tryWrite('key');
    await thread.run(({ open, state }, space) => {
      state.locks = open(space);
      state.call = state.locks.write('key');
    }, name);
    const next = locks.write('key', ({ recovered }) => recovered);
    await thread.block();
    hold.release();
    assert.deepEqual(
      locks.query().held.map(({ thread: id }) => id),
      [thread.id],
    );
    await thread.terminate();
    // It never learned of its grant, but nobody can know that it did not write.
    assert.equal(await next, true);
    locks.close();
  });

  it('over and over, holding and waiting for many keys: nothing of it is left', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    for (let round = 0; round < 10; round++) {
      const thread = new Thread();
      await thread.run(({ open, state }, space) => {
        state.locks = [open(space), open(space)];
        state.holds = Array.from({ length: 50 }, (_, i) => state.locks[i % 2].tryRead(`key ${i}`));
        state.calls = Array.from({ length: 50 }, (_, i) => state.locks[(i + 1) % 2].write(`key ${i}`));
      }, name);
      const calls = Array.from({ length: 50 }, (_, i) => locks.write(`key ${i}`, () => i));
      await Promise.all([thread.terminate(), ...calls]);
    }
    assert.deepEqual(locks.query(), { held: [], pending: [] });
    for (let i = 0; i < 50; i++) {
      const hold = locks.tryWrite(`key ${i}`);
      assert.equal(hold.recovered, false);
      hold.release();
    }
    locks.close();
  });

  it('takes the space with it, if it was the last user: the name starts anew', async () => {
    const name = freshName();
    const thread = await startHolder(name, 'write');
    await thread.terminate();
    const locks = new Locks({ name });
    const hold = locks.tryWrite('key');
    assert.deepEqual([hold.fence, hold.recovered], [1, false]);
    hold.release();
    locks.close();
  });
});
