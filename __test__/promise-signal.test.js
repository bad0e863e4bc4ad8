'use strict';
// `signal` ends a wait with the signal's own reason, and does nothing to a request that was granted.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const diagnostics = require('node:diagnostics_channel');
const { addAbortListener, getEventListeners } = require('node:events');
const { Locks } = require('latchkey');
const { overScopes, overScopesAndModes, assertFree } = require('./support/scopes');
const { errorOf, turn, follow } = require('./support/follow');
const { uncaughtIn } = require('./support/uncaught');

/** Whatever a program may give as a reason. */
const REASONS = [new Error('mine'), 'text', 0, null, false, Symbol('reason'), { some: 'object' }];

overScopesAndModes('an aborted signal', (open, mode) => {
  it('refuses the request with its reason, even if the key is free', async () => {
    const locks = open();
    for (const reason of REASONS) {
      const signal = AbortSignal.abort(reason);
      assert.equal(await errorOf(locks[mode]('key', { signal }, () => assert.fail('must not run'))), reason);
      assert.equal(await errorOf(locks[mode]('key', { signal })), reason);
    }
    await assertFree(locks);
  });

  it('refuses with an AbortError, if it was given no reason', async () => {
    const signal = AbortSignal.abort();
    const error = await errorOf(open()[mode]('key', { signal }));
    assert.equal(error, signal.reason);
    assert.equal(error.name, 'AbortError');
  });
});

overScopesAndModes('a signal that is aborted while the request waits', (open, mode, { later }) => {
  it('ends the wait at once, with its reason untouched', async () => {
    const locks = open();
    const hold = await locks.write('key');
    for (const reason of REASONS) {
      const controller = new AbortController();
      const call = follow(
        locks[mode]('key', { signal: controller.signal }, () => assert.fail('must not run')),
      );
      await turn();
      assert.equal((await locks.query()).pending.length, 1);
      controller.abort(reason);
      assert.equal((await locks.query()).pending.length, 0);
      await call.settled;
      assert.equal(call.state, 'rejected');
      assert.equal(call.value, reason);
    }
    hold.release();
    await assertFree(locks);
  });

  it('ends the wait, even if a listener before stops the event', async (t) => {
    // Node's own can be told to go on all the same since 20.5.
    if (addAbortListener === undefined) return t.skip('this Node has no events.addAbortListener');
    const locks = open();
    const hold = await locks.write('key');
    const controller = new AbortController();
    controller.signal.addEventListener('abort', (event) => event.stopImmediatePropagation());
    const call = errorOf(locks[mode]('key', { signal: controller.signal }));
    await turn();
    controller.abort();
    assert.equal(await call, controller.signal.reason);
    await hold.release();
    await assertFree(locks);
  });

  it('rejects, even if the reason happens to be a hold', async () => {
    const locks = open();
    const hold = await locks.write('key');
    const controller = new AbortController();
    const call = follow(locks[mode]('key', { signal: controller.signal }));
    controller.abort(hold);
    await call.settled;
    assert.deepEqual([call.state, call.value === hold], ['rejected', true]);
    hold.release();
  });

  it('leaves no listener behind, however the request ended', async () => {
    const locks = open();
    const { signal } = new AbortController();
    const hold = await locks.write('key', { signal });
    assert.equal(getEventListeners(signal, 'abort').length, 0);
    const waiting = locks[mode]('key', { signal });
    const timedOut = locks[mode]('key', { signal, timeout: 5 });
    assert.ok(getEventListeners(signal, 'abort').length > 0);
    await errorOf(timedOut);
    assert.ok(getEventListeners(signal, 'abort').length > 0);
    hold.release();
    (await waiting).release();
    assert.equal(getEventListeners(signal, 'abort').length, 0);
    const again = await locks.write('key');
    const closed = errorOf(locks[mode]('key', { signal }));
    locks.close();
    await closed;
    assert.equal(getEventListeners(signal, 'abort').length, 0);
    again.release();
  });

  it('does nothing after the grant', async () => {
    const locks = open();
    const first = await locks.write('key');
    const controllers = [new AbortController(), new AbortController()];
    const waited = locks[mode]('key', { signal: controllers[0].signal });
    first.release();
    const hold = await waited;
    controllers[0].abort();
    assert.equal(hold.signal.aborted, false);
    assert.equal((await locks.query()).held.length, 1);
    hold.release();
    const result = await locks[mode]('key', { signal: controllers[1].signal }, async (inner) => {
      controllers[1].abort();
      await turn();
      assert.equal(inner.signal.aborted, false);
      return 'result';
    });
    assert.equal(result, 'result');
  });

  // A store's grant is given when its message comes.
  if (!later) {
    it('does nothing once the grant has been given, though the promise has not been seen yet', async () => {
      const locks = open();
      const first = await locks.write('key');
      const controller = new AbortController();
      const call = follow(locks[mode]('key', { signal: controller.signal }, () => 'ran'));
      first.release();
      controller.abort();
      await call.settled;
      assert.deepEqual([call.state, call.value], ['fulfilled', 'ran']);
      await assertFree(locks);
    });
  }

  it('may be a timeout signal', async () => {
    const locks = open();
    const hold = await locks.write('key');
    const signal = AbortSignal.timeout(10);
    // Such a signal's timer does not keep the event loop; this one does.
    const awake = setInterval(() => {}, 1000);
    const error = await errorOf(locks[mode]('key', { signal }));
    clearInterval(awake);
    assert.equal(error.name, 'TimeoutError');
    assert.equal(error, signal.reason);
    hold.release();
  });

  it('and a time limit: whichever comes first', async () => {
    const locks = open();
    const hold = await locks.write('key');
    const controller = new AbortController();
    const { signal } = controller;
    assert.equal((await errorOf(locks[mode]('key', { signal, timeout: 5 }))).code, 'ERR_LOCK_TIMEOUT');
    const call = errorOf(locks[mode]('key', { signal, timeout: 60_000 }));
    controller.abort('first');
    assert.equal(await call, 'first');
    hold.release();
  });
});

overScopes('one signal for many requests', (open) => {
  it('aborts them all, without a MaxListeners warning', async () => {
    const locks = open();
    const warnings = [];
    const warn = (warning) => warnings.push(warning);
    process.on('warning', warn);
    const controller = new AbortController();
    const hold = await locks.write('key');
    const reason = new Error('all of you');
    const calls = Array.from({ length: 2000 }, () =>
      follow(locks.write('key', { signal: controller.signal })),
    );
    await turn();
    controller.abort(reason);
    await Promise.all(calls.map(({ settled }) => settled));
    assert.ok(calls.every(({ state, value }) => state === 'rejected' && value === reason));
    await turn();
    process.off('warning', warn);
    assert.deepEqual(warnings, []);
    hold.release();
    await assertFree(locks);
  });

  it('aborts readers behind writers too: the first one that leaves lets none of them in', async () => {
    const locks = open();
    const reader = await locks.read('key');
    const controller = new AbortController();
    const { signal } = controller;
    const calls = ['write', 'read', 'read', 'write', 'read'].map((mode) =>
      follow(locks[mode]('key', { signal }, () => {})),
    );
    controller.abort('all of you');
    await Promise.all(calls.map(({ settled }) => settled));
    assert.deepEqual(
      calls.map(({ state, value }) => [state, value]),
      calls.map(() => ['rejected', 'all of you']),
    );
    reader.release();
    await assertFree(locks);
  });

  it('lets those behind move up that have another signal', async () => {
    const locks = open();
    const hold = await locks.read('key');
    const controller = new AbortController();
    const writer = follow(locks.write('key', { signal: controller.signal }));
    const reader = follow(locks.read('key'));
    const last = follow(locks.write('key'));
    await turn();
    assert.equal(reader.state, 'pending');
    controller.abort();
    await Promise.all([writer.settled, reader.settled]);
    assert.equal(reader.state, 'fulfilled');
    hold.release();
    reader.value.release();
    await last.settled;
    last.value.release();
  });
});

describe('a signal of somebody’s own making', () => {
  /** One whose `aborted` or `reason` throws from `spoil()` on. */
  function openSignal(member) {
    let throws = false;
    const signal = {
      ...{ aborted: false, reason: 'mine', throwIfAborted() {}, removeEventListener() {} },
      addEventListener: (_, listener) => (signal.listener = listener),
      spoil: () => (throws = true),
    };
    const value = signal[member];
    Object.defineProperty(signal, member, {
      get() {
        if (throws) throw new Error(`no ${member}`);
        return value;
      },
    });
    return signal;
  }

  it('whose `reason` throws rejects all that wait with that', async () => {
    const locks = new Locks();
    const hold = locks.tryWrite('key');
    const signal = openSignal('reason');
    const calls = [1, 2, 3].map(() => follow(locks.write('key', { signal })));
    signal.spoil();
    signal.listener();
    await turn();
    assert.deepEqual(
      calls.map(({ value }) => value.message),
      Array(3).fill('no reason'),
    );
    hold.release();
    await assertFree(locks);
  });

  it('whose `aborted` throws does not keep the key', async () => {
    const locks = new Locks();
    const hold = locks.tryWrite('key');
    const signal = openSignal('aborted');
    const call = locks.write('key', { signal }, () => 'done');
    signal.spoil();
    const errors = await uncaughtIn(() => hold.release());
    assert.deepEqual([errors, await call], [['no aborted'], 'done']);
    await assertFree(locks);
  });

  it('whose `aborted` throws does not keep `close()` from its end', async (t) => {
    const locks = new Locks();
    const hold = locks.tryWrite('key');
    const signal = openSignal('aborted');
    const aborts = [];
    const listener = ({ key }) => aborts.push(key);
    diagnostics.subscribe('latchkey:abort', listener);
    t.after(() => diagnostics.unsubscribe('latchkey:abort', listener));
    const calls = [1, 2].map(() => follow(locks.write('key', { signal })));
    signal.spoil();
    signal.listener();
    locks.close();
    await turn();
    assert.deepEqual(
      calls.map(({ value }) => value),
      ['mine', 'mine'],
    );
    assert.deepEqual(aborts, ['key', 'key']);
    hold.release();
  });

  it('that cannot be listened to refuses its request, and is not said to have aborted', async (t) => {
    const locks = new Locks();
    const hold = locks.tryWrite('key');
    const messages = [];
    for (const what of ['abort', 'refuse']) {
      const listener = ({ key }) => messages.push([what, key]);
      diagnostics.subscribe(`latchkey:${what}`, listener);
      t.after(() => diagnostics.unsubscribe(`latchkey:${what}`, listener));
    }
    const signal = {
      ...{ aborted: false, reason: 'mine', throwIfAborted() {}, removeEventListener() {} },
      addEventListener() {
        throw new Error('not listened to');
      },
    };
    assert.equal((await errorOf(locks.write('key', { signal }))).message, 'not listened to');
    assert.deepEqual(messages, [['refuse', 'key']]);
    hold.release();
    await assertFree(locks);
  });

  it('that lets its request in when it is listened to keeps no listener', async () => {
    const locks = new Locks();
    const hold = locks.tryWrite('key');
    const counts = { added: 0, removed: 0 };
    const signal = {
      ...{ aborted: false, reason: 'mine', throwIfAborted() {} },
      addEventListener() {
        counts.added++;
        hold.release();
      },
      removeEventListener: () => void counts.removed++,
    };
    (await locks.write('key', { signal })).release();
    assert.deepEqual(counts, { added: 1, removed: 1 });
  });
});
