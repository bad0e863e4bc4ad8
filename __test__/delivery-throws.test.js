'use strict';
// A callback that throws where a promise call runs it, of a Lock that shares the space of a Locks: the error is an
// uncaught exception. The promise call does all of its work, and its result is its own.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { Lock, Locks } = require('latchkey');
const { freshName, assertFree } = require('./support/scopes');
const { EXPIRY, passExpiry } = require('./support/until');
const { uncaughtIn } = require('./support/uncaught');
const { turn, follow } = require('./support/follow');

/** A space that both APIs use. */
function openBoth() {
  const name = freshName();
  return { name, locks: new Locks({ name }), lock: new Lock(null, null, { name }) };
}

/** Holds a key for too long, so that the next one who asks ends it; the release callback throws. */
function holdTooLong(name, key) {
  const lock = new Lock(EXPIRY, null, { name });
  const onLoss = () => {
    throw new Error(`notified for ${key}`);
  };
  lock.writeLock(key, onLoss, () => {});
}

/** Waits for a key; once it is granted, releases it and throws. */
function queueThrower(lock, key, mode = 'writeLock') {
  lock[mode](key, null, (release) => {
    release();
    throw new Error(`granted ${key}`);
  });
}

/** How a promise has settled, after all that is ready has happened. */
async function outcomeOf(call) {
  const followed = follow(call);
  await turn();
  const { state, value } = followed;
  return state === 'rejected' ? `rejected: ${value?.code ?? value?.message ?? value}` : (value ?? state);
}

describe('a call that ends an overdue hold whose release callback throws', () => {
  /** Runs a call on the keys `a` and `b`, of which one is held for too long. */
  async function overdue(key, call) {
    const { name, locks } = openBoth();
    holdTooLong(name, key);
    passExpiry();
    const uncaught = await uncaughtIn(() => call(locks));
    assert.deepEqual(uncaught, [`notified for ${key}`]);
    await assertFree(locks);
    locks.close();
  }

  for (const mode of ['write', 'read']) {
    it(`${mode}(key, fn) runs fn and gives its result`, async () => {
      await overdue('a', async (locks) => {
        assert.equal(await outcomeOf(locks[mode]('a', () => 'ran')), 'ran');
      });
    });

    it(`${mode}(key) gives the hold`, async () => {
      await overdue('a', async (locks) => {
        const hold = await outcomeOf(locks[mode]('a'));
        assert.equal(hold.mode, mode);
        hold.release();
      });
    });
  }

  for (const name of ['tryWrite', 'tryRead']) {
    it(`${name}(key) gives the hold`, async () => {
      await overdue('a', (locks) => locks[name]('a').release());
    });

    for (const key of ['a', 'b']) {
      it(`${name}(['a', 'b']) gives both, if it is '${key}'`, async () => {
        await overdue(key, (locks) => {
          const hold = locks[name](['a', 'b']);
          assert.equal(locks.query().held.length, 2);
          hold.release();
        });
      });
    }
  }

  for (const key of ['a', 'b']) {
    it(`write(['a', 'b'], fn) runs fn with both, if it is '${key}'`, async () => {
      await overdue(key, async (locks) => {
        const call = locks.write(['a', 'b'], () => locks.query().held.length);
        assert.equal(await outcomeOf(call), 2);
      });
    });
  }
});

describe('the end of a hold, by which a callback is called that throws', () => {
  const dispose = Symbol.dispose ?? Symbol.for('nodejs.dispose');
  for (const [name, end] of [
    ['release', (hold) => hold.release()],
    ['the end of `using`', (hold) => hold[dispose]()],
  ]) {
    it(`${name} does not throw`, async () => {
      const { locks, lock } = openBoth();
      const hold = await locks.write('a');
      queueThrower(lock, 'a');
      assert.deepEqual(await uncaughtIn(() => end(hold)), ['granted a']);
      await assertFree(locks);
    });
  }

  it('downgrade does not throw', async () => {
    const { locks, lock } = openBoth();
    const hold = await locks.write('a');
    queueThrower(lock, 'a', 'readLock');
    assert.deepEqual(await uncaughtIn(() => hold.downgrade()), ['granted a']);
    assert.equal(hold.mode, 'read');
    hold.release();
    await assertFree(locks);
  });

  it('release ends a hold of several keys as a whole', async () => {
    const { locks, lock } = openBoth();
    const hold = await locks.write(['a', 'b', 'c']);
    for (const key of ['a', 'b', 'c']) queueThrower(lock, key);
    const uncaught = await uncaughtIn(() => hold.release());
    assert.deepEqual(uncaught.toSorted(), ['granted a', 'granted b', 'granted c']);
    await assertFree(locks);
  });

  it('downgrade makes a hold of several keys a reader of them all', async () => {
    const { locks, lock } = openBoth();
    const hold = await locks.write(['a', 'b', 'c']);
    for (const key of ['a', 'b', 'c']) queueThrower(lock, key, 'readLock');
    const uncaught = await uncaughtIn(() => hold.downgrade());
    assert.deepEqual(uncaught.toSorted(), ['granted a', 'granted b', 'granted c']);
    assert.deepEqual(
      locks.query().held.map(({ mode }) => mode),
      ['read', 'read', 'read'],
    );
    hold.release();
    await assertFree(locks);
  });
});

describe('a function that has run, where the next one’s callback throws', () => {
  for (const keys of ['a', ['a', 'b']]) {
    it(`has its result given (${keys})`, async () => {
      const { locks, lock } = openBoth();
      const uncaught = await uncaughtIn(async () => {
        const call = locks.write(keys, () => queueThrower(lock, 'a') ?? 'result');
        assert.equal(await outcomeOf(call), 'result');
      });
      assert.deepEqual(uncaught, ['granted a']);
      await assertFree(locks);
    });

    it(`has its own error given (${keys})`, async () => {
      const { locks, lock } = openBoth();
      const uncaught = await uncaughtIn(async () => {
        const call = locks.write(keys, () => {
          queueThrower(lock, 'a');
          throw new Error('own');
        });
        assert.equal(await outcomeOf(call), 'rejected: own');
      });
      assert.deepEqual(uncaught, ['granted a']);
      await assertFree(locks);
    });
  }
});

describe('requests that leave the queue, where those that move up throw', () => {
  /** Three requests of a Locks, behind each of which a reader waits that throws; a reader holds each key. */
  function queueBehind({ locks, lock, name }, options) {
    const others = new Locks({ name });
    const holds = ['a', 'b', 'c'].map((key) => others.tryRead(key));
    const calls = ['a', 'b', 'c'].map((key) => {
      const call = follow(locks.write(key, options));
      queueThrower(lock, key, 'readLock');
      return call;
    });
    return { others, holds, calls };
  }

  const granted = ['granted a', 'granted b', 'granted c'];

  it('close ends all waits', async () => {
    const both = openBoth();
    const { others, holds, calls } = queueBehind(both);
    const uncaught = await uncaughtIn(() => both.locks.close());
    assert.deepEqual(
      calls.map(({ value }) => value?.code),
      ['ERR_LOCK_CLOSED', 'ERR_LOCK_CLOSED', 'ERR_LOCK_CLOSED'],
    );
    assert.deepEqual(uncaught.toSorted(), granted);
    await assert.rejects(both.locks.write('d'), { code: 'ERR_LOCK_CLOSED' });
    for (const hold of holds) hold.release();
    await assertFree(others);
  });

  it('an abort ends the waits of all that have the signal', async () => {
    const both = openBoth();
    const controller = new AbortController();
    const { others, holds, calls } = queueBehind(both, { signal: controller.signal });
    const uncaught = await uncaughtIn(() => controller.abort('enough'));
    assert.deepEqual(
      calls.map(({ value }) => value),
      ['enough', 'enough', 'enough'],
    );
    assert.deepEqual(uncaught.toSorted(), granted);
    for (const hold of holds) hold.release();
    await assertFree(others);
  });
});

describe('a request for several keys that gives up, where it lets a callback in that throws', () => {
  it('tryWrite gives back all that it has, and gives null', async () => {
    const { locks, lock, name } = openBoth();
    const hold = locks.tryRead('c');
    // The request finds this hold overdue after it has taken `a`.
    const overdue = new Lock(EXPIRY, null, { name });
    overdue.writeLock(
      'b',
      () => queueThrower(lock, 'a'),
      () => {},
    );
    passExpiry();
    let tried;
    const uncaught = await uncaughtIn(() => {
      tried = locks.tryWrite(['a', 'b', 'c']);
    });
    assert.equal(tried, null);
    assert.deepEqual(uncaught, ['granted a']);
    hold.release();
    await assertFree(locks);
  });

  it('write rejects with why it gave up', async () => {
    const { locks, lock } = openBoth();
    const hold = locks.tryRead('b');
    const uncaught = await uncaughtIn(async () => {
      const call = follow(locks.write(['a', 'b'], { timeout: 10 }));
      queueThrower(lock, 'a');
      await call.settled;
      assert.equal(call.value.code, 'ERR_LOCK_TIMEOUT');
    });
    assert.deepEqual(uncaught, ['granted a']);
    hold.release();
    await assertFree(locks);
  });
});
