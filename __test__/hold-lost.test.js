'use strict';
// What a hold knows of its own loss by the clock, before its signal's event: a process that was stopped, or whose event loop
// was blocked, asks it before it does what must not be done late.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { Locks, LockExpiredError, LockLostError } = require('latchkey');
const { freshName, overScopes } = require('./support/scopes');
const { useRedis, withoutRedis, untilAsync } = require('./support/redis');
const { startPeer } = require('./support/peer');
const { Thread } = require('./support/thread');
const { block, sleep } = require('./support/until');

/** Milliseconds; long enough for a test to do something within it on a busy machine. */
const EXPIRY = 500;
const TTL = 900;

overScopes('a hold', (open, { later }) => {
  it('is not lost, and safe for ever where nothing can take it away', async () => {
    const hold = await open().write('key');
    hold.throwIfLost();
    if (!later) assert.equal(hold.remaining(), Infinity);
    await hold.release();
    assert.equal(hold.remaining(), 0);
    hold.throwIfLost();
  });

  it('is safe until its expiry, and not lost as long as nobody waits', async () => {
    const hold = await open({ expiry: EXPIRY }).write('key');
    const first = hold.remaining();
    assert.ok(first > 0 && first <= EXPIRY, `${first}`);
    block(5);
    assert.ok(hold.remaining() <= first - 4);
    block(EXPIRY);
    assert.equal(hold.remaining(), 0);
    hold.throwIfLost();
    assert.equal(hold.signal.aborted, false);
    await hold.release();
  });

  it('says that it was taken away, with the reason of its signal', async () => {
    const locks = open({ expiry: EXPIRY });
    const hold = await locks.write('key');
    const next = await locks.write('key');
    assert.equal(hold.remaining(), 0);
    assert.throws(
      () => hold.throwIfLost(),
      (error) => error instanceof LockExpiredError && error === hold.signal.reason,
    );
    await next.release();
  });

  it('of several keys is as safe as the one that is least so', async () => {
    const locks = open();
    const hold = await locks.write(['a', 'b'], { expiry: EXPIRY });
    assert.ok(hold.remaining() > 0 && hold.remaining() <= EXPIRY);
    hold.throwIfLost();
    const next = await locks.write('b');
    assert.equal(hold.remaining(), 0);
    assert.throws(() => hold.throwIfLost(), { code: 'ERR_LOCK_EXPIRED', key: 'b' });
    assert.equal(hold.signal.reason.key, 'b');
    await hold.release()?.catch(() => {});
    await next.release();
  });

  it('of no key is never lost', async () => {
    const hold = await open().write([]);
    hold.throwIfLost();
    assert.equal(hold.remaining(), Infinity);
  });
});

describe('in a named space', () => {
  it('a hold that another thread has been granted is lost at once, whatever blocks the event loop', async () => {
    const name = freshName();
    const thread = new Thread();
    await thread.run(() => {});
    const locks = new Locks({ name });
    const hold = await locks.write('key', { expiry: EXPIRY });
    const notified = [];
    const granted = thread.run(async ({ open }, space) => void (await open(space).write('key')), name);
    await untilAsync(async () => locks.query().pending.length === 1, 'the thread waits');
    const { signal } = hold;
    signal.addEventListener('abort', () => notified.push('signal'));
    block(EXPIRY * 1.5);
    assert.equal(signal.aborted, false, 'a signal that was kept knows by its event only');
    assert.equal(hold.remaining(), 0);
    assert.throws(() => hold.throwIfLost(), LockExpiredError);
    assert.deepEqual(notified, []);
    assert.equal(hold.signal, signal);
    assert.equal(signal.aborted, true);
    assert.deepEqual(notified, ['signal']);
    assert.ok(signal.reason instanceof LockExpiredError);
    await granted;
    assert.deepEqual(notified, ['signal']);
    locks.close();
  });
});

describe('with a store', { skip: withoutRedis }, () => {
  const redis = useRedis();

  it('a hold is safe for what the lease leaves', async () => {
    const locks = new Locks({ name: freshName(), store: { url: redis.url, ttl: TTL } });
    const hold = await locks.write('key');
    for (let i = 0; i < 10; i++) {
      const left = hold.remaining();
      assert.ok(left > 0 && left <= TTL, `${left}`);
      await sleep(TTL / 6);
    }
    await hold.release();
    locks.close();
  });

  it('code that runs before the signal is aborted, after the process was stopped, finds the hold lost', async () => {
    const peer = startPeer();
    const name = freshName();
    await peer.run(
      async ({ open, state }, space, store, ttl) => {
        state.hold = await open(space, store).write('key');
        state.early = [];
        state.kept = state.hold.signal;
        // Due while the process is stopped: so it is the first of the program's code to run.
        setTimeout(() => {
          const { hold, kept } = state;
          let thrown = null;
          try {
            hold.throwIfLost();
          } catch (error) {
            thrown = error;
          }
          const isKeptAborted = kept.aborted;
          state.seen = {
            isKeptAborted,
            left: hold.remaining(),
            code: thrown?.code,
            isAborted: hold.signal.aborted,
            isReason: hold.signal.reason === thrown,
          };
        }, ttl / 2);
      },
      name,
      { url: redis.url, ttl: TTL },
      TTL,
    );
    peer.freeze();
    await sleep(TTL * 2);
    peer.thaw();
    await untilAsync(() => peer.run(({ state }) => state.seen !== undefined), 'the timer to have run');
    const seen = await peer.run(({ state }) => state.seen);
    const { isKeptAborted, ...known } = seen;
    assert.equal(typeof isKeptAborted, 'boolean');
    assert.deepEqual(known, { left: 0, code: 'ERR_LOCK_LOST', isAborted: true, isReason: true });
    const rejection = await peer.run(({ state }) => state.hold.release().catch(({ code }) => code));
    assert.equal(rejection, 'ERR_LOCK_LOST');
    await peer.kill();
  });

  it('what a later lease holds does not make the earlier one’s holds safe, whatever blocks the event loop', async () => {
    const locks = new Locks({ name: freshName(), store: { url: redis.url, ttl: TTL } });
    const hold = await locks.write('key');
    const other = locks.write('other');
    const waits = locks.write('key');
    await other;
    // The background goes on: it loses the session and begins another one.
    redis.freeze();
    block(TTL * 1.5);
    redis.thaw();
    block(TTL / 2);
    assert.throws(() => hold.throwIfLost(), LockLostError);
    assert.equal(hold.remaining(), 0);
    const next = await waits;
    assert.ok(next.remaining() > 0);
    await next.release();
    locks.close();
  });
});
