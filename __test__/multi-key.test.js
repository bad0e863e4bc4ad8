'use strict';
// Several keys in one call: all or nothing, each once, in an order that cannot deadlock.

const { it } = require('node:test');
const assert = require('node:assert/strict');
const { Hold, Locks } = require('latchkey');
const {
  overScopes,
  overScopesAndModes,
  assertFree,
  exclusive,
  untilPending,
  freshName,
  TRY,
} = require('./support/scopes');
const { errorOf, turn, follow } = require('./support/follow');
const { block, deferred } = require('./support/until');
const { untilAsync } = require('./support/redis');
const { randomFrom, seed } = require('./support/random');

const DISPOSE = Symbol.dispose ?? Symbol.for('nodejs.dispose');

const heldKeys = async (locks) => (await locks.query()).held.map(({ key }) => key);

overScopesAndModes('several keys', (open, mode) => {
  it('are taken together, each once, sorted', async () => {
    const locks = open();
    const keys = ['c', 'a', 'b', 'a', 'c'];
    const hold = await locks[mode](keys);
    assert.deepEqual(hold.key, ['a', 'b', 'c']);
    assert.equal(hold.mode, mode);
    assert.equal(hold.recovered, false);
    assert.equal(hold.signal.aborted, false);
    assert.deepEqual((await heldKeys(locks)).toSorted(), ['a', 'b', 'c']);
    assert.equal(hold.fence, Math.max(...(await locks.query()).held.map(({ fence }) => fence)));
    assert.throws(() => hold.key.push('d'), TypeError);
    assert.deepEqual(keys, ['c', 'a', 'b', 'a', 'c'], 'the caller’s array is left alone');
    hold.release();
    await assertFree(locks);
  });

  it('give one Hold for all of them', async () => {
    const locks = open();
    for (const hold of [
      await locks[mode](['a', 'b']),
      await locks[TRY[mode]](['c']),
      await locks[mode]([]),
    ]) {
      assert.ok(hold instanceof Hold);
      hold.release();
    }
  });

  it('become strings as one key does', async () => {
    const locks = open();
    const hold = await locks[mode]([2, '2', { toString: () => '2' }, 1]);
    assert.deepEqual(hold.key, ['1', '2']);
    hold.release();
  });

  it('run a function and are released, however it ends', async () => {
    const locks = open();
    const result = await locks[mode](['b', 'a'], async (hold) => {
      assert.deepEqual(hold.key, ['a', 'b']);
      await turn();
      assert.equal((await heldKeys(locks)).length, 2);
      return 'result';
    });
    assert.equal(result, 'result');
    await assertFree(locks);
    assert.equal(await locks[mode](['a', 'b'], { timeout: 0 }, () => 'plain'), 'plain');
    const reason = new Error('mine');
    for (const fn of [() => Promise.reject(reason), () => assert.fail(reason)]) {
      assert.equal(await errorOf(locks[mode](['a', 'b'], fn)), reason);
      await assertFree(locks);
    }
  });

  it('are released once', async () => {
    const locks = open();
    const first = await locks[mode](['a', 'b']);
    first[DISPOSE]();
    const second = await locks[TRY[mode]](['b', 'a']);
    first.release();
    first[DISPOSE]();
    first.downgrade();
    assert.equal(await locks.tryWrite('a'), null);
    assert.equal(await locks.tryWrite('b'), null);
    second.release();
    second.release();
    await assertFree(locks);
  });

  it('may be none, or one', async () => {
    const locks = open();
    const none = await locks[mode]([]);
    assert.deepEqual([none.key, none.mode, none.fence, none.recovered], [[], mode, 0, false]);
    assert.equal(none.signal.aborted, false);
    none.release();
    assert.equal(await locks[mode]([], () => 'ran'), 'ran');
    assert.deepEqual((await locks[TRY[mode]]([])).key, []);
    const one = await locks[mode](['a']);
    assert.deepEqual(one.key, ['a']);
    assert.deepEqual(await heldKeys(locks), ['a']);
    one.release();
    await assertFree(locks);
  });

  it('wait for those that are held, and hold the others meanwhile', async () => {
    const locks = open();
    const held = await locks.write('b');
    const call = follow(locks[mode](['c', 'b', 'a']));
    await untilPending(locks, 1);
    assert.equal(call.state, 'pending');
    assert.deepEqual(
      (await locks.query()).pending.map(({ key }) => key),
      ['b'],
    );
    held.release();
    await call.settled;
    assert.deepEqual(call.value.key, ['a', 'b', 'c']);
    call.value.release();
    await assertFree(locks);
  });

  it('are all or none for a call that tries', async () => {
    const locks = open();
    const held = await locks.tryWrite('b');
    for (const keys of [
      ['a', 'b', 'c'],
      ['b', 'c'],
      ['a', 'b'],
    ]) {
      assert.equal(await locks[TRY[mode]](keys), null);
      assert.deepEqual(await heldKeys(locks), ['b']);
    }
    held.release();
    const hold = await locks[TRY[mode]](['b', 'a', 'b']);
    assert.deepEqual([hold.key, hold.mode], [['a', 'b'], mode]);
    hold.release();
    await assertFree(locks);
  });
});

overScopesAndModes('several keys of which one is held', (open, mode, { later }) => {
  it('give back what was taken when the time is up', async () => {
    const locks = open();
    const held = await locks.write('b');
    const start = performance.now();
    // A store has to be asked twice before it is the second key that is waited for.
    const error = await errorOf(
      locks[mode](['a', 'b', 'c'], { timeout: 200 }, () => assert.fail('must not run')),
    );
    assert.ok(performance.now() - start > 199);
    assert.equal(error.code, 'ERR_LOCK_TIMEOUT');
    assert.equal(error.key, 'b');
    assert.match(error.message, /\b200 ms/);
    assert.deepEqual(await heldKeys(locks), ['b']);
    assert.equal((await errorOf(locks[mode](['a', 'b'], { timeout: 0 }))).code, 'ERR_LOCK_TIMEOUT');
    assert.deepEqual(await heldKeys(locks), ['b']);
    held.release();
    await assertFree(locks);
  });

  it('have one time limit together', async () => {
    const locks = open();
    const [a, b] = [await locks.write('a'), await locks.write('b')];
    const timeout = 50;
    const call = follow(locks[mode](['a', 'b'], { timeout }));
    // The first key takes up all of the time.
    block(timeout + 2);
    a.release();
    const whole = follow(locks[mode]('b', { timeout }));
    await call.settled;
    assert.equal(call.value.code, 'ERR_LOCK_TIMEOUT');
    assert.equal(whole.state, 'pending');
    await whole.settled;
    b.release();
    await assertFree(locks);
  });

  it('give back what was taken when the signal is aborted', async () => {
    const locks = open();
    const held = await locks.write('b');
    const controller = new AbortController();
    const { signal } = controller;
    const call = follow(locks[mode](['a', 'b', 'c'], { signal }, () => assert.fail('must not run')));
    await untilPending(locks, 1);
    assert.deepEqual((await heldKeys(locks)).toSorted(), ['a', 'b']);
    controller.abort('reason');
    await call.settled;
    assert.equal(call.value, 'reason');
    await untilPending(locks, 0);
    assert.deepEqual(await heldKeys(locks), ['b']);
    held.release();
    await assertFree(locks);
  });

  it('give back what was taken when the locks are closed', async () => {
    const name = freshName();
    const locks = open({ name });
    const held = await locks.write('b');
    const call = follow(locks[mode](['a', 'b', 'c'], () => assert.fail('must not run')));
    const others = open({ name });
    await untilPending(others, 1);
    assert.deepEqual((await heldKeys(others)).toSorted(), ['a', 'b']);
    locks.close();
    await call.settled;
    assert.equal(call.value.code, 'ERR_LOCK_CLOSED');
    assert.equal(call.value.key, 'b');
    if (!later) assert.deepEqual(await heldKeys(others), ['b']);
    held.release();
    await others.write(['a', 'b', 'c'], { timeout: 5000 }, () => {});
  });

  it('give back what was taken when the queue is full', async () => {
    const locks = open({ maxPending: 0 });
    const held = await locks.write('b');
    const error = await errorOf(locks[mode](['a', 'b']));
    assert.deepEqual([error.code, error.key], ['ERR_LOCK_QUEUE_FULL', 'b']);
    assert.deepEqual(await heldKeys(locks), ['b']);
    held.release();
  });

  it('take nothing, if a key is bad or the signal is aborted already', async () => {
    const locks = open();
    for (const bad of [undefined, null, Symbol('s')]) {
      assert.equal((await errorOf(locks[mode](['a', bad]))).code, 'ERR_INVALID_ARG_TYPE');
      await assert.rejects(async () => locks[TRY[mode]](['a', bad]), { code: 'ERR_INVALID_ARG_TYPE' });
    }
    const hole = ['a', 'b'];
    delete hole[1];
    assert.equal((await errorOf(locks[mode](hole))).code, 'ERR_INVALID_ARG_TYPE');
    await assert.rejects(async () => locks[TRY[mode]](hole), { code: 'ERR_INVALID_ARG_TYPE' });
    const signal = AbortSignal.abort('reason');
    assert.equal(await errorOf(locks[mode](['a', 'b'], { signal })), 'reason');
    assert.equal(await errorOf(locks[mode]([], { signal })), 'reason');
    await assertFree(locks);
  });
});

overScopes('the expiry of several keys', (open) => {
  it('of an early one, while a later one is waited for, fails the call and gives all back', async () => {
    const locks = open();
    const held = await locks.write('b');
    const call = follow(locks.write(['a', 'b'], { expiry: 10 }, () => assert.fail('must not run')));
    // On a store that takes a trip.
    await untilAsync(async () => (await heldKeys(locks)).includes('a'), 'the early one to be held');
    const taken = await locks.write('a');
    held.release();
    await call.settled;
    assert.equal(call.state, 'rejected');
    assert.equal(call.value.code, 'ERR_LOCK_EXPIRED');
    assert.equal(call.value.key, 'a');
    assert.deepEqual(await heldKeys(locks), ['a']);
    taken.release();
    await assertFree(locks);
  });

  it('aborts the signal of them all with the error of the one, and fails the call', async () => {
    const locks = open();
    const [start, finish] = [deferred(), deferred()];
    const call = follow(
      locks.write(['a', 'b'], { expiry: 10 }, async (hold) => {
        start.resolve(hold);
        await finish.promise;
      }),
    );
    const { signal } = await start.promise;
    const next = await locks.write('b');
    assert.equal(signal.aborted, true);
    assert.deepEqual([signal.reason.code, signal.reason.key], ['ERR_LOCK_EXPIRED', 'b']);
    await turn();
    assert.equal(call.state, 'pending');
    // The other key is still held.
    assert.deepEqual((await heldKeys(locks)).toSorted(), ['a', 'b']);
    finish.resolve();
    await call.settled;
    assert.equal(call.value, signal.reason);
    assert.deepEqual(await heldKeys(locks), ['b']);
    next.release();
    assert.equal(await locks.write(['a', 'b'], ({ recovered }) => recovered), false);
  });

  it('is known to one who asks for the signal only afterwards', async () => {
    const locks = open();
    const hold = await locks.write(['a', 'b'], { expiry: 5 });
    (await locks.write('a')).release();
    assert.equal(hold.signal.aborted, true);
    assert.equal(hold.signal.reason.key, 'a');
    hold.release();
    await assertFree(locks);
  });

  it('leaves recovered on the hold that includes that key', async () => {
    const locks = open();
    await locks.write('a', { expiry: 1 });
    const hold = await locks.write(['a', 'b']);
    assert.equal(hold.recovered, true);
    hold.release();
    assert.equal(await locks.write(['a', 'b'], ({ recovered }) => recovered), false);
  });
});

it('very many keys are no more than a loop', () => {
  const locks = new Locks();
  const keys = Array.from({ length: 150_000 }, (_, i) => `key ${i}`);
  const first = locks.tryWrite('first');
  const hold = locks.tryWrite(keys);
  assert.equal(hold.key.length, keys.length);
  assert.equal(hold.fence, first.fence + keys.length);
  first.release();
  hold.release();
  assertFree(locks);
});

overScopes('a downgrade of several keys', (open) => {
  it('lets readers in, on each of them', async () => {
    const locks = open();
    const hold = await locks.write(['a', 'b']);
    const readers = [locks.read('a'), locks.read(['b', 'a'])];
    hold.downgrade();
    assert.equal(hold.mode, 'read');
    const holds = await Promise.all(readers);
    assert.equal(await locks.tryWrite('b'), null);
    [hold, ...holds].forEach((each) => each.release());
    await assertFree(locks);
  });
});

overScopes('many calls for keys in any order', (open) => {
  it('never wait for each other: opposite orders', async () => {
    const locks = open();
    const work = exclusive();
    const calls = [];
    for (let i = 0; i < 200; i++) calls.push(locks.write(i % 2 === 0 ? ['a', 'b'] : ['b', 'a'], work));
    await Promise.all(calls);
    await assertFree(locks);
  });

  it('never wait for each other: random keys, modes, limits and aborts', async (t) => {
    t.diagnostic(`seed ${seed}`);
    const random = randomFrom(seed);
    const locks = open();
    /** Per key: how many read, or -1 for a writer. */
    const users = new Map();
    const enter = (keys, mode) => {
      for (const key of keys) {
        const now = users.get(key) ?? 0;
        assert.ok(mode === 'write' ? now === 0 : now >= 0, `${mode} ${key} beside ${now}`);
        users.set(key, mode === 'write' ? -1 : now + 1);
      }
    };
    const leave = (keys, mode) => {
      for (const key of keys) users.set(key, mode === 'write' ? 0 : users.get(key) - 1);
    };
    const ended = { done: 0, ERR_LOCK_TIMEOUT: 0, aborted: 0 };
    const call = async () => {
      const keys = Array.from({ length: 1 + random.below(4) }, () => `key ${random.below(6)}`);
      const mode = random.pick(['read', 'write']);
      const controller = new AbortController();
      const options = { signal: controller.signal, timeout: random.pick([0, 1, 60_000, 60_000, Infinity]) };
      if (random.chance(0.1)) setImmediate(() => controller.abort('aborted'));
      const turns = random.below(3);
      try {
        await locks[mode](keys, options, async (hold) => {
          enter(hold.key, mode);
          for (let i = 0; i < turns; i++) await turn();
          leave(hold.key, mode);
        });
        ended.done++;
      } catch (error) {
        ended[error.code ?? error]++;
      }
    };
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 60 }, call));
    }
    t.diagnostic(JSON.stringify(ended));
    assert.equal(ended.done + ended.ERR_LOCK_TIMEOUT + ended.aborted, 600);
    assert.ok(ended.done > 0 && ended.ERR_LOCK_TIMEOUT > 0 && ended.aborted > 0);
    await assertFree(locks);
  });
});
