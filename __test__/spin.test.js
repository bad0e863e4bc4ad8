'use strict';
// A thread that waits for another one looks for events itself for a moment, before it sleeps: no grant may get lost
// between its looks and its sleep, and where looking is in vain it does not keep a processor busy.

const { it, describe, before, after, afterEach } = require('node:test');
const assert = require('node:assert/strict');
const { Locks } = require('latchkey');
const { freshName } = require('./support/scopes');
const { Thread } = require('./support/thread');

describe('threads that hand a key to each other', () => {
  /** @type {Thread[]} */
  let threads;
  before(() => (threads = [new Thread(), new Thread()]));
  after(() => Promise.all(threads.map((thread) => thread.terminate())));

  /** Both threads count in `counter`, each in holds of up to `longest` microseconds. */
  async function count(name, counter, times, longest) {
    const counting = threads.map((thread) =>
      thread.run(
        async ({ open }, space, cell, n, most) => {
          const locks = open(space);
          for (let i = 0; i < n; i++) {
            await locks.write('key', async () => {
              const seen = cell[0];
              const end = performance.now() + (Math.random() * most) / 1000;
              while (performance.now() < end);
              cell[0] = seen + 1;
            });
          }
          locks.close();
        },
        name,
        counter,
        times,
        longest,
      ),
    );
    await Promise.all(counting);
  }

  // 50 microseconds is how long a thread looks.
  for (const longest of [0, 60, 200]) {
    it(`in holds of up to ${longest} µs lose no grant`, async () => {
      const counter = new Int32Array(new SharedArrayBuffer(4));
      await count(freshName(), counter, 500, longest);
      assert.equal(counter[0], 1000);
    });
  }

  it('do so while a test has replaced the timers', async () => {
    const [thread] = threads;
    const name = freshName();
    const locks = new Locks({ name });
    const real = globalThis.setImmediate;
    globalThis.setImmediate = () => assert.fail('a fake timer was set');
    try {
      await thread.run(({ open, state }, space) => void (state.locks = open(space)), name);
      for (let i = 0; i < 50; i++) {
        await thread.run(async ({ state }) => void (state.hold = await state.locks.write('key')));
        const own = locks.write('key');
        await thread.run(({ state }) => state.hold.release());
        (await own).release();
      }
    } finally {
      globalThis.setImmediate = real;
    }
  });
});

describe('a thread that waits for long', () => {
  it('sleeps', async () => {
    const thread = new Thread();
    const name = freshName();
    const locks = new Locks({ name });
    const hold = locks.tryWrite('key');
    const waited = thread.run(async ({ open }, space) => void (await open(space).write('key')), name);
    // The thread has started by then, and what it waits for lasts.
    await thread.run(() => new Promise((done) => setTimeout(done, 100)));
    const before = process.cpuUsage();
    await new Promise((done) => setTimeout(done, 1000));
    const { user, system } = process.cpuUsage(before);
    assert.ok(user + system < 500_000, `was busy for ${user + system} µs of a second`);
    hold.release();
    await waited;
    await thread.terminate();
  });
});

const NOTHING = 0;
const EVENTS = 1;
const NOBODY_WAITS = 2;

/** Those of this test: with a clock that stands still they would look for ever. */
const loaded = [];

/**
 * `lib/spaces/spin.js` with a clock that the test sets, and events that it makes up; `turn()` is one turn of the event loop.
 * `looks` and `reads` count.
 */
function loadSpin() {
  const it = { time: 0, events: NOTHING, looks: 0, reads: 0, ended: false };
  const fakes = {
    '../lib/addon/port': {
      hasEnded: () => it.ended,
      poll() {
        it.looks++;
        return it.events === EVENTS;
      },
    },
    '../lib/spaces/alive': { isAlive: () => it.events !== NOBODY_WAITS },
    '../lib/clock': { now: () => it.time },
    '../lib/events/reading': { wake: () => it.reads++ },
  };
  const saved = Object.keys(fakes).map((name) => [require.resolve(name), require(name)]);
  const file = require.resolve('../lib/spaces/spin');
  delete require.cache[file];
  for (const [name, exports] of Object.entries(fakes)) require.cache[require.resolve(name)].exports = exports;
  try {
    loaded.push(it);
    return Object.assign(it, { spin: require(file).spin, turn: () => new Promise(setImmediate) });
  } finally {
    for (const [name, exports] of saved) require.cache[name].exports = exports;
    delete require.cache[file];
  }
}

/** Lets a thread wait whose event does not come in time. Says whether it looked for it. */
async function waitInVain(thread) {
  const { looks } = thread;
  thread.spin();
  await thread.turn();
  thread.time += 1;
  await thread.turn();
  return thread.looks > looks;
}

describe('a look for events', () => {
  afterEach(() => {
    for (const thread of loaded.splice(0)) thread.ended = true;
  });

  it('is repeated while somebody waits, until its time is over; then others wake the thread again', async () => {
    const thread = loadSpin();
    thread.spin();
    for (let i = 0; i < 10; i++) await thread.turn();
    assert.deepEqual([thread.looks, thread.reads], [10, 0]);
    thread.time += 1;
    for (let i = 0; i < 3; i++) await thread.turn();
    assert.deepEqual([thread.looks, thread.reads], [11, 1]);
  });

  it('reads what it finds, and goes on', async () => {
    const thread = loadSpin();
    thread.spin();
    await thread.turn();
    thread.events = EVENTS;
    thread.time += 1;
    await thread.turn();
    assert.equal(thread.reads, 1);
    thread.events = NOTHING;
    await thread.turn();
    await thread.turn();
    assert.deepEqual([thread.looks, thread.reads], [4, 1]);
  });

  it('ends once nobody waits, and begins with the next who does', async () => {
    const thread = loadSpin();
    thread.spin();
    thread.events = NOBODY_WAITS;
    for (let i = 0; i < 3; i++) await thread.turn();
    assert.deepEqual([thread.looks, thread.reads], [1, 1]);
    thread.spin();
    await thread.turn();
    assert.equal(thread.looks, 2);
  });

  it('is one for all that wait', async () => {
    const thread = loadSpin();
    for (let i = 0; i < 5; i++) thread.spin();
    await thread.turn();
    assert.equal(thread.looks, 1);
  });

  it('is made more and more rarely where it is in vain, and as before once it is not', async () => {
    const thread = loadSpin();
    const looked = [];
    for (let i = 0; i < 12; i++) looked.push(await waitInVain(thread));
    const [yes, no] = [true, false];
    assert.deepEqual(looked, [yes, no, yes, no, no, no, yes, no, no, no, no, no]);
    for (let i = 0; i < 1000; i++) await waitInVain(thread);
    let rare = 0;
    for (let i = 0; i < 512; i++) rare += Number(await waitInVain(thread));
    assert.equal(rare, 2);
    // The next one is in time.
    while (!(await waitInVain(thread)));
    for (let i = 0; i < 255; i++) thread.spin();
    thread.spin();
    thread.events = EVENTS;
    await thread.turn();
    thread.events = NOBODY_WAITS;
    await thread.turn();
    thread.events = NOTHING;
    assert.equal(await waitInVain(thread), true);
  });

  it('is not made once the environment has ended', async () => {
    const thread = loadSpin();
    thread.spin();
    thread.ended = true;
    for (let i = 0; i < 3; i++) await thread.turn();
    assert.deepEqual([thread.looks, thread.reads], [0, 0]);
  });
});
