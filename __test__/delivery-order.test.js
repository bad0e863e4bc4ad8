'use strict';
// Before a call's own result come the events of its key that have not been delivered yet, oldest first: whichever
// object of the space they are for, whichever API it has, and whatever else the thread has read in other spaces.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { Lock, Locks } = require('latchkey');
const { ask } = require('./support/logged');
const { freshName } = require('./support/scopes');
const { EXPIRY, passExpiry, until } = require('./support/until');
const { errorOf, turn } = require('./support/follow');

/** A hold whose loss is logged. */
function logLoss(hold, log, name) {
  hold.signal.addEventListener('abort', () => log.push(`${name} lost`));
  return hold;
}

describe('events of a private space, read together with those of a named space', () => {
  /**
   * A named space in which a message is on its way to this thread, once the expiry has passed. `use` is a call in it, which reads
   * what has come for the thread, from whatever space.
   */
  function openNeighbour(t) {
    const locks = new Locks({ name: freshName(), expiry: EXPIRY });
    locks.tryWrite('held');
    const waiting = locks.write('held');
    t.after(async () => (await waiting).release());
    return {
      use() {
        const hold = locks.tryWrite('another key');
        assert.notEqual(hold, null);
        hold.release();
      },
    };
  }

  it('a loss comes before the grant of a request that the abort of the next one lets in', async (t) => {
    const locks = new Locks({ expiry: EXPIRY });
    const neighbour = openNeighbour(t);
    const holder = await locks.write('key');
    const controller = new AbortController();
    const next = locks.write('key', { signal: controller.signal }, () => assert.fail('must not run'));
    passExpiry();
    neighbour.use();
    controller.abort('not any more');
    assert.equal(await errorOf(next), 'not any more');
    const newcomer = locks.tryWrite('key');
    assert.notEqual(newcomer, null);
    assert.equal(holder.signal.aborted, true);
    newcomer.release();
  });

  it('a loss comes before a function that runs on the same key', async (t) => {
    const locks = new Locks({ expiry: EXPIRY });
    const neighbour = openNeighbour(t);
    const log = [];
    logLoss(await locks.write('key'), log, 'holder');
    const next = locks.write('key').then((hold) => logLoss(hold, log, 'next'));
    passExpiry();
    neighbour.use();
    // The next one has the key by now, and keeps it for too long.
    passExpiry();
    await locks.write('key', () => log.push('newcomer runs'));
    assert.equal((await next).signal.aborted, true);
    assert.equal(log[0], 'holder lost');
    assert.equal(log.at(-1), 'newcomer runs');
  });

  it('a request is notified of its grant, and then of its loss', async (t) => {
    const lock = new Lock(EXPIRY);
    const neighbour = openNeighbour(t);
    const log = [];
    ask(lock, log, 'holder');
    ask(lock, log, 'next');
    passExpiry();
    neighbour.use();
    passExpiry();
    ask(lock, log, 'newcomer');
    await until(() => log.includes('newcomer granted'), 'the newcomer');
    assert.deepEqual(log, ['holder granted', 'holder lost', 'next granted', 'next lost', 'newcomer granted']);
  });

  it('a grant is not overtaken by a reader that comes later', async (t) => {
    const lock = new Lock(EXPIRY);
    const neighbour = openNeighbour(t);
    const log = [];
    ask(lock, log, 'holder');
    ask(lock, log, 'first reader', 'readLock');
    passExpiry();
    neighbour.use();
    ask(lock, log, 'second reader', 'readLock');
    await until(() => log.includes('second reader granted'));
    // On a busy machine the first reader may have kept the key for too long, too.
    const seen = log.filter((line) => line !== 'first reader lost');
    assert.deepEqual(seen, [
      'holder granted',
      'holder lost',
      'first reader granted',
      'second reader granted',
    ]);
  });

  it('nor is the hold of an earlier reader by that of a later one', async (t) => {
    const locks = new Locks();
    const neighbour = openNeighbour(t);
    const log = [];
    logLoss(await locks.write('key', { expiry: EXPIRY }), log, 'holder');
    const first = locks.read('key');
    passExpiry();
    neighbour.use();
    const second = locks.tryRead('key');
    assert.deepEqual(log, ['holder lost']);
    assert.ok((await first).fence < second.fence);
  });
});

describe('several objects of one name in one thread', () => {
  /** Two readers of one object are granted together; the first one does something inside. */
  function grantTwo(inside) {
    const name = freshName();
    const lock = new Lock(null, null, { name });
    const log = [];
    let release;
    ask(lock, log, 'holder', 'writeLock', (given) => {
      release = given;
    });
    ask(lock, log, 'first', 'readLock', () => inside(name, log));
    ask(lock, log, 'second', 'readLock');
    release();
    return log.filter((line) => !line.startsWith('holder'));
  }

  it('a request made inside a callback does not overtake the grants of another object', () => {
    const log = grantTwo((name, calls) => ask(new Lock(null, null, { name }), calls, 'inside', 'readLock'));
    assert.deepEqual(log, ['first granted', 'second granted', 'inside granted']);
  });

  it('nor does the function of a Locks', async () => {
    let call;
    const log = grantTwo((name, calls) => {
      call = new Locks({ name }).read('key', () => calls.push('inside runs'));
    });
    await call;
    assert.deepEqual(log.slice(0, 2), ['first granted', 'second granted']);
  });

  it('nor does a tryRead', () => {
    let seen;
    grantTwo((name, calls) => {
      const hold = new Locks({ name }).tryRead('key');
      seen = [hold !== null, [...calls]];
    });
    assert.equal(seen[0], true);
    assert.ok(seen[1].includes('second granted'), seen[1].join());
  });

  /** Two readers of two objects are lost together; the first one does something when it is notified. */
  function loseTwo(inside) {
    const name = freshName();
    const log = [];
    const released = (error) => {
      log.push(`first ${error.code}`);
      inside(name, log);
    };
    new Lock(EXPIRY, null, { name }).readLock('key', released, () => {});
    ask(new Lock(EXPIRY, null, { name }), log, 'second', 'readLock');
    passExpiry();
    ask(new Lock(null, null, { name }), log, 'newcomer', 'readLock');
    return log;
  }

  it('a request made inside a release callback does not overtake the loss of another object', () => {
    const log = loseTwo((name, calls) => ask(new Lock(null, null, { name }), calls, 'inside', 'readLock'));
    assert.deepEqual(log.slice(0, 3), ['second granted', 'first ERR_LOCK_EXPIRED', 'second lost']);
    assert.deepEqual(log.slice(3).toSorted(), ['inside granted', 'newcomer granted']);
  });

  it('nor does a tryRead', () => {
    let seen;
    loseTwo((name, calls) => {
      const hold = new Locks({ name }).tryRead('key');
      seen = [hold !== null, [...calls]];
    });
    assert.equal(seen[0], true);
    assert.ok(seen[1].includes('second lost'), seen[1].join());
  });
});

describe('an undelivered loss in a private space', () => {
  /** Two readers are lost together; the first one does something when it is notified. */
  async function loseTwo(inside) {
    const locks = new Locks();
    const [first, second] = [
      await locks.read('key', { expiry: EXPIRY }),
      await locks.read('key', { expiry: EXPIRY }),
    ];
    let notified = false;
    first.signal.addEventListener('abort', () => {
      notified = true;
      inside(locks, second);
    });
    passExpiry();
    (await locks.read('key')).release();
    assert.equal(notified, true);
  }

  it('comes before the function of a reader of the same key', async () => {
    let call;
    await loseTwo((locks, second) => {
      call = locks.read('key', () => second.signal.aborted);
    });
    assert.equal(await call, true);
  });

  it('comes before tryRead gives a hold', async () => {
    let seen;
    await loseTwo((locks, second) => {
      const hold = locks.tryRead('key');
      seen = hold === null || second.signal.aborted;
      hold?.release();
    });
    assert.equal(seen, true);
  });
});

describe('however deep in a queue whose members release inside their callbacks', () => {
  const DEEP = 100;

  /** Calls `inside` in so many callbacks, each inside the one before as far as callbacks are nested. */
  function nest(inside) {
    const lock = new Lock();
    const releases = [];
    lock.writeLock('queue', null, (release) => releases.push(release));
    for (let i = 0; i < DEEP; i++) {
      lock.writeLock('queue', null, (release) => {
        inside(i);
        release();
      });
    }
    releases[0]();
  }

  for (const [scope, open] of [
    ['private', () => new Locks()],
    ['named', () => new Locks({ name: freshName() })],
  ]) {
    /** An overdue hold for each level. */
    function openOverdue() {
      const locks = open();
      const holds = Array.from({ length: DEEP }, (_, i) => locks.tryWrite(`key ${i}`, { expiry: EXPIRY }));
      passExpiry();
      return { locks, holds };
    }

    for (const name of ['tryWrite', 'tryRead']) {
      it(`${name} gives no hold before the lost one is notified (${scope})`, () => {
        const { locks, holds } = openOverdue();
        const early = [];
        nest((i) => {
          const hold = locks[name](`key ${i}`);
          if (hold !== null && !holds[i].signal.aborted) early.push(i);
          hold?.release();
        });
        assert.deepEqual(early, []);
        assert.equal(holds.filter((hold) => !hold.signal.aborted).length, 0);
      });
    }

    it(`write runs no function before the lost one is notified (${scope})`, async () => {
      const { locks, holds } = openOverdue();
      const early = [];
      const calls = [];
      nest((i) => {
        const run = () => {
          if (!holds[i].signal.aborted) early.push(i);
        };
        calls.push(locks.write(`key ${i}`, run));
      });
      await Promise.all(calls);
      await turn();
      assert.deepEqual(early, []);
    });
  }
});
