'use strict';
// Expiry on the promise API: a hold that is older than its expiry is taken away when another request waits, or as
// soon as one arrives. Its signal is aborted first; a call with a function fails, once the function has settled.

const { it } = require('node:test');
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { LockError, LockExpiredError } = require('latchkey');
const { overScopes, overScopesAndModes, TRY, assertFree } = require('./support/scopes');
const { errorOf, turn, follow } = require('./support/follow');
const { block, deferred, sleep, until } = require('./support/until');

/** Milliseconds; long enough for a test to do something within it on a busy machine. */
const EXPIRY = 40;

/** Waits until a hold that was just granted is overdue, by the engine's clock too. */
const pass = (ms) => block(ms + 2);

/** Asserts that a hold was taken away, and gives the reason. */
function assertLost(hold) {
  assert.equal(hold.signal.aborted, true);
  const { reason } = hold.signal;
  assert.ok(reason instanceof LockExpiredError && reason instanceof LockError);
  const { name, code, key } = reason;
  assert.deepEqual(
    { name, code, key },
    { name: 'LockExpiredError', code: 'ERR_LOCK_EXPIRED', key: hold.key },
  );
  assert.ok(reason.message.startsWith(`Lock '${hold.key}' timed out and was released automatically: `));
  return reason;
}

overScopesAndModes('an overdue hold', (open, mode) => {
  it('stays as long as nobody else asks, however long that is', async () => {
    const locks = open({ expiry: 5 });
    const hold = await locks[mode]('key');
    await sleep(30);
    assert.equal(hold.signal.aborted, false);
    assert.equal((await locks.query()).held.length, 1);
    hold.release();
    assert.equal(hold.signal.aborted, false);
  });

  for (const other of ['read', 'write']) {
    it(`is taken away by a ${other} request that arrives, which is granted at once`, async () => {
      const locks = open({ expiry: EXPIRY });
      const hold = await locks[mode]('key');
      const { signal } = hold;
      const log = [];
      signal.addEventListener('abort', () => log.push('notified'));
      pass(EXPIRY);
      await locks[other]('key', () => void log.push('granted'));
      assert.deepEqual(log, ['notified', 'granted']);
      assert.equal(hold.signal, signal);
      assertLost(hold);
    });

    it(`is taken away by a ${other} request that tries`, async () => {
      const locks = open({ expiry: EXPIRY });
      const hold = await locks[mode]('key');
      pass(EXPIRY);
      const next = await locks[TRY[other]]('key');
      assert.notEqual(next, null);
      assertLost(hold);
      next.release();
      await assertFree(locks);
    });
  }

  it('is taken away when its time comes, if somebody waits already; not sooner', async () => {
    const locks = open({ expiry: EXPIRY });
    const start = performance.now();
    const hold = await locks[mode]('key');
    const next = await locks.write('key');
    assert.ok(performance.now() - start > EXPIRY - 1);
    assertLost(hold);
    next.release();
  });

  it('shows in its signal to those who ask for that later', async () => {
    const locks = open({ expiry: EXPIRY });
    const hold = await locks[mode]('key');
    (await locks.write('key')).release();
    const reason = assertLost(hold);
    assert.equal(hold.signal.reason, reason);
  });

  it('does nothing to the next holder when it is released or downgraded late', async () => {
    const locks = open({ expiry: EXPIRY });
    const hold = await locks[mode]('key');
    const next = await locks.write('key', { expiry: 0 });
    hold.release();
    hold.downgrade();
    hold.release();
    assert.equal(await locks.tryRead('key'), null);
    assert.equal(next.mode, 'write');
    assert.equal(next.signal.aborted, false);
    assert.equal(hold.mode, mode);
    next.release();
  });

  it('takes nobody else along: each hold has its own time', async () => {
    const locks = open();
    const old = await locks[mode]('key', { expiry: EXPIRY });
    const other = await locks[mode]('other', { expiry: EXPIRY });
    const next = await locks.write('key');
    assertLost(old);
    assert.equal(other.signal.aborted, false);
    other.release();
    next.release();
  });
});

overScopesAndModes('an expiry', (open, mode) => {
  it('of a call overrides that of its Locks', async () => {
    const locks = open({ expiry: 60_000 });
    const short = await locks[mode]('key', { expiry: 5 });
    const next = await locks.write('key');
    assertLost(short);
    next.release();

    const quick = open({ expiry: 1 });
    for (const expiry of [0, Infinity, 60_000]) {
      const hold = await quick[mode]('key', { expiry });
      assert.equal((await errorOf(quick.write('key', { timeout: 20 }))).code, 'ERR_LOCK_TIMEOUT');
      assert.equal(hold.signal.aborted, false);
      hold.release();
    }
  });

  it('of a Locks may be none: 0, Infinity, null or undefined', async () => {
    for (const expiry of [0, Infinity, null, undefined]) {
      const locks = open({ expiry });
      const hold = await locks[mode]('key');
      assert.equal((await errorOf(locks.write('key', { timeout: 10 }))).code, 'ERR_LOCK_TIMEOUT');
      assert.equal(hold.signal.aborted, false);
      hold.release();
    }
  });

  it('may be given to a call that tries', async () => {
    const locks = open({ expiry: 60_000 });
    const hold = await locks[TRY[mode]]('key', { expiry: 5 });
    (await locks.write('key')).release();
    assertLost(hold);
    const longer = open({ expiry: 1 });
    const safe = await longer[TRY[mode]]('key', { expiry: 0 });
    pass(1);
    assert.equal(await longer.tryWrite('key'), null);
    safe.release();
  });

  it('counts from the grant, not from the asking', async () => {
    const locks = open();
    const first = await locks.write('key');
    const asked = locks[mode]('key', { expiry: EXPIRY });
    pass(EXPIRY);
    const before = performance.now();
    first.release();
    const hold = await asked;
    assert.equal(hold.signal.aborted, false);
    const next = await locks.write('key');
    assert.ok(performance.now() - before > EXPIRY - 1);
    assertLost(hold);
    next.release();
  });

  it('may be longer than any process lives', async () => {
    for (const expiry of [2 ** 31, 1e15, Number.MAX_VALUE]) {
      const locks = open({ expiry });
      const hold = await locks[mode]('key');
      assert.equal((await errorOf(locks.write('key', { timeout: 5 }))).code, 'ERR_LOCK_TIMEOUT');
      hold.release();
    }
  });
});

overScopesAndModes('a function whose hold is taken away while it runs', (open, mode) => {
  it('has its signal aborted; its call fails once it has settled, not sooner', async () => {
    const locks = open({ expiry: EXPIRY });
    const finish = deferred();
    const log = [];
    let signal;
    const call = follow(
      locks[mode]('key', async (hold) => {
        ({ signal } = hold);
        signal.addEventListener('abort', () => log.push('aborted'));
        await finish.promise;
        log.push('settles');
        return 'must not be taken for done';
      }),
    );
    const next = await locks.write('key', { expiry: 0 });
    log.push('next granted');
    assert.equal(signal.reason.code, 'ERR_LOCK_EXPIRED');
    await turn();
    assert.equal(call.state, 'pending');
    finish.resolve();
    await call.settled;
    assert.equal(call.state, 'rejected');
    assert.equal(call.value, signal.reason);
    assert.deepEqual(log, ['aborted', 'next granted', 'settles']);
    // The end of the late function has released nothing of the next one's.
    assert.equal(await locks.tryRead('key'), null);
    next.release();
    await assertFree(locks);
  });

  it('fails the same, if it never looked at its signal', async () => {
    const locks = open({ expiry: EXPIRY });
    const finish = deferred();
    const call = follow(locks[mode]('key', () => finish.promise));
    await locks.write('key', () => {});
    finish.resolve('result');
    await call.settled;
    assert.deepEqual([call.state, call.value.code], ['rejected', 'ERR_LOCK_EXPIRED']);
  });

  it('fails with its own error, if it throws one', async () => {
    const locks = open({ expiry: EXPIRY });
    const finish = deferred();
    const call = errorOf(locks[mode]('key', () => finish.promise));
    await locks.write('key', () => {});
    const own = new Error('mine');
    finish.reject(own);
    assert.equal(await call, own);
  });

  it('fails with the loss, if it stops by its signal’s reason', async () => {
    const locks = open({ expiry: EXPIRY });
    const call = follow(
      locks[mode]('key', async ({ signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        signal.throwIfAborted();
      }),
    );
    await locks.write('key', () => {});
    await call.settled;
    assert.equal(call.value.code, 'ERR_LOCK_EXPIRED');
  });

  it('has nothing to fear, if it released before', async () => {
    const locks = open({ expiry: EXPIRY });
    const [released, finish] = [deferred(), deferred()];
    const call = locks[mode]('key', async (hold) => {
      hold.release();
      released.resolve();
      await finish.promise;
      return hold.signal.aborted;
    });
    await released.promise;
    pass(EXPIRY);
    await locks.write('key', () => {});
    finish.resolve();
    assert.equal(await call, false);
  });

  it('gets its result, if it is late but nobody asked', async () => {
    const locks = open({ expiry: 2 });
    const result = await locks[mode]('key', async () => {
      await sleep(20);
      return 'late';
    });
    assert.equal(result, 'late');
  });
});

overScopes('several overdue readers', (open, { later }) => {
  it('are taken away together, those that are not overdue stay', async () => {
    const locks = open();
    const old = [await locks.tryRead('key', { expiry: 5 }), await locks.tryRead('key', { expiry: 6 })];
    const young = await locks.tryRead('key', { expiry: 60_000 });
    const never = await locks.tryRead('key');
    pass(6);
    const writer = follow(locks.write('key'));
    if (later) await until(() => old.every(({ signal }) => signal.aborted), 'the losses to be reported');
    old.forEach(assertLost);
    assert.equal(young.signal.aborted, false);
    await turn();
    assert.equal(writer.state, 'pending');
    young.release();
    never.release();
    await writer.settled;
    assert.equal(writer.value.recovered, false);
    writer.value.release();
  });

  it('one after the other expires, each waiter gets its turn, in order', async () => {
    const locks = open({ expiry: 10 });
    const holds = [];
    const waiting = [0, 1, 2, 3, 4].map((i) =>
      locks.write('key').then((hold) => {
        holds.push([i, hold]);
      }),
    );
    await Promise.all(waiting);
    assert.deepEqual(
      holds.map(([i]) => i),
      [0, 1, 2, 3, 4],
    );
    holds.slice(0, 4).forEach(([, hold]) => assertLost(hold));
    const reasons = new Set(holds.slice(0, 4).map(([, hold]) => hold.signal.reason));
    assert.equal(reasons.size, 4, 'a new error each');
    assert.equal(holds[4][1].signal.aborted, false);
    holds[4][1].release();
  });
});

overScopes('whoever is notified of a loss', (open) => {
  it('may use the locks in that moment: everybody still gets their turn', async () => {
    const locks = open();
    const lost = await locks.write('key', { expiry: EXPIRY });
    const seen = {};
    lost.signal.addEventListener('abort', () => {
      seen.tried = locks.tryWrite('key');
      seen.other = locks.tryWrite('other');
      seen.query = locks.query();
      seen.late = follow(locks.write('key'));
      lost.release();
    });
    const next = await locks.write('key');
    assert.equal(await seen.tried, null);
    assert.equal((await seen.query).held.length, 2);
    next.release();
    await seen.late.settled;
    seen.late.value.release();
    (await seen.other).release();
    await assertFree(locks);
  });

  it('may end the wait of the very one that is granted by it', async () => {
    const locks = open();
    const lost = await locks.write('key', { expiry: EXPIRY });
    const controller = new AbortController();
    lost.signal.addEventListener('abort', () => controller.abort('not any more'));
    const call = follow(locks.write('key', { signal: controller.signal }, () => assert.fail('must not run')));
    const behind = follow(locks.write('key', () => 'ran'));
    await Promise.all([call.settled, behind.settled]);
    assert.equal(call.value, 'not any more');
    assert.equal(behind.value, 'ran');
    await assertFree(locks);
  });
});

it('goes by the real time, though a test faked `performance.now` before the first lock was made', () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      '--eval',
      `performance.now = () => 5;
      const { Locks } = require(${JSON.stringify(path.join(__dirname, '..'))});
      const hold = new Locks().tryWrite('key', { expiry: 60_000 });
      const end = Date.now() + 50;
      while (Date.now() < end);
      const left = hold.remaining();
      if (!(left > 0 && left <= 59_960)) throw new Error(String(left));`,
    ],
    { encoding: 'utf8' },
  );
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
});
