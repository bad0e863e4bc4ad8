'use strict';
// Bad input to the promise API: a TypeError or RangeError with Node's codes, from the very call, and nothing has
// changed: a promise where the call gives one, a throw where it does not.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { inspect } = require('node:util');
const { Locks } = require('latchkey');
const { overScopesAndModes, TRY } = require('./support/scopes');
const { errorOf } = require('./support/follow');

const WRONG_TYPE = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
const OUT_OF_RANGE = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };

const revoked = Proxy.revocable({}, {});
revoked.revoke();

const keys = [
  undefined,
  null,
  Symbol('key'),
  Object.create(null),
  revoked.proxy,
  { toString: () => ({}), valueOf: () => ({}) },
];
const functions = [null, 'fn', 7, true, {}, [], Symbol('fn'), 5n];
const optionValues = ['options', 7, true, 5n, Symbol('options')];
const wrongMilliseconds = ['100', '', true, {}, [], 5n, Symbol('ms'), new Date()];
const outOfRange = [-1, -0.001, NaN, -Infinity];
const signals = [
  null,
  'abort',
  7,
  true,
  {},
  [],
  () => {},
  new AbortController(),
  { aborted: false, reason: undefined },
];
const names = [undefined, 7, true, {}, [], Symbol('name'), 5n];

/** [what it says in a test's name, options, the error] of all options that a call refuses. */
function* wrongWishes() {
  for (const value of signals) yield [`signal: ${inspect(value)}`, { signal: value }, WRONG_TYPE];
  for (const option of ['timeout', 'expiry']) {
    for (const value of wrongMilliseconds)
      yield [`${option}: ${inspect(value)}`, { [option]: value }, WRONG_TYPE];
    for (const value of outOfRange) yield [`${option}: ${inspect(value)}`, { [option]: value }, OUT_OF_RANGE];
  }
  for (const value of optionValues) yield [`options: ${inspect(value)}`, value, WRONG_TYPE];
}

overScopesAndModes('a call', (open, mode) => {
  /** Asserts that a call is refused, by a rejection, and changes nothing. */
  async function assertRejects(expected, ...args) {
    const locks = open();
    const hold = await locks.tryWrite('held');
    const call = locks[mode](...args);
    assert.ok(call instanceof Promise);
    const error = await errorOf(call);
    assert.deepEqual({ name: error.name, code: error.code }, expected);
    assert.ok(error instanceof (expected.name === 'TypeError' ? TypeError : RangeError));
    const { held, pending } = await locks.query();
    assert.deepEqual(
      held.map(({ key }) => key),
      ['held'],
    );
    assert.deepEqual(pending, []);
    hold.release();
    const next = await locks.tryWrite('key');
    assert.notEqual(next, null);
    next.release();
    return error;
  }

  const never = () => assert.fail('must not run');

  for (const key of keys) {
    it(`refuses as a key: ${inspect(key)}`, async () => {
      await assertRejects(WRONG_TYPE, key, never);
      await assertRejects(WRONG_TYPE, key);
      await assertRejects(WRONG_TYPE, ['a', key], never);
      await assert.rejects(async () => open()[TRY[mode]](key), WRONG_TYPE);
      await assert.rejects(async () => open()[TRY[mode]](['a', key]), WRONG_TYPE);
    });
  }

  for (const fn of functions) {
    it(`refuses as a function: ${inspect(fn)}`, async () => {
      await assertRejects(WRONG_TYPE, 'key', {}, fn);
      await assertRejects(WRONG_TYPE, ['a', 'b'], undefined, fn);
    });
  }

  for (const [title, options, expected] of wrongWishes()) {
    it(`refuses ${title}`, async () => {
      await assertRejects(expected, 'key', options, never);
      await assertRejects(expected, 'key', options);
      await assertRejects(expected, 'held', options);
      await assertRejects(expected, ['a', 'held'], options);
    });
  }

  for (const value of [...wrongMilliseconds, ...outOfRange]) {
    it(`that tries refuses expiry: ${inspect(value)}`, async () => {
      const locks = open();
      const expected = typeof value === 'number' ? OUT_OF_RANGE : WRONG_TYPE;
      await assert.rejects(async () => locks[TRY[mode]]('key', { expiry: value }), expected);
      await assert.rejects(async () => locks[TRY[mode]](['a'], { expiry: value }), expected);
      assert.deepEqual(await locks.query(), { held: [], pending: [] });
    });
  }

  it('that tries refuses options that are no object', async () => {
    for (const options of optionValues)
      await assert.rejects(async () => open()[TRY[mode]]('key', options), WRONG_TYPE);
  });

  it('names what is wrong, and what it was', async () => {
    const message = async (...args) => (await assertRejects(...args)).message;
    assert.match(await message(WRONG_TYPE, 'key', { timeout: '100' }), /timeout.*number.*string.*100/);
    assert.match(await message(OUT_OF_RANGE, 'key', { expiry: -1 }), /expiry.*0 or more.*-1/);
    assert.match(await message(WRONG_TYPE, 'key', { signal: 7 }), /signal.*AbortSignal.*7/);
    assert.match(await message(WRONG_TYPE, 'key', 'x'), /options.*object.*x/);
    assert.match(await message(WRONG_TYPE, 'key', {}, 'x'), /"fn".*function.*x/);
    assert.match(await message(WRONG_TYPE, null), /"key".*null/);
  });

  it('rejects with what a getter of the options throws', async () => {
    const locks = open();
    const mine = new Error('mine');
    const options = {
      get timeout() {
        throw mine;
      },
    };
    assert.equal(await errorOf(locks[mode]('key', options)), mine);
    assert.deepEqual(await locks.query(), { held: [], pending: [] });
  });
});

describe('the constructor', () => {
  /** Asserts that a Locks cannot be made so. */
  function assertRefused(options, expected) {
    assert.throws(() => new Locks(options), expected);
  }

  for (const value of names) {
    it(`refuses name: ${inspect(value)}`, () => assertRefused({ name: value }, WRONG_TYPE));
  }
  for (const value of wrongMilliseconds) {
    it(`refuses expiry: ${inspect(value)}`, () => {
      assertRefused({ expiry: value }, WRONG_TYPE);
      assertRefused({ expiry: value, name: 'bad input' }, WRONG_TYPE);
    });
    it(`refuses maxPending: ${inspect(value)}`, () => assertRefused({ maxPending: value }, WRONG_TYPE));
  }
  for (const value of outOfRange) {
    it(`refuses expiry: ${value}`, () => assertRefused({ expiry: value }, OUT_OF_RANGE));
    it(`refuses maxPending: ${value}`, () => assertRefused({ maxPending: value }, OUT_OF_RANGE));
  }
  for (const value of [...optionValues, () => {}]) {
    it(`refuses options: ${inspect(value)}`, () => assertRefused(value, WRONG_TYPE));
  }
  it('refuses a store without a name, which is how its keys are found', () => {
    assertRefused({ store: 'redis://localhost' }, WRONG_TYPE);
  });

  for (const store of [
    undefined,
    1,
    true,
    [],
    {},
    { url: 1 },
    { url: 'nowhere' },
    { url: 'redis://a', ttl: '1' },
    { url: { href: 'redis://a' } },
    { url: 'redis://a', timeout: 1 },
    { url: 'redis://a', constructor: 1 },
    { host: 'a' },
  ]) {
    it(`refuses the store ${inspect(store)}`, () => assertRefused({ name: 'orders', store }, WRONG_TYPE));
  }

  it('takes a store option without a value for none', () => {
    for (const nothing of [undefined, null]) {
      new Locks({ name: 'orders', store: { url: 'redis://a', connectTimeout: nothing } }).close();
    }
  });
  it('shows no password in the error', () => {
    const urls = [
      'http://me:secret@host',
      'redis://me:secret@host:port',
      new URL('http://me:secret@host'),
      { url: new URL('http://me:secret@host') },
    ];
    for (const url of urls) {
      assert.throws(
        () => new Locks({ name: 'orders', store: url }),
        (error) => error.code === 'ERR_INVALID_ARG_TYPE' && !inspect(error).includes('secret'),
      );
    }
  });
  it('takes nothing, an empty object, null', () => {
    for (const args of [[], [undefined], [null], [{}], [{ name: null, store: null }]]) {
      new Locks(...args).close();
    }
  });
  it('has to be called with new', () => {
    assert.throws(() => Locks(), TypeError);
  });
});
