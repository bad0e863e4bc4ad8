'use strict';
// A named space is one lock for whoever opens its name: several objects of one thread, worker threads, the promise
// api and the callback classes together. Different names never meet.

const { it, describe, before, after } = require('node:test');
const assert = require('node:assert/strict');
const latchkey = require('latchkey');
const RwlockPlus = require('latchkey/rwlock-plus');
const { freshName } = require('./support/scopes');
const { Thread } = require('./support/thread');
const { errorOf, turn, follow } = require('./support/follow');
const { until, deferred } = require('./support/until');

const { Lock, Locks } = latchkey;

/** Names that something might confuse: with each other, with nothing, with what objects have. */
const ODD_NAMES = [
  ...['', ' ', '\0', 'a', 'A', 'a\0', 'a\0b', 'é', 'e\u0301', '\ud800', '\udc00', '\udc00\ud800', '\ufffd'],
  ...[
    '\ud83d\ude00',
    '__proto__',
    'constructor',
    'toString',
    'undefined',
    'null',
    '0',
    '00',
    'x'.repeat(100_000),
  ],
];

describe('two objects of one name, in one thread', () => {
  it('are one lock', async () => {
    const name = freshName();
    const [a, b] = [new Locks({ name }), new Locks({ name })];
    const hold = a.tryWrite('key');
    assert.equal(b.tryWrite('key'), null);
    assert.equal(b.tryRead('key'), null);
    const waiting = follow(b.write('key'));
    await turn();
    assert.equal(waiting.state, 'pending');
    hold.release();
    await waiting.settled;
    assert.equal(a.tryRead('key'), null);
    assert.ok(waiting.value.fence > hold.fence);
    waiting.value.release();
    a.close();
    b.close();
  });

  it('queue in the order of asking, whichever object asked', async () => {
    const name = freshName();
    const objects = [new Locks({ name }), new Locks({ name }), new Locks({ name })];
    const log = [];
    const hold = objects[0].tryWrite('key');
    const calls = [];
    for (let i = 0; i < 30; i++) calls.push(objects[i % 3].write('key', () => void log.push(i)));
    hold.release();
    await Promise.all(calls);
    assert.deepEqual(log, [...log.keys()]);
    assert.equal(log.length, 30);
    objects.forEach((locks) => locks.close());
  });

  it('have their own expiry and maxPending', async () => {
    const name = freshName();
    const [safe, short] = [new Locks({ name }), new Locks({ name, expiry: 5, maxPending: 0 })];
    const hold = await safe.write('key');
    assert.equal((await errorOf(short.write('key'))).code, 'ERR_LOCK_QUEUE_FULL');
    assert.equal((await errorOf(safe.write('key', { timeout: 20 }))).code, 'ERR_LOCK_TIMEOUT');
    hold.release();
    const lost = await short.write('key');
    const next = await safe.write('key');
    await until(() => lost.signal.aborted, 'the loss to be reported');
    assert.equal(next.recovered, true);
    next.release();
    safe.close();
    short.close();
  });
});

describe('two differently named spaces', () => {
  it('never meet, however odd the names', () => {
    const spaces = ODD_NAMES.map((name) => new Locks({ name }));
    const again = ODD_NAMES.map((name) => new Locks({ name }));
    const holds = spaces.map((locks) => locks.tryWrite('key'));
    holds.forEach((hold, i) => assert.notEqual(hold, null, JSON.stringify(ODD_NAMES[i])));
    again.forEach((locks, i) => assert.equal(locks.tryWrite('key'), null, JSON.stringify(ODD_NAMES[i])));
    holds.forEach((hold) => hold.release());
    [...spaces, ...again].forEach((locks) => locks.close());
  });

  it('nor does a private one meet a named one', () => {
    const name = freshName();
    const named = new Locks({ name });
    const hold = named.tryWrite('key');
    for (const other of [new Locks(), new Locks({ name: null }), new Locks({ name: `${name} ` })]) {
      assert.notEqual(other.tryWrite('key'), null);
      other.close();
    }
    hold.release();
    named.close();
  });

  it('nor in a worker', async () => {
    const thread = new Thread();
    const names = ODD_NAMES.map((name) => `${name}${freshName()}`);
    const spaces = names.map((name) => new Locks({ name }));
    const holds = spaces.map((locks, i) => (i % 2 === 0 ? locks.tryWrite('key') : null));
    const free = await thread.run(
      ({ open }, all) =>
        all.map((name) => {
          const locks = open(name);
          const hold = locks.tryWrite('key');
          hold?.release();
          locks.close();
          return hold !== null;
        }),
      names,
    );
    assert.deepEqual(
      free,
      holds.map((hold) => hold === null),
    );
    holds.forEach((hold) => hold?.release());
    spaces.forEach((locks) => locks.close());
    await thread.terminate();
  });

  it('the keys of a space never meet either, lone surrogates included', async () => {
    const thread = new Thread();
    const name = freshName();
    const locks = new Locks({ name });
    const holds = ODD_NAMES.map((key) => locks.tryWrite(key));
    assert.ok(holds.every((hold) => hold !== null));
    const free = await thread.run(
      ({ open }, space, keys) => {
        const theirs = open(space);
        return keys.filter((key) => theirs.tryWrite(key) !== null);
      },
      name,
      ODD_NAMES,
    );
    assert.deepEqual(free, []);
    holds.forEach((hold) => hold.release());
    await thread.terminate();
    locks.close();
  });
});

describe('the callback classes on a named space', () => {
  for (const [title, Class] of [
    ['latchkey constructed', latchkey],
    ['latchkey.Lock', Lock],
    ['rwlock-plus', RwlockPlus],
  ]) {
    it(`share it with Locks of that name (${title})`, async () => {
      const name = freshName();
      const locks = new Locks({ name });
      const lock = new Class(null, null, { name });
      const log = [];
      let release;
      lock.writeLock(
        'key',
        (text) => log.push(text),
        (given) => {
          release = given;
        },
      );
      assert.equal(typeof release, 'function');
      assert.equal(locks.tryRead('key'), null);
      const call = locks.read('key', () => void log.push('reader of Locks'));
      const served = deferred();
      lock.readLock('key', null, (done) => {
        log.push('reader of Lock');
        done();
        served.resolve();
      });
      release('released');
      await Promise.all([call, served.promise]);
      assert.deepEqual(log.toSorted(), ['reader of Lock', 'reader of Locks', 'released']);
      const hold = await locks.write('key');
      let obtained = false;
      lock.writeLock('key', null, (done) => {
        obtained = true;
        done();
      });
      await turn();
      assert.equal(obtained, false);
      hold.release();
      await until(() => obtained, 'the callback');
      locks.close();
    });
  }

  it('grant to the next ones of the same thread before `release` returns, in order, whichever object asked', async () => {
    const name = freshName();
    const locks = [new Lock(null, null, { name }), new Lock(null, null, { name })];
    const log = [];
    const releases = [];
    const ask = (i, mode) =>
      locks[i][mode]('key', null, (release) => {
        log.push(`${mode} ${i}`);
        releases.push(release);
      });
    ask(0, 'writeLock');
    for (const i of [1, 0, 1]) ask(i, 'readLock');
    ask(1, 'writeLock');
    releases[0]();
    const seen = [...log];
    // Whoever has come or is still to come releases, so that nobody keeps the process.
    await until(() => {
      releases.forEach((release) => release());
      return log.length === 5;
    }, 'all to be served');
    releases.forEach((release) => release());
    assert.deepEqual(seen, ['writeLock 0', 'readLock 1', 'readLock 0', 'readLock 1']);
    assert.equal(log[4], 'writeLock 1');
  });

  it('expire by what another thread or object waits for, error first', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const warnings = [];
    const lock = new Lock(20, { warn: (message) => warnings.push(message) }, { name });
    const notified = deferred();
    lock.writeLock('key', notified.resolve, () => {});
    const hold = await locks.write('key');
    const error = await notified.promise;
    assert.equal(error.code, 'ERR_LOCK_EXPIRED');
    assert.deepEqual(warnings, [error.message]);
    assert.equal(hold.recovered, true);
    hold.release();
    locks.close();
  });

  it('work as a subclass, and with util.inherits', () => {
    const name = freshName();
    class Sub extends Lock {}
    function Old(timeout) {
      Lock.call(this, timeout, null, { name });
    }
    require('node:util').inherits(Old, Lock);
    const [sub, old] = [new Sub(null, null, { name }), new Old(1000)];
    const log = [];
    let release;
    sub.writeLock('key', null, (given) => {
      release = given;
    });
    old.writeLock('key', null, (done) => {
      log.push('old');
      done();
    });
    assert.deepEqual(log, []);
    release();
    return until(() => log.length === 1, 'the other one');
  });

  it('refuse a name that is no string', () => {
    for (const name of [undefined, 7, {}, true, Symbol('name')]) {
      assert.throws(() => new Lock(null, null, { name }), {
        name: 'TypeError',
        code: 'ERR_INVALID_ARG_TYPE',
      });
    }
    for (const options of ['name', 7, true]) {
      assert.throws(() => new Lock(null, null, options), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    }
    for (const options of [undefined, null, {}, { name: null }]) new Lock(null, null, options);
  });
});

describe('the same name in a worker', () => {
  let thread;
  before(() => (thread = new Thread()));
  after(() => thread.terminate());

  it('is the same lock, both ways', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const hold = locks.tryWrite('key');
    await thread.run(({ open, state }, space) => {
      state.locks = open(space);
      state.tried = state.locks.tryRead('key');
      state.call = state.locks.write('key').then((given) => (state.hold = given));
    }, name);
    assert.equal(await thread.run(({ state }) => state.tried), null);
    assert.equal(locks.query().pending.length, 1);
    hold.release();
    const { fence, mode } = await thread.run(async ({ state }) => {
      const { fence, mode } = await state.call;
      return { fence, mode };
    });
    assert.equal(mode, 'write');
    assert.ok(fence > hold.fence);
    const waiting = follow(locks.read('key'));
    await turn();
    assert.equal(waiting.state, 'pending');
    await thread.run(({ state }) => state.hold.release());
    await waiting.settled;
    assert.ok(waiting.value.fence > fence);
    waiting.value.release();
    await thread.run(({ state }) => state.locks.close());
    locks.close();
  });

  it('ends for the worker alone, when the worker closes it', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const hold = locks.tryRead('key');
    const code = await thread.run(async ({ open }, space) => {
      const theirs = open(space);
      theirs.tryRead('key');
      const waiting = theirs.write('key').catch((error) => error.code);
      theirs.close();
      return waiting;
    }, name);
    assert.equal(code, 'ERR_LOCK_CLOSED');
    // Its hold stays until it is released, or the thread ends.
    assert.equal(locks.query().held.length, 2);
    assert.equal(locks.query().pending.length, 0);
    hold.release();
    assert.equal(locks.tryWrite('key'), null);
    locks.close();
  });

  it('is shared with the callback classes there', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const hold = await locks.write('key');
    await thread.run(({ latchkey: theirs, state }, space) => {
      state.lock = new theirs.Lock(null, null, { name: space });
      state.obtained = new Promise((resolve) => {
        state.lock.readLock('key', null, (release) => resolve(release));
      });
    }, name);
    assert.deepEqual(
      locks.query().pending.map(({ thread: id }) => id),
      [thread.id],
    );
    hold.release();
    const waiting = locks.write('key');
    await thread.run(async ({ state }) => (await state.obtained)());
    (await waiting).release();
    locks.close();
  });
});

describe('a worker of a worker', () => {
  it('shares the space too', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const hold = locks.tryWrite('key');
    const thread = new Thread();
    const tried = await thread.run(
      ({ require: load }, space, file) => {
        const { Thread: Inner } = load(file);
        const inner = new Inner();
        inner.worker.ref();
        return inner
          .run(({ open }, inside) => open(inside).tryWrite('key') === null, space)
          .finally(() => inner.terminate());
      },
      name,
      require.resolve('./support/thread'),
    );
    assert.equal(tried, true);
    hold.release();
    await thread.terminate();
    locks.close();
  });
});
