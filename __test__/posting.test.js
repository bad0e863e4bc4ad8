'use strict';
// A request that surely waits for a private key is posted: word of it is left in the shared array, and the next call of the
// engine takes that in first. So a request that waits costs one call, its release; and none is lost, however many there are.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { loadRecordedCopy } = require('./support/copies');
const { apisOf } = require('./support/apis');
const { hold } = require('./support/queue');
const { collectUntil } = require('./support/gc');
const { Thread } = require('./support/thread');
const { until } = require('./support/until');
const { errorOf, turn } = require('./support/follow');

const copy = loadRecordedCopy();
const { latchkey, lib, crossings, calls } = copy;
const { Lock, Locks } = latchkey;
const apis = apisOf(copy);

/** How many entries the shared array has room for. */
const ROOM = lib('layout').at.maxPosted;

/** Asserts that the engine has forgotten keys: each `use` takes and releases one alone, and none of them is a call. */
async function assertForgotten(...uses) {
  crossings();
  for (const use of uses) use();
  await turn();
  assert.deepEqual(calls(), [], 'the engine was asked');
}

/** Takes a `Lock`'s key, and gives the function that releases it. */
const holdOf = (lock, mode = 'write') =>
  hold({ [mode]: (key, obtained) => lock[`${mode}Lock`](key, null, obtained) }, mode, 'key');

/** How many calls of the engine were made meanwhile, by which function. */
function count(calls) {
  const counts = {};
  for (const each of calls) counts[each] = (counts[each] ?? 0) + 1;
  return JSON.stringify(counts);
}

describe('a thousand requests that wait for a key, and their releases', () => {
  const MANY = 1000;
  for (const { name, modes, open } of apis) {
    for (const mode of modes) {
      it(`cost a call of the engine each, and at most ten more (${name}, ${mode})`, async () => {
        const locks = open();
        const log = [];
        calls();
        const release = hold(locks, 'write', 'key');
        for (let i = 0; i < MANY; i++) {
          locks[mode]('key', (releaseNext) => {
            log.push(i);
            releaseNext();
          });
        }
        const asked = calls();
        // The array was full once; where the holder may be overdue, the engine was asked whether it is.
        assert.ok(asked.length <= 2, `to ask: ${count(asked)}`);
        release();
        await until(() => log.length === MANY, 'all of them');
        await turn();
        const seen = [...asked, ...calls()];
        assert.ok(seen.length <= MANY + 10, count(seen));
        assert.ok(seen.length >= MANY, count(seen));
        assert.deepEqual(log, [...log.keys()]);
        await assertForgotten(() => hold(locks, 'write', 'key')());
      });
    }
  }

  it('cost no more where readers and writers queue up behind a reader', async () => {
    for (const { name, modes, open } of apis) {
      if (!modes.includes('read')) continue;
      const locks = open();
      let done = 0;
      calls();
      const release = hold(locks, 'read', 'key');
      for (let i = 0; i < MANY; i++) {
        locks[i % 2 === 0 ? 'write' : 'read']('key', (releaseNext) => {
          done++;
          releaseNext();
        });
      }
      release();
      await until(() => done === MANY, 'all of them');
      await turn();
      const seen = calls();
      assert.ok(seen.length <= MANY + 10, `${name}: ${count(seen)}`);
    }
  });

  it('cost no call at all where they are refused: a try that surely waits', () => {
    const locks = new Locks();
    const holder = locks.tryWrite('key');
    calls();
    for (let i = 0; i < MANY; i++) assert.equal(locks[i % 2 === 0 ? 'tryRead' : 'tryWrite']('key'), null);
    assert.deepEqual(calls(), []);
    holder.release();
    assert.deepEqual(calls(), []);
  });
});

describe('more requests than the array has room for', () => {
  const MANY = 2000;
  for (const { name, modes, open } of apis) {
    it(`are let in in the order in which they were made, on one key (${name})`, async () => {
      const locks = open();
      const log = [];
      const release = hold(locks, 'write', 'key');
      for (let i = 0; i < MANY; i++) {
        locks[modes[i % modes.length]]('key', (releaseNext) => {
          log.push(i);
          releaseNext();
        });
      }
      assert.deepEqual(log, []);
      release();
      await until(() => log.length === MANY, 'all of them');
      await turn();
      assert.deepEqual(log, [...log.keys()]);
      await assertForgotten(() => hold(locks, 'write', 'key')());
    });

    it(`and each gets the key that it asked for, in its turn, on 1,400 keys (${name})`, async () => {
      const locks = open();
      const keys = Array.from({ length: 1400 }, (_, i) => `key ${i}`);
      const log = new Map(keys.map((key) => [key, []]));
      const releases = keys.map((key) => hold(locks, 'write', key));
      for (const n of [0, 1, 2]) {
        for (const key of keys) {
          locks[modes[n % modes.length]](key, (releaseNext) => {
            log.get(key).push(n);
            releaseNext();
          });
        }
      }
      assert.ok([...log.values()].every((each) => each.length === 0));
      // Not in the order in which they were taken.
      for (let i = 0; i < keys.length; i++) {
        const n = (i * 611) % keys.length;
        releases[n]();
        if (!name.startsWith('Locks')) assert.deepEqual(log.get(keys[n]), [0, 1, 2], keys[n]);
        else if (i % 100 === 0) await turn();
      }
      await until(() => [...log.values()].every((each) => each.length === 3), 'all of them');
      for (const [key, order] of log) assert.deepEqual(order, [0, 1, 2], key);
      await turn();
      await assertForgotten(...keys.map((key) => () => hold(locks, 'write', key)()));
    });
  }

  it('may fill the array in the middle of a key’s holders', async () => {
    for (const filled of [ROOM - 1, ROOM, ROOM + 1, 2 * ROOM, 2 * ROOM + 1]) {
      const locks = new Locks();
      const readers = Array.from({ length: filled }, () => locks.tryRead('key'));
      let written = 0;
      const waiting = [1, 2].map(() => locks.write('key', () => written++));
      for (const each of readers.slice(1)) each.release();
      await turn();
      assert.equal(written, 0, `with ${filled} readers`);
      readers[0].release();
      await Promise.all(waiting);
      assert.equal(written, 2);
      await assertForgotten(() => locks.tryWrite('key').release());
    }
  });

  it('may fill it between a key’s counted holders and the one who waits', async () => {
    for (const filled of [ROOM - 2, ROOM - 1, ROOM, ROOM + 1]) {
      const [lock, other] = [new Lock(), new Lock()];
      const readers = [1, 2, 3].map(() => holdOf(lock, 'read'));
      let done = 0;
      const enter = (release) => {
        done++;
        release();
      };
      const releaseOther = holdOf(other);
      // One more entry is for the holder.
      for (let i = 0; i < filled - 1; i++) other.writeLock('key', null, enter);
      lock.writeLock('key', null, enter);
      for (const release of readers.slice(1)) release();
      assert.equal(done, 0);
      readers[0]();
      assert.equal(done, 1);
      releaseOther();
      assert.equal(done, filled);
      await assertForgotten(...[lock, other].map((each) => () => holdOf(each)()));
    }
  });
});

describe('a Locks that is closed', () => {
  /** Asserts that with the last hold the engine gives up all that it knows of the Locks. */
  function assertClosedBy(hold) {
    crossings();
    hold.release();
    assert.deepEqual(crossings(), ['end', 'close']);
  }

  it('refuses those who were posted, and goes on nowhere; others go on', async () => {
    const [locks, other] = [new Locks(), new Locks()];
    const lock = new Lock();
    const log = [];
    const holds = [locks, other].map((each) => each.tryWrite('key'));
    const releaseLock = holdOf(lock);
    const refused = [];
    const granted = [];
    for (let i = 0; i < 20; i++) {
      refused.push(errorOf(locks[i % 2 === 0 ? 'read' : 'write']('key', () => assert.fail('must not run'))));
      granted.push(other.write('key', () => log.push(`other ${i}`)));
      lock.writeLock('key', null, (release) => {
        log.push(`lock ${i}`);
        release();
      });
    }
    locks.close();
    for (const { code, key } of await Promise.all(refused)) {
      assert.deepEqual([code, key], ['ERR_LOCK_CLOSED', 'key']);
    }
    assert.deepEqual(log, []);
    holds[1].release();
    await Promise.all(granted);
    releaseLock();
    assert.deepEqual(log, [
      ...Array.from({ length: 20 }, (_, i) => `other ${i}`),
      ...Array.from({ length: 20 }, (_, i) => `lock ${i}`),
    ]);
    assert.equal((await errorOf(locks.write('key'))).code, 'ERR_LOCK_CLOSED');
    assertClosedBy(holds[0]);
    await assertForgotten(
      () => other.tryWrite('key').release(),
      () => holdOf(lock)(),
    );
  });

  it('refuses them, too, while only a holder is handed over, or a thousand wait', async () => {
    for (const waiting of [1, ROOM - 1, ROOM, 1000]) {
      const locks = new Locks();
      const holder = locks.tryRead('key');
      const refused = Array.from({ length: waiting }, () => errorOf(locks.write('key')));
      locks.close();
      for (const { code } of await Promise.all(refused)) assert.equal(code, 'ERR_LOCK_CLOSED');
      assertClosedBy(holder);
    }
  });
});

describe('a lock object that is collected while word of its requests is in the array', () => {
  const collected = new Set();
  let dropped = 0;
  const registry = new FinalizationRegistry((number) => collected.add(number));

  /** What the program keeps of such objects is nothing. */
  function drop() {
    for (let i = 0; i < 30; i++) {
      const [lock, locks] = [new Lock(), new Locks()];
      for (const each of [lock, locks]) registry.register(each, dropped++);
      lock.readLock('key', null, () => {});
      lock.writeLock('key', null, () => assert.fail('nobody can have let it in'));
      locks.tryWrite('key');
      void locks.write('key', () => assert.fail('nobody can have let it in'));
    }
  }

  it('leaves nothing, and others’ requests in between are served', async () => {
    const lock = new Lock();
    const log = [];
    const release = holdOf(lock);
    const ask = (n) => {
      lock.writeLock('key', null, (releaseNext) => {
        log.push(n);
        releaseNext();
      });
    };
    for (const n of [0, 1, 2]) {
      drop();
      ask(n);
    }
    await collectUntil(() => collected.size === dropped, 'them to be collected');
    ask(3);
    release();
    assert.deepEqual(log, [0, 1, 2, 3]);
    await assertForgotten(() => holdOf(lock)());
  });

  it('is kept while somebody can release its holder', async () => {
    let granted = 0;
    const releases = (() =>
      Array.from({ length: 10 }, () => {
        const lock = new Lock();
        const release = holdOf(lock);
        lock.writeLock('key', null, (releaseNext) => {
          granted++;
          releaseNext();
        });
        return release;
      }))();
    drop();
    await collectUntil(() => collected.size === dropped, 'the others to be collected');
    for (const release of releases.splice(0)) release();
    assert.equal(granted, 10);
  });
});

it('a thread that ends while word of its requests is in the array takes them with it', async () => {
  const thread = new Thread();
  const pending = await thread.run(({ open, latchkey: own, state }) => {
    state.locks = open(undefined, {});
    state.locks.tryWrite('key');
    for (let i = 0; i < 100; i++) void state.locks.write('key');
    const lock = new own.Lock();
    for (let i = 0; i < 100; i++) lock.writeLock('key', null, () => {});
    return state.locks.query().pending.length;
  });
  assert.equal(pending, 100);
  await thread.terminate();
});
