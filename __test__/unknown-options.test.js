'use strict';
// An option that does not exist, or stands in the wrong place, is refused by the very call, with the name that was probably
// meant: a lock that is quietly not the one that was asked for excludes nobody, and a time limit that is quietly none waits for
// ever.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { Lock, Locks } = require('latchkey');
const { overScopes, overScopesAndModes, freshName, TRY } = require('./support/scopes');
const { errorOf, follow } = require('./support/follow');

/** The error for an option, with the whole of its message. */
function refusal(message) {
  return { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message };
}

describe('new Locks()', () => {
  const refused = [
    [
      { stroe: 'redis://localhost' },
      'The "options.stroe" argument must be absent: new Locks() has no such option. Did you mean "store"?',
    ],
    [
      { Name: 'orders' },
      'The "options.Name" argument must be absent: new Locks() has no such option. Did you mean "name"?',
    ],
    [
      { timeoutMs: 3 },
      'The "options.timeoutMs" argument must be absent: new Locks() has no such option. Did you mean "timeout"?',
    ],
    [
      { maxPendingRequests: 3 },
      'The "options.maxPendingRequests" argument must be absent: new Locks() has no such option. Did you mean "maxPending"?',
    ],
    [
      { ttl: 3 },
      'The "options.ttl" argument must be absent: new Locks() has no such option. It belongs in "options.store"',
    ],
    [
      { signal: AbortSignal.abort() },
      'The "options.signal" argument must be absent: new Locks() has no such option. It is an option of read() and write()',
    ],
    [
      { retryCount: 3 },
      /^The "options.retryCount" argument must be absent: new Locks\(\) has no such option\. Its options are "name", "store", /,
    ],
  ];
  for (const [options, message] of refused) {
    const [option] = Object.keys(options);
    it(`refuses ${option}`, () => {
      assert.throws(() => new Locks(options), refusal(message));
      assert.throws(() => new Locks({ name: freshName(), ...options }), refusal(message));
    });
    it(`refuses ${option} whatever its value, and where it is inherited`, () => {
      assert.throws(() => new Locks({ [option]: undefined }), refusal(message));
      assert.throws(() => new Locks(Object.create(options)), refusal(message));
    });
  }

  for (const option of ['name', 'store']) {
    it(`refuses ${option}: undefined, which would be another lock than the one that was meant`, () => {
      const message =
        `The "options.${option}" argument must be absent or null if there is none. Received undefined: ` +
        'is a variable not set?';
      assert.throws(() => new Locks({ [option]: undefined }), refusal(message));
      assert.throws(
        () => new Locks({ name: freshName(), store: null, [option]: undefined }),
        refusal(message),
      );
      assert.throws(() => new Lock(0, null, { [option]: undefined }), refusal(message));
    });
  }

  it('takes null for no name and no store', () => {
    for (const options of [{ name: null }, { store: null }, { name: null, store: null }]) {
      const [one, other] = [new Locks(options), new Locks(options)];
      assert.notEqual(one.tryWrite('key'), null);
      assert.notEqual(other.tryWrite('key'), null);
    }
    const name = freshName();
    const [one, other] = [new Locks({ name, store: null }), new Locks({ name })];
    one.tryWrite('key');
    assert.equal(other.tryWrite('key'), null);
  });

  it('does not count what somebody has added to all objects', () => {
    const all = Object.prototype;
    Object.defineProperty(all, 'stroe', { value: 'redis://a', enumerable: true, configurable: true });
    try {
      new Locks({}).close();
    } finally {
      delete Object.prototype.stroe;
    }
  });

  it('names the store option that was probably meant', () => {
    const open = (store) => new Locks({ name: 'orders', store: { url: 'redis://localhost', ...store } });
    assert.throws(
      () => open({ namspace: 'mine' }),
      refusal(
        'The "options.store.namspace" argument must be absent: a store has no such option. Did you mean "namespace"?',
      ),
    );
    assert.throws(
      () => open({ expiry: 5 }),
      refusal(
        'The "options.store.expiry" argument must be absent: a store has no such option. It is an option of new Locks()',
      ),
    );
  });
});

describe('new Lock()', () => {
  it('refuses an option that it does not have', () => {
    assert.throws(
      () => new Lock(0, null, { nmae: 'orders' }),
      refusal(
        'The "options.nmae" argument must be absent: new Lock() has no such option. Did you mean "name"?',
      ),
    );
    assert.throws(
      () => new Lock(0, null, { timeout: 5 }),
      refusal(
        'The "options.timeout" argument must be absent: new Lock() has no such option. It is the first argument of new Lock()',
      ),
    );
  });
});

overScopesAndModes('a call', (open, mode) => {
  const other = mode === 'read' ? 'read' : 'write';
  const refused = [
    [
      { timeoutMs: 3 },
      `The "options.timeoutMs" argument must be absent: ${other}() has no such option. Did you mean "timeout"?`,
    ],
    [
      { expire: 3 },
      `The "options.expire" argument must be absent: ${other}() has no such option. Did you mean "expiry"?`,
    ],
    [
      { maxPending: 3 },
      `The "options.maxPending" argument must be absent: ${other}() has no such option. It is an option of new Locks()`,
    ],
  ];
  for (const [options, message] of refused) {
    const [option] = Object.keys(options);
    it(`refuses ${option}, and asks for nothing`, async () => {
      const locks = open();
      for (const args of [[options], [options, () => assert.fail('must not run')]]) {
        for (const key of ['key', ['a', 'b']]) {
          const { name, code, message: said } = await errorOf(locks[mode](key, ...args));
          assert.deepEqual({ name, code, message: said }, refusal(message));
        }
      }
      assert.deepEqual(await locks.query(), { held: [], pending: [] });
    });
  }

  it('refuses options after the function', async () => {
    const locks = open();
    for (const last of [{ timeout: 5 }, {}, null, 5, () => {}]) {
      const error = await errorOf(locks[mode]('key', () => assert.fail('must not run'), last));
      assert.equal(error.code, 'ERR_INVALID_ARG_TYPE');
      assert.equal(
        error.message,
        `The "fn" argument must be the last one: ${other}(key, options, fn), with the options before the function`,
      );
    }
    assert.deepEqual(await locks.query(), { held: [], pending: [] });
    assert.equal(await locks[mode]('key', () => 7, undefined), 7);
  });

  it('that tries refuses what only a call that waits can have', async () => {
    const locks = open();
    for (const options of [{ timeout: 5 }, { signal: new AbortController().signal }]) {
      const [option] = Object.keys(options);
      await assert.rejects(async () => locks[TRY[mode]]('key', options), {
        ...refusal(
          `The "options.${option}" argument must be absent: ${TRY[mode]}() has no such option. ` +
            'It is an option of read() and write()',
        ),
      });
    }
    assert.deepEqual(await locks.query(), { held: [], pending: [] });
  });
});

overScopes('the timeout of a Locks', (open) => {
  it('is that of all its calls', async () => {
    const locks = open({ timeout: 20 });
    const hold = await locks.write('key');
    for (const args of [
      ['key'],
      ['key', {}],
      ['key', { expiry: 5 }, () => {}],
      ['key', () => {}],
      [['a', 'key']],
    ]) {
      const error = await errorOf(locks.write(...args));
      assert.deepEqual([error.code, error.key], ['ERR_LOCK_TIMEOUT', 'key']);
    }
    await hold.release();
  });

  it('is replaced by that of a call', async () => {
    const locks = open({ timeout: 0 });
    const hold = await locks.write('key', { timeout: Infinity });
    const next = follow(locks.write('key', { timeout: 60_000 }));
    await hold.release();
    await next.settled;
    assert.equal(next.state, 'fulfilled');
    await next.value.release();
  });

  it('is refused if it is no time', () => {
    assert.throws(() => open({ timeout: '5' }), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => open({ timeout: -1 }), { code: 'ERR_OUT_OF_RANGE' });
    for (const timeout of [null, undefined, Infinity]) open({ timeout }).close();
  });
});
