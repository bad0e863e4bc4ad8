'use strict';
// A hold older than its expiry is taken away when, and only when, another request waits for its key, or as soon
// as one arrives. The holder is notified before the next one is granted.

const { it } = require('node:test');
const assert = require('node:assert/strict');
const { expiring, overApis, overModes } = require('./support/apis');
const { LockExpiredError } = require('latchkey');
const { hold } = require('./support/queue');
const { collectUntil } = require('./support/gc');
const { block, deferred, sleep, PATIENCE } = require('./support/until');

/** Long enough that a busy machine does not let it pass between two statements. */
const EXPIRY = 100;
/** The timer may be early by the rounding of two clocks, and late by what the machine does else. */
const EARLY = 2;

function assertElapsed(started, least) {
  const elapsed = performance.now() - started;
  assert.ok(elapsed >= least - EARLY, `after ${elapsed} ms, not before ${least}`);
  assert.ok(elapsed < PATIENCE, `after ${elapsed} ms`);
}

overModes('a hold', expiring, (api, mode) => {
  it('that nobody waits for never expires', async () => {
    const log = [];
    const release = hold(api.open({ expiry: 10 }), mode, 'key', (word) => log.push(word));
    await sleep(60);
    release('released');
    assert.deepEqual(log, ['released']);
  });

  it('expires when its time comes, if another one waits', async () => {
    const { promise, resolve } = deferred();
    const locks = api.open({ expiry: EXPIRY });
    const log = [];
    const started = performance.now();
    hold(locks, mode, 'key', (error) => log.push(error.code));
    locks.write('key', () => {
      log.push('next');
      resolve();
    });
    assert.deepEqual(log, [], 'not before its time');
    await promise;
    assertElapsed(started, EXPIRY);
    assert.deepEqual(log, ['ERR_LOCK_EXPIRED', 'next']);
  });

  for (const newcomer of ['write', 'read']) {
    it(`that is overdue goes as soon as another request arrives (${newcomer}), before that call returns`, () => {
      const locks = api.open({ expiry: 10 });
      const log = [];
      hold(locks, mode, 'key', (error) => log.push(error.code));
      block(25);
      assert.deepEqual(log, []);
      locks[newcomer]('key', () => log.push('newcomer'));
      assert.deepEqual(log, ['ERR_LOCK_EXPIRED', 'newcomer']);
    });
  }

  it('may be released although it is overdue, as long as it has not been taken away', () => {
    const locks = api.open({ expiry: EXPIRY });
    const log = [];
    const release = hold(locks, mode, 'key', (word) => log.push(word));
    locks.write('key', () => log.push('next'));
    block(2 * EXPIRY);
    release('released');
    assert.deepEqual(log, ['next', 'released']);
  });

  it('that was released in time is not notified of anything later', async () => {
    const locks = api.open({ expiry: EXPIRY });
    const log = [];
    const release = hold(locks, mode, 'key', (word) => log.push(word));
    locks.write('key', (releaseNext) => releaseNext());
    release('released');
    await sleep(2 * EXPIRY);
    assert.deepEqual(log, ['released']);
  });

  it('expires quietly without a release callback', async () => {
    const { promise, resolve } = deferred();
    const locks = api.open({ expiry: 10 });
    hold(locks, mode, 'key');
    locks.write('key', resolve);
    assert.equal(typeof (await promise), 'function');
  });

  for (const expiry of [undefined, null, false, 0, Infinity, 1e300]) {
    it(`never expires with a timeout of ${expiry}`, async () => {
      const locks = api.open({ expiry });
      const log = [];
      hold(locks, mode, 'key', () => log.push('expired'));
      locks.write('key', () => log.push('granted'));
      await sleep(30);
      locks.write('key', () => log.push('newcomer'));
      assert.deepEqual(log, []);
    });
  }
});

overModes('expiry', expiring, (api, mode) => {
  it('starts at the grant, not at the request', async () => {
    const { promise, resolve } = deferred();
    const locks = api.open({ expiry: EXPIRY });
    const release = hold(locks, 'write', 'key');
    let granted;
    locks[mode](
      'key',
      () => (granted = performance.now()),
      () => resolve(performance.now() - granted),
    );
    locks.write('key', () => {});
    block(EXPIRY / 2);
    release();
    const held = await promise;
    assert.ok(held >= EXPIRY - EARLY, `held for ${held} ms`);
  });

  it('of one key is not brought on by those who wait for another, or in another instance', async () => {
    const { promise, resolve } = deferred();
    const locks = api.open({ expiry: 10 });
    const other = api.open({ expiry: 10 });
    const log = [];
    hold(locks, mode, 'a', () => log.push('a expired'));
    hold(locks, mode, 'b', () => log.push('b expired'));
    hold(other, mode, 'a', () => log.push('other a expired'));
    block(20);
    locks.write('b', resolve);
    await promise;
    await sleep(20);
    assert.deepEqual(log, ['b expired']);
  });

  it('differs from instance to instance', async () => {
    const { promise, resolve } = deferred();
    const slow = api.open({ expiry: 120 });
    const fast = api.open({ expiry: 20 });
    const never = api.open();
    const log = [];
    for (const [name, locks] of Object.entries({ slow, fast, never })) {
      hold(locks, mode, 'key', () => log.push(name));
    }
    slow.write('key', resolve);
    fast.write('key', () => {});
    never.write('key', () => log.push('granted without an expiry'));
    await promise;
    assert.deepEqual(log, ['fast', 'slow']);
  });

  it('does not look at the wall clock', async (t) => {
    const locks = api.open({ expiry: 1000 });
    const log = [];
    const release = hold(locks, mode, 'key', (word) => log.push(word));
    t.mock.method(Date, 'now', () => 0);
    locks.write('key', () => log.push('next'));
    Date.now.mock.mockImplementation(() => 8.64e15);
    locks.write('key', () => log.push('third'));
    await sleep(10);
    release('released');
    assert.deepEqual(log, ['next', 'released']);
  });

  it('serves the queue on and on, though nobody ever releases', async () => {
    const { promise, resolve } = deferred();
    const locks = api.open({ expiry: 10 });
    const log = [];
    hold(locks, 'write', 'key', () => log.push('expired 0'));
    for (const n of [1, 2, 3, 4]) {
      const obtained = () => {
        log.push(`obtained ${n}`);
        if (n === 4) resolve();
      };
      locks.write('key', obtained, () => log.push(`expired ${n}`));
    }
    await promise;
    const turn = (n) => [`expired ${n}`, `obtained ${n + 1}`];
    assert.deepEqual(log, [0, 1, 2, 3].flatMap(turn));
  });

  it('serves the queue although the lock object is dropped and collected', async () => {
    const log = [];
    (() => {
      const locks = api.open({ expiry: 30 });
      hold(locks, mode, 'key', () => log.push('expired'));
      locks.write('key', () => log.push('next'));
    })();
    await collectUntil(() => log.length === 2, 'the waiter of a dropped lock');
    assert.deepEqual(log, ['expired', 'next']);
  });
});

overApis('expiry of readers', expiring, (api) => {
  it('notifies each of them, the oldest first, and then grants', async () => {
    const { promise, resolve } = deferred();
    const locks = api.open({ expiry: 20 });
    const log = [];
    for (const n of [1, 2, 3]) hold(locks, 'read', 'key', () => log.push(n));
    locks.write('key', () => {
      log.push('writer');
      resolve();
    });
    await promise;
    assert.deepEqual(log, [1, 2, 3, 'writer']);
  });

  it('waits for the youngest, each in its own time', async () => {
    const { promise, resolve } = deferred();
    const locks = api.open({ expiry: EXPIRY });
    const log = [];
    hold(locks, 'read', 'key', () => log.push('older expired'));
    await sleep(EXPIRY / 2);
    const started = performance.now();
    hold(locks, 'read', 'key', () => log.push('younger expired'));
    locks.write('key', () => {
      log.push('writer');
      resolve();
    });
    await promise;
    assertElapsed(started, EXPIRY);
    assert.deepEqual(log, ['older expired', 'younger expired', 'writer']);
  });

  it('leaves a young reader its hold, and lets the newcomer share with it', () => {
    const locks = api.open({ expiry: 500 });
    const log = [];
    hold(locks, 'read', 'key', () => log.push('older expired'));
    block(300);
    const release = hold(locks, 'read', 'key', (word) => log.push(`younger ${word}`));
    block(300);
    locks.read('key', () => log.push('newcomer'));
    release('released');
    assert.deepEqual(log, ['older expired', 'newcomer', 'younger released']);
  });

  it('comes to a thousand at once, in order', async () => {
    const { promise, resolve } = deferred();
    const locks = api.open({ expiry: 20 });
    const log = [];
    for (let i = 0; i < 1000; i++) hold(locks, 'read', 'key', () => log.push(i));
    locks.write('key', () => {
      log.push('writer');
      resolve();
    });
    await promise;
    assert.deepEqual(log, [...Array(1000).keys(), 'writer']);
  });

  it('comes to a thousand keys at once', async () => {
    const { promise, resolve } = deferred();
    const locks = api.open({ expiry: 20 });
    const notified = new Set();
    for (let i = 0; i < 1000; i++) {
      hold(locks, 'read', i, () => notified.add(i));
      locks.write(i, () => {
        assert.ok(notified.has(i), 'the holder was notified first');
        if (notified.size === 1000) resolve();
      });
    }
    await promise;
    assert.equal(notified.size, 1000);
  });
});

overModes('who is notified of an expiry', expiring, (api, mode) => {
  it('gets one argument: a new LockExpiredError that names the key', () => {
    const locks = api.open({ expiry: 5 });
    const calls = [];
    for (const key of ['a key', 17]) {
      hold(locks, mode, key, (...args) => calls.push(args));
      block(10);
      hold(locks, 'write', key)();
    }
    assert.deepEqual(
      calls.map((args) => args.length),
      [1, 1],
    );
    const [[first], [second]] = calls;
    assert.ok(first instanceof LockExpiredError);
    assert.notEqual(first, second);
    assert.equal(first.code, 'ERR_LOCK_EXPIRED');
    assert.equal(first.key, 'a key');
    assert.equal(first.message, "Lock 'a key' timed out and was released automatically");
    assert.equal(second.key, '17');
    assert.equal(second.message, "Lock '17' timed out and was released automatically");
  });

  it('includes the logger, with the message, and as its method', () => {
    const logger = {
      lines: [],
      warn(...args) {
        this.lines.push(args);
      },
    };
    const locks = api.open({ expiry: 5, logger });
    hold(locks, mode, 'key');
    hold(locks, mode, 'released', () => {})();
    block(10);
    hold(locks, 'write', 'key');
    assert.deepEqual(logger.lines, [["Lock 'key' timed out and was released automatically"]]);
  });

  it('may ask for the key again, and goes to the end of the line', async () => {
    const { promise, resolve } = deferred();
    const locks = api.open({ expiry: EXPIRY });
    const log = [];
    hold(locks, mode, 'key', () => {
      log.push('expired');
      locks.write('key', () => {
        log.push('again');
        resolve();
      });
    });
    for (const n of [1, 2]) {
      locks.write('key', (release) => {
        log.push(n);
        release();
      });
    }
    await promise;
    assert.deepEqual(log, ['expired', 1, 2, 'again']);
  });
});
