'use strict';
// A queue of any length whose members release inside their callbacks does not overflow the stack; a short one
// nests its callbacks, as the old packages do.

const { it } = require('node:test');
const assert = require('node:assert/strict');
const { apis, lasting, notifying, expiring, overApis, overModes, freshKey } = require('./support/apis');
const { hold } = require('./support/queue');
const { deferred } = require('./support/until');
const { memoryAfterGc } = require('./support/gc');

const MANY = 100_000;
const MB = 2 ** 20;
/** By how much resident memory may change with a round, once it is steady: 40 bytes for each waiter. */
const STEADY = 4 * MB;
/** After so many rounds it has to be. */
const ROUNDS = 12;

/** Is handed the numbers from 0 in order, and throws at the first that is not. */
function counter() {
  const count = (n) => {
    if (n !== count.seen) assert.fail(`${n} came after ${count.seen - 1}`);
    count.seen++;
  };
  count.seen = 0;
  return count;
}

overModes('a short queue', apis, (api, mode) => {
  it('nests: release() returns after the next one was granted', () => {
    const locks = api.open();
    const key = freshKey();
    const log = [];
    const release = hold(locks, 'write', key);
    for (let i = 0; i < 10; i++) {
      locks.write(key, (releaseNext) => {
        log.push(`> ${i}`);
        releaseNext();
        log.push(`< ${i}`);
      });
    }
    locks[mode](key, (releaseLast) => {
      log.push('last');
      releaseLast();
    });
    release();
    const digits = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    assert.deepEqual(log, [...digits.map((i) => `> ${i}`), 'last', ...digits.reverse().map((i) => `< ${i}`)]);
  });
});

overModes('100,000 waiters that release inside their callbacks', [...apis, lasting], (api, mode) => {
  it('are granted in order before the first release() returns, and leave nothing behind', async (t) => {
    const round = () => {
      const locks = api.open();
      const key = freshKey();
      const count = counter();
      const release = hold(locks, 'write', key);
      for (let i = 0; i < MANY; i++) {
        locks[mode](key, (releaseNext) => {
          count(i);
          releaseNext();
        });
      }
      release();
      assert.equal(count.seen, MANY);
      // Nobody holds it, and nobody waits.
      hold(locks, 'write', key)();
    };
    round();
    const memory = [await memoryAfterGc()];
    round();
    memory.push(await memoryAfterGc());
    const [first, second] = memory.map(({ heapUsed }) => heapUsed);
    assert.ok(second - first < 4 * MB, `heap: ${first} to ${second}`);
    while (!isSteady(memory) && memory.length < ROUNDS) {
      round();
      memory.push(await memoryAfterGc());
    }
    const resident = memory.map(({ rss }) => Math.round(rss / MB));
    t.diagnostic(`resident after each round: ${resident.join(', ')} MB`);
    assert.ok(isSteady(memory), `resident after each round: ${resident.join(', ')} MB`);
  });
});

/**
 * Whether the last round has hardly changed resident memory: what is left behind is left in each round. The first rounds say
 * little, since V8 and the allocator take memory in large pieces, and give it back when they like.
 */
function isSteady(memory) {
  const [before, after] = memory.slice(-2).map(({ rss }) => rss);
  return Math.abs(after - before) < STEADY;
}

overModes('100,000 waiters with release callbacks', notifying, (api, mode) => {
  it('are notified once each, after the next one’s grant', () => {
    const locks = api.open();
    const count = counter();
    const notified = new Uint8Array(MANY + 1);
    const release = hold(locks, 'write', 'key', (word) => notified[word]++);
    for (let i = 0; i < MANY; i++) {
      const obtained = (releaseNext) => {
        count(i);
        releaseNext(i);
      };
      const released = (word) => {
        assert.equal(word, i);
        if (mode === 'write' && i + 1 < MANY) assert.ok(count.seen > i + 1, `${i} was notified too early`);
        notified[word]++;
      };
      locks[mode]('key', obtained, released);
    }
    release(MANY);
    assert.equal(count.seen, MANY);
    assert.ok(notified.every((times) => times === 1));
  });

  it('may release the next one inside them', () => {
    const locks = api.open();
    const count = counter();
    const releases = [];
    let notified = 0;
    for (let i = 0; i < MANY; i++) {
      locks.write(
        'key',
        (release) => {
          count(i);
          releases[i] = release;
        },
        () => {
          notified++;
          if (i + 1 < MANY) releases[i + 1]();
        },
      );
    }
    locks[mode]('key', () => count(MANY));
    releases[0]();
    assert.equal(count.seen, MANY + 1);
    assert.equal(notified, MANY);
  });
});

overApis('100,000 waiters on as many keys', apis, (api) => {
  it('may each release the key of the next', () => {
    const locks = api.open();
    const count = counter();
    const prefix = freshKey();
    const releases = [];
    for (let i = 0; i < MANY; i++) {
      const key = `${prefix} ${i}`;
      releases.push(hold(locks, 'write', key));
      locks.write(key, (release) => {
        count(i);
        release();
        releases[i + 1]?.();
      });
    }
    releases[0]();
    assert.equal(count.seen, MANY);
  });
});

overApis('100,000 readers and writers in turn', notifying, (api) => {
  it('are granted in order', () => {
    const locks = api.open();
    const count = counter();
    const release = hold(locks, 'write', 'key');
    for (let i = 0; i < MANY; i++) {
      locks[i % 3 === 0 ? 'write' : 'read']('key', (releaseNext) => {
        count(i);
        releaseNext();
      });
    }
    release();
    assert.equal(count.seen, MANY);
  });

  it('may wait in two instances that release each other’s', () => {
    const [a, b] = [api.open(), api.open()];
    const count = counter();
    const releases = [hold(a, 'write', 'key'), hold(b, 'write', 'key')];
    for (let i = 0; i < MANY; i++) {
      (i % 2 === 0 ? a : b).write('key', (release) => {
        count(i);
        releases[i + 2] = release;
        releases[i + 1]();
      });
    }
    releases[0]();
    assert.equal(count.seen, MANY);
  });
});

overModes('100,000 waiters behind a hold that expires', expiring, (api, mode) => {
  it('are granted in order once it does', async () => {
    const { promise, resolve } = deferred();
    const locks = api.open({ expiry: 400 });
    const count = counter();
    let expired = 0;
    hold(locks, 'write', 'key', () => expired++);
    for (let i = 0; i < MANY; i++) {
      locks[mode]('key', (releaseNext) => {
        assert.equal(expired, 1);
        count(i);
        releaseNext();
        if (i === MANY - 1) resolve();
      });
    }
    await promise;
    assert.equal(count.seen, MANY);
  });
});
