'use strict';
// A named space across worker threads: grants that cross, their order, and batches of them.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const path = require('node:path');
const { Locks } = require('latchkey');
const { freshName } = require('./support/scopes');
const { useThreads, openIn, closeIn } = require('./support/worker-threads');
const { Thread } = require('./support/thread');
const { follow } = require('./support/follow');

const threads = useThreads(3);

describe('grants across threads', () => {
  it('go from thread to thread in the order of asking', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    for (const thread of threads) await openIn(thread, name);
    const hold = locks.tryWrite('key');
    const calls = [];
    const order = [0, 1, 2, 'main', 2, 1, 0, 'main', 0, 0, 1];
    for (const who of order) {
      if (who === 'main') calls.push(locks.write('key', ({ fence }) => fence));
      else {
        // Asked for in the worker before this goes on; answered later.
        await threads[who].run(({ state }) => {
          state.calls.push(state.locks.write('key', ({ fence }) => fence));
        });
        const place = order.slice(0, calls.length).filter((other) => other === who).length;
        calls.push(() => threads[who].run(({ state }, index) => state.calls[index], place));
      }
    }
    assert.equal(locks.query().pending.length, order.length);
    hold.release();
    const fences = await Promise.all(calls.map((call) => (typeof call === 'function' ? call() : call)));
    assert.deepEqual(
      fences,
      fences.toSorted((a, b) => a - b),
    );
    assert.equal(new Set([hold.fence, ...fences]).size, order.length + 1);
    for (const thread of threads) await closeIn(thread);
    locks.close();
  });

  it('exclude each other: threads that count together lose nothing', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const numbers = new Int32Array(new SharedArrayBuffer(16));
    const count = async ({ state }, array, rounds) => {
      for (let i = 0; i < rounds; i++) {
        await state.locks.write('counter', async () => {
          // Not atomic on purpose, with a pause in the middle.
          const [value] = array;
          await (i % 10 === 0 ? new Promise(setImmediate) : Promise.resolve());
          array[0] = value + 1;
        });
        await state.locks.read('counter', () => {
          if (array[0] < 1 || array[1] !== 0) throw new Error('read while somebody writes');
        });
        await state.locks.write('counter', () => {
          array[1]++;
          array[1]--;
        });
      }
    };
    for (const thread of threads) await openIn(thread, name);
    const rounds = 300;
    await Promise.all([
      count({ state: { locks } }, numbers, rounds),
      ...threads.map((thread) => thread.run(count, numbers, rounds)),
    ]);
    assert.equal(numbers[0], rounds * (threads.length + 1));
    assert.deepEqual(locks.query(), { held: [], pending: [] });
    for (const thread of threads) await closeIn(thread);
    locks.close();
  });

  it('share: readers of all threads hold together, between writers', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    for (const thread of threads) await openIn(thread, name);
    const hold = locks.tryWrite('key');
    for (const thread of threads) {
      await thread.run(({ state }) => {
        state.call = state.locks.read('key').then((given) => (state.hold = given));
      });
    }
    const own = locks.read('key');
    const writer = follow(locks.write('key'));
    hold.release();
    const reader = await own;
    for (const thread of threads) await thread.run(({ state }) => state.call.then(() => {}));
    assert.deepEqual(
      locks.query().held.map(({ mode, thread }) => [mode, thread]),
      [...threads.map(({ id }) => ['read', id]), ['read', 0]],
    );
    reader.release();
    for (const thread of threads) {
      assert.equal(writer.state, 'pending');
      await thread.run(({ state }) => state.hold.release());
    }
    await writer.settled;
    assert.equal(writer.value.mode, 'write');
    writer.value.release();
    for (const thread of threads) await closeIn(thread);
    locks.close();
  });

  it('take several keys in opposite orders, over and over, without a deadlock', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    for (const thread of threads) await openIn(thread, name);
    const work = async ({ state }, keys) => {
      for (let i = 0; i < 100; i++) await state.locks.write(keys, () => null);
      return 'done';
    };
    const orders = [
      ['a', 'b', 'c'],
      ['c', 'b', 'a'],
      ['b', 'c', 'a'],
    ];
    const done = await Promise.all([
      work({ state: { locks } }, ['c', 'a', 'b']),
      ...threads.map((thread, i) => thread.run(work, orders[i])),
    ]);
    assert.deepEqual(done, Array(4).fill('done'));
    assert.deepEqual(locks.query(), { held: [], pending: [] });
    for (const thread of threads) await closeIn(thread);
    locks.close();
  });

  it('downgrade for readers of other threads', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const [thread] = threads;
    await openIn(thread, name);
    const hold = await locks.write('key');
    await thread.run(({ state }) => {
      state.reader = state.locks.read('key').then((given) => (state.hold = given));
      state.writer = state.locks.write('key', () => 'wrote');
    });
    hold.downgrade();
    assert.equal(await thread.run(({ state }) => state.reader.then(({ mode }) => mode)), 'read');
    assert.deepEqual(
      locks.query().held.map(({ mode }) => mode),
      ['read', 'read'],
    );
    hold.release();
    assert.equal(locks.query().pending.length, 1);
    await thread.run(({ state }) => state.hold.release());
    assert.equal(await thread.run(({ state }) => state.writer), 'wrote');
    await closeIn(thread);
    locks.close();
  });
});

describe('a batch of grants for one thread', () => {
  it('serves 1,000 readers that wait there, in order', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const [thread] = threads;
    await openIn(thread, name);
    const hold = locks.tryWrite('key');
    await thread.run(({ state }) => {
      state.served = [];
      for (let i = 0; i < 1000; i++) state.calls.push(state.locks.read('key', () => state.served.push(i)));
    });
    assert.equal(locks.query().pending.length, 1000);
    hold.release();
    const served = await thread.run(async ({ state }) => {
      await Promise.all(state.calls);
      return state.served;
    });
    assert.deepEqual(served, [...Array(1000).keys()]);
    assert.deepEqual(locks.query(), { held: [], pending: [] });
    await closeIn(thread);
    locks.close();
  });

  it('wakes it once, however many messages it got while it was busy', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const thread = new Thread();
    const wakeUps = new Int32Array(new SharedArrayBuffer(4));
    await thread.run(loadCounted, FILES, name, wakeUps);
    const holds = Array.from({ length: 1000 }, (_, i) => locks.tryWrite(`key ${i}`));
    await thread.run(({ state }) => {
      state.calls = Array.from({ length: 1000 }, (_, i) => state.locks.read(`key ${i}`, () => i));
    });
    // By then it does not look for events itself any more, and has to be woken.
    for (let turns = 0; turns < 4; turns++)
      await thread.run(() => new Promise((done) => setTimeout(done, 5)));
    await thread.block();
    assert.equal(wakeUps[0], 0);
    holds.forEach((hold) => hold.release());
    await thread.unblock();
    const numbers = await thread.run(({ state }) => Promise.all(state.calls));
    assert.deepEqual(numbers, [...Array(1000).keys()]);
    assert.equal(wakeUps[0], 1);
    await thread.terminate();
    locks.close();
  });
});

const FILES = {
  lib: path.dirname(require.resolve('../lib/errors')),
  index: require.resolve('latchkey'),
  native: require.resolve('../lib/addon/native'),
};

/** In a worker: loads a copy of the package whose port counts how often it is woken, and opens a space with it. */
function loadCounted({ require: load, state }, files, name, wakeUps) {
  for (const file of Object.keys(load.cache)) {
    if (file.startsWith(files.lib) || file === files.index) delete load.cache[file];
  }
  const { binding, ...others } = load(files.native);
  const openPort = (words, wake, ...rest) => {
    const counted = () => {
      wakeUps[0]++;
      wake();
    };
    return binding.openPort(words, counted, ...rest);
  };
  load.cache[files.native].exports = { ...others, binding: { ...binding, openPort } };
  state.locks = new (load(files.index).Locks)({ name });
}
