'use strict';
// Signals that are not what they seem: a method is missing, or throws. It is the fault of the call that gave the signal,
// and of no other: not of the holder's release, not of a close.

const { it } = require('node:test');
const assert = require('node:assert/strict');
const { bounded } = require('./support/bounded');
const { overScopes, assertFree } = require('./support/scopes');
const { sleep } = require('./support/until');
const { uncaughtIn } = require('./support/uncaught');
const { errorOf, turn, follow } = require('./support/follow');

/** A signal with methods of its own. */
function signalWith(methods) {
  const { signal } = new AbortController();
  return Object.assign(signal, methods);
}

/** How long to wait for what should be so at once. */
const LIMIT = 2000;

const boom = () => {
  throw new Error('boom');
};

/** A store learns in the background of a request that was given up. */
async function assertOneHold(locks) {
  const end = performance.now() + LIMIT;
  let seen;
  do {
    const { held, pending } = await locks.query();
    seen = [held.length, pending.length];
  } while ((seen[0] !== 1 || seen[1] !== 0) && performance.now() < end);
  assert.deepEqual(seen, [1, 0]);
}

/** Waits for promises that should settle at once. */
const soon = (...calls) => Promise.race([Promise.all(calls.map(({ settled }) => settled)), sleep(LIMIT)]);

/** What the call that has to wait may be given. */
const WAYS = [
  ['write(key)', (locks, signal) => locks.write('key', { signal })],
  ['write(key, fn)', (locks, signal) => locks.write('key', { signal }, () => assert.fail('must not run'))],
  [
    'write(keys, fn)',
    (locks, signal) => locks.write(['a', 'key'], { signal }, () => assert.fail('must not run')),
  ],
];

overScopes('a signal whose addEventListener throws', (open) => {
  for (const [way, call] of WAYS) {
    it(`fails ${way} with that error, and nothing waits`, async () => {
      const locks = open();
      const hold = await locks.write('key');
      const error = await errorOf(call(locks, signalWith({ addEventListener: boom })));
      assert.equal(error.message, 'boom');
      await assertOneHold(locks);
      await hold.release();
      await assertFree(locks);
    });
  }

  it('does not keep the requests behind it from being granted', async () => {
    const locks = open();
    const hold = await locks.read('key');
    const failed = follow(locks.write('key', { signal: signalWith({ addEventListener: boom }) }));
    const reader = locks.read('key', { timeout: LIMIT });
    await failed.settled;
    assert.equal(failed.value.message, 'boom');
    await (await reader).release();
    await hold.release();
    await (await locks.write('key', { timeout: LIMIT })).release();
    await assertFree(locks);
  });

  it('does not keep close from ending the other waits', async () => {
    const locks = open();
    const hold = await locks.write('key');
    const before = follow(locks.write('key'));
    await errorOf(locks.write('key', { signal: signalWith({ addEventListener: boom }) }));
    const behind = follow(locks.write('key'));
    bounded(() => locks.close());
    await Promise.all([before.settled, behind.settled]);
    assert.deepEqual([before.value.code, behind.value.code], ['ERR_LOCK_CLOSED', 'ERR_LOCK_CLOSED']);
    await hold.release();
  });
});

overScopes('a signal that lacks a method', (open) => {
  for (const [title, value] of [
    ['undefined', undefined],
    ['null', null],
    ['an object', {}],
  ]) {
    it(`is refused at the call (removeEventListener is ${title})`, async () => {
      const locks = open();
      const hold = await locks.write('key');
      const options = { signal: signalWith({ removeEventListener: value }) };
      const refused = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
      const call = follow(locks.write('key', options, () => assert.fail('must not run')));
      await turn();
      const { pending } = await locks.query();
      assert.equal(pending.length, 0);
      await assert.rejects(locks.read('key', { ...options, timeout: 0 }), refused);
      // Where nothing has to wait, too.
      await assert.rejects(locks.read('another key', options), refused);
      await assert.rejects(async () => locks.tryWrite('another key', options), refused);
      await hold.release();
      await call.settled;
      assert.ok(call.value instanceof TypeError);
      assert.equal(call.value.code, 'ERR_INVALID_ARG_TYPE');
      await assertFree(locks);
    });
  }
});

overScopes('a signal whose removeEventListener fails later', (open) => {
  for (const [how, value] of [
    ['throws', boom],
    ['is gone', undefined],
  ]) {
    /** A waiting request whose signal is all right when it asks. */
    async function wait(locks) {
      const hold = await locks.write('key');
      const signal = signalWith({});
      const call = follow(locks.write('key', { signal }));
      await turn();
      Object.assign(signal, { removeEventListener: value });
      return { hold, call };
    }

    it(`does not concern the release of the hold before: it ${how}`, async () => {
      const locks = open();
      const { hold, call } = await wait(locks);
      await uncaughtIn(async () => {
        await hold.release();
        await soon(call);
      });
      assert.equal(call.state, 'fulfilled');
      await call.value.release();
      await assertFree(locks);
    });

    it(`nor a close: it ${how}`, async () => {
      const locks = open();
      const { hold, call } = await wait(locks);
      const others = [follow(locks.write('key')), follow(locks.write('key'))];
      await uncaughtIn(async () => {
        bounded(() => locks.close());
        await soon(call, ...others);
      });
      for (const { value } of [call, ...others]) assert.equal(value?.code, 'ERR_LOCK_CLOSED');
      await hold.release();
    });
  }
});
